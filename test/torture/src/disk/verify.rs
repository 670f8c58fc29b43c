//! A store that came back is asked for everything that was promised, and for whether it makes sense.

use super::cast::{Cast, SpaceCast};
use super::history::{History, Promised, SpaceHistory, newest};
use relay_core::store::{Completion, Page, Push, ReadOutcome, Refusal, Store, StoreError, StoredEntry, Verdict};
use relay_proto::attestation::{Attestation, HeadClaim};
use relay_proto::frame::Frame;
use relay_proto::ids::Hash;
use relay_proto::log_reset::LogReset;
use relay_proto::merkle::{Genesis, LogFold, entry_leaf};
use relay_store::EmbeddedStore;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

const PAGE_ENTRIES: u32 = 64;
const PAGE_BYTES: u32 = 1 << 20;

/// What a store showed, which it has promised with that.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Entries by (device, push_seq), with their seq, for each space of the cast.
    pub entries: Vec<BTreeMap<(usize, u64), u64>>,
    /// Roster versions.
    pub rosters: Vec<u64>,
    /// Signed heads.
    pub claims: Vec<Option<HeadClaim>>,
    /// The log epoch.
    pub log_epoch: u64,
}

/// Calls a store without threads and lets it go on until it answered.
///
/// # Errors
/// What the store answers.
pub fn ask<T: Send + 'static>(store: &EmbeddedStore, call: impl FnOnce(Completion<T>)) -> Result<T, StoreError> {
    let cell = Arc::new(Mutex::new(None));
    let answer = Arc::clone(&cell);
    call(Box::new(move |result| *answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(result)));
    store.settle();
    let answered = cell.lock().unwrap_or_else(PoisonError::into_inner).take();
    answered.unwrap_or(Err(StoreError::Closed))
}

/// Checks a store against the promises of a moment.
///
/// # Errors
/// The first broken promise, in words.
pub fn verify(store: &EmbeddedStore, cast: &Cast, history: &History, at: usize) -> Result<Observed, String> {
    let mut observed = Observed { log_epoch: store.log().log_epoch, ..Observed::default() };
    let epoch = newest(&history.epochs, at);
    if observed.log_epoch < epoch || (observed.log_epoch > epoch.max(1) && !history.reset_sent) {
        return Err(format!("log epoch {} where {epoch} was promised", observed.log_epoch));
    }
    for (index, (space, known)) in cast.spaces.iter().zip(&history.spaces).enumerate() {
        let checked = Check { store, space, known, at }.space(&mut observed);
        checked.map_err(|what| format!("space {index}: {what}"))?;
    }
    Ok(observed)
}

struct Check<'a> {
    store: &'a EmbeddedStore,
    space: &'a SpaceCast,
    known: &'a SpaceHistory,
    at: usize,
}

