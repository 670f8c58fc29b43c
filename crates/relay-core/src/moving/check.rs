//! What makes a file believed: the log id signed head and digest, the entries make that head, every statement in it holds.

use super::Fault;
use super::section::{BlobHead, Head, Section, Totals};
use crate::store::SignedAck;
use bytes::Bytes;
use relay_proto::attestation::Attestation;
use relay_proto::blob::BlobHasher;
use relay_proto::frame::{Ack, Frame};
use relay_proto::hash::{Domain, entry_id};
use relay_proto::ids::{BlobId, DeviceKey, Hash, Seq, Signature};
use relay_proto::log_reset::LogReset;
use relay_proto::merkle::{Genesis, LogFold, entry_leaf};
use relay_proto::roster::{Chain, check_keyring};
use relay_proto::signing;
use relay_proto::snapshot::{ChunksHasher, Manifest};
use std::collections::{BTreeMap, BTreeSet};

/// Most devices that the marks, the acks or the entries of one file are of: a roster names 1,280 at most, those that left included.
const DEVICES_MAX: usize = 16_384;

/// What a good file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Which log, at which moment.
    pub head: Head,
    /// Entries.
    pub entries: u64,
    /// Their sealed bytes.
    pub entry_bytes: u64,
    /// Lowest seq whose leaf is in the file; `size + 1` when there is none.
    pub leaves_from: Seq,
    /// Whether the leaves reach back far enough to make the signed head; the signature holds in any case.
    pub head_is_proven: bool,
    /// Version of the newest roster statement.
    pub roster_version: u64,
    /// Devices of the newest roster.
    pub devices: u64,
    /// Acks whose signature holds.
    pub acks: u64,
    /// Log resets.
    pub resets: u64,
    /// Seq that the snapshot covers; 0 when there is none.
    pub snapshot_size: Seq,
    /// Bytes of its chunks.
    pub snapshot_bytes: u64,
    /// Blobs.
    pub blobs: u64,
    /// Their bytes.
    pub blob_bytes: u64,
}

/// Takes the sections in order and refuses the first that is wrong.
#[derive(Default)]
pub struct Checker {
    sections: u64,
    kind: u8,
    head: Option<Head>,
    attested: Option<Hash>,
    origin: Option<Genesis>,
    fold: Option<LogFold>,
    chain: Option<Chain>,
    marks: BTreeSet<DeviceKey>,
    acked: BTreeSet<DeviceKey>,
    authors: BTreeSet<DeviceKey>,
    /// Heads that devices signed, by size; compared when the fold gets there.
    claims: BTreeMap<Seq, Vec<Hash>>,
    resets: u64,
    leaves_from: Option<Seq>,
    next_seq: Seq,
    entries: u64,
    entry_bytes: u64,
    snapshot: Option<(Manifest, ChunksHasher, u32)>,
    snapshot_bytes: u64,
    /// The blob under way, and what came of it.
    blob: Option<(BlobHead, BlobHasher, u64)>,
    last_blob: Option<BlobId>,
    blobs: u64,
    blob_bytes: u64,
    is_over: bool,
}

type Checked = Result<(), &'static str>;

impl Checker {
    /// Judges the next section.
    ///
    /// # Errors
    /// [`Fault::Broken`]: which section, and what is wrong with it.
    pub fn push(&mut self, section: &Section) -> Result<(), Fault> {
        self.sections += 1;
        self.judge(section).map_err(|what| Fault::Broken { section: self.sections, what })
    }

