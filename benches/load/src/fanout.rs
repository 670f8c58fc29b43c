//! Fan-out: in each group one connection sends and all others receive; every receiver must get every message once and in
//! order. One group of many is a broadcast, many groups of one are pairs.

pub(crate) mod connect;
mod publisher;
mod subscriber;

use crate::args::Args;
use crate::clock::Clock;
use crate::failure::Failure;
use crate::histogram::Histogram;
use crate::number::to_f64;
use crate::pace::Pace;
use crate::payload::Payload;
use crate::peer::{Peer, SCRATCH_BYTES};
use crate::relay;
use crate::setup::ignore_interrupt;
use crate::window::{Phase, Span, Window};
use mio::event::Event;
use mio::{Events, Poll};
use publisher::Group;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use subscriber::{Delivered, Samples, Subscriber};

const EVENTS_MAX: usize = 4096;
const TURN_MAX: Duration = Duration::from_millis(10);
/// How late the end of a hold may be seen.
const HOLD_TURN_MAX: Duration = Duration::from_millis(100);

struct Receiver {
    peer: Peer,
    account: Subscriber,
    group: usize,
}

pub(crate) struct Run {
    groups: Vec<Group>,
    receivers: Vec<Receiver>,
    /// Connected, and never read.
    stalled: Vec<Peer>,
    /// What is verified after the run, of the relay's first group.
    samples: Option<Samples>,
    payload: Payload,
}

/// Runs a fan-out and reports.
pub(crate) fn run(args: &Args) -> Result<Value, Failure> {
    let clock = Clock::start();
    let mut run = connect::connect(args, args.target()?, Payload::new(args.bytes)?)?;
    let mut delivered = Delivered::new();
    let (span, late) = run.drive(args, clock, &mut delivered)?;
    let lost: u64 = run.receivers.iter().map(|receiver| receiver.account.lost_of(run.sent_to(receiver))).sum();
    let duplicates: u64 = run.receivers.iter().map(|receiver| receiver.account.duplicates()).sum();
    let verified = run.samples.as_ref().map_or(Ok(0), Samples::verify)?;
    let deliveries = to_f64(delivered.measured);
    Ok(json!({
        "mode": "fanout",
        "connections": args.connections,
        "groups": args.groups,
        "stalled": run.stalled.len(),
        "in_flight": args.in_flight,
        "rate": args.rate,
        "bytes": args.bytes,
        "deliveries": delivered.measured,
        "deliveries_per_second": deliveries / span.wall_seconds,
        "deliveries_per_message": to_f64(delivered.total) / to_f64(delivered.messages.max(1)),
        "latency_us": { "p50": delivered.latency.quantile_us(500), "p99": delivered.latency.quantile_us(990) },
        "late_us": { "p50": late.quantile_us(500), "p99": late.quantile_us(990) },
        "lost": lost,
        "duplicates": duplicates,
        "verified_frames": verified,
        "wall_seconds": span.wall_seconds,
        "load_cpu_seconds": span.own_cpu_seconds,
        "server_cpu_seconds": span.server_cpu_seconds,
        "server_cpu_us_per_delivery": span.server_cpu_seconds * 1e6 / deliveries.max(1.0),
    }))
}

impl Run {
    /// How many connections there are.
    pub(crate) fn connections(&self) -> usize {
        self.groups.len().saturating_add(self.receivers.len()).saturating_add(self.stalled.len())
    }

    fn sent_to(&self, receiver: &Receiver) -> u64 {
        self.groups.get(receiver.group).map_or(0, Group::sent)
    }

