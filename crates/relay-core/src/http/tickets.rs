//! Tickets join the two requests of a handshake. Strangers cost no memory: a challenge is not kept but recognised by its
//! ticket's MAC; only a handshake that succeeded is remembered, so that it succeeds once.

use super::seal::Seal;
use crate::endpoint::Moment;
use crate::environment::Entropy;
use crate::limits::TICKETS_SPENT_MAX;
use relay_proto::frame::{SessionTicket, TICKET_BYTES};
use relay_proto::hash::Domain;
use relay_proto::limits::HANDSHAKE_MS;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

pub(crate) struct Tickets {
    seal: Seal,
    lifetime_ms: u64,
    /// Tickets that led to a session, by the time they expire at.
    spent: Mutex<BTreeSet<Ticket>>,
}

/// A ticket: when it expires (in milliseconds of the relay's clock) and its MAC.
pub(crate) type Ticket = [u8; TICKET_BYTES];

/// What came of using a ticket up.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Spending {
    Spent,
    /// It was used before, or has expired.
    Again,
    /// Too many sessions began within a ticket's lifetime.
    Full,
}

fn millis(moment: Moment) -> u64 {
    u64::try_from(moment.0.as_millis()).unwrap_or(u64::MAX)
}

fn expires_at(ticket: &Ticket) -> u64 {
    ticket.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

impl Tickets {
    pub(crate) fn new(entropy: &dyn Entropy, handshake_ms: u64) -> Self {
        let lifetime_ms = handshake_ms.min(HANDSHAKE_MS);
        Self { seal: Seal::new(entropy, Domain::SessionTicket), lifetime_ms, spent: Mutex::default() }
    }

    /// The ticket of a hello and the challenge it was answered with.
    pub(crate) fn issue(&self, hello: &[u8], challenge: &[u8], now: Moment) -> SessionTicket {
        let expiry = (millis(now) + self.lifetime_ms).to_be_bytes();
        let mac = self.mac(expiry, hello, challenge);
        let mut ticket = [0; TICKET_BYTES];
        let (head, tail) = ticket.split_at_mut(expiry.len());
        head.copy_from_slice(&expiry);
        tail.copy_from_slice(&mac);
        SessionTicket { expires_in_ms: u32::try_from(self.lifetime_ms).unwrap_or(u32::MAX), ticket }
    }

    /// Whether this relay made the challenge for this hello, and not too long ago.
    pub(crate) fn holds(&self, ticket: &Ticket, hello: &[u8], challenge: &[u8], now: Moment) -> bool {
        let (expiry, mac) = ticket.split_at(8);
        let length = (hello.len() as u64).to_be_bytes();
        self.seal.holds(&[expiry, &length, hello, challenge], mac) && millis(now) < expires_at(ticket)
    }

    fn mac(&self, expiry: [u8; 8], hello: &[u8], challenge: &[u8]) -> [u8; 32] {
        self.seal.mac(&[&expiry, &(hello.len() as u64).to_be_bytes(), hello, challenge])
    }

    /// Uses a ticket up. Expired ones are forgotten on the way: they are refused for their age.
    pub(crate) fn spend(&self, ticket: Ticket, now: Moment) -> Spending {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        while spent.first().is_some_and(|oldest| expires_at(oldest) <= millis(now)) {
            spent.pop_first();
        }
        if expires_at(&ticket) <= millis(now) || spent.contains(&ticket) {
            return Spending::Again;
        }
        if spent.len() >= TICKETS_SPENT_MAX {
            return Spending::Full;
        }
        spent.insert(ticket);
        Spending::Spent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::SeededEntropy;
    use std::time::Duration;

    fn at(ms: u64) -> Moment {
        Moment(Duration::from_millis(ms))
    }

    #[test]
    fn a_ticket_holds_for_its_hello_and_challenge_until_it_expires_and_is_spent_once() {
        let tickets = Tickets::new(&SeededEntropy::new(1), 10_000);
        let ticket = tickets.issue(b"hello", b"challenge", at(5)).ticket;
        assert!(tickets.holds(&ticket, b"hello", b"challenge", at(10_004)));
        assert!(!tickets.holds(&ticket, b"hello", b"challenge", at(10_005)));
        assert!(!tickets.holds(&ticket, b"helloc", b"hallenge", at(6)));
        let mut later = ticket;
        later[7] ^= 1;
        assert!(!tickets.holds(&later, b"hello", b"challenge", at(6)));
        let restarted = Tickets::new(&SeededEntropy::new(2), 10_000);
        assert!(!restarted.holds(&ticket, b"hello", b"challenge", at(6)));
        assert_eq!(tickets.spend(ticket, at(6)), Spending::Spent);
        assert_eq!(tickets.spend(ticket, at(7)), Spending::Again);
        assert_eq!(tickets.spend(ticket, at(20_000)), Spending::Again);
        assert!(tickets.spent.lock().unwrap().is_empty(), "what has expired is not remembered");
    }

    #[test]
    fn spent_tickets_are_bounded() {
        let tickets = Tickets::new(&SeededEntropy::new(1), 10_000);
        for n in 0..TICKETS_SPENT_MAX {
            let ticket = tickets.issue(&n.to_be_bytes(), b"", at(5)).ticket;
            assert_eq!(tickets.spend(ticket, at(5)), Spending::Spent);
        }
        let one_more = tickets.issue(b"more", b"", at(5)).ticket;
        assert_eq!(tickets.spend(one_more, at(5)), Spending::Full);
        let later = tickets.issue(b"more", b"", at(11_000)).ticket;
        assert_eq!(tickets.spend(later, at(11_000)), Spending::Spent);
    }
}