    /// What the whole file holds.
    ///
    /// # Errors
    /// [`Fault::Broken`] when its last section is missing.
    pub fn finish(self) -> Result<Report, Fault> {
        let cut = || Fault::Broken { section: self.sections, what: "the file ends before its last section" };
        let (Some(head), Some(chain)) = (self.head, &self.chain) else { return Err(cut()) };
        if !self.is_over {
            return Err(cut());
        }
        let devices = chain.newest().fields().devices.len();
        Ok(Report {
            head,
            entries: self.entries,
            entry_bytes: self.entry_bytes,
            leaves_from: self.leaves_from.unwrap_or(head.size + 1),
            head_is_proven: self.fold.is_some(),
            roster_version: chain.newest().fields().version,
            devices: u64::try_from(devices).unwrap_or(u64::MAX),
            acks: u64::try_from(self.acked.len()).unwrap_or(u64::MAX),
            resets: self.resets,
            snapshot_size: self.snapshot.as_ref().map_or(0, |(manifest, ..)| manifest.fields().size),
            snapshot_bytes: self.snapshot_bytes,
            blobs: self.blobs,
            blob_bytes: self.blob_bytes,
        })
    }

    fn judge(&mut self, section: &Section) -> Checked {
        let kind = section.kind();
        let may_repeat = matches!(kind, 3 | 5 | 6 | 7 | 8 | 10 | 12);
        // The bytes of one blob come before the next one.
        let goes_back = kind < self.kind && (kind, self.kind) != (11, 12);
        if self.is_over || goes_back || (kind == self.kind && !may_repeat) || (self.kind == 0 && kind != 1) {
            return Err("it is not the section that belongs here");
        }
        if kind > 4 && self.chain.is_none() && kind != 4 {
            return Err("the roster is missing before it");
        }
        self.kind = kind;
        match section {
            Section::Head(head) => self.begin(*head),
            Section::Attestation(bytes) => self.attestation(bytes),
            Section::Reset(bytes) => self.reset(bytes),
            Section::Roster { chain, keyring } => self.roster(chain, keyring),
            Section::Mark(mark) => within(self.marks.insert(mark.device), self.marks.len()),
            Section::Ack(ack) => self.ack(ack),
            Section::Leaves { first_seq, leaves } => self.leaves(*first_seq, leaves),
            Section::Entry { seq, entry } => {
                if *seq != self.next_entry()? {
                    return Err("an entry is missing before it");
                }
                if entry_id(&entry.sealed) != entry.id {
                    return Err("the entry's id is not that of its bytes");
                }
                if entry.sealed.is_empty() || entry.push_seq == 0 {
                    return Err("the entry is empty, or has no number");
                }
                self.authors.insert(entry.device);
                within(true, self.authors.len())?;
                self.entries += 1;
                self.entry_bytes += u64::try_from(entry.sealed.len()).unwrap_or(u64::MAX);
                self.leaf(*seq, entry_leaf(&entry.device, entry.push_seq, entry.key_epoch, &entry.id))
            }
            Section::Snapshot(bytes) => self.manifest(bytes),
            Section::SnapshotChunk(bytes) => self.chunk(bytes),
            Section::Blob(head) => self.blob(head),
            Section::BlobPiece(bytes) => self.blob_piece(bytes),
            Section::End(totals) => self.end(totals),
        }
    }

