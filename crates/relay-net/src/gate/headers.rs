//! What an answer says about the rate of its client.

use http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use relay_core::gcra::Verdict;
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Adds the lines to an answer; what a foreign protocol says of a rate of its own stays.
pub(crate) fn write(headers: &mut HeaderMap, verdict: &Verdict) {
    if headers.contains_key(LIMIT) {
        return;
    }
    headers.insert(LIMIT, HeaderValue::from(verdict.limit));
    headers.insert(REMAINING, HeaderValue::from(verdict.remaining));
    headers.insert(RESET, HeaderValue::from(reset_ms(verdict)));
    if let Some(seconds) = retry_after_s(verdict) {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
}

/// The same lines, for answers that are made as bytes.
pub(crate) fn write_lines(answer: &mut Vec<u8>, verdict: &Verdict) {
    let (limit, remaining, reset_ms) = (verdict.limit, verdict.remaining, reset_ms(verdict));
    // Writing to a vector does not fail.
    let _ = write!(
        answer,
        "x-ratelimit-limit: {limit}\r\nx-ratelimit-remaining: {remaining}\r\nx-ratelimit-reset: {reset_ms}\r\n"
    );
    if let Some(seconds) = retry_after_s(verdict) {
        let _ = write!(answer, "retry-after: {seconds}\r\n");
    }
}

/// When all of the limit is there again, in Unix milliseconds.
fn reset_ms(verdict: &Verdict) -> u64 {
    let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + verdict.reset;
    u64::try_from(at.as_millis()).unwrap_or(u64::MAX)
}

fn retry_after_s(verdict: &Verdict) -> Option<u32> {
    verdict.retry_after.map(|_| verdict.retry_after_ms().div_ceil(1000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use relay_core::endpoint::Moment;
    use relay_core::gcra::{Cell, Rate};

    #[test]
    fn both_forms_say_the_same() {
        let (rate, mut cell, now) = (Rate::per_minute(1).unwrap(), Cell::default(), Moment::default());
        for status in ["admitted", "refused"] {
            let verdict = cell.admit(rate, now);
            let mut headers = HeaderMap::new();
            write(&mut headers, &verdict);
            let mut lines = Vec::new();
            write_lines(&mut lines, &verdict);
            let lines = String::from_utf8(lines).unwrap();
            assert_eq!(lines.lines().count(), headers.len(), "{status}");
            for line in lines.lines().filter(|line| !line.contains("reset")) {
                let (name, value) = line.split_once(": ").unwrap();
                assert_eq!(headers[name], value, "{status}");
            }
            assert_eq!(headers.contains_key(RETRY_AFTER), status == "refused");
        }
    }

    #[test]
    fn what_a_service_says_of_a_rate_of_its_own_stays() {
        let verdict = Cell::default().admit(Rate::per_minute(9).unwrap(), Moment::default());
        let mut headers = HeaderMap::new();
        headers.insert(LIMIT, HeaderValue::from_static("60"));
        write(&mut headers, &verdict);
        assert_eq!((headers.len(), &headers[LIMIT]), (1, &HeaderValue::from_static("60")));
    }
}
