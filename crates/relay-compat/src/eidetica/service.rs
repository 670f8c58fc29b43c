//! The service: one path, tenants, and which request is which.

use super::accept::Rules;
use super::answer::{self, Refused};
use super::key::RelayKey;
use super::transcript::Challenges;
use super::wire::Request;
use super::{BODY_BYTES_MAX, OFFLOAD_BODY_BYTES, handshake, pull, pull_old, push, sweep};
use crate::Offload;
use crate::systems::EIDETICA;
use crate::tenants::{Naming, Nobody};
use base64ct::{Base64, Encoding};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Method, Response};
use relay_core::documents::{DocumentStore, Keyspace, Tenant};
use relay_core::endpoint::{EndpointFactory, Moment};
use relay_core::environment::{Entropy, WallClock};
use relay_core::foreign::{
    AddressRates, Answered, ForeignRequest, ForeignService, Recognised, RequestRefusal, SocketRequest, bearer_of,
};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const NAMING: Naming = Naming { system: EIDETICA, domain: b"sealrelay eidetica tenant\0" };

/// What an operator decides.
#[derive(Clone, Debug)]
pub struct EideticaOptions {
    /// Whether requests without a token are those of the one tenant of this relay; otherwise they are refused.
    pub tokenless: bool,
    /// Whether reading a signed tree of dialect C without a token takes the proof of a key that signed in it.
    pub proof: bool,
    /// Takes entries that are signed by a key they name, and no others.
    pub signed_only: bool,
    /// Bytes a tenant may hold.
    pub tenant_bytes_max: u64,
    /// Largest body, in bytes.
    pub body_bytes_max: usize,
}

impl Default for EideticaOptions {
    fn default() -> Self {
        Self {
            tokenless: false,
            proof: true,
            signed_only: false,
            tenant_bytes_max: 1024 * 1024 * 1024,
            body_bytes_max: BODY_BYTES_MAX,
        }
    }
}

/// What the service is given.
pub struct EideticaParts {
    /// Where entries are kept.
    pub documents: Arc<dyn DocumentStore>,
    /// The wall clock.
    pub clock: Arc<dyn WallClock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// How often an address may write.
    pub rates: Arc<AddressRates>,
    /// Who the relay is to peers.
    pub key: RelayKey,
    /// Where large requests are looked into.
    pub offload: Offload,
    /// The operator's decisions.
    pub options: EideticaOptions,
}

/// Counters since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EideticaStats {
    /// Requests.
    pub requests: u64,
    /// Requests answered with an error.
    pub refused: u64,
    /// Entries that got their place.
    pub placed: u64,
    /// Entries that came again.
    pub held: u64,
    /// Entries that came before a parent.
    pub waited: u64,
    /// Entries that were refused.
    pub refused_entries: u64,
    /// Entries that waited for a parent for too long.
    pub expired: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    requests: AtomicU64,
    refused: AtomicU64,
    pub(super) placed: AtomicU64,
    pub(super) held: AtomicU64,
    pub(super) waited: AtomicU64,
    pub(super) refused_entries: AtomicU64,
    pub(super) expired: AtomicU64,
}

pub(super) struct Shared {
    pub(super) documents: Arc<dyn DocumentStore>,
    pub(super) clock: Arc<dyn WallClock>,
    pub(super) challenges: Challenges,
    rates: Arc<AddressRates>,
    pub(super) key: RelayKey,
    pub(super) options: EideticaOptions,
    pub(super) counters: Counters,
}

/// See the module.
pub struct EideticaService {
    shared: Arc<Shared>,
    offload: Offload,
}

/// One request on its way.
pub(super) struct Exchange {
    pub(super) shared: Arc<Shared>,
    pub(super) keyspace: Keyspace,
    /// Whether it came without a token.
    pub(super) is_tokenless: bool,
    client: IpAddr,
    now: Moment,
    answered: Answered,
}

impl Exchange {
    pub(super) fn documents(&self) -> Arc<dyn DocumentStore> {
        Arc::clone(&self.shared.documents)
    }

    pub(super) fn rules(&self) -> Rules {
        let EideticaOptions { signed_only, tenant_bytes_max, .. } = self.shared.options;
        Rules { tenant_bytes_max, signed_only, now_ms: self.shared.clock.now_ms() }
    }

    /// Whether the client's address may write so much now.
    fn admit(&self, entries: usize) -> Result<(), Refused> {
        Ok(self.shared.rates.admit(self.client, entries, self.now)?)
    }

    pub(super) fn end(self, answer: Result<Vec<u8>, Refused>) {
        let response = match answer {
            Ok(body) => answer::ok(body),
            Err(refused) => {
                self.shared.counters.refused.fetch_add(1, Ordering::Relaxed);
                answer::refused(&refused)
            }
        };
        (self.answered)(response);
    }

    /// Ends with a body made of what was stored; `None` is damage.
    pub(super) fn end_read(self, body: Option<Vec<u8>>) {
        self.end(body.ok_or(Refused::Store { temporary: false }));
    }

    fn serve(self, body: &[u8]) {
        let request = match serde_json::from_slice(body) {
            Ok(request) => request,
            Err(error) if error.is_data() => return self.end(Err(Refused::NotARequest(error.to_string()))),
            Err(error) => return self.end(Err(Refused::NotJson(error.to_string()))),
        };
        match request {
            Request::Handshake(request) => handshake::handshake(request, self),
            Request::SyncTree(request) => pull::sync_tree(request, self),
            Request::SendEntries(entries) => match self.admit(entries.len()) {
                Ok(()) => push::send_entries(entries, self),
                Err(refused) => self.end(Err(refused)),
            },
            Request::GetTips(request) => pull_old::get_tips(request, self),
            Request::GetEntries(request) => pull_old::get_entries(request, self),
        }
    }
}

