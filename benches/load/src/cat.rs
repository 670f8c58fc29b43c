//! `cat` of a folder's files into a socket: what moving the same bytes costs that does nothing else with them.

use crate::args::Args;
use crate::clock::{Clock, SECOND_NS};
use crate::cpu::tree_cpu_seconds;
use crate::failure::Failure;
use crate::number::{to_f64, to_u64};
use crate::peer::SCRATCH_BYTES;
use serde_json::{Value, json};
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, Stdio};

const SHELL: &str = "bash";
/// `$0` is the port; the rest are files.
const SCRIPT: &str = "exec cat \"$@\" > /dev/tcp/127.0.0.1/$0";

/// Sends every file of the folder through `cat` and reads them.
pub(crate) fn run(args: &Args) -> Result<Value, Failure> {
    let files = files_of(args)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port().to_string();
    let mut command = match &args.core {
        Some(core) => {
            let mut pinned = Command::new("taskset");
            pinned.args(["-c", core, SHELL]);
            pinned
        }
        None => Command::new(SHELL),
    };
    command.args(["-c", SCRIPT, &port]).args(files).stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = command.spawn().map_err(|error| Failure::absent(format!("no {SHELL} here: {error}")))?;
    let (mut stream, _) = listener.accept()?;
    let clock = Clock::start();
    let mut piece = vec![0; SCRATCH_BYTES];
    let mut bytes = 0_u64;
    loop {
        let n = stream.read(&mut piece)?;
        if n == 0 {
            break;
        }
        bytes = bytes.saturating_add(to_u64(n));
    }
    let seconds = to_f64(clock.now_ns()) / to_f64(SECOND_NS);
    // It has ended or is about to, and is still there to be looked at until it is waited for.
    let server_cpu_seconds = tree_cpu_seconds(child.id());
    if !child.wait()?.success() {
        return Err(Failure::new("cat failed"));
    }
    Ok(json!({
        "mode": "cat",
        "bytes": bytes,
        "wall_seconds": seconds,
        "bytes_per_second": to_f64(bytes) / seconds,
        "server_cpu_seconds": server_cpu_seconds,
    }))
}

fn files_of(args: &Args) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&args.dir)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    if files.is_empty() { Err(Failure::new(format!("{} holds no file", args.dir.display()))) } else { Ok(files) }
}
