//! The limit server: the least work a single event loop can do for fan-out and for durable pushes.
//!
//! It is a yardstick and no product: no identities, no log, no limits worth the name. What it does not do is what the
//! relay's ratio against it shows.
//!
//! - `GET /fan` subscribes, `GET /fan?pub` publishes: a message is encoded once into the channel's shared tail, a subscriber
//!   is a cursor into it, and each turn sends a subscriber everything it lacks in one contiguous send. `/fan/name` is a
//!   channel of its own.
//! - `GET /wal` stores: messages of all connections are gathered into a group, written and synced by a lane, and each is
//!   acknowledged by eight bytes, the number of messages stored for that connection.
//! - `GET /echo` returns every message: a round trip with nothing in it.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

mod args;
mod channels;
mod connection;
mod posts;
mod server;
mod tail;
mod wal;

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _closed = writeln!(std::io::stderr(), "limit-server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let args = args::Args::parse(std::env::args().skip(1))?;
    bench_wire::raise_open_files_limit();
    let mut server = server::Server::bind(&args)?;
    writeln!(std::io::stdout(), "{{\"port\":{}}}", server.port()?)?;
    server.run()?;
    Ok(())
}