    /// The measured span, and how late messages left at a steady pace.
    fn drive(&mut self, args: &Args, clock: Clock, delivered: &mut Delivered) -> Result<(Span, Histogram), Failure> {
        let mut poll = self.registered()?;
        let mut events = Events::with_capacity(EVENTS_MAX);
        let mut scratch = vec![0; SCRATCH_BYTES];
        let mut window = Window::new(args, clock.now_ns());
        let pace = Pace::new(args.rate, clock.now_ns());
        let (mut paced, mut late, mut touched) = (0, Histogram::new(), Vec::new());
        loop {
            // At a steady pace the generator spins: a timer would add its own lateness to every message.
            let wait = if pace.is_steady() { Duration::ZERO } else { TURN_MAX };
            poll.poll(&mut events, Some(wait)).or_else(ignore_interrupt)?;
            let phase = window.phase(clock.now_ns());
            delivered.counting = phase == Phase::Measured;
            for event in &events {
                if let Some(group) = self.on_event(event, &mut scratch, clock, delivered)? {
                    touched.push(group);
                }
            }
            let sending = matches!(phase, Phase::WarmUp | Phase::Measured);
            if sending && pace.is_steady() {
                self.send_due(pace, clock, &mut paced, &mut late)?;
            }
            for index in touched.drain(..) {
                let Some(group) = self.groups.get_mut(index) else {
                    continue;
                };
                group.touched = false;
                if sending && !pace.is_steady() {
                    group.refill(args.in_flight, &mut self.payload, clock)?;
                }
                group.peer.flush()?;
            }
            let settled = phase == Phase::Drain && self.groups.iter().all(Group::is_settled);
            if phase == Phase::Over || settled {
                let span = window.span().ok_or_else(|| Failure::new("the window never closed"))?;
                return Ok((span, late));
            }
        }
    }

    /// Sends nothing and answers the server's pings until it is over; a connection that ends meanwhile is a failure.
    pub(crate) fn hold(&mut self, is_over: &AtomicBool) -> Result<(), Failure> {
        let (clock, mut delivered) = (Clock::start(), Delivered::new());
        let mut poll = self.registered()?;
        let mut events = Events::with_capacity(EVENTS_MAX);
        let mut scratch = vec![0; SCRATCH_BYTES];
        while !is_over.load(Ordering::Acquire) {
            poll.poll(&mut events, Some(HOLD_TURN_MAX)).or_else(ignore_interrupt)?;
            for event in &events {
                let touched = self.on_event(event, &mut scratch, clock, &mut delivered)?;
                if let Some(group) = touched.and_then(|index| self.groups.get_mut(index)) {
                    group.touched = false;
                    group.peer.flush()?;
                }
            }
        }
        Ok(())
    }

    /// What tells of all connections, the receivers' keys first.
    fn registered(&mut self) -> Result<Poll, Failure> {
        let poll = Poll::new()?;
        let peers = self.receivers.iter_mut().map(|receiver| &mut receiver.peer);
        for (key, peer) in peers.chain(self.groups.iter_mut().map(|group| &mut group.peer)).enumerate() {
            peer.register(poll.registry(), key)?;
        }
        Ok(poll)
    }

    /// Takes what came; a group comes back that was not touched in this turn before.
    fn on_event(
        &mut self,
        event: &Event,
        scratch: &mut [u8],
        clock: Clock,
        delivered: &mut Delivered,
    ) -> Result<Option<usize>, Failure> {
        let key = event.token().0;
        let (index, arrived) =
            if let Some(Receiver { peer, account, group }) = self.receivers.get_mut(key) {
                let before = delivered.total;
                let samples = &mut self.samples;
                peer.on_event(event, scratch, clock, |message, now_ns| {
                    account.take(message, now_ns, &self.payload, delivered, samples.as_mut().filter(|_| *group == 0))
                })?;
                peer.flush()?;
                (*group, delivered.total.saturating_sub(before))
            } else {
                let index = key.saturating_sub(self.receivers.len());
                let of_relay = self.samples.is_some();
                if let Some(group) = self.groups.get_mut(index) {
                    group.peer.on_event(event, scratch, clock, |message, _| {
                        if of_relay { relay::refusal(message) } else { Ok(()) }
                    })?;
                }
                (index, 0)
            };
        let Some(group) = self.groups.get_mut(index) else {
            return Ok(None);
        };
        group.arrived = group.arrived.saturating_add(arrived);
        Ok((!std::mem::replace(&mut group.touched, true)).then_some(index))
    }

    /// Sends what is due, group after group, stamped with the time at which it was due.
    fn send_due(&mut self, pace: Pace, clock: Clock, paced: &mut u64, late: &mut Histogram) -> Result<(), Failure> {
        let now_ns = clock.now_ns();
        while pace.due_ns(*paced) <= now_ns {
            let due_ns = pace.due_ns(*paced);
            let at = usize::try_from(*paced).unwrap_or(0) % self.groups.len().max(1);
            if let Some(group) = self.groups.get_mut(at).filter(|group| group.peer.has_room()) {
                group.send(due_ns, &mut self.payload)?;
                group.peer.flush()?;
            }
            late.add(clock.now_ns().saturating_sub(due_ns));
            *paced = paced.saturating_add(1);
        }
        Ok(())
    }
}
