//! Fan-out: one connection sends, all others receive; every subscriber must get every message once and in order.

mod subscriber;

use crate::args::Args;
use crate::clock::Clock;
use crate::failure::Failure;
use crate::number::{to_f64, to_u64};
use crate::payload::{Payload, Stamp};
use crate::peer::{Peer, SCRATCH_BYTES};
use crate::relay::{self, Space, open_session};
use crate::setup::{Line, ignore_interrupt};
use crate::target::{Dialect, Target};
use crate::window::{Phase, Span, Window};
use mio::{Events, Poll};
use relay_proto::LogId;
use relay_proto::frame::{Frame, Subscribe};
use serde_json::{Value, json};
use std::time::Duration;
use subscriber::{Delivered, Place, Samples, Subscriber};

const EVENTS_MAX: usize = 4096;
const TURN_MAX: Duration = Duration::from_millis(10);

/// The sending connection.
struct Publisher {
    peer: Peer,
    /// push_seq of message 0, where there is one.
    push_seq_base: Option<u64>,
    sent: u64,
}

struct Run {
    publisher: Publisher,
    subscribers: Vec<(Peer, Subscriber)>,
    /// The relay's space and key, with what is verified after the run.
    samples: Option<Samples>,
    payload: Payload,
}

/// Runs a fan-out and reports.
pub(crate) fn run(args: &Args) -> Result<Value, Failure> {
    let target = args.target()?;
    let clock = Clock::start();
    let payload = Payload::new(args.bytes)?;
    let mut run = match target.dialect {
        Dialect::Relay(log_id) => connect_to_relay(args, target, log_id, payload)?,
        Dialect::Limit => connect(args, target, ("/fan", "/fan?pub"), payload)?,
        Dialect::Ws => connect(args, target, ("/sub", "/pub"), payload)?,
        Dialect::Echo => return Err(Failure::new("an echo reaches nobody else: fanout has no echo dialect")),
    };
    let mut delivered = Delivered::new();
    let span = run.drive(args, clock, &mut delivered)?;
    let lost: u64 = run.subscribers.iter().map(|(_, subscriber)| subscriber.lost_of(run.publisher.sent)).sum();
    let duplicates: u64 = run.subscribers.iter().map(|(_, subscriber)| subscriber.duplicates()).sum();
    let verified = run.samples.as_ref().map_or(Ok(0), Samples::verify)?;
    let deliveries = to_f64(delivered.measured);
    Ok(json!({
        "mode": "fanout",
        "connections": args.connections,
        "in_flight": args.in_flight,
        "bytes": args.bytes,
        "deliveries": delivered.measured,
        "deliveries_per_second": deliveries / span.wall_seconds,
        "deliveries_per_message": to_f64(delivered.total) / to_f64(delivered.messages.max(1)),
        "latency_us": { "p50": delivered.latency.quantile_us(500), "p99": delivered.latency.quantile_us(990) },
        "lost": lost,
        "duplicates": duplicates,
        "verified_frames": verified,
        "wall_seconds": span.wall_seconds,
        "load_cpu_seconds": span.own_cpu_seconds,
        "server_cpu_seconds": span.server_cpu_seconds,
        "server_cpu_us_per_delivery": span.server_cpu_seconds * 1e6 / deliveries.max(1.0),
    }))
}

fn connect(args: &Args, target: &Target, paths: (&str, &str), payload: Payload) -> Result<Run, Failure> {
    let subscribers = (0..args.connections)
        .map(|_| Ok((Line::open(target.address, paths.0)?.into_peer()?, Subscriber::new(Place::Plain))))
        .collect::<Result<_, Failure>>()?;
    let peer = Line::open(target.address, paths.1)?.into_peer()?;
    Ok(Run { publisher: Publisher { peer, push_seq_base: None, sent: 0 }, subscribers, samples: None, payload })
}

/// Device 0 sends; the subscribers share the other devices of the roster, which holds fewer than a thousand.
fn connect_to_relay(args: &Args, target: &Target, log_id: LogId, payload: Payload) -> Result<Run, Failure> {
    let space = Space::create(args.connections.saturating_add(1))?;
    let readers = space.device_count().saturating_sub(1).max(1);
    let publisher = open_session(target.address, &log_id, &space, 0, true)?;
    let mut subscribers = Vec::with_capacity(args.connections);
    for index in 0..args.connections {
        let mut session = open_session(target.address, &log_id, &space, 1 + index % readers, false)?;
        let claim = session.welcome.attestation.claim;
        let subscribe = Subscribe { log_epoch: claim.log_epoch, after: claim.size, omit_own: false };
        session.line.send(&subscribe.encode())?;
        let place = Place::Log { next_seq: claim.size.saturating_add(1) };
        subscribers.push((session.line.into_peer()?, Subscriber::new(place)));
    }
    let push_seq_base = Some(publisher.welcome.push_seq_high.saturating_add(1));
    let publisher = Publisher { peer: publisher.line.into_peer()?, push_seq_base, sent: 0 };
    Ok(Run { publisher, subscribers, samples: Some(Samples::new(space.id, log_id)), payload })
}

impl Run {
    fn drive(&mut self, args: &Args, clock: Clock, delivered: &mut Delivered) -> Result<Span, Failure> {
        let mut poll = Poll::new()?;
        let mut events = Events::with_capacity(EVENTS_MAX);
        let mut scratch = vec![0; SCRATCH_BYTES];
        let publisher_key = self.subscribers.len();
        for (key, (peer, _)) in self.subscribers.iter_mut().enumerate() {
            peer.register(poll.registry(), key)?;
        }
        self.publisher.peer.register(poll.registry(), publisher_key)?;
        let mut window = Window::new(args, clock.now_ns());
        loop {
            poll.poll(&mut events, Some(TURN_MAX)).or_else(ignore_interrupt)?;
            let phase = window.phase(clock.now_ns());
            delivered.counting = phase == Phase::Measured;
            for event in &events {
                let Some((peer, subscriber)) = self.subscribers.get_mut(event.token().0) else {
                    self.publisher.peer.on_event(event, &mut scratch, clock, |message, _| {
                        if self.samples.is_some() { relay::refusal(message) } else { Ok(()) }
                    })?;
                    continue;
                };
                peer.on_event(event, &mut scratch, clock, |message, now_ns| {
                    subscriber.take(message, now_ns, &self.payload, delivered, self.samples.as_mut())
                })?;
                peer.flush()?;
            }
            let everywhere = delivered.total / to_u64(publisher_key).max(1);
            if matches!(phase, Phase::WarmUp | Phase::Measured) {
                self.publisher.refill(everywhere.saturating_add(args.in_flight), &mut self.payload, clock);
            }
            self.publisher.peer.flush()?;
            let all_there = everywhere >= self.publisher.sent;
            if phase == Phase::Over || (phase == Phase::Drain && all_there) {
                return window.span().ok_or_else(|| Failure::new("the window never closed"));
            }
        }
    }
}

impl Publisher {
    fn refill(&mut self, until: u64, payload: &mut Payload, clock: Clock) {
        while self.sent < until && self.peer.has_room() {
            let message = payload.stamped(Stamp { number: self.sent, word: clock.now_ns() });
            match self.push_seq_base {
                Some(base) => self.peer.queue(&relay::push_frame(base.saturating_add(self.sent), message)),
                None => self.peer.queue(message),
            }
            self.sent = self.sent.saturating_add(1);
        }
    }
}
