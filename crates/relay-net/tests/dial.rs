//! Connections that the relay opens itself: both directions at once, again and again, and gone when nobody wants them any more.

mod support;

use bytes::Bytes;
use relay_core::endpoint::{Endpoint, EndpointFactory, Moment, Opened, Outbound, Outbox, SharedFrame, Waker};
use relay_net::{Clock, DialAddress, DialStats, ForeignKind, ForeignRoute, NetLimits, Route, RouteKind, keep_dialed};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::client::PATIENCE;
use support::endpoints::Behaviour;
use support::foreign::{MESSAGE_BYTES_MAX, SERVICE};
use support::{Relay, config, relay_with};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

/// Says so many large messages, and notes what it hears.
#[derive(Default)]
struct Talk {
    opened: AtomicU64,
    closed: AtomicU64,
    heard: Mutex<Vec<(bool, Bytes)>>,
}

const MESSAGES: usize = 64;
const MESSAGE_BYTES: usize = 256 * 1024;

struct Talkers(Arc<Talk>);

struct Talker {
    talk: Arc<Talk>,
    said: usize,
    waker: Waker,
}

impl EndpointFactory for Talkers {
    fn open(&self, opened: Opened, _: Moment) -> Box<dyn Endpoint> {
        self.0.opened.fetch_add(1, Ordering::SeqCst);
        Box::new(Talker { talk: Arc::clone(&self.0), said: 0, waker: opened.waker })
    }
    fn message_bytes_max(&self) -> usize {
        MESSAGE_BYTES_MAX
    }
    fn takes_text(&self) -> bool {
        true
    }
}

impl Endpoint for Talker {
    fn on_message(&mut self, message: Bytes, _: Moment, _: &mut dyn Outbox) {
        self.talk.heard.lock().unwrap().push((false, message));
    }
    fn on_text(&mut self, message: Bytes, _: Moment, _: &mut dyn Outbox) {
        self.talk.heard.lock().unwrap().push((true, message));
    }
    fn poll(&mut self, _: Moment, out: &mut dyn Outbox) {
        // One at a time, woken again by itself: the waker is what keeps it going.
        if out.room_bytes() > 0 && self.said < MESSAGES {
            let payload = vec![b'a' + u8::try_from(self.said % 26).unwrap(); MESSAGE_BYTES];
            let frame =
                if self.said.is_multiple_of(2) { SharedFrame::text(&payload) } else { SharedFrame::binary(&payload) };
            out.push(Outbound::Shared(frame));
            self.said += 1;
            (self.waker)();
        }
    }
    fn next_deadline(&self) -> Option<Moment> {
        None
    }
    fn on_drain(&mut self, _: Moment, _: &mut dyn Outbox) {}
    fn on_closed(&mut self) {
        self.talk.closed.fetch_add(1, Ordering::SeqCst);
    }
}

async fn echo() -> Relay {
    let mut config = config(NetLimits::default());
    let kind = RouteKind::Foreign(ForeignRoute { service: SERVICE, takes: ForeignKind::Sockets });
    config.routes.push(Route { path: "/sock".to_owned(), kind });
    relay_with(Behaviour::Echo, config).await
}

fn dial(address: SocketAddr, talk: &Arc<Talk>) -> (tokio::task::JoinHandle<()>, Arc<DialStats>) {
    let stats = Arc::new(DialStats::default());
    let address: DialAddress = format!("http://{address}/sock?t=secret").parse().unwrap();
    let factory = Arc::new(Talkers(Arc::clone(talk)));
    (tokio::spawn(keep_dialed(address, factory, Clock::start(), Arc::clone(&stats))), stats)
}

async fn until(what: &str, check: impl Fn() -> bool) {
    let waiting = async {
        while !check() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("{what}"));
}

#[tokio::test]
async fn an_endpoint_speaks_and_hears_more_than_the_sockets_hold_and_is_told_of_the_end() {
    let (relay, talk) = (echo().await, Arc::new(Talk::default()));
    let (task, stats) = dial(relay.address(), &talk);
    // The greeting names the target, then everything comes back as it went.
    until("everything comes back", || talk.heard.lock().unwrap().len() > MESSAGES).await;
    let heard = talk.heard.lock().unwrap().clone();
    assert_eq!(heard[0], (true, Bytes::from_static(b"/sock?t=secret")));
    for (number, (is_text, message)) in heard.iter().skip(1).enumerate() {
        assert_eq!((*is_text, message.len()), (number.is_multiple_of(2), MESSAGE_BYTES), "message {number}");
    }
    assert_eq!((stats.open.load(Ordering::SeqCst), stats.opened.load(Ordering::SeqCst)), (1, 1));
    task.abort();
    until("the endpoint is told", || talk.closed.load(Ordering::SeqCst) == 1).await;
    assert_eq!(stats.open.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn who_does_not_answer_is_dialed_again_and_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let talk = Arc::new(Talk::default());
    let (task, stats) = dial(listener.local_addr().unwrap(), &talk);
    for attempt in 1..=2 {
        drop(timeout(PATIENCE, listener.accept()).await.expect("it is dialed").unwrap());
        until("a failure is counted", || stats.failed.load(Ordering::SeqCst) == attempt).await;
    }
    assert_eq!(talk.opened.load(Ordering::SeqCst), 0);
    task.abort();
}
