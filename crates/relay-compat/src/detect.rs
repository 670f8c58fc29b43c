//! Two protocols on one path, told apart by the first frame: text goes to one, binary to the other. Until then nothing is sent,
//! because the peer may be of the kind that reads no greeting.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use relay_core::endpoint::{Close, Endpoint, EndpointFactory, Moment, Opened, Outbox};
use relay_core::foreign::{Answered, ForeignRequest, ForeignService, Recognised, RequestRefusal, SocketRequest};
use std::net::IpAddr;
use std::sync::Arc;

/// Closes a socket whose protocol is not served here.
const UNSUPPORTED: Close = Close { code: 1003, reason: "not_served_here" };

/// The service of a path that two services share; either may be missing.
pub struct FirstFrame {
    /// Serves sockets whose first frame is text, and all requests that are no socket.
    pub text: Option<Arc<dyn ForeignService>>,
    /// Serves sockets whose first frame is binary.
    pub binary: Option<Arc<dyn ForeignService>>,
}

impl FirstFrame {
    fn main(&self) -> Option<&Arc<dyn ForeignService>> {
        self.text.as_ref().or(self.binary.as_ref())
    }
}

impl ForeignService for FirstFrame {
    fn body_bytes_max(&self) -> usize {
        self.main().map_or(0, |service| service.body_bytes_max())
    }

    /// The other one has no tenants.
    fn recognise(&self, head: &Request<()>, known: Recognised) {
        match self.main() {
            Some(service) => service.recognise(head, known),
            None => known(),
        }
    }

    fn answer(&self, request: ForeignRequest, now: Moment, answered: Answered) {
        match self.main() {
            Some(service) => service.answer(request, now, answered),
            None => answered(status(StatusCode::NOT_FOUND)),
        }
    }

    fn refusal(&self, refusal: RequestRefusal, head: &Request<()>, client: IpAddr) -> Response<Bytes> {
        self.main().map_or_else(|| status(StatusCode::NOT_FOUND), |service| service.refusal(refusal, head, client))
    }

    fn open_socket(
        &self,
        request: SocketRequest,
        now: Moment,
    ) -> Result<Arc<dyn EndpointFactory>, Box<Response<Bytes>>> {
        let again = SocketRequest { head: request.head.clone(), ..request };
        let open = |service: &Option<Arc<dyn ForeignService>>, request| {
            service.as_ref().map(|service| service.open_socket(request, now)).transpose()
        };
        // Who may not use the one may still use the other.
        match (open(&self.text, request), open(&self.binary, again)) {
            (Ok(None), Ok(None)) => Err(Box::new(status(StatusCode::NOT_FOUND))),
            (Err(answer), Ok(None) | Err(_)) | (Ok(None), Err(answer)) => Err(answer),
            (text, binary) => Ok(Arc::new(Undecided { text: text.ok().flatten(), binary: binary.ok().flatten() })),
        }
    }
}

fn status(status: StatusCode) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = status;
    answer
}

#[derive(Clone)]
struct Undecided {
    text: Option<Arc<dyn EndpointFactory>>,
    binary: Option<Arc<dyn EndpointFactory>>,
}

impl EndpointFactory for Undecided {
    fn open(&self, opened: Opened, _: Moment) -> Box<dyn Endpoint> {
        Box::new(Detecting { factories: self.clone(), opened, decided: None })
    }

    fn message_bytes_max(&self) -> usize {
        self.text.iter().chain(&self.binary).map(|factory| factory.message_bytes_max()).max().unwrap_or(0)
    }

    fn takes_text(&self) -> bool {
        true
    }

    fn may_stay_silent(&self) -> bool {
        true
    }
}

struct Detecting {
    factories: Undecided,
    opened: Opened,
    decided: Option<(Box<dyn Endpoint>, usize)>,
}

impl Detecting {
    /// The endpoint, made by the first frame; the first frame of a kind that is not served closes.
    fn decide(&mut self, is_text: bool, now: Moment, out: &mut dyn Outbox) -> Option<&mut dyn Endpoint> {
        if self.decided.is_none() {
            let factory = if is_text { &self.factories.text } else { &self.factories.binary };
            let Some(factory) = factory else {
                out.close(UNSUPPORTED);
                return None;
            };
            let mut endpoint = factory.open(self.opened.clone(), now);
            // It greets before it hears, as it would have at the start.
            endpoint.poll(now, out);
            let bytes_max = factory.message_bytes_max();
            // What the other protocol keeps for a socket is free again.
            self.factories = Undecided { text: None, binary: None };
            self.decided = Some((endpoint, bytes_max));
        }
        self.decided.as_mut().map(|(endpoint, _)| &mut **endpoint as &mut dyn Endpoint)
    }
}

impl Endpoint for Detecting {
    fn on_message(&mut self, message: Bytes, now: Moment, out: &mut dyn Outbox) {
        if let Some(endpoint) = self.decide(false, now, out) {
            endpoint.on_message(message, now, out);
        }
    }

    fn on_text(&mut self, message: Bytes, now: Moment, out: &mut dyn Outbox) {
        if let Some(endpoint) = self.decide(true, now, out) {
            endpoint.on_text(message, now, out);
        }
    }

    fn on_read_end(&mut self, now: Moment, out: &mut dyn Outbox) {
        if let Some((endpoint, _)) = &mut self.decided {
            endpoint.on_read_end(now, out);
        }
    }

    fn poll(&mut self, now: Moment, out: &mut dyn Outbox) {
        if let Some((endpoint, _)) = &mut self.decided {
            endpoint.poll(now, out);
        }
    }

    fn next_deadline(&self) -> Option<Moment> {
        self.decided.as_ref().and_then(|(endpoint, _)| endpoint.next_deadline())
    }

    fn on_drain(&mut self, now: Moment, out: &mut dyn Outbox) {
        if let Some((endpoint, _)) = &mut self.decided {
            endpoint.on_drain(now, out);
        }
    }

    fn message_bytes_max(&self) -> usize {
        self.decided.as_ref().map_or(usize::MAX, |(endpoint, bytes_max)| endpoint.message_bytes_max().min(*bytes_max))
    }

    fn on_closed(&mut self) {
        if let Some((endpoint, _)) = &mut self.decided {
            endpoint.on_closed();
        }
    }
}
