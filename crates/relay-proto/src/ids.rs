//! Identifiers: newtypes over raw bytes whose `Debug` never prints a whole key, and sealed bytes that print their length.

use bytes::Bytes;
use std::cmp::Ordering;
use std::fmt;

/// Position of an entry in its space's log, from 1 over all log epochs; 0 stands for "none". A plain number, because
/// it is counted with, compared and stored far more often than it could be confused.
pub type Seq = u64;

/// Number of a device's push, from 1, counted by the device; 0 stands for "none".
pub type PushSeq = u64;

/// How many bytes of an identifier `Debug` shows.
const DEBUG_PREFIX_BYTES: usize = 4;

fn fmt_prefix(name: &str, bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{name}(")?;
    for byte in bytes.iter().take(DEBUG_PREFIX_BYTES) {
        write!(f, "{byte:02x}")?;
    }
    f.write_str("…)")
}

/// The order of the bytes. Keys and hashes nearly always differ in their first eight, which are one number to compare instead of a call.
#[inline]
fn cmp_bytes<const N: usize>(a: &[u8; N], b: &[u8; N]) -> Ordering {
    let first = |bytes: &[u8; N]| bytes.first_chunk().map(|first| u64::from_be_bytes(*first));
    first(a).cmp(&first(b)).then_with(|| a[..].cmp(&b[..]))
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $bytes:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name(pub [u8; $bytes]);

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                cmp_bytes(&self.0, &other.0)
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl $name {
            /// Length in bytes.
            pub const BYTES: usize = $bytes;
            /// All zeros: "none" wherever the protocol says so.
            pub const ZERO: Self = Self([0; $bytes]);

            /// The raw bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }

            /// Whether this is the "none" value.
            #[must_use]
            pub fn is_zero(&self) -> bool {
                self.0 == [0; $bytes]
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt_prefix(stringify!($name), &self.0, f)
            }
        }

        impl From<[u8; $bytes]> for $name {
            fn from(bytes: [u8; $bytes]) -> Self {
                Self(bytes)
            }
        }

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }
    };
}

identifier!(
    /// A space: its public Ed25519 root key.
    SpaceId, 32
);
identifier!(
    /// A device of one space: its public Ed25519 key there.
    DeviceKey, 32
);
identifier!(
    /// The ordering authority of a log: its public Ed25519 key, which a relay address pins.
    LogId, 32
);
identifier!(
    /// An entry: SHA-256 of its sealed bytes.
    EntryId, 32
);
identifier!(
    /// A snapshot: SHA-256 of its manifest.
    SnapshotId, 32
);
identifier!(
    /// A blob: SHA-256 of its sealed bytes.
    BlobId, 32
);
identifier!(
    /// A topic's rendezvous key: derived by clients from its name and a key of the space.
    TopicKey, 32
);
identifier!(
    /// A SHA-256 value: a leaf, a node, a head, a roster hash.
    Hash, 32
);
identifier!(
    /// An Ed25519 signature.
    Signature, 64
);

impl SpaceId {
    /// The root key as the device key under which the root itself connects.
    #[must_use]
    pub const fn as_device(&self) -> DeviceKey {
        DeviceKey(self.0)
    }
}

/// The sealed bytes of an entry. `Debug` prints their length only.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct SealedBytes(pub Bytes);

impl SealedBytes {
    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for SealedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedBytes({})", self.0.len())
    }
}

impl AsRef<[u8]> for SealedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Bytes> for SealedBytes {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_only_a_prefix() {
        assert_eq!(format!("{:?}", SpaceId([0xab; 32])), "SpaceId(abababab…)");
        assert_eq!(format!("{:?}", SealedBytes(Bytes::from_static(b"secret"))), "SealedBytes(6)");
    }

    #[test]
    fn order_is_that_of_the_bytes_wherever_they_differ() {
        let ids = (0..32).flat_map(|at| [0, 1, 0x7f, 0x80, 0xff].map(|byte| (at, byte)));
        let ids: Vec<[u8; 32]> =
            ids.map(|(at, byte)| std::array::from_fn(|i| if i == at { byte } else { 7 })).collect();
        for a in &ids {
            for b in &ids {
                assert_eq!(DeviceKey(*a).cmp(&DeviceKey(*b)), a.cmp(b));
            }
        }
    }
}
