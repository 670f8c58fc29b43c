//! Feeds: what leaves past the endpoint, and when the endpoint is asked after all.

mod support;

use relay_net::NetLimits;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use support::client::{BINARY, Client, frame};
use support::endpoints::Behaviour;
use support::fountain::Fountain;
use support::relay;

async fn fed() -> (support::Relay, Arc<Fountain>, Client) {
    let fountain = Arc::new(Fountain::default());
    let relay = relay(Behaviour::Fed(Arc::clone(&fountain)), NetLimits::default()).await;
    let mut client = relay.client().await;
    client.send(&frame(BINARY, b"hello")).await;
    assert_eq!(client.message().await[..], *b"hello");
    (relay, fountain, client)
}

#[tokio::test]
async fn what_comes_from_a_feed_costs_no_look_at_the_endpoint() {
    let (_relay, fountain, mut client) = fed().await;
    let polls = fountain.polls();
    for text in ["one", "two", "three"] {
        fountain.spout(text.as_bytes());
        assert_eq!(client.message().await[..], *text.as_bytes());
    }
    assert_eq!((fountain.fed(), fountain.polls()), (3, polls));
}

#[tokio::test]
async fn the_endpoint_is_asked_when_the_feed_says_so() {
    let (_relay, fountain, mut client) = fed().await;
    let polls = fountain.polls();
    fountain.asks.store(true, Ordering::SeqCst);
    fountain.spout(b"by the endpoint");
    assert_eq!(client.message().await[..], *b"by the endpoint");
    assert_eq!(fountain.fed(), 0);
    assert!(fountain.polls() > polls);
}

#[tokio::test]
async fn a_reader_that_stops_and_goes_on_gets_everything_in_order_whoever_brought_it() {
    const MESSAGES: u64 = 4000;
    let (relay, fountain, mut client) = fed().await;
    for index in 0..MESSAGES {
        let mut payload = vec![0; 4096];
        payload[..8].copy_from_slice(&index.to_be_bytes());
        fountain.spout(&payload);
        if index % 64 == 0 {
            tokio::task::yield_now().await;
        }
    }
    relay.until("the socket is full", |stats| stats.slow_consumers_total > 0).await;
    for index in 0..MESSAGES {
        assert_eq!(client.message().await[..8], index.to_be_bytes());
    }
    assert!(fountain.fed() > 0, "some of it past the endpoint");
}
