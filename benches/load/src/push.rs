//! Push: every connection keeps a number of messages unanswered, or sends what is due at a steady pace; a message counts when
//! its answer arrived and was right.

mod answers;
pub(crate) mod refusals;

use crate::args::Args;
use crate::clock::Clock;
use crate::failure::Failure;
use crate::foreign::{gun, nats, postgres, redis};
use crate::histogram::Histogram;
use crate::number::{to_f64, to_u64};
use crate::pace::Pace;
use crate::payload::{Payload, Stamp};
use crate::peer::{Peer, SCRATCH_BYTES};
use crate::relay::{Space, open_session};
use crate::setup::Line;
use crate::speech::Speech;
use crate::target::{Dialect, Target};
use crate::window::{Phase, Span, Window};
use answers::{Answers, Judged, Ledger};
use mio::{Events, Poll};
use refusals::{BackOff, Refusal, Refused};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::time::Duration;

const EVENTS_MAX: usize = 1024;
const TURN_MAX: Duration = Duration::from_millis(10);
/// At a steady pace: what a message may leave late.
const PACED_TURN_MAX: Duration = Duration::from_millis(1);

/// One connection.
struct Sender {
    peer: Peer,
    book: Book,
}

/// What one connection sent and what came back.
struct Book {
    connection: u64,
    speech: Speech,
    answers: Answers,
    sent: u64,
    answered: u64,
    sent_at_ns: VecDeque<u64>,
    /// Of the messages sent so many were refused; they are sent again once all are answered.
    refused: u64,
    back_off: Option<BackOff>,
}

/// What all connections together came to.
struct Tally {
    measured: u64,
    /// Bytes of what was sent, over the whole run.
    sent_bytes: u64,
    latency: Histogram,
    /// How long after it was due a message of a steady pace was sent.
    late: Histogram,
    /// In the window.
    refused: Refused,
    /// Whether refusals for the load are counted; otherwise the first one ends the run.
    counts_refusals: bool,
    ledger: Ledger,
}

/// Runs a push and reports.
pub(crate) fn run(args: &Args) -> Result<Value, Failure> {
    let target = args.target()?;
    let clock = Clock::start();
    let mut payload = if args.mix { Payload::mixed()? } else { Payload::new(args.bytes)? };
    let (mut senders, ledger) = connect(args, target)?;
    let mut tally = Tally {
        measured: 0,
        sent_bytes: 0,
        latency: Histogram::new(),
        late: Histogram::new(),
        refused: Refused::default(),
        counts_refusals: args.refusals,
        ledger,
    };
    let span = drive(args, clock, &mut payload, &mut senders, &mut tally)?;
    let unanswered: u64 = senders.iter().map(|sender| sender.book.unanswered()).sum();
    let verified = tally.ledger.settle(&mut payload, unanswered)?;
    let entries = to_f64(tally.measured);
    Ok(json!({
        "mode": "push",
        "connections": args.connections,
        "in_flight": args.in_flight,
        "bytes": args.bytes,
        "rate": args.rate,
        "entries": tally.measured,
        "sent_bytes": tally.sent_bytes,
        "entries_per_second": entries / span.wall_seconds,
        "latency_us": { "p50": tally.latency.quantile_us(500), "p99": tally.latency.quantile_us(990), "longest": tally.latency.quantile_us(1000) },
        "late_us": { "p50": tally.late.quantile_us(500), "p99": tally.late.quantile_us(990) },
        "refused": { "busy": tally.refused.busy, "behind": tally.refused.behind, "held_back": tally.refused.held_back },
        "unanswered": unanswered,
        "verified_receipts": verified,
        "wall_seconds": span.wall_seconds,
        "load_cpu_seconds": span.own_cpu_seconds,
        "server_cpu_seconds": span.server_cpu_seconds,
        "server_cpu_us_per_entry": span.server_cpu_seconds * 1e6 / entries.max(1.0),
    }))
}

fn connect(args: &Args, target: &Target) -> Result<(Vec<Sender>, Ledger), Failure> {
    if let Dialect::Relay(log_id) = target.dialect {
        return connect_to_relay(args, target, log_id);
    }
    let senders = (0..args.connections).map(|index| connect_one(target, index)).collect::<Result<_, Failure>>()?;
    Ok((senders, Ledger::none()))
}

