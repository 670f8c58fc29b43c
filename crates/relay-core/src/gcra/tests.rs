use super::*;
use proptest::prelude::*;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};

type Hasher = BuildHasherDefault<DefaultHasher>;

const RATE_COUNT: u32 = 5;
const INTERVAL_MS: u64 = 200;

fn rate() -> Rate {
    Rate::per_second(RATE_COUNT).unwrap()
}

fn at_ms(ms: u64) -> Moment {
    Moment(Duration::from_millis(ms))
}

fn table(keys_max: usize) -> Table<u16, Hasher> {
    Table::new(rate(), keys_max, Hasher::default())
}

#[test]
fn the_burst_goes_through_and_then_one_per_interval() {
    let mut cell = Cell::default();
    for remaining in (0..RATE_COUNT).rev() {
        let verdict = cell.admit(rate(), at_ms(1000));
        assert_eq!((verdict.is_admitted(), verdict.remaining, verdict.limit), (true, remaining, RATE_COUNT));
    }
    let refused = cell.admit(rate(), at_ms(1000));
    assert_eq!((refused.retry_after_ms(), refused.remaining), (200, 0));
    assert_eq!(refused.reset, Duration::from_secs(1), "until all of the burst is there again");
    assert!(!cell.admit(rate(), at_ms(1199)).is_admitted());
    assert!(cell.admit(rate(), at_ms(1200)).is_admitted());
    assert!(!cell.admit(rate(), at_ms(1200)).is_admitted());
    let rested = cell.admit(rate(), at_ms(10_000));
    assert_eq!(rested.remaining, RATE_COUNT - 1, "rest is not saved up beyond the burst");
}

#[test]
fn a_refusal_names_the_moment_at_which_it_is_admitted() {
    let mut cell = Cell::default();
    while cell.admit(rate(), at_ms(3)).is_admitted() {}
    let wait_ms = u64::from(cell.admit(rate(), at_ms(50)).retry_after_ms());
    assert!(!cell.admit(rate(), at_ms(50 + wait_ms - 1)).is_admitted());
    assert!(cell.admit(rate(), at_ms(50 + wait_ms)).is_admitted());
}

#[test]
fn several_at_once_are_admitted_together_or_not_at_all() {
    let mut cell = Cell::default();
    assert!(cell.admit_many(rate(), 3, at_ms(0)).is_admitted());
    assert!(!cell.admit_many(rate(), 3, at_ms(0)).is_admitted());
    assert!(cell.admit_many(rate(), 2, at_ms(0)).is_admitted());
    let mut other = Cell::default();
    assert!(other.admit_many(rate(), 50, at_ms(0)).is_admitted(), "more than the burst, when nothing came before");
    assert_eq!(other.admit(rate(), at_ms(0)).retry_after_ms(), 9200, "and they are paid for");
}

#[test]
fn zero_is_no_limit() {
    assert_eq!(
        (Rate::per_minute(0), Rate::new(1, Duration::ZERO, 1), Rate::new(1, Duration::MAX, 0)),
        (None, None, None)
    );
}

#[test]
fn who_fills_the_table_does_not_get_an_offender_forgiven() {
    let table = table(WAYS);
    while table.admit(0, at_ms(0)).is_admitted() {}
    for other in 1..1000 {
        table.admit(other, at_ms(0));
    }
    assert!(!table.admit(0, at_ms(0)).is_admitted());
    assert!(table.admit(0, at_ms(INTERVAL_MS)).is_admitted(), "it is admitted when it would have been anyway");
    assert!(table.crowded() > 0 && table.refused() > 0);
}

#[test]
fn keys_that_rest_make_room() {
    let table = table(WAYS);
    for round in 0..50 {
        let keys = (0..WAYS as u16).map(|way| way + round * WAYS as u16);
        assert!(keys.clone().all(|key| table.admit(key, at_ms(u64::from(round) * 1000)).remaining == RATE_COUNT - 1));
    }
    assert_eq!(table.crowded(), 0);
}

/// Requests: (key, milliseconds since the one before).
fn requests() -> impl Strategy<Value = Vec<(u16, u64)>> {
    prop::collection::vec((0_u16..40, prop_oneof![3 => Just(0_u64), 1 => 0_u64..400]), 1..400)
}

/// The first window of some key with more admitted than the burst and the rate allow.
fn excess(requests: &[(u16, u64)], mut admit: impl FnMut(u16, Moment) -> bool) -> Option<String> {
    let mut now_ms = 0;
    let mut admitted: HashMap<u16, Vec<u64>> = HashMap::new();
    for (key, pause_ms) in requests {
        now_ms += pause_ms;
        if !admit(*key, at_ms(now_ms)) {
            continue;
        }
        let times = admitted.entry(*key).or_default();
        times.push(now_ms);
        for (place, from_ms) in times.iter().enumerate() {
            let (count, most) = (times.len() - place, u64::from(RATE_COUNT) + (now_ms - from_ms) / INTERVAL_MS);
            if count as u64 > most {
                return Some(format!("{count} of key {key} in {} ms", now_ms - from_ms));
            }
        }
    }
    None
}

proptest! {
    #[test]
    fn no_key_is_ever_admitted_more_than_burst_and_rate(requests in requests(), keys_max in 1_usize..64) {
        let table = table(keys_max);
        prop_assert_eq!(excess(&requests, |key, now| table.admit(key, now).is_admitted()), None);
    }

    #[test]
    fn a_key_alone_gets_all_of_its_rate(pauses in prop::collection::vec(0_u64..400, 1..200)) {
        let table = table(WAYS);
        let mut times: Vec<u64> = Vec::new();
        let mut now_ms = 0;
        for pause_ms in pauses {
            now_ms += pause_ms;
            let verdict = table.admit(7, at_ms(now_ms));
            if verdict.is_admitted() {
                times.push(now_ms);
            } else {
                // One more would have been too many, in some window that ends here.
                let too_many = |(place, from_ms): (usize, &u64)| {
                    (times.len() - place + 1) as u64 > u64::from(RATE_COUNT) + (now_ms - from_ms) / INTERVAL_MS
                };
                prop_assert!(times.iter().enumerate().any(too_many), "refused at {now_ms} after {times:?}");
            }
        }
    }
}

/// The control: a table that forgets a key when it needs its place admits too much, and the property sees it.
#[test]
fn a_table_that_forgets_is_caught() {
    let requests: Vec<(u16, u64)> = (0..10).flat_map(|_| (0..12).map(|key| (key, 0))).collect();
    let mut cells: HashMap<u16, Cell> = HashMap::new();
    let forgetful = |key: u16, now: Moment| {
        if cells.len() >= WAYS && !cells.contains_key(&key) {
            cells.clear();
        }
        cells.entry(key).or_default().admit(rate(), now).is_admitted()
    };
    assert!(excess(&requests, forgetful).is_some());
    let table = table(WAYS);
    assert_eq!(excess(&requests, |key, now| table.admit(key, now).is_admitted()), None);
}
