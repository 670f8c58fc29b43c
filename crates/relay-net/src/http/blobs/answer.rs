//! Answers about blobs. Errors are the registry's, as problems.

use super::super::answer_body::{Answer, AnswerBody};
use super::super::problem::Problem;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_RANGE, ETAG, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use relay_core::blobs::{BlobError, BlobRefusal};
use relay_core::measure::Outcome;
use relay_proto::ErrorCode;
use relay_proto::ids::BlobId;

/// How much of an unfinished upload is there.
pub(super) const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
/// How long an unfinished upload will be.
pub(super) const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
/// Hint of temporary refusals.
const RETRY_AFTER_S: HeaderValue = HeaderValue::from_static("1");
/// A blob may be kept by whoever asked, who asks again before using it.
pub(super) const KEPT: HeaderValue = HeaderValue::from_static("private, no-cache");
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, PUT, DELETE");

/// A request that is answered with an error, and what the client should know beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    code: ErrorCode,
    offset: Option<u64>,
    /// Length of the blob whose range was missed.
    length: Option<u64>,
}

impl From<ErrorCode> for Refused {
    fn from(code: ErrorCode) -> Self {
        Self { code, offset: None, length: None }
    }
}

impl From<BlobError> for Refused {
    fn from(error: BlobError) -> Self {
        let offset = match error {
            BlobError::Refused(BlobRefusal::OffsetUnexpected { received_bytes }) => Some(received_bytes),
            _ => None,
        };
        Self { offset, ..Self::from(error.code()) }
    }
}

impl Refused {
    /// A range that the blob does not have.
    pub(super) fn range(total_bytes: u64) -> Self {
        Self { length: Some(total_bytes), ..Self::from(ErrorCode::BlobRangeInvalid) }
    }

    pub(super) fn is(&self, code: ErrorCode) -> bool {
        self.code == code
    }

    pub(super) fn answer(&self) -> Answer {
        let info = self.code.info();
        let status = StatusCode::from_u16(info.http).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut answer = Problem::new(status, info.name, info.hint).answer();
        answer.extensions_mut().insert(Outcome::of_error(self.code));
        let headers = answer.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if info.temporary && info.http >= 500 {
            headers.insert(RETRY_AFTER, RETRY_AFTER_S);
        }
        if let Some(offset) = self.offset {
            headers.insert(UPLOAD_OFFSET, HeaderValue::from(offset));
        }
        if let Some(Ok(range)) = self.length.map(|length| HeaderValue::try_from(format!("bytes */{length}"))) {
            headers.insert(CONTENT_RANGE, range);
        }
        answer
    }
}

pub(super) fn etag(blob: BlobId) -> String {
    format!("\"{}\"", hex::encode(blob.0))
}

fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(AnswerBody::empty());
    *answer.status_mut() = status;
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// The blob is there: stored by this request, or before.
pub(super) fn stored(status: StatusCode, blob: BlobId) -> Answer {
    let mut answer = empty(status);
    if let Ok(etag) = HeaderValue::try_from(etag(blob)) {
        answer.headers_mut().insert(ETAG, etag);
    }
    answer
}

/// The client has it already. What caches are told is what the whole answer would tell them (RFC 9110, 15.4.5).
pub(super) fn unchanged(blob: BlobId) -> Answer {
    let mut answer = stored(StatusCode::NOT_MODIFIED, blob);
    answer.headers_mut().insert(CACHE_CONTROL, KEPT);
    answer
}

/// A piece was taken; the blob is not complete.
pub(super) fn received(received_bytes: u64) -> Answer {
    let mut answer = empty(StatusCode::ACCEPTED);
    answer.headers_mut().insert(UPLOAD_OFFSET, HeaderValue::from(received_bytes));
    answer
}

/// An unfinished upload of this device: unknown to everybody else, and to this device only how far it came.
pub(super) fn unfinished(received_bytes: u64, total_bytes: u64) -> Answer {
    let mut answer = Refused::from(ErrorCode::BlobUnknown).answer();
    answer.headers_mut().insert(UPLOAD_OFFSET, HeaderValue::from(received_bytes));
    answer.headers_mut().insert(UPLOAD_LENGTH, HeaderValue::from(total_bytes));
    answer
}

pub(super) fn deleted() -> Answer {
    empty(StatusCode::NO_CONTENT)
}

pub(super) fn not_allowed() -> Answer {
    let detail = "A blob is put, read, looked for and deleted with PUT, GET, HEAD and DELETE.";
    let mut answer = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail).answer();
    answer.headers_mut().insert(ALLOW, METHODS);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::answer_body::outcome_of;

    #[test]
    fn a_quota_that_is_used_up_is_no_failure_of_the_relay() {
        let outcome = |code| outcome_of(&Refused::from(code).answer());
        assert_eq!(outcome(ErrorCode::QuotaExceeded), Outcome::ClientError);
        assert_eq!(outcome(ErrorCode::DiskFull), Outcome::RelayError);
    }

    #[test]
    fn caches_hear_the_same_of_an_unchanged_blob_as_of_a_whole_one() {
        assert_eq!(unchanged(BlobId::ZERO).headers()[CACHE_CONTROL], KEPT);
    }
}
