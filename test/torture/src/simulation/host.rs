//! The relay's process on its simulated disk: starts, serves connections by hand, is killed, loses power, is restored.

use super::plan::Plan;
use super::truth::Unasked;
use super::watched::{Announced, Announcements, Lie, Watched, lock};
use bytes::Bytes;
use relay_core::endpoint::{Endpoint, EndpointFactory, Moment, Opened, Outbound, Outbox};
use relay_core::relay::{Relay, RelayParts};
use relay_core::store::Store;
use relay_core::testing::{SeededEntropy, SetClock, WALL_START_MS};
use relay_proto::ids::LogId;
use relay_store::embedded::by_hand::Part;
use relay_store::vfs::sim::SimVfs;
use relay_store::{EmbeddedStore, OpenError, StoreEnvironment, StoreOptions, log_reset};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

const DATA_DIR: &str = "/srv/relay";

/// What an endpoint says, until the world takes it to the wire.
pub(crate) struct Queue {
    pub(crate) frames: Vec<Bytes>,
    pub(crate) closed: bool,
    pub(crate) paused: bool,
    room: usize,
}

impl Outbox for Queue {
    fn room_bytes(&self) -> usize {
        self.room
    }

    fn push(&mut self, message: Outbound) {
        if self.closed {
            return;
        }
        let frame = match message {
            Outbound::Own(frame) => frame,
            Outbound::Shared(shared) => shared.frame(),
        };
        self.room = self.room.saturating_sub(frame.len());
        self.frames.push(frame);
    }

    fn close(&mut self, _close: relay_core::endpoint::Close) {
        self.closed = true;
    }

    fn pause_reading(&mut self, paused: bool) {
        self.paused = paused;
    }
}

/// One connection as the relay serves it.
struct Served {
    endpoint: Box<dyn Endpoint>,
    queue: Queue,
    /// Held by the session and by whoever may still answer it.
    waker: Weak<dyn Fn() + Send + Sync>,
}

struct Process {
    store: Arc<Watched>,
    relay: Arc<Relay>,
    began_us: u64,
    served: BTreeMap<u64, Served>,
    /// Wakers of connections that were closed: nobody may hold them once the store answered everything.
    released: Vec<Weak<dyn Fn() + Send + Sync>>,
}

/// See the module.
pub(crate) struct Host {
    pub(crate) vfs: SimVfs,
    clock: Arc<SetClock>,
    /// What the wall clock is ahead of the true time, in milliseconds.
    pub(crate) clock_ahead_ms: i64,
    entropy: Arc<SeededEntropy>,
    process: Option<Process>,
    plan: Plan,
    lie: Lie,
    woken: Arc<Mutex<Vec<u64>>>,
    announced: Announcements,
}

impl Host {
    pub(crate) fn new(plan: Plan, lie: Lie) -> Self {
        Self {
            vfs: SimVfs::new(),
            clock: Arc::new(SetClock::default()),
            clock_ahead_ms: 0,
            entropy: Arc::new(SeededEntropy::new(plan.seed)),
            process: None,
            plan,
            lie,
            woken: Arc::default(),
            announced: Arc::default(),
        }
    }

    /// Lets the wall clock follow the true time.
    pub(crate) fn set_time(&self, now_us: u64) {
        let true_ms = WALL_START_MS + now_us / 1000;
        self.clock.set(true_ms.saturating_add_signed(self.clock_ahead_ms));
    }

    fn environment(&self, vfs: &SimVfs) -> StoreEnvironment {
        StoreEnvironment {
            vfs: Arc::new(vfs.clone()),
            entropy: Arc::clone(&self.entropy) as Arc<_>,
            wall_clock: Arc::clone(&self.clock) as Arc<_>,
        }
    }

    fn open(&self) -> Result<EmbeddedStore, OpenError> {
        let options = StoreOptions {
            segment_bytes: self.plan.segment_bytes,
            by_hand: true,
            answer_before_write: self.lie == Lie::AnswersEarly,
            ..StoreOptions::new(PathBuf::from(DATA_DIR))
        };
        EmbeddedStore::open(&options, self.environment(&self.vfs))
    }

