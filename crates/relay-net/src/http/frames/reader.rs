//! Cuts a stream of bytes into frames, each behind its length as u32.

use bytes::{Buf, Bytes, BytesMut};

/// A frame up to this size is copied, so that it does not keep the buffer it arrived in; a larger one is a slice of it.
const COPIED_BYTES_MAX: usize = 16 * 1024;
const LENGTH_BYTES: usize = 4;

/// The frame is longer than it may be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLarge;

#[derive(Debug, Default)]
pub(crate) struct FrameReader {
    /// The beginning of a frame that has not arrived completely, its length included.
    held: BytesMut,
}

impl FrameReader {
    /// The next frame of what was held and `input`, whose bytes are used up on the way.
    pub(crate) fn next(&mut self, input: &mut Bytes, frame_bytes_max: usize) -> Result<Option<Bytes>, TooLarge> {
        if !self.fill(LENGTH_BYTES, input) {
            return Ok(None);
        }
        let length = length_of(&self.held);
        if length > frame_bytes_max {
            return Err(TooLarge);
        }
        if self.held.len() == LENGTH_BYTES && input.len() >= length && length > COPIED_BYTES_MAX {
            self.held.clear();
            return Ok(Some(input.split_to(length)));
        }
        if !self.fill(LENGTH_BYTES + length, input) {
            return Ok(None);
        }
        let mut frame = std::mem::take(&mut self.held).freeze();
        frame.advance(LENGTH_BYTES);
        Ok(Some(frame))
    }

    fn fill(&mut self, bytes: usize, input: &mut Bytes) -> bool {
        let wanted = bytes.saturating_sub(self.held.len()).min(input.len());
        self.held.extend_from_slice(&input.split_to(wanted));
        self.held.len() >= bytes
    }

    /// Whether a frame has begun and not ended.
    pub(crate) fn is_mid_frame(&self) -> bool {
        !self.held.is_empty()
    }

    /// Bytes of memory it holds.
    pub(crate) fn held_bytes(&self) -> usize {
        self.held.capacity()
    }
}

fn length_of(bytes: &[u8]) -> usize {
    bytes.first_chunk().map_or(0, |length| usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_whole_however_the_bytes_are_cut() {
        let frames: Vec<Vec<u8>> = [0, 1, 5, 300, 20_000].iter().map(|length| vec![7; *length]).collect();
        let mut stream = Vec::new();
        for frame in &frames {
            stream.extend(u32::try_from(frame.len()).unwrap().to_be_bytes());
            stream.extend(frame);
        }
        for cut in [1, 2, 3, 4, 5, 7, 100, 20_000, stream.len()] {
            let mut reader = FrameReader::default();
            let mut seen = Vec::new();
            for piece in stream.chunks(cut) {
                let mut piece = Bytes::copy_from_slice(piece);
                while let Some(frame) = reader.next(&mut piece, 20_000).unwrap() {
                    seen.push(frame.to_vec());
                }
                assert!(piece.is_empty());
            }
            assert_eq!(seen, frames, "cut every {cut} bytes");
            assert!(!reader.is_mid_frame());
        }
    }

    #[test]
    fn a_frame_over_the_limit_is_refused_by_its_length_alone() {
        let mut reader = FrameReader::default();
        let mut input = Bytes::from_static(&[0, 0, 0, 9]);
        assert_eq!(reader.next(&mut input, 8), Err(TooLarge));
        let mut reader = FrameReader::default();
        let mut input = Bytes::from_static(&[0xff, 0xff, 0xff, 0xff, 1]);
        assert_eq!(reader.next(&mut input, 1 << 20), Err(TooLarge));
        assert!(reader.held_bytes() < 1024);
    }
}
