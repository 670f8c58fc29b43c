//! What one request brings: every entry judged in its dialect, and parents put before their children.

use super::entry::{Dialect, Entry, Told, told};
use super::wire::WireEntry;
use std::collections::{HashMap, VecDeque};

/// Entries that may be stored, and how many may not.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Parents before children.
    pub(super) entries: Vec<Entry>,
    /// Why the first one that is refused is.
    pub(super) first_refusal: Option<String>,
    pub(super) refused: usize,
}

/// Judges and orders. The first entry of a tree of A or B names no id; what the others of its request name decides, and where
/// nothing does it is kept as both, because its peers will compute one of the two.
pub(super) fn batch(wire: &[WireEntry]) -> Batch {
    let tells: Vec<Told> = wire.iter().map(told).collect();
    let has = |dialect| tells.contains(&Told::Dialect(dialect));
    let of_unnamed: &[Dialect] = match (has(Dialect::A), has(Dialect::B)) {
        (true, false) => &[Dialect::A],
        (false, true) => &[Dialect::B],
        _ => &[Dialect::A, Dialect::B],
    };
    let mut batch = Batch::default();
    let mut judged = Vec::with_capacity(wire.len());
    for (index, (entry, told)) in wire.iter().zip(&tells).enumerate() {
        let dialects = match told {
            Told::Dialect(dialect) => std::slice::from_ref(dialect),
            Told::Nothing => of_unnamed,
            Told::Both => &[],
        };
        let all: Result<Vec<Entry>, _> = dialects.iter().map(|dialect| Entry::judge(entry, *dialect)).collect();
        match all {
            Ok(entries) if !entries.is_empty() => judged.extend(entries),
            refused => {
                let reason = refused.err().unwrap_or("it names ids of two dialects");
                batch.refused += 1;
                batch.first_refusal.get_or_insert_with(|| format!("entry {index} of the request: {reason}"));
            }
        }
    }
    batch.entries = parents_first(judged);
    batch
}

/// Each entry once, behind those of its parents that are there.
fn parents_first(entries: Vec<Entry>) -> Vec<Entry> {
    let mut places = HashMap::with_capacity(entries.len());
    for (place, entry) in entries.iter().enumerate() {
        places.entry(entry.id.clone()).or_insert(place);
    }
    let mut children = vec![Vec::new(); entries.len()];
    let mut parents_ahead = vec![0_usize; entries.len()];
    for (place, entry) in entries.iter().enumerate() {
        for parent in entry.parents.iter().filter_map(|parent| places.get(parent)) {
            if let (Some(children), Some(ahead)) = (children.get_mut(*parent), parents_ahead.get_mut(place)) {
                children.push(place);
                *ahead += 1;
            }
        }
    }
    let is_first = |place: &usize, entry: &Entry| places.get(&entry.id) == Some(place);
    let mut entries: Vec<Option<Entry>> =
        entries.into_iter().enumerate().map(|(place, entry)| is_first(&place, &entry).then_some(entry)).collect();
    let mut ready: VecDeque<usize> =
        parents_ahead.iter().enumerate().filter(|(_, ahead)| **ahead == 0).map(|(place, _)| place).collect();
    let mut ordered = Vec::with_capacity(entries.len());
    while let Some(place) = ready.pop_front() {
        ordered.extend(entries.get_mut(place).and_then(Option::take));
        for child in children.get(place).into_iter().flatten() {
            let Some(ahead) = parents_ahead.get_mut(*child) else { continue };
            *ahead -= 1;
            if *ahead == 0 {
                ready.push_back(*child);
            }
        }
    }
    // A hash cannot name itself; where ids are not hashes, whoever does so waits for ever.
    ordered.extend(entries.into_iter().flatten());
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn entry(root: &str, parents: &[&str], data: &str) -> Value {
        json!({"tree": {"root": root, "parents": parents, "metadata": null},
            "subtrees": [{"name": "s", "parents": [], "data": data}], "sig": {"sig": null, "key": ""}})
    }

    fn root() -> Value {
        json!({"tree": {"root": "", "parents": [], "metadata": null},
            "subtrees": [{"name": "_root", "parents": [], "data": ""}], "sig": {"sig": null, "key": ""}})
    }

    fn batch_of(entries: &[Value]) -> Batch {
        batch(&entries.iter().map(|entry| serde_json::from_value(entry.clone()).unwrap()).collect::<Vec<_>>())
    }

    #[test]
    fn parents_come_first_and_each_entry_once() {
        let first = batch_of(&[entry("t", &[], "1")]).entries.remove(0).id;
        let second = batch_of(&[entry("t", &[&first], "2")]).entries.remove(0).id;
        let third = entry("t", &[&second, &first, &second], "3");
        let shuffled = [third, entry("t", &[&first], "2"), entry("t", &[], "1"), entry("t", &[], "1")];
        let ordered = batch_of(&shuffled).entries;
        let ids: Vec<_> = ordered.iter().map(|entry| entry.id.as_str()).collect();
        assert_eq!(ids[..2], [first.as_str(), second.as_str()]);
        assert_eq!((ids.len(), ordered[2].parents.len()), (3, 2));
    }

    #[test]
    fn a_root_is_of_the_dialect_of_its_request_or_of_both() {
        let hash = "0".repeat(64);
        let dialects = |entries: &[Value]| {
            let batch = batch_of(entries);
            (
                batch.entries.iter().filter(|entry| entry.tree == entry.id).count(),
                batch.entries.last().unwrap().id.len(),
            )
        };
        assert_eq!(dialects(&[root()]).0, 2);
        assert_eq!(dialects(&[entry(&hash, &[&hash], ""), root()]), (1, 64));
        let prefixed = format!("sha256:{hash}");
        assert_eq!(dialects(&[entry(&prefixed, &[&prefixed], ""), root()]), (1, 71));
        let mixed = batch_of(&[entry(&prefixed, &[&hash], "")]);
        assert_eq!((mixed.entries.len(), mixed.refused), (0, 1));
        assert_eq!(mixed.first_refusal.as_deref(), Some("entry 0 of the request: it names ids of two dialects"));
    }
}
