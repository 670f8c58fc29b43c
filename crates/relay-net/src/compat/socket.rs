//! One request to a path of WebSockets: the service says what is to be opened there, or why nothing is.

use super::request::{recognised, whole};
use crate::connections::ConnectionGuard;
use crate::gate::Client;
use crate::http::answer_body::Answer;
use crate::http::exchange::{Accepted, Front};
use crate::http::problem::Problem;
use crate::websocket::handshake;
use http::Request;
use http::request::Parts;
use relay_core::foreign::{RequestRefusal, SocketRequest};
use std::panic::{AssertUnwindSafe, catch_unwind};

impl Front {
    /// Upgrades, or answers what the service or the handshake says; `None` when there is no such service.
    pub(crate) async fn foreign_socket(
        &self,
        service: &str,
        head: Parts,
        client: &Client,
        guard: &ConnectionGuard,
        accepted: &Accepted,
    ) -> Option<Result<Answer, Problem>> {
        let service = self.compat.services.get(service)?;
        let is_upgrade = handshake::is_asked_for(&head.headers);
        let about = Request::from_parts(head.clone(), ());
        recognised(service, &self.shared, &about).await;
        let request = SocketRequest { head: about, client: client.address, is_upgrade };
        let now = self.shared.clock.now();
        let opened = catch_unwind(AssertUnwindSafe(|| service.open_socket(request, now)));
        let answer = match opened {
            Ok(Ok(factory)) => return Some(self.upgrade(&head, client, guard, accepted, &factory)),
            Ok(Err(answer)) => *answer,
            Err(_) => {
                self.shared.stats.counters.endpoint_panics_total.add(1);
                service.refusal(RequestRefusal::Failed, &Request::from_parts(head, ()), client.address)
            }
        };
        self.shared.stats.counters.upgrades_refused_total.add(1);
        self.shared.stats.counters.http_errors_total.add(1);
        Some(Ok(whole(answer)))
    }
}
