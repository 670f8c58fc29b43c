//! `POST /wal`: the least of HTTP that a generator needs, for the price of a durable body.

/// Where a request's body is, and where the request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Post {
    /// First byte of the body.
    pub(crate) body_from: usize,
    /// First byte behind it.
    pub(crate) end: usize,
}

/// Whether the connection begins with a POST.
pub(crate) fn is_post(input: &[u8]) -> bool {
    input.starts_with(b"POST /wal ")
}

/// The first request of the input, once its head is there; `Err` for one without a length.
pub(crate) fn parse(input: &[u8]) -> Result<Option<Post>, ()> {
    let Some(head) = input.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        return Ok(None);
    };
    let body_from = head.saturating_add(4);
    let lines = input.get(..head).unwrap_or_default().split(|byte| *byte == b'\n');
    let length = lines.filter_map(content_length).next().ok_or(())?;
    Ok(Some(Post { body_from, end: body_from.saturating_add(length) }))
}

fn content_length(line: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length:";
    let (name, value) = line.split_at_checked(NAME.len())?;
    let value = std::str::from_utf8(value).ok()?.trim();
    value.parse().ok().filter(|_| name.eq_ignore_ascii_case(NAME))
}

/// Appends the answer: how many bodies of the connection are stored.
pub(crate) fn write_answer(out: &mut Vec<u8>, stored: u64) {
    out.extend_from_slice(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n");
    out.extend_from_slice(&stored.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_found_by_their_length() {
        let request = b"POST /wal HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhelloPOST";
        let post = parse(request).unwrap().unwrap();
        assert_eq!(&request[post.body_from..post.end], b"hello");
        assert_eq!(parse(&request[..30]), Ok(None));
        assert_eq!(parse(b"POST /wal HTTP/1.1\r\n\r\n"), Err(()));
    }
}
