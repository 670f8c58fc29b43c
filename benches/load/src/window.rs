//! The measured window: a warm-up before it, then CPU time at both of its ends.

use crate::args::Args;
use crate::clock::{SECOND_NS, seconds_to_ns};
use crate::cpu::{own_cpu_seconds, tree_cpu_seconds};
use crate::number::to_f64;

/// Shares of the window that go before it, and the longest.
const WARM_UP_SHARE: u64 = 5;
const WARM_UP_NS_MAX: u64 = SECOND_NS / 2;
/// How long answers are waited for after the end.
const DRAIN_NS: u64 = 5 * SECOND_NS;

#[derive(Clone, Copy, Debug)]
struct Mark {
    at_ns: u64,
    own_cpu: f64,
    server_cpu: f64,
}

/// Where in a run we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Not counted yet.
    WarmUp,
    /// Counted.
    Measured,
    /// Nothing more is sent.
    Drain,
    /// Waiting has no use any more.
    Over,
}

/// What the window came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) wall_seconds: f64,
    pub(crate) own_cpu_seconds: f64,
    pub(crate) server_cpu_seconds: f64,
}

/// The window of one run.
#[derive(Debug)]
pub(crate) struct Window {
    server_pid: Option<u32>,
    from_ns: u64,
    until_ns: u64,
    opened: Option<Mark>,
    closed: Option<Mark>,
}

impl Window {
    pub(crate) fn new(args: &Args, now_ns: u64) -> Self {
        let length = seconds_to_ns(args.seconds);
        let from_ns = now_ns.saturating_add((length / WARM_UP_SHARE).min(WARM_UP_NS_MAX));
        let until_ns = from_ns.saturating_add(length);
        Self { server_pid: args.server_pid, from_ns, until_ns, opened: None, closed: None }
    }

    /// Notes the ends as they pass. To be called once per turn.
    pub(crate) fn phase(&mut self, now_ns: u64) -> Phase {
        if now_ns < self.from_ns {
            return Phase::WarmUp;
        }
        if self.opened.is_none() {
            self.opened = Some(self.mark(now_ns));
        }
        if now_ns < self.until_ns {
            return Phase::Measured;
        }
        if self.closed.is_none() {
            self.closed = Some(self.mark(now_ns));
        }
        if now_ns < self.until_ns.saturating_add(DRAIN_NS) { Phase::Drain } else { Phase::Over }
    }

    fn mark(&self, at_ns: u64) -> Mark {
        Mark { at_ns, own_cpu: own_cpu_seconds(), server_cpu: self.server_pid.map_or(0.0, tree_cpu_seconds) }
    }

    /// The window, once it is closed.
    pub(crate) fn span(&self) -> Option<Span> {
        let (opened, closed) = (self.opened?, self.closed?);
        Some(Span {
            wall_seconds: to_f64(closed.at_ns.saturating_sub(opened.at_ns)) / to_f64(SECOND_NS),
            own_cpu_seconds: closed.own_cpu - opened.own_cpu,
            server_cpu_seconds: closed.server_cpu - opened.server_cpu,
        })
    }
}
