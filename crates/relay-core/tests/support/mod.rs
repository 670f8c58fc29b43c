//! Several sessions on one relay with the memory store, in virtual time, without sockets.
#![allow(dead_code, reason = "each test binary uses its part")]

use bytes::Bytes;
use relay_core::endpoint::{
    Close, Endpoint, EndpointFactory, Fed, Feed, FeedKind, FeedWaker, Moment, Opened, Outbound, Outbox,
};
use relay_core::environment::{Entropy, LogSigner, WallClock};
use relay_core::founding::Gatekeeper;
use relay_core::limits::RelayLimits;
use relay_core::memory_store::{MemoryStore, MemoryStoreParts};
use relay_core::relay::{Guards, Relay, RelayParts};
use relay_core::store::Store;
use relay_core::testing::{SeededEntropy, SetClock, SpaceFixture, TestSigner};
use relay_proto::KeyPair;
use relay_proto::frame::{
    Ack, Challenge, Entries, ErrorFrame, Frame, Hello, Push, Receipt, RelayFrame, Subscribe, Welcome,
};
use relay_proto::handshake::{ClientTranscript, sign_proof};
use relay_proto::ids::{Hash, SealedBytes};
use relay_proto::roster::Rights;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What a connection's write queue takes.
pub(crate) const WINDOW_BYTES: usize = 256 * 1024;

pub(crate) struct Queue {
    pub(crate) messages: VecDeque<(Moment, Bytes)>,
    pub(crate) closed: Option<(Moment, Close)>,
    pub(crate) paused: bool,
    pub(crate) window_bytes: usize,
    /// Taken when the connection takes feeds.
    feeds: [Option<Arc<dyn Feed>>; 2],
    feed_waker: Option<Arc<Flag>>,
    queued_bytes: usize,
    pub(crate) queued_bytes_max: usize,
    now: Moment,
}

/// Set by a wake-up.
#[derive(Default)]
struct Flag(AtomicBool);

impl FeedWaker for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Queue {
    pub(crate) fn takes_from_feed(&self) -> bool {
        self.feeds.iter().any(Option::is_some)
    }
}

impl Outbox for Queue {
    fn room_bytes(&self) -> usize {
        self.window_bytes.saturating_sub(self.queued_bytes)
    }

    fn push(&mut self, message: Outbound) {
        assert!(self.closed.is_none(), "nothing is sent after the close");
        let frame = match message {
            Outbound::Own(frame) => frame,
            Outbound::Shared(shared) => shared.frame(),
        };
        self.queued_bytes += frame.len();
        self.queued_bytes_max = self.queued_bytes_max.max(self.queued_bytes);
        self.messages.push_back((self.now, frame));
    }

    fn offer_feed(&mut self, kind: FeedKind, feed: Arc<dyn Feed>) -> Option<Arc<dyn FeedWaker>> {
        let waker = Arc::clone(self.feed_waker.as_ref()?);
        self.feeds[usize::from(kind == FeedKind::Ephemeral)] = Some(feed);
        Some(waker)
    }

    fn close(&mut self, close: Close) {
        self.closed.get_or_insert((self.now, close));
    }

    fn pause_reading(&mut self, paused: bool) {
        self.paused = paused;
    }
}

pub(crate) struct Connection {
    endpoint: Box<dyn Endpoint>,
    woken: Arc<AtomicBool>,
    pub(crate) queue: Queue,
}

impl Connection {
    /// As a transport does: only while nothing else waits. `false` when the endpoint is to be asked.
    fn take_from_feed(&mut self) -> bool {
        if self.queue.room_bytes() != WINDOW_BYTES {
            return false;
        }
        let mut is_all = true;
        for feed in self.queue.feeds.clone().iter().flatten() {
            match feed.take() {
                Fed::Run { run, more } => {
                    self.queue.push_run(run);
                    is_all &= !more;
                }
                Fed::Nothing => {}
                Fed::AskEndpoint => is_all = false,
            }
        }
        is_all
    }

    fn poll(&mut self, now: Moment) -> bool {
        self.queue.now = now;
        let due = self.endpoint.next_deadline().is_some_and(|deadline| deadline <= now);
        let fed = self.queue.feed_waker.as_ref().is_some_and(|flag| flag.0.swap(false, Ordering::SeqCst));
        let woken = self.woken.swap(false, Ordering::SeqCst) || (fed && !self.take_from_feed());
        if (due || woken) && self.queue.closed.is_none() {
            self.endpoint.poll(now, &mut self.queue);
            return true;
        }
        false
    }
}

