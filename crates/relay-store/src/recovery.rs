//! From the files of a log to its state: first everything is checked and nothing changed, then a torn tail is cut.
//!
//! What makes this sound: group g + 1 is written only after group g is durable, and a footer only after the next segment's
//! first group is. So only the newest group can be torn, and only the newest valid one can be readable but not durable.

mod replay;
mod scan;

pub(crate) use replay::{Replay, Replayed};

use crate::checkpoint::NamedSegment;
use crate::damage::{Damage, DamageKind};
use crate::data_dir::DirError;
use crate::segment::footer::Footer;
use crate::segment::header::HEADER_BYTES;
use crate::segment::reader;
use crate::segment::writer::{self, Owner, SegmentWriter};
use crate::segment::{LOG_DIR, is_new_file_name, offset_of, parse_file_name, path};
use crate::segments::SegmentContents;
use crate::vfs::{OpenMode, SharedFile, Vfs};
use scan::{Contents, Scanned};
use std::io;
use std::path::{Path, PathBuf};

/// Why a log cannot be opened.
#[derive(Debug)]
pub(crate) enum RecoveryError {
    /// Something is damaged; nothing was changed.
    Damage(Damage),
    /// The operating system refused.
    Io(DirError),
}

impl From<DirError> for RecoveryError {
    fn from(error: DirError) -> Self {
        Self::Io(error)
    }
}

impl From<Damage> for RecoveryError {
    fn from(damage: Damage) -> Self {
        Self::Damage(damage)
    }
}

/// Where a log is and what is known about it from elsewhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogPlace<'a> {
    pub(crate) vfs: &'a dyn Vfs,
    pub(crate) data_dir: &'a Path,
    pub(crate) owner: Owner,
    pub(crate) durable_group: u64,
    /// Sealed segments whose rows a checkpoint has, ascending; their footers are not read.
    pub(crate) named: &'a [NamedSegment],
}

/// A segment that was found good.
#[derive(Debug)]
pub(crate) struct GoodSegment {
    pub(crate) segment: u64,
    pub(crate) file: SharedFile,
    pub(crate) path: PathBuf,
    pub(crate) footer: Footer,
    /// Whether its rows are read from its footer; never those of the open segment.
    pub(crate) sealed: bool,
    /// Whether others were compacted into it.
    pub(crate) compacted: bool,
    /// How many of its rows are forgotten, when a checkpoint has them; its rows were not read then.
    pub(crate) named: Option<u64>,
    /// The footer that still has to be written.
    missing_footer: Option<Vec<u8>>,
}

/// A log that was found good.
#[derive(Debug, Default)]
pub(crate) struct GoodLog {
    /// Segments with groups, ascending.
    pub(crate) segments: Vec<GoodSegment>,
    /// Numbers of segments above them, which hold nothing.
    empty: Vec<u64>,
    /// Numbers of segments that were compacted into one before them and not removed yet.
    superseded: Vec<u64>,
    /// What is left behind the last group, from its first to behind its last byte.
    torn: Option<(u64, u64)>,
    /// Where the last group is.
    last_group_at: Option<(u64, u64)>,
    /// The newest group.
    pub(crate) last_group: u64,
    /// Its time.
    pub(crate) last_time_ms: u64,
    /// Its log epoch (0: there is no group).
    pub(crate) log_epoch: u64,
}

/// Numbers of the segments in a data directory, ascending.
pub(crate) fn segment_numbers(vfs: &dyn Vfs, data_dir: &Path) -> Result<Vec<u64>, DirError> {
    let dir = data_dir.join(LOG_DIR);
    let mut numbers = Vec::new();
    for entry in vfs.read_dir(&dir).map_err(DirError::io("list", &dir))? {
        if is_new_file_name(&entry.name) {
            continue;
        }
        let number = parse_file_name(&entry.name).filter(|_| !entry.is_dir);
        numbers.push(number.ok_or_else(|| DirError::Foreign { dir: dir.clone(), name: entry.name })?);
    }
    Ok(numbers)
}

