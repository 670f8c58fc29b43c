//! Messages that are no frames, and why.

use super::fixtures::*;
use super::frames::{client_frames, relay_frames};
use bytes::Bytes;
use relay_proto::frame::{ClientFrame, RelayFrame};
use relay_proto::wire::{DecodeError, Writer};
use serde_json::{Value, json};

type Case = (&'static str, bool, Bytes, DecodeError);

/// `frames-refused.json`.
pub(crate) fn vector() -> Value {
    let mut cases = generic();
    cases.extend(client_cases());
    cases.extend(relay_cases());
    cases.extend(live_cases());
    let rows: Vec<Value> = cases
        .into_iter()
        .map(|(description, from_client, bytes, error)| {
            let got = decode_error(from_client, &bytes);
            assert_eq!(got, Some(error), "{description}");
            let from = if from_client { "client" } else { "relay" };
            json!({
                "description": description, "from": from, "hex": hex(&bytes), "error": error.name(),
                "code": error.code().name(),
            })
        })
        .collect();
    json!({
        "description": "Messages that are refused: who sent them, why (the decoder's name for it), and the error of the \
                        registry a relay answers with. Every proper prefix of every message in frames.json is refused \
                        too (truncated), and so is every message with a byte appended (trailing_bytes).",
        "frames": rows,
    })
}

fn decode_error(from_client: bool, bytes: &Bytes) -> Option<DecodeError> {
    if from_client { ClientFrame::decode(bytes).err() } else { RelayFrame::decode(bytes).err() }
}

fn message(build: impl FnOnce(&mut Writer) -> &mut Writer) -> Bytes {
    let mut w = Writer::new();
    build(&mut w);
    w.into_bytes()
}

/// Truncation and trailing bytes of every frame, and numbers that are no frame.
fn generic() -> Vec<Case> {
    let client = client_frames().into_iter().map(|(_, frame)| (true, frame.encode()));
    let relay = relay_frames().into_iter().map(|(_, frame)| (false, frame.encode()));
    let mut cases: Vec<Case> = Vec::new();
    for (from_client, bytes) in client.chain(relay) {
        let cut = bytes.slice(..bytes.len() - 1);
        cases.push(("the last byte is missing", from_client, cut, DecodeError::Truncated));
        let longer = Bytes::from([bytes.as_ref(), &[0]].concat());
        cases.push(("a byte too many", from_client, longer, DecodeError::TrailingBytes));
    }
    cases.push(("nothing at all", true, Bytes::new(), DecodeError::Truncated));
    cases.push(("number 0", true, Bytes::from_static(&[0]), DecodeError::UnknownFrame));
    cases.push(("number 0xff", false, Bytes::from_static(&[0xff]), DecodeError::UnknownFrame));
    for (number, from_client) in [(0x34, true), (0x3f, false), (0x40, true), (0x67, true)] {
        cases.push(("a reserved number", from_client, Bytes::from(vec![number]), DecodeError::ReservedFrame));
    }
    cases.push(("a Receipt from a client", true, Bytes::from_static(&[0x11]), DecodeError::WrongDirection));
    cases.push(("a Push from a relay", false, Bytes::from_static(&[0x10]), DecodeError::WrongDirection));
    cases
}

const OVER: u64 = relay_proto::wire::U64_MAX + 1;

fn client_cases() -> Vec<Case> {
    let hello = |versions: usize| message(|w| w.u8(0x01).count_u8(versions).raw(vec![0; versions * 2 + 144]));
    let push =
        |first: u64, count: u16, entry: &[u8]| message(|w| w.u8(0x10).u64(first).u32(1).u16(count).bytes_u32(entry));
    let pull = |request, max| message(|w| w.u8(0x12).u32(request).u64(1).u64(0).u32(max).u32(1));
    let leaves = |count| message(|w| w.u8(0x1b).u32(1).u64(1).u32(count));
    let chain = |count: u16| message(|w| w.u8(0x17).u16(count).raw(vec![0; usize::from(count) * 4 + 4]));
    let subscribe = |flags| message(|w| w.u8(0x13).u64(1).u64(0).u8(flags));
    let out = DecodeError::OutOfRange;
    vec![
        ("a Hello without versions", true, hello(0), out),
        ("a Hello with 17 versions", true, hello(17), DecodeError::TooMany),
        ("a Ping above 2^53 - 1", true, message(|w| w.u8(7).u64(OVER)), DecodeError::NumberTooLarge),
        ("a Ping of 2^64 - 1", true, message(|w| w.u8(7).u64(u64::MAX)), DecodeError::NumberTooLarge),
        ("a Push from push_seq 0", true, push(0, 1, b"x"), out),
        ("a Push above 2^53 - 1", true, push(OVER, 1, b"x"), DecodeError::NumberTooLarge),
        ("a Push without entries", true, message(|w| w.u8(0x10).u64(1).u32(1).u16(0)), out),
        ("a Push with an empty entry", true, push(1, 1, b""), out),
        ("a Push whose last push_seq is above 2^53 - 1", true, push_beyond(), out),
        ("a Push with an empty entry among others", true, empty_second_entry(), out),
        ("a Push that counts entries it does not have", true, push(1, 65_535, b"x"), DecodeError::Truncated),
        ("an entry longer than the message", true, long_entry(), DecodeError::Truncated),
        ("a Pull with request 0", true, pull(0, 1), out),
        ("a Pull for no entries", true, pull(1, 0), out),
        ("a Subscribe with an unknown flag", true, subscribe(2), DecodeError::UnknownFlags),
        ("a PullLeaves for none", true, leaves(0), out),
        ("a PullLeaves for 8,193", true, leaves(8193), out),
        ("a Purge up to 0", true, message(|w| w.u8(0x1d).u64(1).u64(0).raw([0; 96])), out),
        ("a chain of 1,025 statements", true, chain(1025), DecodeError::RosterTooLarge),
        ("a statement announced with more than 512 KiB", true, long_statement(), DecodeError::RosterTooLarge),
        ("a keyring announced with more than 128 KiB", true, long_keyring(), DecodeError::RosterTooLarge),
        ("a manifest announced with more than it can have", true, long_manifest(), DecodeError::TooLong),
        ("a chunk announced with more than 1 MiB", true, long_chunk(), DecodeError::TooLong),
    ]
}

fn empty_second_entry() -> Bytes {
    message(|w| w.u8(0x10).u64(1).u32(1).u16(2).bytes_u32(b"xx").bytes_u32(b""))
}

fn push_beyond() -> Bytes {
    message(|w| w.u8(0x10).u64(OVER - 1).u32(1).u16(2).bytes_u32(b"x").bytes_u32(b"y"))
}

fn long_entry() -> Bytes {
    message(|w| w.u8(0x10).u64(1).u32(1).u16(1).u32(u32::MAX).raw([0; 8]))
}

fn long_statement() -> Bytes {
    message(|w| w.u8(0x17).u16(1).u32(512 * 1024 + 1))
}

fn long_keyring() -> Bytes {
    message(|w| w.u8(0x17).u16(0).u32(128 * 1024 + 1))
}

fn long_manifest() -> Bytes {
    message(|w| w.u8(0x20).u32(64 * 1024))
}

fn long_chunk() -> Bytes {
    message(|w| w.u8(0x21).raw([0; 32]).u32(0).u32(1024 * 1024 + 1))
}

fn relay_cases() -> Vec<Case> {
    let status = |state| message(|w| w.u8(0x22).raw([0; 32]).u32(0).u8(state));
    vec![
        ("an unknown SnapshotStatus state", false, status(2), DecodeError::UnknownValue),
        ("an Entries item of the reserved kind 2", false, entries(0, 2), DecodeError::UnknownValue),
        ("an Entries flag that is unknown", false, entries(2, 0), DecodeError::UnknownFlags),
        ("a Receipt with an unknown status", false, receipt(3), DecodeError::UnknownValue),
        ("an attestation with a path of 18 hashes", false, long_path(), DecodeError::TooMany),
        ("a LogReset whose epoch does not rise", false, reset(2, 2), DecodeError::OutOfRange),
        ("a LogReset above 2^53 - 1", false, reset(1, OVER), DecodeError::NumberTooLarge),
        ("a push_seq_bound of 2", false, bound(), DecodeError::UnknownValue),
        ("8,193 Leaves", false, message(|w| w.u8(0x1c).u32(1).u64(1).u32(8193)), DecodeError::TooMany),
    ]
}

fn entries(flags: u8, kind: u8) -> Bytes {
    message(|w| {
        w.u8(0x14).u32(0).u8(flags).u64(1).u16(1);
        w.raw(device(1).device()).u64(1).u32(1).u8(kind).raw(entry(1));
        attestation().write(w);
        w
    })
}

fn receipt(status: u8) -> Bytes {
    message(|w| {
        w.u8(0x11).u64(1).u16(1).u8(status).u64(1);
        attestation().write(w);
        w
    })
}

fn long_path() -> Bytes {
    let mut attestation = attestation();
    attestation.path = vec![leaf(0); 18];
    message(|w| {
        w.u8(0x08).u64(1);
        attestation.write(w);
        w
    })
}

fn reset(old_epoch: u64, new_epoch: u64) -> Bytes {
    message(|w| {
        w.u8(0x19).raw(space()).raw(log_id()).u64(old_epoch).u64(1).raw(leaf(0)).u64(new_epoch).u64(1).raw([0; 64])
    })
}

fn bound() -> Bytes {
    message(|w| {
        w.u8(0x04).u64(1).u64(1).raw([0; 32]).u64(0).u8(2).raw([0; 32]).raw([0; 18]).raw([0; 16]);
        attestation().write(w);
        w.raw([0; 64])
    })
}

fn live_cases() -> Vec<Case> {
    let out = DecodeError::OutOfRange;
    let ephemeral = |bytes: usize| message(|w| w.u8(0x31).u32(1).bytes_u16(vec![0; bytes]));
    let send = |to: u8, bytes: usize| message(|w| w.u8(0x3c).u32(1).u8(to).u32(1).u32(1).bytes_u32(vec![0; bytes]));
    let peer = |present: u8| message(|w| w.u8(0x3b).u32(1).u32(1).raw([0; 32]).u8(present));
    vec![
        ("an EphemeralListen of 2", true, message(|w| w.u8(0x30).u8(2)), DecodeError::UnknownValue),
        ("an EphemeralSend without bytes", true, ephemeral(0), out),
        ("an EphemeralSend of 16 KiB and a byte", true, ephemeral(16 * 1024 + 1), out),
        ("an EphemeralMissed of none", false, message(|w| w.u8(0x33).u64(0)), out),
        ("a TopicSend to neither one nor all", true, send(2, 1), DecodeError::UnknownValue),
        ("a TopicSend without bytes", true, send(0, 0), out),
        ("a TopicSend of 64 KiB and a byte", true, send(1, 64 * 1024 + 1), out),
        ("a TopicPeer that is neither there nor gone", false, peer(2), DecodeError::UnknownValue),
        ("a TopicCredit of nothing", true, message(|w| w.u8(0x3e).u32(1).u32(1).u32(0)), out),
    ]
}
