//! Connections that are open and do nothing: the server's memory is measured by whoever started this.

use crate::args::Args;
use crate::failure::Failure;
use crate::fanout::connect::connect;
use crate::payload::Payload;
use serde_json::{Value, json};
use std::io::{Read, Write};

/// Opens everything, says so in a line of JSON, and holds it until the input ends.
pub(crate) fn run(args: &Args) -> Result<Value, Failure> {
    let run = connect(args, args.target()?, Payload::new(args.bytes)?)?;
    let open = run.connections();
    writeln!(std::io::stdout(), "{}", json!({ "open": open }))?;
    std::io::stdout().flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(json!({ "mode": "idle", "connections": open }))
}
