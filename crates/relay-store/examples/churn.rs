//! What forgetting costs and gives back: a live set of a certain size is filled once, then entries come and as many go, and
//! bytes written and disk used are set against the sealed bytes. Prints one line of JSON; `npm run bench -- --rows churn-4k,churn-1k` runs it.
//!
//! Takes an empty directory, MiB of live set, MiB of churn, bytes of an entry. Bytes written are the kernel's count for this
//! process. The floors rise as the relay's sweep raises them, one trim for many entries; the store itself has no clock guard.

#[path = "../tests/support/mod.rs"]
mod support;

use relay_core::store::Store;
use relay_store::EmbeddedStore;
use relay_store::vfs::RealVfs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;
use support::{Writer, sealed};

const MIB: u64 = 1024 * 1024;
const SEGMENT_BYTES: u64 = 64 * MIB;
const SPACES: u8 = 64;
/// Sealed bytes of one push.
const PUSH_BYTES: u64 = 64 * 1024;
/// Unanswered pushes of each space.
const IN_FLIGHT: usize = 4;
/// A floor rises when this share of a space's live set is over, in percent.
const TRIM_PERCENT: u64 = 1;
/// Looks at the disk during the churn.
const LOOKS: u64 = 40;
/// Reclaim looks once a second.
const SETTLE: Duration = Duration::from_secs(3);

fn main() {
    let mut args = std::env::args().skip(1);
    let dir = PathBuf::from(args.next().expect("an empty directory"));
    let mut number = |what| args.next().and_then(|text| text.parse::<u64>().ok()).expect(what);
    let (live, churn, entry) = (number("MiB live") * MIB, number("MiB of churn") * MIB, number("bytes of an entry"));
    let store = support::open(Arc::new(RealVfs), &support::options(&dir, SEGMENT_BYTES)).expect("an empty directory");
    let mut load = Load::new(&store, entry, live);
    load.run(live, |_| {});
    let written = written_bytes();
    let mut used = Vec::new();
    load.run(churn, |_| used.push(disk_bytes(&dir)));
    std::thread::sleep(SETTLE);
    let wrote = written_bytes() - written;
    let (settled, peak) = (disk_bytes(&dir), used.iter().copied().max().unwrap_or(0));
    used.sort_unstable();
    let usual = used.get(used.len() / 2).copied().unwrap_or(0);
    let line = format!(
        "{{\"entry\":{entry},\"live\":{live},\"churn\":{churn},\"wrote\":{wrote},\"used_median\":{usual},\"used_peak\":{peak},\"used_settled\":{settled}}}\n"
    );
    std::io::stdout().write_all(line.as_bytes()).expect("a reader");
}

struct Load<'a> {
    store: &'a EmbeddedStore,
    writers: Vec<Writer>,
    /// push_seq of each space's next entry, and its floor.
    next: Vec<u64>,
    floors: Vec<u64>,
    entry_bytes: u64,
    entries_per_push: u64,
    /// Entries that each space holds.
    keep: u64,
    answered: (SyncSender<usize>, Receiver<usize>),
}

impl<'a> Load<'a> {
    fn new(store: &'a EmbeddedStore, entry_bytes: u64, live: u64) -> Self {
        let writers: Vec<Writer> = (0..SPACES).map(Writer::new).collect();
        writers.iter().for_each(|writer| drop(writer.found(store).expect("founded")));
        Self {
            store,
            next: vec![1; writers.len()],
            floors: vec![1; writers.len()],
            entry_bytes,
            entries_per_push: (PUSH_BYTES / entry_bytes).max(1),
            keep: live / u64::from(SPACES) / entry_bytes,
            answered: sync_channel(writers.len() * IN_FLIGHT),
            writers,
        }
    }

    /// Pushes so many sealed bytes; `look` is called from time to time.
    fn run(&mut self, bytes: u64, mut look: impl FnMut(u64)) {
        let pushes = bytes / self.entry_bytes / self.entries_per_push;
        let (mut sent, mut done) = (0, 0);
        for space in (0..self.writers.len()).cycle().take(self.writers.len() * IN_FLIGHT) {
            self.push(space);
            sent += 1;
        }
        while done < sent {
            let space = self.answered.1.recv().expect("an answer");
            done += 1;
            self.trim(space);
            if sent < pushes {
                self.push(space);
                sent += 1;
            }
            if done % (pushes / LOOKS).max(1) == 0 {
                look(done);
            }
        }
    }

    fn push(&mut self, space: usize) {
        let first = self.next[space];
        let entries = first..first + self.entries_per_push;
        self.next[space] = entries.end;
        let bytes = usize::try_from(self.entry_bytes).expect("fits memory");
        let push = self.writers[space].make_push(first, entries.map(|n| sealed(n, bytes)).collect());
        let answered = self.answered.0.clone();
        let stored = move |result: Result<_, _>| {
            result.expect("stored");
            answered.send(space).expect("room");
        };
        self.store.push(push, Box::new(stored));
    }

    /// Forgets what is over, with what is under way counted as held.
    fn trim(&mut self, space: usize) {
        let floor = self.next[space].saturating_sub(self.keep);
        if floor > self.floors[space] + self.keep * TRIM_PERCENT / 100 {
            self.floors[space] = floor;
            self.store.trim(self.writers[space].space(), floor, Box::new(|result| result.expect("trimmed")));
        }
    }
}

fn written_bytes() -> u64 {
    let io = std::fs::read_to_string("/proc/self/io").expect("Linux");
    let line = io.lines().find_map(|line| line.strip_prefix("write_bytes: ")).expect("a count");
    line.trim().parse().expect("a number")
}

fn disk_bytes(dir: &Path) -> u64 {
    std::fs::read_dir(dir).expect("a directory").map(|entry| entry.map_or(0, |entry| size_of(&entry.path()))).sum()
}

/// Blocks on disk, which is more than the length where room is only allocated. A file may go while it is looked at.
fn size_of(path: &Path) -> u64 {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => disk_bytes(path),
        Ok(metadata) => occupied(&metadata),
        Err(_) => 0,
    }
}

#[cfg(unix)]
fn occupied(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(metadata) * 512
}

#[cfg(not(unix))]
fn occupied(metadata: &std::fs::Metadata) -> u64 {
    metadata.len()
}
