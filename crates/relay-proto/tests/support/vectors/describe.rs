//! A frame's fields as JSON: the names of docs/protocol.md, bytes as hex, numbers as numbers.

use super::fixtures::{hex, hexes};
use relay_proto::attestation::{Attestation, ReceiptProof};
use relay_proto::frame::{
    Ack, ClientFrame, Entries, Item, ItemBody, Receipt, ReceiptStatus, RelayFrame, TopicCredit, WelcomeBody,
};
use relay_proto::log_reset::LogReset;
use serde_json::{Value, json};

/// The fields of a frame a client sends.
pub(crate) fn describe_client(frame: &ClientFrame) -> Value {
    match frame {
        ClientFrame::Hello(f) => json!({
            "versions": f.versions, "features": hex(f.features.to_be_bytes()), "space": hex(f.space),
            "device": hex(f.device), "client_nonce": hex(f.client_nonce), "roster_version": f.roster_version,
            "roster_hash": hex(f.roster_hash),
        }),
        ClientFrame::Proof(f) => json!({
            "chain": hexes(&f.chain), "keyring": hex(&f.keyring), "signature": hex(f.signature),
        }),
        ClientFrame::FoundingProof(f) => json!({
            "chain": hexes(&f.chain), "keyring": hex(&f.keyring), "admission": hex(&f.admission),
            "signature": hex(f.signature),
        }),
        ClientFrame::Ping(f) => json!({ "nonce": f.nonce }),
        ClientFrame::Push(f) => json!({
            "push_seq_first": f.push_seq_first, "key_epoch": f.key_epoch, "entries": hexes(&f.entries),
        }),
        ClientFrame::Pull(f) => json!({
            "request": f.request, "log_epoch": f.log_epoch, "after": f.after, "entries_max": f.entries_max,
            "bytes_max": f.bytes_max,
        }),
        ClientFrame::Subscribe(f) => json!({
            "log_epoch": f.log_epoch, "after": f.after, "flags": u8::from(f.omit_own),
        }),
        ClientFrame::Ack(f) => ack(f),
        ClientFrame::RosterPut(f) => json!({ "chain": hexes(&f.chain), "keyring": hex(&f.keyring) }),
        ClientFrame::PullLeaves(f) => json!({ "request": f.request, "first_seq": f.first_seq, "count": f.count }),
        ClientFrame::Purge(f) => json!({
            "log_epoch": f.log_epoch, "size": f.size, "head": hex(f.head), "signature": hex(f.signature),
        }),
        ClientFrame::Erase(f) => json!({
            "log_epoch": f.log_epoch, "roster_version": f.roster_version, "roster_hash": hex(f.roster_hash),
            "signature": hex(f.signature),
        }),
        ClientFrame::SnapshotBegin(f) => json!({ "manifest": hex(&f.manifest) }),
        ClientFrame::SnapshotChunk(f) => json!({
            "snapshot": hex(f.snapshot), "index": f.index, "chunk": hex(&f.chunk),
        }),
        ClientFrame::SnapshotGet(f) => json!({
            "snapshot": hex(f.snapshot), "first_chunk": f.first_chunk, "chunks_max": f.chunks_max,
        }),
        ClientFrame::SnapshotAck(f) => json!({ "snapshot": hex(f.snapshot), "signature": hex(f.signature) }),
        ClientFrame::EphemeralListen(f) => json!({ "listen": u8::from(f.listen) }),
        ClientFrame::EphemeralSend(f) => json!({ "key_epoch": f.key_epoch, "sealed": hex(&f.sealed) }),
        ClientFrame::TopicJoin(f) => json!({ "topic": hex(f.topic) }),
        ClientFrame::TopicLeave(f) => json!({ "number": f.number }),
        ClientFrame::TopicSend(f) => json!({
            "number": f.number, "to_all": u8::from(f.to_all), "peer": f.peer, "key_epoch": f.key_epoch,
            "sealed": hex(&f.sealed),
        }),
        ClientFrame::TopicCredit(f) => credit(f),
        other => unreachable!("no description of {:?}", other.frame_type()),
    }
}

