//! Spaces that went, until whoever keeps the operator's audit log asks for them.

use bytes::Bytes;
use relay_proto::erasure::{ErasureNotice, ErasureReason};
use relay_proto::ids::SpaceId;
use relay_proto::wire::Reader;
use std::sync::{Mutex, PoisonError};

/// Spaces that are kept; what comes beyond is counted.
const KEPT_MAX: usize = 4096;

/// What went since it was asked for last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErasedSpaces {
    /// Which, and on whose word, oldest first.
    pub spaces: Vec<(SpaceId, ErasureReason)>,
    /// How many more there were than are kept.
    pub more: u64,
}

#[derive(Default)]
pub(super) struct Erased(Mutex<ErasedSpaces>);

impl Erased {
    pub(super) fn note(&self, space: SpaceId, notice: &Bytes) {
        let Ok(notice) = ErasureNotice::read(&mut Reader::new(notice)) else { return };
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.spaces.len() < KEPT_MAX {
            held.spaces.push((space, notice.reason));
        } else {
            held.more += 1;
        }
    }

    pub(super) fn take(&self) -> ErasedSpaces {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
