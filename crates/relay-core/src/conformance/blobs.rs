//! The contract of [`crate::blobs::BlobStore`] as a suite.

use crate::blobs::{
    Appended, Begun, BlobCompletion, BlobError, BlobPlace, BlobRefusal, BlobStore, Expiry, Found, Upload, UploadRequest,
};
use crate::limits::BlobLimits;
use crate::store::StoreError;
use crate::testing::SetClock;
use bytes::Bytes;
use relay_proto::blob::blob_id;
use relay_proto::ids::{BlobId, DeviceKey, SpaceId};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

/// How long a call may take in a test.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Quotas of the suite: small enough to be reached.
const LIMITS: BlobLimits =
    BlobLimits { blob_bytes_max: 400_000, space_blobs_max: 6, space_blob_bytes_max: 1_000_000, device_uploads_max: 2 };
const A: DeviceKey = DeviceKey([0xa; 32]);
const B: DeviceKey = DeviceKey([0xb; 32]);

/// One blob store under test.
pub trait BlobHarness {
    /// The store.
    fn blobs(&self) -> Arc<dyn BlobStore>;
    /// The wall clock it reads.
    fn clock(&self) -> &SetClock;
    /// A known space, another one for each seed.
    fn space(&self, seed: u8) -> SpaceId;
    /// Closes the store in order and opens it again; `false` when nothing survives.
    fn reopen(&mut self) -> bool {
        false
    }
    /// Fills the disk or makes room again; `false` when that cannot be done.
    fn fill_disk(&self, _full: bool) -> bool {
        false
    }
}

type Check = fn(&mut Calls);
const CASES: &[(&str, Check)] = &[
    ("what was uploaded is read back, whole and in part, also after a restart", round_trip),
    ("nothing is visible before its last byte", invisible_until_complete),
    ("an upload goes on where it stood, also after a restart", resumes),
    ("bytes of another hash are dropped", mismatch),
    ("a later connection takes an upload over", takeover),
    ("two devices upload the same blob and it is held once", two_authors),
    ("an upload that another device finished first stops counting when its device hears so", overtaken),
    ("quotas count unfinished uploads at their full length", quotas),
    ("spaces do not see each other's blobs", spaces_apart),
    ("a full disk drops the upload and nothing else", disk_full),
    ("what expired goes, what did not stays", expiry),
    ("an erased space holds nothing", erased),
];

/// Runs every case, each on a store of its own with the quotas it is given.
///
/// # Panics
/// When a case does not hold.
pub fn run_blobs(make: &dyn Fn(BlobLimits) -> Box<dyn BlobHarness>) {
    let mut broken = Vec::new();
    for (name, check) in CASES {
        let mut calls = Calls(make(LIMITS));
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&mut calls))).is_err() {
            broken.push(*name);
        }
    }
    assert!(broken.is_empty(), "the blob store breaks its contract: {broken:#?}");
}

struct Calls(Box<dyn BlobHarness>);

fn wait<T: Send + 'static>(call: impl FnOnce(BlobCompletion<T>)) -> Result<T, BlobError> {
    let (send, receive) = channel();
    call(Box::new(move |result| drop(send.send(result))));
    receive.recv_timeout(CALL_TIMEOUT).expect("the store completes every call")
}

fn sealed(seed: u8, bytes: usize) -> Bytes {
    (0..bytes).map(|i| (i as u8).wrapping_mul(31).wrapping_add((i >> 8) as u8) ^ seed).collect::<Vec<u8>>().into()
}

impl Calls {
    fn place(&self, blob: BlobId) -> BlobPlace {
        BlobPlace { space: self.0.space(1), blob }
    }

    fn begin(&self, device: DeviceKey, blob: BlobId, total_bytes: u64, offset: u64) -> Result<Begun, BlobError> {
        let request = UploadRequest { place: self.place(blob), device, total_bytes, offset };
        wait(|done| self.0.blobs().blob_begin(request, done))
    }

    fn upload(&self, device: DeviceKey, blob: BlobId, total_bytes: u64, offset: u64) -> Upload {
        match self.begin(device, blob, total_bytes, offset).expect("admitted") {
            Begun::Upload(upload) => upload,
            Begun::Stored(facts) => panic!("it is there already: {facts:?}"),
        }
    }

    fn append(&self, upload: Upload, offset: u64, bytes: Bytes) -> Result<Appended, BlobError> {
        wait(|done| self.0.blobs().blob_append(upload, offset, bytes, done))
    }

