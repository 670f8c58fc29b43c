//! Harness: a bit flips, a file is cut, a block turns to zeros, in any file of a store that ended in order.
//! Damaged bytes are never served, nothing is missing without a word, and the word names the file.

use super::cast::Cast;
use super::chain::Chain;
use super::history::History;
use super::session::{DATA_DIR, Run};
use super::verify::ask;
use crate::args::Args;
use crate::report::Report;
use relay_core::store::{ReadOutcome, Store, StoreError};
use relay_store::EmbeddedStore;
use relay_store::vfs::sim::{Dice, SimVfs};
use std::path::{Path, PathBuf};

/// Sessions before the orderly end.
const SESSIONS: u64 = 2;
/// Damages tried on one disk.
const DAMAGES: u64 = 60;
const BLOCK_BYTES: usize = 4096;

/// What became of one damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The store does not start, and says where.
    Refused,
    /// A read is answered as damage, and says where; everything else is served.
    Named,
    /// Nothing that is promised was in these bytes.
    Harmless,
}

/// A disk after an orderly end, and what is on it.
pub struct Ended {
    vfs: SimVfs,
    history: History,
    run: Run,
}

/// Runs a store to an orderly end.
///
/// # Errors
/// A promise that was broken already.
pub fn end(cast: &Cast, seed: u64) -> Result<Ended, String> {
    let mut chain = Chain::new(cast, seed, false);
    for _ in 0..SESSIONS {
        chain.session()?;
    }
    chain.orderly_end().map(|(vfs, history, run)| Ended { vfs, history, run })
}

/// Damages a file; false when that changed nothing.
fn damage(vfs: &SimVfs, path: &Path, dice: &mut Dice) -> Result<bool, String> {
    let mut changed = false;
    let edited = vfs.edit(path, |bytes| {
        let before = bytes.clone();
        let nonzero: Vec<usize> = bytes.iter().enumerate().filter(|(_, byte)| **byte != 0).map(|(at, _)| at).collect();
        // Most of a segment is zeros that nobody reads: half of the damages hit what is written.
        let anywhere = usize::try_from(dice.below(bytes.len().max(1) as u64)).unwrap_or(0);
        let written = usize::try_from(dice.below(nonzero.len() as u64)).unwrap_or(0);
        let at = nonzero.get(written).copied().filter(|_| dice.one_in(2)).unwrap_or(anywhere);
        match dice.below(4) {
            0 => bytes.truncate(at),
            1 => {
                let start = at - at % BLOCK_BYTES;
                let end = (start + BLOCK_BYTES).min(bytes.len());
                bytes[start..end].fill(0);
            }
            _ => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << dice.below(8)),
        }
        changed = *bytes != before;
    });
    edited.map_err(|error| error.to_string())?;
    Ok(changed)
}

/// Damages one file of a disk and asks the store for everything.
///
/// # Errors
/// What was served, or is missing, without a word.
pub fn try_one(cast: &Cast, ended: &Ended, seed: u64) -> Result<Option<Fate>, String> {
    let mut dice = Dice::new(seed);
    let vfs = ended.vfs.fork();
    // LOCK is for people.
    let is_tried = |path: &PathBuf| !path.ends_with("LOCK");
    let files: Vec<PathBuf> = vfs.contents().into_keys().filter(is_tried).collect();
    let path = files.get(usize::try_from(dice.below(files.len() as u64)).unwrap_or(0)).ok_or("no files")?;
    if !damage(&vfs, path, &mut dice)? {
        return Ok(None);
    }
    vfs.keep_power();
    let store = match ended.run.open(&vfs) {
        Ok((store, _)) => store,
        Err(error) if error.to_string().contains(DATA_DIR) => return Ok(Some(Fate::Refused)),
        Err(error) => return Err(format!("{}: refused without a place: {error}", path.display())),
    };
    let asked = ask_for_everything(&store, cast, &ended.history);
    vfs.kill();
    store.abandon();
    asked.map(Some).map_err(|what| format!("{} was damaged: {what}", path.display()))
}

