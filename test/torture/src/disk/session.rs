//! One run of a store on a simulated disk: random calls in a random order, every answer written down with the moment it came.

use super::cast::{Cast, SpaceCast};
use super::history::{History, Promised, Sent, SpaceHistory, Upload};
use super::verify::{Observed, ask, push_of};
use bytes::Bytes;
use relay_core::store::{Pushed, SignedAck, Store, Verdict};
use relay_core::testing::{SeededEntropy, SetClock};
use relay_proto::attestation::Attestation;
use relay_proto::frame::Ack;
use relay_proto::hash::entry_id;
use relay_proto::limits::CHUNK_BYTES_MIN;
use relay_proto::merkle::{Genesis, LogFold};
use relay_proto::snapshot::{ChunksHasher, ManifestFields};
use relay_store::embedded::by_hand::Part;
use relay_store::vfs::sim::{Dice, Fault, SimVfs};
use relay_store::{EmbeddedStore, OpenError, StoreEnvironment, StoreLimits, StoreOptions};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where the data directory is.
pub const DATA_DIR: &str = "/srv/relay";
/// Entries of one push, at most.
const PUSH_ENTRIES_MAX: u64 = 3;
/// Bytes of an entry, at most.
const ENTRY_BYTES_MAX: u64 = 1500;
/// Segments are small, so that they roll: a header and a few groups.
const SEGMENT_BYTES: [u64; 3] = [8 << 10, 12 << 10, 24 << 10];
/// Spaces that stay in memory when the keeper looks: none, one, all.
const RESIDENT_SPACES: [usize; 3] = [0, 1, usize::MAX];
/// Where the wall clock starts, in Unix milliseconds.
const START_MS: u64 = 1_700_000_000_000;

/// How a store is run.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// Chooses clocks, keys and sizes.
    pub seed: u64,
    /// The wall clock, in Unix milliseconds.
    pub now_ms: u64,
    /// The control: answers before it writes.
    pub lies: bool,
}

impl Run {
    /// An honest run at the first moment.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed, now_ms: START_MS, lies: false }
    }

    /// The same without the lie: what comes after a crash is always an honest store.
    #[must_use]
    pub const fn honest(self) -> Self {
        Self { lies: false, ..self }
    }

    /// What the store is given.
    #[must_use]
    pub fn environment(&self, vfs: &SimVfs) -> (StoreEnvironment, Arc<SetClock>) {
        let clock = Arc::new(SetClock::default());
        clock.set(self.now_ms);
        let environment = StoreEnvironment {
            vfs: Arc::new(vfs.clone()),
            entropy: Arc::new(SeededEntropy::new(self.seed)),
            wall_clock: Arc::clone(&clock) as Arc<_>,
        };
        (environment, clock)
    }

    /// Opens the store.
    ///
    /// # Errors
    /// As [`EmbeddedStore::open`].
    pub fn open(&self, vfs: &SimVfs) -> Result<(EmbeddedStore, Arc<SetClock>), OpenError> {
        let segment_bytes = SEGMENT_BYTES[usize::try_from(self.seed % SEGMENT_BYTES.len() as u64).unwrap_or(0)];
        let residents = RESIDENT_SPACES[usize::try_from(self.seed / 3 % RESIDENT_SPACES.len() as u64).unwrap_or(0)];
        let limits = StoreLimits { spaces_resident_max: residents, ..StoreLimits::default() };
        let options = StoreOptions {
            segment_bytes,
            limits,
            by_hand: true,
            answer_before_write: self.lies,
            ..StoreOptions::new(PathBuf::from(DATA_DIR))
        };
        let (environment, clock) = self.environment(vfs);
        Ok((EmbeddedStore::open(&options, environment)?, clock))
    }
}

/// Shared with the completions.
pub type SharedHistory = Arc<Mutex<History>>;

/// Locks a history.
pub fn lock(history: &SharedHistory) -> MutexGuard<'_, History> {
    history.lock().unwrap_or_else(PoisonError::into_inner)
}

/// See the module.
pub struct Session<'a> {
    /// The store.
    pub store: &'a EmbeddedStore,
    /// Who takes part.
    pub cast: &'a Cast,
    /// What is written down.
    pub history: &'a SharedHistory,
    /// The disk.
    pub vfs: &'a SimVfs,
    /// The wall clock.
    pub clock: &'a SetClock,
    /// Chooses.
    pub dice: Dice,
}

