//! One read buffer and one write buffer per worker thread, so that connections hold none.

use crate::transport::TLS_WRITE_SCRATCH_BYTES;
use std::cell::Cell;

/// Bytes read from a socket at a time.
pub(crate) const READ_SCRATCH_BYTES: usize = 64 * 1024;
/// Bytes handed to a socket at a time; one contiguous send of this size beats a vectored one of many pieces.
pub(crate) const WRITE_SCRATCH_BYTES: usize = 64 * 1024;
/// Bytes of TLS records read at a time: what was read of a record before, and a read.
const TLS_READ_SCRATCH_BYTES: usize = 96 * 1024;

thread_local! {
    static READ: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static WRITE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static TLS_READ: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static TLS_WRITE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Lends the worker's read buffer; a nested call gets a buffer of its own.
pub(crate) fn with_read<T>(body: impl FnOnce(&mut [u8]) -> T) -> T {
    lend(&READ, READ_SCRATCH_BYTES, body)
}

/// Lends the worker's write buffer; a nested call gets a buffer of its own.
pub(crate) fn with_write<T>(body: impl FnOnce(&mut [u8]) -> T) -> T {
    lend(&WRITE, WRITE_SCRATCH_BYTES, body)
}

/// Lends the worker's buffer for records that arrive.
pub(crate) fn with_tls_read<T>(body: impl FnOnce(&mut [u8]) -> T) -> T {
    lend(&TLS_READ, TLS_READ_SCRATCH_BYTES, body)
}

/// Lends the worker's buffer for records that leave.
pub(crate) fn with_tls_write<T>(body: impl FnOnce(&mut [u8]) -> T) -> T {
    lend(&TLS_WRITE, TLS_WRITE_SCRATCH_BYTES, body)
}

fn lend<T>(
    slot: &'static std::thread::LocalKey<Cell<Vec<u8>>>,
    size_bytes: usize,
    body: impl FnOnce(&mut [u8]) -> T,
) -> T {
    let mut buffer = slot.take();
    buffer.resize(size_bytes, 0);
    let result = body(&mut buffer);
    slot.set(buffer);
    result
}
