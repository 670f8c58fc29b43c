//! At least one instance of every frame: fields and bytes.

use super::describe::{describe_client, describe_relay};
use super::fixtures::*;
use bytes::Bytes;
use relay_proto::attestation::push_tree;
use relay_proto::frame::*;
use relay_proto::log_reset::LogReset;
use relay_proto::sponsorship::Sponsorship;
use relay_proto::{DeviceKey, EntryId, ErrorCode, Hash, SealedBytes, Signature, SnapshotId, TopicKey};
use serde_json::{Value, json};

/// `frames.json`.
pub(crate) fn vector() -> Value {
    let client = client_frames()
        .into_iter()
        .map(|(note, frame)| row(note, "client", frame.frame_type(), &frame.encode(), describe_client(&frame)));
    let relay = relay_frames()
        .into_iter()
        .map(|(note, frame)| row(note, "relay", frame.frame_type(), &frame.encode(), describe_relay(&frame)));
    json!({
        "description": "Frames: who sends it, its fields by the names of docs/protocol.md (bytes as hex, the feature bits \
                        as 8 bytes), and the whole message. Decoding and encoding again must give the same bytes.",
        "frames": client.chain(relay).collect::<Vec<_>>(),
    })
}

fn row(note: &str, from: &str, frame_type: FrameType, bytes: &Bytes, fields: Value) -> Value {
    let name = if frame_type == FrameType::ErrorFrame { "Error" } else { frame_type.name() };
    json!({
        "name": name, "description": note, "from": from, "number": frame_type.number(), "fields": fields,
        "hex": hex(bytes),
    })
}

/// Frames of a client, with a note on each.
pub(crate) fn client_frames() -> Vec<(&'static str, ClientFrame)> {
    let mut frames = handshake_frames();
    frames.extend(log_requests());
    frames.extend(snapshot_requests());
    frames.extend(live_requests());
    frames.push(("by an admin, everything so far", super::erasures::purge().into()));
    frames.push(("by an admin", super::erasures::erase().into()));
    frames.push(("a chain of one statement and a token", founding_proof().into()));
    frames.push(("a chain of one statement and a sponsorship", sponsored_proof().into()));
    frames
}

fn sponsored_proof() -> FoundingProof {
    let sponsorship = Sponsorship { space: space(), device: device(2).device(), signature: Signature([0x5b; 64]) };
    FoundingProof { admission: sponsorship.encode(), ..founding_proof() }
}

fn founding_proof() -> FoundingProof {
    FoundingProof {
        chain: vec![first().bytes().clone()],
        keyring: keyring(),
        admission: Bytes::from_static(b"an invitation"),
        signature: Signature([0x5a; 64]),
    }
}

pub(crate) fn hello() -> Hello {
    Hello {
        versions: vec![1],
        features: 0,
        space: space(),
        device: device(1).device(),
        client_nonce: seed(0xc1),
        roster_version: 1,
        roster_hash: first().hash(),
    }
}

fn handshake_frames() -> Vec<(&'static str, ClientFrame)> {
    let many = Hello {
        versions: vec![9, 1],
        features: 0x8000_0000_0000_0001,
        device: space().as_device(),
        roster_version: 0,
        roster_hash: Hash::ZERO,
        ..hello()
    };
    let chain = vec![first().bytes().clone()];
    let put = RosterPut { chain: chain.clone(), keyring: keyring() };
    let proof = Proof { chain, keyring: keyring(), signature: Signature([0x5a; 64]) };
    let bare = Proof { chain: Vec::new(), keyring: Bytes::new(), signature: Signature([0x5a; 64]) };
    vec![
        ("one version, no features", hello().into()),
        ("several versions, unknown feature bits, the root connects, no roster known", many.into()),
        ("nothing new", bare.into()),
        ("a chain of one statement with its keyring", proof.into()),
        ("the greatest number", Ping { nonce: relay_proto::wire::U64_MAX }.into()),
        ("one statement", put.into()),
    ]
}

fn log_requests() -> Vec<(&'static str, ClientFrame)> {
    let entries = (1..=3).map(|i| SealedBytes(sealed(i))).collect();
    let fold = log_of_three();
    let ack = Ack::sign(&device(1), &space(), &log_id(), 1, fold.size(), fold.head());
    vec![
        ("three entries", Push { push_seq_first: 1, key_epoch: 1, entries }.into()),
        ("from the start", Pull { request: 7, log_epoch: 1, after: 0, entries_max: 100, bytes_max: 65_536 }.into()),
        ("with own bodies", Subscribe { log_epoch: 1, after: 3, omit_own: false }.into()),
        ("without own bodies", Subscribe { log_epoch: 1, after: 3, omit_own: true }.into()),
        ("everything so far", ack.into()),
        ("a full page", PullLeaves { request: 8, first_seq: 1, count: 8192 }.into()),
    ]
}

