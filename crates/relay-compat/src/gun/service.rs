//! The service: who may come in, and to which graph.

use super::checker::Checker;
use super::hub::{GunStats, Hub, Limits};
use super::peer::PeerFactory;
use super::rules::WriteRules;
use crate::Offload;
use crate::query::{decoded, value_of};
use crate::sockets_only;
use crate::systems::GUN;
use crate::tenants::{Naming, Nobody};
use bytes::Bytes;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue};
use http::{Request, Response, StatusCode, Uri};
use relay_core::documents::{Credential, DocumentError, DocumentStore, Tenant};
use relay_core::endpoint::{EndpointFactory, Moment};
use relay_core::environment::{Entropy, WallClock};
use relay_core::foreign::{
    AddressRates, Answered, ForeignRequest, ForeignService, Recognised, RequestRefusal, Seat, Seats, SocketRequest,
    bearer_of,
};
use relay_core::gcra::Rate;
use std::net::IpAddr;
use std::sync::Arc;

const NAMING: Naming = Naming { system: GUN, domain: b"sealrelay gun tenant\0" };
/// Where a token may follow.
const PATH: &str = "/gun/";

/// What an operator decides.
#[derive(Clone, Debug)]
pub struct GunOptions {
    /// Whether peers without a token share one graph; otherwise they are refused.
    pub tokenless: bool,
    /// Takes writes in graphs of users alone, each signed by its owner.
    pub signed_only: bool,
    /// Takes encrypted values, links and deletions alone.
    pub sealed_only: bool,
    /// Bytes a tenant may hold.
    pub tenant_bytes_max: u64,
    /// Puts of one peer in a second; 0: no limit, as for linked relays.
    pub puts_per_second_max: u32,
}

impl Default for GunOptions {
    fn default() -> Self {
        Self {
            tokenless: false,
            signed_only: false,
            sealed_only: false,
            tenant_bytes_max: 1024 * 1024 * 1024,
            puts_per_second_max: 0,
        }
    }
}

/// A token that is too long, or no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongToken;

/// What the service is given.
pub struct GunParts {
    /// Where graphs are kept.
    pub documents: Arc<dyn DocumentStore>,
    /// The wall clock: states are compared with it.
    pub clock: Arc<dyn WallClock>,
    /// For ids.
    pub entropy: Arc<dyn Entropy>,
    /// Places of WebSockets; linked relays need none.
    pub seats: Arc<Seats>,
    /// How often an address may write.
    pub rates: Arc<AddressRates>,
    /// Where signatures are verified and large frames are read.
    pub offload: Offload,
    /// How many jobs are there at once.
    pub jobs_max: usize,
    /// The operator's decisions.
    pub options: GunOptions,
}

/// See the module.
pub struct GunService {
    hub: Arc<Hub>,
    seats: Arc<Seats>,
    tokenless: bool,
}

impl GunService {
    /// Over a store of documents.
    #[must_use]
    pub fn new(parts: GunParts) -> Self {
        let GunParts { documents, clock, entropy, seats, rates, offload, jobs_max, options } = parts;
        let GunOptions { tokenless, signed_only, sealed_only, tenant_bytes_max, puts_per_second_max } = options;
        let rules = WriteRules { signed_only, sealed_only };
        let rate = Rate::per_second(puts_per_second_max);
        let checker = Checker::new(offload, jobs_max, Arc::clone(&clock), rules);
        let hub = Hub::new(documents, clock, &*entropy, checker, Limits { tenant_bytes_max, rate, rates });
        Self { hub: Arc::new(hub), seats, tokenless }
    }

    /// Figures.
    #[must_use]
    pub fn stats(&self) -> GunStats {
        self.hub.stats()
    }

    /// Stores what waited for its state; to be called every [`super::FUTURE_GRACE_MS`].
    pub fn store_due(&self) {
        self.hub.store_due();
    }

    /// Makes the ends of links to another relay, whose address a token may be in: the graph of that token is linked, or else the one
    /// of peers without any. The link has a place from now on that no other relay gets.
    ///
    /// # Errors
    /// When the address has a token that is none.
    pub fn link(&self, address: &Uri) -> Result<Arc<dyn EndpointFactory>, WrongToken> {
        let mut head = Request::new(());
        head.uri_mut().clone_from(address);
        let tenant = match token_of(&head) {
            Some(Some(token)) => NAMING.named(&token).ok_or(WrongToken)?.tenant,
            Some(None) => Tenant::ONLY,
            None => return Err(WrongToken),
        };
        self.hub.documents.document_present(NAMING.keyspace(tenant), Credential::Operator);
        self.hub.reserve_link(tenant);
        Ok(self.peers(tenant, None))
    }

