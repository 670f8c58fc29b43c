//! What one peer can cost: slow readers, half messages, floods; and that the others do not notice.

mod support;

use relay_net::NetLimits;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::client::{BINARY, Client, PING, frame, raw_frame};
use support::endpoints::Behaviour;
use support::hub::Hub;
use support::relay;

/// The tests measure the process's memory, so they run one at a time.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

fn rss_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[tokio::test]
async fn readers_that_stop_cost_one_queue_each_and_lose_nothing() {
    if support::is_over_tls() {
        return;
    }
    let _alone = ALONE.lock().await;
    const MESSAGES: usize = 20_000;
    const PAYLOAD_BYTES: usize = 1024;
    let hub = Arc::new(Hub::default());
    let relay = relay(Behaviour::Subscriber(hub.clone()), NetLimits::default()).await;
    let mut stopped = Vec::new();
    for _ in 0..50 {
        stopped.push(relay.client().await);
    }
    let mut reader = relay.client().await;
    relay.until("all subscribed", |stats| stats.websockets_open == 51).await;
    for index in 0..MESSAGES {
        let mut payload = vec![0; PAYLOAD_BYTES];
        payload[..8].copy_from_slice(&(index as u64).to_be_bytes());
        hub.append(&payload);
    }
    let before = rss_bytes();
    let start = Instant::now();
    hub.wake();
    for index in 0..MESSAGES {
        assert_eq!(reader.message().await[..8], (index as u64).to_be_bytes());
    }
    assert!(start.elapsed() < Duration::from_secs(8), "the reader is not held up: {:?}", start.elapsed());
    hub.wake();
    relay.until("the stopped readers are seen", |stats| stats.slow_consumers_total >= 50).await;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        hub.wake();
    }
    let stats = relay.server.stats();
    assert!(stats.slow_consumers_total <= 50, "each is counted once: {stats:?}");
    let grown = rss_bytes().saturating_sub(before);
    // The queues hold slices of the shared log, so what grows is bookkeeping and the scratch of the worker.
    assert!(grown < 16 << 20, "{grown} bytes for 50 stopped readers of {} bytes each", MESSAGES * PAYLOAD_BYTES);
    for client in stopped.iter_mut().take(3) {
        for index in 0..MESSAGES {
            assert_eq!(client.message().await[..8], (index as u64).to_be_bytes(), "nothing is lost");
        }
    }
}

#[tokio::test]
async fn frames_above_the_mark_keep_coming() {
    let _alone = ALONE.lock().await;
    let hub = Arc::new(Hub::default());
    let relay = relay(Behaviour::Subscriber(hub.clone()), NetLimits::default()).await;
    let mut reader = relay.client().await;
    relay.until("subscribed", |stats| stats.websockets_open == 1).await;
    // Each fills the queue beyond its low-water mark; some fit into the socket at once, some do not.
    for size in [70_000, 70_000, 100, 300_000, 70_000, 100, 1_500_000, 70_000, 70_000] {
        hub.append(&vec![7; size]);
        hub.wake();
        assert_eq!(reader.message().await.len(), size);
    }
}

#[tokio::test]
async fn a_reader_that_never_reads_is_cut() {
    let _alone = ALONE.lock().await;
    let limits = NetLimits { write_stall_timeout_ms: 300, ..NetLimits::default() };
    let relay = relay(Behaviour::Echo, limits).await;
    let mut client = relay.client().await;
    let mut bystander = relay.client().await;
    client.send(&frame(BINARY, b"!flood")).await;
    let stats = relay.until("the stall is seen", |stats| stats.write_stalls_total == 1).await;
    assert!(stats.bytes_out_total > 128 * 1024, "{stats:?}");
    bystander.echoes(b"not held up").await;
    relay.until("it is released", |stats| stats.websockets_open == 1).await;
}

#[tokio::test]
async fn a_peer_that_sends_but_does_not_read_is_not_read_from() {
    let _alone = ALONE.lock().await;
    let limits = NetLimits { write_stall_timeout_ms: 60_000, ..NetLimits::default() };
    let relay = relay(Behaviour::Echo, limits).await;
    let mut client = relay.client().await;
    let message = frame(BINARY, &[9; 1000]);
    let sending = tokio::time::timeout(Duration::from_millis(700), async {
        loop {
            client.send(&message).await;
        }
    });
    assert!(sending.await.is_err());
    let first = relay.server.stats();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let second = relay.server.stats();
    assert_eq!(first.bytes_in_total, second.bytes_in_total, "reading has stopped");
    let waiting = second.messages_in_total - second.messages_out_total;
    assert!(waiting * 1000 <= 300 * 1024, "{waiting} echoes are waiting");
}

