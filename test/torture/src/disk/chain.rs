//! Sessions one after the other: each starts on the disk that a kill or a power cut of the one before left.

use super::cast::Cast;
use super::history::{History, Promised};
use super::session::{DATA_DIR, Run, Session, SharedHistory, lock};
use super::verify::verify;
use relay_store::vfs::sim::{Dice, Fault, Journal, SimVfs};
use relay_store::{EmbeddedStore, log_reset};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Steps of a session, at most.
const STEPS_MAX: u64 = 60;
/// Steps from a copy of a running store's directory to its orderly end, at most.
const LATE_STEPS_MAX: u64 = 12;
/// Syncs of the metadata before one fails, at most.
const META_SYNCS_MAX: u64 = 8;
/// The checkpoint's file.
const CHECKPOINT: &str = "checkpoint";

/// What was promised by a moment, as of a disk on which all of it is durable.
fn settled(history: &History, at: usize) -> History {
    let mut history = history.clone();
    history.crash_at(at);
    history
}

/// What one session left: everything its disk did, and what was promised while it did.
pub struct Recorded {
    /// How the store was run.
    pub run: Run,
    /// The disk's ops.
    pub journal: Journal,
    /// The promises.
    pub history: History,
}

/// See the module.
pub struct Chain<'a> {
    cast: &'a Cast,
    vfs: SimVfs,
    history: History,
    run: Run,
    dice: Dice,
    /// A disk of an earlier moment, with what was promised by then, for an operator who restores a backup.
    backup: Option<(SimVfs, History)>,
    /// The same, copied while the relay ran, soon before it ended in order.
    live_copy: Option<(SimVfs, History)>,
    /// A sync of the metadata failed, so the process is killed at its end: what it wrote stays readable and is not durable.
    unwell: bool,
    /// More kills at bad moments, and more restores, than are likely.
    harsh: bool,
}

impl<'a> Chain<'a> {
    /// An empty disk.
    #[must_use]
    pub fn new(cast: &'a Cast, seed: u64, lies: bool) -> Self {
        let run = Run { lies, ..Run::new(seed) };
        Self {
            cast,
            vfs: SimVfs::new(),
            history: History::default(),
            run,
            dice: Dice::new(seed),
            backup: None,
            live_copy: None,
            unwell: false,
            harsh: false,
        }
    }

    /// The same with more kills at bad moments, and more restores: for what only several of them in a row show.
    #[must_use]
    pub fn harsh(self) -> Self {
        Self { harsh: true, ..self }
    }

    /// Runs the next session and leaves the disk of a crash at a random moment of it.
    ///
    /// # Errors
    /// A promise that was broken already at the start.
    pub fn session(&mut self) -> Result<Recorded, String> {
        self.run.now_ms += self.dice.below(100_000);
        if self.dice.one_in(6) {
            // The wall clock was set back while the relay was down.
            self.run.now_ms -= self.dice.below(200_000);
        }
        let history: SharedHistory = Arc::new(Mutex::new(std::mem::take(&mut self.history)));
        self.vfs.start_journal();
        let worked = match self.dice.below(10) {
            0 => self.reset(&history),
            1 => self.fail_to_open(),
            2..=8 if self.live_copy.is_some() && (self.harsh || self.dice.one_in(4)) => {
                self.restore_in_part(&history).and_then(|()| self.work(&history))
            }
            _ => self.work(&history),
        };
        let journal = self.vfs.end_journal();
        let recorded = Recorded { run: self.run, journal, history: lock(&history).clone() };
        worked?;
        self.crash(&recorded);
        Ok(recorded)
    }

    /// Runs one more session, closes the store in order, and gives the disk, the promises and how the store was run.
    ///
    /// # Errors
    /// A promise that was broken already.
    pub fn orderly_end(mut self) -> Result<(SimVfs, History, Run), String> {
        let history: SharedHistory = Arc::new(Mutex::new(std::mem::take(&mut self.history)));
        self.vfs.start_journal();
        let (store, clock) = self.run.open(&self.vfs).map_err(|error| format!("does not open: {error}"))?;
        let observed = verify(&store, self.cast, &lock(&history), usize::MAX)?;
        let dice = Dice::new(self.dice.roll());
        let mut session =
            Session { store: &store, cast: self.cast, history: &history, vfs: &self.vfs, clock: &clock, dice };
        session.adopt(&observed);
        session.run(STEPS_MAX);
        self.vfs.heal();
        drop(store);
        // A store that met a fault did not end in order: one more start and end make it so.
        let (store, _) = self.run.open(&self.vfs).map_err(|error| format!("does not open: {error}"))?;
        drop(store);
        let history = lock(&history).clone();
        Ok((self.vfs.fork(), history, self.run))
    }