fn snapshot_requests() -> Vec<(&'static str, ClientFrame)> {
    let manifest = super::signed::manifest();
    let snapshot = manifest.id();
    let signature = relay_proto::snapshot::sign_snapshot_ack(&device(2), &space(), &snapshot);
    vec![
        ("starts or resumes", SnapshotBegin { manifest: manifest.bytes().clone() }.into()),
        ("from a client", SnapshotChunk { snapshot, index: 0, chunk: Bytes::from_static(b"chunk") }.into()),
        ("the newest", SnapshotGet { snapshot: SnapshotId::ZERO, first_chunk: 0, chunks_max: 16 }.into()),
        ("of another device's snapshot", SnapshotAck { snapshot, signature }.into()),
    ]
}

/// Frames of a relay, with a note on each.
pub(crate) fn relay_frames() -> Vec<(&'static str, RelayFrame)> {
    let mut frames = session_frames();
    frames.extend(receipts());
    frames.extend(log_answers());
    frames.extend(snapshot_answers());
    frames.extend(http_answers());
    frames.extend(live_answers());
    frames.push(("durable and overwritten", Purged { size: 3, attestation: attestation() }.into()));
    frames
}

fn http_answers() -> Vec<(&'static str, RelayFrame)> {
    let token = SessionToken { expires_in_ms: 900_000, token: Bytes::from_static(&[0x61; 146]) };
    vec![
        ("after a challenge over HTTP", SessionTicket { expires_in_ms: 10_000, ticket: [0x60; TICKET_BYTES] }.into()),
        ("after a welcome over HTTP", token.into()),
    ]
}

pub(crate) fn challenge() -> Challenge {
    Challenge { version: 1, features: 0, log_id: log_id(), relay_nonce: seed(0xd1) }
}

pub(crate) fn welcome_body() -> WelcomeBody {
    WelcomeBody {
        log_epoch: 1,
        roster_version: 1,
        roster_hash: first().hash(),
        push_seq_high: 3,
        push_seq_bound: true,
        last_entry_id: entry(3),
        session_limits: SessionLimits {
            message_bytes_max: 10_551_296,
            entry_bytes_max: 10_485_760,
            push_entries_max: 1024,
            push_bytes_in_flight_max: 16_777_216,
            heartbeat_ms: 30_000,
        },
        policy: Policy { retention_ms: 2_592_000_000, device_lease_ms: 2_592_000_000 },
        attestation: attestation(),
    }
}

fn session_frames() -> Vec<(&'static str, RelayFrame)> {
    let unsupported = ErrorFrame { detail: encode_versions(&[1]), ..ErrorFrame::of(ErrorCode::UnsupportedVersion) };
    let gap = ErrorFrame {
        detail: Bytes::copy_from_slice(&4_u64.to_be_bytes()),
        ..ErrorFrame::about(ErrorCode::PushSeqGap, 9)
    };
    let unknown = ErrorFrame { code: 65_535, context: 0, retry_after_ms: 1500, detail: Bytes::new() };
    let first_time =
        WelcomeBody { push_seq_high: 0, push_seq_bound: false, last_entry_id: EntryId::ZERO, ..welcome_body() };
    let goaway = Goaway { reason: ErrorCode::Draining.number(), reconnect_after_ms: 500, reconnect_spread_ms: 2000 };
    vec![
        ("the only version", challenge().into()),
        ("a device that pushed before", Welcome { body: welcome_body(), signature: Signature([0x5b; 64]) }.into()),
        ("a device that never pushed", Welcome { body: first_time, signature: Signature([0x5b; 64]) }.into()),
        ("the one answer of the handshake", ErrorFrame::of(ErrorCode::HandshakeFailed).into()),
        ("the frozen answer to unknown versions", unsupported.into()),
        ("about a push, with the expected push_seq", gap.into()),
        ("an error this version does not know", unknown.into()),
        ("a drain", goaway.into()),
        ("an attestation of a group of three", Pong { nonce: 1, attestation: attestation() }.into()),
    ]
}

