//! The service: which protocol a path speaks, and who may come in.

use super::hub::{Hub, PluresStats, TopicName};
use super::joined::JoinedFactory;
use super::opaque::OpaqueFactory;
use crate::query::value_of;
use crate::sockets_only;
use crate::token::Token;
use bytes::Bytes;
use http::header::{HeaderValue, WWW_AUTHENTICATE};
use http::{Request, Response, StatusCode};
use relay_core::documents::Tenant;
use relay_core::endpoint::{EndpointFactory, Moment};
use relay_core::environment::{Entropy, WallClock};
use relay_core::foreign::{Answered, ForeignRequest, ForeignService, RequestRefusal, Seats, SocketRequest, bearer_of};
use std::net::IpAddr;
use std::sync::Arc;

/// Digits of a topic in a path of its own.
const TOPIC_DIGITS: usize = 64;
/// Before a topic of any form.
const PREFIX: &str = "/gun";

/// What an operator decides.
#[derive(Clone, Debug, Default)]
pub struct PluresOptions {
    /// Who connects must show it, as a bearer token or in the query (`?token=`); `None` lets everyone in.
    pub token: Option<Token>,
}

/// See the module.
pub struct PluresService {
    hub: Arc<Hub>,
    seats: Arc<Seats>,
    options: PluresOptions,
    entropy: Arc<dyn Entropy>,
    clock: Arc<dyn WallClock>,
}

impl PluresService {
    /// Without topics.
    #[must_use]
    pub fn new(
        options: PluresOptions,
        seats: Arc<Seats>,
        entropy: Arc<dyn Entropy>,
        clock: Arc<dyn WallClock>,
    ) -> Self {
        Self { hub: Arc::default(), seats, options, entropy, clock }
    }

    /// Figures.
    #[must_use]
    pub fn stats(&self) -> PluresStats {
        self.hub.stats()
    }

    fn may_enter(&self, head: &Request<()>) -> bool {
        let Some(token) = &self.options.token else { return true };
        let in_query = value_of(head.uri().query().unwrap_or_default(), "token");
        token.is(bearer_of(head.headers())) || token.is(in_query.as_ref().map(String::as_bytes))
    }
}

/// The topic that a path is; `None`: topics are joined by messages there.
fn topic_of(path: &str) -> Option<TopicName> {
    if let Some(rest) = path.strip_prefix(PREFIX).filter(|rest| rest.is_empty() || rest.starts_with('/')) {
        return Some(TopicName::Path(rest.trim_start_matches('/').into()));
    }
    let name = path.rsplit('/').next().filter(|name| name.len() == TOPIC_DIGITS)?;
    let is_hex = name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_hex.then(|| TopicName::Path(name.into()))
}

impl ForeignService for PluresService {
    fn body_bytes_max(&self) -> usize {
        0
    }

    /// There are sockets only.
    fn answer(&self, _: ForeignRequest, _: Moment, answered: Answered) {
        answered(sockets_only::not_found());
    }

    fn refusal(&self, refusal: RequestRefusal, _: &Request<()>, _: IpAddr) -> Response<Bytes> {
        sockets_only::refusal(refusal)
    }

    fn open_socket(&self, request: SocketRequest, _: Moment) -> Result<Arc<dyn EndpointFactory>, Box<Response<Bytes>>> {
        sockets_only::want_upgrade(&request)?;
        if !self.may_enter(&request.head) {
            let mut answer = sockets_only::plain(StatusCode::UNAUTHORIZED, "A token is needed");
            answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            return Err(Box::new(answer));
        }
        // A topic is no tenant: its name is a secret of those who are in it.
        let seat = self.seats.take(Tenant::ONLY).map_err(|_| Box::new(sockets_only::too_many()))?;
        let (hub, seat) = (Arc::clone(&self.hub), Arc::new(seat));
        Ok(match topic_of(request.head.uri().path()) {
            Some(topic) => Arc::new(OpaqueFactory { hub, topic, seat }),
            None => {
                let (entropy, clock) = (Arc::clone(&self.entropy), Arc::clone(&self.clock));
                Arc::new(JoinedFactory { hub, entropy, clock, seat })
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{TopicName, topic_of};

    #[test]
    fn paths_are_topics_or_not() {
        let hex = "0123456789abcdef".repeat(4);
        let topic = |name: &str| Some(TopicName::Path(name.into()));
        assert!(topic_of(&format!("/{hex}")) == topic(&hex));
        assert!(topic_of(&format!("/gun/{hex}")) == topic(&hex), "with and without the prefix it is the same topic");
        assert!(topic_of("/gun/room") == topic("room"));
        assert!(topic_of("/gun") == topic(""));
        for path in ["/", "/room", "/gunroom", &format!("/{}", hex.to_uppercase()), &format!("/{}", &hex[1..])] {
            assert!(topic_of(path).is_none(), "{path}");
        }
    }
}
