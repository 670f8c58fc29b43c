//! Answers the core makes itself: small JSON bodies, problems as RFC 9457 describes them.

use super::answer_body::{Answer, AnswerBody};
use super::marks;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};

/// A request the core answers with an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    /// Stable name a program can branch on.
    pub(crate) code: &'static str,
    /// A sentence for people; plain text without characters JSON would escape.
    pub(crate) detail: &'static str,
}

/// Seconds after which a client may try again when the relay is overloaded.
const RETRY_AFTER_S: &str = "1";

impl Problem {
    pub(crate) const fn new(status: StatusCode, code: &'static str, detail: &'static str) -> Self {
        Self { status, code, detail }
    }

    pub(crate) fn body(&self) -> String {
        let Self { status, code, detail } = self;
        let (number, title) = (status.as_u16(), status.canonical_reason().unwrap_or("Error"));
        format!(r#"{{"type":"about:blank","title":"{title}","status":{number},"code":"{code}","detail":"{detail}"}}"#)
    }

    pub(crate) fn answer(&self) -> Answer {
        let mut answer = json(self.status, self.body());
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S));
        }
        answer
    }

    /// The same answer as bytes, for connections that never reach the HTTP parser.
    pub(crate) fn raw(&self) -> Vec<u8> {
        let retry_after = format!("retry-after: {RETRY_AFTER_S}\r\n");
        self.raw_with(|answer| answer.extend_from_slice(retry_after.as_bytes()), true)
    }

    /// The same with other header lines.
    pub(crate) fn raw_with(&self, lines: impl FnOnce(&mut Vec<u8>), is_last: bool) -> Vec<u8> {
        let body = self.body();
        let (number, title) = (self.status.as_u16(), self.status.canonical_reason().unwrap_or("Error"));
        let head = format!("HTTP/1.1 {number} {title}\r\ncontent-type: application/problem+json\r\n");
        let mut answer = head.into_bytes();
        answer.extend_from_slice(marks::LINES_AT_ONCE.as_bytes());
        lines(&mut answer);
        let connection = if is_last { "connection: close\r\n" } else { "" };
        let length = body.len();
        answer.extend_from_slice(format!("content-length: {length}\r\n{connection}\r\n{body}").as_bytes());
        answer
    }
}

/// A JSON answer that is not to be cached.
pub(crate) fn json(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(AnswerBody::whole(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

#[cfg(test)]
mod tests {
    use super::Problem;
    use http::StatusCode;

    #[test]
    fn both_forms_carry_the_same_body() {
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_connections", "Try again later.");
        assert_eq!(
            problem.body(),
            r#"{"type":"about:blank","title":"Service Unavailable","status":503,"code":"too_many_connections","detail":"Try again later."}"#
        );
        let raw = String::from_utf8(problem.raw()).unwrap();
        assert!(raw.ends_with(&problem.body()) && raw.contains("\r\nretry-after: 1\r\n"), "{raw}");
        assert_eq!(problem.answer().headers()["retry-after"], "1");
    }
}
