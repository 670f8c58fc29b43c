//! The forgetting sweep: page by page over the spaces, one call of the store at a time.

use super::{Relay, Shared};
use crate::endpoint::Moment;
use crate::forgetting::{Subject, decide};
use crate::limits::{SWEEP_CLOCK_STEP_MS, SWEEP_PAGE_SPACES, SWEEP_PAUSE_MS};
use crate::session::after_ms;
use crate::store::{ForgettingFacts, StoreError};
use relay_proto::erasure::ErasureReason;
use relay_proto::ids::SpaceId;
use relay_proto::roster::Statement;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Keeps a wrong clock from forgetting everything at once: after a start, and after the wall clock stepped forward against
/// the monotonic one, nothing is forgotten for a day.
#[derive(Default)]
pub(crate) struct SweepGuard {
    running: Arc<AtomicBool>,
    clocks: Mutex<Option<Clocks>>,
}

#[derive(Clone, Copy)]
struct Clocks {
    wall_ms: u64,
    moment: Moment,
    not_before: Moment,
}

impl SweepGuard {
    /// How long a sweep may not forget from this moment on, in milliseconds (0: it may now).
    pub(crate) fn pause_ms(&self, now: Moment, wall_ms: u64) -> u64 {
        let mut clocks = self.clocks.lock().unwrap_or_else(PoisonError::into_inner);
        let pause_over = after_ms(now, SWEEP_PAUSE_MS);
        let not_before = match *clocks {
            None => pause_over,
            Some(last) => {
                let passed_ms = u64::try_from(now.0.saturating_sub(last.moment.0).as_millis()).unwrap_or(u64::MAX);
                let stepped_ms = wall_ms.saturating_sub(last.wall_ms).saturating_sub(passed_ms);
                if stepped_ms > SWEEP_CLOCK_STEP_MS { pause_over } else { last.not_before }
            }
        };
        *clocks = Some(Clocks { wall_ms, moment: now, not_before });
        u64::try_from(not_before.0.saturating_sub(now.0).as_millis())
            .map_or(u64::MAX, |ms| ms + u64::from(now < not_before))
    }

    /// Whether a sweep may forget at this moment.
    pub(crate) fn permits(&self, now: Moment, wall_ms: u64) -> bool {
        self.pause_ms(now, wall_ms) == 0
    }
}

impl Relay {
    /// Starts a sweep over all spaces unless one is under way; call it every minute or so. It asks for snapshots that are due
    /// and raises floors, and it runs on in the store's completions.
    pub fn sweep(&self, now: Moment) {
        self.sweep_sponsored();
        let wall_ms = self.shared.wall_clock.now_ms();
        let pause_ms = self.sweep.pause_ms(now, wall_ms);
        if self.sweep.running.swap(true, Ordering::AcqRel) {
            return;
        }
        let sweep = Sweep {
            shared: Arc::clone(&self.shared),
            running: Arc::clone(&self.sweep.running),
            wall_ms,
            pause_ms,
            turn: Mutex::new(Turn { heard: Some(Heard::Start), ..Turn::default() }),
        };
        Arc::new(sweep).go_on();
    }
}

impl Relay {
    /// Ends the sponsored spaces whose time is over. What a wrong clock can do here costs a pairing and nothing else, so it waits for no pause.
    fn sweep_sponsored(&self) {
        let Some(sponsored) = &self.shared.sponsored else { return };
        for space in sponsored.over(self.shared.wall_clock.now_ms()) {
            let (shared, own) = (Arc::clone(&self.shared), Arc::clone(sponsored));
            let done = move |erased: Result<(), StoreError>| match erased {
                // Whoever was told that it went has ended it already; otherwise it was never there, or went before this start.
                Ok(()) | Err(StoreError::UnknownSpace) => {
                    if !own.ended(space) {
                        shared.counters.spaces_expired_total.one();
                    }
                }
                Err(_) => shared.counters.sweep_failures_total.one(),
            };
            self.shared.store.erase(space, ErasureReason::Expired, Box::new(done));
        }
    }
}

/// One sweep. Completions may run inside the call, so they leave what they heard and whoever is in the loop takes it: the
/// stack does not grow with the number of spaces.
struct Sweep {
    shared: Arc<Shared>,
    running: Arc<AtomicBool>,
    wall_ms: u64,
    /// How long nothing may be forgotten yet, in milliseconds.
    pause_ms: u64,
    turn: Mutex<Turn>,
}

#[derive(Default)]
struct Turn {
    in_loop: bool,
    heard: Option<Heard>,
    /// Spaces of the present page that are still to come; the first one is under way.
    page: VecDeque<SpaceId>,
}

enum Heard {
    Start,
    Page(Result<Vec<SpaceId>, StoreError>),
    Facts(Result<ForgettingFacts, StoreError>),
    Trimmed(Result<(), StoreError>),
    Erased(Result<(), StoreError>),
}

/// What becomes of a space.
enum Verdict {
    Stays,
    Trim(u64),
    Expired,
}

