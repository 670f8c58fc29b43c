//! Random changes, restarts and reads, compared with a map.

use super::calls::Calls;
use super::space;
use crate::documents::{Change, DocumentRange, Usage};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::ops::Bound;

const ROUNDS: u64 = 40;
const KEYS: u64 = 200;

/// splitmix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn key(&mut self) -> Bytes {
        let n = self.roll(KEYS);
        Bytes::from(format!("k{n}"))
    }

    fn change(&mut self, round: u64) -> Change {
        let key = self.key();
        if self.roll(3) == 0 {
            return Change::Delete(key);
        }
        let length = usize::try_from(self.roll(50)).unwrap();
        Change::Put(key, Bytes::from(format!("{round}{}", "x".repeat(length))))
    }

    fn range(&mut self) -> DocumentRange {
        let to = if self.roll(4) == 0 { None } else { Some(self.key()) };
        let items_max = usize::try_from(self.roll(20)).unwrap() + 1;
        let range = DocumentRange::between(self.key(), to).limited(items_max, usize::MAX);
        if self.roll(2) == 0 { range.reversed() } else { range }
    }
}

fn apply(model: &mut BTreeMap<Bytes, Bytes>, change: &Change) {
    match change {
        Change::Put(key, value) => model.insert(key.clone(), value.clone()),
        Change::Delete(key) => model.remove(key),
    };
}

fn expected(model: &BTreeMap<Bytes, Bytes>, range: &DocumentRange) -> Vec<(Bytes, Bytes)> {
    if range.is_empty() {
        return Vec::new();
    }
    let to = range.to.clone().map_or(Bound::Unbounded, Bound::Excluded);
    let items = model.range((Bound::Included(range.from.clone()), to));
    let mut items: Vec<_> = items.map(|(key, value)| (key.clone(), value.clone())).collect();
    if range.reverse {
        items.reverse();
    }
    items
}

pub(super) fn it_does_what_a_map_does(calls: &Calls) {
    let (mut dice, mut model, at) = (Dice(7), BTreeMap::new(), space(2, 9));
    for round in 0..ROUNDS {
        let changes: Vec<_> = (0..=dice.roll(8)).map(|_| dice.change(round)).collect();
        changes.iter().for_each(|change| apply(&mut model, change));
        let bytes = model.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum();
        let usage = Usage { keys: model.len() as u64, bytes };
        assert_eq!(calls.write(at, changes), Ok(usage), "round {round}");
        match dice.roll(10) {
            0 => calls.harness.settle(),
            1 => drop(calls.harness.reopen()),
            _ => {}
        }
        let range = dice.range();
        assert_eq!(calls.items_of(at, range.clone()), expected(&model, &range), "round {round}: {range:?}");
        let keys: Vec<_> = (0..5).map(|_| dice.key()).collect();
        let values: Vec<_> = keys.iter().map(|key| model.get(key).cloned()).collect();
        assert_eq!(calls.get(at, keys), values, "round {round}");
    }
}
