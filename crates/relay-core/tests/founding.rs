//! Who may found a space, when somebody decides that.

mod support;

use bytes::Bytes;
use relay_core::founding::{FoundingAnswer, FoundingRequest, FoundingVerdict, Gatekeeper};
use relay_core::store::Store;
use relay_proto::ErrorCode;
use relay_proto::erasure::ErasureReason;
use relay_proto::frame::{FoundingProof, Frame, Hello, Proof, RelayFrame};
use relay_proto::handshake::{sign_founding_proof, sign_proof};
use relay_proto::ids::Signature;
use std::sync::{Arc, Mutex};
use support::{Cast, World};

/// Answers by the token's text, and remembers what it was asked.
#[derive(Default)]
struct Doorkeeper {
    asked: Mutex<Vec<FoundingRequest>>,
    waiting: Mutex<Vec<FoundingAnswer>>,
}

impl Gatekeeper for Doorkeeper {
    fn judge(&self, request: FoundingRequest, answer: FoundingAnswer) {
        let verdict = match &request.admission[..] {
            b"good" => Some(FoundingVerdict::Admitted(None)),
            b"bad" => Some(FoundingVerdict::Refused),
            b"later" => None,
            _ => Some(FoundingVerdict::Unavailable),
        };
        self.asked.lock().unwrap().push(request);
        match verdict {
            Some(verdict) => answer(verdict),
            None => self.waiting.lock().unwrap().push(answer),
        }
    }
}

struct Scene {
    world: World,
    cast: Cast,
    keeper: Arc<Doorkeeper>,
}

impl Scene {
    fn new() -> Self {
        let keeper = Arc::new(Doorkeeper::default());
        let world = World::guarded(Arc::clone(&keeper) as Arc<dyn Gatekeeper>);
        Self { world, cast: Cast::new(), keeper }
    }

    fn asked(&self) -> usize {
        self.keeper.asked.lock().unwrap().len()
    }

    /// Connects as the admin device with its chain and a token.
    fn connect(&mut self, chain: Vec<Bytes>, token: &'static [u8]) -> usize {
        let Self { world, cast, .. } = self;
        let id = world.connect();
        let (hello, challenge) = world.greet(id, &world.hello(&cast.space, &cast.a));
        let keyring = if chain.is_empty() { Bytes::new() } else { cast.space.keyring.clone() };
        let frame = if token.is_empty() {
            sign_proof(&cast.a, &hello, &challenge, chain, keyring).encode()
        } else {
            let admission = Bytes::from_static(token);
            let proof = FoundingProof { chain, keyring, admission, signature: Signature::ZERO };
            sign_founding_proof(&cast.a, &hello, &challenge, proof).encode()
        };
        world.send_bytes(id, frame);
        id
    }

    fn chain(&self) -> Vec<Bytes> {
        self.cast.space.chain.clone()
    }

    fn refused(&mut self, id: usize) -> (u16, Option<u16>) {
        (self.world.error(id).code, self.world.closed(id))
    }

    fn is_known(&self) -> bool {
        let found = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&found);
        self.world
            .store
            .space(self.cast.space.id(), Box::new(move |facts| *slot.lock().unwrap() = Some(facts.unwrap().is_some())));
        let known = found.lock().unwrap().take();
        known.expect("the memory store answers at once")
    }
}

fn code(code: ErrorCode) -> (u16, Option<u16>) {
    (code.number(), Some(code.close()))
}

#[test]
fn a_token_founds_a_space_and_is_not_asked_for_again() {
    let mut scene = Scene::new();
    let id = scene.connect(scene.chain(), b"good");
    assert!(matches!(scene.world.recv(id), RelayFrame::Welcome(_)));
    assert!(scene.is_known());
    for (chain, token) in [(scene.chain(), &b""[..]), (Vec::new(), b""), (scene.chain(), b"bad"), (Vec::new(), b"bad")]
    {
        let id = scene.connect(chain, token);
        assert!(matches!(scene.world.recv(id), RelayFrame::Welcome(_)), "the space is there");
    }
    assert_eq!((scene.asked(), scene.world.relay.stats().foundings_admitted_total), (1, 1));
}