    /// `connected` is of a peer that connects: from where, and its place; a relay that is dialed has neither.
    fn peers(&self, tenant: Tenant, connected: Option<(IpAddr, Seat)>) -> Arc<dyn EndpointFactory> {
        let (client, seat) = connected.map(|(client, seat)| (client, Arc::new(seat))).unzip();
        Arc::new(PeerFactory { hub: Arc::clone(&self.hub), tenant, client, seat })
    }

    /// Whose graph a peer asks for.
    fn tenant(&self, head: &Request<()>) -> Result<Tenant, Nobody> {
        match token_of(head) {
            Some(Some(token)) => NAMING.tenant(&*self.hub.documents, &token),
            Some(None) if self.tokenless => Ok(Tenant::ONLY),
            _ => Err(Nobody::TooLong),
        }
    }
}

/// The token in path, query (`t` or `token`) or header; `None` when there is one that is not text.
fn token_of(head: &Request<()>) -> Option<Option<Vec<u8>>> {
    let path = head.uri().path().strip_prefix(PATH).unwrap_or_default();
    let in_path = if path.is_empty() { None } else { Some(decoded(&path.replace('+', "%2B"))?.into_bytes()) };
    let query = head.uri().query().unwrap_or_default();
    let in_query = ["t", "token"].iter().find_map(|name| value_of(query, name)).filter(|token| !token.is_empty());
    let in_header = || bearer_of(head.headers()).map(<[u8]>::to_vec);
    Some(in_path.or(in_query.map(String::into_bytes)).or_else(in_header))
}

/// What somebody is told whose token opens nothing.
fn no_entry(nobody: &Nobody) -> Response<Bytes> {
    match nobody {
        Nobody::TooLong => sockets_only::plain(StatusCode::UNAUTHORIZED, "A token is needed"),
        Nobody::Because(DocumentError::NotAdmitted) => {
            sockets_only::plain(StatusCode::UNAUTHORIZED, "This token does not hold here")
        }
        Nobody::Because(_) => sockets_only::busy(),
    }
}

/// Pages of any origin may read what is wrong.
fn readable(mut answer: Response<Bytes>) -> Response<Bytes> {
    answer.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    answer
}

impl ForeignService for GunService {
    fn body_bytes_max(&self) -> usize {
        0
    }

    fn recognise(&self, head: &Request<()>, known: Recognised) {
        NAMING.recognise(&*self.hub.documents, token_of(head).flatten().as_deref(), known);
    }

    /// There are sockets only.
    fn answer(&self, _: ForeignRequest, _: Moment, answered: Answered) {
        answered(readable(sockets_only::not_found()));
    }

    fn refusal(&self, refusal: RequestRefusal, _: &Request<()>, _: IpAddr) -> Response<Bytes> {
        readable(sockets_only::refusal(refusal))
    }

    fn open_socket(&self, request: SocketRequest, _: Moment) -> Result<Arc<dyn EndpointFactory>, Box<Response<Bytes>>> {
        sockets_only::want_upgrade(&request).map_err(|answer| Box::new(readable(*answer)))?;
        match self.tenant(&request.head) {
            Ok(tenant) => match self.seats.take(tenant) {
                Ok(seat) => Ok(self.peers(tenant, Some((request.client, seat)))),
                Err(_) => Err(Box::new(readable(sockets_only::too_many()))),
            },
            Err(nobody) => Err(Box::new(readable(no_entry(&nobody)))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::token_of;
    use http::Request;

    #[test]
    fn tokens_are_in_path_query_or_header() {
        let token = |target: &str| {
            token_of(&Request::get(target).body(()).unwrap())
                .map(|token| token.map(|bytes| String::from_utf8(bytes).unwrap()))
        };
        for (target, expected) in [
            ("/gun", None),
            ("/gun/", None),
            ("/gun?t=", None),
            ("/gun?t=a%20b", Some("a b")),
            ("/gun?x=1&token=c", Some("c")),
            ("/gun/d+e?t=f", Some("d+e")),
        ] {
            assert_eq!(token(target), Some(expected.map(str::to_owned)), "{target}");
        }
        assert_eq!(token("/gun/%ff"), None);
        let header = Request::get("/gun").header("authorization", "Bearer g").body(()).unwrap();
        assert_eq!(token_of(&header), Some(Some(b"g".to_vec())));
    }
}
