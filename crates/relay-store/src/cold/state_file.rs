//! Files of chunks: body_len u32 | crc u32 of the body | body. The checkpoint is one, the file of cold spaces another.

use crate::damaged_read::Unreadable;
use crate::segment::{length_of, offset_of};
use crate::vfs::SharedFile;
use bytes::Bytes;
use relay_proto::wire::Reader;
use std::io;
use std::sync::Arc;

/// Length of a chunk's header, in bytes.
const CHUNK_HEADER_BYTES: usize = 8;
/// Bytes written or read at once.
const BUFFER_BYTES: usize = 1024 * 1024;
/// Longest chunk that is read, in bytes.
const CHUNK_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// A file that images are in.
#[derive(Debug)]
pub(crate) struct StateFile(pub(crate) SharedFile);

/// Where an image is, and what its bytes must be.
#[derive(Clone, Debug)]
pub(crate) struct Chunk {
    file: Arc<StateFile>,
    /// Where the body starts, in bytes.
    offset: u64,
    len: u32,
    crc: u32,
}

impl Chunk {
    /// Whether it is the same place.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.file, &other.file) && self.offset == other.offset
    }

    /// Whether it holds these bytes.
    pub(super) fn holds(&self, body: &[u8]) -> bool {
        let looks_so = usize::try_from(self.len) == Ok(body.len()) && self.crc == crc32c::crc32c(body);
        looks_so && self.read().is_ok_and(|held| *held == *body)
    }

    /// The body; never one whose checksum does not hold.
    pub(crate) fn read(&self) -> Result<Bytes, Unreadable> {
        let mut body = vec![0; length_of(u64::from(self.len))];
        let read = self.file.0.read_exact_at(&mut body, self.offset);
        let holds = read.is_ok() && crc32c::crc32c(&body) == self.crc;
        if holds { Ok(Bytes::from(body)) } else { Err(Unreadable::state()) }
    }
}

/// Writes chunks one behind the other.
#[derive(Debug)]
pub(crate) struct ChunkWriter {
    file: Arc<StateFile>,
    buffer: Vec<u8>,
    written: u64,
}

impl ChunkWriter {
    pub(crate) fn new(file: SharedFile) -> Self {
        Self { file: Arc::new(StateFile(file)), buffer: Vec::new(), written: 0 }
    }

    /// Adds a chunk. It can be read once [`Self::flush`] returned; a full buffer is flushed by itself.
    pub(crate) fn chunk(&mut self, body: &[u8]) -> io::Result<Chunk> {
        let len = u32::try_from(body.len()).map_err(io::Error::other)?;
        let crc = crc32c::crc32c(body);
        self.buffer.extend_from_slice(&len.to_be_bytes());
        self.buffer.extend_from_slice(&crc.to_be_bytes());
        let offset = self.written + offset_of(self.buffer.len());
        self.buffer.extend_from_slice(body);
        let chunk = Chunk { file: Arc::clone(&self.file), offset, len, crc };
        if self.buffer.len() >= BUFFER_BYTES {
            self.flush()?;
        }
        Ok(chunk)
    }

    /// Whether everything that was added can be read.
    pub(crate) fn is_flushed(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Writes what is buffered. After an error the same place is written again by the next call.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        let written = self.file.0.write_all_at(&self.buffer, self.written);
        if written.is_ok() {
            self.written += offset_of(self.buffer.len());
        }
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_BYTES);
        written
    }

    /// Bytes written.
    pub(crate) const fn bytes(&self) -> u64 {
        self.written
    }

    pub(crate) fn file(&self) -> &SharedFile {
        &self.file.0
    }
}

/// Reads chunks one behind the other.
pub(crate) struct ChunkReader {
    file: Arc<StateFile>,
    len: u64,
    /// Where the next chunk is, in bytes.
    at: u64,
    /// What was read ahead; the next chunk is at `start`.
    buffer: Vec<u8>,
    start: usize,
}

impl ChunkReader {
    pub(crate) fn new(file: SharedFile) -> io::Result<Self> {
        let len = file.len()?;
        Ok(Self { file: Arc::new(StateFile(file)), len, at: 0, buffer: Vec::new(), start: 0 })
    }

    /// The next `count` bytes, which stay in the buffer until they are passed.
    fn peek(&mut self, count: usize) -> Option<&[u8]> {
        if self.buffer.len().saturating_sub(self.start) < count {
            let left = length_of(self.len.checked_sub(self.at)?);
            if left < count {
                return None;
            }
            self.start = 0;
            self.buffer.resize(count.max(BUFFER_BYTES).min(left), 0);
            self.file.0.read_exact_at(&mut self.buffer, self.at).ok()?;
        }
        self.buffer.get(self.start..self.start + count)
    }

    fn pass(&mut self, count: usize) {
        self.start += count;
        self.at += offset_of(count);
    }

    /// Looks at the next chunk; `None` when there is none whose checksum holds, or `look` says so.
    pub(crate) fn next<T>(&mut self, look: impl FnOnce(&[u8]) -> Option<T>) -> Option<(Chunk, T)> {
        let mut r = Reader::borrowed(self.peek(CHUNK_HEADER_BYTES)?);
        let (len, crc) = (r.u32().ok()?, r.u32().ok()?);
        if u64::from(len) > CHUNK_BYTES_MAX {
            return None;
        }
        let whole = CHUNK_HEADER_BYTES + length_of(u64::from(len));
        let offset = self.at + offset_of(CHUNK_HEADER_BYTES);
        let body = self.peek(whole)?.get(CHUNK_HEADER_BYTES..)?;
        let seen = if crc32c::crc32c(body) == crc { look(body)? } else { return None };
        self.pass(whole);
        Some((Chunk { file: Arc::clone(&self.file), offset, len, crc }, seen))
    }
}
