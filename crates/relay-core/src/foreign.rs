//! What serves a foreign protocol on the public port, sans-IO: whole requests in, whole answers out, and endpoints for its
//! WebSockets. The transport owns sockets, limits, drain and metrics; a service owns paths, rights and state.
//!
//! A service never blocks: what needs the disk is answered by its completion, so an answer can mean "durable".

mod address_rates;
mod seats;
mod tenants;

pub use address_rates::{AddressKey, AddressRates};
pub use seats::{Seat, SeatLimits, Seats, SeatsFull};
pub use tenants::{
    Erased, ForeignTenants, Moments, Recognised, SystemTotal, TENANT_BOOK_SYSTEM, TenantCounts, TenantFacts,
    TenantParts, TenantRules,
};

use crate::endpoint::{EndpointFactory, Moment};
use bytes::Bytes;
use http::{Request, Response};
use std::net::IpAddr;
use std::sync::Arc;

/// Takes the answer of one request, on any thread; dropping it unanswered is a failed request.
pub type Answered = Box<dyn FnOnce(Response<Bytes>) + Send>;

/// A request with its whole body.
#[derive(Debug)]
pub struct ForeignRequest {
    /// Method, path and query, headers, body.
    pub request: Request<Bytes>,
    /// Who asks, as far as the transport believes it; for rate limits, never for logs.
    pub client: IpAddr,
}

/// A request to a path of WebSockets, before it is one.
#[derive(Debug)]
pub struct SocketRequest {
    /// Method, path and query, headers.
    pub head: Request<()>,
    /// Who asks; as in [`ForeignRequest`].
    pub client: IpAddr,
    /// Whether it asks for an upgrade at all; whether it does so rightly is the transport's to judge, after the service.
    pub is_upgrade: bool,
}

/// Why the transport ends a request before the service saw it, or without its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestRefusal {
    /// The body is larger than [`ForeignService::body_bytes_max`].
    BodyTooLarge {
        /// Bytes it has, or had when reading ended.
        bytes: u64,
        /// Bytes it may have.
        bytes_max: u64,
    },
    /// The body did not arrive in time.
    BodyTooSlow,
    /// The body was cut off, or its chunks are malformed.
    BodyBroken,
    /// Too many requests, or too many bytes of them, are under way. Temporary.
    Overloaded,
    /// The service failed, or did not answer in time.
    Failed,
}

/// One foreign protocol. What it opens and answers is limited by the transport like everything on the port.
pub trait ForeignService: Send + Sync {
    /// Largest body of a request, in bytes; counted as they arrive, whatever the request declares.
    fn body_bytes_max(&self) -> usize;
    /// Learns whose request it is, where that has to be asked: `known` is called once, and the transport waits for it, no longer
    /// than for an answer, before it hands the request or the WebSocket over.
    fn recognise(&self, head: &Request<()>, known: Recognised) {
        let _ = head;
        known();
    }
    /// Answers one request, now or later, exactly once.
    fn answer(&self, request: ForeignRequest, now: Moment, answered: Answered);
    /// The answer for a request that the transport ends; `head` is the request without its body, `client` who asked.
    fn refusal(&self, refusal: RequestRefusal, head: &Request<()>, client: IpAddr) -> Response<Bytes>;
    /// Opens the way for a WebSocket, or answers why not. The factory is asked for one endpoint at most.
    ///
    /// # Errors
    /// The answer instead of an upgrade.
    fn open_socket(
        &self,
        request: SocketRequest,
        now: Moment,
    ) -> Result<Arc<dyn EndpointFactory>, Box<Response<Bytes>>>;
}

/// The token of an `Authorization: Bearer` header; `None` without exactly one that is not empty.
#[must_use]
pub fn bearer_of(headers: &http::HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(http::header::AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let (scheme, token) = value.as_bytes().split_at_checked(7)?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"Bearer ") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::bearer_of;
    use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};

    #[test]
    fn a_bearer_is_exactly_one_token() {
        let with = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, HeaderValue::from_static(value));
            }
            headers
        };
        assert_eq!(bearer_of(&with(&["Bearer abc"])), Some(&b"abc"[..]));
        assert_eq!(bearer_of(&with(&["bearer  a.b-c "])), Some(&b"a.b-c"[..]));
        for wrong in [&[][..], &["Bearer "], &["Basic abc"], &["Bearer a", "Bearer b"], &["Bearer"]] {
            assert_eq!(bearer_of(&with(wrong)), None, "{wrong:?}");
        }
    }
}