    /// Starts the process; the relay's part is put together once `check` has seen the store.
    pub(crate) fn start(
        &mut self,
        now_us: u64,
        check: impl FnOnce(&EmbeddedStore) -> Result<(), Unasked>,
    ) -> Result<(), StartError> {
        self.set_time(now_us);
        let store = self.open().map_err(|error| StartError::Failed(error.to_string()))?;
        check(&store)?;
        lock(&self.announced).clear();
        let signer = store.signer();
        let announced = Arc::clone(&self.announced);
        let store = Arc::new(Watched { store, announced, lie: self.lie });
        let relay = Relay::new(RelayParts {
            store: Arc::clone(&store) as Arc<dyn Store>,
            signer: signer as Arc<_>,
            entropy: Arc::clone(&self.entropy) as Arc<_>,
            wall_clock: Arc::clone(&self.clock) as Arc<_>,
            limits: self.plan.limits,
        });
        self.process = Some(Process { store, relay, began_us: now_us, served: BTreeMap::new(), released: Vec::new() });
        Ok(())
    }

    pub(crate) const fn is_up(&self) -> bool {
        self.process.is_some()
    }

    pub(crate) fn log_id(&self) -> Option<LogId> {
        self.process.as_ref().map(|process| process.store.log().log_id)
    }

    pub(crate) fn is_poisoned(&self) -> bool {
        self.process.as_ref().is_some_and(|process| process.store.stats().poisoned > 0)
    }

    pub(crate) fn store(&self) -> Option<&EmbeddedStore> {
        self.process.as_ref().map(|process| &process.store.store)
    }

    pub(crate) fn stats(&self) -> Option<relay_core::relay::RelayStats> {
        self.process.as_ref().map(|process| process.relay.stats())
    }

    /// Ends the process. Its disk answers nothing any more, so nothing of it is written from now on; whatever kept the store
    /// alive beyond its process is named.
    pub(crate) fn kill(&mut self, power_cut: Option<u64>) -> Result<(), String> {
        match power_cut {
            Some(seed) => self.vfs.power_cut(seed),
            None => self.vfs.kill(),
        }
        self.drop_process()
    }

    /// Ends the process in order.
    pub(crate) fn close(&mut self) -> Result<(), String> {
        if let Some(process) = &self.process {
            process.store.close();
        }
        self.drop_process()
    }

