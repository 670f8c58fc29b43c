//! `SendEntries`: entries are stored in turns of some, parents first; the answer leaves when the last turn is durable.

use super::accept::{Rules, Verdict, accept};
use super::answer::Refused;
use super::batch::{Batch, batch};
use super::entry::Entry;
use super::service::Exchange;
use super::wire::WireEntry;
use super::{TURN_BYTES_MAX, TURN_ENTRIES_MAX};
use relay_core::documents::{DocumentError, Documents, turn};
use std::sync::atomic::Ordering;

/// What the turns came to so far.
#[derive(Debug, Default)]
struct Tally {
    placed: u64,
    waits: u64,
    held: u64,
    refused: u64,
    /// Of earlier requests: they waited, and may not be in their tree.
    dropped: u64,
    first_refusal: Option<String>,
}

struct Push {
    exchange: Exchange,
    /// Reversed, so that turns are taken from the end.
    rest: Vec<Entry>,
    sent: usize,
    tally: Tally,
}

/// Stores what may be stored of a request and answers it.
pub(super) fn send_entries(wire: Vec<WireEntry>, exchange: Exchange) {
    let sent = wire.len();
    let Batch { entries, first_refusal, refused } = batch(&wire);
    drop(wire);
    let rest = entries.into_iter().rev().collect();
    let tally = Tally { refused: refused as u64, first_refusal, ..Tally::default() };
    Push { exchange, rest, sent, tally }.step();
}

impl Push {
    fn step(mut self) {
        let (mut entries, mut bytes) = (Vec::new(), 0);
        while entries.len() < TURN_ENTRIES_MAX && bytes < TURN_BYTES_MAX {
            let Some(entry) = self.rest.pop() else { break };
            bytes += entry.bytes.len();
            entries.push(entry);
        }
        if entries.is_empty() {
            return self.end();
        }
        let (documents, keyspace) = (self.exchange.documents(), self.exchange.keyspace);
        let rules = self.exchange.rules();
        let run = move |documents: &mut dyn Documents| take(documents, entries, rules);
        turn(&*documents, keyspace, bytes, run, move |tally| match tally {
            Ok(tally) => {
                self.tally.add(tally);
                self.step();
            }
            Err(error) => self.exchange.end(Err(error.into())),
        });
    }

    fn end(self) {
        let Self { exchange, tally, sent, .. } = self;
        let counters = &exchange.shared.counters;
        counters.placed.fetch_add(tally.placed, Ordering::Relaxed);
        counters.held.fetch_add(tally.held, Ordering::Relaxed);
        counters.waited.fetch_add(tally.waits, Ordering::Relaxed);
        counters.refused_entries.fetch_add(tally.refused + tally.dropped, Ordering::Relaxed);
        match tally.first_refusal {
            // An acknowledgement of less than all would let the peer believe that all of it is kept.
            Some(reason) => {
                let words = format!("{} of {sent} entries refused, the others are stored; {reason}", tally.refused);
                exchange.end(Err(Refused::Said(words)));
            }
            None if sent <= 1 => exchange.end(Ok(b"\"Ack\"".to_vec())),
            None => exchange.end(Ok(format!("{{\"Count\":{sent}}}").into_bytes())),
        }
    }
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.placed += other.placed;
        self.waits += other.waits;
        self.held += other.held;
        self.refused += other.refused;
        self.dropped += other.dropped;
        if self.first_refusal.is_none() {
            self.first_refusal = other.first_refusal;
        }
    }
}

fn take(documents: &mut dyn Documents, entries: Vec<Entry>, rules: Rules) -> Result<Tally, DocumentError> {
    let mut tally = Tally::default();
    for entry in entries {
        let id = entry.id.clone();
        match accept(documents, entry, rules)? {
            Verdict::Placed { count, refused } => {
                tally.placed += count;
                tally.dropped += refused;
            }
            Verdict::Waits => tally.waits += 1,
            Verdict::Held => tally.held += 1,
            Verdict::Refused(reason) => {
                tally.refused += 1;
                tally.first_refusal.get_or_insert_with(|| format!("entry {id}: {reason}"));
            }
        }
    }
    Ok(tally)
}
