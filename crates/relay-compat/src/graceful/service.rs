//! The service: paths, tenants, rates, headers.

use super::accept::Rules;
use super::answer::{Answer, Refused};
use super::message::{self, cursor_text};
use super::notify::{GracefulStats, Listeners};
use super::rate::{Allowance, Rate};
use super::socket::{Periods, SocketFactory};
use super::{
    BODY_BYTES_MAX, NAME_BYTES_MAX, PING_MS, PROTOCOL_VERSION, SILENCE_MS_MAX, ack, export, pull, push, sweep,
};
use crate::query::value_of;
use crate::systems::GRACEFUL;
use crate::tenants::{Naming, Nobody};
use bytes::Bytes;
use http::{Method, Request, Response};
use relay_core::documents::{DocumentError, DocumentStore, Documents, Tenant, turn};
use relay_core::endpoint::{EndpointFactory, Moment};
use relay_core::environment::WallClock;
use relay_core::foreign::{
    AddressKey, AddressRates, Answered, ForeignRequest, ForeignService, Recognised, RequestRefusal, Seats,
    SocketRequest, bearer_of,
};
use serde_json::json;
use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const NAMING: Naming = Naming { system: GRACEFUL, domain: b"sealrelay graceful tenant\0" };
/// All tenants of a rollout.
const ROLLOUT_SHARE_ALL: u32 = 10_000;

/// What an operator decides.
#[derive(Clone, Debug)]
pub struct GracefulOptions {
    /// Whether requests without a token are those of the one tenant of this relay; otherwise they are refused.
    pub tokenless: bool,
    /// Refuses known ids and changes that are not newer than their entity, as the original does.
    pub strict: bool,
    /// How many tenants of 10,000 are served; a tenant that is stays so when it grows.
    pub rollout_share: u32,
    /// Requests of one client in a minute.
    pub requests_per_minute_max: u32,
    /// Bytes a tenant may hold.
    pub tenant_bytes_max: u64,
    /// How long changes are kept, in milliseconds.
    pub retention_ms: u64,
    /// Largest body, in bytes.
    pub body_bytes_max: usize,
    /// Period of pings, in milliseconds.
    pub ping_ms: u64,
    /// Silence after which a WebSocket is closed, in milliseconds.
    pub silence_ms_max: u64,
}

impl Default for GracefulOptions {
    fn default() -> Self {
        Self {
            tokenless: false,
            strict: false,
            rollout_share: ROLLOUT_SHARE_ALL,
            requests_per_minute_max: 600,
            tenant_bytes_max: 1024 * 1024 * 1024,
            retention_ms: 30 * 24 * 60 * 60 * 1000,
            body_bytes_max: BODY_BYTES_MAX,
            ping_ms: PING_MS,
            silence_ms_max: SILENCE_MS_MAX,
        }
    }
}

/// What the service is given.
pub struct GracefulParts {
    /// Where changes are kept.
    pub documents: Arc<dyn DocumentStore>,
    /// The wall clock.
    pub clock: Arc<dyn WallClock>,
    /// Places of WebSockets.
    pub seats: Arc<Seats>,
    /// How often an address may write.
    pub rates: Arc<AddressRates>,
    /// The operator's decisions.
    pub options: GracefulOptions,
}

struct Shared {
    documents: Arc<dyn DocumentStore>,
    clock: Arc<dyn WallClock>,
    options: GracefulOptions,
    listeners: Arc<Listeners>,
    seats: Arc<Seats>,
    rates: Arc<AddressRates>,
    /// Of requests.
    rate: Rate<AddressKey>,
}

