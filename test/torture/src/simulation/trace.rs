//! What happened, as one number: two runs of a seed have the same one. In words only when somebody reads them.

use crate::report::say;
use relay_proto::frame::FrameType;
use std::collections::VecDeque;
use std::fmt::{Arguments, Display, Formatter};

/// Lines kept for whoever looks into a failure.
const LINES_KEPT: usize = 60;

/// See the module.
pub(crate) struct Trace {
    hash: u64,
    events: u64,
    /// The newest lines; `None`: nobody reads them.
    lines: Option<VecDeque<String>>,
    prints: bool,
}

/// What is done with the words of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Words {
    /// They are not made.
    None,
    /// The newest are kept.
    Kept,
    /// All are printed.
    Printed,
}

impl Trace {
    pub(crate) fn new(words: Words) -> Self {
        let lines = (words != Words::None).then(VecDeque::new);
        Self { hash: 0x51_7c_c1_b7_27_22_0a_95, events: 0, lines, prints: words == Words::Printed }
    }

    fn mix(&mut self, word: u64) {
        self.hash = (self.hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    /// An event, with numbers that say which.
    pub(crate) fn event(&mut self, now_us: u64, kind: u64, about: u64) {
        self.events += 1;
        self.mix(now_us);
        self.mix(kind);
        self.mix(about);
    }

    /// Bytes that went over a wire.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.mix(bytes.len() as u64);
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.mix(u64::from_le_bytes(word));
        }
    }

    /// The same in words.
    pub(crate) fn say(&mut self, now_us: u64, words: Arguments<'_>) {
        let Some(lines) = &mut self.lines else { return };
        let line = format!("{:>12.3} ms  {words}", now_us as f64 / 1000.0);
        if self.prints {
            say(&line);
        }
        if lines.len() == LINES_KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    pub(crate) const fn hash(&self) -> u64 {
        self.hash
    }

    pub(crate) const fn events(&self) -> u64 {
        self.events
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.iter().flatten().cloned().collect()
    }
}

/// A frame in words: its type and its length.
pub(crate) struct FrameWords<'a>(pub(crate) &'a [u8]);

impl Display for FrameWords<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self.0.first().copied().and_then(|number| FrameType::try_from(number).ok()) {
            Some(name) => write!(f, "{name:?}, {} bytes", self.0.len()),
            None => write!(f, "{} bytes", self.0.len()),
        }
    }
}
