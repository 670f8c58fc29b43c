//! Purging a log and erasing a space: intent first, then the bytes, then the answer (`docs/storage.md`, "Erasing").
//!
//! An intent is a file in `erased/` that is durable before anything else happens. From then on an erased space is unknown to
//! every call, whatever else fails: what a crash or an error interrupts is done again, at the latest by the next start.
//! Only sealed segments are overwritten, so a round first ends the open one; a redo file makes the overwriting of each segment
//! whole or nothing.

pub(crate) mod files;
mod redo;
mod round;
mod scrub;
mod start;
mod tombstones;
mod wipe;

pub(crate) use files::Held;
pub(crate) use round::EraserParts;
pub(crate) use start::{finish_pending, settle};
pub(crate) use tombstones::Tombstones;
use wipe::wipe_unfinished;
pub(crate) use wipe::{wipe_dir, wipe_file};

use crate::data_dir::DirError;
use crate::shared::add;
use crate::space::Space;
use crate::vfs::Vfs;
use files::PendingPurge;
use relay_core::erasure::{PurgePoint, Tombstone};
use relay_core::store::{Completion, StoreError};
use relay_proto::erasure::ErasureReason;
use relay_proto::ids::SpaceId;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Name of the directory of intents and tombstones.
pub(crate) const ERASED_DIR: &str = "erased";
/// Most purges and erasures that wait for their round; beyond it they are refused as overloaded.
const ORDERS_MAX: usize = 1024;
/// Shortest time between two rounds, each of which ends a segment, in milliseconds; what comes meanwhile shares the next one.
const ROUND_PAUSE_MS: u64 = 1000;
/// Looks of the reclaim thread that are left out after a round failed.
const LOOKS_AFTER_FAILURE: u32 = 10;

/// The names in a directory; none when there is none.
fn names(vfs: &dyn Vfs, dir: &Path) -> Result<Vec<String>, DirError> {
    match vfs.read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => Ok(entries.map_err(DirError::io("list", dir))?.into_iter().map(|entry| entry.name).collect()),
    }
}

/// What is to be done about one space.
enum Aim {
    Erase(Tombstone),
    Purge(PendingPurge),
}

/// One space's order, until it is done.
struct Order {
    aim: Aim,
    /// Whether its file is durable.
    durable: bool,
    waiting: Vec<Completion<()>>,
}

#[derive(Default)]
struct Orders {
    open: BTreeMap<SpaceId, Order>,
    /// A round is under way.
    running: bool,
    /// It waits for segments to be sealed.
    seals: bool,
    /// Looks to leave out.
    pause: u32,
    /// When the last round began, by the wall clock.
    began_ms: Option<u64>,
}

/// See the module.
pub(crate) struct Eraser {
    parts: EraserParts,
    orders: Mutex<Orders>,
}

impl Eraser {
    /// Goes on with the purges that an earlier run left.
    pub(crate) fn new(parts: EraserParts, purges: Vec<PendingPurge>) -> Arc<Self> {
        let order =
            |purge: PendingPurge| (purge.space, Order { aim: Aim::Purge(purge), durable: true, waiting: vec![] });
        let orders = Orders { open: purges.into_iter().map(order).collect(), ..Orders::default() };
        Arc::new(Self { parts, orders: Mutex::new(orders) })
    }

