//! Which requests the lane takes: a head without anything that asks for judgement, and a body whose length it says.

use std::mem::MaybeUninit;

/// Header lines looked at; with more the general server decides.
const HEADERS_MAX: usize = 32;

/// A push that the lane takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PushRequest {
    /// Where its token is.
    pub(super) token: (usize, usize),
    /// Where its body begins.
    pub(super) body_from: usize,
    /// Its length, head and body.
    pub(super) bytes: usize,
    /// The client wants no further one on this connection.
    pub(super) is_last: bool,
    /// A page of some origin asks.
    pub(super) has_origin: bool,
    /// What it says about its client's address.
    pub(super) forwarded: Forwarded,
}

/// What the head says about the client's address, for those who believe it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forwarded {
    Nothing,
    /// One `X-Forwarded-For`, and where it is.
    For(usize, usize),
    /// Several of them, or another header.
    Other,
}

/// What the first bytes of a connection are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    Push(PushRequest),
    /// The beginning of what may become one.
    Partial,
    Other,
}

/// Largest request the lane takes, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub(super) head_bytes_max: usize,
    /// Head and body together.
    pub(super) request_bytes_max: usize,
}

/// Looks at the bytes that were read.
pub(super) fn parse(bytes: &[u8], path: &str, sizes: Sizes) -> Parsed {
    if !may_become(bytes, path) {
        return Parsed::Other;
    }
    let mut lines = [const { MaybeUninit::uninit() }; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut []);
    match request.parse_with_uninit_headers(bytes, &mut lines) {
        Ok(httparse::Status::Complete(head_bytes)) if head_bytes <= sizes.head_bytes_max => {
            let push = judge(&request, head_bytes, path, bytes);
            push.filter(|push| push.bytes <= sizes.request_bytes_max).map_or(Parsed::Other, Parsed::Push)
        }
        Ok(httparse::Status::Partial) if bytes.len() <= sizes.head_bytes_max => Parsed::Partial,
        Ok(_) | Err(_) => Parsed::Other,
    }
}

fn may_become(bytes: &[u8], path: &str) -> bool {
    let wanted = b"POST ".iter().chain(path.as_bytes()).chain(b" HTTP/1.1\r\n");
    bytes.iter().zip(wanted).all(|(byte, wanted)| byte == wanted)
}

/// Every line must be one of those known to change nothing, or be understood completely.
fn judge(request: &httparse::Request<'_, '_>, head_bytes: usize, path: &str, bytes: &[u8]) -> Option<PushRequest> {
    let plain = request.method == Some("POST") && request.path == Some(path) && request.version == Some(1);
    let (mut hosts, mut length, mut token, mut is_last, mut has_origin) = (0, None, None, false, false);
    let mut forwarded = Forwarded::Nothing;
    for header in request.headers.iter() {
        let (name, value) = (header.name.as_bytes(), header.value);
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if is("host") {
            hosts += usize::from(is_plain_host(value));
            hosts += 2 * usize::from(!is_plain_host(value));
        } else if is("content-length") {
            // Twice is for the general server to refuse.
            if length.replace(decimal(value)?).is_some() {
                return None;
            }
        } else if is("authorization") {
            if token.replace(token_place(value, bytes)?).is_some() {
                return None;
            }
        } else if is("origin") {
            has_origin = true;
        } else if is("x-forwarded-for") {
            let (from, to) = place_in(value, bytes)?;
            let is_first = forwarded == Forwarded::Nothing;
            forwarded = if is_first { Forwarded::For(from, to) } else { Forwarded::Other };
        } else if is("forwarded") {
            forwarded = Forwarded::Other;
        } else if is("connection") {
            is_last |= value.eq_ignore_ascii_case(b"close");
            if !is_last && !value.eq_ignore_ascii_case(b"keep-alive") {
                return None;
            }
        } else if ["transfer-encoding", "expect", "upgrade", "te", "trailer", "content-encoding"].into_iter().any(is) {
            return None;
        }
    }
    let body_bytes = length.filter(|_| plain && hosts == 1)?;
    Some(PushRequest {
        token: token?,
        body_from: head_bytes,
        bytes: head_bytes.checked_add(body_bytes)?,
        is_last,
        has_origin,
        forwarded,
    })
}

/// Where a part of the bytes that were read is in them.
fn place_in(part: &[u8], bytes: &[u8]) -> Option<(usize, usize)> {
    let from = (part.as_ptr() as usize).checked_sub(bytes.as_ptr() as usize)?;
    Some((from, from + part.len()))
}

