//! Ephemeral frames, read in place: a fan-out sees millions of them.

use crate::failure::Failure;
use relay_proto::wire::{Reader, Writer};

/// The feature bit a session needs.
pub(crate) const EPHEMERAL_FEATURE: u64 = 1;

const LISTEN: u8 = 0x30;
const SEND: u8 = 0x31;
const EPHEMERAL: u8 = 0x32;
const MISSED: u8 = 0x33;
/// Length of a device key, in bytes.
const DEVICE_BYTES: usize = 32;

/// What a listener got.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard<'a> {
    /// Sealed bytes of another session.
    Sealed(&'a [u8]),
    /// So many frames were dropped.
    Missed(u64),
    /// Another frame of the session.
    Other,
}

/// Asks for the ephemeral frames of the space's other sessions.
pub(crate) fn listen_frame() -> [u8; 2] {
    [LISTEN, 1]
}

/// Sends sealed bytes to all who listen.
pub(crate) fn ephemeral_frame(sealed: &[u8]) -> Result<Vec<u8>, Failure> {
    let length = u16::try_from(sealed.len()).map_err(|_| Failure::new("an ephemeral frame is at most 16 KiB"))?;
    let mut w = Writer::with_capacity(sealed.len().saturating_add(8));
    w.u8(SEND).u32(super::KEY_EPOCH).u16(length);
    let mut frame = w.into_bytes().to_vec();
    frame.extend_from_slice(sealed);
    Ok(frame)
}

/// Reads what a listener got.
pub(crate) fn hear(frame: &[u8]) -> Result<Heard<'_>, Failure> {
    let mut r = Reader::borrowed(frame);
    match r.u8()? {
        MISSED => Ok(Heard::Missed(r.u64()?)),
        EPHEMERAL => {
            r.take(DEVICE_BYTES)?;
            let _key_epoch = r.u32()?;
            let length = usize::from(r.u16()?);
            Ok(Heard::Sealed(r.take(length)?))
        }
        _ => Ok(Heard::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_bytes_and_missed_counts_are_heard() {
        let mut frame = vec![EPHEMERAL];
        frame.extend_from_slice(&[9; DEVICE_BYTES]);
        frame.extend_from_slice(&[0, 0, 0, 1, 0, 3]);
        frame.extend_from_slice(b"abc");
        assert_eq!(hear(&frame).unwrap(), Heard::Sealed(b"abc"));
        assert!(hear(&frame[..frame.len() - 1]).is_err());
        assert_eq!(hear(&[MISSED, 0, 0, 0, 0, 0, 0, 0, 7]).unwrap(), Heard::Missed(7));
        assert_eq!(hear(&[0x14]).unwrap(), Heard::Other);
        assert_eq!(ephemeral_frame(b"abc").unwrap(), [SEND, 0, 0, 0, 1, 0, 3, b'a', b'b', b'c']);
    }
}
