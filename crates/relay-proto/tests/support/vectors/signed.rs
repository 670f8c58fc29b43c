//! Acks, log resets and manifests, each with cases that must not hold.

use super::describe;
use super::fixtures::*;
use relay_proto::frame::{Ack, Frame};
use relay_proto::hash::sha256;
use relay_proto::log_reset::LogReset;
use relay_proto::snapshot::{ChunksHasher, Manifest, ManifestFields, sign_snapshot_ack};
use relay_proto::{LogId, Signature};
use serde_json::{Value, json};

/// `acks.json`.
pub(crate) fn acks() -> Value {
    let fold = log_of_three();
    let ack = Ack::sign(&device(2), &space(), &log_id(), 1, fold.size(), fold.head());
    let snapshot = manifest().id();
    let row = |description: &str, ack: Ack| {
        let holds = ack.verify(&device(2).device(), &space(), &log_id());
        json!({ "description": description, "ack": describe::ack(&ack), "hex": hex(ack.encode()), "holds": holds })
    };
    let other_log = Ack::sign(&device(2), &space(), &device(9).log_id(), 1, fold.size(), fold.head());
    json!({
        "description": "Acks of one device for one log, as Ack frames; and the snapshot ack of that device.",
        "device_seed": hex(seed(0x12)), "device": hex(device(2).device()), "space": hex(space()),
        "log_id": hex(log_id()),
        "acks": [
            row("holds", ack),
            row("another size", Ack { size: 4, ..ack }),
            row("another log epoch", Ack { log_epoch: 2, ..ack }),
            row("another head", Ack { head: leaf(0), ..ack }),
            row("signed for another log", other_log),
        ],
        "snapshot_ack": {
            "snapshot": hex(snapshot), "signature": hex(sign_snapshot_ack(&device(2), &space(), &snapshot)),
        },
    })
}

/// The reset after a backup with three entries was restored.
pub(crate) fn log_reset() -> LogReset {
    LogReset {
        space: space(),
        log_id: LogId::ZERO,
        old_epoch: 1,
        base_size: 3,
        base_head: log_of_three().head(),
        new_epoch: TIME_MS,
        time_ms: TIME_MS,
        signature: Signature::ZERO,
    }
    .signed(&log_key())
}

/// `log-resets.json`.
pub(crate) fn log_resets() -> Value {
    let good = log_reset();
    let row = |description: &str, reset: LogReset| {
        json!({
            "description": description, "fields": describe::log_reset(&reset), "hex": hex(reset.encode()),
            "holds": reset.verify(),
        })
    };
    json!({
        "description": "LogReset frames and the genesis leaf of the log epoch that begins.",
        "log_seed": hex(seed(0x20)), "genesis_leaf": hex(good.genesis().leaf()),
        "log_resets": [
            row("holds", good),
            row("another base size", LogReset { base_size: 2, ..good }),
            row("another base head", LogReset { base_head: leaf(0), ..good }),
            row("another log", LogReset { log_id: device(9).log_id(), ..good }),
        ],
    })
}

fn chunks() -> [Vec<u8>; 2] {
    [vec![0xa1; 65_536], vec![0xa2; 1000]]
}

fn manifest_fields() -> ManifestFields {
    let fold = log_of_three();
    let mut hasher = ChunksHasher::default();
    chunks().iter().for_each(|chunk| hasher.push(chunk));
    ManifestFields {
        suite: 1,
        space: space(),
        device: device(1).device(),
        key_epoch: 1,
        log_id: log_id(),
        log_epoch: 1,
        size: fold.size(),
        head: fold.head(),
        range: fold.hashes().to_vec(),
        total_bytes: 66_536,
        chunk_bytes: 65_536,
        chunks_hash: hasher.finish(),
        salt: seed(0xe1),
        commitment: seed(0xe2),
        time_ms: TIME_MS,
    }
}

/// The manifest of a snapshot of device 1 in two chunks.
pub(crate) fn manifest() -> Manifest {
    manifest_fields().sign(&device(1))
}

/// `manifests.json`.
pub(crate) fn manifests() -> Value {
    let good = manifest();
    let fields = good.fields();
    let chunk_hashes: Vec<String> = chunks().iter().map(|chunk| hex(sha256(&[chunk]))).collect();
    json!({
        "description": "A manifest with its id and chunk arithmetic. Chunk 0 is 65,536 bytes 0xa1, chunk 1 is 1,000 bytes \
                        0xa2. parsed_unsigned: well formed, but the signature does not hold. refused: not well formed.",
        "device_seed": hex(seed(0x11)),
        "manifest": {
            "hex": hex(good.bytes()), "id": hex(good.id()), "chunk_count": fields.chunk_count(),
            "chunk_hashes": chunk_hashes,
            "fields": {
                "suite": fields.suite, "space": hex(fields.space), "device": hex(fields.device),
                "key_epoch": fields.key_epoch, "log_id": hex(fields.log_id), "log_epoch": fields.log_epoch,
                "size": fields.size, "head": hex(fields.head), "range": hexes(&fields.range),
                "total_bytes": fields.total_bytes, "chunk_bytes": fields.chunk_bytes,
                "chunks_hash": hex(fields.chunks_hash), "salt": hex(fields.salt),
                "commitment": hex(fields.commitment), "time": fields.time_ms,
            },
        },
        "parsed_unsigned": foreign_signature(),
        "refused": refused_manifests(),
    })
}

fn foreign_signature() -> Vec<Value> {
    let foreign = manifest_fields().sign(&device(2));
    assert!(Manifest::parse(foreign.bytes().clone()).is_ok_and(|parsed| !parsed.verify()));
    vec![json!({ "description": "signed by another device than the one named", "hex": hex(foreign.bytes()) })]
}

fn refused_manifests() -> Vec<Value> {
    let change = |change: fn(&mut ManifestFields)| {
        let mut fields = manifest_fields();
        change(&mut fields);
        fields.sign(&device(1)).bytes().to_vec()
    };
    let mut format = manifest().bytes().to_vec();
    format[0] = 2;
    let mut trailing = manifest().bytes().to_vec();
    trailing.push(0);
    let cases = vec![
        ("another format", format),
        ("a byte too many", trailing),
        ("chunks below 64 KiB", change(|fields| fields.chunk_bytes = 65_535)),
        ("chunks above 1 MiB", change(|fields| fields.chunk_bytes = 1_048_577)),
        ("no bytes at all", change(|fields| fields.total_bytes = 0)),
        ("a range that does not fold to the head", change(|fields| fields.range[0].0[0] ^= 1)),
        ("an empty range", change(|fields| fields.range.clear())),
        ("a range of 65 hashes", change(|fields| fields.range = vec![leaf(0); 65])),
        ("a size above 2^53 - 1", change(|fields| fields.size = relay_proto::wire::U64_MAX + 1)),
    ];
    cases
        .into_iter()
        .map(|(description, bytes)| {
            let error = Manifest::parse(bytes.clone().into()).expect_err(description);
            json!({ "description": description, "hex": hex(bytes), "error": error.name() })
        })
        .collect()
}