#[test]
fn without_a_token_or_with_a_bad_one_nothing_is_founded() {
    let mut scene = Scene::new();
    let id = scene.connect(scene.chain(), b"");
    assert_eq!(scene.refused(id), code(ErrorCode::AdmissionRequired));
    assert_eq!(scene.asked(), 0);
    let id = scene.connect(scene.chain(), b"bad");
    assert_eq!(scene.refused(id), code(ErrorCode::AdmissionRefused));
    let id = scene.connect(scene.chain(), b"who knows");
    let error = scene.world.error(id);
    assert_eq!((error.code, error.retry_after_ms), (ErrorCode::AdmissionUnavailable.number(), 1000));
    assert!(!scene.is_known());
    let stats = scene.world.relay.stats();
    assert_eq!((stats.foundings_refused_total, stats.foundings_unavailable_total), (2, 1));
}

#[test]
fn only_statements_that_hold_reach_the_gatekeeper() {
    let mut scene = Scene::new();
    let mut forged = scene.chain();
    let mut bytes = forged[0].to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    forged[0] = bytes.into();
    for chain in [forged, Vec::new()] {
        let id = scene.connect(chain, b"good");
        scene.world.advance(25);
        assert_eq!(scene.refused(id), code(ErrorCode::HandshakeFailed), "the one answer");
    }
    assert_eq!(scene.asked(), 0);
}

#[test]
fn an_answer_that_never_comes_is_a_no() {
    let mut scene = Scene::new();
    let id = scene.connect(scene.chain(), b"later");
    scene.world.jump(10_000);
    scene.world.poll(id);
    assert_eq!(scene.refused(id), code(ErrorCode::HandshakeTimeout));
    assert!(!scene.is_known());
    // Too late: the session is gone, and nothing is founded for it.
    let answer = scene.keeper.waiting.lock().unwrap().pop().unwrap();
    answer(FoundingVerdict::Admitted(None));
    scene.world.settle();
    assert!(!scene.is_known());
}

#[test]
fn a_space_that_was_erased_is_not_founded_by_a_token() {
    let mut scene = Scene::new();
    let id = scene.connect(scene.chain(), b"good");
    assert!(matches!(scene.world.recv(id), RelayFrame::Welcome(_)));
    scene.world.store.erase(scene.cast.space.id(), ErasureReason::Operator, Box::new(|erased| erased.unwrap()));
    let id = scene.connect(scene.chain(), b"good");
    let errors: Vec<_> = scene.world.recv_all(id);
    let told =
        |frame: &RelayFrame| matches!(frame, RelayFrame::ErrorFrame(e) if e.code == ErrorCode::SpaceErased.number());
    assert!(errors.iter().any(told), "{errors:?}");
    assert_eq!(scene.asked(), 1);
}

#[test]
fn a_token_is_signed_with_the_rest_of_the_handshake() {
    let mut scene = Scene::new();
    let Scene { world, cast, .. } = &mut scene;
    let id = world.connect();
    let (hello, challenge) = world.greet(id, &world.hello(&cast.space, &cast.a));
    let Proof { chain, keyring, signature } =
        sign_proof(&cast.a, &hello, &challenge, cast.space.chain.clone(), cast.space.keyring.clone());
    let admission = Bytes::from_static(b"good");
    world.send(id, &FoundingProof { chain, keyring, admission, signature });
    world.advance(25);
    assert_eq!(scene.refused(id), code(ErrorCode::HandshakeFailed));
    assert_eq!(scene.asked(), 0);
}

#[test]
fn who_did_not_agree_on_tokens_brings_none() {
    let mut scene = Scene::new();
    let Scene { world, cast, .. } = &mut scene;
    let id = world.connect();
    let features = relay_proto::limits::FEATURES & !relay_proto::limits::FEATURE_ADMISSION;
    let offer = Hello { features, ..world.hello(&cast.space, &cast.a) };
    let (hello, challenge) = world.greet(id, &offer);
    let (chain, keyring) = (cast.space.chain.clone(), cast.space.keyring.clone());
    let proof = FoundingProof { chain, keyring, admission: Bytes::from_static(b"good"), signature: Signature::ZERO };
    world.send(id, &sign_founding_proof(&cast.a, &hello, &challenge, proof));
    world.advance(25);
    assert_eq!(scene.refused(id), code(ErrorCode::HandshakeFailed));
    assert_eq!(scene.asked(), 0);
}