fn claim_of(attestation: &Bytes, at: usize) -> Option<Promised<relay_proto::attestation::HeadClaim>> {
    Attestation::decode(attestation).ok().map(|attestation| Promised { at, what: attestation.claim })
}

impl Session<'_> {
    /// What the store showed at the start is promised from now on.
    pub fn adopt(&mut self, observed: &Observed) {
        let at = self.vfs.journal_len();
        let mut history = lock(self.history);
        for (space, entries) in history.spaces.iter_mut().zip(&observed.entries) {
            for (key, seq) in entries {
                if let Some(sent) = space.sent.get_mut(key) {
                    sent.seq.get_or_insert(Promised { at, what: *seq });
                    sent.receipted.get_or_insert(at);
                }
            }
        }
        for (space, version) in history.spaces.iter_mut().zip(&observed.rosters) {
            space.rosters.push(Promised { at, what: *version });
        }
        for (space, claim) in history.spaces.iter_mut().zip(&observed.claims) {
            space.claims.extend(claim.map(|what| Promised { at, what }));
            space.floors.extend(claim.map(|claim| Promised { at, what: claim.floor }));
        }
        history.epochs.push(Promised { at, what: observed.log_epoch });
    }

    /// Does `steps` things.
    pub fn run(&mut self, steps: u64) {
        for _ in 0..steps {
            let space = usize::try_from(self.dice.below(self.cast.spaces.len() as u64)).unwrap_or(0);
            match self.dice.below(100) {
                0..=42 => self.push(space),
                43 | 44 => self.reclaim(),
                45..=64 => drop(self.store.turn(Part::Committer)),
                65..=72 => drop(self.store.turn(Part::Background)),
                73..=75 => drop(self.store.turn(Part::Metadata)),
                76 => drop(self.store.turn(Part::Keeper)),
                77..=81 => self.roster(space),
                82..=85 => self.trim(space),
                86..=88 => self.attest(space),
                89..=92 => self.snapshot(space),
                93..=95 => self.clock.advance(1 << self.dice.below(17)),
                96 => self.fault(),
                _ => self.store.settle(),
            }
        }
        if self.dice.one_in(2) {
            self.store.settle();
        }
    }

    /// Gives back what is forgotten; what is gone is promised to stay gone.
    fn reclaim(&self) {
        let before = self.vfs.paths();
        let reclaimed = self.store.reclaim();
        let (after, at) = (self.vfs.paths(), self.vfs.journal_len());
        let is_gone = |path: &PathBuf| !after.contains(path) && path.extension().is_some_and(|of| of == "seg");
        let gone: Vec<PathBuf> = before.into_iter().filter(is_gone).collect();
        // A compaction that met a fault promises nothing of what it removed already.
        if gone.len() as u64 == reclaimed.segments_gone {
            lock(self.history).gone.extend(gone.into_iter().map(|what| Promised { at, what }));
        }
    }

    fn fault(&mut self) {
        let suffix = [".seg", "meta.redb", ".part", ""][usize::try_from(self.dice.below(4)).unwrap_or(0)];
        let after = self.dice.below(12);
        let fault = match self.dice.below(8) {
            0 => Fault::Full,
            1 => Fault::Write { after, error: ErrorKind::StorageFull },
            2 => Fault::Write { after, error: ErrorKind::Other },
            3 => Fault::Sync { after, error: ErrorKind::Other },
            4 => Fault::Call { after, error: ErrorKind::Other },
            _ => return self.vfs.heal(),
        };
        self.vfs.inject(suffix, fault);
    }

    fn space(&self, index: usize) -> &SpaceCast {
        &self.cast.spaces[index]
    }

    /// A device pushes what has no receipt yet, again and in order, or something new.
    fn push(&mut self, index: usize) {
        let mut history = lock(self.history);
        let known = &mut history.spaces[index];
        let members = self.space(index).members(known.roster_sent);
        let device = usize::try_from(self.dice.below(members as u64)).unwrap_or(0);
        let count = 1 + self.dice.below(PUSH_ENTRIES_MAX);
        let again = known.of_device(device).find(|(_, sent)| sent.receipted.is_none()).map(|(push_seq, _)| push_seq);
        // What is under way is sent again now and then, as by a device that lost its connection.
        let first = again.filter(|_| self.dice.one_in(3)).unwrap_or_else(|| known.next_push_seq(device));
        let mut entries = Vec::new();
        for push_seq in first..first + count {
            let dice = &mut self.dice;
            let sent = known.sent.entry((device, push_seq)).or_insert_with(|| Sent::new(index, device, push_seq, dice));
            entries.push(sent.sealed.clone());
        }
        drop(history);
        let (vfs, history) = (self.vfs.clone(), Arc::clone(self.history));
        let done = Box::new(move |result: Result<Pushed, _>| {
            let Ok(pushed) = result else { return };
            let at = vfs.journal_len();
            let mut history = lock(&history);
            history.answered += 1;
            history.spaces[index].receipt(device, &pushed, at);
        });
        self.store.push(push_of(self.space(index), device, first, entries), done);
    }

    fn roster(&mut self, index: usize) {
        let mut history = lock(self.history);
        let version = history.spaces[index].roster_sent + 1;
        let Some(next) = self.space(index).versions.get(usize::try_from(version - 1).unwrap_or(usize::MAX)) else {
            return;
        };
        history.spaces[index].roster_sent = version;
        drop(history);
        let (vfs, history) = (self.vfs.clone(), Arc::clone(self.history));
        let done = Box::new(move |result: Result<_, _>| {
            if result.is_ok() {
                let at = vfs.journal_len();
                let mut history = lock(&history);
                history.answered += 1;
                history.spaces[index].rosters.push(Promised { at, what: version });
            }
        });
        self.store.put_roster(self.space(index).id, next.chain.clone(), next.keyring.clone(), done);
    }

    fn trim(&mut self, index: usize) {
        let at = self.vfs.journal_len();
        let mut history = lock(self.history);
        let known = &mut history.spaces[index];
        let size = known.size(at);
        // Now and then nearly everything, so that segments are worth compacting.
        let more = if self.dice.one_in(4) { size } else { self.dice.below(4) };
        let floor = (known.floor_sent.max(1) + more).min(size + 1);
        known.floor_sent = known.floor_sent.max(floor);
        drop(history);
        let (vfs, history) = (self.vfs.clone(), Arc::clone(self.history));
        let done = Box::new(move |result: Result<(), _>| {
            if result.is_ok() {
                let at = vfs.journal_len();
                let mut history = lock(&history);
                history.answered += 1;
                history.spaces[index].floors.push(Promised { at, what: floor });
            }
        });
        self.store.trim(self.space(index).id, floor, done);
    }

    fn attest(&mut self, index: usize) {
        let (vfs, history) = (self.vfs.clone(), Arc::clone(self.history));
        let done = Box::new(move |result: Result<Bytes, _>| {
            let at = vfs.journal_len();
            let claim = result.ok().and_then(|bytes| claim_of(&bytes, at));
            lock(&history).spaces[index].claims.extend(claim);
        });
        self.store.attest(self.space(index).id, done);
    }

    /// Starts a snapshot or goes on with one.
    fn snapshot(&mut self, index: usize) {
        let unfinished = lock(self.history).spaces[index].uploads.last().is_some_and(|last| !last.finished);
        if unfinished && !self.dice.one_in(4) {
            return self.chunk(index);
        }
        let Some(upload) = self.make_upload(index) else { return };
        let manifest = upload.manifest.bytes().clone();
        let mut history = lock(self.history);
        history.spaces[index].uploads.push(upload);
        let number = history.spaces[index].uploads.len() - 1;
        drop(history);
        let begun = ask(self.store, |done| self.store.snapshot_begin(self.space(index).id, manifest, done));
        if begun.is_ok() {
            let at = self.vfs.journal_len();
            lock(self.history).spaces[index].uploads[number].begun = Some(at);
        }
    }

    fn make_upload(&mut self, index: usize) -> Option<Upload> {
        let space = self.space(index).clone();
        let log = self.store.log();
        let facts = ask(self.store, |done| self.store.space(space.id, done)).ok()??;
        if log.log_epoch > 1 || facts.size == 0 {
            return None;
        }
        let count = u32::try_from(facts.size).unwrap_or(u32::MAX);
        let leaves = ask(self.store, |done| self.store.leaves(space.id, 1, count, done)).ok()?;
        let mut fold = LogFold::new(&Genesis::first(space.id, log.log_id));
        fold.extend(leaves);
        let author = &space.devices[usize::try_from(self.dice.below(2)).unwrap_or(0)];
        let ack = Ack::sign(author, &space.id, &log.log_id, log.log_epoch, fold.size(), fold.head());
        let ack = SignedAck {
            device: author.device(),
            log_epoch: ack.log_epoch,
            size: ack.size,
            head: ack.head,
            signature: ack.signature.0,
        };
        ask(self.store, |done| self.store.put_ack(space.id, ack, done)).ok()?;
        let mut chunks = vec![Bytes::from(vec![u8::try_from(self.dice.below(256)).unwrap_or(0); 300])];
        if self.dice.one_in(8) {
            chunks.insert(0, Bytes::from(vec![7; CHUNK_BYTES_MIN as usize]));
        }
        let mut hasher = ChunksHasher::default();
        chunks.iter().for_each(|chunk| hasher.push(chunk));
        let mut salt = [0; 32];
        salt[..8].copy_from_slice(&self.dice.roll().to_be_bytes());
        let fields = ManifestFields {
            suite: 1,
            space: space.id,
            device: author.device(),
            key_epoch: 1,
            log_id: log.log_id,
            log_epoch: log.log_epoch,
            size: fold.size(),
            head: fold.head(),
            range: fold.hashes().to_vec(),
            total_bytes: chunks.iter().map(|chunk| chunk.len() as u64).sum(),
            chunk_bytes: CHUNK_BYTES_MIN,
            chunks_hash: hasher.finish(),
            salt,
            commitment: [0; 32],
            time_ms: 1,
        };
        Some(Upload { manifest: fields.sign(author), chunks, begun: None, stored: None, finished: false })
    }

    /// Sends the chunk that is wanted next.
    fn chunk(&mut self, index: usize) {
        let history = lock(self.history);
        let uploads = &history.spaces[index].uploads;
        let number = uploads.len() - 1;
        let (manifest, chunks) = (uploads[number].manifest.clone(), uploads[number].chunks.clone());
        drop(history);
        let id = self.space(index).id;
        let begun = ask(self.store, |done| self.store.snapshot_begin(id, manifest.bytes().clone(), done));
        let Ok(progress) = begun else { return };
        let next = usize::try_from(progress.next_chunk).unwrap_or(usize::MAX);
        let Some(chunk) = chunks.get(next).cloned() else { return };
        lock(self.history).spaces[index].uploads[number].finished |= next + 1 == chunks.len();
        let sent = ask(self.store, |done| {
            self.store.snapshot_chunk(id, manifest.id(), progress.next_chunk, chunk, done);
        });
        if sent.is_ok_and(|progress| progress.stored) {
            let at = self.vfs.journal_len();
            lock(self.history).spaces[index].uploads[number].stored = Some(at);
        }
    }
}