    fn put(&self, device: DeviceKey, bytes: &Bytes) -> BlobId {
        let blob = blob_id(bytes);
        let upload = self.upload(device, blob, bytes.len() as u64, 0);
        let stored = self.append(upload, 0, bytes.clone()).expect("stored");
        assert!(matches!(stored, Appended::Stored(_)), "{stored:?}");
        blob
    }

    fn find(&self, device: DeviceKey, blob: BlobId) -> Result<Found, BlobError> {
        wait(|done| self.0.blobs().blob_find(self.place(blob), device, done))
    }

    fn read(&self, blob: BlobId, offset: u64, bytes_max: u32) -> Result<Bytes, BlobError> {
        wait(|done| self.0.blobs().blob_read(self.place(blob), offset, bytes_max, done))
    }

    fn read_all(&self, blob: BlobId) -> Vec<u8> {
        let mut all = Vec::new();
        while let Ok(bytes) = self.read(blob, all.len() as u64, 70_000) {
            assert!(!bytes.is_empty() && bytes.len() <= 70_000);
            all.extend_from_slice(&bytes);
        }
        all
    }
}

fn refused(refusal: BlobRefusal) -> BlobError {
    BlobError::Refused(refusal)
}

fn round_trip(calls: &mut Calls) {
    let bytes = sealed(1, 200_001);
    let blob = calls.put(A, &bytes);
    loop {
        assert_eq!(calls.read_all(blob), bytes);
        for (offset, length) in [(0, 1), (65_535, 2), (65_536, 65_536), (199_999, 2), (200_000, 9)] {
            let read = calls.read(blob, offset, length).unwrap();
            let start = offset as usize;
            assert!(!read.is_empty() && read.len() <= length as usize);
            assert_eq!(read, bytes[start..start + read.len()]);
        }
        assert_eq!(calls.read(blob, 200_001, 1).unwrap_err(), refused(BlobRefusal::RangeInvalid));
        assert!(
            matches!(calls.find(B, blob), Ok(Found::Blob(facts)) if facts.author == A && facts.total_bytes == 200_001)
        );
        assert!(matches!(calls.begin(B, blob, 200_001, 0), Ok(Begun::Stored(_))), "there already");
        if calls.0.blobs().blob_stats().stored == 0 || !calls.0.reopen() {
            return;
        }
    }
}

fn invisible_until_complete(calls: &mut Calls) {
    let bytes = sealed(2, 100_000);
    let blob = blob_id(&bytes);
    let upload = calls.upload(A, blob, 100_000, 0);
    assert_eq!(calls.append(upload, 0, bytes.slice(..99_999)), Ok(Appended::Received { received_bytes: 99_999 }));
    assert_eq!(calls.read(blob, 0, 1).unwrap_err(), refused(BlobRefusal::Unknown));
    assert_eq!(
        calls.find(B, blob).unwrap_err(),
        refused(BlobRefusal::Unknown),
        "another device's upload is not told of"
    );
    assert_eq!(calls.find(A, blob), Ok(Found::Upload { received_bytes: 99_999, total_bytes: 100_000 }));
    assert!(matches!(calls.append(upload, 99_999, bytes.slice(99_999..)), Ok(Appended::Stored(_))));
    assert_eq!(calls.read_all(blob), bytes);
}

fn resumes(calls: &mut Calls) {
    let bytes = sealed(3, 300_000);
    let blob = blob_id(&bytes);
    let first = calls.upload(A, blob, 300_000, 0);
    calls.append(first, 0, bytes.slice(..100_001)).unwrap();
    calls.0.reopen();
    assert_eq!(calls.find(A, blob), Ok(Found::Upload { received_bytes: 100_001, total_bytes: 300_000 }));
    let expected = refused(BlobRefusal::OffsetUnexpected { received_bytes: 100_001 });
    for (total, offset) in [(300_000, 100_000), (300_000, 100_002), (299_999, 100_001)] {
        assert_eq!(calls.begin(A, blob, total, offset).unwrap_err(), expected);
    }
    let second = calls.upload(A, blob, 300_000, 100_001);
    assert!(matches!(calls.append(second, 100_001, bytes.slice(100_001..)), Ok(Appended::Stored(_))));
    assert_eq!(calls.read_all(blob), bytes);
}