/// Checks a whole log. Changes nothing.
pub(crate) fn check(place: &LogPlace<'_>) -> Result<GoodLog, RecoveryError> {
    let numbers = segment_numbers(place.vfs, place.data_dir)?;
    let mut scanned = Vec::new();
    let mut expected = 1;
    for number in numbers {
        let segment = scan::segment(place, number, expected)?;
        expected = segment.next_group(expected);
        scanned.push(segment);
    }
    if scanned.iter().filter(|segment| segment.named.is_some()).count() != place.named.len() {
        return Err(missing(place, place.named.last().map_or(1, |named| named.segment)).into());
    }
    let mut log = GoodLog::default();
    while let Some(empty) = scanned.pop_if(|segment| matches!(segment.contents, Contents::Empty)) {
        log.empty.push(empty.segment);
    }
    // Segments without a group prove nothing: of those that were removed a power cut may bring back any.
    if scanned.first().is_some_and(|first| first.segment != 1) {
        return Err(missing(place, 1).into());
    }
    let open = scanned.pop();
    for segment in scanned {
        accept(&mut log, segment, place)?;
    }
    if let Some(open) = open {
        accept_open(&mut log, open, place)?;
    }
    // A footer is written only after a group of the next segment is durable: behind a sealed segment something is missing.
    let is_cut = place.durable_group > 0 && log.segments.last().is_some_and(|newest| newest.sealed);
    if log.last_group < place.durable_group || is_cut {
        return Err(ends_early(&log, place));
    }
    Ok(log)
}

fn missing(place: &LogPlace<'_>, number: u64) -> Damage {
    let file = path(place.data_dir, number);
    Damage { file, offset: 0, group: None, kind: DamageKind::MissingSegment }
}

pub(crate) fn ends_early(log: &GoodLog, place: &LogPlace<'_>) -> RecoveryError {
    let last = log.segments.last();
    let file = last.map_or_else(|| path(place.data_dir, 1), |segment| segment.path.clone());
    let offset = last.map_or(0, |segment| segment.footer.trailer.rows_offset);
    let kind = DamageKind::EndsEarly { durable_group: place.durable_group.max(log.last_group + 1) };
    Damage { file, offset, group: Some(log.last_group + 1), kind }.into()
}

/// Takes a segment that others follow: all its groups must be there, up to the first group of the next one.
fn accept(log: &mut GoodLog, segment: Scanned, place: &LogPlace<'_>) -> Result<(), RecoveryError> {
    let at = offset_of(HEADER_BYTES);
    let (footer, sealed) = match segment.contents {
        Contents::Sealed(footer) => (footer, true),
        Contents::Groups(groups) => {
            // Behind the groups may be what is left of a footer; the next segment's first group tells whether one is missing.
            if let scan::Tail::LaterGroup { .. } = groups.tail {
                return Err(broken(segment.path, groups.footer.trailer.rows_offset, groups.next_group).into());
            }
            (groups.footer, false)
        }
        Contents::Empty => {
            return Err(broken(segment.path, at, log.last_group + 1).into());
        }
    };
    let trailer = footer.trailer;
    let expected = log.last_group + 1;
    let before = log.segments.last();
    // Numbers are missing where segments were compacted into the one before; nothing else may be.
    if sealed && trailer.last_group <= log.last_group && before.is_some_and(|before| before.compacted) {
        log.superseded.push(segment.segment);
        return Ok(());
    }
    let next_number =
        before.map_or(1, |before| before.segment + 1).max(log.superseded.last().map_or(0, |last| last + 1));
    if trailer.first_group != expected && segment.segment > next_number {
        return Err(missing(place, next_number).into());
    }
    if trailer.first_group != expected {
        // The gap is at the end of the segment before when that one had to be scanned, and between the two otherwise.
        let damage = match log.segments.last().filter(|before| !before.sealed) {
            Some(before) => broken(before.path.clone(), before.footer.trailer.rows_offset, expected),
            None => Damage {
                file: segment.path,
                offset: at,
                group: Some(expected),
                kind: DamageKind::GroupGap { expected },
            },
        };
        return Err(damage.into());
    }
    log.last_group = trailer.last_group;
    log.last_time_ms = log.last_time_ms.max(trailer.time_ms_max);
    log.log_epoch = log.log_epoch.max(trailer.log_epoch);
    log.segments.push(GoodSegment {
        segment: segment.segment,
        file: segment.file,
        path: segment.path,
        footer,
        sealed,
        compacted: segment.compacted,
        named: segment.named,
        missing_footer: None,
    });
    Ok(())
}

/// Takes the newest segment with groups: it may end in a torn group.
fn accept_open(log: &mut GoodLog, segment: Scanned, place: &LogPlace<'_>) -> Result<(), RecoveryError> {
    if let Contents::Groups(groups) = &segment.contents {
        let end = groups.footer.trailer.rows_offset;
        let torn = match groups.tail {
            scan::Tail::Zeros => false,
            scan::Tail::Torn => true,
            scan::Tail::LaterGroup { .. } => {
                return Err(broken(segment.path, end, groups.next_group).into());
            }
        };
        if torn && groups.next_group <= place.durable_group {
            return Err(broken(segment.path, end, groups.next_group).into());
        }
        log.torn = torn.then_some((end, groups.len));
        log.last_group_at = Some((groups.last_group_offset, end));
    }
    accept(log, segment, place)
}