/// A relay, its store, the clocks, and every connection.
pub(crate) struct World {
    pub(crate) relay: Arc<Relay>,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) wall: Arc<SetClock>,
    pub(crate) signer: Arc<TestSigner>,
    pub(crate) now: Moment,
    pub(crate) connections: Vec<Connection>,
    entropy: Arc<SeededEntropy>,
    limits: RelayLimits,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_limits(RelayLimits::default())
    }

    pub(crate) fn with_limits(limits: RelayLimits) -> Self {
        Self::of(limits, Guards::default())
    }

    /// Where somebody says who may found spaces.
    pub(crate) fn guarded(gatekeeper: Arc<dyn Gatekeeper>) -> Self {
        Self::of(RelayLimits::default(), Guards { gatekeeper: Some(gatekeeper), ..Guards::default() })
    }

    /// Where spaces are on somebody's account too.
    pub(crate) fn of_tenants(guards: Guards) -> Self {
        Self::of(RelayLimits::default(), guards)
    }

    fn of(limits: RelayLimits, guards: Guards) -> Self {
        let wall = Arc::new(SetClock::default());
        let signer = Arc::new(TestSigner::new(200));
        let entropy = Arc::new(SeededEntropy::new(7));
        let store = Arc::new(MemoryStore::new(MemoryStoreParts {
            signer: Arc::clone(&signer) as Arc<dyn LogSigner>,
            entropy: Arc::clone(&entropy) as Arc<dyn Entropy>,
            wall_clock: Arc::clone(&wall) as Arc<dyn WallClock>,
        }));
        let relay = relay_of(&store, &signer, &entropy, &wall, limits, guards);
        Self { relay, store, wall, signer, now: Moment::default(), connections: Vec::new(), entropy, limits }
    }

    /// Another relay over the same store, as after a restart; all connections are gone.
    pub(crate) fn restart(&mut self) {
        self.restart_as(Guards::default());
    }

    pub(crate) fn restart_as(&mut self, guards: Guards) {
        for connection in &mut self.connections {
            connection.endpoint.on_closed();
        }
        self.connections.clear();
        self.relay = relay_of(&self.store, &self.signer, &self.entropy, &self.wall, self.limits, guards);
    }

    pub(crate) fn connect(&mut self) -> usize {
        self.attach(|relay, opened, now| relay.open(opened, now))
    }

    /// Adds an endpoint that the relay opens.
    pub(crate) fn attach(&mut self, open: impl FnOnce(&Relay, Opened, Moment) -> Box<dyn Endpoint>) -> usize {
        let woken = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&woken);
        let waker = Arc::new(move || flag.store(true, Ordering::SeqCst));
        let id = self.connections.len();
        let endpoint = open(&self.relay, Opened { connection_id: id as u64, waker }, self.now);
        let queue = Queue {
            messages: VecDeque::new(),
            closed: None,
            paused: false,
            window_bytes: WINDOW_BYTES,
            feeds: [None, None],
            // Every other connection takes feeds, so that both ways are gone in every test.
            feed_waker: id.is_multiple_of(2).then(Arc::default),
            queued_bytes: 0,
            queued_bytes_max: 0,
            now: self.now,
        };
        self.connections.push(Connection { endpoint, woken, queue });
        id
    }

    pub(crate) fn send_bytes(&mut self, id: usize, message: Bytes) {
        self.send_all(id, [message]);
    }

    /// What arrives together.
    pub(crate) fn send_all(&mut self, id: usize, messages: impl IntoIterator<Item = Bytes>) {
        let connection = &mut self.connections[id];
        connection.queue.now = self.now;
        for message in messages {
            connection.endpoint.on_message(message, self.now, &mut connection.queue);
        }
        connection.endpoint.on_read_end(self.now, &mut connection.queue);
        self.settle();
    }

    /// Offers a message that lies where it was read.
    pub(crate) fn in_place(&mut self, id: usize, message: &[u8]) -> bool {
        self.connections[id].endpoint.take_in_place(message, self.now)
    }

    /// Hands over a message that was not taken in place; more of the read may follow.
    pub(crate) fn hand_over(&mut self, id: usize, message: &Bytes) {
        let connection = &mut self.connections[id];
        connection.queue.now = self.now;
        connection.endpoint.on_message(message.clone(), self.now, &mut connection.queue);
    }

    pub(crate) fn end_read(&mut self, id: usize) {
        let connection = &mut self.connections[id];
        connection.queue.now = self.now;
        connection.endpoint.on_read_end(self.now, &mut connection.queue);
        self.settle();
    }

    /// The peer will send no more.
    pub(crate) fn end_input(&mut self, id: usize) {
        let connection = &mut self.connections[id];
        connection.queue.now = self.now;
        connection.endpoint.on_input_end(self.now, &mut connection.queue);
        self.settle();
    }

    /// Polls without having been woken, as a transport does once at the start.
    pub(crate) fn poll(&mut self, id: usize) {
        let connection = &mut self.connections[id];
        connection.queue.now = self.now;
        connection.endpoint.poll(self.now, &mut connection.queue);
        self.settle();
    }

    pub(crate) fn send(&mut self, id: usize, frame: &impl Frame) {
        self.send_bytes(id, frame.encode());
    }

    /// Polls until nobody was woken.
    pub(crate) fn settle(&mut self) {
        for _ in 0..100_000 {
            let now = self.now;
            let mut any = false;
            for connection in &mut self.connections {
                any |= connection.poll(now);
            }
            if !any {
                return;
            }
        }
        panic!("the sessions never come to rest");
    }

    /// Lets time pass, a millisecond at a time, on both clocks.
    pub(crate) fn advance(&mut self, ms: u64) {
        for _ in 0..ms {
            self.now = Moment(self.now.0 + Duration::from_millis(1));
            self.wall.advance(1);
            self.settle();
        }
    }

    /// Lets time jump on both clocks.
    pub(crate) fn jump(&mut self, ms: u64) {
        self.now = Moment(self.now.0 + Duration::from_millis(ms));
        self.wall.advance(ms);
        self.settle();
    }

    /// The next message, after which there is room for more.
    pub(crate) fn take(&mut self, id: usize) -> Option<Bytes> {
        let connection = &mut self.connections[id];
        let (_, message) = connection.queue.messages.pop_front()?;
        connection.queue.queued_bytes -= message.len();
        if connection.queue.closed.is_none() {
            connection.queue.now = self.now;
            connection.endpoint.poll(self.now, &mut connection.queue);
        }
        self.settle();
        Some(message)
    }

    pub(crate) fn recv(&mut self, id: usize) -> RelayFrame {
        let message = self.take(id).expect("a frame");
        RelayFrame::decode(&message).expect("a frame of the relay")
    }

    pub(crate) fn recv_all(&mut self, id: usize) -> Vec<RelayFrame> {
        std::iter::from_fn(|| self.take(id)).map(|message| RelayFrame::decode(&message).unwrap()).collect()
    }

    pub(crate) fn error(&mut self, id: usize) -> ErrorFrame {
        match self.recv(id) {
            RelayFrame::ErrorFrame(error) => error,
            other => panic!("expected an error, got {other:?}"),
        }
    }

    pub(crate) fn closed(&self, id: usize) -> Option<u16> {
        self.connections[id].queue.closed.as_ref().map(|(_, close)| close.code)
    }

    pub(crate) fn hang_up(&mut self, id: usize) {
        self.connections[id].endpoint.on_closed();
        self.connections[id].queue.closed.get_or_insert((self.now, Close { code: 1006, reason: "" }));
        self.settle();
    }

    pub(crate) fn drain(&mut self, id: usize) {
        let connection = &mut self.connections[id];
        connection.queue.now = self.now;
        connection.endpoint.on_drain(self.now, &mut connection.queue);
    }

    /// Founds a space at the store.
    pub(crate) fn found(&self, space: &SpaceFixture) {
        self.store.put_roster(
            space.id(),
            space.chain.clone(),
            space.keyring.clone(),
            Box::new(|result| drop(result.unwrap())),
        );
    }

    pub(crate) fn hello(&self, space: &SpaceFixture, device: &KeyPair) -> Hello {
        let mut client_nonce = [0; 32];
        self.entropy.fill(&mut client_nonce);
        let (roster_version, roster_hash) = space.newest();
        Hello {
            versions: vec![1],
            features: relay_proto::limits::FEATURES,
            space: space.id(),
            device: device.device(),
            client_nonce,
            roster_version,
            roster_hash,
        }
    }

    /// Sends the hello and returns it with the challenge, as they went over the wire.
    pub(crate) fn greet(&mut self, id: usize, hello: &Hello) -> (Bytes, Bytes) {
        let hello = hello.encode();
        self.send_bytes(id, hello.clone());
        let challenge = self.take(id).expect("a challenge");
        Challenge::decode(&challenge).expect("a challenge");
        (hello, challenge)
    }

    /// The whole handshake with a chain; checks the welcome's signature.
    pub(crate) fn open_with(&mut self, space: &SpaceFixture, device: &KeyPair, chain: Vec<Bytes>) -> (usize, Welcome) {
        let id = self.connect();
        let (hello, challenge) = self.greet(id, &self.hello(space, device));
        let keyring = if chain.is_empty() { Bytes::new() } else { space.keyring.clone() };
        let proof = sign_proof(device, &hello, &challenge, chain, keyring);
        let frame = proof.encode();
        self.send_bytes(id, frame.clone());
        let welcome = self.take(id).expect("a welcome");
        let transcript = ClientTranscript::new(&hello, &challenge, &frame);
        assert!(transcript.verify_welcome(&self.signer.log_id(), &proof.signature, &welcome), "{welcome:?}");
        (id, Welcome::decode(&welcome).unwrap())
    }

    pub(crate) fn open(&mut self, space: &SpaceFixture, device: &KeyPair) -> usize {
        self.open_with(space, device, Vec::new()).0
    }

    pub(crate) fn subscribe(&mut self, id: usize, after: u64, omit_own: bool) {
        let log_epoch = self.store.log().log_epoch;
        self.send(id, &Subscribe { log_epoch, after, omit_own });
    }

    pub(crate) fn push(&mut self, id: usize, push_seq_first: u64, entries: &[&str]) {
        let entries = entries.iter().map(|text| SealedBytes(Bytes::copy_from_slice(text.as_bytes()))).collect();
        self.send(id, &Push { push_seq_first, key_epoch: 1, entries });
    }

    pub(crate) fn receipt(&mut self, id: usize) -> Receipt {
        match self.recv(id) {
            RelayFrame::Receipt(receipt) => receipt,
            other => panic!("expected a receipt, got {other:?}"),
        }
    }

    pub(crate) fn entries(&mut self, id: usize) -> Entries {
        match self.recv(id) {
            RelayFrame::Entries(entries) => entries,
            other => panic!("expected entries, got {other:?}"),
        }
    }

    /// Takes the empty frame that a subscription at the head may begin with.
    pub(crate) fn entries_if_any(&mut self, id: usize) {
        for frame in self.recv_all(id) {
            assert!(matches!(frame, RelayFrame::Entries(entries) if entries.items.is_empty()));
        }
    }

    pub(crate) fn message_bytes_max(&self, id: usize) -> usize {
        self.connections[id].endpoint.message_bytes_max()
    }

    pub(crate) fn ack(&self, space: &SpaceFixture, device: &KeyPair, size: u64, head: Hash) -> Ack {
        Ack::sign(device, &space.id(), &self.signer.log_id(), self.store.log().log_epoch, size, head)
    }
}

