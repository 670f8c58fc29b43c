//! The frames under way in a space, in pieces of one sender's frames, each piece in one stretch of memory.
//!
//! Invariants: a piece's number is `first` plus its place; `readers` counts the listeners that stand at a piece (or stood at a
//! dropped one before it), `at_end` those that stand behind the last one; a front piece where nobody stands is gone.

use super::super::runs::{Part, Runs};
use crate::endpoint::SharedRun;
use crate::limits::{EPHEMERAL_PIECE_BYTES_MAX, EPHEMERAL_SPACE_BYTES_MAX, EPHEMERAL_SPACE_FRAMES_MAX};
use bytes::Bytes;
use std::collections::VecDeque;

/// Frames of one session, in the order in which it sent them.
struct Piece {
    from: u64,
    frames: u32,
    readers: usize,
    body: Body,
}

enum Body {
    /// Nobody took it yet: what the same session sends next is appended. Only the last piece is open.
    Open(Vec<u8>),
    Closed(Bytes),
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        match &self.body {
            Body::Open(bytes) => bytes,
            Body::Closed(bytes) => bytes,
        }
    }

    fn close(&mut self) {
        if let Body::Open(bytes) = &mut self.body {
            // It may wait for long for somebody slow.
            if bytes.capacity() > 2 * bytes.len() {
                bytes.shrink_to_fit();
            }
            self.body = Body::Closed(Bytes::from(std::mem::take(bytes)));
        }
    }

    fn part(&self, end: u64) -> Part<'_> {
        Part { bytes: self.bytes(), frames: self.frames, end }
    }

    fn run(&self) -> Option<SharedRun> {
        match &self.body {
            Body::Open(_) => None,
            Body::Closed(bytes) => Some(SharedRun { bytes: bytes.clone(), frames: self.frames }),
        }
    }
}

/// Where a listener stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Number of the next piece.
    pub(super) piece: u64,
    /// Frames of the space before it.
    pub(super) frame: u64,
}

#[derive(Default)]
pub(super) struct Pieces {
    pieces: VecDeque<Piece>,
    bytes: usize,
    /// Pieces joined for those who lack the same ones.
    runs: Runs,
    /// Number of the oldest piece.
    first: u64,
    /// Frames before the oldest piece, and before the end.
    first_frame: u64,
    end_frame: u64,
    at_end: usize,
}

