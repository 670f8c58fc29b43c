//! One space with one device on a store, called as a session would, but waiting for every answer.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

pub mod bad_sector;
pub mod capacity;
pub mod cut;
pub mod fixture;
pub mod watched;

use bytes::Bytes;
use relay_core::environment::{Entropy, WallClock};
use relay_core::store::{Completion, Page, Push, Pushed, ReadOutcome, SpaceFacts, Store, StoreError, Verdict};
use relay_proto::KeyPair;
use relay_proto::hash::{entry_id, sha256};
use relay_proto::ids::{DeviceKey, EntryId, Hash, SpaceId};
use relay_proto::roster::{Device, Rights, StatementFields};
use relay_store::vfs::Vfs;
use relay_store::{EmbeddedStore, OpenError, StoreEnvironment, StoreOptions};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

/// Longest wait for an answer.
const ANSWER: Duration = Duration::from_secs(20);

pub struct Counting(pub AtomicU64);

impl Entropy for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        let n = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        for (byte, from) in buffer.iter_mut().zip(n.iter().rev().cycle()) {
            *byte = *from ^ 0x5a;
        }
    }
}

/// A wall clock that moves a millisecond with every look.
pub struct Clock(pub AtomicU64);

impl WallClock for Clock {
    fn now_ms(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

pub fn environment(vfs: Arc<dyn Vfs>) -> StoreEnvironment {
    StoreEnvironment {
        vfs,
        entropy: Arc::new(Counting(AtomicU64::new(1))),
        wall_clock: Arc::new(Clock(AtomicU64::new(1_700_000_000_000))),
    }
}

pub fn options(dir: impl Into<PathBuf>, segment_bytes: u64) -> StoreOptions {
    StoreOptions { segment_bytes, ..StoreOptions::new(dir.into()) }
}

pub fn open(vfs: Arc<dyn Vfs>, options: &StoreOptions) -> Result<EmbeddedStore, OpenError> {
    EmbeddedStore::open(options, environment(vfs))
}

pub fn wait<T: Send + 'static>(call: impl FnOnce(Completion<T>)) -> Result<T, StoreError> {
    let (send, receive) = channel();
    call(Box::new(move |result| {
        let _ = send.send(result);
    }));
    receive.recv_timeout(ANSWER).expect("an answer")
}

#[derive(Clone)]
pub struct Writer {
    pub root: KeyPair,
    pub device: KeyPair,
}

impl Writer {
    pub fn new(n: u8) -> Self {
        Self { root: KeyPair::from_seed(&[n; 32]), device: KeyPair::from_seed(&[n ^ 0x80; 32]) }
    }

    pub fn space(&self) -> SpaceId {
        self.root.space()
    }

    pub fn key(&self) -> DeviceKey {
        self.device.device()
    }

    pub fn chain(&self) -> (Vec<Bytes>, Bytes) {
        let keyring = Bytes::from_static(b"keyring");
        let statement = StatementFields {
            queue_mode: false,
            space: self.space(),
            version: 1,
            previous: Hash::ZERO,
            key_epoch: 1,
            keyring_hash: sha256(&[&keyring]),
            root_hpke: [9; 32],
            devices: vec![Device { key: self.key(), hpke: [9; 32], rights: Rights::Admin, not_after_ms: 0 }],
            former: Vec::new(),
            signer: DeviceKey::ZERO,
        };
        (vec![statement.sign(&self.root).bytes().clone()], keyring)
    }

    pub fn found(&self, store: &dyn Store) -> Result<SpaceFacts, StoreError> {
        let (chain, keyring) = self.chain();
        wait(|done| store.put_roster(self.space(), chain, keyring, done))
    }

    pub fn make_push(&self, push_seq_first: u64, entries: Vec<Bytes>) -> Push {
        Push { space: self.space(), device: self.key(), push_seq_first, key_epoch: 1, entries }
    }

    pub fn push(&self, store: &dyn Store, push_seq_first: u64, entries: Vec<Bytes>) -> Result<Pushed, StoreError> {
        wait(|done| store.push(self.make_push(push_seq_first, entries), done))
    }

    /// Pushes entries `from..=to`, one by one, and expects each at its seq.
    pub fn push_range(&self, store: &dyn Store, from: u64, to: u64, bytes: usize) {
        for n in from..=to {
            let pushed = self.push(store, n, vec![sealed(n, bytes)]).expect("stored");
            assert!(matches!(pushed.runs[0].verdict, Verdict::Stored { seq_first, .. } if seq_first == n));
        }
    }

    pub fn page(&self, store: &dyn Store, after: u64) -> Result<Page, StoreError> {
        match wait(|done| store.read(self.space(), after, 4096, 1024 * 1024, done))? {
            ReadOutcome::Page(page) => Ok(page),
            other => panic!("no page: {other:?}"),
        }
    }

    /// All entries' ids, in order; checks seqs, sealed bytes and push_seqs on the way.
    pub fn read_all(&self, store: &dyn Store) -> Vec<EntryId> {
        let mut ids = Vec::new();
        loop {
            let after = ids.len() as u64;
            let page = self.page(store, after).expect("a page");
            assert_eq!(page.first_seq, after + 1);
            for entry in &page.entries {
                assert_eq!(entry.id, entry_id(&entry.sealed));
                ids.push(entry.id);
            }
            if !page.more {
                return ids;
            }
        }
    }

    pub fn size(&self, store: &dyn Store) -> u64 {
        wait(|done| store.space(self.space(), done)).expect("facts").map_or(0, |facts| facts.size)
    }
}

/// The sealed bytes of entry `n`.
pub fn sealed(n: u64, bytes: usize) -> Bytes {
    let mut sealed = vec![0xa5; bytes.max(8)];
    sealed[..8].copy_from_slice(&n.to_be_bytes());
    Bytes::from(sealed)
}

/// The ids of entries 1 to `n`.
pub fn ids(n: u64, bytes: usize) -> Vec<EntryId> {
    (1..=n).map(|n| entry_id(&sealed(n, bytes))).collect()
}
