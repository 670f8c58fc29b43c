use super::*;
use crate::store::{Push, Refusal};
use crate::testing::SpaceFixture;
use relay_proto::KeyPair;
use relay_proto::hash::entry_id;
use relay_proto::ids::LogId;
use relay_proto::roster::Rights;

/// A lookup that knows nothing but what it is given.
struct Fixed(Held);

impl HeldEntries for Fixed {
    fn find(&self, _: DeviceKey, _: u64) -> Held {
        self.0
    }
}

fn ready() -> (SpaceLedger, SpaceFixture, KeyPair) {
    let device = KeyPair::from_seed(&[2; 32]);
    let space = SpaceFixture::new(1, &[(&device, Rights::Admin)]);
    let roster = RosterState::found(space.id(), &space.chain, &space.keyring, 0).unwrap();
    let ledger = SpaceLedger::new(Genesis::first(space.id(), LogId([5; 32])), Arc::new(roster));
    (ledger, space, device)
}

fn store(ledger: &mut SpaceLedger, push: Push) -> AppliedPush {
    let prepared = PreparedPush::new(push);
    let plan = ledger.decide_push(&prepared, &Fixed(Held::Unknown), 0).unwrap();
    ledger.apply_push(&prepared, &plan)
}

#[test]
fn what_a_retry_is_depends_on_what_is_held() {
    let (mut ledger, space, device) = ready();
    store(&mut ledger, space.push(&device, 1, &["1", "2", "3"]));
    ledger.raise_floor(2);
    let one = entry_id(b"1");
    let three = entry_id(b"3");
    let cases = [
        ("held", 1, "1", Held::At { seq: 2, id: one }, Ok(PlannedVerdict::Duplicate { seq_first: 2 })),
        ("below the floor", 1, "1", Held::At { seq: 1, id: one }, Ok(PlannedVerdict::DuplicateForgotten)),
        ("forgotten", 1, "1", Held::Forgotten, Ok(PlannedVerdict::DuplicateForgotten)),
        ("other bytes", 1, "x", Held::At { seq: 1, id: one }, Err(Refusal::PushSeqConflict)),
        ("skipped", 1, "1", Held::Unknown, Err(Refusal::PushSeqConflict)),
        ("the newest, whose id the mark knows", 3, "3", Held::Forgotten, Ok(PlannedVerdict::DuplicateForgotten)),
        ("other bytes for the newest", 3, "x", Held::Forgotten, Err(Refusal::PushSeqConflict)),
        ("the newest, held", 3, "3", Held::At { seq: 3, id: three }, Ok(PlannedVerdict::Duplicate { seq_first: 3 })),
    ];
    for (name, push_seq, text, held, expected) in cases {
        let prepared = PreparedPush::new(space.push(&device, push_seq, &[text]));
        let verdict = ledger.decide_push(&prepared, &Fixed(held), 0).map(|plan| plan.runs()[0].verdict);
        assert_eq!(verdict, expected, "{name}");
    }
}

#[test]
fn a_checkpoint_brings_the_same_ledger_back() {
    let (mut ledger, mut space, device) = ready();
    store(&mut ledger, space.push(&device, 1, &["1", "2", "3"]));
    ledger.raise_floor(3);
    ledger.reset(9);
    store(&mut ledger, space.push(&device, 4, &["4"]));
    space.follow(&device, |fields| fields.queue_mode = true);
    let plan = ledger.decide_roster(&space.chain, &space.keyring, 0).unwrap().unwrap();
    ledger.apply_roster(plan);
    let state = ledger.state();
    let again = SpaceLedger::restore(state.clone()).unwrap();
    assert_eq!(again.state(), state);
    assert_eq!((again.head(), again.size(), again.floor()), (ledger.head(), 4, 3));
    assert_eq!(again.mark(device.device()), ledger.mark(device.device()));
    let broken = [
        (LedgerState { size: 5, ..state.clone() }, RestoreError::Range),
        (LedgerState { floor: 6, ..state.clone() }, RestoreError::Floor),
        (LedgerState { chain: Vec::new(), ..state }, RestoreError::Roster),
    ];
    for (state, expected) in broken {
        assert_eq!(SpaceLedger::restore(state).unwrap_err(), expected);
    }
}

#[test]
fn claims_are_judged_by_what_was_attested() {
    let (mut ledger, space, device) = ready();
    let mut heads = Vec::new();
    for n in 1..=300 {
        store(&mut ledger, space.push(&device, n, &[&n.to_string()]));
        ledger.attested_claim(1, Hash::ZERO);
        heads.push(ledger.head());
    }
    assert!(ledger.may_claim(1, 300, heads[299]) && ledger.may_claim(1, 45, heads[44]));
    assert!(!ledger.may_claim(1, 299, heads[0]), "another head");
    assert!(ledger.may_claim(1, 44, heads[0]), "too old to be judged");
    assert!(!ledger.may_claim(2, 300, heads[299]) && !ledger.may_claim(1, 301, heads[0]));
}
