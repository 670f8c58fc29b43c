//! One TCP connection: two streams of bytes that arrive late, in pieces and in order, until either end or the network breaks it.

use super::scheduler::{MS, SECOND};
use bytes::{Bytes, BytesMut};
use relay_store::vfs::sim::Dice;
use std::collections::VecDeque;

/// Bytes of the length in front of each frame, as over any byte stream (docs/protocol.md section 2).
const LENGTH_BYTES: usize = 4;
/// A frame longer than this is nothing an honest peer sends in the simulation.
const FRAME_BYTES_MAX: usize = 8 << 20;
/// Pieces a write is cut into, at most.
const PIECES_MAX: u64 = 3;

/// Which end of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Device,
    Relay,
}

/// How the network of a run behaves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    /// Longest time of a piece on its way, in microseconds.
    pub(crate) delay_us_max: u64,
    /// One write in so many is cut into pieces; 0: none.
    pub(crate) split_one_in: u64,
}

/// One direction.
#[derive(Default)]
struct Stream {
    /// On the way: when each piece arrives.
    pieces: VecDeque<(u64, Bytes)>,
    /// Nothing overtakes what was sent before.
    last_us: u64,
    arrived: BytesMut,
    /// Sent and not taken by the receiver.
    open_bytes: usize,
    stalled_until_us: u64,
    /// The connection breaks when so many more bytes arrived.
    breaks_after: Option<usize>,
    ended: bool,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Wire {
    to_device: Stream,
    to_relay: Stream,
    /// Nothing arrives any more, in either direction.
    pub(crate) broken: bool,
}

impl Stream {
    fn send(&mut self, bytes: Bytes, now_us: u64, weather: Weather, dice: &mut Dice) -> Vec<u64> {
        self.open_bytes += bytes.len();
        let mut rest = bytes;
        let mut arrivals = Vec::with_capacity(1);
        let split = weather.split_one_in > 0 && dice.one_in(weather.split_one_in);
        let pieces = if split { 1 + dice.below(PIECES_MAX) } else { 1 };
        for piece in (0..pieces).rev() {
            let len = if piece == 0 { rest.len() } else { usize::try_from(dice.below(rest.len() as u64)).unwrap_or(0) };
            if len == 0 {
                continue;
            }
            let delay = 20 + dice.below(weather.delay_us_max);
            self.last_us = self.last_us.max(now_us + delay).max(self.stalled_until_us);
            self.pieces.push_back((self.last_us, rest.split_to(len)));
            arrivals.push(self.last_us);
        }
        arrivals
    }

    /// Takes what arrived by now; true when the connection breaks at it.
    fn arrive(&mut self, now_us: u64) -> bool {
        while self.pieces.front().is_some_and(|(at_us, _)| *at_us <= now_us) {
            let Some((_, piece)) = self.pieces.pop_front() else { break };
            let kept = self.breaks_after.map_or(piece.len(), |left| left.min(piece.len()));
            self.arrived.extend_from_slice(&piece[..kept]);
            if let Some(left) = &mut self.breaks_after {
                *left -= kept;
                if *left == 0 {
                    return true;
                }
            }
        }
        false
    }

    fn take_frame(&mut self) -> Option<Bytes> {
        let length = self.arrived.first_chunk::<LENGTH_BYTES>()?;
        let length = u32::from_be_bytes(*length) as usize;
        assert!(length <= FRAME_BYTES_MAX, "a frame of {length} bytes");
        if self.arrived.len() < LENGTH_BYTES + length {
            return None;
        }
        let frame = self.arrived.split_to(LENGTH_BYTES + length).freeze().slice(LENGTH_BYTES..);
        self.open_bytes -= LENGTH_BYTES + length;
        Some(frame)
    }
}

impl Wire {
    fn to(&mut self, side: Side) -> &mut Stream {
        match side {
            Side::Device => &mut self.to_device,
            Side::Relay => &mut self.to_relay,
        }
    }

    /// Sends a frame to an end; gives the times at which its pieces arrive.
    pub(crate) fn send(&mut self, to: Side, frame: &Bytes, now_us: u64, weather: Weather, dice: &mut Dice) -> Vec<u64> {
        if self.broken || self.to(to).ended {
            return Vec::new();
        }
        let mut bytes = BytesMut::with_capacity(LENGTH_BYTES + frame.len());
        bytes.extend_from_slice(&u32::try_from(frame.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend_from_slice(frame);
        self.to(to).send(bytes.freeze(), now_us, weather, dice)
    }

    /// Lets arrive at an end what is due; the connection may break at it.
    pub(crate) fn arrive(&mut self, at: Side, now_us: u64) {
        if !self.broken && self.to(at).arrive(now_us) {
            self.broken = true;
        }
    }

    /// The next whole frame that arrived.
    pub(crate) fn take_frame(&mut self, at: Side) -> Option<Bytes> {
        self.to(at).take_frame()
    }

    /// Bytes sent to an end and not taken there.
    pub(crate) const fn open_bytes(&self, to: Side) -> usize {
        match to {
            Side::Device => self.to_device.open_bytes,
            Side::Relay => self.to_relay.open_bytes,
        }
    }

    /// An end sends no more: what is on the way arrives, and then the other end is told.
    pub(crate) fn end(&mut self, to: Side, now_us: u64) -> u64 {
        let stream = self.to(to);
        stream.ended = true;
        stream.last_us.max(now_us)
    }

    /// When the last of what was sent to an end arrives there.
    pub(crate) const fn last_us(&self, at: Side) -> u64 {
        match at {
            Side::Device => self.to_device.last_us,
            Side::Relay => self.to_relay.last_us,
        }
    }

    /// Whether everything that was sent to an end arrived there and nothing more comes.
    pub(crate) fn is_over(&self, at: Side) -> bool {
        let stream = if at == Side::Device { &self.to_device } else { &self.to_relay };
        self.broken || (stream.ended && stream.pieces.is_empty())
    }

    /// Lets the network do something bad.
    pub(crate) fn suffer(&mut self, now_us: u64, dice: &mut Dice) {
        let side = if dice.one_in(2) { Side::Device } else { Side::Relay };
        let stream = self.to(side);
        match dice.below(4) {
            0 => self.broken = true,
            1 => stream.breaks_after = Some(1 + usize::try_from(dice.below(2_000)).unwrap_or(0)),
            2 => stream.stalled_until_us = now_us + dice.below(40 * SECOND),
            _ => stream.stalled_until_us = now_us + dice.below(500 * MS),
        }
    }

    /// From now on the network behaves.
    pub(crate) fn heal(&mut self) {
        for stream in [&mut self.to_device, &mut self.to_relay] {
            stream.breaks_after = None;
            stream.stalled_until_us = 0;
        }
    }
}
