//! Connections that are open and send nothing of their own: the server's memory is measured by whoever started this.

use crate::args::Args;
use crate::failure::Failure;
use crate::fanout::connect::connect;
use crate::payload::Payload;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Opens everything, says so in a line of JSON, and holds it until the input ends. Pings are answered, or the server would
/// end what it takes for dead.
pub(crate) fn run(args: &Args) -> Result<Value, Failure> {
    let mut run = connect(args, args.target()?, Payload::new(args.bytes)?)?;
    let open = run.connections();
    writeln!(std::io::stdout(), "{}", json!({ "open": open }))?;
    std::io::stdout().flush()?;
    let is_over = Arc::new(AtomicBool::new(false));
    let ends = Arc::clone(&is_over);
    thread::spawn(move || {
        // An input that cannot be read any more has ended too.
        let _ended = std::io::stdin().read_to_end(&mut Vec::new());
        ends.store(true, Ordering::Release);
    });
    run.hold(&is_over)?;
    Ok(json!({ "mode": "idle", "connections": open }))
}
