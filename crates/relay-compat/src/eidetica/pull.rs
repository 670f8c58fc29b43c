//! `SyncTree` (B and C): the whole of a tree for who has nothing of it, and what is lacking for who has something. All of it is
//! read outside of turns; only a proof takes one, because it is good once.

use super::answer::Refused;
use super::authority::{self, Rule};
use super::entry::{dialect_of_id, is_id};
use super::proof::{self, Proven, Standing};
use super::record::{Known, Link, Tree, TreeName, data_prefix, entry_key, known, number_of, tips_prefix, tree_key};
use super::send::{self, Bodies};
use super::service::Exchange;
use super::walk::{Keep, Walk, WalkError, Walked};
use super::wire::SyncTree;
use super::{ANSWER_BYTES_MAX, ANSWER_ENTRIES_MAX, TIPS_SENT_MAX};
use bytes::Bytes;
use relay_core::documents::{DocumentError, DocumentRange, Page, turn};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

impl From<WalkError> for Refused {
    fn from(error: WalkError) -> Self {
        match error {
            WalkError::Document(error) => error.into(),
            WalkError::TooFar => Self::Said("the tips are too far apart for one answer".to_owned()),
        }
    }
}

/// One request on its way.
struct Pull {
    exchange: Exchange,
    request: SyncTree,
    name: TreeName,
    tree: Tree,
    rule: Option<Rule>,
    /// Tips of who asks that are known here.
    had: BTreeMap<u64, String>,
}

/// Answers a request.
pub(super) fn sync_tree(request: SyncTree, exchange: Exchange) {
    let dialect = dialect_of_id(&request.tree_id);
    if !is_id(&request.tree_id, dialect) {
        return exchange.end(Err(Refused::Said("Invalid ID format: the tree".to_owned())));
    }
    let name = TreeName::of(&request.tree_id);
    let mut keys = vec![tree_key(name), authority::key_of_rule(name)];
    keys.extend(request.our_tips.iter().filter(|tip| is_id(tip, dialect)).map(|tip| entry_key(tip)));
    let (documents, keyspace) = (exchange.documents(), exchange.keyspace);
    let asked = keys.clone();
    documents.document_get(
        keyspace,
        keys,
        Box::new(move |values| match values {
            Ok(values) => Pull::new(exchange, request, name, &asked, &values).admit(),
            Err(error) => exchange.end(Err(error.into())),
        }),
    );
}

impl Pull {
    fn new(exchange: Exchange, request: SyncTree, name: TreeName, keys: &[Bytes], values: &[Option<Bytes>]) -> Self {
        let tree = values.first().and_then(|value| Tree::read(value.as_ref()?)).unwrap_or_default();
        let rule = values.get(1).and_then(|value| authority::read_rule(value.as_ref()?));
        let mut had = BTreeMap::new();
        for (key, value) in keys.iter().zip(values).skip(2) {
            let id = key.get(1..).and_then(|id| std::str::from_utf8(id).ok()).unwrap_or_default();
            match value.as_ref().and_then(|value| known(id, value)) {
                Some(Known::Placed { tree, number }) if tree == name => drop(had.insert(number, id.to_owned())),
                _ => {}
            }
        }
        Self { exchange, request, name, tree, rule, had }
    }

    /// Lets who may read go on.
    fn admit(self) {
        let shared = Arc::clone(&self.exchange.shared);
        let needs_proof = proof::is_needed(&self.exchange, &self.tree, self.rule.as_ref());
        let now_ms = shared.clock.now_ms();
        match &self.request.auth {
            None if needs_proof => self.exchange.end(Err(Refused::Said(proof::missing(&self.request.tree_id)))),
            None => self.serve(),
            Some(given) => match proof::judge(&shared.key, &self.request, given, now_ms) {
                Ok(proven) => self.spend(proven, needs_proof, now_ms),
                Err(words) => self.exchange.end(Err(Refused::Said(words))),
            },
        }
    }

    fn spend(self, proven: Proven, needs_proof: bool, now_ms: u64) {
        let (documents, keyspace, tree) = (self.exchange.documents(), self.exchange.keyspace, self.tree.clone());
        let key = proven.key;
        let run = move |documents: &mut dyn relay_core::documents::Documents| proven.spend(documents, &tree, now_ms);
        turn(&*documents, keyspace, self.request.tree_id.len(), run, move |standing| match standing {
            Ok(Standing::Spent) => self.exchange.end(Err(Refused::Said(proof::spent()))),
            Ok(Standing::Fresh { may_read: false }) if needs_proof => {
                let tree_id = &self.request.tree_id;
                let words = format!("Permission denied: key {} is not authorized to read {tree_id}", key.text());
                self.exchange.end(Err(Refused::Said(words)));
            }
            Ok(Standing::Fresh { .. }) => self.serve(),
            Err(error) => self.exchange.end(Err(error.into())),
        });
    }