/// A name or an IPv4 address with or without a port; everything else is checked by the general server.
fn is_plain_host(value: &[u8]) -> bool {
    let (name, port) = match value.iter().rposition(|byte| *byte == b':') {
        Some(colon) => value.split_at(colon),
        None => (value, &b":"[..]),
    };
    let port = port.get(1..).unwrap_or_default();
    let digits = port.len() <= 4 && port.iter().all(u8::is_ascii_digit);
    let five = port.len() == 5 && port < &b"65536"[..] && port.iter().all(u8::is_ascii_digit);
    !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(byte)) && (digits || five)
}

fn decimal(value: &[u8]) -> Option<usize> {
    let digits = !value.is_empty() && value.len() <= 9 && value.iter().all(u8::is_ascii_digit);
    digits.then(|| value.iter().fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0')))
}

/// The bearer's token, as its place in the bytes that were read.
fn token_place(value: &[u8], bytes: &[u8]) -> Option<(usize, usize)> {
    let (scheme, token) = value.split_at_checked(7)?;
    if !scheme.eq_ignore_ascii_case(b"Bearer ") || token.is_empty() {
        return None;
    }
    place_in(token, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "POST /v1/push HTTP/1.1\r\nHost: relay.test:8080\r\nAuthorization: Bearer abc\r\n\
                        Content-Length: 5\r\nConnection: keep-alive\r\n\r\n";

    fn parsed(text: &str) -> Parsed {
        parse(text.as_bytes(), "/v1/push", Sizes { head_bytes_max: 500, request_bytes_max: 1000 })
    }

    #[test]
    fn a_plain_push_is_taken_and_its_beginning_waited_for() {
        let Parsed::Push(push) = parsed(GOOD) else { panic!("a push") };
        assert_eq!(&GOOD[push.token.0..push.token.1], "abc");
        assert_eq!((push.body_from, push.bytes, push.is_last), (GOOD.len(), GOOD.len() + 5, false));
        for length in 0..GOOD.len() {
            assert_eq!(parsed(&GOOD[..length]), Parsed::Partial, "{length} bytes");
        }
        let close = GOOD.replace("keep-alive", "close");
        assert!(matches!(parsed(&close), Parsed::Push(push) if push.is_last));
    }

    #[test]
    fn what_proxies_say_is_found() {
        let with = |line: &str| GOOD.replace("\r\n\r\n", &format!("\r\n{line}\r\n\r\n"));
        let forwarded = |text: &str| match parsed(text) {
            Parsed::Push(push) => push.forwarded,
            other => panic!("{other:?}"),
        };
        assert_eq!(forwarded(GOOD), Forwarded::Nothing);
        let listed = with("X-Forwarded-For: 192.0.2.1, 192.0.2.2");
        let Forwarded::For(from, to) = forwarded(&listed) else { panic!("a list") };
        assert_eq!(&listed[from..to], "192.0.2.1, 192.0.2.2");
        for lines in ["X-Forwarded-For: ::1\r\nX-Forwarded-For: ::2", "Forwarded: for=::1"] {
            assert_eq!(forwarded(&with(lines)), Forwarded::Other);
        }
    }

    #[test]
    fn everything_else_is_left_to_the_general_server() {
        let with = |line: &str| GOOD.replace("\r\n\r\n", &format!("\r\n{line}\r\n\r\n"));
        let others = [
            "GET / HTTP/1.1\r\n".to_owned(),
            "POST /v1/pushes HTTP/1.1\r\n".to_owned(),
            GOOD.replace("HTTP/1.1", "HTTP/1.0"),
            GOOD.replace("/v1/push ", "/v1/push?x=1 "),
            GOOD.replace("relay.test:8080", "relay.test:99999"),
            GOOD.replace("relay.test:8080", "user@relay.test"),
            GOOD.replace("Host: relay.test:8080\r\n", ""),
            GOOD.replace("Authorization: Bearer abc\r\n", ""),
            GOOD.replace("Bearer abc", "Basic abcd"),
            GOOD.replace("Content-Length: 5\r\n", ""),
            GOOD.replace("Content-Length: 5", "Content-Length: +5"),
            GOOD.replace("Content-Length: 5", "Content-Length: 1000"),
            GOOD.replace("keep-alive", "upgrade"),
            with("Content-Length: 5"),
            with("Host: relay.test"),
            with("Authorization: Bearer abc"),
            with("Transfer-Encoding: chunked"),
            with("Expect: 100-continue"),
            with("Upgrade: h2c"),
            with(&"X: y\r\n".repeat(40)),
            with("bad line"),
            with(&format!("X: {}", "y".repeat(500))),
            format!("POST /v1/push HTTP/1.1\r\nX: {}", "y".repeat(500)),
        ];
        for other in others {
            assert_eq!(parsed(&other), Parsed::Other, "{other}");
        }
    }
}