/// See the module.
pub struct GracefulService {
    shared: Arc<Shared>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Path {
    Push,
    Pull,
    Ack,
    Devices,
    Export,
    Import,
}

/// The paths, with the prefix that some clients use and without.
fn path_of(path: &str) -> Option<Path> {
    match path.strip_prefix("/api").unwrap_or(path) {
        "/sync/push" => Some(Path::Push),
        "/sync/pull" => Some(Path::Pull),
        "/sync/ack" => Some(Path::Ack),
        "/sync/devices" => Some(Path::Devices),
        "/sync/export" => Some(Path::Export),
        "/sync/import" => Some(Path::Import),
        _ => None,
    }
}

/// One request on its way: what its answer needs besides its body.
struct Exchange {
    shared: Arc<Shared>,
    answered: Answered,
    allowance: Allowance,
    client: IpAddr,
    now: Moment,
    since_ms: u64,
}

impl Exchange {
    fn end(self, answer: Result<Answer, Refused>) {
        let now_ms = self.shared.clock.now_ms();
        let counters = &self.shared.listeners.counters;
        let answer = answer.unwrap_or_else(|refused| {
            counters.refused.fetch_add(1, Ordering::Relaxed);
            Answer::refused(&refused, now_ms, Some(self.allowance))
        });
        (self.answered)(answer.response(Some(self.allowance), now_ms.saturating_sub(self.since_ms)));
    }

    /// Whether the client's address may write so much now.
    fn admit(&self, changes: usize) -> Result<(), Refused> {
        Ok(self.shared.rates.admit(self.client, changes, self.now)?)
    }

    /// Takes a turn in a tenant's documents and ends with what it made of it.
    fn turn<R: Send + 'static>(
        self,
        tenant: Tenant,
        waiting_bytes: usize,
        run: impl FnOnce(&mut dyn Documents) -> Result<R, DocumentError> + Send + 'static,
        answer: impl FnOnce(&Shared, R) -> Answer + Send + 'static,
    ) {
        let documents = Arc::clone(&self.shared.documents);
        let keyspace = NAMING.keyspace(tenant);
        turn(&*documents, keyspace, waiting_bytes, run, move |done| {
            let answer = done.map(|made| answer(&self.shared, made)).map_err(Refused::from);
            self.end(answer);
        });
    }
}

impl GracefulService {
    /// Over a store of documents.
    #[must_use]
    pub fn new(parts: GracefulParts) -> Self {
        let GracefulParts { documents, clock, seats, rates, options } = parts;
        let rate = Rate::new(options.requests_per_minute_max);
        let listeners = Arc::default();
        Self { shared: Arc::new(Shared { documents, clock, options, listeners, seats, rates, rate }) }
    }

    /// Figures.
    #[must_use]
    pub fn stats(&self) -> GracefulStats {
        self.shared.listeners.stats()
    }

    /// Lets go what was kept for long enough; in the background of the store.
    pub fn sweep(&self) {
        let before_ms = self.shared.clock.now_ms().saturating_sub(self.shared.options.retention_ms);
        sweep::begin(&self.shared.documents, before_ms);
    }

    /// Whose request it is.
    fn tenant(&self, token: Option<&[u8]>) -> Result<Tenant, Refused> {
        match token {
            Some(token) => {
                let tenant = NAMING.tenant(&*self.shared.documents, token).map_err(|nobody| match nobody {
                    Nobody::TooLong => Refused::Unauthorized,
                    Nobody::Because(error) => error.into(),
                })?;
                self.enabled(tenant)
            }
            None if self.shared.options.tokenless => Ok(Tenant::ONLY),
            None => Err(Refused::Unauthorized),
        }
    }

