//! Memory for whole blocks: direct writes want them aligned in memory as they are in the file.

use crate::vfs::{BLOCK_BYTES, SharedFile};
use std::io;

/// Empties a buffer and makes room for `room_bytes` of blocks; returns it with zeros up to where the blocks start, and that place.
pub(super) fn begin(mut buffer: Vec<u8>, room_bytes: usize) -> (Vec<u8>, usize) {
    buffer.clear();
    buffer.reserve(room_bytes.saturating_add(BLOCK_BYTES));
    // On a target that cannot tell, writing copies: see `write`.
    let pad = buffer.as_ptr().align_offset(BLOCK_BYTES).min(BLOCK_BYTES - 1);
    buffer.resize(pad, 0);
    (buffer, pad)
}

/// Fills the last block with zeros.
pub(super) fn complete(buffer: &mut Vec<u8>, pad: usize) {
    let len = buffer.len() - pad;
    buffer.resize(pad + len.next_multiple_of(BLOCK_BYTES), 0);
}

/// Writes whole blocks to a file opened for them. A buffer that had to grow is copied to where it is aligned again.
pub(super) fn write(file: &SharedFile, blocks: &[u8], offset: u64) -> io::Result<()> {
    if blocks.as_ptr().align_offset(BLOCK_BYTES) == 0 {
        return file.write_all_at(blocks, offset);
    }
    let (mut copy, pad) = begin(Vec::new(), blocks.len());
    copy.extend_from_slice(blocks);
    file.write_all_at(copy.get(pad..).unwrap_or_default(), offset)
}

/// Whether a file opened for whole blocks takes them, as its first block shows.
pub(super) fn are_taken(file: &SharedFile) -> bool {
    let (mut block, pad) = begin(Vec::new(), BLOCK_BYTES);
    block.resize(pad + BLOCK_BYTES, 0);
    block.get_mut(pad..).is_some_and(|block| file.read_exact_at(block, 0).is_ok())
}

/// Where the block starts that `offset` is in.
pub(super) const fn block_start(offset: u64) -> u64 {
    offset - offset % BLOCK_BYTES as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_start_aligned_and_end_whole() {
        for room in [0, 1, 5000, 200_000] {
            let (mut buffer, pad) = begin(vec![7; 9000], room);
            let before = buffer.as_ptr();
            buffer.resize(pad + room, 1);
            assert_eq!(buffer.as_ptr(), before, "no growth within the room");
            assert_eq!(buffer[pad..].as_ptr().align_offset(BLOCK_BYTES), 0);
            complete(&mut buffer, pad);
            assert!((buffer.len() - pad).is_multiple_of(BLOCK_BYTES));
            assert!(buffer[pad + room..].iter().all(|byte| *byte == 0));
        }
    }
}
