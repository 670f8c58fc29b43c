//! A foreign service with simple behaviour: it echoes bodies and messages, and obeys paths.

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use relay_core::endpoint::{Close, Endpoint, EndpointFactory, Moment, Opened, Outbound, Outbox, SharedFrame};
use relay_core::foreign::{Answered, ForeignRequest, ForeignService, Recognised, RequestRefusal, SocketRequest};
use relay_net::ForeignServices;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub const SERVICE: &str = "echo";
pub const BODY_BYTES_MAX: usize = 100_000;
pub const MESSAGE_BYTES_MAX: usize = 1 << 20;

#[derive(Default)]
pub struct EchoService {
    /// Answers that are kept back.
    pub kept: Mutex<Vec<Answered>>,
    /// Who waits for a word that never comes.
    pub waiting: Mutex<Vec<Recognised>>,
    /// Whether it was learned whose the next request is.
    pub is_known: Arc<AtomicBool>,
}

pub fn foreign() -> ForeignServices {
    let mut services = ForeignServices::new();
    services.add(SERVICE, Arc::new(EchoService::default()));
    services
}

fn answer(status: StatusCode, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = status;
    answer
}

impl ForeignService for EchoService {
    fn body_bytes_max(&self) -> usize {
        BODY_BYTES_MAX
    }

    fn recognise(&self, head: &Request<()>, known: Recognised) {
        self.is_known.store(false, Ordering::SeqCst);
        match head.uri().query() {
            Some("who-later") => {
                let is_known = Arc::clone(&self.is_known);
                std::thread::spawn(move || {
                    std::thread::sleep(Duration::from_millis(50));
                    is_known.store(true, Ordering::SeqCst);
                    known();
                });
            }
            Some("who-never") => self.waiting.lock().unwrap().push(known),
            Some("who-panic") => panic!("this service was told to panic"),
            _ => known(),
        }
    }

    fn answer(&self, request: ForeignRequest, _: Moment, answered: Answered) {
        match request.request.uri().query() {
            Some(query) if query.starts_with("who") => {
                answered(answer(StatusCode::OK, format!("known {}", self.is_known.load(Ordering::SeqCst))));
            }
            Some("panic") => panic!("this service was told to panic"),
            Some("drop") => drop(answered),
            Some("keep") => self.kept.lock().unwrap().push(answered),
            Some("later") => {
                std::thread::spawn(move || answered(answer(StatusCode::OK, "later")));
            }
            Some("open") => {
                let mut open = answer(StatusCode::OK, "for every page");
                open.headers_mut().insert("access-control-allow-origin", HeaderValue::from_static("*"));
                open.headers_mut().insert("access-control-max-age", HeaderValue::from_static("60"));
                answered(open);
            }
            _ => answered(answer(StatusCode::OK, request.request.into_body())),
        }
    }

    fn refusal(&self, refusal: RequestRefusal, _: &Request<()>, _: IpAddr) -> Response<Bytes> {
        let status = match refusal {
            RequestRefusal::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            RequestRefusal::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            RequestRefusal::BodyBroken => StatusCode::BAD_REQUEST,
            RequestRefusal::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        answer(status, format!("{refusal:?}"))
    }

    fn open_socket(&self, request: SocketRequest, _: Moment) -> Result<Arc<dyn EndpointFactory>, Box<Response<Bytes>>> {
        match request.head.uri().query() {
            Some("panic") => panic!("this service was told to panic"),
            Some("who-later") if !self.is_known.load(Ordering::SeqCst) => {
                Err(Box::new(answer(StatusCode::UNAUTHORIZED, "unknown")))
            }
            Some("refuse") => Err(Box::new(answer(StatusCode::FORBIDDEN, "not you"))),
            _ if !request.is_upgrade => Err(Box::new(answer(StatusCode::UPGRADE_REQUIRED, "a WebSocket"))),
            _ => Ok(Arc::new(EchoFactory(request.head.uri().to_string()))),
        }
    }
}

/// Greets with the target it was opened at.
struct EchoFactory(String);

impl EndpointFactory for EchoFactory {
    fn open(&self, _: Opened, _: Moment) -> Box<dyn Endpoint> {
        Box::new(Echo { greeting: Some(self.0.clone()) })
    }
    fn message_bytes_max(&self) -> usize {
        MESSAGE_BYTES_MAX
    }
    fn takes_text(&self) -> bool {
        true
    }
    fn may_stay_silent(&self) -> bool {
        true
    }
}

struct Echo {
    greeting: Option<String>,
}

impl Endpoint for Echo {
    fn on_message(&mut self, message: Bytes, _: Moment, out: &mut dyn Outbox) {
        out.push(Outbound::Own(message));
    }
    fn on_text(&mut self, message: Bytes, _: Moment, out: &mut dyn Outbox) {
        if message.as_ref() == b"close" {
            return out.close(Close { code: 4001, reason: "asked" });
        }
        out.push(Outbound::Shared(SharedFrame::text(&message)));
    }
    fn poll(&mut self, _: Moment, out: &mut dyn Outbox) {
        if let Some(greeting) = self.greeting.take() {
            out.push(Outbound::Shared(SharedFrame::text(greeting.as_bytes())));
        }
    }
    fn next_deadline(&self) -> Option<Moment> {
        None
    }
    fn on_drain(&mut self, _: Moment, _: &mut dyn Outbox) {}
    fn on_closed(&mut self) {}
}
