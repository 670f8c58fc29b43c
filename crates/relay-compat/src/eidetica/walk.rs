//! Which entries of a tree somebody lacks. Numbers go up from parents to children, so one pass from the highest number down
//! meets every child before its parents: what the peer has spreads to parents, and so does what it lacks, until nothing is
//! left that it might lack. Reads outside of turns, a page at a time; a tree only grows, so pages of different moments agree.

use super::record::{Link, TreeName, link_key, link_of};
use super::{ANSWER_BYTES_MAX, ANSWER_ENTRIES_MAX, WALK_ENTRIES_MAX};
use relay_core::documents::{DocumentError, DocumentRange, DocumentStore, Keyspace, Page};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// Entries read at once.
const PAGE_ENTRIES: usize = 2000;

/// Which of more entries than one answer takes are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Keep {
    /// The lowest: they can be stored as they come, and the rest is asked for again.
    Lowest,
    /// The highest, and as many.
    Highest { entries_max: usize },
}

/// Why a walk came to nothing.
#[derive(Debug)]
pub(super) enum WalkError {
    Document(DocumentError),
    /// Over [`WALK_ENTRIES_MAX`].
    TooFar,
}

/// What it found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Walked {
    /// Parents first, no more than an answer takes.
    pub(super) lacking: Vec<Link>,
    /// Whether that is all of it.
    pub(super) is_whole: bool,
}

pub(super) type WalkDone = Box<dyn FnOnce(Result<Walked, WalkError>) + Send>;

/// See the module.
pub(super) struct Walk {
    pub(super) documents: Arc<dyn DocumentStore>,
    pub(super) keyspace: Keyspace,
    pub(super) tree: TreeName,
    /// Entries the peer may lack, with all that comes before them.
    pub(super) lacking: BTreeSet<u64>,
    /// Entries it has, with all that comes before them.
    pub(super) had: BTreeSet<u64>,
    pub(super) keep: Keep,
}

struct Pass {
    walk: Walk,
    /// From the highest down.
    found: VecDeque<Link>,
    found_bytes: u64,
    looked: usize,
    is_whole: bool,
    done: WalkDone,
}

impl Walk {
    /// Tells `done` what is lacking.
    pub(super) fn begin(mut self, done: WalkDone) {
        self.lacking.retain(|number| !self.had.contains(number));
        Pass { walk: self, found: VecDeque::new(), found_bytes: 0, looked: 0, is_whole: true, done }.step();
    }
}

impl Pass {
    fn step(self) {
        let Walk { lacking, had, tree, .. } = &self.walk;
        let Some(highest) = lacking.last().map(|lacks| had.last().map_or(*lacks, |has| *has.max(lacks))) else {
            return self.end();
        };
        if self.looked > WALK_ENTRIES_MAX {
            return (self.done)(Err(WalkError::TooFar));
        }
        let to = link_key(*tree, highest.saturating_add(1));
        let range = DocumentRange::between(link_key(*tree, 0), Some(to)).reversed().limited(PAGE_ENTRIES, usize::MAX);
        let documents = Arc::clone(&self.walk.documents);
        let keyspace = self.walk.keyspace;
        documents.document_scan(
            keyspace,
            range,
            Box::new(move |page| match page {
                Ok(page) => self.take(page),
                Err(error) => (self.done)(Err(WalkError::Document(error))),
            }),
        );
    }

    fn take(mut self, page: Page) {
        if page.items.is_empty() {
            return self.end();
        }
        for (key, value) in &page.items {
            self.looked += 1;
            let Some(link) = link_of(key, value) else { continue };
            let Walk { lacking, had, .. } = &mut self.walk;
            if had.remove(&link.number) {
                lacking.remove(&link.number);
                for parent in link.parents {
                    lacking.remove(&parent);
                    had.insert(parent);
                }
            } else if lacking.remove(&link.number) {
                lacking.extend(link.parents.iter().filter(|parent| !had.contains(parent)));
                if !self.find(link) {
                    return self.end();
                }
            }
            if self.walk.lacking.is_empty() {
                break;
            }
        }
        self.step();
    }

    /// Keeps one; `false` when no more are wanted.
    fn find(&mut self, link: Link) -> bool {
        self.found_bytes += link.bytes;
        self.found.push_back(link);
        match self.walk.keep {
            Keep::Lowest => {
                if self.found.len() > ANSWER_ENTRIES_MAX {
                    self.found.pop_front();
                    self.is_whole = false;
                }
                true
            }
            Keep::Highest { entries_max } => {
                self.found.len() < entries_max && self.found_bytes < ANSWER_BYTES_MAX as u64
            }
        }
    }

    fn end(self) {
        let Self { found, walk, mut is_whole, done, .. } = self;
        let mut lacking: Vec<Link> = found.into_iter().rev().collect();
        if walk.keep == Keep::Lowest {
            let mut bytes = 0_u64;
            let fitting = lacking.iter().take_while(|link| {
                let fits = bytes == 0 || bytes + link.bytes <= ANSWER_BYTES_MAX as u64;
                bytes += link.bytes.max(1);
                fits
            });
            let count = fitting.count();
            is_whole &= count == lacking.len();
            lacking.truncate(count);
        }
        done(Ok(Walked { lacking, is_whole }));
    }
}
