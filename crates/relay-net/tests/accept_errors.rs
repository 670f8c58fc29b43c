//! A process without file descriptors: who comes is told so, the accept loop rests instead of spinning, and goes on when
//! there are some again.
//! Alone in its file, because the limit it lowers belongs to the whole process.
#![cfg(target_os = "linux")]

mod support;

use relay_net::NetLimits;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs::File;
use std::time::Duration;
use support::client::{Client, PATIENCE};
use support::endpoints::Behaviour;
use support::{NATIVE, relay};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

#[tokio::test]
async fn without_file_descriptors_the_accept_loop_rests() {
    if support::is_over_tls() {
        return;
    }
    let relay = relay(Behaviour::Echo, NetLimits::default()).await;
    let mut first = Client::open(relay.address(), NATIVE).await;
    first.echoes(b"served").await;
    let before = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(256), maximum: before.maximum }).unwrap();
    let mut hoard: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    hoard.pop();
    let address = relay.address();
    // The client's socket takes the last descriptor, so none is left to accept it but the one kept back.
    let mut turned_away = TcpStream::connect(address).await.unwrap();
    relay.until("accept fails", |stats| stats.accept_errors_total > 0).await;
    let mut answer = Vec::new();
    timeout(PATIENCE, turned_away.read_to_end(&mut answer)).await.expect("an answer").unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 503 "), "{}", String::from_utf8_lossy(&answer));
    drop(turned_away);
    let mut waiting = TcpStream::connect(address).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let errors = relay.server.stats().accept_errors_total;
    assert!(errors < 15, "{errors} failed accepts in 300 ms");
    waiting.shutdown().await.unwrap();
    drop(waiting);
    first.echoes(b"still served").await;
    hoard.truncate(100);
    let mut client = Client::open(address, NATIVE).await;
    client.echoes(b"accepted after all").await;
    setrlimit(Resource::Nofile, before).unwrap();
}
