//! Frames joined once for all who lack the same ones, so that each of them is sent one contiguous piece.
//!
//! Invariant: what is kept belongs to the present end of the frames; whoever appends one clears it.

use crate::endpoint::SharedRun;
use crate::limits::{RUN_BYTES_MAX, RUNS_MAX};
use bytes::BytesMut;

/// Joined frames, by the place they start at.
#[derive(Debug, Default)]
pub(super) struct Runs {
    kept: Vec<(u64, Run)>,
    bytes: usize,
}

/// One of the pieces to join.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) frames: u32,
    /// The place after it.
    pub(super) end: u64,
}

/// Joined frames and the place they end at.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) end: u64,
    pub(super) frames: SharedRun,
}

impl Runs {
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The run from a place, joined now if nobody asked before. None when there is one piece only, and when enough are kept:
    /// then whoever asks stands somewhere by itself, and takes piece by piece.
    pub(super) fn from<'a>(&mut self, start: u64, pieces: impl Iterator<Item = Part<'a>> + Clone) -> Option<Run> {
        if let Some((_, run)) = self.kept.iter().find(|(kept, _)| *kept == start) {
            return Some(run.clone());
        }
        if self.kept.len() >= RUNS_MAX {
            return None;
        }
        let run = join(pieces)?;
        self.bytes += run.frames.bytes.len();
        self.kept.push((start, run.clone()));
        Some(run)
    }

    /// Forgets them: there is a newer frame, or the old ones are gone.
    pub(super) fn clear(&mut self) {
        // The place is kept: a space that is busy joins again at once.
        self.kept.clear();
        self.bytes = 0;
    }
}

fn join<'a>(pieces: impl Iterator<Item = Part<'a>> + Clone) -> Option<Run> {
    let mut length = 0;
    let fits = |part: &Part<'_>| {
        let with_it = length + part.bytes.len();
        let fits = with_it <= RUN_BYTES_MAX;
        length = if fits { with_it } else { length };
        fits
    };
    let fitting = pieces.clone().take_while(fits).count();
    if fitting < 2 {
        return None;
    }
    let mut joined = BytesMut::with_capacity(length);
    let (mut frames, mut end) = (0, 0);
    for part in pieces.take(fitting) {
        joined.extend_from_slice(part.bytes);
        frames += part.frames;
        end = part.end;
    }
    Some(Run { end, frames: SharedRun { bytes: joined.freeze(), frames } })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(sizes: &[usize]) -> Vec<Vec<u8>> {
        sizes.iter().zip(0..).map(|(size, n)| vec![n; *size]).collect()
    }

    fn numbered(pieces: &[Vec<u8>]) -> impl Iterator<Item = Part<'_>> + Clone {
        pieces.iter().zip(1..).map(|(bytes, end)| Part { bytes, frames: 2, end })
    }

    #[test]
    fn a_run_is_its_pieces_in_one_and_is_joined_once() {
        let pieces = pieces(&[3, 5, 4]);
        let mut runs = Runs::default();
        let run = runs.from(0, numbered(&pieces)).unwrap();
        assert_eq!(run.frames.bytes[..], [0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2]);
        assert_eq!((run.end, run.frames.frames), (3, 6));
        let again = runs.from(0, numbered(&[])).unwrap();
        assert_eq!(again.frames.bytes.as_ptr(), run.frames.bytes.as_ptr());
    }

    #[test]
    fn runs_are_bounded_in_bytes_and_number() {
        let mut runs = Runs::default();
        let big = pieces(&[RUN_BYTES_MAX / 2, RUN_BYTES_MAX / 2, 1]);
        assert_eq!(runs.from(0, numbered(&big)).unwrap().end, 2);
        assert!(runs.from(1, numbered(&pieces(&[RUN_BYTES_MAX, 1]))).is_none(), "one piece is no run");
        let small = pieces(&[1, 1]);
        for place in 1..RUNS_MAX {
            assert!(runs.from(place as u64, numbered(&small)).is_some());
        }
        assert!(runs.from(RUNS_MAX as u64, numbered(&small)).is_none());
        runs.clear();
        assert!(runs.from(RUNS_MAX as u64, numbered(&small)).is_some());
    }
}
