//! A space with one device, whose entries say themselves which they are: what a dead process pushed can be checked by anyone.

use bytes::Bytes;
use relay_core::store::{Completion, Push, ReadOutcome, Store, StoreError};
use relay_core::testing::SpaceFixture;
use relay_proto::KeyPair;
use relay_proto::attestation::Attestation;
use relay_proto::hash::entry_id;
use relay_proto::ids::SpaceId;
use relay_proto::merkle::{Genesis, LogFold, entry_leaf};
use relay_proto::roster::Rights;
use relay_store::vfs::RealVfs;
use relay_store::vfs::sim::Dice;
use relay_store::{EmbeddedStore, OpenError, StoreEnvironment, StoreOptions};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

/// Writers of a store.
pub const WRITERS: u8 = 4;
/// Bytes of an entry.
const ENTRY_BYTES: usize = 512;
/// Segments are small, so that they are sealed and compacted all the time.
const SEGMENT_BYTES: u64 = 128 * 1024;
/// Longest wait for an answer.
const ANSWER: Duration = Duration::from_secs(30);
const PAGE_ENTRIES: u32 = 4096;
const PAGE_BYTES: u32 = 1 << 20;
const LEAVES_MAX: u32 = 8192;

/// One space and its device.
#[derive(Clone, Debug)]
pub struct Writer {
    /// Its space.
    pub space: SpaceId,
    device: KeyPair,
    chain: Vec<Bytes>,
    keyring: Bytes,
}

/// How a store is opened on a real directory; `lies` is the control.
///
/// # Errors
/// As [`EmbeddedStore::open`].
pub fn open(dir: &Path, lies: bool) -> Result<EmbeddedStore, OpenError> {
    let segment_bytes = SEGMENT_BYTES;
    let options = StoreOptions { segment_bytes, answer_before_write: lies, ..StoreOptions::new(dir.to_owned()) };
    let environment = StoreEnvironment {
        vfs: Arc::new(RealVfs),
        entropy: Arc::new(relay_core::testing::SeededEntropy::new(1)),
        wall_clock: Arc::new(relay_core::testing::SetClock::default()),
    };
    EmbeddedStore::open(&options, environment)
}

/// Calls a store and waits for its answer.
///
/// # Errors
/// What the store answers; [`StoreError::Closed`] when it answers nothing.
pub fn wait<T: Send + 'static>(call: impl FnOnce(Completion<T>)) -> Result<T, StoreError> {
    let (send, receive) = channel();
    call(Box::new(move |result| {
        // Nobody waits any more only when the answer came too late.
        let _late = send.send(result);
    }));
    receive.recv_timeout(ANSWER).unwrap_or(Err(StoreError::Closed))
}

/// The bytes of an entry: its writer, its number, and a pattern of both.
#[must_use]
pub fn sealed(writer: u8, n: u64) -> Bytes {
    let mut bytes = vec![writer; ENTRY_BYTES];
    let mut dice = Dice::new(n ^ (u64::from(writer) << 56));
    for word in bytes.as_chunks_mut::<8>().0 {
        *word = dice.roll().to_be_bytes();
    }
    Bytes::from(bytes)
}

impl Writer {
    /// The writer of a number.
    #[must_use]
    pub fn new(n: u8) -> Self {
        let device = KeyPair::from_seed(&[n ^ 0x80; 32]);
        let fixture = SpaceFixture::new(n, &[(&device, Rights::Admin)]);
        Self { space: fixture.id(), chain: fixture.newest_only(), keyring: fixture.keyring.clone(), device }
    }

    /// Makes its space known.
    ///
    /// # Errors
    /// What the store answers.
    pub fn found(&self, store: &EmbeddedStore) -> Result<(), StoreError> {
        wait(|done| store.put_roster(self.space, self.chain.clone(), self.keyring.clone(), done)).map(drop)
    }

    /// How many entries a store holds or held, and the oldest that it holds.
    ///
    /// # Errors
    /// What the store answers.
    pub fn extent(&self, store: &EmbeddedStore) -> Result<(u64, u64), StoreError> {
        let facts = wait(|done| store.space(self.space, done))?;
        Ok(facts.map_or((0, 1), |facts| (facts.size, facts.floor)))
    }

    /// The push of one entry.
    #[must_use]
    pub fn push(&self, n: u8, push_seq: u64) -> Push {
        let entries = vec![sealed(n, push_seq)];
        Push { space: self.space, device: self.device.device(), push_seq_first: push_seq, key_epoch: 1, entries }
    }

    /// Checks everything a store holds of this writer: each entry once, in order, with its bytes, under a signed head.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self, n: u8, store: &EmbeddedStore) -> Result<(u64, u64), String> {
        let told = |error: StoreError| format!("writer {n}: {error}");
        let (size, floor) = self.extent(store).map_err(told)?;
        let mut after = floor.max(1) - 1;
        while after < size {
            let read = wait(|done| store.read(self.space, after, PAGE_ENTRIES, PAGE_BYTES, done)).map_err(told)?;
            let ReadOutcome::Page(page) = read else { return Err(format!("writer {n}: no page after {after}")) };
            if page.first_seq != after + 1 || page.entries.is_empty() {
                return Err(format!("writer {n}: a gap after {after}"));
            }
            for (seq, entry) in (page.first_seq..).zip(&page.entries) {
                let same = entry.sealed == sealed(n, seq) && entry.push_seq == seq;
                if !same || entry.device != self.device.device() {
                    return Err(format!("writer {n}: the entry at {seq} is another one (push_seq {})", entry.push_seq));
                }
            }
            after += page.entries.len() as u64;
        }
        if size > 0 {
            self.check_head(n, store, size, floor)?;
        }
        Ok((size, floor))
    }

    fn check_head(&self, n: u8, store: &EmbeddedStore, size: u64, floor: u64) -> Result<(), String> {
        let told = |error: StoreError| format!("writer {n}: {error}");
        let log = store.log();
        let mut fold = LogFold::new(&Genesis::first(self.space, log.log_id));
        let mut first = 1;
        while first <= size {
            let leaves = wait(|done| store.leaves(self.space, first, LEAVES_MAX, done)).map_err(told)?;
            let expected = (first..).map(|seq| entry_leaf(&self.device.device(), seq, 1, &entry_id(&sealed(n, seq))));
            if leaves.is_empty() || !leaves.iter().copied().eq(expected.take(leaves.len())) {
                return Err(format!("writer {n}: the leaves from {first} on are not those of its entries"));
            }
            first += leaves.len() as u64;
            fold.extend(leaves);
        }
        let bytes = wait(|done| store.attest(self.space, done)).map_err(told)?;
        let attested = Attestation::decode(&bytes).map_err(|_| format!("writer {n}: no attestation"))?;
        let claim = attested.claim;
        let holds = attested.verify(&self.space, &log.log_id);
        if holds && (claim.size, claim.floor, claim.head) == (size, floor, fold.head()) {
            Ok(())
        } else {
            Err(format!("writer {n}: {claim:?} is signed for {size} entries from {floor} on"))
        }
    }
}
