//! WebSocket frames (RFC 6455), final ones only: neither side of a bench fragments.

use std::fmt;

/// Opcode of a text frame.
pub const TEXT: u8 = 1;
/// Opcode of a binary frame.
pub const BINARY: u8 = 2;
/// Opcode of a close frame.
pub const CLOSE: u8 = 8;
/// Opcode of a ping.
pub const PING: u8 = 9;
/// Opcode of a pong.
pub const PONG: u8 = 10;

/// Largest payload taken, in bytes.
pub const PAYLOAD_BYTES_MAX: u64 = 16 * 1024 * 1024;

const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;
/// The mask of every client frame. RFC 6455 wants it unpredictable against hostile scripts; a bench has none.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Why a frame is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// A fragment, or a reserved bit.
    NotFinal,
    /// A payload above [`PAYLOAD_BYTES_MAX`].
    TooLong,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFinal => "the peer sent a fragment or a reserved bit",
            Self::TooLong => "the peer sent a frame over the limit",
        })
    }
}

impl std::error::Error for FrameError {}

/// What stands before a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The opcode.
    pub opcode: u8,
    /// The mask, when there is one.
    pub mask: Option<[u8; 4]>,
    /// Length of the header, in bytes.
    pub header_bytes: usize,
    /// Length of the payload, in bytes.
    pub payload_bytes: usize,
}

impl Header {
    /// Length of the whole frame, in bytes.
    #[must_use]
    pub const fn frame_bytes(&self) -> usize {
        self.header_bytes.saturating_add(self.payload_bytes)
    }
}

/// Reads the header at the start of `bytes`; `None` when it is not complete.
///
/// # Errors
/// [`FrameError`] when the frame is none a bench sends.
pub fn parse_header(bytes: &[u8]) -> Result<Option<Header>, FrameError> {
    let Some(([first, second], rest)) = bytes.split_first_chunk::<2>() else {
        return Ok(None);
    };
    if first & 0xf0 != FINAL {
        return Err(FrameError::NotFinal);
    }
    let (length, rest) = match second & 0x7f {
        126 => match rest.split_first_chunk::<2>() {
            Some((length, rest)) => (u64::from(u16::from_be_bytes(*length)), rest),
            None => return Ok(None),
        },
        127 => match rest.split_first_chunk::<8>() {
            Some((length, rest)) => (u64::from_be_bytes(*length), rest),
            None => return Ok(None),
        },
        short => (u64::from(short), rest),
    };
    if length > PAYLOAD_BYTES_MAX {
        return Err(FrameError::TooLong);
    }
    let (mask, rest) = if second & MASKED == 0 {
        (None, rest)
    } else {
        match rest.split_first_chunk::<4>() {
            Some((mask, rest)) => (Some(*mask), rest),
            None => return Ok(None),
        }
    };
    Ok(Some(Header {
        opcode: first & 0x0f,
        mask,
        header_bytes: bytes.len().saturating_sub(rest.len()),
        payload_bytes: usize::try_from(length).map_err(|_| FrameError::TooLong)?,
    }))
}

/// Appends the header of a server's frame, which is not masked.
pub fn write_server_header(out: &mut Vec<u8>, opcode: u8, payload_bytes: usize) {
    write_header(out, opcode, payload_bytes, 0);
}

/// Appends a client's frame, masked.
pub fn write_client_frame(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    write_header(out, opcode, payload.len(), MASKED);
    out.extend_from_slice(&MASK);
    unmask_onto(out, payload, MASK);
}

fn write_header(out: &mut Vec<u8>, opcode: u8, payload_bytes: usize, masked: u8) {
    out.push(FINAL | opcode);
    if let Ok(short @ 0..=125) = u8::try_from(payload_bytes) {
        out.push(masked | short);
    } else if let Ok(length) = u16::try_from(payload_bytes) {
        out.push(masked | 126);
        out.extend_from_slice(&length.to_be_bytes());
    } else {
        out.push(masked | 127);
        out.extend_from_slice(&u64::try_from(payload_bytes).unwrap_or(u64::MAX).to_be_bytes());
    }
}

/// Appends `payload` with the mask applied or taken off, which is the same; eight bytes at a time.
pub fn unmask_onto(out: &mut Vec<u8>, payload: &[u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let start = out.len();
    out.extend_from_slice(payload);
    let (chunks, rest) = out.get_mut(start..).unwrap_or_default().as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_frames_of_every_length_form_are_read_back() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536, 70_003] {
            let payload: Vec<u8> = (0..length).map(|i: u32| i.to_le_bytes()[0]).collect();
            let mut wire = Vec::new();
            write_client_frame(&mut wire, BINARY, &payload);
            let header = parse_header(&wire).unwrap().unwrap();
            assert_eq!(header.opcode, BINARY);
            assert_eq!(header.frame_bytes(), wire.len());
            let mut plain = Vec::new();
            unmask_onto(&mut plain, &wire[header.header_bytes..], header.mask.unwrap());
            assert_eq!(plain, payload);
        }
    }

    #[test]
    fn a_header_cut_anywhere_is_incomplete() {
        let mut wire = Vec::new();
        write_client_frame(&mut wire, BINARY, &[0; 70_000]);
        let header = parse_header(&wire).unwrap().unwrap();
        for cut in 0..header.header_bytes {
            assert_eq!(parse_header(&wire[..cut]), Ok(None));
        }
    }

    #[test]
    fn fragments_and_giants_are_refused() {
        assert_eq!(parse_header(&[0x02, 0x00]), Err(FrameError::NotFinal));
        assert_eq!(parse_header(&[0xc2, 0x00]), Err(FrameError::NotFinal));
        let mut giant = vec![0x82, 127];
        giant.extend(u64::MAX.to_be_bytes());
        assert_eq!(parse_header(&giant), Err(FrameError::TooLong));
    }
}
