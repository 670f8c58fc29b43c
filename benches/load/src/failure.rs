//! Why a run came to nothing, in a sentence.

use std::fmt;

/// A sentence for the person at the terminal.
#[derive(Debug)]
pub(crate) struct Failure {
    sentence: String,
    absent: bool,
}

impl Failure {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), absent: false }
    }

    /// What was asked for is not there to be measured: nothing failed.
    pub(crate) fn absent(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), absent: true }
    }

    /// Whether nothing failed.
    pub(crate) fn is_absent(&self) -> bool {
        self.absent
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

macro_rules! from_error {
    ($($error:ty => $what:literal),* $(,)?) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::new(format!(concat!($what, ": {}"), error))
            }
        })*
    };
}

from_error! {
    std::io::Error => "the system refused",
    bench_wire::FrameError => "a frame is wrong",
    relay_proto::DecodeError => "the relay's frame does not decode",
    getrandom::Error => "there is no randomness",
}
