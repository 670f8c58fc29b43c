use super::*;
use crate::documents::{Cap, Change, MemoryDocuments, turn, write};
use crate::founding::{FoundingAnswer, FoundingRequest, FoundingVerdict};
use crate::store::StoreError;
use std::sync::mpsc::channel;
use std::time::Duration;

const SYSTEM: u8 = 2;
const NOW_MS: u64 = 500_000 * HOUR_MS;

struct Clock(AtomicU64);

impl WallClock for Clock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Keeps what it is asked until somebody answers.
#[derive(Default)]
struct Gate(Mutex<Vec<(FoundingRequest, FoundingAnswer)>>);

impl Gatekeeper for Gate {
    fn judge(&self, request: FoundingRequest, answer: FoundingAnswer) {
        self.0.lock().unwrap().push((request, answer));
    }
}

impl Gate {
    /// Answers all that wait; the tokens they brought.
    fn answer(&self, verdict: &FoundingVerdict) -> Vec<Bytes> {
        let asked = std::mem::take(&mut *self.0.lock().unwrap());
        let answer = |(request, answer): (FoundingRequest, FoundingAnswer)| {
            answer(verdict.clone());
            request.admission
        };
        asked.into_iter().map(answer).collect()
    }
}

struct Scene {
    documents: Arc<MemoryDocuments>,
    clock: Arc<Clock>,
    gate: Arc<Gate>,
    seconds: Arc<AtomicU64>,
    tenants: ForeignTenants,
}

fn open(scene: &Scene, rules: TenantRules, asks: bool) -> ForeignTenants {
    let seconds = Arc::clone(&scene.seconds);
    ForeignTenants::open(TenantParts {
        documents: Arc::clone(&scene.documents) as Arc<_>,
        clock: Arc::clone(&scene.clock) as Arc<_>,
        moments: Arc::new(move || Moment(Duration::from_secs(seconds.load(Ordering::Relaxed)))),
        gatekeeper: asks.then(|| Arc::clone(&scene.gate) as Arc<_>),
        by_owner: false,
        accounts: None,
        rules,
    })
    .unwrap()
}

fn scene(rules: TenantRules, asks: bool) -> Scene {
    let documents = Arc::new(MemoryDocuments::new());
    let parts = TenantParts {
        documents: Arc::clone(&documents) as Arc<_>,
        clock: Arc::new(Clock(AtomicU64::new(NOW_MS))),
        moments: Arc::new(|| Moment(Duration::ZERO)),
        gatekeeper: None,
        by_owner: false,
        accounts: None,
        rules,
    };
    let mut scene = Scene {
        documents,
        clock: Arc::new(Clock(AtomicU64::new(NOW_MS))),
        gate: Arc::default(),
        seconds: Arc::default(),
        tenants: ForeignTenants::open(parts).unwrap(),
    };
    scene.tenants = open(&scene, rules, asks);
    scene
}

fn tenant(number: u8) -> Keyspace {
    Keyspace { system: SYSTEM, tenant: Tenant([number; 16]) }
}

type Answers = std::sync::mpsc::Receiver<Result<Usage, DocumentError>>;

fn begin_put(scene: &Scene, of: Keyspace, key: &'static str, bytes: usize) -> Answers {
    let (send, receive) = channel();
    let change = Change::Put(key.into(), vec![7; bytes].into());
    write(&scene.tenants, of, vec![change], Box::new(move |done| drop(send.send(done))));
    receive
}

fn put(scene: &Scene, of: Keyspace, key: &'static str, bytes: usize) -> Result<(), DocumentError> {
    begin_put(scene, of, key, bytes).try_recv().expect("an answer at once").map(|_| ())
}

fn erase(scene: &Scene, of: Keyspace) -> Result<(), DocumentError> {
    let (send, receive) = channel();
    scene.tenants.erase(of, Box::new(move |done| send.send(done).unwrap()));
    receive.try_recv().unwrap()
}

