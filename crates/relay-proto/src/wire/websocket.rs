//! The header of an unmasked WebSocket binary message, so that a frame for many subscribers is encoded once with it.

/// Longest header of an unmasked message, in bytes.
pub const WS_HEADER_BYTES_MAX: usize = 10;

/// FIN and opcode 2.
const FIN_BINARY: u8 = 0x82;

/// The RFC 6455 header of one unfragmented, unmasked binary message of `payload_bytes`, and how many bytes of the
/// array it takes (2, 4 or 10).
#[must_use]
pub fn ws_binary_header(payload_bytes: usize) -> ([u8; WS_HEADER_BYTES_MAX], usize) {
    let length = u64::try_from(payload_bytes).unwrap_or(u64::MAX);
    let [a, b, c, d, e, f, g, h] = length.to_be_bytes();
    match length {
        0..=125 => ([FIN_BINARY, h, 0, 0, 0, 0, 0, 0, 0, 0], 2),
        126..=0xffff => ([FIN_BINARY, 126, g, h, 0, 0, 0, 0, 0, 0], 4),
        _ => ([FIN_BINARY, 127, a, b, c, d, e, f, g, h], 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms() {
        assert_eq!(ws_binary_header(125).0[..2], [0x82, 125]);
        assert_eq!(ws_binary_header(126).0[..4], [0x82, 126, 0, 126]);
        assert_eq!(ws_binary_header(65_535).1, 4);
        assert_eq!(ws_binary_header(65_536).0, [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }
}