fn relay_of(
    store: &Arc<MemoryStore>,
    signer: &Arc<TestSigner>,
    entropy: &Arc<SeededEntropy>,
    wall: &Arc<SetClock>,
    limits: RelayLimits,
    guards: Guards,
) -> Arc<Relay> {
    let parts = RelayParts {
        store: Arc::clone(store) as Arc<dyn Store>,
        signer: Arc::clone(signer) as Arc<dyn LogSigner>,
        entropy: Arc::clone(entropy) as Arc<dyn Entropy>,
        wall_clock: Arc::clone(wall) as Arc<dyn WallClock>,
        limits,
    };
    Relay::guarded(parts, guards)
}

/// The usual cast: a (admin), b (write), r (read) in one space.
pub(crate) struct Cast {
    pub(crate) a: KeyPair,
    pub(crate) b: KeyPair,
    pub(crate) r: KeyPair,
    pub(crate) space: SpaceFixture,
}

impl Cast {
    pub(crate) fn new() -> Self {
        let key = |seed| KeyPair::from_seed(&[seed; 32]);
        let (a, b, r) = (key(101), key(102), key(103));
        let space = SpaceFixture::new(1, &[(&a, Rights::Admin), (&b, Rights::Write), (&r, Rights::Read)]);
        Self { a, b, r, space }
    }
}

/// The texts of a frame's items.
pub(crate) fn texts(entries: &Entries) -> Vec<String> {
    let text = |item: &relay_proto::frame::Item| match &item.body {
        relay_proto::frame::ItemBody::Sealed(sealed) => String::from_utf8_lossy(&sealed.0).into_owned(),
        relay_proto::frame::ItemBody::Own(_) => "(own)".to_owned(),
    };
    entries.items.iter().map(text).collect()
}
