//! Starts a child, listens to what it says, and kills it after a time.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Held while a process is started, and while a store of this process is closed: what another thread starts has all open files
/// until its program begins, the lock of a data directory among them.
static FORKING: Mutex<()> = Mutex::new(());

/// Waits until no process is being started, and lets none be started while it is held.
pub fn forking() -> MutexGuard<'static, ()> {
    FORKING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Longest wait for a word.
const WORD_WITHIN: Duration = Duration::from_secs(20);

/// When a child is killed.
#[derive(Clone, Copy, Debug)]
pub enum Kill {
    /// So long after its start.
    AfterStart(Duration),
    /// So long after its first line that begins so.
    AfterWord(&'static str, Duration),
}

/// What a killed child had said.
#[derive(Debug, Default)]
pub struct Said {
    /// Its whole lines.
    pub lines: Vec<String>,
    /// Whether it ended by itself, well, before the kill.
    pub ended: bool,
    /// What it complained of when it ended badly by itself.
    pub failed: Option<String>,
}

/// Reads lines until the end, and tells of the first one that begins with `word`.
fn listen(out: impl Read, word: Option<&str>, tell: &Sender<()>) -> Vec<String> {
    let heard = |line: &String| {
        if word.is_some_and(|word| line.starts_with(word)) {
            // It is told once; nobody waits for the others.
            let _told_before = tell.send(());
        }
    };
    BufReader::new(out).lines().map_while(Result::ok).inspect(heard).collect()
}

/// Until when the child may live.
fn end_of(kill: Kill, heard: &Receiver<()>) -> Instant {
    let after = match kill {
        Kill::AfterStart(after) => after,
        Kill::AfterWord(_, after) => {
            // It ends, or is killed, without the word in the worst case.
            let _silent = heard.recv_timeout(WORD_WITHIN);
            after
        }
    };
    Instant::now() + after
}

/// Runs `program WHAT DIR` until its time has come, then kills it with SIGKILL.
///
/// # Errors
/// When it cannot be started.
pub fn run_and_kill(program: &Path, what: &str, dir: &Path, kill: Kill) -> std::io::Result<Said> {
    let mut command = Command::new(program);
    command.arg(what).arg(dir).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = {
        let _alone = forking();
        command.spawn()?
    };
    let (stdout, mut stderr) = (child.stdout.take().ok_or(std::io::ErrorKind::BrokenPipe)?, child.stderr.take());
    let (tell, heard) = channel();
    let word = if let Kill::AfterWord(word, _) = kill { Some(word) } else { None };
    let listener = std::thread::spawn(move || listen(stdout, word, &tell));
    let end = end_of(kill, &heard);
    let mut status = child.try_wait()?;
    while status.is_none() && Instant::now() < end {
        std::thread::sleep(end.saturating_duration_since(Instant::now()).min(Duration::from_millis(1)));
        status = child.try_wait()?;
    }
    if status.is_none() {
        child.kill()?;
        child.wait()?;
    }
    let mut complaint = String::new();
    if let Some(stderr) = &mut stderr {
        stderr.read_to_string(&mut complaint)?;
    }
    let lines = listener.join().unwrap_or_default();
    let said = lines.last().map_or("", String::as_str);
    let failed = status.filter(|status| !status.success()).map(|status| format!("{status}: {said} {complaint}"));
    Ok(Said { lines, ended: status.is_some_and(|status| status.success()), failed })
}