    fn serve(self) {
        match (self.tree.entries, self.request.our_tips.is_empty()) {
            (0, true) => {
                let words = format!("Tree not found: {}", self.request.tree_id);
                self.exchange.end(Err(Refused::Said(words)));
            }
            // Whoever has something of a tree that nobody brought yet sends all of it then.
            (0, false) => self.exchange.end_read(send::incremental(&self.request.tree_id, &[], &[])),
            (_, true) => {
                let range = DocumentRange::prefix(data_prefix(self.name));
                self.whole(Vec::new(), 0, range);
            }
            (_, false) => self.lacking(),
        }
    }

    /// The tree from its root on, page by page.
    fn whole(self, mut bodies: Bodies, bytes: usize, range: DocumentRange) {
        let documents = self.exchange.documents();
        let limited = range.limited(ANSWER_ENTRIES_MAX - bodies.len(), ANSWER_BYTES_MAX - bytes);
        documents.document_scan(
            self.exchange.keyspace,
            limited.clone(),
            Box::new(move |page| match page {
                Ok(Page { items, more }) => {
                    let last = items.last().map(|(key, _)| key.clone());
                    let bytes = bytes + items.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
                    bodies.extend(items.into_iter().map(|(_, value)| value));
                    match last.filter(|_| more && bytes < ANSWER_BYTES_MAX && bodies.len() < ANSWER_ENTRIES_MAX) {
                        Some(last) => self.whole(bodies, bytes, limited.after(&last)),
                        None => self.exchange.end_read(send::bootstrap(&self.request.tree_id, &bodies)),
                    }
                }
                Err(error) => self.exchange.end(Err(error.into())),
            }),
        );
    }

    fn lacking(self) {
        let documents = self.exchange.documents();
        let range = DocumentRange::prefix(tips_prefix(self.name)).limited(TIPS_SENT_MAX, usize::MAX);
        documents.document_scan(
            self.exchange.keyspace,
            range,
            Box::new(move |page| match page {
                Ok(page) => self.walk(tips_of(&page)),
                Err(error) => self.exchange.end(Err(error.into())),
            }),
        );
    }

    fn walk(self, tips: Vec<(u64, String)>) {
        let walk = Walk {
            documents: self.exchange.documents(),
            keyspace: self.exchange.keyspace,
            tree: self.name,
            lacking: tips.iter().map(|(number, _)| *number).collect(),
            had: self.had.keys().copied().collect(),
            keep: Keep::Lowest,
        };
        walk.begin(Box::new(move |walked| match walked {
            Ok(walked) => self.send(tips, walked),
            Err(error) => self.exchange.end(Err(error.into())),
        }));
    }

    fn send(self, tips: Vec<(u64, String)>, walked: Walked) {
        let Walked { lacking, is_whole } = walked;
        let their_tips =
            if is_whole { tips.into_iter().map(|(_, id)| id).collect() } else { told_tips(&lacking, &self.had) };
        let numbers = lacking.iter().map(|link| link.number).collect();
        let (documents, keyspace, name) = (self.exchange.documents(), self.exchange.keyspace, self.name);
        let done = move |bodies: Result<Bodies, DocumentError>| match bodies {
            Ok(bodies) => {
                let body = send::incremental(&self.request.tree_id, &their_tips, &bodies);
                self.exchange.end_read(body);
            }
            Err(error) => self.exchange.end(Err(error.into())),
        };
        send::fetch(documents, keyspace, name, numbers, Box::new(done));
    }
}

/// The tips of a page of them.
pub(super) fn tips_of(page: &Page) -> Vec<(u64, String)> {
    let tip = |(key, id): &(Bytes, Bytes)| Some((number_of(key)?, std::str::from_utf8(id).ok()?.to_owned()));
    page.items.iter().filter_map(tip).collect()
}

/// The tips of what who asks has after this answer. Were it told the tips of the whole tree, it would send back all it has,
/// because it cannot know that they come after its own.
fn told_tips(sent: &[Link], had: &BTreeMap<u64, String>) -> Vec<String> {
    let parents: BTreeSet<u64> = sent.iter().flat_map(|link| link.parents.iter().copied()).collect();
    let had = had.iter().map(|(number, id)| (*number, id.as_str()));
    let sent = sent.iter().map(|link| (link.number, link.id.as_str()));
    had.chain(sent).filter(|(number, _)| !parents.contains(number)).map(|(_, id)| id.to_owned()).collect()
}