    /// A tenant's place in the rollout is its own for ever, so that nobody loses sync when more get it.
    fn enabled(&self, tenant: Tenant) -> Result<Tenant, Refused> {
        let place = tenant.0.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes)) % ROLLOUT_SHARE_ALL;
        (place < self.shared.options.rollout_share).then_some(tenant).ok_or(Refused::NotEnabled)
    }

    fn rules(&self, now_ms: u64) -> Rules {
        let GracefulOptions { strict, tenant_bytes_max, .. } = self.shared.options;
        Rules { strict, tenant_bytes_max, now_ms }
    }

    fn serve(&self, request: &Request<Bytes>, tenant: Result<Tenant, Refused>, exchange: Exchange) {
        let method = request.method();
        if method == Method::OPTIONS {
            return exchange.end(Ok(Answer::empty()));
        }
        let (path, tenant) = match (path_of(request.uri().path()), tenant) {
            (Some(path), Ok(tenant)) => (path, tenant),
            (Some(_), Err(refused)) => return exchange.end(Err(refused)),
            (None, _) => return exchange.end(Err(Refused::NotFound)),
        };
        let wanted = if path == Path::Export { Method::GET } else { Method::POST };
        if *method != wanted {
            return exchange.end(Err(Refused::NotFound));
        }
        let body = request.body();
        match path {
            Path::Push => self.push(body, tenant, exchange),
            Path::Pull => self.pull(body, tenant, exchange),
            Path::Ack => self.ack(body, tenant, exchange),
            Path::Devices => self.devices(body, tenant, exchange),
            Path::Export => self.export(request.uri().query().unwrap_or_default(), tenant, exchange),
            Path::Import => self.import(body, tenant, exchange),
        }
    }

    fn push(&self, body: &Bytes, tenant: Tenant, exchange: Exchange) {
        let push = message::push(body).and_then(|push| exchange.admit(push.changes.len()).map(|()| push));
        let push = match push {
            Ok(push) => push,
            Err(refused) => return exchange.end(Err(refused)),
        };
        let (rules, device_id) = (self.rules(exchange.since_ms), push.device_id.clone());
        let run = move |documents: &mut dyn Documents| push::run(documents, push, rules);
        exchange.turn(tenant, body.len(), run, move |shared, pushed| {
            if pushed.is_news {
                shared.listeners.tell_others(tenant, &device_id);
            }
            Answer::ok(&pushed.body(shared.clock.now_ms()))
        });
    }

    fn pull(&self, body: &Bytes, tenant: Tenant, exchange: Exchange) {
        let pull = match message::pull(body) {
            Ok(pull) => pull,
            Err(refused) => return exchange.end(Err(refused)),
        };
        let clock = Arc::clone(&self.shared.clock);
        let run = move |documents: &mut dyn Documents| pull::run(documents, &pull, clock.now_ms());
        exchange.turn(tenant, body.len(), run, |_, page| Answer::bytes(page.body()));
    }

    fn ack(&self, body: &Bytes, tenant: Tenant, exchange: Exchange) {
        let ack = match message::ack(body) {
            Ok(ack) => ack,
            Err(refused) => return exchange.end(Err(refused)),
        };
        let bytes_max = self.shared.options.tenant_bytes_max;
        let run = move |documents: &mut dyn Documents| ack::run(documents, ack, tenant, bytes_max);
        exchange.turn(tenant, body.len(), run, |shared, acked| Answer::ok(&acked.body(shared.clock.now_ms())));
    }

    fn devices(&self, body: &Bytes, tenant: Tenant, exchange: Exchange) {
        if !ack::may_declare(tenant) {
            return exchange.end(Err(Refused::Unauthorized));
        }
        let devices = match message::devices(body) {
            Ok(devices) => devices,
            Err(refused) => return exchange.end(Err(refused)),
        };
        let bytes_max = self.shared.options.tenant_bytes_max;
        let run = move |documents: &mut dyn Documents| ack::declare(documents, &devices, bytes_max).map(|()| devices);
        exchange.turn(tenant, body.len(), run, |shared, devices| {
            Answer::ok(&json!({
                "protocol_version": PROTOCOL_VERSION,
                "success": true,
                "devices": devices,
                "timestamp": shared.clock.now_ms(),
            }))
        });
    }

    fn export(&self, query: &str, tenant: Tenant, exchange: Exchange) {
        let after = match value_of(query, "cursor") {
            None => 0,
            Some(cursor) => match message::cursor_of(&cursor) {
                Some(after) => after,
                None => return exchange.end(Err(Refused::invalid("The cursor is not one of this relay", &["cursor"]))),
            },
        };
        let user_id = hex::encode(tenant.0);
        let run = move |documents: &mut dyn Documents| export::run(documents, after);
        exchange.turn(tenant, cursor_text(after).len(), run, move |shared, export| {
            Answer::bytes(export.body(&user_id, shared.clock.now_ms()))
        });
    }

    fn import(&self, body: &Bytes, tenant: Tenant, exchange: Exchange) {
        let changes = export::read(body).and_then(|changes| exchange.admit(changes.len()).map(|()| changes));
        let changes = match changes {
            Ok(changes) => changes,
            Err(refused) => return exchange.end(Err(refused)),
        };
        let rules = self.rules(exchange.since_ms);
        let run = move |documents: &mut dyn Documents| export::import(documents, &changes, rules);
        exchange.turn(tenant, body.len(), run, move |shared, imported| {
            imported.sources.iter().for_each(|device_id| shared.listeners.tell_others(tenant, device_id));
            Answer::ok(&imported.body(shared.clock.now_ms()))
        });
    }

    fn refused_now(&self, refused: &Refused) -> Response<Bytes> {
        self.shared.listeners.counters.refused.fetch_add(1, Ordering::Relaxed);
        Answer::refused(refused, self.shared.clock.now_ms(), None).response(None, 0)
    }
}

