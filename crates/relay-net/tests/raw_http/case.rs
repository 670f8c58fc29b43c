//! One case: the bytes of a connection, the statuses that must come back, and what the control plane may see of it.

pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) sent: Vec<u8>,
    pub(crate) statuses: Vec<u16>,
    pub(crate) forwarded: Vec<String>,
}

/// A request that is refused before anybody else sees it.
pub(crate) fn refused(name: impl Into<String>, sent: impl Into<Vec<u8>>, status: u16) -> Case {
    Case { name: name.into(), sent: sent.into(), statuses: vec![status], forwarded: Vec::new() }
}

/// Requests that reach the control plane as these lines.
pub(crate) fn served(name: impl Into<String>, sent: impl Into<Vec<u8>>, forwarded: &[&str]) -> Case {
    Case {
        name: name.into(),
        sent: sent.into(),
        statuses: vec![200; forwarded.len()],
        forwarded: forwarded.iter().map(|line| (*line).to_owned()).collect(),
    }
}

/// A GET with these header lines, the last request of its connection.
pub(crate) fn get(target: &str, more: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: relay.test\r\nConnection: close\r\n{more}\r\n")
}

/// A POST with these header lines and these bytes behind its head, the last request of its connection.
pub(crate) fn post(more: &str, behind: &str) -> String {
    format!("POST /x HTTP/1.1\r\nHost: relay.test\r\nConnection: close\r\n{more}\r\n{behind}")
}

/// A header line with one raw byte in its value or its name.
pub(crate) fn with_byte(before: &str, byte: u8, after: &str) -> Vec<u8> {
    let (head, end) = ("GET /x HTTP/1.1\r\nHost: relay.test\r\nConnection: close\r\n", "\r\n\r\n");
    [head.as_bytes(), before.as_bytes(), &[byte], after.as_bytes(), end.as_bytes()].concat()
}