impl EideticaService {
    /// Over a store of documents.
    #[must_use]
    pub fn new(parts: EideticaParts) -> Self {
        let EideticaParts { documents, clock, entropy, rates, key, offload, options } = parts;
        let mut secret = [0; 32];
        entropy.fill(&mut secret);
        let challenges = Challenges::new(&secret);
        let shared = Shared { documents, clock, challenges, rates, key, options, counters: Counters::default() };
        Self { shared: Arc::new(shared), offload }
    }

    /// Who the relay is to peers.
    #[must_use]
    pub fn public_key(&self) -> &str {
        self.shared.key.text()
    }

    /// Figures.
    #[must_use]
    pub fn stats(&self) -> EideticaStats {
        let counters = &self.shared.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        EideticaStats {
            requests: read(&counters.requests),
            refused: read(&counters.refused),
            placed: read(&counters.placed),
            held: read(&counters.held),
            waited: read(&counters.waited),
            refused_entries: read(&counters.refused_entries),
            expired: read(&counters.expired),
        }
    }

    /// Lets go what waited for too long; to be called now and then.
    pub fn sweep(&self) {
        sweep::begin(&self.shared);
    }

    /// Whose request it is.
    fn tenant(&self, token: Option<&[u8]>, is_tokenless: bool) -> Result<Tenant, Refused> {
        match token {
            Some(token) => NAMING.tenant(&*self.shared.documents, token).map_err(|nobody| match nobody {
                Nobody::TooLong => Refused::Unauthorized,
                Nobody::Because(error) => error.into(),
            }),
            None if is_tokenless && self.shared.options.tokenless => Ok(Tenant::ONLY),
            None => Err(Refused::Unauthorized),
        }
    }

    fn refused_now(&self, refused: &Refused) -> Response<Bytes> {
        self.shared.counters.refused.fetch_add(1, Ordering::Relaxed);
        answer::refused(refused)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
        || kind.get(..12).is_some_and(|start| start.eq_ignore_ascii_case("application/")) && kind.ends_with("+json")
}

/// The token of a request: a bearer, or what stands before the host in the address that clients were given. There a password
/// is the token whatever the name before it is, and a name without one is.
fn token_of(headers: &HeaderMap) -> Option<Vec<u8>> {
    if let Some(bearer) = bearer_of(headers) {
        return Some(bearer.to_vec());
    }
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let (scheme, credentials) = value.to_str().ok()?.split_once(' ')?;
    let credentials = Base64::decode_vec(credentials.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let colon = credentials.iter().position(|byte| *byte == b':').unwrap_or(credentials.len());
    let (name, password) = (credentials.get(..colon)?, credentials.get(colon + 1..).unwrap_or_default());
    let token = if password.is_empty() { name } else { password };
    (!token.is_empty()).then(|| token.to_vec())
}

impl ForeignService for EideticaService {
    fn body_bytes_max(&self) -> usize {
        self.shared.options.body_bytes_max
    }

    fn recognise(&self, head: &http::Request<()>, known: Recognised) {
        NAMING.recognise(&*self.shared.documents, token_of(head.headers()).as_deref(), known);
    }

    fn answer(&self, request: ForeignRequest, now: Moment, answered: Answered) {
        let ForeignRequest { request, client } = request;
        self.shared.counters.requests.fetch_add(1, Ordering::Relaxed);
        let token = token_of(request.headers());
        let is_tokenless = token.is_none() && !request.headers().contains_key(AUTHORIZATION);
        let tenant = self.tenant(token.as_deref(), is_tokenless);
        let keyspace = NAMING.keyspace(tenant.as_ref().map_or(Tenant::ONLY, |tenant| *tenant));
        let shared = Arc::clone(&self.shared);
        let exchange = Exchange { shared, keyspace, is_tokenless, client, now, answered };
        if request.method() == Method::OPTIONS {
            return (exchange.answered)(answer::preflight());
        }
        if request.method() != Method::POST {
            return exchange.end(Err(Refused::NotPost));
        }
        if let Err(refused) = tenant {
            return exchange.end(Err(refused));
        }
        if !is_json(request.headers()) {
            return exchange.end(Err(Refused::NotJsonType));
        }
        let body = request.into_body();
        if body.len() < OFFLOAD_BODY_BYTES {
            return exchange.serve(&body);
        }
        (self.offload)(Box::new(move || exchange.serve(&body)));
    }

    fn refusal(&self, refusal: RequestRefusal, _: &http::Request<()>, _: IpAddr) -> Response<Bytes> {
        self.refused_now(&Refused::Transport(refusal))
    }

    fn open_socket(&self, _: SocketRequest, _: Moment) -> Result<Arc<dyn EndpointFactory>, Box<Response<Bytes>>> {
        Err(Box::new(self.refused_now(&Refused::NotFound)))
    }
}

#[cfg(test)]
mod tests {
    use super::token_of;
    use http::HeaderMap;
    use http::header::{AUTHORIZATION, HeaderValue};

    #[test]
    fn a_token_is_a_bearer_or_what_stands_before_the_host() {
        let token = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_static(value));
            token_of(&headers).map(|token| String::from_utf8(token).unwrap())
        };
        assert_eq!(token("Bearer abc").as_deref(), Some("abc"));
        // user:abc, abc:, :abc, abc
        for basic in ["Basic dXNlcjphYmM=", "Basic YWJjOg==", "basic OmFiYw==", "Basic YWJj"] {
            assert_eq!(token(basic).as_deref(), Some("abc"), "{basic}");
        }
        for none in ["Basic Og==", "Basic !", "Digest abc", "Basic"] {
            assert_eq!(token(none), None, "{none}");
        }
        assert_eq!(token_of(&HeaderMap::new()), None);
    }
}
