//! The command line.

use crate::failure::Failure;
use crate::target::Target;
use std::path::PathBuf;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Every connection sends and waits for its receipts.
    Push,
    /// Groups in each of which one connection sends and the others receive.
    Fanout,
    /// Writes and syncs on the bare disk.
    Disk,
    /// Spaces with entries, as fast as the relay takes them; nothing is measured.
    Fill,
    /// One session reads a whole space.
    Replay,
    /// `cat` of a folder's files into a socket.
    Cat,
    /// Connections that are open and do nothing.
    Idle,
}

impl Mode {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "push" => Self::Push,
            "fanout" => Self::Fanout,
            "disk" => Self::Disk,
            "fill" => Self::Fill,
            "replay" => Self::Replay,
            "cat" => Self::Cat,
            "idle" => Self::Idle,
            _ => return None,
        })
    }
}

/// The whole command line.
#[derive(Clone, Debug)]
pub(crate) struct Args {
    pub(crate) mode: Mode,
    /// Whom to talk to; absent for the disk.
    target: Option<Target>,
    /// Connections that send (push), or receive in each group (fanout).
    pub(crate) connections: usize,
    /// Groups of a fan-out: one sender and its receivers each.
    pub(crate) groups: usize,
    /// Receivers of each group that never read.
    pub(crate) stalled: usize,
    /// Messages per second offered whatever the answers do; 0: as fast as the messages in flight allow.
    pub(crate) rate: f64,
    /// Frames that are never stored, where the relay has them.
    pub(crate) ephemeral: bool,
    /// Messages a sender may have unanswered (push), or not delivered to everyone (fanout).
    pub(crate) in_flight: u64,
    /// Length of a message, in bytes.
    pub(crate) bytes: usize,
    /// Length of the measured window, in seconds.
    pub(crate) seconds: f64,
    /// Spaces over which the connections of a push are spread (relay only), or that are filled.
    pub(crate) spaces: usize,
    /// Entries of each space that is filled or read.
    pub(crate) entries: u64,
    /// Names the spaces that are filled, so that they can be read again.
    pub(crate) seed: u64,
    /// Refusals for the load are counted instead of ending the run.
    pub(crate) refusals: bool,
    /// Sizes from 1 KiB to 10 MB instead of one.
    pub(crate) mix: bool,
    /// Core on which `cat` runs.
    pub(crate) core: Option<String>,
    /// Process whose CPU time is to be reported too.
    pub(crate) server_pid: Option<u32>,
    /// Folder for the disk.
    pub(crate) dir: PathBuf,
}

const KNOWN: &str = "--target --connections --groups --stalled --in-flight --rate --bytes --seconds --spaces --entries --seed --mix --refusals \
                     --ephemeral --server-pid --dir --core";
/// Shortest message: its stamp.
const BYTES_MIN: usize = crate::payload::STAMP_BYTES;
const BYTES_MAX: usize = 1024 * 1024;
const SECONDS_MAX: f64 = 7200.0;
const CONNECTIONS_MAX: usize = 16_000;
const RATE_MAX: f64 = 10_000_000.0;

impl Args {
    /// Reads `MODE --name value …`.
    pub(crate) fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mode = args.next().and_then(|name| Mode::named(&name));
        let Some(mode) = mode else {
            return Err(Failure::new(format!("usage: load push|fanout|disk|fill|replay|cat|idle {KNOWN}")));
        };
        let mut parsed = Self {
            mode,
            target: None,
            connections: 1,
            groups: 1,
            stalled: 0,
            rate: 0.0,
            ephemeral: false,
            in_flight: 1,
            bytes: 1024,
            seconds: 2.0,
            spaces: 1,
            entries: 0,
            seed: 0,
            refusals: false,
            mix: false,
            core: None,
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
            "--groups" => self.groups = number(name, value)?,
            "--stalled" => self.stalled = number(name, value)?,
            "--rate" => self.rate = number(name, value)?,
            "--ephemeral" => self.ephemeral = value == "yes",
            "--in-flight" => self.in_flight = number(name, value)?,
            "--bytes" => self.bytes = number(name, value)?,
            "--seconds" => self.seconds = number(name, value)?,
            "--entries" => self.entries = number(name, value)?,
            "--seed" => self.seed = number(name, value)?,
            "--refusals" => self.refusals = value == "counted",
            "--mix" => self.mix = value == "yes",
            "--core" => self.core = Some(value.to_owned()),
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
            && self.spaces >= 1
            && (self.mode == Mode::Fill || self.spaces <= self.connections)
            && (1..=CONNECTIONS_MAX).contains(&self.connections.saturating_add(1).saturating_mul(self.groups))
            && self.stalled < self.connections
            && (0.0..=RATE_MAX).contains(&self.rate)
            && (!self.refusals || self.rate > 0.0);
        if sound {
            return Ok(());
        }
        Err(Failure::new(format!(
            "out of range: connections 1–{CONNECTIONS_MAX}, in flight from 1, bytes {BYTES_MIN}–{BYTES_MAX}, \
             seconds up to {SECONDS_MAX}, spaces up to the connections, fewer stalled than receivers, rate up to {RATE_MAX}"
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
            ("fanout --stalled 1", "out of range"),
            ("push --rate -1", "out of range"),
        ] {
            assert!(parse(line).unwrap_err().to_string().contains(part), "{line}");
        }
        assert!(parse("disk").unwrap().target().is_err());
    }
}