    fn head(&self) -> Result<Head, &'static str> {
        self.head.ok_or("the head is missing before it")
    }

    fn begin(&mut self, head: Head) -> Checked {
        if head.floor == 0 || head.log_epoch == 0 || head.floor > head.size.saturating_add(1) {
            return Err("floor and size do not belong to a log");
        }
        self.head = Some(head);
        self.origin = Some(Genesis::first(head.space, head.log_id));
        Ok(())
    }

    fn attestation(&mut self, bytes: &Bytes) -> Checked {
        let head = self.head()?;
        let attestation = Attestation::decode(bytes).map_err(|_| "it is no attestation")?;
        if !attestation.verify(&head.space, &head.log_id) {
            return Err("the log id did not sign this head");
        }
        let claim = attestation.claim;
        if (claim.log_epoch, claim.size, claim.floor) != (head.log_epoch, head.size, head.floor) {
            return Err("the signed head is of another moment");
        }
        self.attested = Some(claim.head);
        Ok(())
    }

    fn reset(&mut self, bytes: &Bytes) -> Checked {
        let (head, origin) = (self.head()?, self.origin.ok_or("the head is missing before it")?);
        let reset = LogReset::decode(bytes).map_err(|_| "it is no log reset")?;
        if reset.space != head.space || reset.log_id != head.log_id || !reset.verify() {
            return Err("the log id did not sign this log reset");
        }
        if reset.new_epoch <= origin.log_epoch || reset.old_epoch >= reset.new_epoch {
            return Err("the log reset does not follow the one before");
        }
        self.resets += 1;
        self.origin = Some(reset.genesis());
        Ok(())
    }

    fn roster(&mut self, chain: &[Bytes], keyring: &Bytes) -> Checked {
        let (head, origin) = (self.head()?, self.origin.ok_or("the head is missing before it")?);
        if self.attested.is_none() {
            return Err("the signed head is missing before it");
        }
        if origin.log_epoch != head.log_epoch || origin.base_size > head.size {
            return Err("the log resets before it do not lead to the log epoch of the head");
        }
        let chain = Chain::stand_alone(&head.space, chain, None).map_err(|_| "the roster chain does not hold")?;
        check_keyring(chain.newest(), keyring).map_err(|_| "the keyring is not the one of the newest statement")?;
        self.chain = Some(chain);
        Ok(())
    }

    fn ack(&mut self, ack: &SignedAck) -> Checked {
        let head = self.head()?;
        within(self.acked.insert(ack.device), self.acked.len())?;
        let signed =
            Ack { log_epoch: ack.log_epoch, size: ack.size, head: ack.head, signature: Signature(ack.signature) };
        if !signed.verify(&ack.device, &head.space, &head.log_id) {
            return Err("the device did not sign this ack");
        }
        if ack.log_epoch == head.log_epoch {
            self.claims.entry(ack.size).or_default().push(ack.head);
        }
        Ok(())
    }

    fn leaves(&mut self, first_seq: Seq, leaves: &[Hash]) -> Checked {
        let head = self.head()?;
        if self.leaves_from.is_none() {
            self.start_leaves(first_seq)?;
        }
        let end = first_seq.saturating_add(u64::try_from(leaves.len()).unwrap_or(u64::MAX));
        if first_seq == 0 || first_seq != self.next_seq || end > head.floor {
            return Err("leaves are missing before it, or are not below the floor");
        }
        (first_seq..).zip(leaves).try_for_each(|(seq, leaf)| self.leaf(seq, *leaf))
    }

    fn start_leaves(&mut self, first_seq: Seq) -> Checked {
        let origin = self.origin.ok_or("the head is missing before it")?;
        (self.leaves_from, self.next_seq) = (Some(first_seq), first_seq);
        if first_seq <= origin.base_size.saturating_add(1) {
            let fold = LogFold::new(&origin);
            self.compare(origin.base_size, &fold)?;
            self.fold = Some(fold);
        }
        Ok(())
    }

    fn next_entry(&mut self) -> Result<Seq, &'static str> {
        let head = self.head()?;
        if self.leaves_from.is_none() {
            self.start_leaves(head.floor)?;
        }
        if self.next_seq < head.floor || self.next_seq > head.size {
            return Err("the leaves before it do not reach the floor, or it is above the size");
        }
        Ok(self.next_seq)
    }

    fn leaf(&mut self, seq: Seq, leaf: Hash) -> Checked {
        self.next_seq = seq.saturating_add(1);
        let Some(mut fold) = self.fold.take() else { return Ok(()) };
        if seq > fold.base_size() {
            fold.extend([leaf]);
            self.compare(seq, &fold)?;
        }
        self.fold = Some(fold);
        Ok(())
    }

    /// The heads that devices signed are those of the entries.
    fn compare(&mut self, size: Seq, fold: &LogFold) -> Checked {
        let Some(claimed) = self.claims.remove(&size) else { return Ok(()) };
        let head = fold.head();
        if claimed.iter().all(|claim| *claim == head) {
            Ok(())
        } else {
            Err("a device signed another head of this size")
        }
    }

    fn manifest(&mut self, bytes: &Bytes) -> Checked {
        let head = self.head()?;
        let manifest = Manifest::parse(bytes.clone()).map_err(|_| "it is no manifest of a snapshot")?;
        let fields = manifest.fields();
        let author = self.chain.as_ref().and_then(|chain| chain.newest().fields().device(&fields.device));
        if fields.space != head.space || !manifest.verify() {
            return Err("its author did not sign this snapshot for this space");
        }
        if !author.is_some_and(|author| author.rights.may_write()) {
            return Err("the author of the snapshot may not write");
        }
        if fields.size > head.size {
            return Err("the snapshot covers more than the log holds");
        }
        self.snapshot = Some((manifest, ChunksHasher::default(), 0));
        Ok(())
    }

    fn chunk(&mut self, bytes: &Bytes) -> Checked {
        let (manifest, hasher, next) = self.snapshot.as_mut().ok_or("the snapshot's manifest is missing before it")?;
        let length = u32::try_from(bytes.len()).ok();
        if manifest.fields().chunk_len(*next) != length {
            return Err("it is not the chunk that comes next");
        }
        hasher.push(bytes);
        *next += 1;
        self.snapshot_bytes += u64::from(length.unwrap_or(0));
        Ok(())
    }

    fn blob(&mut self, head: &BlobHead) -> Checked {
        self.blob_is_whole()?;
        if self.last_blob.is_some_and(|last| last >= head.id) || head.total_bytes == 0 {
            return Err("blobs do not ascend by their ids, or one is empty");
        }
        self.last_blob = Some(head.id);
        self.blobs += 1;
        self.blob_bytes = self.blob_bytes.saturating_add(head.total_bytes);
        self.blob = Some((*head, BlobHasher::default(), 0));
        Ok(())
    }

    fn blob_piece(&mut self, bytes: &Bytes) -> Checked {
        let (head, hasher, received) = self.blob.as_mut().ok_or("its blob is missing before it")?;
        *received = received.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if *received > head.total_bytes || bytes.is_empty() {
            return Err("the blob is longer than it says, or a piece of it is empty");
        }
        hasher.push(bytes);
        Ok(())
    }

    /// The blob before this section, if there is one.
    fn blob_is_whole(&mut self) -> Checked {
        let Some((head, hasher, received)) = self.blob.take() else { return Ok(()) };
        if received != head.total_bytes || hasher.finish() != head.id {
            return Err("the bytes of the blob before it are not those of its id");
        }
        Ok(())
    }

    fn end(&mut self, totals: &Totals) -> Checked {
        let head = self.head()?;
        self.blob_is_whole()?;
        if self.leaves_from.is_none() {
            self.start_leaves(head.floor)?;
        }
        if self.next_seq != head.size + 1 || totals.entries != self.entries {
            return Err("entries are missing before it");
        }
        if self.fold.as_ref().is_some_and(|fold| Some(fold.head()) != self.attested) {
            return Err("the entries do not make the signed head");
        }
        if let Some((manifest, hasher, chunks)) = self.snapshot.take() {
            let whole = manifest.fields().chunk_count() == Some(chunks);
            if !whole || hasher.clone().finish() != manifest.fields().chunks_hash {
                return Err("the chunks are not those of the snapshot's manifest");
            }
            self.snapshot = Some((manifest, hasher, chunks));
        }
        if !signing::verify(&head.log_id.0, Domain::SpaceExport, &[&totals.digest.0], &totals.signature) {
            return Err("the log id did not sign this file");
        }
        self.is_over = true;
        Ok(())
    }
}

fn within(is_new: bool, count: usize) -> Checked {
    if !is_new {
        return Err("a device is named twice");
    }
    if count > DEVICES_MAX { Err("there are more of them than a space can have") } else { Ok(()) }
}
