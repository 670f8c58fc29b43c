//! Sessions over HTTP: the handshake in two requests, the token, and what it no longer allows.

mod support;

use bytes::Bytes;
use relay_core::http::{Authorised, ExchangeOptions, HttpSessions, Judged};
use relay_core::limits::RelayLimits;
use relay_core::testing::sealed;
use relay_proto::frame::{Frame, Pull, Push, RelayFrame, RosterPut, SessionTicket, SessionToken, Welcome};
use relay_proto::handshake::{ClientTranscript, sign_proof};
use relay_proto::ids::SealedBytes;
use relay_proto::{ErrorCode, KeyPair, wire::DecodeError};
use std::sync::{Arc, Mutex};
use support::{Cast, World};

/// Everything one request of a handshake is answered with.
fn handshake_request(world: &mut World, frames: &[Bytes]) -> (usize, Vec<Bytes>) {
    let id = world.attach(|relay, opened, now| relay.open_handshake(opened, now));
    for frame in frames {
        world.send_bytes(id, frame.clone());
    }
    world.end_input(id);
    let answers = std::iter::from_fn(|| world.take(id)).collect();
    (id, answers)
}

/// The frames of a second request that is right.
fn second_request(world: &mut World, cast: &Cast, device: &KeyPair, signer: &KeyPair) -> Vec<Bytes> {
    let hello = world.hello(&cast.space, device).encode();
    let (id, answers) = handshake_request(world, std::slice::from_ref(&hello));
    assert_eq!(world.closed(id), Some(1000));
    let [challenge, ticket] = answers.try_into().expect("a challenge and a ticket");
    SessionTicket::decode(&ticket).expect("a ticket");
    let proof = sign_proof(signer, &hello, &challenge, Vec::new(), Bytes::new()).encode();
    vec![hello, challenge, ticket, proof]
}

fn token(world: &mut World, cast: &Cast, device: &KeyPair) -> Bytes {
    let request = second_request(world, cast, device, device);
    let (id, answers) = handshake_request(world, &request);
    assert_eq!(world.closed(id), Some(1000), "the request ends by itself");
    let [welcome, token] = answers.try_into().expect("a welcome and a token");
    let transcript = ClientTranscript::new(&request[0], &request[1], &request[3]);
    let signature = relay_proto::frame::Proof::decode(&request[3]).unwrap().signature;
    assert!(transcript.verify_welcome(
        &relay_core::environment::LogSigner::log_id(&*world.signer),
        &signature,
        &welcome
    ));
    Welcome::decode(&welcome).unwrap();
    SessionToken::decode(&token).unwrap().token
}

fn exchange(world: &mut World, token: &[u8], options: ExchangeOptions) -> usize {
    let id = world.attach(|relay, opened, now| relay.open_exchange(token, options, opened, now));
    world.poll(id);
    id
}

/// One request of several frames, and its answers.
fn ask(world: &mut World, token: &[u8], frames: &[Bytes]) -> Vec<RelayFrame> {
    let id = exchange(world, token, ExchangeOptions::default());
    for frame in frames {
        world.send_bytes(id, frame.clone());
    }
    world.end_input(id);
    let answers = world.recv_all(id);
    assert!(world.closed(id).is_some(), "every answer ends: {answers:?}");
    world.hang_up(id);
    answers
}

fn push(push_seq_first: u64, text: &str) -> Bytes {
    Push { push_seq_first, key_epoch: 1, entries: vec![SealedBytes(sealed(text))] }.encode()
}

fn authorise(world: &World, token: &[u8]) -> Result<Authorised, ErrorCode> {
    judged(|done| world.relay.authorise(token, world.now, done))
}

fn authorise_again(world: &World, who: Authorised) -> Result<Authorised, ErrorCode> {
    judged(|done| world.relay.authorise_again(who, done))
}

fn judged(ask: impl FnOnce(Judged)) -> Result<Authorised, ErrorCode> {
    let verdict = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&verdict);
    ask(Box::new(move |judged| *seen.lock().unwrap() = Some(judged)));
    let judged = verdict.lock().unwrap().take();
    judged.expect("the memory store answers at once")
}

fn error_code(frames: &[RelayFrame]) -> Option<ErrorCode> {
    match frames {
        [RelayFrame::ErrorFrame(error)] => ErrorCode::from_number(error.code),
        _ => None,
    }
}

#[test]
fn a_token_lets_its_device_push_and_pull_in_requests_that_end() {
    let (mut world, cast) = (World::new(), Cast::new());
    world.found(&cast.space);
    let token = token(&mut world, &cast, &cast.a);
    assert_eq!(world.relay.stats().sessions, 0, "nothing is kept between requests");
    let answers = ask(&mut world, &token, &[push(1, "one"), push(2, "two")]);
    assert!(matches!(&answers[..], [RelayFrame::Receipt(first), RelayFrame::Receipt(second)]
        if first.seq_first == 1 && second.seq_first == 2));
    let pull = Pull { request: 7, log_epoch: 1, after: 0, entries_max: 10, bytes_max: 1 << 20 }.encode();
    let answers = ask(&mut world, &token, &[pull]);
    assert!(matches!(&answers[..], [RelayFrame::Entries(entries)] if entries.items.len() == 2 && entries.request == 7));
    assert_eq!((world.relay.stats().sessions, world.relay.stats().active_spaces), (0, 0));
}

