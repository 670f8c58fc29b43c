//! `Range`, `If-Range` and `If-None-Match` of downloads, `Content-Range` of uploads (RFC 9110, 13 and 14).

use http::header::{CONTENT_RANGE, HeaderMap, HeaderName, IF_NONE_MATCH, IF_RANGE, RANGE};

/// What a download asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it.
    Whole,
    /// From the first to before the second.
    Part(u64, u64),
    /// Several ranges, or none that the blob has.
    Missed,
}

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The range of a blob of that length. One whose unit or form is not known is overlooked, as RFC 9110 has it.
pub(super) fn wanted(headers: &HeaderMap, etag: &str, total_bytes: u64) -> Wanted {
    let Some(range) = only(headers, &RANGE) else { return Wanted::Whole };
    let changed = only(headers, &IF_RANGE).is_some_and(|condition| condition.trim() != etag);
    let Some(ranges) = range.strip_prefix("bytes=").filter(|_| !changed) else { return Wanted::Whole };
    if ranges.contains(',') || headers.get_all(RANGE).iter().count() > 1 {
        return Wanted::Missed;
    }
    let Some((first, last)) = ranges.trim().split_once('-') else { return Wanted::Whole };
    let (start, end) = match (number(first), number(last)) {
        (Some(start), Some(last)) if start <= last => (start, last.saturating_add(1).min(total_bytes)),
        (Some(start), None) if last.is_empty() => (start, total_bytes),
        (None, Some(suffix)) if first.is_empty() => (total_bytes.saturating_sub(suffix), total_bytes),
        _ => return Wanted::Whole,
    };
    if start < end { Wanted::Part(start, end) } else { Wanted::Missed }
}

/// Whether the client has it already.
pub(super) fn has_it(headers: &HeaderMap, etag: &str) -> bool {
    let tags = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = tags.flat_map(|tags| tags.split(','));
    tags.any(|tag| tag.trim() == "*" || tag.trim().trim_start_matches("W/") == etag)
}

/// Which bytes of a blob a request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) offset: u64,
    pub(super) total_bytes: u64,
}

/// `Content-Range: bytes first-last/length`, or the whole; `None` when it does not fit the body's length.
pub(super) fn piece(headers: &HeaderMap, body_bytes: u64) -> Option<Piece> {
    let mut ranges = headers.get_all(CONTENT_RANGE).iter();
    let range = match (ranges.next(), ranges.next()) {
        (None, _) => return Some(Piece { offset: 0, total_bytes: body_bytes }),
        (Some(range), None) => range.to_str().ok()?,
        _ => return None,
    };
    let (range, total) = range.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (offset, last, total_bytes) = (number(first)?, number(last)?, number(total)?);
    let fits = offset <= last && last < total_bytes && last - offset + 1 == body_bytes;
    fits.then_some(Piece { offset, total_bytes })
}

/// Decimal digits only, and no more than the wire can say.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|value| digits && *value <= relay_proto::wire::U64_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn one_range_is_served_and_several_are_not() {
        for (range, expected) in [
            ("bytes=0-0", Wanted::Part(0, 1)),
            ("bytes=10-", Wanted::Part(10, 100)),
            ("bytes=-30", Wanted::Part(70, 100)),
            ("bytes=-300", Wanted::Part(0, 100)),
            ("bytes=90-300", Wanted::Part(90, 100)),
            ("bytes=100-", Wanted::Missed),
            ("bytes=-0", Wanted::Missed),
            ("bytes=0-1,5-6", Wanted::Missed),
            ("bytes=5-4", Wanted::Whole),
            ("bytes=a-b", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=+1-2", Wanted::Whole),
            ("lines=1-2", Wanted::Whole),
        ] {
            assert_eq!(wanted(&headers(&[(RANGE, range)]), "\"e\"", 100), expected, "{range}");
        }
        let with = |condition| headers(&[(RANGE, "bytes=1-2"), (IF_RANGE, condition)]);
        assert_eq!(wanted(&with("\"e\""), "\"e\"", 100), Wanted::Part(1, 3));
        for other in ["\"f\"", "W/\"e\"", "Wed, 21 Oct 2015 07:28:00 GMT"] {
            assert_eq!(wanted(&with(other), "\"e\"", 100), Wanted::Whole, "{other}");
        }
    }

    #[test]
    fn an_unchanged_blob_is_not_sent_again() {
        for tags in ["*", "\"e\"", "\"d\", \"e\"", "W/\"e\""] {
            assert!(has_it(&headers(&[(IF_NONE_MATCH, tags)]), "\"e\""), "{tags}");
        }
        assert!(!has_it(&headers(&[(IF_NONE_MATCH, "\"d\"")]), "\"e\""));
    }

    #[test]
    fn a_piece_must_say_where_it_belongs() {
        let piece_of = |range, body| piece(&headers(&[(CONTENT_RANGE, range)]), body);
        assert_eq!(piece(&HeaderMap::new(), 7), Some(Piece { offset: 0, total_bytes: 7 }));
        assert_eq!(piece_of("bytes 5-9/20", 5), Some(Piece { offset: 5, total_bytes: 20 }));
        for (range, body) in [
            ("bytes 5-9/20", 4),
            ("bytes 5-9/9", 5),
            ("bytes 9-5/20", 5),
            ("bytes 5-9/*", 5),
            ("bytes */20", 0),
            ("bytes=5-9/20", 5),
            ("bytes 5-9", 5),
            ("bytes 5-9/9007199254740992", 5),
        ] {
            assert_eq!(piece_of(range, body), None, "{range}");
        }
    }
}