impl Check<'_> {
    fn ask<T: Send + 'static>(&self, what: &str, call: impl FnOnce(Completion<T>)) -> Result<T, String> {
        ask(self.store, call).map_err(|error| format!("{what}: {error}"))
    }

    fn space(&self, observed: &mut Observed) -> Result<(), String> {
        let promised = newest(&self.known.rosters, self.at);
        let facts = self.ask("facts", |done| self.store.space(self.space.id, done))?;
        let Some(facts) = facts else {
            observed.entries.push(BTreeMap::new());
            observed.rosters.push(0);
            observed.claims.push(None);
            return if promised == 0 { Ok(()) } else { Err("the space is gone".to_owned()) };
        };
        let version = facts.roster_version;
        let listed = usize::try_from(version).ok().and_then(|version| self.space.versions.get(version.wrapping_sub(1)));
        if version < promised
            || version > self.known.roster_sent
            || listed.is_none_or(|it| it.hash != facts.roster_hash)
        {
            return Err(format!("roster {version} where {promised} was promised, {} sent", self.known.roster_sent));
        }
        let floor = newest(&self.known.floors, self.at);
        if facts.floor < floor || facts.floor > self.known.floor_sent.max(1) {
            return Err(format!("floor {} where {floor} was promised, {} sent", facts.floor, self.known.floor_sent));
        }
        let promised_size = self.known.size(self.at);
        if facts.size < promised_size {
            return Err(format!("{} entries where {promised_size} were promised", facts.size));
        }
        let entries = self.entries(facts.floor, facts.size)?;
        let claim = self.heads(&entries, facts.floor, facts.size)?;
        self.marks()?;
        self.snapshots()?;
        observed.entries.push(entries);
        observed.rosters.push(version);
        observed.claims.push(Some(claim));
        Ok(())
    }

    /// Every entry from the floor on was sent, is there once, with its bytes; every receipted one at its seq.
    fn entries(&self, floor: u64, size: u64) -> Result<BTreeMap<(usize, u64), u64>, String> {
        let mut found = BTreeMap::new();
        let mut after = floor.max(1) - 1;
        while after < size {
            let page = self.page(after)?;
            for (seq, entry) in (page.first_seq..).zip(&page.entries) {
                let key = self.sender(entry, seq)?;
                if let Some(before) = found.insert(key, seq) {
                    return Err(format!("the entry at {before} is at {seq} too"));
                }
            }
            after += page.entries.len() as u64;
        }
        for (key, sent) in &self.known.sent {
            let promised = sent.seq.as_ref().filter(|seq| seq.at <= self.at && seq.what >= floor);
            if let Some(seq) = promised.filter(|seq| found.get(key) != Some(&seq.what)) {
                return Err(format!("the receipted entry {key:?} is not at {} but at {:?}", seq.what, found.get(key)));
            }
        }
        Ok(found)
    }

    fn page(&self, after: u64) -> Result<Page, String> {
        let read = self.ask("read", |done| self.store.read(self.space.id, after, PAGE_ENTRIES, PAGE_BYTES, done))?;
        match read {
            ReadOutcome::Page(page) if page.first_seq == after + 1 && !page.entries.is_empty() => Ok(page),
            other => Err(format!("a read after {after} gave {other:?}")),
        }
    }

    fn sender(&self, entry: &StoredEntry, seq: u64) -> Result<(usize, u64), String> {
        let device = self.space.devices.iter().position(|device| device.device() == entry.device);
        let key = (device.ok_or(format!("entry {seq} is of nobody"))?, entry.push_seq);
        let sent = self.known.sent.get(&key).ok_or(format!("entry {seq} was never sent"))?;
        if sent.sealed == entry.sealed && sent.id == entry.id {
            Ok(key)
        } else {
            Err(format!("entry {seq} is corrupt"))
        }
    }

    /// The log folds to the head that is signed now and to every head that was signed.
    fn heads(&self, entries: &BTreeMap<(usize, u64), u64>, floor: u64, size: u64) -> Result<HeadClaim, String> {
        let log = self.store.log();
        let resets = self.ask("log resets", |done| self.store.log_resets(self.space.id, 0, done))?;
        let mut resets = resets.iter().map(LogReset::decode);
        let leaves = self.leaves(entries, size)?;
        let mut genesis = Genesis::first(self.space.id, log.log_id);
        let mut fold = LogFold::new(&genesis);
        let mut heads = BTreeMap::from([((genesis.log_epoch, 0), fold.head())]);
        let mut next = resets.next().transpose().map_err(|_| "a log reset that is none".to_owned())?;
        for seq in 0..=size {
            if seq > 0 {
                fold.extend(leaves.get(usize::try_from(seq - 1).unwrap_or(usize::MAX)).copied());
                heads.insert((genesis.log_epoch, seq), fold.head());
            }
            while let Some(reset) = next.filter(|reset| reset.base_size == seq) {
                if reset.base_head != fold.head() || !reset.verify() {
                    return Err(format!("the log reset at {seq} does not follow"));
                }
                genesis = Genesis { log_epoch: reset.new_epoch, base_size: seq, base_head: fold.head(), ..genesis };
                fold = LogFold::new(&genesis);
                heads.insert((genesis.log_epoch, seq), fold.head());
                next = resets.next().transpose().map_err(|_| "a log reset that is none".to_owned())?;
            }
        }
        let attested = self.ask("attest", |done| self.store.attest(self.space.id, done))?;
        let attested = Attestation::decode(&attested).map_err(|_| "an attestation that is none".to_owned())?;
        let claim = attested.claim;
        if !attested.verify(&self.space.id, &log.log_id) {
            return Err("a signature that does not hold".to_owned());
        }
        if (claim.log_epoch, claim.size, claim.floor, claim.head) != (genesis.log_epoch, size, floor, fold.head()) {
            return Err(format!("{claim:?} is signed for {size} entries from {floor} on"));
        }
        for Promised { what: old, .. } in self.known.claims.iter().filter(|claim| claim.at <= self.at) {
            if heads.get(&(old.log_epoch, old.size)) != Some(&old.head) {
                return Err(format!("the head signed at {} of epoch {} is another one now", old.size, old.log_epoch));
            }
            if claim.time_ms < old.time_ms {
                return Err(format!("signed at {} after {}", claim.time_ms, old.time_ms));
            }
        }
        Ok(claim)
    }

    /// All leaves: those of held entries are what the entries say.
    fn leaves(&self, entries: &BTreeMap<(usize, u64), u64>, size: u64) -> Result<Vec<Hash>, String> {
        let mut leaves = Vec::new();
        while (leaves.len() as u64) < size {
            let first = leaves.len() as u64 + 1;
            let page = self.ask("leaves", |done| self.store.leaves(self.space.id, first, 8192, done))?;
            if page.is_empty() {
                return Err(format!("no leaf for {first}"));
            }
            leaves.extend(page);
        }
        for ((device, push_seq), seq) in entries {
            let key = self.space.devices.get(*device).map(|device| device.device());
            let id = self.known.sent.get(&(*device, *push_seq)).map(|sent| sent.id);
            let expected = key.zip(id).map(|(key, id)| entry_leaf(&key, *push_seq, 1, &id));
            if leaves.get(usize::try_from(seq - 1).unwrap_or(usize::MAX)).copied() != expected {
                return Err(format!("the leaf of {seq} is not its entry's"));
            }
        }
        Ok(leaves)
    }

    /// The relay remembers how far each device came.
    fn marks(&self) -> Result<(), String> {
        for (index, device) in self.space.devices.iter().enumerate() {
            let mark = self.ask("mark", |done| self.store.device_mark(self.space.id, device.device(), done))?;
            let receipted = |sent: &super::history::Sent| sent.receipted.is_some_and(|receipted| receipted <= self.at);
            let promised =
                self.known.of_device(index).filter(|(_, sent)| receipted(sent)).map(|(push_seq, _)| push_seq);
            let (promised, sent) = (promised.max().unwrap_or(0), self.known.next_push_seq(index) - 1);
            if mark.push_seq_high < promised || mark.push_seq_high > sent {
                return Err(format!("device {index} stands at {}, not at {promised} to {sent}", mark.push_seq_high));
            }
        }
        Ok(())
    }

    /// Complete snapshots are held with their bytes as long as at most one other came after; begun ones can go on.
    fn snapshots(&self) -> Result<(), String> {
        let uploads = &self.known.uploads;
        for (index, upload) in uploads.iter().enumerate() {
            let later = uploads.iter().skip(index + 1);
            let id = upload.manifest.id();
            let held = self.ask("manifest", |done| self.store.snapshot_manifest(self.space.id, Some(id), done))?;
            let stored = upload.stored.is_some_and(|stored| stored <= self.at);
            if held.is_none() && stored && later.clone().filter(|later| later.finished).count() < 2 {
                return Err(format!("the stored snapshot {index} is gone"));
            }
            if held.is_some() && !upload.finished {
                return Err(format!("the unfinished snapshot {index} is complete"));
            }
            for (number, chunk) in (0..).zip(&upload.chunks).filter(|_| held.is_some()) {
                let read = self.ask("chunk", |done| self.store.snapshot_read(self.space.id, id, number, done))?;
                if read != *chunk {
                    return Err(format!("chunk {number} of snapshot {index} is corrupt"));
                }
            }
            let same_author =
                |other: &super::history::Upload| other.manifest.fields().device == upload.manifest.fields().device;
            let open = upload.begun.is_some_and(|begun| begun <= self.at) && !upload.finished;
            if open && !later.clone().any(same_author) {
                self.goes_on(index, upload)?;
            }
        }
        Ok(())
    }

    fn goes_on(&self, index: usize, upload: &super::history::Upload) -> Result<(), String> {
        const FAR: u32 = 1_000_000;
        let chunk = upload.chunks.first().cloned().unwrap_or_default();
        let answer = ask(self.store, |done| {
            self.store.snapshot_chunk(self.space.id, upload.manifest.id(), FAR, chunk, done);
        });
        match answer {
            Err(StoreError::Refused(Refusal::SnapshotChunkUnexpected { .. })) => Ok(()),
            other => Err(format!("the upload of snapshot {index} cannot go on: {other:?}")),
        }
    }
}