fn mismatch(calls: &mut Calls) {
    let bytes = sealed(4, 1000);
    let other = blob_id(&sealed(5, 1000));
    let upload = calls.upload(A, other, 1000, 0);
    assert_eq!(calls.append(upload, 0, bytes).unwrap_err(), refused(BlobRefusal::Mismatch));
    assert_eq!(calls.find(A, other).unwrap_err(), refused(BlobRefusal::Unknown));
    assert_eq!(calls.put(A, &sealed(5, 1000)), other, "the right bytes are taken afterwards");
}

fn takeover(calls: &mut Calls) {
    let bytes = sealed(6, 1000);
    let blob = blob_id(&bytes);
    let old = calls.upload(A, blob, 1000, 0);
    calls.append(old, 0, bytes.slice(..500)).unwrap();
    let new = calls.upload(A, blob, 1000, 500);
    let expected = refused(BlobRefusal::OffsetUnexpected { received_bytes: 500 });
    assert_eq!(calls.append(old, 500, bytes.slice(500..)).unwrap_err(), expected, "the old connection is out");
    assert!(calls.append(new, 400, bytes.slice(400..)).is_err(), "offsets do not go back");
    assert!(matches!(calls.append(new, 500, bytes.slice(500..)), Ok(Appended::Stored(_))));
    let begun_anew = calls.upload(A, blob_id(b"z"), 2, 0);
    assert!(calls.append(begun_anew, 0, sealed(1, 3)).is_err(), "more than was said is refused");
}

fn two_authors(calls: &mut Calls) {
    let bytes = sealed(7, 5000);
    let blob = blob_id(&bytes);
    let (a, b) = (calls.upload(A, blob, 5000, 0), calls.upload(B, blob, 5000, 0));
    calls.append(a, 0, bytes.slice(..4000)).unwrap();
    assert!(matches!(calls.append(b, 0, bytes.clone()), Ok(Appended::Stored(facts)) if facts.author == B));
    let second = calls.append(a, 4000, bytes.slice(4000..));
    assert!(matches!(second, Ok(Appended::Stored(facts)) if facts.author == B), "{second:?}");
    assert_eq!(calls.read_all(blob), bytes);
    let delete = |by, is_admin| wait(|done| calls.0.blobs().blob_delete(calls.place(blob), by, is_admin, done));
    assert_eq!(delete(A, false).unwrap_err(), refused(BlobRefusal::NotAuthor));
    delete(B, false).unwrap();
    assert_eq!(delete(A, true).unwrap_err(), refused(BlobRefusal::Unknown));
    calls.upload(A, blob, 5000, 0);
    assert_eq!(delete(B, true).unwrap_err(), refused(BlobRefusal::Unknown), "another device's upload is not told of");
    delete(A, false).unwrap();
    calls.0.reopen();
    assert_eq!(calls.find(A, blob).unwrap_err(), refused(BlobRefusal::Unknown));
}

fn overtaken(calls: &mut Calls) {
    let bytes = sealed(8, 5000);
    let blob = blob_id(&bytes);
    let late = calls.upload(A, blob, 5000, 0);
    calls.append(late, 0, bytes.slice(..4000)).unwrap();
    calls.put(B, &bytes);
    calls.upload(A, blob_id(b"y"), 2, 0);
    assert!(
        calls.begin(A, blob_id(b"z"), 2, 0).is_err(),
        "the control: two unfinished uploads are all a device may have"
    );
    assert!(matches!(calls.begin(A, blob, 5000, 4000), Ok(Begun::Stored(facts)) if facts.author == B));
    calls.upload(A, blob_id(b"z"), 2, 0);
    calls.0.reopen();
    assert_eq!(calls.read_all(blob), bytes);
    wait(|done| calls.0.blobs().blob_delete(calls.place(blob), B, false, done)).unwrap();
    assert_eq!(calls.find(A, blob).unwrap_err(), refused(BlobRefusal::Unknown), "nothing is left of the late one");
}

