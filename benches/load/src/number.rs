//! Counts as 64 bits and as fractions, without a cast that could wrap.

/// A length as 64 bits.
pub(crate) fn to_u64(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// A count as a fraction; exact below 2^53, and no run counts further.
#[expect(clippy::cast_precision_loss, reason = "no run counts to 2^53")]
pub(crate) const fn to_f64(n: u64) -> f64 {
    n as f64
}

/// A fraction's whole part; what is negative or no number is 0.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, which is what is wanted")]
pub(crate) const fn to_whole(n: f64) -> u64 {
    n as u64
}