fn connect_one(target: &Target, index: usize) -> Result<Sender, Failure> {
    let (address, connection) = (target.address, to_u64(index));
    let (peer, speech, answers) = match target.dialect {
        Dialect::Limit => (Line::open(address, "/wal")?.into_peer()?, Speech::Plain, Answers::Stored),
        Dialect::Echo => (Line::open(address, "/echo")?.into_peer()?, Speech::Plain, Answers::Echoed),
        Dialect::Redis => (redis::open(address)?, Speech::RedisSet(connection), Answers::Done),
        Dialect::JetStream => {
            let answers = Answers::Numbered { last: 0 };
            (nats::open_stream(address, connection)?, Speech::JetStream(connection), answers)
        }
        Dialect::Gun => (gun::open(address)?, Speech::GunPut(connection), Answers::Acknowledged),
        Dialect::Postgres => (postgres::open(address, connection)?, Speech::Insert, Answers::Done),
        Dialect::Ws | Dialect::Nats | Dialect::Relay(_) => {
            return Err(Failure::new("a broadcast server stores nothing: push has no such dialect"));
        }
    };
    Ok(Sender::new(index, peer, speech, answers))
}

/// Connection i belongs to space i modulo the number of spaces, where it has a device of its own.
fn connect_to_relay(
    args: &Args,
    target: &Target,
    log_id: relay_proto::LogId,
) -> Result<(Vec<Sender>, Ledger), Failure> {
    let devices = args.connections.div_ceil(args.spaces);
    let spaces = (0..args.spaces).map(|_| Space::create(devices)).collect::<Result<Vec<_>, _>>()?;
    let mut ledger = Ledger::of_relay(log_id, spaces);
    let mut senders = Vec::with_capacity(args.connections);
    for index in 0..args.connections {
        let (at, device) = (index % args.spaces, index / args.spaces);
        let session = open_session(target.address, &log_id, ledger.space(at)?, device, device == 0)?;
        ledger.starts_at(at, session.welcome.attestation.claim.size);
        let base = session.welcome.push_seq_high.saturating_add(1);
        let answers = Answers::receipts(at, device, base);
        senders.push(Sender::new(index, session.line.into_peer()?, Speech::Push { base }, answers));
    }
    Ok((senders, ledger))
}

fn drive(
    args: &Args,
    clock: Clock,
    payload: &mut Payload,
    senders: &mut [Sender],
    tally: &mut Tally,
) -> Result<Span, Failure> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(EVENTS_MAX);
    let mut scratch = vec![0; SCRATCH_BYTES];
    for (key, sender) in senders.iter_mut().enumerate() {
        sender.peer.register(poll.registry(), key)?;
    }
    let mut window = Window::new(args, clock.now_ns());
    let (pace, mut paced) = (Pace::new(args.rate, clock.now_ns()), 0);
    let wait = if pace.is_steady() { PACED_TURN_MAX } else { TURN_MAX };
    loop {
        poll.poll(&mut events, Some(wait)).or_else(crate::setup::ignore_interrupt)?;
        let phase = window.phase(clock.now_ns());
        let sending = matches!(phase, Phase::WarmUp | Phase::Measured);
        if sending && pace.is_steady() {
            let measured = phase == Phase::Measured;
            send_due(pace, &mut paced, senders, (payload, tally, measured), args.in_flight, clock)?;
        }
        for event in &events {
            let Some(Sender { peer, book }) = senders.get_mut(event.token().0) else {
                continue;
            };
            peer.on_event(event, &mut scratch, clock, |message, now_ns| {
                book.take(message, now_ns, phase == Phase::Measured, payload, tally)
            })?;
            if sending && !pace.is_steady() {
                book.refill(args.in_flight, peer, payload, clock)?;
            }
            peer.flush()?;
        }
        let all_answered = || senders.iter().all(|sender| sender.book.unanswered() == 0);
        if phase == Phase::Over || (phase == Phase::Drain && all_answered()) {
            return window.span().ok_or_else(|| Failure::new("the window never closed"));
        }
    }
}

/// Sends what is due, connection after connection; its latency counts from when it was due. Where refusals are counted, what is
/// due on a connection that was told to stay away, or has its window full, is never sent, and latency counts from the
/// sending, as it does without a pace.
fn send_due(
    pace: Pace,
    paced: &mut u64,
    senders: &mut [Sender],
    (payload, tally, measured): (&mut Payload, &mut Tally, bool),
    in_flight: u64,
    clock: Clock,
) -> Result<(), Failure> {
    let now_ns = clock.now_ns();
    loop {
        let due_ns = pace.due_ns(*paced);
        if due_ns > now_ns {
            break;
        }
        let index = usize::try_from(*paced).unwrap_or(0) % senders.len().max(1);
        *paced = paced.saturating_add(1);
        let Some(Sender { peer, book }) = senders.get_mut(index) else { continue };
        let window_is_full = tally.counts_refusals && book.unanswered() >= in_flight;
        if window_is_full || !book.may_send(now_ns)? {
            tally.refused.held_back = tally.refused.held_back.saturating_add(u64::from(measured));
            continue;
        }
        if measured {
            tally.late.add(now_ns.saturating_sub(due_ns));
        }
        let from_ns = if tally.counts_refusals { now_ns } else { due_ns };
        let bytes = book.send(from_ns, peer, payload)?;
        tally.sent_bytes = tally.sent_bytes.saturating_add(bytes);
    }
    // Together, so that what is due at once on one connection takes one call.
    senders.iter_mut().try_for_each(|sender| sender.peer.flush())
}