fn quotas(calls: &mut Calls) {
    let id = |seed: u8| blob_id(&[seed]);
    assert_eq!(calls.begin(A, id(1), 400_001, 0).unwrap_err(), refused(BlobRefusal::TooLarge));
    assert_eq!(calls.begin(A, id(1), 0, 0).unwrap_err(), refused(BlobRefusal::Empty));
    calls.upload(A, id(1), 400_000, 0);
    calls.upload(A, id(2), 400_000, 0);
    calls.upload(A, id(2), 400_000, 0);
    let quota = refused(BlobRefusal::QuotaExceeded);
    assert_eq!(calls.begin(A, id(3), 1, 0).unwrap_err(), quota, "two unfinished uploads of a device");
    assert_eq!(calls.begin(B, id(3), 200_001, 0).unwrap_err(), quota, "bytes of the space");
    calls.upload(B, id(3), 200_000, 0);
    calls.upload(A, id(2), 1, 0);
    for seed in 4..7 {
        calls.put(B, &Bytes::from(vec![seed]));
    }
    assert_eq!(calls.begin(B, id(9), 1, 0).unwrap_err(), quota, "blobs of the space");
    assert!(calls.0.blobs().blob_stats().quota_refusals >= 3);
}

fn spaces_apart(calls: &mut Calls) {
    let bytes = sealed(8, 1000);
    let blob = calls.put(A, &bytes);
    let elsewhere = BlobPlace { space: calls.0.space(2), blob };
    let blobs = calls.0.blobs();
    let unknown = refused(BlobRefusal::Unknown);
    assert_eq!(wait(|done| blobs.blob_find(elsewhere, A, done)).unwrap_err(), unknown);
    assert_eq!(wait(|done| blobs.blob_read(elsewhere, 0, 1, done)).unwrap_err(), unknown);
    assert_eq!(wait(|done| blobs.blob_delete(elsewhere, A, true, done)).unwrap_err(), unknown);
    let request = UploadRequest { place: elsewhere, device: A, total_bytes: 1000, offset: 0 };
    let begun = wait(|done| blobs.blob_begin(request, done));
    assert!(matches!(begun, Ok(Begun::Upload(_))), "it must be sent: whether another space holds it is not told");
}

fn disk_full(calls: &mut Calls) {
    let kept = calls.put(A, &sealed(9, 1000));
    let bytes = sealed(10, 300_000);
    let upload = calls.upload(A, blob_id(&bytes), 300_000, 0);
    calls.append(upload, 0, bytes.slice(..100_000)).unwrap();
    if !calls.0.fill_disk(true) {
        return;
    }
    let full = calls.append(upload, 100_000, bytes.slice(100_000..));
    assert_eq!(full.unwrap_err(), BlobError::Store(StoreError::DiskFull));
    assert_eq!(calls.find(A, blob_id(&bytes)).unwrap_err(), refused(BlobRefusal::Unknown));
    assert_eq!(calls.read_all(kept), sealed(9, 1000), "reads go on");
    calls.0.fill_disk(false);
    calls.put(A, &bytes);
}

fn expiry(calls: &mut Calls) {
    let old = calls.put(A, &sealed(11, 100));
    let upload = calls.upload(A, blob_id(b"half"), 2, 0);
    calls.append(upload, 0, Bytes::from_static(b"h")).unwrap();
    calls.0.clock().advance(1000);
    let young = calls.put(A, &sealed(12, 100));
    calls.0.reopen();
    let now_ms = crate::environment::WallClock::now_ms(calls.0.clock());
    let sweep = |retention_ms, resume_ms| {
        wait(|done| calls.0.blobs().blob_sweep(Expiry { now_ms, retention_ms, resume_ms }, done)).unwrap()
    };
    assert_eq!(sweep(None, 1001), crate::blobs::Swept::default());
    let swept = sweep(Some(1000), 1000);
    assert_eq!((swept.blobs, swept.uploads), (1, 1));
    for gone in [old, blob_id(b"half")] {
        assert_eq!(calls.find(A, gone).unwrap_err(), refused(BlobRefusal::Unknown));
    }
    assert_eq!(calls.read_all(young), sealed(12, 100));
}

fn erased(calls: &mut Calls) {
    let blob = calls.put(A, &sealed(13, 100));
    let upload = calls.upload(A, blob_id(b"half"), 2, 0);
    let erased = wait(|done| calls.0.blobs().blob_erase(calls.0.space(1), done));
    assert_eq!(erased, Ok(1));
    assert_eq!(calls.find(A, blob).unwrap_err(), refused(BlobRefusal::Unknown));
    assert_eq!(calls.append(upload, 0, Bytes::from_static(b"ha")).unwrap_err(), refused(BlobRefusal::Unknown));
    calls.0.reopen();
    assert_eq!(calls.find(A, blob).unwrap_err(), refused(BlobRefusal::Unknown));
}
