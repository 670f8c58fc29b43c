//! Durable messages: gathered while every lane is busy, then written and synced together by the first lane that is free.

use crate::args::Args;
use mio::Waker;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Written at once while a segment is prepared, in bytes.
const FILL_BYTES: usize = 4 * 1024 * 1024;

/// A connection that waits for an acknowledgement. Keys are used again, so a generation goes with them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner {
    /// Key of the connection.
    pub(crate) key: usize,
    /// Its generation.
    pub(crate) generation: u64,
}

/// Messages that become durable together.
#[derive(Debug, Default)]
pub(crate) struct Group {
    bytes: Vec<u8>,
    owners: Vec<Owner>,
}

impl Group {
    /// One owner per message, in order.
    pub(crate) fn owners(&self) -> &[Owner] {
        &self.owners
    }
}

struct Done {
    lane: usize,
    result: io::Result<Group>,
}

struct Lane {
    groups: SyncSender<Group>,
    idle: bool,
}

/// The lanes and the group that is being gathered.
pub(crate) struct Wal {
    gathering: Group,
    spare: Vec<Group>,
    lanes: Vec<Lane>,
    done: Receiver<Done>,
}

impl Wal {
    /// Prepares the segments and starts one thread per lane.
    pub(crate) fn open(dir: &Path, args: &Args, waker: &Arc<Waker>) -> io::Result<Self> {
        let (to_done, done) = sync_channel(args.lanes);
        let mut lanes = Vec::with_capacity(args.lanes);
        for lane in 0..args.lanes {
            let segment = Segment::prepare(&dir.join(format!("segment-{lane}")), args.segment_bytes)?;
            let (groups, taken) = sync_channel(1);
            let (to_done, waker) = (to_done.clone(), Arc::clone(waker));
            std::thread::Builder::new()
                .name(format!("lane-{lane}"))
                .spawn(move || run_lane(lane, segment, &taken, &to_done, &waker))?;
            lanes.push(Lane { groups, idle: true });
        }
        Ok(Self { gathering: Group::default(), spare: Vec::new(), lanes, done })
    }

    /// Where the next message is to be written; its length goes before it.
    pub(crate) fn add(&mut self, owner: Owner, payload_bytes: usize) -> &mut Vec<u8> {
        self.gathering.owners.push(owner);
        let length = u32::try_from(payload_bytes).unwrap_or(u32::MAX);
        self.gathering.bytes.extend_from_slice(&length.to_le_bytes());
        &mut self.gathering.bytes
    }

    /// Hands the gathered group to a free lane, if there are both.
    pub(crate) fn kick(&mut self) -> io::Result<()> {
        if self.gathering.owners.is_empty() {
            return Ok(());
        }
        let Some(lane) = self.lanes.iter_mut().find(|lane| lane.idle) else {
            return Ok(());
        };
        let next = self.spare.pop().unwrap_or_default();
        let group = std::mem::replace(&mut self.gathering, next);
        lane.idle = false;
        lane.groups.try_send(group).map_err(|_| io::Error::other("a lane has ended"))
    }

    /// The next group that is on disk.
    pub(crate) fn next_done(&mut self) -> io::Result<Option<Group>> {
        let Ok(done) = self.done.try_recv() else {
            return Ok(None);
        };
        if let Some(lane) = self.lanes.get_mut(done.lane) {
            lane.idle = true;
        }
        done.result.map(Some)
    }

    /// Takes a group's memory back.
    pub(crate) fn recycle(&mut self, mut group: Group) {
        group.bytes.clear();
        group.owners.clear();
        self.spare.push(group);
    }
}

fn run_lane(lane: usize, mut segment: Segment, groups: &Receiver<Group>, done: &SyncSender<Done>, waker: &Waker) {
    while let Ok(group) = groups.recv() {
        let result = segment.store(&group.bytes).map(|()| group);
        if done.send(Done { lane, result }).is_err() || waker.wake().is_err() {
            return;
        }
    }
}

struct Segment {
    file: File,
    at: u64,
    prepared_bytes: u64,
}

impl Segment {
    fn prepare(path: &Path, prepared_bytes: u64) -> io::Result<Self> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
        let fill = vec![1; FILL_BYTES];
        let mut left = usize::try_from(prepared_bytes).unwrap_or(0);
        while left > 0 {
            let piece = fill.get(..left.min(FILL_BYTES)).unwrap_or_default();
            file.write_all(piece)?;
            left = left.saturating_sub(piece.len());
        }
        file.sync_all()?;
        file.seek(SeekFrom::Start(0))?;
        Ok(Self { file, at: 0, prepared_bytes })
    }

    /// Writes and syncs; a prepared segment is used from its start again when it is full, so that no length changes.
    fn store(&mut self, bytes: &[u8]) -> io::Result<()> {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if self.prepared_bytes > 0 && self.at.saturating_add(length) > self.prepared_bytes {
            self.file.seek(SeekFrom::Start(0))?;
            self.at = 0;
        }
        self.file.write_all(bytes)?;
        self.at = self.at.saturating_add(length);
        self.file.sync_data()
    }
}