/// The fields of a frame a relay sends.
pub(crate) fn describe_relay(frame: &RelayFrame) -> Value {
    match frame {
        RelayFrame::Challenge(f) => json!({
            "version": f.version, "features": hex(f.features.to_be_bytes()), "log_id": hex(f.log_id),
            "relay_nonce": hex(f.relay_nonce),
        }),
        RelayFrame::Welcome(f) => welcome(&f.body, &hex(f.signature)),
        RelayFrame::ErrorFrame(f) => json!({
            "code": f.code, "context": f.context, "retry_after_ms": f.retry_after_ms, "detail": hex(&f.detail),
        }),
        RelayFrame::Goaway(f) => json!({
            "reason": f.reason, "reconnect_after_ms": f.reconnect_after_ms,
            "reconnect_spread_ms": f.reconnect_spread_ms,
        }),
        RelayFrame::Pong(f) => json!({ "nonce": f.nonce, "attestation": attestation(&f.attestation) }),
        RelayFrame::Receipt(f) => receipt(f),
        RelayFrame::Entries(f) => entries(f),
        RelayFrame::AckNotice(f) => {
            let mut fields = ack(&f.ack);
            fields["device"] = hex(f.device).into();
            fields
        }
        RelayFrame::RosterUpdate(f) => json!({ "chain": hexes(&f.chain), "keyring": hex(&f.keyring) }),
        RelayFrame::LogReset(f) => log_reset(f),
        RelayFrame::CursorExpired(f) => json!({
            "request": f.request, "attestation": attestation(&f.attestation),
        }),
        RelayFrame::Leaves(f) => json!({
            "request": f.request, "first_seq": f.first_seq, "leaves": hexes(&f.leaves),
        }),
        RelayFrame::Purged(f) => json!({ "size": f.size, "attestation": attestation(&f.attestation) }),
        RelayFrame::SnapshotChunk(f) => json!({
            "snapshot": hex(f.snapshot), "index": f.index, "chunk": hex(&f.chunk),
        }),
        RelayFrame::SnapshotStatus(f) => json!({
            "snapshot": hex(f.snapshot), "next_chunk": f.next_chunk, "state": f.state as u8,
        }),
        RelayFrame::SnapshotManifest(f) => json!({ "manifest": hex(&f.manifest) }),
        RelayFrame::SnapshotDue(f) => json!({ "size": f.size }),
        RelayFrame::SessionTicket(f) => json!({ "expires_in_ms": f.expires_in_ms, "ticket": hex(f.ticket) }),
        RelayFrame::SessionToken(f) => json!({ "expires_in_ms": f.expires_in_ms, "token": hex(&f.token) }),
        RelayFrame::Ephemeral(f) => json!({
            "device": hex(f.device), "key_epoch": f.key_epoch, "sealed": hex(&f.sealed),
        }),
        RelayFrame::EphemeralMissed(f) => json!({ "count": f.count }),
        RelayFrame::TopicJoined(f) => json!({ "topic": hex(f.topic), "number": f.number, "peer": f.peer }),
        RelayFrame::TopicPeer(f) => json!({
            "number": f.number, "peer": f.peer, "device": hex(f.device), "present": u8::from(f.present),
        }),
        RelayFrame::TopicData(f) => json!({
            "number": f.number, "peer": f.peer, "to_all": u8::from(f.to_all), "key_epoch": f.key_epoch,
            "sealed": hex(&f.sealed),
        }),
        RelayFrame::TopicCredit(f) => credit(f),
        other => unreachable!("no description of {:?}", other.frame_type()),
    }
}

fn credit(f: &TopicCredit) -> Value {
    json!({ "number": f.number, "peer": f.peer, "bytes": f.bytes })
}

pub(crate) fn attestation(a: &Attestation) -> Value {
    json!({
        "log_epoch": a.claim.log_epoch, "size": a.claim.size, "head": hex(a.claim.head), "floor": a.claim.floor,
        "time": a.claim.time_ms, "pushes": hex(a.claim.pushes), "salt": hex(a.salt), "leaf_index": a.leaf_index,
        "leaf_count": a.leaf_count, "path": hexes(&a.path), "signature": hex(a.signature),
    })
}

pub(crate) fn proof(p: &ReceiptProof) -> Value {
    json!({ "index": p.index, "leaves": p.leaves, "path": hexes(&p.path) })
}

pub(crate) fn ack(f: &Ack) -> Value {
    json!({ "log_epoch": f.log_epoch, "size": f.size, "head": hex(f.head), "signature": hex(f.signature) })
}

pub(crate) fn log_reset(f: &LogReset) -> Value {
    json!({
        "space": hex(f.space), "log_id": hex(f.log_id), "old_epoch": f.old_epoch, "base_size": f.base_size,
        "base_head": hex(f.base_head), "new_epoch": f.new_epoch, "time": f.time_ms, "signature": hex(f.signature),
    })
}

fn welcome(body: &WelcomeBody, signature: &str) -> Value {
    let limits = &body.session_limits;
    json!({
        "log_epoch": body.log_epoch, "roster_version": body.roster_version, "roster_hash": hex(body.roster_hash),
        "push_seq_high": body.push_seq_high, "push_seq_bound": u8::from(body.push_seq_bound),
        "last_entry_id": hex(body.last_entry_id),
        "session_limits": {
            "message_bytes_max": limits.message_bytes_max, "entry_bytes_max": limits.entry_bytes_max,
            "push_entries_max": limits.push_entries_max,
            "push_bytes_in_flight_max": limits.push_bytes_in_flight_max, "heartbeat_ms": limits.heartbeat_ms,
        },
        "policy": { "retention_ms": body.policy.retention_ms, "device_lease_ms": body.policy.device_lease_ms },
        "attestation": attestation(&body.attestation), "signature": signature,
    })
}

fn receipt(f: &Receipt) -> Value {
    let (status, proof) = match &f.status {
        ReceiptStatus::Stored(found) => (0, proof(found)),
        ReceiptStatus::Duplicate => (1, Value::Null),
        ReceiptStatus::DuplicateForgotten => (2, Value::Null),
    };
    json!({
        "push_seq_first": f.push_seq_first, "count": f.count, "status": status, "seq_first": f.seq_first,
        "attestation": attestation(&f.attestation), "proof": proof,
    })
}

fn entries(f: &Entries) -> Value {
    json!({
        "request": f.request, "flags": u8::from(f.more), "first_seq": f.first_seq,
        "items": f.items.iter().map(item).collect::<Vec<_>>(), "attestation": attestation(&f.attestation),
    })
}

fn item(item: &Item) -> Value {
    let mut fields = json!({
        "device": hex(item.device), "push_seq": item.push_seq, "key_epoch": item.key_epoch,
    });
    match &item.body {
        ItemBody::Sealed(sealed) => {
            fields["kind"] = 0.into();
            fields["sealed"] = hex(sealed).into();
        }
        ItemBody::Own(id) => {
            fields["kind"] = 1.into();
            fields["entry_id"] = hex(id).into();
        }
    }
    fields
}
