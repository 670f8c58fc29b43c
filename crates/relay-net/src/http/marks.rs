//! What every answer of the core says beside its content: how long it took, and that a browser must not find another type in it
//! than the one it says. The names are those that monitors of hosted relays read.

use http::header::{Entry, HeaderMap, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use std::io::Write;
use std::time::Duration;

const RESPONSE_TIME: HeaderName = HeaderName::from_static("x-response-time");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// The lines of answers that are given without looking at a request.
pub(super) const LINES_AT_ONCE: &str = "x-content-type-options: nosniff\r\nx-response-time: 0ms\r\n";

/// Adds both; a time that somebody behind the core measured stays.
pub(super) fn add(headers: &mut HeaderMap, took: Duration) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    if let Entry::Vacant(place) = headers.entry(RESPONSE_TIME)
        && let Ok(value) = HeaderValue::from_str(&format!("{}ms", took.as_millis()))
    {
        place.insert(value);
    }
}

/// The same as lines, for answers that are made as bytes.
pub(super) fn write_lines(answer: &mut Vec<u8>, took: Duration) {
    // Writing to a vector does not fail.
    let _ = write!(answer, "x-content-type-options: nosniff\r\nx-response-time: {}ms\r\n", took.as_millis());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_say_the_same() {
        for took_ms in [0, 1234] {
            let took = Duration::from_millis(took_ms);
            let mut headers = HeaderMap::new();
            add(&mut headers, took);
            let of_headers: String =
                headers.iter().map(|(name, value)| format!("{name}: {}\r\n", value.to_str().unwrap())).collect();
            let mut lines = Vec::new();
            write_lines(&mut lines, took);
            assert_eq!(String::from_utf8(lines).unwrap(), of_headers);
            assert_eq!(LINES_AT_ONCE == of_headers, took_ms == 0);
        }
    }

    #[test]
    fn a_time_that_was_measured_already_stays() {
        let mut headers = HeaderMap::new();
        headers.insert(RESPONSE_TIME, HeaderValue::from_static("7ms"));
        add(&mut headers, Duration::from_millis(9));
        assert_eq!(headers[RESPONSE_TIME], "7ms");
    }
}