impl Sent {
    fn new(space: usize, device: usize, push_seq: u64, dice: &mut Dice) -> Self {
        let mut bytes = format!("{space} {device} {push_seq} {:016x} ", dice.roll()).into_bytes();
        let length = bytes.len() + usize::try_from(dice.below(ENTRY_BYTES_MAX)).unwrap_or(0);
        // Every byte tells which sector it is from: an old sector in a new place is seen.
        bytes.extend((bytes.len()..length).map(|at| (at / 7) as u8 ^ push_seq as u8));
        let sealed = Bytes::from(bytes);
        Self { id: entry_id(&sealed), sealed, seq: None, receipted: None }
    }
}

impl SpaceHistory {
    fn receipt(&mut self, device: usize, pushed: &Pushed, at: usize) {
        for run in &pushed.runs {
            for nth in 0..u64::from(run.count) {
                let Some(sent) = self.sent.get_mut(&(device, run.push_seq_first + nth)) else { continue };
                sent.receipted.get_or_insert(at);
                match run.verdict {
                    Verdict::Stored { seq_first, .. } | Verdict::Duplicate { seq_first } => {
                        sent.seq.get_or_insert(Promised { at, what: seq_first + nth });
                    }
                    Verdict::DuplicateForgotten => {}
                }
            }
        }
        self.claims.extend(claim_of(&pushed.attestation, at));
    }
}
