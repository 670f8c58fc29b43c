//! How batches cross the border to the program that owns the sockets: records one behind the other, each a kind (u8), a
//! stream (u32), a length (u32) and that many bytes; numbers in network order.

use std::fmt;

/// Kind, stream and length of a record.
pub(crate) const RECORD_HEADER_BYTES: usize = 9;

/// What the program says of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// A WebSocket was opened.
    OpenSession,
    /// A request came; its head follows: a line with method and target, and a line for each header.
    OpenRequest,
    /// One WebSocket message, or a piece of a request's body.
    Data,
    /// The request's body is complete.
    End,
    /// The socket is gone.
    Gone,
    /// So many bytes of output records were taken by the socket (u32).
    Taken,
    /// The peer gave a sign of life.
    Alive,
}

/// What the relay says of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// The head of an answer: a line with the status, and a line for each header.
    Head = 1,
    /// One WebSocket message, or a piece of an answer's body.
    Data = 2,
    /// The answer is complete.
    End = 3,
    /// The WebSocket is to be closed with this code (u16) and reason.
    Close = 4,
    /// The socket is to be dropped: the answer broke off, or the peer had its time.
    Cut = 5,
    /// So many bytes of input records were used (u32).
    Taken = 6,
    /// A WebSocket ping is due.
    Ping = 7,
}

/// One record of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub(crate) kind: Input,
    pub(crate) stream: u32,
    pub(crate) payload: &'a [u8],
}

impl Record<'_> {
    /// What it counts against the window of its stream.
    pub(crate) const fn cost_bytes(&self) -> usize {
        RECORD_HEADER_BYTES + self.payload.len()
    }
}

/// A batch that does not hold records: a bug of the program around the relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchError;

impl fmt::Display for BatchError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the batch is not a row of records")
    }
}

impl std::error::Error for BatchError {}

/// Takes the first record off a batch.
pub(crate) fn next<'a>(batch: &mut &'a [u8]) -> Result<Option<Record<'a>>, BatchError> {
    if batch.is_empty() {
        return Ok(None);
    }
    let (header, rest) = batch.split_first_chunk::<RECORD_HEADER_BYTES>().ok_or(BatchError)?;
    let [kind, s0, s1, s2, s3, l0, l1, l2, l3] = *header;
    let length = usize::try_from(u32::from_be_bytes([l0, l1, l2, l3])).map_err(|_| BatchError)?;
    let (payload, rest) = rest.split_at_checked(length).ok_or(BatchError)?;
    let kind = match kind {
        1 => Input::OpenSession,
        2 => Input::OpenRequest,
        3 => Input::Data,
        4 => Input::End,
        5 => Input::Gone,
        6 => Input::Taken,
        7 => Input::Alive,
        _ => return Err(BatchError),
    };
    *batch = rest;
    Ok(Some(Record { kind, stream: u32::from_be_bytes([s0, s1, s2, s3]), payload }))
}

/// Appends one record, its payload in parts; returns what it counts against the window of its stream.
pub(crate) fn append(batch: &mut Vec<u8>, kind: Output, stream: u32, parts: &[&[u8]]) -> usize {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    batch.reserve(RECORD_HEADER_BYTES + length);
    batch.push(kind as u8);
    batch.extend_from_slice(&stream.to_be_bytes());
    // Messages and pieces are far below 4 GiB.
    batch.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    for part in parts {
        batch.extend_from_slice(part);
    }
    RECORD_HEADER_BYTES + length
}

/// A record that carries a count.
pub(crate) fn append_count(batch: &mut Vec<u8>, kind: Output, stream: u32, count: usize) {
    append(batch, kind, stream, &[&u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes()]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_one_by_one_and_broken_batches_refused() {
        let bytes = [3, 0, 0, 0, 7, 0, 0, 0, 2, 8, 9, 5, 0, 0, 1, 0, 0, 0, 0, 0];
        let mut batch = &bytes[..];
        assert_eq!(next(&mut batch), Ok(Some(Record { kind: Input::Data, stream: 7, payload: &[8, 9] })));
        assert_eq!(next(&mut batch), Ok(Some(Record { kind: Input::Gone, stream: 256, payload: &[] })));
        assert_eq!(next(&mut batch), Ok(None));
        for broken in [&bytes[..8], &bytes[..10], &[99, 0, 0, 0, 0, 0, 0, 0, 0][..]] {
            assert_eq!(next(&mut &broken[..]), Err(BatchError));
        }
    }

    #[test]
    fn what_is_appended_has_the_form_that_is_read() {
        let mut batch = Vec::new();
        assert_eq!(append(&mut batch, Output::Close, 1, &[&1012_u16.to_be_bytes(), b"drain"]), 16);
        assert_eq!(batch, [4, 0, 0, 0, 1, 0, 0, 0, 7, 3, 244, b'd', b'r', b'a', b'i', b'n']);
    }
}