enum Next {
    Page(Option<SpaceId>),
    Facts(SpaceId),
    Trim(SpaceId, u64),
    Erase(SpaceId),
    End,
}

impl Drop for Sweep {
    fn drop(&mut self) {
        self.running.store(false, Ordering::Release);
    }
}

impl Sweep {
    fn lock(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(self: Arc<Self>, heard: Heard) {
        self.lock().heard = Some(heard);
        self.go_on();
    }

    fn go_on(self: Arc<Self>) {
        if std::mem::replace(&mut self.lock().in_loop, true) {
            return;
        }
        while let Some(heard) = self.take() {
            let next = self.decide(heard);
            Arc::clone(&self).ask(next);
        }
    }

    /// What was heard since; without anything the loop is left in the same breath.
    fn take(&self) -> Option<Heard> {
        let mut turn = self.lock();
        let heard = turn.heard.take();
        turn.in_loop = heard.is_some();
        heard
    }

    fn decide(&self, heard: Heard) -> Next {
        let counters = &self.shared.counters;
        match heard {
            Heard::Start => Next::Page(None),
            Heard::Page(Ok(spaces)) => {
                let first = spaces.first().copied();
                self.lock().page = spaces.into();
                first.map_or(Next::End, Next::Facts)
            }
            Heard::Page(Err(_)) => {
                counters.sweep_failures_total.one();
                Next::End
            }
            Heard::Facts(Ok(facts)) => {
                counters.sweep_spaces_total.one();
                let space = self.lock().page.front().copied();
                let verdict = space.map_or(Verdict::Stays, |space| self.judge(space, &facts));
                match (space, verdict) {
                    (Some(space), Verdict::Trim(floor)) => Next::Trim(space, floor),
                    (Some(space), Verdict::Expired) => Next::Erase(space),
                    _ => self.next_space(),
                }
            }
            Heard::Erased(Ok(())) => {
                counters.spaces_expired_total.one();
                self.next_space()
            }
            Heard::Trimmed(Ok(())) => {
                counters.sweep_trims_total.one();
                self.tell_tenant();
                self.next_space()
            }
            Heard::Facts(Err(_)) | Heard::Trimmed(Err(_)) | Heard::Erased(Err(_)) => {
                counters.sweep_failures_total.one();
                self.next_space()
            }
        }
    }

    /// The space at hand holds less; so does its tenant.
    fn tell_tenant(&self) {
        let space = self.lock().page.front().copied();
        if let Some((tenants, space)) = self.shared.tenants.as_ref().zip(space) {
            tenants.shrank(space);
        }
    }

    fn next_space(&self) -> Next {
        let mut turn = self.lock();
        let done = turn.page.pop_front();
        turn.page.front().copied().map_or(Next::Page(done), Next::Facts)
    }

    fn ask(self: Arc<Self>, next: Next) {
        let store = Arc::clone(&self.shared.store);
        match next {
            Next::Page(after) => {
                let wall_ms = self.wall_ms;
                store.spaces_due(after, SWEEP_PAGE_SPACES, wall_ms, Box::new(move |page| self.hear(Heard::Page(page))))
            }
            Next::Facts(space) => store.forgetting_facts(space, Box::new(move |facts| self.hear(Heard::Facts(facts)))),
            Next::Trim(space, floor) => {
                store.trim(space, floor, Box::new(move |trimmed| self.hear(Heard::Trimmed(trimmed))))
            }
            Next::Erase(space) => {
                let done = Box::new(move |erased| self.hear(Heard::Erased(erased)));
                store.erase(space, ErasureReason::Expired, done);
            }
            Next::End => {}
        }
    }

    /// What is to go now, if anything; asks for a snapshot on the way, and tells the store when to come back.
    fn judge(&self, space: SpaceId, facts: &ForgettingFacts) -> Verdict {
        let Ok(newest) = Statement::parse(facts.roster.clone()) else { return Verdict::Stays };
        if facts.contacts.is_empty() {
            // Nobody knows when it was last heard of: that is counted from now on.
            self.shared.store.touch(space, space.as_device(), self.wall_ms);
        }
        let log_epoch = self.shared.store.log().log_epoch;
        let subject = Subject { facts, roster: newest.fields(), log_epoch };
        let decision = decide(&subject, &self.shared.limits.forgetting, self.wall_ms);
        if decision.snapshot_due
            && let Some(channel) = self.shared.hub.find(space)
        {
            channel.snapshot_is_due(facts.size);
        }
        let verdict = if decision.expired && self.shared.hub.find(space).is_none() {
            Verdict::Expired
        } else if decision.floor > facts.floor {
            Verdict::Trim(decision.floor)
        } else {
            Verdict::Stays
        };
        let due_ms = match verdict {
            Verdict::Stays => decision.next_ms,
            verdict if self.pause_ms == 0 => return verdict,
            _ => self.wall_ms.saturating_add(self.pause_ms),
        };
        self.shared.store.judged(space, due_ms);
        Verdict::Stays
    }
}