    fn drop_process(&mut self) -> Result<(), String> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        for served in process.served.values_mut() {
            served.endpoint.on_closed();
        }
        // What waits in the store holds what waits for it. On a dead disk nothing of it is written.
        process.store.close();
        let store = Arc::downgrade(&process.store);
        drop(process);
        lock(&self.woken).clear();
        lock(&self.announced).clear();
        if store.strong_count() == 0 { Ok(()) } else { Err("a process that ended still holds its store".to_owned()) }
    }

    /// Puts a disk in the place of this one; with `reset` the operator opens a new log epoch, as the guide says.
    pub(crate) fn restore(&mut self, backup: &SimVfs, now_us: u64, reset: bool) -> Result<(), String> {
        self.kill(None)?;
        self.vfs = backup.fork();
        self.set_time(now_us);
        if reset {
            let report = log_reset(Path::new(DATA_DIR), &self.environment(&self.vfs));
            report.map_err(|error| format!("log-reset: {error}"))?;
        }
        Ok(())
    }

    fn moment(process: &Process, now_us: u64) -> Moment {
        Moment(Duration::from_micros(now_us - process.began_us))
    }

    /// Serves a new connection.
    pub(crate) fn accept(&mut self, id: u64, now_us: u64) {
        let woken = Arc::clone(&self.woken);
        let waker: Arc<dyn Fn() + Send + Sync> = Arc::new(move || lock(&woken).push(id));
        let Some(process) = &mut self.process else { return };
        let kept = Arc::downgrade(&waker);
        let now = Self::moment(process, now_us);
        let endpoint = process.relay.open(Opened { connection_id: id, waker }, now);
        let queue = Queue { frames: Vec::new(), closed: false, paused: false, room: 0 };
        process.served.insert(id, Served { endpoint, queue, waker: kept });
    }

    pub(crate) fn serves(&self, id: u64) -> bool {
        self.process.as_ref().is_some_and(|process| process.served.contains_key(&id))
    }

    pub(crate) fn is_paused(&self, id: u64) -> bool {
        let served = self.process.as_ref().and_then(|process| process.served.get(&id));
        served.is_some_and(|served| served.queue.paused || served.queue.closed)
    }

    /// Gives a connection's endpoint a message, or lets it go on; gives what it said.
    pub(crate) fn drive(&mut self, id: u64, message: Option<Bytes>, room: usize, now_us: u64) -> Option<&mut Queue> {
        let process = self.process.as_mut()?;
        let now = Self::moment(process, now_us);
        let served = process.served.get_mut(&id)?;
        served.queue.room = room;
        match message {
            Some(message) if message.len() > served.endpoint.message_bytes_max() => served.queue.closed = true,
            Some(message) => served.endpoint.on_message(message, now, &mut served.queue),
            None => served.endpoint.poll(now, &mut served.queue),
        }
        Some(&mut served.queue)
    }

    /// When a connection wants to be polled whatever happens.
    pub(crate) fn deadline_us(&self, id: u64) -> Option<u64> {
        let process = self.process.as_ref()?;
        let deadline = process.served.get(&id)?.endpoint.next_deadline()?;
        Some(process.began_us + u64::try_from(deadline.0.as_micros()).unwrap_or(u64::MAX))
    }

    /// A connection is gone.
    pub(crate) fn hang_up(&mut self, id: u64) {
        let Some(process) = &mut self.process else { return };
        if let Some(mut served) = process.served.remove(&id) {
            served.endpoint.on_closed();
            process.released.push(served.waker);
        }
    }

    /// Lets a part of the store go on.
    pub(crate) fn turn(&self, part: Part) -> bool {
        self.process.as_ref().is_some_and(|process| process.store.store.turn(part))
    }

    pub(crate) fn sweep(&self, now_us: u64) {
        if let Some(process) = &self.process {
            process.relay.sweep(Self::moment(process, now_us));
        }
    }

    pub(crate) fn take_woken(&self) -> Vec<u64> {
        std::mem::take(&mut *lock(&self.woken))
    }

    pub(crate) fn take_announced(&self) -> Vec<Announced> {
        std::mem::take(&mut *lock(&self.announced))
    }

    /// With no connection left and nothing under way, nothing may be held for any.
    pub(crate) fn check_released(&mut self) -> Result<(), String> {
        let Some(process) = &mut self.process else { return Ok(()) };
        process.store.store.settle();
        if process.released.iter().any(|waker| waker.strong_count() > 0) {
            return Err("a closed session is still held".to_owned());
        }
        process.released.clear();
        let stats = process.relay.stats();
        let gauges = [
            ("connections", stats.connections),
            ("sessions", stats.sessions),
            ("active_spaces", stats.active_spaces),
            ("live_bytes", stats.live_bytes),
            ("ephemeral_bytes", stats.ephemeral_bytes),
            ("pushes_waiting", stats.pushes_waiting),
            ("push_bytes_waiting", stats.push_bytes_waiting),
        ];
        match gauges.iter().find(|(_, value)| *value > 0 && process.served.is_empty()) {
            Some((name, value)) => Err(format!("{name} is {value} without a connection")),
            None => Ok(()),
        }
    }
}

/// Why the process did not start.
pub(crate) enum StartError {
    /// The store could not be opened, or its disk failed before it was asked what it holds: with a full or failing disk that is no lie.
    Failed(String),
    /// What came back breaks a promise.
    Broken(String),
}

impl From<Unasked> for StartError {
    fn from(unasked: Unasked) -> Self {
        match unasked {
            Unasked::Poisoned => Self::Failed("its disk failed at once".to_owned()),
            Unasked::Broken(what) => Self::Broken(what),
        }
    }
}
