//! How often a peer may put: on its connection, and from its address together with all others there.
//!
//! A client that puts too often is told so. A relay is not listened to for a while instead: what it passes on was held to its
//! own peers' rates, and is not said again.

use super::super::hub::Hub;
use super::linking::Role;
use relay_core::documents::DocumentError;
use relay_core::endpoint::Moment;
use relay_core::gcra::Cell;
use std::net::IpAddr;
use std::time::Duration;

/// See the module.
#[derive(Default)]
pub(super) struct Pace {
    /// Of a peer that connected; whom this relay dials puts as often as it has to.
    client: Option<IpAddr>,
    puts: Cell,
    /// Until when a relay is not listened to, which has put one more than its address may.
    rests_until: Option<Moment>,
}

impl Pace {
    pub(super) fn new(client: Option<IpAddr>) -> Self {
        Self { client, ..Self::default() }
    }

    /// Whether a put is taken.
    pub(super) fn admit(&mut self, hub: &Hub, role: Role, now: Moment) -> bool {
        let connection = hub.rate.filter(|_| role == Role::Client);
        if connection.is_some_and(|rate| !self.puts.admit(rate, now).is_admitted()) {
            return false;
        }
        match self.ask(hub, now) {
            None => true,
            Some(_) if role == Role::Client => false,
            Some(wait) => {
                self.rests_until = Some(Moment(now.0 + wait));
                true
            }
        }
    }

    /// How long its address has to wait; `None`: not at all.
    fn ask(&self, hub: &Hub, now: Moment) -> Option<Duration> {
        match hub.rates.admit(self.client?, 1, now) {
            Err(DocumentError::TooFast { retry_after_ms }) => Some(Duration::from_millis(retry_after_ms.into())),
            _ => None,
        }
    }

    /// Whether nothing of it is taken in now; what it put too much is on the rate of its address before it goes on.
    pub(super) fn rests(&mut self, hub: &Hub, now: Moment) -> bool {
        if self.rests_until.is_some_and(|until| now >= until) {
            self.rests_until = self.ask(hub, now).map(|wait| Moment(now.0 + wait));
        }
        self.is_resting()
    }

    pub(super) fn is_resting(&self) -> bool {
        self.rests_until.is_some()
    }

    pub(super) fn deadline(&self) -> Option<Moment> {
        self.rests_until
    }
}
