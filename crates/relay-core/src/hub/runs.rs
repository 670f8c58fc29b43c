//! Frames joined once for all who lack the same ones, so that each of them is sent one contiguous piece.
//!
//! Invariant: what is kept belongs to the present end of the frames; whoever appends one clears it.

use crate::endpoint::{SharedFrame, SharedRun};
use crate::limits::{RUN_BYTES_MAX, RUNS_MAX};
use bytes::BytesMut;

/// Joined frames, by the place they start at.
#[derive(Debug, Default)]
pub(super) struct Runs {
    kept: Vec<(u64, Run)>,
    bytes: usize,
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

    /// The run from a place, joined now if nobody asked before. None when there is one frame only, and when enough are kept:
    /// then whoever asks stands somewhere by itself, and takes frame by frame.
    pub(super) fn from<'a>(
        &mut self,
        start: u64,
        frames: impl Iterator<Item = (&'a SharedFrame, u64)> + Clone,
    ) -> Option<Run> {
        if let Some((_, run)) = self.kept.iter().find(|(kept, _)| *kept == start) {
            return Some(run.clone());
        }
        if self.kept.len() >= RUNS_MAX {
            return None;
        }
        let run = join(frames)?;
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

fn join<'a>(frames: impl Iterator<Item = (&'a SharedFrame, u64)> + Clone) -> Option<Run> {
    let mut bytes = 0;
    let fits = |(frame, _): &(&SharedFrame, u64)| {
        bytes += frame.bytes.len();
        bytes <= RUN_BYTES_MAX
    };
    let fitting = frames.clone().take_while(fits).count();
    if fitting < 2 {
        return None;
    }
    let length = frames.clone().take(fitting).map(|(frame, _)| frame.bytes.len()).sum();
    let mut joined = BytesMut::with_capacity(length);
    let mut end = 0;
    for (frame, frame_end) in frames.clone().take(fitting) {
        joined.extend_from_slice(&frame.bytes);
        end = frame_end;
    }
    let bytes = joined.freeze();
    let mut from = 0;
    let pieces = frames.take(fitting).map(|(frame, _)| {
        let until = from + frame.bytes.len();
        let piece = SharedFrame { bytes: bytes.slice(from..until), header_bytes: frame.header_bytes };
        from = until;
        piece
    });
    let frames = pieces.collect();
    Some(Run { end, frames: SharedRun { bytes, frames } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn frames(sizes: &[usize]) -> Vec<SharedFrame> {
        let frame = |(n, size): (usize, &usize)| SharedFrame {
            bytes: Bytes::from(vec![u8::try_from(n).unwrap(); *size]),
            header_bytes: 2,
        };
        sizes.iter().enumerate().map(frame).collect()
    }

    fn numbered(frames: &[SharedFrame]) -> impl Iterator<Item = (&SharedFrame, u64)> + Clone {
        frames.iter().zip(1..)
    }

    #[test]
    fn a_run_is_its_frames_in_one_piece_and_is_joined_once() {
        let frames = frames(&[3, 5, 4]);
        let mut runs = Runs::default();
        let run = runs.from(0, numbered(&frames)).unwrap();
        assert_eq!(run.frames.bytes[..], [0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2]);
        assert_eq!(run.end, 3);
        assert!(run.frames.frames.iter().zip(&frames).all(|(piece, frame)| piece.bytes == frame.bytes));
        let again = runs.from(0, numbered(&[])).unwrap();
        assert_eq!(again.frames.bytes.as_ptr(), run.frames.bytes.as_ptr());
    }

    #[test]
    fn runs_are_bounded_in_bytes_and_number() {
        let mut runs = Runs::default();
        let big = frames(&[RUN_BYTES_MAX / 2, RUN_BYTES_MAX / 2, 1]);
        assert_eq!(runs.from(0, numbered(&big)).unwrap().end, 2);
        assert!(runs.from(1, numbered(&frames(&[RUN_BYTES_MAX, 1]))).is_none(), "one frame is no run");
        let small = frames(&[1, 1]);
        for place in 1..RUNS_MAX {
            assert!(runs.from(place as u64, numbered(&small)).is_some());
        }
        assert!(runs.from(RUNS_MAX as u64, numbered(&small)).is_none());
        runs.clear();
        assert!(runs.from(RUNS_MAX as u64, numbered(&small)).is_some());
    }
}