#[tokio::test]
async fn half_messages_share_one_budget() {
    let _alone = ALONE.lock().await;
    let limits = NetLimits { partial_bytes_max: 1 << 20, ..NetLimits::default() };
    let relay = relay(Behaviour::Echo, limits).await;
    let mut bystander = relay.client().await;
    let half = frame(BINARY, &[3; 1 << 19]);
    let half = &half[..half.len() - 1];
    let mut holders = Vec::new();
    for _ in 0..2 {
        let mut client: Client = relay.client().await;
        client.send(&half[..400_000]).await;
        holders.push(client);
    }
    relay.until("both are held", |stats| stats.partial_bytes >= 800_000).await;
    let mut third = relay.client().await;
    third.send(half).await;
    assert_eq!(third.closed_with().await, Some(1013));
    bystander.echoes(b"small messages still fit").await;
    let stats = relay.server.stats();
    assert_eq!(stats.partial_refused_total, 1);
    assert!(stats.partial_bytes <= 1 << 20, "{stats:?}");
    for mut client in holders {
        client.send(&half[400_000..]).await;
        client.send(&frame(BINARY, &[3; 1 << 19])[half.len()..]).await;
        assert_eq!(client.message().await.len(), 1 << 19);
    }
    let stats = relay.until("the budget is given back", |stats| stats.partial_bytes == 0).await;
    assert_eq!(stats.messages_in_total, 3);
}

#[tokio::test]
async fn a_declared_length_alone_costs_nothing() {
    let _alone = ALONE.lock().await;
    let relay = relay(Behaviour::Echo, NetLimits::default()).await;
    let mut clients = Vec::new();
    for _ in 0..50 {
        let mut client: Client = relay.client().await;
        client.send(&frame(BINARY, &[3; 1 << 20])[..20]).await;
        clients.push(client);
    }
    let stats = relay.until("all have begun", |stats| stats.bytes_in_total == 50 * 20).await;
    assert!(stats.partial_bytes <= 50 * 1024, "{stats:?}");
}

#[tokio::test]
async fn a_flood_of_pings_costs_few_pongs() {
    let _alone = ALONE.lock().await;
    let limits = NetLimits { write_stall_timeout_ms: 60_000, ..NetLimits::default() };
    let relay = relay(Behaviour::Echo, limits).await;
    let mut client = relay.client().await;
    let pings = frame(PING, &[7; 125]).repeat(1000);
    let flood = tokio::time::timeout(Duration::from_millis(700), async {
        loop {
            client.send(&pings).await;
        }
    });
    assert!(flood.await.is_err());
    relay.client().await.echoes(b"fine").await;
    let stats = relay.server.stats();
    assert!(stats.bytes_out_total * 2 < stats.bytes_in_total, "most pings got no pong of their own: {stats:?}");
}

#[tokio::test]
async fn shared_frames_leave_in_few_sends() {
    let _alone = ALONE.lock().await;
    let hub = Arc::new(Hub::default());
    let relay = relay(Behaviour::Subscriber(hub.clone()), NetLimits::default()).await;
    let mut clients = Vec::new();
    for _ in 0..10 {
        clients.push(relay.client().await);
    }
    relay.until("all subscribed", |stats| stats.websockets_open == 10).await;
    let before = relay.server.stats();
    for index in 0..200_u8 {
        hub.append(&[index; 128]);
    }
    hub.wake();
    for client in &mut clients {
        for index in 0..200_u8 {
            assert_eq!(client.message().await, [index; 128]);
        }
    }
    let after = relay.until("all counted", |stats| stats.messages_out_total == 2_000).await;
    let writes = after.writes_total - before.writes_total;
    assert!(writes <= 20, "{writes} sends for 10 subscribers of 200 frames");
}

#[tokio::test]
async fn a_flood_of_tiny_fragments_is_cut_and_the_others_go_on() {
    let _alone = ALONE.lock().await;
    let relay = relay(Behaviour::Echo, NetLimits::default()).await;
    let mut bystander = relay.client().await;
    let mut client = relay.client().await;
    client.send(&raw_frame(BINARY, b"")).await;
    client.send(&raw_frame(0, b"").repeat(2_000)).await;
    assert_eq!(client.closed_with().await, Some(1008));
    bystander.echoes(b"fine").await;
    assert_eq!(relay.server.stats().protocol_errors_total, 1);
}

#[tokio::test]
async fn idle_connections_are_small() {
    if support::is_over_tls() {
        return;
    }
    let _alone = ALONE.lock().await;
    const CONNECTIONS: usize = 400;
    let relay = relay(Behaviour::Echo, NetLimits::default()).await;
    let mut clients = Vec::new();
    for _ in 0..100 {
        clients.push(relay.client().await);
    }
    let before = rss_bytes();
    for _ in 0..CONNECTIONS {
        let mut client: Client = relay.client().await;
        client.echoes(&[1; 100_000]).await;
        clients.push(client);
    }
    let each = rss_bytes().saturating_sub(before) / CONNECTIONS as u64;
    // The client's half lives in this process too.
    assert!(each < 8 * 1024, "{each} bytes per idle connection and its client");
}
