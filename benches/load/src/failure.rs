//! Why a run came to nothing, in a sentence.

use std::fmt;

/// A sentence for the person at the terminal.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! from_error {
    ($($error:ty => $what:literal),* $(,)?) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self(format!(concat!($what, ": {}"), error))
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
