//! The part of a session that other threads reach: its waker and the answers of the store that wait for it.

use super::push_window::Joined;
use crate::endpoint::Waker;
use crate::erasure::Tombstone;
use crate::founding::FoundingVerdict;
use crate::store::{
    DeviceMark, ForgettingFacts, Pushed, ReadOutcome, SignedAck, SnapshotProgress, SpaceFacts, SpaceUsage, StoreError,
};
use bytes::Bytes;
use relay_proto::ids::Hash;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a call came to: one of the store, of the gatekeeper or of whoever keeps what tenants have.
#[derive(Debug)]
pub(crate) enum Answer {
    Facts(Result<Option<SpaceFacts>, StoreError>),
    RosterPut(Result<SpaceFacts, StoreError>),
    Mark(Result<DeviceMark, StoreError>),
    Attested(Result<Bytes, StoreError>),
    Pushed { joined: Joined, result: Result<Pushed, StoreError> },
    Usage(Result<SpaceUsage, StoreError>),
    Read(Result<ReadOutcome, StoreError>),
    SubscriptionRead(Result<ReadOutcome, StoreError>),
    Leaves(Result<Vec<Hash>, StoreError>),
    Acks(Result<Vec<SignedAck>, StoreError>),
    LogResets(Result<Vec<Bytes>, StoreError>),
    AckPut { size: u64, result: Result<(), StoreError> },
    Progress(Result<SnapshotProgress, StoreError>),
    Manifest(Result<Option<Bytes>, StoreError>),
    Chunk(Result<Bytes, StoreError>),
    Opened(Result<(), StoreError>),
    Forgetting(Result<ForgettingFacts, StoreError>),
    Purged(Result<(), StoreError>),
    Erased(Result<(), StoreError>),
    Erasure(Result<Option<Tombstone>, StoreError>),
    Founding(FoundingVerdict),
    Sponsor(Result<Option<SpaceFacts>, StoreError>),
    Sponsored(Result<(), StoreError>),
    Assigned(Result<(), StoreError>),
    TenantKnown(Result<(), StoreError>),
}

/// Shared by the session, the hub and the completions under way.
pub(crate) struct SessionHandle {
    /// Unique in this process.
    pub(crate) id: u64,
    waker: Waker,
    woken: AtomicBool,
    /// There are answers; written under their lock.
    answered: AtomicBool,
    /// Bounded by what the session lets be under way: one request, one roster look-up, one subscription read, one ack, and
    /// the pushes within its window.
    answers: Mutex<VecDeque<Answer>>,
}

impl SessionHandle {
    pub(crate) const fn new(id: u64, waker: Waker) -> Self {
        let answers = Mutex::new(VecDeque::new());
        Self { id, waker, woken: AtomicBool::new(false), answered: AtomicBool::new(false), answers }
    }

    /// Wakes the transport, once until the session looks.
    pub(crate) fn wake(&self) {
        if !self.woken.swap(true, Ordering::AcqRel) {
            (self.waker)();
        }
    }

    /// Called by the session before it looks at anything that others change. A swap, so that either it sees what was changed
    /// before a wake-up that was taken for granted, or that wake-up sees it looking.
    pub(crate) fn looking(&self) {
        self.woken.swap(false, Ordering::AcqRel);
    }

    pub(crate) fn post(&self, answer: Answer) {
        let mut answers = self.lock();
        answers.push_back(answer);
        self.answered.store(true, Ordering::Release);
        drop(answers);
        self.wake();
    }

    pub(crate) fn has_answers(&self) -> bool {
        self.answered.load(Ordering::Acquire)
    }

    pub(crate) fn take(&self) -> Option<Answer> {
        if !self.answered.load(Ordering::Acquire) {
            return None;
        }
        let mut answers = self.lock();
        let answer = answers.pop_front();
        if answers.is_empty() && !matches!(answer, Some(Answer::Pushed { .. })) {
            // An idle session keeps no room for answers; one that pushes has the next one soon.
            *answers = VecDeque::new();
        }
        self.answered.store(!answers.is_empty(), Ordering::Release);
        answer
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Answer>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_session_that_took_its_last_answer_keeps_no_room_for_more() {
        let handle = SessionHandle::new(1, Arc::new(|| {}));
        for _ in 0..3 {
            handle.post(Answer::Opened(Ok(())));
        }
        for left in (0..3).rev() {
            assert!(handle.take().is_some());
            assert_eq!(handle.lock().len(), left);
            assert_eq!(handle.lock().capacity() > 0, left > 0);
        }
        assert!(handle.take().is_none() && !handle.has_answers());
    }
}