impl Sender {
    fn new(index: usize, peer: Peer, speech: Speech, answers: Answers) -> Self {
        let book = Book {
            connection: to_u64(index),
            speech,
            answers,
            sent: 0,
            answered: 0,
            sent_at_ns: VecDeque::new(),
            refused: 0,
            back_off: None,
        };
        Self { peer, book }
    }
}

impl Book {
    fn refill(&mut self, in_flight: u64, peer: &mut Peer, payload: &mut Payload, clock: Clock) -> Result<(), Failure> {
        while self.unanswered() < in_flight && peer.has_room() && self.may_send(clock.now_ns())? {
            self.send(clock.now_ns(), peer, payload)?;
        }
        Ok(())
    }

    fn unanswered(&self) -> u64 {
        self.sent.saturating_sub(self.answered).saturating_sub(self.refused)
    }

    /// Whether the connection may send; after a refusal it starts again once all is answered and the time is over.
    fn may_send(&mut self, now_ns: u64) -> Result<bool, Failure> {
        let Some(back_off) = self.back_off else { return Ok(true) };
        let Some(from) = back_off.over(now_ns).filter(|_| self.unanswered() == 0) else { return Ok(false) };
        if from != self.answered {
            return Err(Failure::new("what was sent before a refused push has no receipt"));
        }
        (self.sent, self.refused, self.back_off) = (from, 0, None);
        Ok(true)
    }

    /// Queues the next message, counted from this time; its length comes back.
    fn send(&mut self, from_ns: u64, peer: &mut Peer, payload: &mut Payload) -> Result<u64, Failure> {
        let message = payload.stamped(Stamp { number: self.sent, word: self.connection });
        self.speech.queue(peer, self.sent, message)?;
        self.sent = self.sent.saturating_add(1);
        self.sent_at_ns.push_back(from_ns);
        Ok(to_u64(message.len()))
    }

    fn take(
        &mut self,
        message: &[u8],
        now_ns: u64,
        measured: bool,
        payload: &Payload,
        tally: &mut Tally,
    ) -> Result<(), Failure> {
        let judged = self.answers.judge(message, self.connection, self.answered, payload, &mut tally.ledger)?;
        let count = match judged {
            Judged::Done(count) => count,
            Judged::Refused(refusal) => return self.refuse(refusal, now_ns, measured, tally),
        };
        for _ in 0..count {
            let Some(sent_ns) = self.sent_at_ns.pop_front() else {
                return Err(Failure::new("the server answered more than was sent"));
            };
            self.answered = self.answered.saturating_add(1);
            if measured {
                tally.measured = tally.measured.saturating_add(1);
                tally.latency.add(now_ns.saturating_sub(sent_ns));
            }
        }
        Ok(())
    }

    fn refuse(&mut self, refusal: Refusal, now_ns: u64, measured: bool, tally: &mut Tally) -> Result<(), Failure> {
        if !tally.counts_refusals {
            return Err(Failure::new(format!("the relay refuses: {refusal:?}")));
        }
        // The refused ones are the last of those in flight; those before them get their receipts.
        if self.unanswered() == 0 || self.sent_at_ns.pop_back().is_none() {
            return Err(Failure::new("the relay refused more than was sent"));
        }
        self.refused = self.refused.saturating_add(1);
        let counted = u64::from(measured);
        match refusal {
            Refusal::Busy { number, retry_after_ns } => {
                let until_ns = now_ns.saturating_add(retry_after_ns);
                self.back_off = Some(BackOff::after(self.back_off, number, until_ns));
                tally.refused.busy = tally.refused.busy.saturating_add(counted);
            }
            Refusal::Behind if self.back_off.is_none() => return Err(Failure::new("a gap, and nothing was refused")),
            Refusal::Behind => tally.refused.behind = tally.refused.behind.saturating_add(counted),
        }
        Ok(())
    }
}