#[test]
fn a_handshake_succeeds_once_and_every_failure_looks_the_same() {
    let (mut world, cast) = (World::new(), Cast::new());
    world.found(&cast.space);
    let stranger = KeyPair::from_seed(&[66; 32]);
    let good = second_request(&mut world, &cast, &cast.a, &cast.a);
    let (_, answers) = handshake_request(&mut world, &good);
    assert_eq!(answers.len(), 2, "the control: it holds");
    let mut other_ticket = second_request(&mut world, &cast, &cast.a, &cast.a);
    other_ticket[2] = good[2].clone();
    let mut forged = second_request(&mut world, &cast, &cast.a, &cast.a);
    let mut ticket = forged[2].to_vec();
    ticket[20] ^= 1;
    forged[2] = Bytes::from(ticket);
    let mut long = second_request(&mut world, &cast, &cast.a, &cast.a);
    long.push(long[3].clone());
    let late = second_request(&mut world, &cast, &cast.a, &cast.a);
    let cases = [
        ("replayed", good),
        ("another handshake's ticket", other_ticket),
        ("a forged ticket", forged),
        ("a stranger", second_request(&mut world, &cast, &stranger, &stranger)),
        ("another key", second_request(&mut world, &cast, &cast.a, &stranger)),
        ("no proof", second_request(&mut world, &cast, &cast.a, &cast.a)[..3].to_vec()),
        ("a frame too many", long),
        ("no ticket", second_request(&mut world, &cast, &cast.a, &cast.a)[..2].to_vec()),
    ];
    for (name, request) in cases {
        one_answer(&mut world, name, &request);
    }
    world.jump(10_000);
    one_answer(&mut world, "too late", &late);
    assert_eq!((world.relay.stats().sessions, world.relay.stats().active_spaces), (0, 0));
}

fn one_answer(world: &mut World, name: &str, request: &[Bytes]) {
    let (id, answers) = handshake_request(world, request);
    assert_eq!((answers.len(), world.closed(id)), (0, None), "{name}: nothing at once");
    world.advance(24);
    assert_eq!(world.closed(id), None, "{name}: nothing before 25 ms");
    world.advance(1);
    let error = world.error(id);
    assert_eq!((error.code, error.context, error.retry_after_ms, error.detail.len()), (1, 0, 0, 0), "{name}");
    assert_eq!(world.closed(id), Some(4401), "{name}");
}

#[test]
fn who_is_under_way_is_judged_by_the_newest_roster_and_not_by_the_age_of_a_token() {
    let limits = RelayLimits { session_token_ms: 5000, ..RelayLimits::default() };
    let (mut world, mut cast) = (World::with_limits(limits), Cast::new());
    world.found(&cast.space);
    let (of_a, of_b) = (token(&mut world, &cast, &cast.a), token(&mut world, &cast, &cast.b));
    let (a, b) = (authorise(&world, &of_a).unwrap(), authorise(&world, &of_b).unwrap());
    world.jump(5000);
    assert_eq!(authorise(&world, &of_b), Err(ErrorCode::SessionExpired), "the control: the token is over");
    assert_eq!((authorise_again(&world, a), authorise_again(&world, b)), (Ok(a), Ok(b)));
    let remover = cast.a.clone();
    cast.space.remove(&remover, cast.b.device(), 0);
    world.found(&cast.space);
    world.settle();
    assert_eq!(authorise_again(&world, b), Err(ErrorCode::DeviceRevoked));
    assert_eq!(authorise_again(&world, a), Ok(a));
}

#[test]
fn a_restart_or_its_age_ends_a_token_and_a_removal_its_device() {
    let limits = RelayLimits { session_token_ms: 5000, ..RelayLimits::default() };
    let (mut world, mut cast) = (World::with_limits(limits), Cast::new());
    world.found(&cast.space);
    let (of_a, of_b) = (token(&mut world, &cast, &cast.a), token(&mut world, &cast, &cast.b));
    assert!(authorise(&world, &of_b).is_ok_and(|who| who.device == cast.b.device() && who.access.write));
    let live = exchange(&mut world, &of_b, ExchangeOptions::default());
    world.subscribe(live, 0, false);
    let remover = cast.a.clone();
    cast.space.remove(&remover, cast.b.device(), 0);
    world.found(&cast.space);
    world.settle();
    assert_eq!(world.closed(live), Some(4403), "the stream is cut at once");
    assert_eq!(error_code(&ask(&mut world, &of_b, &[push(1, "late")])), Some(ErrorCode::DeviceRevoked));
    assert_eq!(authorise(&world, &of_b), Err(ErrorCode::DeviceRevoked));
    assert!(authorise(&world, &of_a).is_ok());
    world.jump(5000);
    assert_eq!(error_code(&ask(&mut world, &of_a, &[push(1, "late")])), Some(ErrorCode::SessionExpired));
    assert_eq!(authorise(&world, &of_a), Err(ErrorCode::SessionExpired));
    let of_a = token(&mut world, &cast, &cast.a);
    assert!(authorise(&world, &of_a).is_ok());
    world.jump(1);
    world.restart();
    assert_eq!(authorise(&world, b""), Err(ErrorCode::SessionExpired));
}