    fn work(&mut self, history: &SharedHistory) -> Result<(), String> {
        let (store, clock) = self.run.open(&self.vfs).map_err(|error| format!("does not open: {error}"))?;
        let observed = verify(&store, self.cast, &lock(history), usize::MAX)?;
        let dice = Dice::new(self.dice.roll());
        let mut session = Session { store: &store, cast: self.cast, history, vfs: &self.vfs, clock: &clock, dice };
        session.adopt(&observed);
        self.unwell = self.dice.one_in(8);
        if self.unwell {
            let after = self.dice.below(META_SYNCS_MAX);
            self.vfs.inject("meta.redb", Fault::Sync { after, error: ErrorKind::Other });
        }
        session.run(10 + self.dice.below(STEPS_MAX));
        self.vfs.heal();
        if self.dice.one_in(if self.harsh { 2 } else { 3 }) && !self.unwell {
            if self.harsh || self.dice.one_in(2) {
                self.live_copy = Some((self.vfs.fork(), settled(&lock(history), self.vfs.journal_len())));
                session.run(self.dice.below(LATE_STEPS_MAX));
                self.vfs.heal();
            }
            self.end(store, history);
        } else {
            // Nothing of a killed process is written any more, not even by its destructors.
            let journal = self.vfs.clone();
            journal.kill();
            store.abandon();
        }
        Ok(())
    }

    /// An orderly end, which leaves a checkpoint unless the store met a fault.
    fn end(&self, store: EmbeddedStore, history: &SharedHistory) {
        let before = self.checkpoint();
        drop(store);
        let written = self.checkpoint().filter(|now| before.as_ref() != Some(now));
        lock(history).checkpoint = written.map(|_| self.vfs.journal_len());
    }

    fn checkpoint(&self) -> Option<Vec<u8>> {
        self.vfs.contents().remove(&Path::new(DATA_DIR).join(CHECKPOINT))
    }

    /// An operator puts an older copy back over the directory, in which the copy has no file for the newer checkpoint.
    fn restore_in_part(&mut self, history: &SharedHistory) -> Result<(), String> {
        let Some((disk, known)) = self.live_copy.take() else { return Ok(()) };
        if let Some(checkpoint) = self.checkpoint() {
            disk.put(&Path::new(DATA_DIR).join(CHECKPOINT), checkpoint);
        }
        self.vfs = disk;
        self.vfs.start_journal();
        *lock(history) = known;
        self.reset(history)
    }

    /// An operator opens a new log epoch.
    fn reset(&mut self, history: &SharedHistory) -> Result<(), String> {
        let (environment, _) = self.run.environment(&self.vfs);
        lock(history).reset_sent = true;
        let Ok(report) = log_reset(Path::new(DATA_DIR), &environment) else { return Ok(()) };
        let at = self.vfs.journal_len();
        lock(history).epochs.push(Promised { at, what: report.new_epoch });
        Ok(())
    }

    /// A start during which the disk fails: whatever it says, nothing may be worse after it.
    fn fail_to_open(&mut self) -> Result<(), String> {
        let error = if self.dice.one_in(2) { ErrorKind::StorageFull } else { ErrorKind::Other };
        self.vfs.inject("", Fault::Call { after: self.dice.below(120), error });
        let opened = self.run.open(&self.vfs);
        self.vfs.kill();
        if let Ok((store, _)) = opened {
            store.abandon();
        }
        Ok(())
    }

    fn crash(&mut self, recorded: &Recorded) {
        let at = if self.dice.one_in(2) {
            recorded.journal.len()
        } else {
            usize::try_from(self.dice.below(recorded.journal.len() as u64 + 1)).unwrap_or(0)
        };
        let kills = self.dice.one_in(if self.harsh { 2 } else { 3 }) || self.unwell;
        let before_syncs = recorded.journal.before_syncs();
        let chosen = usize::try_from(self.dice.below(before_syncs.len() as u64)).unwrap_or(0);
        // Kills are most dangerous between a write and its sync: what is readable then is not durable.
        let at = before_syncs.get(chosen).copied().filter(|_| kills && self.dice.one_in(2)).unwrap_or(at);
        let renames = recorded.journal.behind_renames();
        let chosen = usize::try_from(self.dice.below(renames.len() as u64)).unwrap_or(0);
        let at = renames
            .get(chosen)
            .copied()
            .filter(|_| kills && self.dice.one_in(if self.harsh { 2 } else { 3 }))
            .unwrap_or(at);
        let at = if std::mem::take(&mut self.unwell) { recorded.journal.len() } else { at };
        let mut replay = recorded.journal.replay(None);
        replay.advance(at);
        self.history = recorded.history.clone();
        self.history.crash_at(at);
        self.vfs = if kills { replay.kill() } else { replay.power_cut(self.dice.roll()).0 };
        self.backups();
    }

    /// Now and then a backup is made, or put back (which promises only what it had, and a new log epoch).
    fn backups(&mut self) {
        if self.dice.one_in(3) {
            self.backup = Some((self.vfs.fork(), self.history.clone()));
        }
        let Some((disk, history)) = self.backup.take_if(|_| self.dice.one_in(10)) else { return };
        let (environment, _) = self.run.environment(&disk);
        let mut history = history;
        history.reset_sent = true;
        // A backup of a moment at which nothing was there yet cannot be reset.
        if log_reset(Path::new(DATA_DIR), &environment).is_ok() {
            disk.kill();
            self.vfs = disk.fork();
            self.history = history;
        }
    }
}
