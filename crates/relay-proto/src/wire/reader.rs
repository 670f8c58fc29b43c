//! Reading: every length is checked before anything is taken, and bodies are slices of the message.

use super::{DecodeError, U64_MAX};
use bytes::Bytes;

/// A cursor over one message. Byte strings come out as slices of the message's own buffer when it was given as
/// [`Bytes`], and as copies otherwise.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    owner: Option<&'a Bytes>,
}

impl<'a> Reader<'a> {
    /// Reads a message whose byte strings shall share its buffer.
    #[must_use]
    pub fn new(message: &'a Bytes) -> Self {
        Self { rest: message, owner: Some(message) }
    }

    /// Reads borrowed bytes; byte strings are copied out.
    #[must_use]
    pub const fn borrowed(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, owner: None }
    }

    /// Bytes not read yet.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Takes `n` raw bytes.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] when fewer are left.
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.rest.split_at_checked(n).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Takes a fixed number of raw bytes.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] when fewer are left.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// Takes an identifier or any other newtype over a fixed number of bytes.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] when fewer bytes are left.
    pub fn id<T: From<[u8; N]>, const N: usize>(&mut self) -> Result<T, DecodeError> {
        self.array::<N>().map(T::from)
    }

    /// Takes a `u8`.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(u8::from_be_bytes)
    }

    /// Takes a `u16`.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_be_bytes)
    }

    /// Takes a `u32`.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_be_bytes)
    }

    /// Takes a `u64` that is a number.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`]; [`DecodeError::NumberTooLarge`] above 2^53 − 1.
    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        let value = self.bits()?;
        if value > U64_MAX {
            return Err(DecodeError::NumberTooLarge);
        }
        Ok(value)
    }

    /// Takes a `u64` that is a set of bits, and so is exempt from the limit of numbers.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn bits(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_be_bytes)
    }

    /// Takes `n` bytes as a byte string of their own.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn bytes(&mut self, n: usize) -> Result<Bytes, DecodeError> {
        let taken = self.take(n)?;
        Ok(self.owner.map_or_else(|| Bytes::copy_from_slice(taken), |owner| owner.slice_ref(taken)))
    }

    /// Takes `bytes<u16>` of at most `bytes_max` bytes.
    ///
    /// # Errors
    /// [`DecodeError::TooLong`], [`DecodeError::Truncated`].
    pub fn bytes_u16(&mut self, bytes_max: usize) -> Result<Bytes, DecodeError> {
        let n = usize::from(self.u16()?);
        self.limited_bytes(n, bytes_max)
    }

    /// Takes `bytes<u32>` of at most `bytes_max` bytes.
    ///
    /// # Errors
    /// [`DecodeError::TooLong`], [`DecodeError::Truncated`].
    pub fn bytes_u32(&mut self, bytes_max: usize) -> Result<Bytes, DecodeError> {
        let n = to_usize(self.u32()?);
        self.limited_bytes(n, bytes_max)
    }

    fn limited_bytes(&mut self, n: usize, bytes_max: usize) -> Result<Bytes, DecodeError> {
        if n > bytes_max {
            return Err(DecodeError::TooLong);
        }
        self.bytes(n)
    }

    /// Takes `count` items. The count is checked against the bytes left before anything is allocated.
    ///
    /// # Errors
    /// [`DecodeError::TooMany`] above `count_max`; [`DecodeError::Truncated`] when `count` items of at least
    /// `item_bytes_min` bytes cannot be left; whatever `read` returns.
    pub fn list<T>(
        &mut self,
        count: usize,
        count_max: usize,
        item_bytes_min: usize,
        mut read: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        if count > count_max {
            return Err(DecodeError::TooMany);
        }
        if count.saturating_mul(item_bytes_min) > self.remaining() {
            return Err(DecodeError::Truncated);
        }
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(read(self)?);
        }
        Ok(items)
    }

    /// Checks that nothing is left.
    ///
    /// # Errors
    /// [`DecodeError::TrailingBytes`].
    pub const fn finish(&self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DecodeError::TrailingBytes) }
    }
}

/// A `u32` length as a `usize`; on a 16-bit target it saturates and is then refused as too long.
pub(crate) fn to_usize(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_strings_share_the_message() {
        let message = Bytes::from_static(&[0, 0, 0, 2, 7, 8]);
        let mut reader = Reader::new(&message);
        let body = reader.bytes_u32(2).unwrap();
        assert_eq!(body.as_ptr(), message[4..].as_ptr());
        assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn numbers_above_the_limit_are_refused() {
        let over = (U64_MAX + 1).to_be_bytes();
        assert_eq!(Reader::borrowed(&over).u64(), Err(DecodeError::NumberTooLarge));
        assert_eq!(Reader::borrowed(&U64_MAX.to_be_bytes()).u64(), Ok(U64_MAX));
        assert_eq!(Reader::borrowed(&over).bits(), Ok(U64_MAX + 1));
    }

    #[test]
    fn a_count_is_checked_before_allocation() {
        let mut reader = Reader::borrowed(&[1, 2, 3]);
        assert_eq!(reader.list(1_000_000, usize::MAX, 1, Reader::u8), Err(DecodeError::Truncated));
        assert_eq!(reader.list(4, 3, 1, Reader::u8), Err(DecodeError::TooMany));
    }
}
