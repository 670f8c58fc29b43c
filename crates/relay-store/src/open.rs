//! From a data directory to a checked and mended log: what a starting relay and a log reset have in common.

use crate::checkpoint::{self, Checkpoint};
use crate::cold::{COLD_FILE, Residency, Spaces, SpacesParts};
use crate::damage::{Damage, DamageKind};
use crate::data_dir::{DataDir, DirError, META_FILE};
use crate::erase;
use crate::leaves::LeafFiles;
use crate::meta::{Loaded, Meta, MetaError};
use crate::recovery::{self, GoodLog, GoodSegment, LogPlace, Mended, RecoveryError, Replay, Replayed};
use crate::relay_key::RelayKey;
use crate::sealed::SealedSegments;
use crate::segment::header::{HEADER_BYTES, STORE_ID_BYTES, SegmentHeader, StoreId};
use crate::segment::path;
use crate::segment::writer::{Owner, sync_names, whole_blocks};
use crate::vfs::{OpenMode, Vfs};
use relay_core::environment::{Entropy, LogSigner, WallClock};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// What a store is given from outside.
#[derive(Clone)]
pub struct StoreEnvironment {
    /// The files.
    pub vfs: Arc<dyn Vfs>,
    /// Randomness for the key, the store id and salts.
    pub entropy: Arc<dyn Entropy>,
    /// The wall clock.
    pub wall_clock: Arc<dyn WallClock>,
}

/// Why a store cannot be opened. `Display` says what is wrong and what to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The data directory cannot be used.
    Dir(DirError),
    /// Something on disk is damaged. Nothing was changed.
    Damaged(Damage),
    /// The metadata file cannot be written.
    Meta {
        /// What redb said.
        reason: String,
    },
    /// A thread cannot be started.
    Threads(std::io::Error),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dir(error) => error.fmt(f),
            Self::Damaged(damage) => damage.fmt(f),
            Self::Meta { reason } => write!(f, "cannot write {META_FILE}: {reason}; check the disk and its free space"),
            Self::Threads(error) => write!(f, "cannot start a thread: {error}; raise the limit of processes"),
        }
    }
}

impl std::error::Error for OpenError {}

impl From<DirError> for OpenError {
    fn from(error: DirError) -> Self {
        Self::Dir(error)
    }
}

impl From<Damage> for OpenError {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}

impl From<RecoveryError> for OpenError {
    fn from(error: RecoveryError) -> Self {
        match error {
            RecoveryError::Damage(damage) => Self::Damaged(damage),
            RecoveryError::Io(error) => Self::Dir(error),
        }
    }
}

pub(crate) fn meta_error(error: &MetaError) -> OpenError {
    OpenError::Meta { reason: error.to_string() }
}

/// A log that was checked and mended, and everything that belongs to it.
pub(crate) struct Opened {
    pub(crate) dir: DataDir,
    pub(crate) signer: Arc<RelayKey>,
    pub(crate) owner: Owner,
    pub(crate) meta: Meta,
    pub(crate) loaded: Loaded,
    pub(crate) spaces: Spaces,
    pub(crate) sealed: SealedSegments,
    pub(crate) leaves: LeafFiles,
    pub(crate) erased: erase::Held,
    pub(crate) mended: Mended,
    pub(crate) last_group: u64,
    pub(crate) log_epoch: u64,
    /// The greatest time used, or leased.
    pub(crate) last_time_ms: u64,
    pub(crate) next_segment: u64,
    pub(crate) disk_bytes: u64,
}

