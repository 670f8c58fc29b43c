//! What a client owes a relay that is busy: it waits until everything in flight is answered and the time it was given is
//! over, and then starts again with the refused push_seq.

use crate::clock::MILLISECOND_NS;
use crate::failure::Failure;
use relay_proto::ErrorCode;
use relay_proto::frame::ErrorFrame;

/// What a refusal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// `busy`: this message and what is behind it, for so long.
    Busy {
        /// Number of the message.
        number: u64,
        /// In nanoseconds.
        retry_after_ns: u64,
    },
    /// Behind a refused message.
    Behind,
}

impl Refusal {
    /// Reads an error about message 0 + `base` and later ones; any other error ends the run.
    pub(crate) fn of(error: &ErrorFrame, base: u64) -> Result<Self, Failure> {
        let code = ErrorCode::from_number(error.code);
        let number =
            error.context.checked_sub(base).ok_or_else(|| Failure::new("a refusal names no push of this run"))?;
        match code {
            Some(ErrorCode::Busy) if error.retry_after_ms > 0 => Ok(Self::Busy {
                number,
                retry_after_ns: u64::from(error.retry_after_ms).saturating_mul(MILLISECOND_NS),
            }),
            Some(ErrorCode::Busy) => Err(Failure::new("a push is refused as busy without a time to come back")),
            Some(ErrorCode::PushSeqGap) => Ok(Self::Behind),
            other => {
                let name = other.map_or("an unknown error", ErrorCode::name);
                Err(Failure::new(format!("the relay refuses: {name} ({}), context {}", error.code, error.context)))
            }
        }
    }
}

/// One connection that was refused, until it may start again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BackOff {
    from: u64,
    until_ns: u64,
}

impl BackOff {
    /// After a refusal, perhaps during another one: the lowest refused message and the latest time count.
    pub(crate) fn after(before: Option<Self>, number: u64, until_ns: u64) -> Self {
        let from = before.map_or(number, |before| before.from.min(number));
        Self { from, until_ns: before.map_or(until_ns, |before| before.until_ns.max(until_ns)) }
    }

    /// The message to start again with, once the time is over.
    pub(crate) fn over(self, now_ns: u64) -> Option<u64> {
        (now_ns >= self.until_ns).then_some(self.from)
    }
}

/// How many pushes were refused.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Refused {
    /// With `busy` and a time.
    pub(crate) busy: u64,
    /// Behind those.
    pub(crate) behind: u64,
    /// Due while their connection was told to stay away, or had its window full.
    pub(crate) held_back: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: ErrorCode, context: u64, retry_after_ms: u32) -> ErrorFrame {
        ErrorFrame { retry_after_ms, ..ErrorFrame::about(code, context) }
    }

    #[test]
    fn only_busy_with_a_time_and_what_is_behind_it_are_refusals() {
        let busy = Refusal::of(&error(ErrorCode::Busy, 12, 3), 10).unwrap();
        assert_eq!(busy, Refusal::Busy { number: 2, retry_after_ns: 3_000_000 });
        assert_eq!(Refusal::of(&error(ErrorCode::PushSeqGap, 13, 0), 10).unwrap(), Refusal::Behind);
        for wrong in [error(ErrorCode::Busy, 12, 0), error(ErrorCode::Busy, 9, 3), error(ErrorCode::DiskFull, 12, 3)] {
            assert!(Refusal::of(&wrong, 10).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_lowest_message_and_the_latest_time_count() {
        let back_off = BackOff::after(Some(BackOff::after(None, 5, 100)), 7, 300);
        assert_eq!((back_off.over(299), back_off.over(300)), (None, Some(5)));
    }
}
