//! One case: what is sent, and every frame that must come back before the server hangs up.

use super::support::client::{BINARY, CLOSE, Frame, PONG, close_payload, frame};

pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) sent: Vec<u8>,
    pub(crate) answers: Vec<Frame>,
}

impl Case {
    /// Whether the case breaks the protocol, so that a server which never closes for a reason must fail it.
    pub(crate) fn is_violation(&self) -> bool {
        self.answers.last().and_then(Frame::close_code).is_some_and(|code| matches!(code, 1002 | 1003 | 1007..=1009))
            && !self.name.starts_with("7.7")
    }
}

pub(crate) fn binary(payload: &[u8]) -> Frame {
    Frame { opcode: BINARY, payload: payload.to_vec() }
}

pub(crate) fn pong(payload: &[u8]) -> Frame {
    Frame { opcode: PONG, payload: payload.to_vec() }
}

/// A case that leaves the connection open; the runner then closes it.
pub(crate) fn open(name: impl Into<String>, sent: &[Vec<u8>], answers: Vec<Frame>) -> Case {
    let mut sent = sent.concat();
    sent.extend(frame(CLOSE, &close_payload(1000, b"done")));
    let mut answers = answers;
    answers.push(Frame { opcode: CLOSE, payload: close_payload(1000, b"") });
    Case { name: name.into(), sent, answers }
}

/// A case that ends with the server's close frame.
pub(crate) fn closes(name: impl Into<String>, sent: &[Vec<u8>], answers: Vec<Frame>, code: u16, reason: &str) -> Case {
    let mut answers = answers;
    answers.push(Frame { opcode: CLOSE, payload: close_payload(code, reason.as_bytes()) });
    Case { name: name.into(), sent: sent.concat(), answers }
}
