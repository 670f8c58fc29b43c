//! Purges, erasures and notices, each with cases that must not hold.

use super::fixtures::*;
use bytes::Bytes;
use relay_proto::erasure::{ErasureNotice, ErasureReason, member_mark};
use relay_proto::frame::{Erase, Frame, Purge};
use serde_json::{Value, json};

/// A purge of everything, by the admin.
pub(crate) fn purge() -> Purge {
    let fold = log_of_three();
    Purge::sign(&device(1), &space(), &log_id(), 1, fold.size(), fold.head())
}

/// An erasure, by the admin.
pub(crate) fn erase() -> Erase {
    Erase::sign(&device(1), &space(), &log_id(), 1, (1, first().hash()))
}

/// `erasures.json`.
pub(crate) fn vector() -> Value {
    let signer = device(1).device();
    let purge_row = |description: &str, purge: Purge| {
        let holds = purge.verify(&signer, &space(), &log_id());
        json!({ "description": description, "hex": hex(purge.encode()), "holds": holds })
    };
    let erase_row = |description: &str, erase: Erase| {
        let holds = erase.verify(&signer, &space(), &log_id());
        json!({ "description": description, "hex": hex(erase.encode()), "holds": holds })
    };
    let other_log = device(9).log_id();
    let fold = log_of_three();
    let mark = |i: u8| {
        let key = device(i).device();
        json!({ "device": hex(key), "mark": hex(member_mark(&space(), &key)) })
    };
    json!({
        "description": "Purge and Erase frames of one device for one log; the notice of a space that is gone, as the detail of \
                        the Error space_erased; and the marks by which a relay still knows its devices.",
        "signer_seed": hex(seed(0x11)), "signer": hex(signer), "space": hex(space()), "log_id": hex(log_id()),
        "purges": [
            purge_row("holds", purge()),
            purge_row("another size", Purge { size: 2, ..purge() }),
            purge_row("another head", Purge { head: leaf(0), ..purge() }),
            purge_row("another log epoch", Purge { log_epoch: 2, ..purge() }),
            purge_row("signed for another log", Purge::sign(&device(1), &space(), &other_log, 1, 3, fold.head())),
        ],
        "erasures": [
            erase_row("holds", erase()),
            erase_row("another roster", Erase { roster_hash: leaf(0), ..erase() }),
            erase_row("another version", Erase { roster_version: 2, ..erase() }),
            erase_row("another log epoch", Erase { log_epoch: 2, ..erase() }),
            erase_row("signed for another log", Erase::sign(&device(1), &space(), &other_log, 1, (1, first().hash()))),
        ],
        "notices": notices(),
        "refused_notices": refused_notices(),
        "member_marks": [mark(1), mark(2)],
    })
}

fn signed() -> ErasureNotice {
    let reason = ErasureReason::Signed { signer: device(1).device(), erase: erase() };
    ErasureNotice { reason, done: true, time_ms: TIME_MS }
}

fn notices() -> Value {
    let row = |description: &str, reason: &str, notice: ErasureNotice| {
        assert_eq!(ErasureNotice::decode(&notice.encode()), Ok(notice));
        json!({
            "description": description, "hex": hex(notice.encode()), "reason": reason, "done": notice.done,
            "time": notice.time_ms,
        })
    };
    json!([
        row("by an admin, overwritten", "signed", signed()),
        row(
            "by the operator, being overwritten",
            "operator",
            ErasureNotice { reason: ErasureReason::Operator, done: false, time_ms: TIME_MS }
        ),
        row("nobody came", "expired", ErasureNotice { reason: ErasureReason::Expired, done: true, time_ms: TIME_MS }),
    ])
}

fn refused_notices() -> Value {
    let expired = ErasureNotice { reason: ErasureReason::Expired, done: true, time_ms: TIME_MS }.encode().to_vec();
    let change = |at: usize, byte: u8| {
        let mut bytes = expired.clone();
        bytes[at] = byte;
        bytes
    };
    let longer = [expired.as_slice(), &[0]].concat();
    let cases = [
        ("an unknown reason", change(0, 4)),
        ("neither done nor not", change(1, 2)),
        ("a byte too many", longer),
        ("a signed one without its words", change(0, 1)),
    ];
    cases
        .map(|(description, bytes)| {
            let error = ErasureNotice::decode(&Bytes::from(bytes.clone())).expect_err(description);
            json!({ "description": description, "hex": hex(bytes), "error": error.name() })
        })
        .into()
}
