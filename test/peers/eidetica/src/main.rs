//! The published crate against the vectors of this project, and two of its instances through a relay.
//!
//! `eidetica-peers vectors <file>` and `eidetica-peers sync <host:port>`; each sentence that holds is a line, and the first
//! one that does not ends the program.

mod instances;
mod vectors;

use std::error::Error;
use std::process::ExitCode;

/// What a check comes to.
type Checked<T = ()> = Result<T, Box<dyn Error>>;

/// Says that a sentence holds, or ends with it.
fn check(sentence: &str, holds: bool) -> Checked {
    if !holds {
        return Err(format!("does not hold: {sentence}").into());
    }
    println!("ok  {sentence}");
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let checked = match arguments[..] {
        ["vectors", file] => vectors::run(file),
        ["sync", host] => instances::run(host).await,
        _ => Err("usage: eidetica-peers vectors <file> | sync <host:port>".into()),
    };
    match checked {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("not ok  {error}");
            ExitCode::FAILURE
        }
    }
}
