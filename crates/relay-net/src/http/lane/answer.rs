//! The bytes of an answer, head and body in one piece.

use super::super::cors;
use super::super::frames::Refused;
use super::super::listener::TOO_FAST;
use super::super::marks;
use crate::gate::write_lines;
use http::StatusCode;
use relay_core::gcra::Verdict;
use std::cell::RefCell;
use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const HEAD_BYTES: usize = 448;
const DATE_BYTES: usize = 29;

thread_local! {
    /// The date of a second, formatted once.
    static DATE: RefCell<(u64, [u8; DATE_BYTES])> = const { RefCell::new((0, [b' '; DATE_BYTES])) };
}

/// What the head says beside the status.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shape<'a> {
    /// No further request is answered on this connection.
    pub(super) is_last: bool,
    /// A page of some origin asked.
    pub(super) has_origin: bool,
    /// What TLS adds.
    pub(super) secure_line: &'a str,
    /// What is left of the client's rate, where it has one.
    pub(super) verdict: Option<Verdict>,
    /// How long the answer took.
    pub(super) took: Duration,
}

impl Shape<'_> {
    /// Whether the request is not to be looked at.
    pub(super) fn is_refused(&self) -> bool {
        self.verdict.is_some_and(|verdict| !verdict.is_admitted())
    }
}

/// The answer to a client that asked too often.
pub(super) fn too_fast(shape: Shape<'_>) -> Vec<u8> {
    let lines = |answer: &mut Vec<u8>| {
        answer.extend_from_slice(b"cache-control: no-store\r\ndate: ");
        answer.extend_from_slice(&date());
        answer.extend_from_slice(b"\r\n");
        if let Some(verdict) = &shape.verdict {
            write_lines(answer, verdict);
        }
        if shape.has_origin {
            answer.extend_from_slice(cors::LINES.as_bytes());
        }
        answer.extend_from_slice(shape.secure_line.as_bytes());
    };
    TOO_FAST.raw_with(lines, shape.is_last)
}

pub(super) fn bytes(frames: &[u8], refused: Option<Refused>, shape: Shape<'_>) -> Vec<u8> {
    let mut answer = Vec::with_capacity(HEAD_BYTES + frames.len());
    match refused {
        None => answer.extend_from_slice(b"HTTP/1.1 200 OK\r\n"),
        Some(refused) => write_refusal(&mut answer, refused),
    }
    answer.extend_from_slice(b"content-type: application/octet-stream\r\ncache-control: no-store\r\ndate: ");
    answer.extend_from_slice(&date());
    // Writing to a vector does not fail.
    let _ = write!(answer, "\r\ncontent-length: {}\r\n", frames.len());
    marks::write_lines(&mut answer, shape.took);
    if let Some(verdict) = &shape.verdict {
        write_lines(&mut answer, verdict);
    }
    if shape.has_origin {
        answer.extend_from_slice(cors::LINES.as_bytes());
    }
    answer.extend_from_slice(shape.secure_line.as_bytes());
    if shape.is_last {
        answer.extend_from_slice(b"connection: close\r\n");
    }
    answer.extend_from_slice(b"\r\n");
    answer.extend_from_slice(frames);
    answer
}

fn write_refusal(answer: &mut Vec<u8>, refused: Refused) {
    let status = StatusCode::from_u16(refused.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let _ = write!(answer, "HTTP/1.1 {} {}\r\n", status.as_u16(), status.canonical_reason().unwrap_or("Error"));
    if status == StatusCode::UNAUTHORIZED {
        answer.extend_from_slice(b"www-authenticate: Bearer\r\n");
    }
    if refused.retry_after_ms > 0 {
        let _ = write!(answer, "retry-after: {}\r\n", refused.retry_after_ms.div_ceil(1000));
    }
}

fn date() -> [u8; DATE_BYTES] {
    let now = SystemTime::now();
    let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    DATE.with_borrow_mut(|(of, text)| {
        if *of != seconds {
            *of = seconds;
            let _ = write!(&mut text[..], "{}", httpdate::HttpDate::from(now));
        }
        *text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use relay_core::measure::Outcome;

    #[test]
    fn an_answer_is_a_head_with_its_length_and_the_frames() {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let good = text(bytes(b"frames", None, Shape::default()));
        assert!(good.starts_with("HTTP/1.1 200 OK\r\n") && good.ends_with("\r\n\r\nframes"), "{good}");
        let length_and_marks = "\r\ncontent-length: 6\r\nx-content-type-options: nosniff\r\nx-response-time: 0ms\r\n";
        assert!(good.contains(length_and_marks), "{good}");
        let date = good.lines().find_map(|line| line.strip_prefix("date: ")).unwrap();
        assert!(httpdate::parse_http_date(date).is_ok(), "{date}");
        let refused = Refused { status: 503, retry_after_ms: 1500, outcome: Outcome::RelayError };
        let took = Duration::from_millis(12);
        let shape = Shape { is_last: true, has_origin: true, verdict: None, secure_line: "x: y\r\n", took };
        let refused = text(bytes(b"", Some(refused), shape));
        assert!(refused.starts_with("HTTP/1.1 503 Service Unavailable\r\nretry-after: 2\r\n"), "{refused}");
        assert!(refused.ends_with("x: y\r\nconnection: close\r\n\r\n"), "{refused}");
        assert!(refused.contains("\r\nx-response-time: 12ms\r\n"), "{refused}");
        assert!(refused.contains(cors::LINES) && !good.contains("access-control"), "{refused}");
    }
}
