//! `GetTips` and `GetEntries` (A). Who pulls in this dialect asks for tips alone and then wants their parents to be there
//! already, so an answer brings the ancestors first.

use super::answer::Refused;
use super::authority;
use super::entry::{Dialect, is_id};
use super::proof;
use super::pull::tips_of;
use super::record::{Known, Tree, TreeName, entry_key, known, tips_prefix, tree_key};
use super::send::{self, Bodies};
use super::service::Exchange;
use super::walk::{Keep, Walk};
use super::wire::{GetEntries, GetTips};
use super::{ANCESTORS_MAX, TIPS_SENT_MAX};
use bytes::Bytes;
use relay_core::documents::DocumentRange;
use std::collections::{BTreeSet, HashMap};

/// Lets a request go on when none of its trees needs a proof: this dialect has no place for one.
fn admit(trees: &[TreeName], exchange: Exchange, go_on: impl FnOnce(Exchange) + Send + 'static) {
    let keys = trees.iter().flat_map(|tree| [tree_key(*tree), authority::key_of_rule(*tree)]).collect();
    let (documents, keyspace) = (exchange.documents(), exchange.keyspace);
    documents.document_get(
        keyspace,
        keys,
        Box::new(move |values| {
            let values = match values {
                Ok(values) => values,
                Err(error) => return exchange.end(Err(error.into())),
            };
            let (pairs, _) = values.as_chunks::<2>();
            let read = |[tree, rule]: &[Option<Bytes>; 2]| {
                let rule = rule.as_ref().and_then(|value| authority::read_rule(value));
                Some((Tree::read(tree.as_ref()?)?, rule))
            };
            let mut trees = pairs.iter().filter_map(read);
            match trees.find(|(tree, rule)| proof::is_needed(&exchange, tree, rule.as_ref())) {
                Some((tree, _)) => exchange.end(Err(Refused::Said(proof::missing(&tree.id)))),
                None => go_on(exchange),
            }
        }),
    );
}

/// Answers with the tips of a tree; none for one that nobody brought yet.
pub(super) fn get_tips(request: GetTips, exchange: Exchange) {
    let tree = TreeName::of(&request.tree_id);
    admit(&[tree], exchange, move |exchange| send_tips(request.tree_id, tree, exchange));
}

fn send_tips(tree_id: String, tree: TreeName, exchange: Exchange) {
    let range = DocumentRange::prefix(tips_prefix(tree)).limited(TIPS_SENT_MAX, usize::MAX);
    let documents = exchange.documents();
    documents.document_scan(
        exchange.keyspace,
        range,
        Box::new(move |page| {
            let tips = page.map(|page| tips_of(&page).into_iter().map(|(_, id)| id).collect::<Vec<_>>());
            exchange.end(tips.map(|tips| send::tips(&tree_id, &tips)).map_err(Refused::from));
        }),
    );
}

/// Answers with entries, and what comes before them.
pub(super) fn get_entries(request: GetEntries, exchange: Exchange) {
    let not_found = |id: &str| Refused::Said(format!("Entry not found: {id}"));
    if let Some(id) = request.entry_ids.iter().find(|id| !is_id(id, Dialect::A)) {
        return exchange.end(Err(not_found(id)));
    }
    let keys = request.entry_ids.iter().map(|id| entry_key(id)).collect();
    let documents = exchange.documents();
    documents.document_get(
        exchange.keyspace,
        keys,
        Box::new(move |values| {
            let values = match values {
                Ok(values) => values,
                Err(error) => return exchange.end(Err(error.into())),
            };
            let mut asked: HashMap<TreeName, BTreeSet<u64>> = HashMap::new();
            for (id, value) in request.entry_ids.iter().zip(values) {
                match value.and_then(|value| known(id, &value)) {
                    Some(Known::Placed { tree, number }) => drop(asked.entry(tree).or_default().insert(number)),
                    _ => return exchange.end(Err(not_found(id))),
                }
            }
            let asked: Vec<_> = asked.into_iter().collect();
            let trees: Vec<_> = asked.iter().map(|(tree, _)| *tree).collect();
            admit(&trees, exchange, |exchange| Gather { exchange, asked, bodies: Vec::new() }.step());
        }),
    );
}

/// Goes through the trees of what was asked for.
struct Gather {
    exchange: Exchange,
    asked: Vec<(TreeName, BTreeSet<u64>)>,
    bodies: Bodies,
}

impl Gather {
    fn step(mut self) {
        let Some((tree, numbers)) = self.asked.pop() else {
            return self.exchange.end_read(send::entries(&self.bodies));
        };
        let walk = Walk {
            documents: self.exchange.documents(),
            keyspace: self.exchange.keyspace,
            tree,
            lacking: numbers.clone(),
            had: BTreeSet::new(),
            keep: Keep::Highest { entries_max: ANCESTORS_MAX },
        };
        walk.begin(Box::new(move |walked| match walked {
            Ok(walked) => {
                // What was asked for is there whatever the limits say of its ancestors.
                let found = walked.lacking.iter().map(|link| link.number);
                let numbers: BTreeSet<u64> = numbers.into_iter().chain(found).collect();
                self.fetch(tree, numbers.into_iter().collect());
            }
            Err(error) => self.exchange.end(Err(error.into())),
        }));
    }

    fn fetch(mut self, tree: TreeName, numbers: Vec<u64>) {
        let (documents, keyspace) = (self.exchange.documents(), self.exchange.keyspace);
        send::fetch(
            documents,
            keyspace,
            tree,
            numbers,
            Box::new(move |bodies| match bodies {
                Ok(bodies) => {
                    self.bodies.extend(bodies);
                    self.step();
                }
                Err(error) => self.exchange.end(Err(error.into())),
            }),
        );
    }
}
