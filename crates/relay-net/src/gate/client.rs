//! The two ends a request has: the socket's peer, and the client for whom it speaks.

use http::HeaderValue;
use std::net::IpAddr;

/// Who is at the other end of a socket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    pub(crate) address: IpAddr,
    /// Its word about the client's address is believed.
    pub(crate) is_trusted: bool,
}

/// Whose request it is, as far as is believed.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    /// Who brought it.
    pub(crate) peer: Peer,
    pub(crate) address: IpAddr,
    /// `https` when a trusted proxy says so, or when it says nothing and the relay itself was spoken to over TLS.
    pub(crate) scheme: HeaderValue,
}

impl Client {
    pub(super) fn is_https(&self) -> bool {
        self.scheme == "https"
    }
}