    fn lock(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Orders a purge; it is answered when its round is over.
    pub(crate) fn purge(self: &Arc<Self>, known: &Space, point: &PurgePoint, done: Completion<()>) {
        if let Err(error) = self.parts.shared.writable() {
            return done(Err(error));
        }
        let space = known.id;
        let judged = {
            let state = known.lock();
            let shown = point.size <= state.shown.size;
            state.ledger.check_purge(point).map(|()| shown)
        };
        match judged {
            Ok(true) => self.order(space, Aim::Purge(PendingPurge { space, floor: point.size + 1 }), done),
            // A group is on its way to disk: nobody can have seen that entry.
            Ok(false) => done(Err(StoreError::Refused(relay_core::store::Refusal::PurgeInvalid))),
            Err(refusal) => done(Err(StoreError::Refused(refusal))),
        }
    }

    /// Answers for a space that has a tombstone, once nothing is left of it; gives `done` back when it has none.
    pub(crate) fn erase_again(self: &Arc<Self>, space: SpaceId, done: Completion<()>) -> Option<Completion<()>> {
        let shared = &self.parts.shared;
        if let Err(error) = shared.writable() {
            done(Err(error));
            return None;
        }
        match shared.tombstones.get(space, shared.wall_clock.now_ms()) {
            Some(gone) if gone.notice.done => done(Ok(())),
            Some(gone) => self.order(space, Aim::Erase(gone), done),
            None => return Some(done),
        }
        None
    }

    /// Orders an erasure; it is answered when its round is over.
    pub(crate) fn erase(self: &Arc<Self>, known: &Space, reason: ErasureReason, done: Completion<()>) {
        let shared = &self.parts.shared;
        if let Err(error) = shared.writable() {
            return done(Err(error));
        }
        let judged = {
            let state = known.lock();
            state
                .ledger
                .check_erasure(&reason)
                .map(|()| Tombstone::of(&state.ledger, reason, shared.wall_clock.now_ms()))
        };
        match judged {
            Ok(tombstone) => self.order(known.id, Aim::Erase(tombstone), done),
            Err(refusal) => done(Err(StoreError::Refused(refusal))),
        }
    }

    fn order(self: &Arc<Self>, space: SpaceId, aim: Aim, done: Completion<()>) {
        let mut orders = self.lock();
        if orders.open.len() >= ORDERS_MAX && !orders.open.contains_key(&space) {
            drop(orders);
            add(&self.parts.shared.counters.overloaded, 1);
            return done(Err(StoreError::Overloaded));
        }
        orders.pause = 0;
        match orders.open.entry(space) {
            Entry::Vacant(place) => {
                place.insert(Order { aim, durable: false, waiting: vec![done] });
            }
            Entry::Occupied(mut held) => {
                held.get_mut().take(aim);
                held.get_mut().waiting.push(done);
            }
        }
        drop(orders);
        self.go_on(ROUND_PAUSE_MS);
    }

    /// Begins a round when something waits, none is under way and none began just now; the reclaim thread looks once a second.
    fn go_on(self: &Arc<Self>, pause_ms: u64) {
        let now_ms = self.parts.shared.wall_clock.now_ms();
        let mut orders = self.lock();
        let is_early = orders.began_ms.is_some_and(|began_ms| now_ms.abs_diff(began_ms) < pause_ms);
        if orders.running || orders.open.is_empty() || is_early {
            return;
        }
        orders.running = true;
        orders.began_ms = Some(now_ms);
        drop(orders);
        round::begin(Arc::clone(self));
    }

    /// A look of the reclaim thread: what failed is tried again from time to time.
    pub(crate) fn look(self: &Arc<Self>) {
        let mut orders = self.lock();
        if orders.pause > 0 {
            orders.pause -= 1;
            return;
        }
        drop(orders);
        if self.parts.shared.writable().is_ok() {
            self.go_on(0);
        }
    }

    /// Does one step that waits, in a store without threads.
    #[cfg(feature = "testing")]
    pub(crate) fn turn(self: &Arc<Self>) -> bool {
        let may_begin = self.lock().pause == 0;
        if may_begin {
            self.go_on(0);
        }
        self.parts.worker.turn()
    }

    /// Whether a round waits for segments to be sealed.
    #[cfg(feature = "testing")]
    pub(crate) fn seals(&self) -> bool {
        self.lock().seals
    }

    /// Finishes the step under way, then stops; what is left is done at the next start.
    pub(crate) fn stop(&self) {
        self.parts.worker.stop();
    }
}

impl Order {
    /// Takes a newer aim of the same space: an erasure over a purge, the greater of two purges.
    fn take(&mut self, aim: Aim) {
        match (&self.aim, &aim) {
            (Aim::Erase(_), _) => {}
            (Aim::Purge(held), Aim::Purge(newer)) if newer.floor <= held.floor => {}
            _ => {
                self.aim = aim;
                self.durable = false;
            }
        }
    }
}