/// Opens, checks, mends. With `is_restored` the directory must be one of a relay, and its log may end before
/// what the metadata knows to be durable.
pub(crate) fn open(
    data_dir: &Path,
    environment: &StoreEnvironment,
    residency: Residency,
    is_restored: bool,
) -> Result<Opened, OpenError> {
    let vfs = &*environment.vfs;
    let take = if is_restored { DataDir::take_used } else { DataDir::take };
    let dir = take(vfs, data_dir, &*environment.entropy)?;
    let signer = Arc::new(RelayKey::from_seed(&dir.seed));
    let (meta, loaded) = open_meta(&environment.vfs, data_dir)?;
    let store_id = store_id(vfs, data_dir, &meta, &loaded, &*environment.entropy)?;
    let owner = Owner { store_id, log_id: signer.log_id() };
    // Before anything reads the log: what was being erased is gone, as if it had never been there.
    let (mut erased, gone) = erase::finish_pending(vfs, data_dir, &owner.store_id)?;
    let durable_group = if is_restored { 0 } else { loaded.durable_group };
    // A backup may be older than the checkpoint that lies beside it.
    let checkpoint = if is_restored { None } else { Checkpoint::read(vfs, data_dir, &owner) };
    let named = checkpoint.as_ref().map(|checkpoint| checkpoint.segments.clone()).unwrap_or_default();
    let place = LogPlace { vfs, data_dir, owner, durable_group, named: &named };
    let parts = || SpacesParts { vfs: Arc::clone(&environment.vfs), data_dir: data_dir.to_owned(), residency };
    // What speaks against a checkpoint speaks for reading the whole log, not against the log.
    let read = checkpoint.and_then(|checkpoint| read_log(&place, parts(), Some(checkpoint), is_restored).ok());
    let from_checkpoint = read.is_some();
    let place = LogPlace { named: if from_checkpoint { &named } else { &[] }, ..place };
    let (log, Replayed { spaces, sealed, .. }) = match read {
        Some(read) => read,
        None => read_log(&place, parts(), None, is_restored)?,
    };
    if !from_checkpoint {
        checkpoint::remove(vfs, data_dir).map_err(DirError::io("sync", data_dir))?;
    }
    // Before anything is written again that a removed checkpoint names: a power cut must not bring it back beside a torn footer.
    dir.upgrade(vfs)?;
    // A kill may have come between its making and the removal of its name.
    let _usually_not_there = vfs.remove(&data_dir.join(COLD_FILE));
    let mended = recovery::mend(&log, &place)?;
    meta.set_durable_group(log.last_group).map_err(|error| meta_error(&error))?;
    meta.forget(&gone).map_err(|error| meta_error(&error))?;
    erase::settle(vfs, data_dir, &owner.store_id, &mut erased)?;
    let leaves = LeafFiles::load(vfs, data_dir, &owner.store_id)?;
    Ok(Opened {
        disk_bytes: disk_bytes(&log),
        next_segment: log.segments.last().map_or(1, |segment| segment.segment + 1),
        last_group: log.last_group,
        log_epoch: log.log_epoch.max(1),
        last_time_ms: log.last_time_ms.max(loaded.time_lease_ms),
        dir,
        signer,
        owner,
        meta,
        loaded,
        spaces,
        sealed,
        leaves,
        erased,
        mended,
    })
}

/// Checks and replays a log, from a checkpoint on when one is given. Changes nothing.
fn read_log(
    place: &LogPlace<'_>,
    parts: SpacesParts,
    checkpoint: Option<Checkpoint>,
    is_restored: bool,
) -> Result<(GoodLog, Replayed), RecoveryError> {
    let mut log = recovery::check(place)?;
    recovery::complete_footers(&mut log);
    let replayed = Replay::run(&log, place.owner.log_id, parts, checkpoint)?;
    if replayed.durable_group > log.last_group && !is_restored {
        return Err(recovery::ends_early(&log, &LogPlace { durable_group: replayed.durable_group, ..*place }));
    }
    Ok((log, replayed))
}

fn disk_bytes(log: &GoodLog) -> u64 {
    let bytes = |segment: &GoodSegment| match segment.sealed {
        true => segment.file.len().unwrap_or(0),
        // What it has behind its last group is counted when it is asked for.
        false => whole_blocks(segment.footer.trailer.rows_offset),
    };
    log.segments.iter().map(bytes).sum()
}

fn open_meta(vfs: &Arc<dyn Vfs>, data_dir: &Path) -> Result<(Meta, Loaded), OpenError> {
    let path = data_dir.join(META_FILE);
    if let Ok(opened) = Meta::open(Arc::clone(vfs), &path) {
        return Ok(opened);
    }
    // A first start that was cut off while it made the file leaves no log: the file is made again. That there is no log has to be
    // durable before: a segment that an earlier start removed could come back beside half a file.
    sync_names(&**vfs, data_dir).map_err(DirError::io("sync the names of the log in", data_dir))?;
    if !recovery::segment_numbers(&**vfs, data_dir)?.is_empty() {
        return Err(Damage { file: path, offset: 0, group: None, kind: DamageKind::BrokenMeta }.into());
    }
    vfs.remove(&path).map_err(DirError::io("remove", &path))?;
    Meta::open(Arc::clone(vfs), &path).map_err(|error| meta_error(&error))
}

/// The store's id: from the metadata, else from the first segment that has a whole header, else a new one.
fn store_id(
    vfs: &dyn Vfs,
    data_dir: &Path,
    meta: &Meta,
    loaded: &Loaded,
    entropy: &dyn Entropy,
) -> Result<StoreId, OpenError> {
    if let Some(store_id) = loaded.store_id {
        return Ok(store_id);
    }
    let mut found = None;
    for number in recovery::segment_numbers(vfs, data_dir)? {
        let path = path(data_dir, number);
        let mut head = vec![0; HEADER_BYTES];
        let file = vfs.open(&path, OpenMode::Read).map_err(DirError::io("open", &path))?;
        let header = file.read_exact_at(&mut head, 0).ok().and_then(|()| SegmentHeader::decode(&head));
        found = found.or(header.map(|header| header.store_id));
    }
    let store_id = found.unwrap_or_else(|| {
        let mut fresh = [0; STORE_ID_BYTES];
        entropy.fill(&mut fresh);
        StoreId(fresh)
    });
    meta.name_store(store_id).map_err(|error| meta_error(&error))?;
    Ok(store_id)
}
