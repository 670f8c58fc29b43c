//! The frame header of RFC 6455: strict decoding of client frames, encoding of server frames.

use super::violation::Violation;

/// Longest header of a client frame: 2 bytes, 8 bytes of length, 4 bytes of mask.
pub const CLIENT_HEADER_BYTES_MAX: usize = 14;
/// Longest header of a server frame: 2 bytes and 8 bytes of length.
pub const SERVER_HEADER_BYTES_MAX: usize = 10;
/// Longest payload of a control frame.
pub const CONTROL_BYTES_MAX: usize = 125;

const FINAL: u8 = 0x80;
const RESERVED: u8 = 0x70;
const MASKED: u8 = 0x80;
const LENGTH_16: u8 = 126;
const LENGTH_64: u8 = 127;

/// The opcodes RFC 6455 defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum OpCode {
    /// Continues a fragmented message.
    Continuation = 0,
    /// Starts a text message.
    Text = 1,
    /// Starts a binary message.
    Binary = 2,
    /// Starts or answers the close handshake.
    Close = 8,
    /// Asks for a pong.
    Ping = 9,
    /// Answers a ping, or comes unasked.
    Pong = 10,
}

impl OpCode {
    /// Control frames may interleave with fragments and are short.
    #[must_use]
    pub const fn is_control(self) -> bool {
        (self as u8) >= 8
    }

    fn from_bits(bits: u8) -> Result<Self, Violation> {
        match bits {
            0 => Ok(Self::Continuation),
            1 => Ok(Self::Text),
            2 => Ok(Self::Binary),
            8 => Ok(Self::Close),
            9 => Ok(Self::Ping),
            10 => Ok(Self::Pong),
            _ => Err(Violation::ReservedOpcode),
        }
    }
}

/// A decoded header of a client frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// Last (or only) frame of its message.
    pub is_final: bool,
    /// What the frame is.
    pub opcode: OpCode,
    /// The client's masking key.
    pub mask: [u8; 4],
    /// Declared payload length.
    pub payload_bytes: u64,
}

/// Decodes the header at the start of `input`; `None` while bytes are missing. Violations show as early as they can:
/// a bad first byte needs no second.
///
/// # Errors
/// The [`Violation`] the header commits.
pub fn parse_header(input: &[u8]) -> Result<Option<(FrameHeader, usize)>, Violation> {
    let Some((&first, rest)) = input.split_first() else {
        return Ok(None);
    };
    if first & RESERVED != 0 {
        return Err(Violation::ReservedBits);
    }
    let opcode = OpCode::from_bits(first & 0x0f)?;
    let is_final = first & FINAL != 0;
    if opcode.is_control() && !is_final {
        return Err(Violation::FragmentedControl);
    }
    let Some((&second, rest)) = rest.split_first() else {
        return Ok(None);
    };
    if second & MASKED == 0 {
        return Err(Violation::Unmasked);
    }
    let short = second & !MASKED;
    if opcode.is_control() && usize::from(short) > CONTROL_BYTES_MAX {
        return Err(Violation::OversizedControl);
    }
    let Some((payload_bytes, rest)) = parse_length(short, rest)? else {
        return Ok(None);
    };
    let Some((mask, rest)) = rest.split_first_chunk::<4>() else {
        return Ok(None);
    };
    let header = FrameHeader { is_final, opcode, mask: *mask, payload_bytes };
    Ok(Some((header, input.len() - rest.len())))
}

fn parse_length(short: u8, rest: &[u8]) -> Result<Option<(u64, &[u8])>, Violation> {
    match short {
        LENGTH_16 => {
            let Some((bytes, rest)) = rest.split_first_chunk::<2>() else {
                return Ok(None);
            };
            let length = u64::from(u16::from_be_bytes(*bytes));
            if length < u64::from(LENGTH_16) {
                return Err(Violation::NonMinimalLength);
            }
            Ok(Some((length, rest)))
        }
        LENGTH_64 => {
            let Some((bytes, rest)) = rest.split_first_chunk::<8>() else {
                return Ok(None);
            };
            let length = u64::from_be_bytes(*bytes);
            if length > u64::MAX >> 1 {
                return Err(Violation::LengthOverflow);
            }
            if length <= u64::from(u16::MAX) {
                return Err(Violation::NonMinimalLength);
            }
            Ok(Some((length, rest)))
        }
        _ => Ok(Some((u64::from(short), rest))),
    }
}

/// The header of an unfragmented, unmasked server frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerHeader {
    bytes: [u8; SERVER_HEADER_BYTES_MAX],
    length: u8,
}

impl ServerHeader {
    /// The header for a payload of `payload_bytes`.
    #[must_use]
    pub fn new(opcode: OpCode, payload_bytes: usize) -> Self {
        let first = FINAL | opcode as u8;
        let mut bytes = [0; SERVER_HEADER_BYTES_MAX];
        let length = if let Ok(short) = u8::try_from(payload_bytes)
            && short < LENGTH_16
        {
            fill(&mut bytes, &[first, short])
        } else if let Ok(length) = u16::try_from(payload_bytes) {
            let [a, b] = length.to_be_bytes();
            fill(&mut bytes, &[first, LENGTH_16, a, b])
        } else {
            let [a, b, c, d, e, f, g, h] = (payload_bytes as u64).to_be_bytes();
            fill(&mut bytes, &[first, LENGTH_64, a, b, c, d, e, f, g, h])
        };
        Self { bytes, length }
    }

    /// The encoded header: 2, 4 or 10 bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }
}

fn fill(target: &mut [u8; SERVER_HEADER_BYTES_MAX], source: &[u8]) -> u8 {
    let mut length = 0;
    for (to, from) in target.iter_mut().zip(source) {
        *to = *from;
        length += 1;
    }
    length
}

#[cfg(test)]
mod tests {
    use super::{OpCode, ServerHeader};

    #[test]
    fn server_headers_use_the_shortest_length() {
        let table: [(usize, &[u8]); 6] = [
            (0, &[0x82, 0]),
            (125, &[0x82, 125]),
            (126, &[0x82, 126, 0, 126]),
            (65_535, &[0x82, 126, 255, 255]),
            (65_536, &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
            (10 << 20, &[0x82, 127, 0, 0, 0, 0, 0, 0xa0, 0, 0]),
        ];
        for (payload_bytes, expected) in table {
            assert_eq!(ServerHeader::new(OpCode::Binary, payload_bytes).as_slice(), expected);
        }
    }
}