/// A read names the segment and the place in it; a snapshot's file stays untold, because its path is made of ids.
fn named(error: &StoreError) -> Result<(), String> {
    let names = |place: &str| place.contains(".seg at offset ") || place == "a snapshot file";
    match error {
        StoreError::Damaged { place } if names(place) => Ok(()),
        other => Err(format!("answered with {other}")),
    }
}

fn ask_for_everything(store: &EmbeddedStore, cast: &Cast, history: &History) -> Result<Fate, String> {
    let mut fate = Fate::Harmless;
    for (space, known) in cast.spaces.iter().zip(&history.spaces) {
        let facts = ask(store, |done| store.space(space.id, done)).map_err(|error| error.to_string())?;
        let promised = known.size(usize::MAX);
        let size = facts.as_ref().map_or(0, |facts| facts.size);
        if size < promised {
            return Err(format!("{size} of {promised} entries are left, and nobody says so"));
        }
        for seq in facts.map_or(1, |facts| facts.floor)..=size {
            match ask(store, |done| store.read(space.id, seq - 1, 1, u32::MAX, done)) {
                Ok(ReadOutcome::Page(page)) => {
                    let entry = page.entries.first().ok_or("an empty page")?;
                    let device = space.devices.iter().position(|device| device.device() == entry.device);
                    let sent = device.and_then(|device| known.sent.get(&(device, entry.push_seq)));
                    if sent.is_none_or(|sent| sent.sealed != entry.sealed) {
                        return Err(format!("the bytes served for {seq} were never sent"));
                    }
                }
                Ok(other) => return Err(format!("a read of {seq} gave {other:?}")),
                Err(error) => {
                    named(&error)?;
                    fate = Fate::Named;
                }
            }
        }
        for upload in known.uploads.iter().filter(|upload| upload.stored.is_some()) {
            for (index, chunk) in (0..).zip(&upload.chunks) {
                match ask(store, |done| store.snapshot_read(space.id, upload.manifest.id(), index, done)) {
                    Ok(read) if read == *chunk => {}
                    Ok(_) => return Err("a chunk of a snapshot was served with other bytes".to_owned()),
                    // Whether a snapshot has to be there still is another harness's business.
                    Err(_) => fate = Fate::Named,
                }
            }
        }
    }
    Ok(fate)
}

/// The control: a store that serves one entry with another byte, undetected by itself.
fn control(cast: &Cast, seed: u64) -> Option<String> {
    (0..50).find_map(|n| {
        let mut ended = end(cast, seed + n).ok()?;
        let sent = ended.history.spaces.iter_mut().flat_map(|space| space.sent.values_mut());
        let sent = sent.filter(|sent| sent.seq.is_some()).last()?;
        sent.sealed = sent.sealed.iter().map(|byte| byte ^ 1).collect::<Vec<u8>>().into();
        let (store, _) = ended.run.open(&ended.vfs).ok()?;
        ask_for_everything(&store, cast, &ended.history).err()
    })
}

/// The harness.
#[must_use]
pub fn run(args: &Args) -> Report {
    let cast = Cast::default();
    let mut report = Report::default();
    let mut cases = 0;
    while args.goes_on(cases) && report.violations.is_empty() {
        let seed = args.seed + cases;
        cases += 1;
        let ended = match end(&cast, seed) {
            Ok(ended) => ended,
            Err(what) => {
                report.violate(what, args.replay(seed));
                continue;
            }
        };
        for n in 0..DAMAGES {
            match try_one(&cast, &ended, seed.rotate_left(20) ^ n) {
                Ok(None) => continue,
                Ok(Some(Fate::Refused)) => report.count("startsRefused", 1),
                Ok(Some(Fate::Named)) => report.count("readsRefused", 1),
                Ok(Some(Fate::Harmless)) => report.count("harmless", 1),
                Err(what) => report.violate(what, args.replay(seed)),
            }
            report.count("damages", 1);
        }
    }
    let caught = control(&cast, args.seed);
    report.control_caught = caught.is_some();
    report.control = format!("one other byte: {}", caught.unwrap_or_else(|| "not noticed".to_owned()));
    report
}
