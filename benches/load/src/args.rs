//! The command line.

use crate::failure::Failure;
use crate::target::Target;
use std::path::PathBuf;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Every connection sends and waits for its receipts.
    Push,
    /// One connection sends, all others receive.
    Fanout,
    /// Writes and syncs on the bare disk.
    Disk,
}

/// The whole command line.
#[derive(Clone, Debug)]
pub(crate) struct Args {
    pub(crate) mode: Mode,
    /// Whom to talk to; absent for the disk.
    target: Option<Target>,
    /// Connections that send (push) or receive (fanout).
    pub(crate) connections: usize,
    /// Messages a sender may have unanswered (push), or not delivered to everyone (fanout).
    pub(crate) in_flight: u64,
    /// Length of a message, in bytes.
    pub(crate) bytes: usize,
    /// Length of the measured window, in seconds.
    pub(crate) seconds: f64,
    /// Spaces over which the connections of a push are spread (relay only).
    pub(crate) spaces: usize,
    /// Process whose CPU time is to be reported too.
    pub(crate) server_pid: Option<u32>,
    /// Folder for the disk.
    pub(crate) dir: PathBuf,
}

const KNOWN: &str = "--target --connections --in-flight --bytes --seconds --spaces --server-pid --dir";
/// Shortest message: its stamp.
const BYTES_MIN: usize = crate::payload::STAMP_BYTES;
const BYTES_MAX: usize = 1024 * 1024;
const SECONDS_MAX: f64 = 600.0;
const CONNECTIONS_MAX: usize = 10_000;

impl Args {
    /// Reads `MODE --name value …`.
    pub(crate) fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mode = match args.next().as_deref() {
            Some("push") => Mode::Push,
            Some("fanout") => Mode::Fanout,
            Some("disk") => Mode::Disk,
            _ => return Err(Failure::new(format!("usage: load push|fanout|disk {KNOWN}"))),
        };
        let mut parsed = Self {
            mode,
            target: None,
            connections: 1,
            in_flight: 1,
            bytes: 1024,
            seconds: 2.0,
            spaces: 1,
            server_pid: None,
            dir: PathBuf::from("."),
        };
        while let Some(name) = args.next() {
            let value = args.next().ok_or_else(|| Failure::new(format!("{name} needs a value")))?;
            parsed.set(&name, &value)?;
        }
        parsed.check()?;
        Ok(parsed)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), Failure> {
        match name {
            "--target" => self.target = Some(Target::parse(value)?),
            "--connections" => self.connections = number(name, value)?,
            "--in-flight" => self.in_flight = number(name, value)?,
            "--bytes" => self.bytes = number(name, value)?,
            "--seconds" => self.seconds = number(name, value)?,
            "--spaces" => self.spaces = number(name, value)?,
            "--server-pid" => self.server_pid = Some(number(name, value)?),
            "--dir" => self.dir = PathBuf::from(value),
            _ => return Err(Failure::new(format!("unknown flag {name}; known: {KNOWN}"))),
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Failure> {
        let sound = (1..=CONNECTIONS_MAX).contains(&self.connections)
            && self.in_flight >= 1
            && (BYTES_MIN..=BYTES_MAX).contains(&self.bytes)
            && self.seconds > 0.0
            && self.seconds <= SECONDS_MAX
            && (1..=self.connections).contains(&self.spaces);
        if sound {
            return Ok(());
        }
        Err(Failure::new(format!(
            "out of range: connections 1–{CONNECTIONS_MAX}, in flight from 1, bytes {BYTES_MIN}–{BYTES_MAX}, \
             seconds up to {SECONDS_MAX}, spaces up to the connections"
        )))
    }

    /// Whom to talk to.
    pub(crate) fn target(&self) -> Result<&Target, Failure> {
        self.target.as_ref().ok_or_else(|| Failure::new("--target is missing"))
    }
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, Failure> {
    value.parse().map_err(|_| Failure::new(format!("{name} {value} is no such number")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, Failure> {
        Args::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_full_line_is_read() {
        let args =
            parse("push --target limit:127.0.0.1:9 --connections 64 --in-flight 16 --bytes 100 --seconds 0.5").unwrap();
        assert_eq!((args.mode, args.connections, args.in_flight, args.bytes), (Mode::Push, 64, 16, 100));
        assert!(args.target().is_ok());
    }

    #[test]
    fn wrong_lines_name_what_is_wrong() {
        for (line, part) in [
            ("", "usage"),
            ("pull", "usage"),
            ("push --bytes", "--bytes"),
            ("push --bites 3", "--bites"),
            ("push --bytes three", "three"),
            ("push --bytes 3", "out of range"),
            ("push --seconds NaN", "out of range"),
            ("fanout --spaces 2", "out of range"),
        ] {
            assert!(parse(line).unwrap_err().to_string().contains(part), "{line}");
        }
        assert!(parse("disk").unwrap().target().is_err());
    }
}
