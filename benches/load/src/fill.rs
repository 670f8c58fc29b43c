//! Fills a relay: so many spaces with so many entries each, pushed many at a time by several threads. Every push is
//! receipted before this ends; what is refused as busy is sent again, as the protocol asks.

use crate::args::Args;
use crate::failure::Failure;
use crate::number::to_u64;
use crate::push::refusals::Refusal;
use crate::relay::{Space, frame_number, open_session, push_frame_of, refusal};
use crate::target::{Dialect, Target};
use relay_proto::LogId;
use relay_proto::frame::{ErrorFrame, Frame, Receipt, ReceiptStatus};
use relay_proto::hash::sha256;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::time::Duration;

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
    let mut refused: Option<Again> = None;
    while next <= last || !waiting.is_empty() || refused.is_some() {
        if let Some(again) = refused.take_if(|_| waiting.is_empty()) {
            std::thread::sleep(again.pause);
            next = again.from;
        }
        if refused.is_none() && next <= last && waiting.len() < IN_FLIGHT {
            let count = per_push.min(last.saturating_sub(next).saturating_add(1));
            session.line.send(&push_frame_of(next, usize::try_from(count).unwrap_or(usize::MAX), sealed))?;
            waiting.push_back((next, count));
            next = next.saturating_add(count);
            continue;
        }
        let frame = session.line.receive()?;
        if frame_number(&frame) == ErrorFrame::TYPE.number() {
            refused = Some(refuse(&mut waiting, refused, &ErrorFrame::decode(&frame)?)?);
            continue;
        }
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

/// Where to go on once everything in flight is answered, and after which time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Again {
    from: u64,
    pause: Duration,
}

/// Takes out a push that the relay is too busy for, or that was behind one.
fn refuse(waiting: &mut VecDeque<(u64, u64)>, before: Option<Again>, error: &ErrorFrame) -> Result<Again, Failure> {
    let place = waiting.iter().position(|(first, _)| *first == error.context);
    if place.and_then(|place| waiting.remove(place)).is_none() {
        return Err(Failure::new("the relay refused what was not sent"));
    }
    match (Refusal::of(error, 0)?, before) {
        (Refusal::Busy { number, retry_after_ns }, before) => {
            let pause = Duration::from_nanos(retry_after_ns);
            let before = before.unwrap_or(Again { from: number, pause });
            Ok(Again { from: before.from.min(number), pause: before.pause.max(pause) })
        }
        (Refusal::Behind, Some(before)) => Ok(before),
        (Refusal::Behind, None) => Err(Failure::new("a gap, and nothing was refused")),
    }
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
    use super::{Again, refuse, settle};
    use bytes::Bytes;
    use relay_proto::ErrorCode;
    use relay_proto::frame::ErrorFrame;
    use std::collections::VecDeque;
    use std::time::Duration;

    #[test]
    fn what_is_refused_is_taken_out_and_goes_on_from_the_lowest() {
        let mut waiting = VecDeque::from([(1, 10), (11, 5), (16, 1)]);
        let error = |code: ErrorCode, context, retry_after_ms| ErrorFrame {
            code: code.number(),
            context,
            retry_after_ms,
            detail: Bytes::new(),
        };
        assert!(
            refuse(&mut waiting.clone(), None, &error(ErrorCode::PushSeqGap, 16, 0)).is_err(),
            "nothing was refused"
        );
        assert!(refuse(&mut waiting.clone(), None, &error(ErrorCode::Busy, 12, 50)).is_err(), "never sent");
        let again = refuse(&mut waiting, None, &error(ErrorCode::Busy, 11, 50)).unwrap();
        assert_eq!(again, Again { from: 11, pause: Duration::from_millis(50) });
        let again = refuse(&mut waiting, Some(again), &error(ErrorCode::PushSeqGap, 16, 0)).unwrap();
        assert_eq!((again.from, waiting), (11, VecDeque::from([(1, 10)])));
    }

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
