//! What was sent to a store and what it promised, each promise with the moment from which it must hold.

use super::cast::SPACES;
use bytes::Bytes;
use relay_proto::attestation::HeadClaim;
use relay_proto::ids::EntryId;
use relay_proto::snapshot::Manifest;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Something that was promised at a moment: the number of ops in the disk's journal.
#[derive(Clone, Debug)]
pub struct Promised<T> {
    /// From when on it must hold.
    pub at: usize,
    /// What.
    pub what: T,
}

/// One entry that a device sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Its bytes.
    pub sealed: Bytes,
    /// H(sealed).
    pub id: EntryId,
    /// Its seq, once a receipt named it or a read returned it.
    pub seq: Option<Promised<u64>>,
    /// Whether the store said that it is held, or was and is forgotten.
    pub receipted: Option<usize>,
}

/// One snapshot that a device uploads.
#[derive(Clone, Debug)]
pub struct Upload {
    /// Its manifest.
    pub manifest: Manifest,
    /// Its chunks.
    pub chunks: Vec<Bytes>,
    /// When the store took it.
    pub begun: Option<usize>,
    /// When the store said that it is complete.
    pub stored: Option<usize>,
    /// Whether its last chunk was sent.
    pub finished: bool,
}

/// One space.
#[derive(Clone, Debug, Default)]
pub struct SpaceHistory {
    /// By device (its number in the cast) and push_seq.
    pub sent: BTreeMap<(usize, u64), Sent>,
    /// The newest roster version sent.
    pub roster_sent: u64,
    /// Roster versions promised.
    pub rosters: Vec<Promised<u64>>,
    /// The highest floor asked for.
    pub floor_sent: u64,
    /// Floors promised.
    pub floors: Vec<Promised<u64>>,
    /// Heads signed.
    pub claims: Vec<Promised<HeadClaim>>,
    /// Snapshots, oldest first.
    pub uploads: Vec<Upload>,
}

/// Everything.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// By number in the cast.
    pub spaces: [SpaceHistory; SPACES],
    /// Log epochs promised.
    pub epochs: Vec<Promised<u64>>,
    /// Whether a log reset was begun.
    pub reset_sent: bool,
    /// From when on a start reads a checkpoint and not the whole log; nothing was compacted since.
    pub checkpoint: Option<usize>,
    /// Segments that were given back; their numbers are not used again.
    pub gone: Vec<Promised<PathBuf>>,
    /// Calls that were answered with `Ok`.
    pub answered: u64,
}

/// The greatest promise that holds at a moment.
pub fn newest<T: Copy + Ord + Default>(promises: &[Promised<T>], at: usize) -> T {
    promises.iter().filter(|promise| promise.at <= at).map(|promise| promise.what).max().unwrap_or_default()
}

fn settle<T>(promises: &mut Vec<Promised<T>>, at: usize) {
    promises.retain(|promise| promise.at <= at);
    promises.iter_mut().for_each(|promise| promise.at = 0);
}

impl SpaceHistory {
    /// The next push_seq of a device that was never sent.
    #[must_use]
    pub fn next_push_seq(&self, device: usize) -> u64 {
        self.of_device(device).next_back().map_or(1, |(push_seq, _)| push_seq + 1)
    }

    /// What a device sent, by push_seq.
    pub fn of_device(&self, device: usize) -> impl DoubleEndedIterator<Item = (u64, &Sent)> {
        self.sent.range((device, 0)..=(device, u64::MAX)).map(|((_, push_seq), sent)| (*push_seq, sent))
    }

    /// The size that was promised at a moment.
    #[must_use]
    pub fn size(&self, at: usize) -> u64 {
        let receipted = self.sent.values().filter_map(|sent| sent.seq.as_ref()).filter(|seq| seq.at <= at);
        let claimed = self.claims.iter().filter(|claim| claim.at <= at).map(|claim| claim.what.size);
        receipted.map(|seq| seq.what).chain(claimed).max().unwrap_or(0)
    }
}

impl History {
    /// Forgets the promises made after a moment, which a crash at that moment took back, and starts counting anew.
    pub fn crash_at(&mut self, at: usize) {
        for space in &mut self.spaces {
            for sent in space.sent.values_mut() {
                sent.seq = sent.seq.take().filter(|seq| seq.at <= at).map(|seq| Promised { at: 0, ..seq });
                sent.receipted = sent.receipted.filter(|receipted| *receipted <= at).map(|_| 0);
            }
            settle(&mut space.rosters, at);
            settle(&mut space.floors, at);
            settle(&mut space.claims, at);
            for upload in &mut space.uploads {
                upload.begun = upload.begun.filter(|begun| *begun <= at).map(|_| 0);
                upload.stored = upload.stored.filter(|stored| *stored <= at).map(|_| 0);
            }
        }
        settle(&mut self.epochs, at);
        settle(&mut self.gone, at);
        self.checkpoint = None;
    }
}
