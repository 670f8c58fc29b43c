//! Fills a relay: so many spaces with so many entries each, pushed many at a time by several threads. Every push is
//! receipted before this ends.

use crate::args::Args;
use crate::failure::Failure;
use crate::number::to_u64;
use crate::relay::{Space, frame_number, open_session, push_frame_of, refusal};
use crate::target::{Dialect, Target};
use relay_proto::LogId;
use relay_proto::frame::{Frame, Receipt, ReceiptStatus};
use relay_proto::hash::sha256;
use serde_json::{Value, json};
use std::collections::VecDeque;

/// Spaces that are filled at the same time.
const THREADS: usize = 16;
/// Entries of one push: below the relay's limit of them, and of a message's bytes.
const PUSH_ENTRIES_MAX: u64 = 1000;
const PUSH_BYTES_MAX: u64 = 2 * 1024 * 1024;
/// Pushes a space may have unanswered.
const IN_FLIGHT: usize = 4;

/// The space with this number, of one device.
pub(crate) fn space_of(seed: u64, number: usize) -> Result<Space, Failure> {
    Space::from_seed(sha256(&[&seed.to_be_bytes(), &to_u64(number).to_be_bytes()]).0, 1)
}

/// Fills and says how much.
pub(crate) fn run(args: &Args) -> Result<Value, Failure> {
    let target = *args.target()?;
    let Dialect::Relay(log_id) = target.dialect else {
        return Err(Failure::new("only a relay is filled"));
    };
    let mut sealed = vec![0; args.bytes];
    getrandom::fill(&mut sealed)?;
    let sealed = &sealed;
    let outcomes: Vec<Result<(), Failure>> = std::thread::scope(|scope| {
        let worker = |first: usize| {
            move || {
                (first..args.spaces).step_by(THREADS).try_for_each(|number| fill(args, &target, log_id, number, sealed))
            }
        };
        let threads: Vec<_> = (0..THREADS).map(|first| scope.spawn(worker(first))).collect();
        let died = || Err(Failure::new("a filling thread died"));
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| died())).collect()
    });
    outcomes.into_iter().collect::<Result<Vec<()>, _>>()?;
    Ok(json!({ "mode": "fill", "spaces": args.spaces, "entries": args.entries, "bytes": args.bytes }))
}

fn fill(args: &Args, target: &Target, log_id: LogId, number: usize, sealed: &[u8]) -> Result<(), Failure> {
    let space = space_of(args.seed, number)?;
    let mut session = open_session(target.address, &log_id, &space, 0, true)?;
    let mut next = session.welcome.push_seq_high.saturating_add(1);
    let last = session.welcome.push_seq_high.saturating_add(args.entries);
    let per_push = (PUSH_BYTES_MAX / to_u64(sealed.len())).clamp(1, PUSH_ENTRIES_MAX);
    let mut waiting = VecDeque::new();
    while next <= last || !waiting.is_empty() {
        if next <= last && waiting.len() < IN_FLIGHT {
            let count = per_push.min(last.saturating_sub(next).saturating_add(1));
            session.line.send(&push_frame_of(next, usize::try_from(count).unwrap_or(usize::MAX), sealed))?;
            waiting.push_back((next, count));
            next = next.saturating_add(count);
            continue;
        }
        let frame = session.line.receive()?;
        refusal(&frame)?;
        if frame_number(&frame) != Receipt::TYPE.number() {
            continue;
        }
        let receipt = Receipt::decode(&frame)?;
        if !matches!(receipt.status, ReceiptStatus::Stored(_)) {
            return Err(Failure::new("an entry was not stored"));
        }
        settle(&mut waiting, receipt.push_seq_first, u64::from(receipt.count))?;
    }
    Ok(())
}

/// Takes the pushes that a receipt answers, one or several in a row.
fn settle(waiting: &mut VecDeque<(u64, u64)>, first: u64, count: u64) -> Result<(), Failure> {
    let end = first.saturating_add(count);
    let mut next = first;
    while next < end {
        match waiting.pop_front() {
            Some((first, count)) if first == next && count <= end.saturating_sub(next) => {
                next = next.saturating_add(count);
            }
            _ => return Err(Failure::new("a receipt does not fit its pushes")),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::settle;
    use std::collections::VecDeque;

    #[test]
    fn a_receipt_answers_whole_pushes_in_order() {
        let waiting = || VecDeque::from([(1, 10), (11, 5), (16, 1)]);
        let left = |first, count| {
            let mut waiting = waiting();
            settle(&mut waiting, first, count).ok().map(|()| waiting.len())
        };
        assert_eq!((left(1, 10), left(1, 15), left(1, 16)), (Some(2), Some(1), Some(0)));
        assert_eq!((left(1, 9), left(1, 12), left(11, 5), left(1, 17)), (None, None, None, None));
    }
}
