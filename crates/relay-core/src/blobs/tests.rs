use super::*;
use crate::conformance::{BlobHarness, run_blobs};
use crate::endpoint::Moment;
use crate::http::{Access, Authorised};
use crate::limits::{BLOB_SWEEP_MS, BlobLimits, SWEEP_PAUSE_MS};
use crate::testing::SetClock;
use bytes::Bytes;
use relay_proto::blob::blob_id;
use relay_proto::ids::{DeviceKey, SpaceId};
use relay_proto::limits::BLOB_RESUME_MS;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

struct InMemory {
    blobs: Arc<MemoryBlobs>,
    clock: Arc<SetClock>,
}

impl InMemory {
    fn new(limits: BlobLimits) -> Self {
        let clock = Arc::new(SetClock::default());
        Self { blobs: Arc::new(MemoryBlobs::new(limits, Arc::clone(&clock) as Arc<_>)), clock }
    }
}

impl BlobHarness for InMemory {
    fn blobs(&self) -> Arc<dyn BlobStore> {
        Arc::clone(&self.blobs) as Arc<_>
    }

    fn clock(&self) -> &SetClock {
        &self.clock
    }

    fn space(&self, seed: u8) -> SpaceId {
        SpaceId([seed; 32])
    }

    fn fill_disk(&self, full: bool) -> bool {
        self.blobs.set_disk_full(full);
        true
    }
}

#[test]
fn the_memory_store_keeps_the_contract() {
    run_blobs(&|limits| Box::new(InMemory::new(limits)));
}

fn wait<T: Send + 'static>(call: impl FnOnce(BlobCompletion<T>)) -> Result<T, BlobError> {
    let (send, receive) = channel();
    call(Box::new(move |result| drop(send.send(result))));
    receive.recv().unwrap()
}

struct Scene {
    harness: InMemory,
    blobs: Blobs,
}

const RETENTION_MS: u64 = 30 * 24 * 3_600_000;

impl Scene {
    fn new() -> Self {
        let harness = InMemory::new(BlobLimits::default());
        let blobs = Blobs::new(harness.blobs(), Arc::clone(&harness.clock) as Arc<_>, RETENTION_MS);
        Self { harness, blobs }
    }

    fn put(&self, grant: &Authorised, bytes: &'static [u8]) -> Result<Appended, BlobError> {
        let blob = blob_id(bytes);
        match wait(|done| self.blobs.begin(grant, blob, bytes.len() as u64, 0, done))? {
            Begun::Stored(facts) => Ok(Appended::Stored(facts)),
            Begun::Upload(upload) => wait(|done| self.blobs.append(upload, 0, Bytes::from_static(bytes), done)),
        }
    }

    fn holds(&self, grant: &Authorised, bytes: &[u8]) -> bool {
        matches!(wait(|done| self.blobs.find(grant, blob_id(bytes), done)), Ok(Found::Blob(_)))
    }
}

const READER: Access = Access { read: true, write: false, admin: false };
const WRITER: Access = Access { write: true, ..READER };
const ADMIN: Access = Access { admin: true, ..WRITER };

fn grant(device: u8, access: Access) -> Authorised {
    Authorised { space: SpaceId([1; 32]), device: DeviceKey([device; 32]), access }
}

#[test]
fn readers_and_the_root_upload_nothing() {
    let scene = Scene::new();
    let root = Authorised { device: SpaceId([1; 32]).as_device(), ..grant(0, Access { write: false, ..ADMIN }) };
    for refused in [grant(2, READER), root] {
        assert_eq!(scene.put(&refused, b"x").unwrap_err(), BlobRefusal::ReadOnly.into());
    }
}

#[test]
fn the_author_and_admins_delete_and_nobody_else() {
    let scene = Scene::new();
    let (author, other) = (grant(2, WRITER), grant(3, WRITER));
    scene.put(&author, b"x").unwrap();
    let delete = |by: &Authorised| wait(|done| scene.blobs.delete(by, blob_id(b"x"), done));
    assert_eq!(delete(&other).unwrap_err(), BlobRefusal::NotAuthor.into());
    assert_eq!(delete(&grant(4, READER)).unwrap_err(), BlobRefusal::ReadOnly.into());
    delete(&author).unwrap();
    scene.put(&author, b"x").unwrap();
    delete(&grant(5, ADMIN)).unwrap();
    assert!(!scene.holds(&author, b"x"));
}

fn at(ms: u64) -> Moment {
    Moment(Duration::from_millis(ms))
}

#[test]
fn blobs_go_after_retention_and_a_clock_that_jumps_takes_none() {
    let scene = Scene::new();
    let writer = grant(2, WRITER);
    scene.put(&writer, b"x").unwrap();
    scene.blobs.sweep(at(0));
    scene.harness.clock.advance(2 * RETENTION_MS);
    scene.blobs.sweep(at(BLOB_SWEEP_MS));
    assert!(scene.holds(&writer, b"x"), "the clock jumped by months in ten minutes");
    scene.blobs.sweep(at(BLOB_SWEEP_MS + SWEEP_PAUSE_MS - 1));
    assert!(scene.holds(&writer, b"x"));
    scene.blobs.sweep(at(BLOB_SWEEP_MS * 2 + SWEEP_PAUSE_MS));
    assert!(!scene.holds(&writer, b"x"), "a day after the jump the clock is believed");
}

#[test]
fn unfinished_uploads_go_when_nobody_went_on_with_them() {
    let scene = Scene::new();
    let writer = grant(2, WRITER);
    let begin = || wait(|done| scene.blobs.begin(&writer, blob_id(b"xy"), 2, 0, done)).unwrap();
    let Begun::Upload(upload) = begin() else { panic!("nothing is stored") };
    wait(|done| scene.blobs.append(upload, 0, Bytes::from_static(b"x"), done)).unwrap();
    scene.blobs.sweep(at(0));
    scene.harness.clock.advance(BLOB_RESUME_MS - 1);
    scene.blobs.sweep(at(SWEEP_PAUSE_MS));
    wait(|done| scene.blobs.find(&writer, blob_id(b"xy"), done)).unwrap();
    scene.harness.clock.advance(BLOB_SWEEP_MS);
    scene.blobs.sweep(at(SWEEP_PAUSE_MS + BLOB_SWEEP_MS));
    let found = wait(|done| scene.blobs.find(&writer, blob_id(b"xy"), done));
    assert_eq!(found.unwrap_err(), BlobRefusal::Unknown.into());
}