/// Pushes on: what is held is recognised, what is new gets the next seq. Changes the store.
///
/// # Errors
/// What went wrong, in words.
pub fn push_on(store: &EmbeddedStore, cast: &Cast, history: &History, observed: &Observed) -> Result<(), String> {
    for (index, (space, known)) in cast.spaces.iter().zip(&history.spaces).enumerate() {
        let held = observed.entries.get(index).into_iter().flatten().next_back();
        if let Some(((device, push_seq), seq)) = held {
            let sent = known.sent.get(&(*device, *push_seq)).map(|sent| sent.sealed.clone()).unwrap_or_default();
            let push = push_of(space, *device, *push_seq, vec![sent]);
            let verdict = ask(store, |done| store.push(push, done))
                .map(|pushed| pushed.runs.first().map(|run| run.verdict.clone()));
            if !matches!(&verdict, Ok(Some(Verdict::Duplicate { seq_first })) if seq_first == seq) {
                return Err(format!("space {index}: an entry held at {seq} was pushed again: {verdict:?}"));
            }
        }
        if observed.rosters.get(index).is_some_and(|version| *version > 0) {
            let size = observed.claims.get(index).copied().flatten().map_or(0, |claim| claim.size);
            let high = ask(store, |done| store.device_mark(space.id, space.devices[0].device(), done));
            let next = high.map_err(|error| error.to_string())?.push_seq_high + 1;
            let push = push_of(space, 0, next, vec![bytes::Bytes::from_static(b"one more entry")]);
            let verdict = ask(store, |done| store.push(push, done))
                .map(|pushed| pushed.runs.first().map(|run| run.verdict.clone()));
            if !matches!(&verdict, Ok(Some(Verdict::Stored { seq_first, .. })) if *seq_first == size + 1) {
                return Err(format!("space {index}: a new entry behind {size} others: {verdict:?}"));
            }
        }
    }
    Ok(())
}

/// A push of a device of the cast.
#[must_use]
pub fn push_of(space: &SpaceCast, device: usize, push_seq_first: u64, entries: Vec<bytes::Bytes>) -> Push {
    Push { space: space.id, device: space.devices[device].device(), push_seq_first, key_epoch: 1, entries }
}