fn receipts() -> Vec<(&'static str, RelayFrame)> {
    let (_, mut proofs) = push_tree(&[push_of_three()]);
    let proof = proofs.remove(0);
    let receipt =
        |status, seq_first| Receipt { push_seq_first: 1, count: 3, status, seq_first, attestation: attestation() };
    vec![
        ("stored, with the proof of its push leaf", receipt(ReceiptStatus::Stored(proof), 1).into()),
        ("a duplicate that is held", receipt(ReceiptStatus::Duplicate, 1).into()),
        ("a duplicate that was forgotten", receipt(ReceiptStatus::DuplicateForgotten, 0).into()),
    ]
}

fn log_answers() -> Vec<(&'static str, RelayFrame)> {
    let item = |device: DeviceKey, i: u8, body| Item { device, push_seq: u64::from(i), key_epoch: 1, body };
    let items = vec![
        item(device(1).device(), 1, ItemBody::Sealed(SealedBytes(sealed(1)))),
        item(device(1).device(), 2, ItemBody::Own(entry(2))),
    ];
    let entries = Entries { request: 0, more: true, first_seq: 1, items, attestation: attestation() };
    let nothing = Entries { request: 7, more: false, first_seq: 4, items: Vec::new(), attestation: attestation() };
    let fold = log_of_three();
    let ack = Ack::sign(&device(2), &space(), &log_id(), 1, fold.size(), fold.head());
    let update = RosterUpdate { chain: vec![first().bytes().clone()], keyring: keyring() };
    let leaves = Leaves { request: 8, first_seq: 1, leaves: (1..=3).map(leaf).collect() };
    let reset: LogReset = super::signed::log_reset();
    vec![
        ("one entry, and one own entry by its id; more are held", entries.into()),
        ("an answer to a pull, without entries", nothing.into()),
        ("another device's ack", AckNotice { device: device(2).device(), ack }.into()),
        ("one statement", update.into()),
        ("a restored backup", reset.into()),
        ("below the floor", CursorExpired { request: 7, attestation: attestation() }.into()),
        ("three leaves", leaves.into()),
        ("no leaves are held", Leaves { request: 9, first_seq: 1, leaves: Vec::new() }.into()),
    ]
}

fn snapshot_answers() -> Vec<(&'static str, RelayFrame)> {
    let manifest = super::signed::manifest();
    let snapshot = manifest.id();
    vec![
        ("from a relay", SnapshotChunk { snapshot, index: 1, chunk: Bytes::from_static(b"chunk") }.into()),
        ("more is wanted", SnapshotStatus { snapshot, next_chunk: 1, state: SnapshotState::Wanted }.into()),
        ("complete", SnapshotStatus { snapshot, next_chunk: 2, state: SnapshotState::Stored }.into()),
        ("a manifest", SnapshotManifest { manifest: manifest.bytes().clone() }.into()),
        ("there is none", SnapshotManifest { manifest: Bytes::new() }.into()),
        ("wanted up to a size", SnapshotDue { size: 3 }.into()),
    ]
}

fn topic() -> TopicKey {
    TopicKey(seed(0xe1))
}

fn live_requests() -> Vec<(&'static str, ClientFrame)> {
    let message = |to_all, peer| TopicSend { number: 5, to_all, peer, key_epoch: 1, sealed: SealedBytes(sealed(5)) };
    vec![
        ("ephemeral frames are wanted", EphemeralListen { listen: true }.into()),
        ("and no more", EphemeralListen { listen: false }.into()),
        ("to all who listen", EphemeralSend { key_epoch: 1, sealed: SealedBytes(sealed(4)) }.into()),
        ("by its rendezvous key", TopicJoin { topic: topic() }.into()),
        ("by its number", TopicLeave { number: 5 }.into()),
        ("to one peer", message(false, 2).into()),
        ("to every peer up to 3", message(true, 3).into()),
        ("from a receiver", TopicCredit { number: 5, peer: 1, bytes: 320 }.into()),
    ]
}

fn live_answers() -> Vec<(&'static str, RelayFrame)> {
    let peer = |present| TopicPeer { number: 5, peer: 2, device: device(2).device(), present };
    let frame = Ephemeral { device: device(1).device(), key_epoch: 1, sealed: SealedBytes(sealed(4)) };
    let data = TopicData { number: 5, peer: 1, to_all: true, key_epoch: 1, sealed: SealedBytes(sealed(5)) };
    vec![
        ("of another session", frame.into()),
        ("seven were dropped", EphemeralMissed { count: 7 }.into()),
        ("the first peer of a topic", TopicJoined { topic: topic(), number: 5, peer: 1 }.into()),
        ("came", peer(true).into()),
        ("went", peer(false).into()),
        ("of another peer", data.into()),
        ("from a relay", TopicCredit { number: 5, peer: 2, bytes: 320 }.into()),
    ]
}