#[test]
fn no_more_tenants_and_bytes_than_there_may_be_and_refusals_are_counted() {
    let scene = scene(TenantRules { tenants_max: 2, open_bytes_max: 100, ..TenantRules::default() }, false);
    assert_eq!((put(&scene, tenant(1), "a", 49), put(&scene, tenant(2), "a", 39)), (Ok(()), Ok(())));
    assert_eq!(put(&scene, tenant(3), "a", 1), Err(DocumentError::Full(Cap::Tenants)));
    assert_eq!(put(&scene, tenant(1), "b", 20), Err(DocumentError::Full(Cap::SystemBytes)));
    assert_eq!(put(&scene, tenant(1), "a", 10), Ok(()), "less is always taken");
    assert_eq!(put(&scene, tenant(2), "b", 39), Ok(()));
    let counts = scene.tenants.counts();
    assert_eq!((counts.opened, counts.refused_tenants, counts.refused_bytes), (2, 1, 1));
    assert_eq!(scene.tenants.take_opened(), [tenant(1), tenant(2)]);
    let again =
        Scene { tenants: open(&scene, TenantRules { tenants_max: 2, ..TenantRules::default() }, false), ..scene };
    assert_eq!(again.tenants.total(SYSTEM).bytes, 91, "a start reads it again");
    assert_eq!(put(&again, tenant(3), "a", 1), Err(DocumentError::Full(Cap::Tenants)));
    let facts = again.tenants.get(tenant(1)).unwrap();
    assert_eq!((facts.opened_h, facts.used_h), (500_000, 500_000));
}

#[test]
fn what_the_store_refuses_is_on_no_account() {
    let scene = scene(TenantRules { open_bytes_max: 100, ..TenantRules::default() }, false);
    scene.documents.refuse(Some(StoreError::DiskFull));
    assert!(put(&scene, tenant(1), "a", 90).is_err());
    scene.documents.refuse(None);
    assert_eq!((scene.tenants.get(tenant(1)), scene.tenants.total(SYSTEM).bytes), (None, 0));
    let (send, receive) = channel();
    let withdrawn = |documents: &mut dyn crate::documents::Documents| {
        documents.put("k".into(), vec![0; 90].into())?;
        Err::<(), _>(DocumentError::Withdrawn)
    };
    turn(&scene.tenants, tenant(1), 0, withdrawn, move |done| send.send(done).unwrap());
    assert_eq!(receive.try_recv().unwrap(), Err(DocumentError::Withdrawn));
    assert_eq!(put(&scene, tenant(2), "a", 99), Ok(()));
}

#[test]
fn a_tenant_writes_as_often_as_it_may_and_reads_as_often_as_it_likes() {
    let scene = scene(TenantRules { writes_per_second_max: 2, ..TenantRules::default() }, false);
    let results: Vec<_> = (0..3).map(|_| put(&scene, tenant(1), "a", 1)).collect();
    assert_eq!(results[..2], [Ok(()), Ok(())]);
    assert!(matches!(results[2], Err(DocumentError::TooFast { retry_after_ms: 1..=1000 })), "{results:?}");
    assert_eq!(put(&scene, tenant(2), "a", 1), Ok(()), "another one has its own rate");
    let (send, receive) = channel();
    turn(&scene.tenants, tenant(1), 0, |documents| documents.get(b"a"), move |found| send.send(found).unwrap());
    assert!(receive.try_recv().unwrap().unwrap().is_some());
    scene.seconds.store(1, Ordering::Relaxed);
    assert_eq!(put(&scene, tenant(1), "a", 1), Ok(()));
    assert_eq!(scene.tenants.counts().refused_rate, 1);
}

#[test]
fn where_somebody_lets_in_nobody_opens_a_tenant_unasked() {
    let rules = TenantRules { open_bytes_max: 100, ..TenantRules::default() };
    let scene = scene(rules, true);
    let shared = Keyspace { system: SYSTEM, tenant: Tenant::ONLY };
    assert_eq!(put(&scene, shared, "a", 1), Err(DocumentError::NotAdmitted), "without a token");
    scene.tenants.document_present(tenant(1), Credential::Token(b"wrong"));
    let asked = [begin_put(&scene, tenant(1), "a", 1), begin_put(&scene, tenant(1), "b", 1)];
    assert!(asked.iter().all(|answer| answer.try_recv().is_err()), "they wait");
    assert_eq!(scene.gate.answer(&FoundingVerdict::Refused), ["wrong"], "asked once");
    assert!(asked.iter().all(|answer| answer.try_recv() == Ok(Err(DocumentError::NotAdmitted))));
    assert_eq!((scene.tenants.get(tenant(1)), scene.tenants.counts().refused_admission), (None, 3));
    let unavailable = begin_put(&scene, tenant(1), "a", 1);
    scene.gate.answer(&FoundingVerdict::Unavailable);
    assert_eq!(unavailable.try_recv(), Ok(Err(StoreError::Overloaded.into())));

    scene.tenants.document_present(tenant(2), Credential::Token(b"good"));
    let asked = begin_put(&scene, tenant(2), "a", 1000);
    assert_eq!(scene.gate.answer(&FoundingVerdict::Admitted(None)), ["good"]);
    assert!(asked.try_recv().unwrap().is_ok(), "beyond the cap on those that nobody let in");
    assert_eq!(put(&scene, tenant(2), "b", 1), Ok(()), "asked once for all");
    let again = Scene { tenants: open(&scene, rules, true), ..scene };
    assert_eq!(put(&again, tenant(2), "c", 1), Ok(()), "nor again after a start");
    assert!(again.tenants.get(tenant(2)).unwrap().is_admitted);
    again.tenants.document_present(shared, Credential::Operator);
    assert_eq!(put(&again, shared, "a", 1), Ok(()), "the operator's word");
}

