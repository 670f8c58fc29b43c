//! Leaves, roots, compact ranges, inclusion paths.

use super::fixtures::*;
use relay_proto::Hash;
use relay_proto::merkle::{CompactRange, Genesis, LogFold, entry_leaf, inclusion_path};
use serde_json::{Value, json};

/// Sizes with all hashes of the compact range: the small ones, and some around powers of two.
const SIZES: [u64; 28] =
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 63, 64, 65, 127, 255, 1000, 1025];

/// `merkle.json`.
pub(crate) fn vector() -> Value {
    json!({
        "description": "RFC 9162 trees. Leaf i of the plain trees is SHA-256(\"vector leaf\" || i as u64). A log's tree \
                        starts with its genesis leaf.",
        "leaves_0_to_4": hexes((0..5).map(leaf)),
        "trees": SIZES.into_iter().map(tree).collect::<Vec<_>>(),
        "paths": paths(),
        "genesis": genesis(),
        "entry_leaf": {
            "device": hex(device(1).device()), "push_seq": 1, "key_epoch": 1, "sealed": hex(sealed(1)),
            "entry_id": hex(entry(1)), "leaf": hex(entry_leaf(&device(1).device(), 1, 1, &entry(1))),
        },
        "log": log(),
    })
}

fn tree(size: u64) -> Value {
    let mut range = CompactRange::new();
    (0..size).for_each(|i| range.push(leaf(i)));
    json!({ "leaves": size, "root": range.root().map(hex), "range": hexes(range.hashes()) })
}

fn paths() -> Vec<Value> {
    let cases = [(1, 0), (2, 1), (3, 2), (5, 0), (5, 4), (7, 3), (20, 16), (20, 19)];
    cases
        .into_iter()
        .map(|(size, index)| {
            let leaves: Vec<Hash> = (0..size).map(leaf).collect();
            let at = usize::try_from(index).expect("a small index");
            let path = inclusion_path(&leaves, at).expect("an index inside the tree");
            json!({ "leaves": size, "index": index, "leaf": hex(leaf(index)), "path": hexes(path) })
        })
        .collect()
}

fn genesis() -> Vec<Value> {
    let first = Genesis::first(space(), log_id());
    let later = Genesis { log_epoch: TIME_MS, base_size: 3, base_head: log_of_three().head(), ..first };
    [first, later]
        .into_iter()
        .map(|g| {
            json!({
                "space": hex(g.space), "log_id": hex(g.log_id), "log_epoch": g.log_epoch, "base_size": g.base_size,
                "base_head": hex(g.base_head), "leaf": hex(g.leaf()),
            })
        })
        .collect()
}

fn log() -> Value {
    let mut fold = LogFold::new(&Genesis::first(space(), log_id()));
    let mut heads = vec![json!({ "size": 0, "head": hex(fold.head()), "range": hexes(fold.hashes()) })];
    for i in 1..=3 {
        fold.extend([entry_leaf(&device(1).device(), u64::from(i), 1, &entry(i))]);
        heads.push(json!({
            "size": fold.size(), "sealed": hex(sealed(i)), "head": hex(fold.head()), "range": hexes(fold.hashes()),
        }));
    }
    json!({
        "space": hex(space()), "log_id": hex(log_id()), "log_epoch": 1, "device": hex(device(1).device()),
        "key_epoch": 1, "heads": heads,
    })
}
