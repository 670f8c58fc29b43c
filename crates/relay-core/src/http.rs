//! The native protocol for clients without WebSocket: a handshake in two requests, and sessions by token.
//!
//! Nothing is kept for a client between two requests. What it has to bring back (the ticket of a handshake, the token of a
//! session) carries a MAC under a key of this start of the relay, so a restart ends all of them; what a token allows is
//! looked up in the newest roster whenever it is used.

mod access;
mod seal;
mod tickets;
mod token;

pub use access::{Access, Authorised};
pub(crate) use access::{authorise, authorise_device, judge};
pub(crate) use tickets::{Spending, Ticket, Tickets};
pub(crate) use token::{Claims, Tokens};

use crate::endpoint::{Endpoint, Moment, Opened};
use relay_proto::ErrorCode;

/// What a request may ask of its session, beside its frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExchangeOptions {
    /// How long a Pull that finds nothing waits for something, in milliseconds.
    pub wait_ms: u64,
    /// Only pushes are taken.
    pub pushes_only: bool,
}

/// Receives whether a request may go on.
pub type Judged = Box<dyn FnOnce(Result<Authorised, ErrorCode>) + Send>;

/// What the HTTP routes serve.
pub trait HttpSessions: Send + Sync {
    /// The endpoint of one request of a handshake: it takes the request's frames and answers after its end.
    fn open_handshake(&self, opened: Opened, now: Moment) -> Box<dyn Endpoint>;

    /// The endpoint of a request with this token: it takes the request's frames, answers them, and closes once its input
    /// has ended and everything was answered.
    fn open_exchange(&self, token: &[u8], options: ExchangeOptions, opened: Opened, now: Moment) -> Box<dyn Endpoint>;

    /// Authorises one request: from its token to space, device and rights **in the newest roster**, or the refusal
    /// (`session_expired`, `device_revoked`, `device_expired`, an error of the store). `judged` may be called at once.
    fn authorise(&self, token: &[u8], now: Moment, judged: Judged);

    /// Judges once more whose request is under way, by the newest roster. Its token is not looked at: a transfer may take
    /// longer than a token lives.
    fn authorise_again(&self, who: Authorised, judged: Judged);
}