fn broken(file: PathBuf, offset: u64, group: u64) -> Damage {
    Damage { file, offset, group: Some(group), kind: DamageKind::BrokenGroup }
}

/// Completes, in memory, the footers of full segments that have none on disk, for them to be written.
///
/// The newest that has one is written again: after a kill or a failed sync its footer may be readable from memory only, and a
/// checkpoint that names it later trusts its rows by the trailer. Footers are written in order, so those before it are durable.
pub(crate) fn complete_footers(log: &mut GoodLog) {
    let newest = log.segments.iter_mut().rfind(|segment| segment.sealed && !segment.compacted);
    if let Some(segment) = newest.filter(|segment| segment.named.is_none()) {
        segment.missing_footer = Some(segment.footer.encode());
    }
    let full = log.segments.len().saturating_sub(1);
    for segment in log.segments.iter_mut().take(full).filter(|segment| !segment.sealed) {
        segment.missing_footer = Some(segment.footer.encode());
        segment.sealed = true;
    }
}

/// What recovery changed, and where writing goes on.
#[derive(Debug)]
pub(crate) struct Mended {
    /// The open segment; `None` when the next group needs a new one.
    pub(crate) open: Option<(SegmentWriter, SegmentContents)>,
    /// Torn tails cut.
    pub(crate) torn_tails: u64,
}

/// Cuts a torn tail, makes the newest group durable, removes what was made ahead, writes the footers that are missing.
pub(crate) fn mend(log: &GoodLog, place: &LogPlace<'_>) -> Result<Mended, DirError> {
    remove_leftovers(log, place)?;
    let Some(newest) = log.segments.last() else {
        return Ok(Mended { open: None, torn_tails: 0 });
    };
    make_durable(log, newest, place.durable_group).map_err(DirError::io("write", &newest.path))?;
    // Not before the newest group is durable: it may be the first of its segment, and a footer proves that there is one.
    for segment in &log.segments {
        if let Some(footer) = &segment.missing_footer {
            let written = writer::write_footer(&segment.file, segment.footer.trailer.rows_offset, footer);
            written.map_err(DirError::io("write", &segment.path))?;
        }
    }
    let torn_tails = u64::from(log.torn.is_some());
    if newest.sealed {
        return Ok(Mended { open: None, torn_tails });
    }
    let (file, end) = (newest.file.clone(), newest.footer.trailer.rows_offset);
    let open = SegmentWriter::resume(place.vfs, newest.segment, file, newest.path.clone(), end);
    let open = open.map_err(DirError::io("read", &newest.path))?;
    Ok(Mended { open: Some((open, SegmentContents::found(&newest.footer))), torn_tails })
}

/// Removes segments that hold nothing, those that were compacted into another one, and compacted ones that are not whole.
fn remove_leftovers(log: &GoodLog, place: &LogPlace<'_>) -> Result<(), DirError> {
    let dir = place.data_dir.join(LOG_DIR);
    if !log.superseded.is_empty() {
        // After a kill the name of the one that holds their rows may be readable from memory only.
        place.vfs.sync_dir(&dir).map_err(DirError::io("sync", &dir))?;
    }
    let files = log.empty.iter().chain(&log.superseded).map(|number| path(place.data_dir, *number));
    let names = place.vfs.read_dir(&dir).map_err(DirError::io("list", &dir))?;
    let new = names.iter().filter(|entry| is_new_file_name(&entry.name)).map(|entry| dir.join(&entry.name));
    for file in files.chain(new) {
        place.vfs.remove(&file).map_err(DirError::io("remove", &file))?;
    }
    // What a power cut brings back is removed again; the directory is synced before a segment is made, an erasure is done or the
    // metadata is made again.
    Ok(())
}

/// Leaves the newest segment durable up to its last group, and nothing behind that.
fn make_durable(log: &GoodLog, newest: &GoodSegment, durable_group: u64) -> io::Result<()> {
    if let Some((from, to)) = log.torn {
        // As far as there is anything: behind that zeros would change nothing, and the disk may have no room for them.
        let to = reader::end_of_bytes(&*newest.file, from, to)?;
        writer::write_zeros(&newest.file, from, to)?;
    }
    if log.last_group > durable_group {
        // It may be readable from memory only, after a kill or a failed sync: written again, it is really synced.
        if let Some((from, to)) = log.last_group_at {
            let mut group = vec![0; crate::segment::length_of(to - from)];
            newest.file.read_exact_at(&mut group, from)?;
            newest.file.write_all_at(&group, from)?;
        }
    }
    newest.file.sync_data()
}

/// Opens a segment's file as recovery needs it.
fn open_segment(place: &LogPlace<'_>, file: &Path) -> Result<SharedFile, DirError> {
    place.vfs.open(file, OpenMode::ReadWrite).map_err(DirError::io("open", file))
}
