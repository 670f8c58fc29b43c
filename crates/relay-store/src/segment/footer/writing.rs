//! Writing a footer piece by piece, past the system's cache like the groups before it.

use super::{Fact, Row, Trailer};
use crate::segment::{blocks, offset_of};
use crate::vfs::{BLOCK_BYTES, SharedFile};
use relay_proto::wire::Writer;
use std::io;

/// Bytes after which what was gathered is written.
const GATHERED_BYTES: usize = 256 * 1024;

/// A footer on its way to the file: rows first, sorted by (space, seq), then facts, then [`Self::finish`].
#[derive(Debug)]
pub struct FooterWriter {
    file: SharedFile,
    blocks: SharedFile,
    /// Where the gathered blocks go, in bytes.
    at: u64,
    gathered: Writer,
    pad: usize,
    piece: Writer,
    trailer: Trailer,
}

impl FooterWriter {
    /// Starts behind the groups, which end at `end` in a block that holds `tail` before it.
    pub(in crate::segment) fn new(file: SharedFile, blocks: SharedFile, tail: &[u8], end: u64) -> Self {
        let (buffer, pad) = blocks::begin(Vec::new(), GATHERED_BYTES + BLOCK_BYTES);
        let mut gathered = Writer::after(buffer);
        gathered.raw(tail);
        let trailer = Trailer { rows_offset: end, ..Trailer::default() };
        Self { file, blocks, at: blocks::block_start(end), gathered, pad, piece: Writer::new(), trailer }
    }

    /// Adds the next row.
    ///
    /// # Errors
    /// What the file system says.
    pub fn row(&mut self, row: &Row) -> io::Result<()> {
        self.trailer.rows += 1;
        self.piece.clear();
        row.write(&mut self.piece);
        self.gather(true)
    }

    /// Adds the next fact.
    ///
    /// # Errors
    /// What the file system says.
    pub fn fact(&mut self, fact: &Fact) -> io::Result<()> {
        self.trailer.facts += 1;
        self.piece.clear();
        fact.write(&mut self.piece);
        self.gather(true)
    }

    fn gather(&mut self, is_covered: bool) -> io::Result<()> {
        if is_covered {
            self.trailer.rows_crc = crc32c::crc32c_append(self.trailer.rows_crc, self.piece.as_slice());
        }
        self.gathered.raw(self.piece.as_slice());
        if self.gathered.len() - self.pad < GATHERED_BYTES {
            return Ok(());
        }
        let blocks = self.gathered.as_slice().get(self.pad..).unwrap_or_default();
        let (whole, rest) = blocks.split_at(blocks.len() - blocks.len() % BLOCK_BYTES);
        blocks::write(&self.blocks, whole, self.at)?;
        self.at += offset_of(whole.len());
        let rest = rest.to_vec();
        let mut buffer = std::mem::take(&mut self.gathered).into_vec();
        buffer.truncate(self.pad);
        buffer.extend_from_slice(&rest);
        self.gathered = Writer::after(buffer);
        Ok(())
    }

    /// Adds the trailer, cuts the file behind it and makes it durable; `groups` says which groups the segment holds.
    /// Returns the trailer.
    ///
    /// # Errors
    /// What the file system says. A footer that is not whole is rebuilt at the next start.
    pub fn finish(mut self, groups: &Trailer) -> io::Result<Trailer> {
        let Trailer { rows, facts, rows_offset, rows_crc, .. } = self.trailer;
        let trailer = Trailer { rows, facts, rows_offset, rows_crc, ..*groups };
        self.piece.clear();
        self.piece.raw(trailer.encode());
        self.gather(false)?;
        let mut buffer = std::mem::take(&mut self.gathered).into_vec();
        let len = self.at + offset_of(buffer.len() - self.pad);
        blocks::complete(&mut buffer, self.pad);
        blocks::write(&self.blocks, buffer.get(self.pad..).unwrap_or_default(), self.at)?;
        self.file.set_len(len)?;
        self.file.sync_data()?;
        Ok(trailer)
    }
}
