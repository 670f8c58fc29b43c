//! One request of a foreign protocol: its body is collected, its service asked, and the answer waited for.

use super::body::Collector;
use crate::connection::Shared;
use crate::http::answer_body::{Answer, AnswerBody};
use crate::http::exchange::Front;
use crate::partial::PartialLease;
use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use relay_core::foreign::{ForeignRequest, ForeignService, RequestRefusal};
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

impl Front {
    /// Answers one request of the service of that name; `None` when there is no such service.
    pub(crate) async fn foreign(&self, service: &str, head: Parts, body: Incoming, client: IpAddr) -> Option<Answer> {
        let service = self.compat.services.get(service)?;
        self.shared.stats.counters.foreign_requests_total.add(1);
        // Without its body, for an answer that the service does not give itself.
        let about = Request::from_parts(head.clone(), ());
        let asked = match self.compat.permits.try_acquire() {
            Ok(_permit) => ask(service, &self.shared, (head, &about), body, client).await,
            Err(_) => Err(RequestRefusal::Overloaded),
        };
        let answer = asked.unwrap_or_else(|refusal| refuse(service.as_ref(), refusal, &about, client));
        if answer.status().is_client_error() || answer.status().is_server_error() {
            self.shared.stats.counters.http_errors_total.add(1);
        }
        Some(whole(answer))
    }
}

/// Waits until the service knows whose request it is; what it does not learn in time it answers for itself.
pub(super) async fn recognised(service: &Arc<dyn ForeignService>, shared: &Shared, head: &Request<()>) {
    let (known, knows) = oneshot::channel();
    let asked = catch_unwind(AssertUnwindSafe(|| {
        // Nobody waits once the connection has gone.
        service.recognise(
            head,
            Box::new(move || {
                let _ = known.send(());
            }),
        );
    }));
    if asked.is_err() {
        shared.stats.counters.endpoint_panics_total.add(1);
    }
    let patience = Duration::from_millis(shared.limits.foreign_answer_timeout_ms);
    drop(timeout(patience, knows).await);
}

async fn ask(
    service: &Arc<dyn ForeignService>,
    shared: &Shared,
    (head, about): (Parts, &Request<()>),
    body: Incoming,
    client: IpAddr,
) -> Result<Response<Bytes>, RequestRefusal> {
    recognised(service, shared, about).await;
    let mut lease = PartialLease::new(Arc::clone(&shared.stats.partial));
    let body = Collector::new(body, shared).collect(service.body_bytes_max(), &mut lease).await?;
    let request = ForeignRequest { request: Request::from_parts(head, body), client };
    let (answered, answer) = oneshot::channel();
    let asked = catch_unwind(AssertUnwindSafe(|| {
        // Nobody waits once the connection has gone.
        service.answer(request, shared.clock.now(), Box::new(move |answer| drop(answered.send(answer))));
    }));
    if asked.is_err() {
        shared.stats.counters.endpoint_panics_total.add(1);
        return Err(RequestRefusal::Failed);
    }
    let patience = Duration::from_millis(shared.limits.foreign_answer_timeout_ms);
    match timeout(patience, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) | Err(_) => Err(RequestRefusal::Failed),
    }
}

fn refuse(
    service: &dyn ForeignService,
    refusal: RequestRefusal,
    about: &Request<()>,
    client: IpAddr,
) -> Response<Bytes> {
    catch_unwind(AssertUnwindSafe(|| service.refusal(refusal, about, client))).unwrap_or_else(|_| {
        let mut answer = Response::new(Bytes::new());
        *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        answer
    })
}

/// An answer of a service as one of the transport.
pub(super) fn whole(answer: Response<Bytes>) -> Answer {
    answer.map(AnswerBody::whole)
}