#[test]
fn works_that_wait_for_a_word_are_bounded() {
    let scene = scene(TenantRules::default(), true);
    scene.tenants.document_present(tenant(1), Credential::Token(b"t"));
    let asked: Vec<_> = (0..65).map(|_| begin_put(&scene, tenant(1), "a", 1)).collect();
    let refused: Vec<_> = asked.iter().filter_map(|answer| answer.try_recv().ok()).collect();
    assert_eq!(refused, [Err(StoreError::Overloaded.into())]);
    scene.gate.answer(&FoundingVerdict::Admitted(None));
    assert_eq!(asked.iter().filter_map(|answer| answer.try_recv().ok()).filter(Result::is_ok).count(), 64);
}

#[test]
fn an_erased_tenant_is_gone_and_takes_nothing_for_half_a_year() {
    let scene = scene(TenantRules::default(), false);
    for number in 1..=2 {
        (0..3).for_each(|_| put(&scene, tenant(number), "a", 10).unwrap());
    }
    assert_eq!(erase(&scene, tenant(9)), Err(StoreError::UnknownSpace.into()));
    assert_eq!(erase(&scene, tenant(1)), Ok(()));
    let (send, receive) = channel();
    scene.tenants.document_usage(tenant(1), Box::new(move |usage| send.send(usage).unwrap()));
    assert_eq!(receive.try_recv().unwrap().unwrap(), Usage::default());
    assert_eq!(put(&scene, tenant(1), "a", 1), Err(DocumentError::Erased));
    assert_eq!((scene.tenants.total(SYSTEM).tenants, scene.tenants.counts().refused_erased), (1, 1));
    let scene = Scene { tenants: open(&scene, TenantRules::default(), false), ..scene };
    assert_eq!(put(&scene, tenant(1), "a", 1), Err(DocumentError::Erased), "also after a start");
    scene.clock.0.fetch_add(179 * 24 * HOUR_MS, Ordering::Relaxed);
    scene.tenants.forget_erased();
    assert_eq!(put(&scene, tenant(1), "a", 1), Err(DocumentError::Erased));
    scene.clock.0.fetch_add(24 * HOUR_MS, Ordering::Relaxed);
    scene.tenants.forget_erased();
    assert_eq!(put(&scene, tenant(1), "a", 1), Ok(()));
    let shared = Keyspace { system: SYSTEM, tenant: Tenant::ONLY };
    put(&scene, shared, "a", 1).unwrap();
    assert_eq!((erase(&scene, shared), put(&scene, shared, "a", 1)), (Ok(()), Ok(())), "that of nobody begins anew");
}

#[test]
fn an_erasure_that_was_cut_off_goes_on_with_the_next_start() {
    let scene = scene(TenantRules::default(), false);
    put(&scene, tenant(1), "a", 10).unwrap();
    let facts = scene.tenants.get(tenant(1)).unwrap();
    let begun = TenantFacts { is_erasing: true, erased_h: 500_000, ..facts };
    book::keep(&*scene.documents, tenant(1), Some(&begun), |_| {});
    let tenants = open(&scene, TenantRules::default(), false);
    let left = tenants.get(tenant(1)).unwrap();
    assert_eq!((left.usage, left.is_erasing, left.erased_h), (Usage::default(), false, 500_000));
}

#[test]
fn an_erasure_that_failed_is_tried_again_and_tells_all_who_wait() {
    let scene = scene(TenantRules::default(), false);
    put(&scene, tenant(1), "a", 10).unwrap();
    scene.documents.refuse(Some(StoreError::DiskFull));
    assert_eq!(erase(&scene, tenant(1)), Err(StoreError::DiskFull.into()));
    assert_eq!(put(&scene, tenant(1), "a", 1), Err(DocumentError::Erased), "it has begun");
    scene.documents.refuse(None);
    scene.tenants.resume_erasures();
    let left = scene.tenants.get(tenant(1)).unwrap();
    assert_eq!((left.usage, left.is_erasing), (Usage::default(), false));
    assert_eq!(erase(&scene, tenant(1)), Ok(()), "again: nothing is left");
}