#[test]
fn a_pull_waits_for_what_another_device_pushes_and_no_longer_than_asked() {
    let (mut world, cast) = (World::new(), Cast::new());
    world.found(&cast.space);
    let of_b = token(&mut world, &cast, &cast.b);
    let pull = Pull { request: 1, log_epoch: 1, after: 0, entries_max: 10, bytes_max: 1 << 20 };
    let options = ExchangeOptions { wait_ms: 2000, ..ExchangeOptions::default() };
    let id = exchange(&mut world, &of_b, options);
    world.send(id, &pull);
    world.end_input(id);
    world.advance(1000);
    assert!(world.take(id).is_none(), "it waits");
    let writer = world.open(&cast.space, &cast.a);
    world.push(writer, 1, &["news"]);
    assert_eq!(world.entries(id).items.len(), 1);
    assert_eq!(world.closed(id), Some(1000));
    let id = exchange(&mut world, &of_b, options);
    world.send(id, &Pull { after: 1, ..pull });
    world.end_input(id);
    world.advance(1999);
    assert!(world.take(id).is_none(), "it waits");
    world.advance(1);
    assert!(world.entries(id).items.is_empty(), "nothing came");
    assert_eq!(world.closed(id), Some(1000));
}

#[test]
fn a_route_for_pushes_takes_nothing_else_and_a_reader_pushes_nothing() {
    let (mut world, cast) = (World::new(), Cast::new());
    world.found(&cast.space);
    let of_a = token(&mut world, &cast, &cast.a);
    let id = exchange(&mut world, &of_a, ExchangeOptions { pushes_only: true, ..ExchangeOptions::default() });
    world.send(id, &Pull { request: 1, log_epoch: 1, after: 0, entries_max: 1, bytes_max: 1 });
    assert_eq!(world.error(id).code, ErrorCode::UnexpectedFrame.number());
    assert!(world.closed(id).is_some());
    let of_root = token(&mut world, &cast, &cast.space.root.clone());
    assert_eq!(error_code(&ask(&mut world, &of_root, &[push(1, "no")])), Some(ErrorCode::ReadOnly));
    assert!(authorise(&world, &of_root).is_ok_and(|who| !who.access.write && who.access.admin));
}

#[test]
fn a_stream_shows_that_it_lives_and_ends_with_its_token() {
    let limits = RelayLimits { session_token_ms: 70_000, ..RelayLimits::default() };
    let (mut world, cast) = (World::with_limits(limits), Cast::new());
    world.found(&cast.space);
    let of_b = token(&mut world, &cast, &cast.b);
    let id = exchange(&mut world, &of_b, ExchangeOptions::default());
    world.subscribe(id, 0, false);
    world.end_input(id);
    world.jump(29_999);
    assert!(world.recv_all(id).is_empty());
    world.jump(1);
    assert!(matches!(&world.recv_all(id)[..], [RelayFrame::Pong(pong)] if pong.nonce == 0));
    world.jump(30_000);
    assert_eq!(world.recv_all(id).len(), 1, "another heartbeat");
    world.jump(10_000);
    assert_eq!(world.error(id).code, ErrorCode::SessionExpired.number());
    assert!(world.closed(id).is_some());
}

#[test]
fn a_token_frame_is_never_printed() {
    let frame = SessionToken { expires_in_ms: 1, token: Bytes::from_static(b"secret") };
    assert!(!format!("{frame:?}").contains("secret"));
    assert_eq!(SessionToken::decode(&Bytes::from_static(&[0x61])), Err(DecodeError::Truncated));
}

#[test]
fn whoever_puts_a_roster_is_shown_it_in_the_same_answer() {
    let (mut world, mut cast) = (World::new(), Cast::new());
    world.found(&cast.space);
    let of_a = token(&mut world, &cast, &cast.a);
    let admin = cast.a.clone();
    cast.space.follow(&admin, |fields| fields.queue_mode = true);
    let put = RosterPut { chain: cast.space.newest_only(), keyring: cast.space.keyring.clone() };
    let answers = ask(&mut world, &of_a, &[put.encode()]);
    assert!(matches!(&answers[..], [RelayFrame::RosterUpdate(update)] if update.chain == cast.space.newest_only()));
}