impl Pieces {
    /// Bytes kept, joined or not.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes + self.runs.bytes()
    }

    pub(super) fn end(&self) -> Place {
        let pieces = u64::try_from(self.pieces.len()).unwrap_or(u64::MAX);
        Place { piece: self.first + pieces, frame: self.end_frame }
    }

    pub(super) const fn start(&self) -> Place {
        Place { piece: self.first, frame: self.first_frame }
    }

    /// Frames of a session that are kept.
    pub(super) fn frames_of(&self, session: u64) -> u64 {
        self.pieces.iter().filter(|piece| piece.from == session).map(|piece| u64::from(piece.frames)).sum()
    }

    /// Adds frames of a session. `own_at_end`: it listens too, stands at the end, and goes on behind its own.
    pub(super) fn append(&mut self, from: u64, frames: u32, bytes: &mut Vec<u8>, own_at_end: bool) {
        self.runs.clear();
        self.bytes += bytes.len();
        self.end_frame += u64::from(frames);
        if !self.extend(from, frames, bytes) {
            self.close_last();
            let stays = usize::from(own_at_end);
            let readers = self.at_end.saturating_sub(stays);
            self.at_end = stays;
            self.pieces.push_back(Piece { from, frames, readers, body: Body::Open(std::mem::take(bytes)) });
        }
        bytes.clear();
        self.drop_read();
        while self.is_over() && self.drop_oldest() {}
    }

    fn extend(&mut self, from: u64, frames: u32, bytes: &[u8]) -> bool {
        let Some(last) = self.pieces.back_mut().filter(|last| last.from == from) else { return false };
        let Body::Open(open) = &mut last.body else { return false };
        if open.len() + bytes.len() > EPHEMERAL_PIECE_BYTES_MAX {
            return false;
        }
        open.extend_from_slice(bytes);
        last.frames += frames;
        true
    }

    fn close_last(&mut self) {
        if let Some(last) = self.pieces.back_mut() {
            last.close();
        }
    }

    fn is_over(&self) -> bool {
        let frames_max = u64::try_from(EPHEMERAL_SPACE_FRAMES_MAX).unwrap_or(u64::MAX);
        self.bytes > EPHEMERAL_SPACE_BYTES_MAX || self.end_frame - self.first_frame > frames_max
    }

    /// A listener begins to stand at the end: what is sent from now on is not what it missed.
    pub(super) fn join(&mut self) -> Place {
        self.close_last();
        self.at_end += 1;
        self.end()
    }

    /// A listener that stood there goes.
    pub(super) fn leave(&mut self, place: Place) {
        self.step_off(place.piece);
        self.drop_read();
    }

    /// A listener that stood at `from` now stands at `to`.
    pub(super) fn go(&mut self, from: Place, to: Place) {
        self.step_off(from.piece);
        match self.at(to.piece) {
            Some(piece) => piece.readers += 1,
            None => self.at_end += 1,
        }
        self.drop_read();
    }

    fn step_off(&mut self, piece: u64) {
        let readers = match self.at(piece) {
            Some(piece) => &mut piece.readers,
            None => &mut self.at_end,
        };
        *readers = readers.saturating_sub(1);
    }

    /// The piece of a number, or the oldest one when that is gone.
    fn at(&mut self, number: u64) -> Option<&mut Piece> {
        self.pieces.get_mut(self.index(number))
    }

    fn index(&self, number: u64) -> usize {
        usize::try_from(number.saturating_sub(self.first)).unwrap_or(usize::MAX)
    }

    /// Everything from a place on in one run, and the place behind it; joined when it is more than one piece.
    pub(super) fn run_from(&mut self, place: Place) -> Option<(Place, SharedRun)> {
        self.close_last();
        let index = self.index(place.piece).min(self.pieces.len());
        let after = |count: u64, run: &SharedRun| Place { piece: count, frame: place.frame + u64::from(run.frames) };
        if index + 1 == self.pieces.len() {
            let run = self.pieces.back()?.run()?;
            return Some((after(place.piece + 1, &run), run));
        }
        let rest = self.pieces.range(index..).zip(place.piece + 1..);
        let run = self.runs.from(place.piece, rest.map(|(piece, end)| piece.part(end)))?;
        Some((after(run.end, &run.frames), run.frames))
    }

    /// The pieces from a place on, one by one, with the sessions they are of.
    pub(super) fn each_from(&mut self, place: Place) -> impl Iterator<Item = (u64, SharedRun)> {
        self.close_last();
        let index = self.index(place.piece).min(self.pieces.len());
        self.pieces.range(index..).filter_map(|piece| Some((piece.from, piece.run()?)))
    }

    fn drop_read(&mut self) {
        while self.pieces.front().is_some_and(|piece| piece.readers == 0) {
            self.drop_oldest();
        }
        if self.pieces.is_empty() {
            self.runs.clear();
        }
    }

    /// Who stood there stands at the next one, and has missed what went.
    fn drop_oldest(&mut self) -> bool {
        let Some(oldest) = self.pieces.pop_front() else { return false };
        self.bytes -= oldest.bytes().len();
        self.first += 1;
        self.first_frame += u64::from(oldest.frames);
        match self.pieces.front_mut() {
            Some(next) => next.readers += oldest.readers,
            None => self.at_end += oldest.readers,
        }
        true
    }

    /// Nothing is kept for anybody.
    pub(super) fn drop_all(&mut self) {
        while self.drop_oldest() {}
        self.runs.clear();
    }
}