/// A bearer token, or that of a browser's WebSocket, which cannot have one.
fn token_of(head: &Request<()>) -> Option<Cow<'_, [u8]>> {
    let in_query = || {
        let is_socket = path_of(head.uri().path()).is_none();
        value_of(head.uri().query().unwrap_or_default(), "token").filter(|_| is_socket)
    };
    bearer_of(head.headers()).map(Cow::Borrowed).or_else(|| in_query().map(|token| Cow::Owned(token.into_bytes())))
}

impl ForeignService for GracefulService {
    fn body_bytes_max(&self) -> usize {
        self.shared.options.body_bytes_max
    }

    fn recognise(&self, head: &Request<()>, known: Recognised) {
        NAMING.recognise(&*self.shared.documents, token_of(head).as_deref(), known);
    }

    fn answer(&self, request: ForeignRequest, now: Moment, answered: Answered) {
        let ForeignRequest { request, client } = request;
        let now_ms = self.shared.clock.now_ms();
        let tenant = self.tenant(bearer_of(request.headers()));
        let allowance = self.shared.rate.count(AddressKey::of(client), now_ms);
        let counters = &self.shared.listeners.counters;
        counters.requests.fetch_add(1, Ordering::Relaxed);
        let shared = Arc::clone(&self.shared);
        let exchange = Exchange { shared, answered, allowance, client, now, since_ms: now_ms };
        if allowance.is_exceeded {
            counters.rate_limited.fetch_add(1, Ordering::Relaxed);
            return exchange.end(Err(Refused::RateLimited));
        }
        self.serve(&request, tenant, exchange);
    }

    fn refusal(&self, refusal: RequestRefusal, _: &Request<()>, client: IpAddr) -> Response<Bytes> {
        let now_ms = self.shared.clock.now_ms();
        // A client that sends what is refused unseen uses its rate up as well.
        let allowance = Some(self.shared.rate.count(AddressKey::of(client), now_ms));
        self.shared.listeners.counters.refused.fetch_add(1, Ordering::Relaxed);
        Answer::refused(&Refused::Transport(refusal), now_ms, allowance).response(allowance, 0)
    }

    fn open_socket(&self, request: SocketRequest, _: Moment) -> Result<Arc<dyn EndpointFactory>, Box<Response<Bytes>>> {
        let refuse = |refused: &Refused| Box::new(self.refused_now(refused));
        if !request.is_upgrade {
            return Err(refuse(&Refused::UpgradeRequired));
        }
        let query = request.head.uri().query().unwrap_or_default();
        let device_id = value_of(query, "device_id").filter(|id| !id.is_empty() && id.len() <= NAME_BYTES_MAX);
        let Some(device_id) = device_id else {
            return Err(refuse(&Refused::invalid("Missing device_id parameter", &["device_id"])));
        };
        let tenant = self.tenant(token_of(&request.head).as_deref()).map_err(|refused| refuse(&refused))?;
        let seat = self.shared.seats.take(tenant).map_err(|_| refuse(&Refused::TooManySockets))?;
        let GracefulOptions { ping_ms, silence_ms_max, .. } = self.shared.options;
        let periods = Periods {
            ping: Duration::from_millis(ping_ms.max(1)),
            silence_max: Duration::from_millis(silence_ms_max.max(1)),
        };
        Ok(Arc::new(SocketFactory {
            tenant,
            device_id,
            seat: Arc::new(seat),
            listeners: Arc::clone(&self.shared.listeners),
            clock: Arc::clone(&self.shared.clock),
            periods,
        }))
    }
}
