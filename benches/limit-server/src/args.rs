//! Flags of the limit server.

use std::path::PathBuf;

const MIB: u64 = 1024 * 1024;

/// What it is asked to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Args {
    /// Port on the loopback address; 0: a free one.
    pub(crate) port: u16,
    /// Folder of the segments; without it `/wal` is refused.
    pub(crate) wal_dir: Option<PathBuf>,
    /// Groups that may be on their way to disk at the same time.
    pub(crate) lanes: usize,
    /// Length to which each segment is written before the start, in bytes; 0: it grows by appending.
    pub(crate) segment_bytes: u64,
}

impl Args {
    /// Reads `--name value` pairs.
    pub(crate) fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut parsed = Self { port: 0, wal_dir: None, lanes: 2, segment_bytes: 64 * MIB };
        while let Some(name) = args.next() {
            let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--port" => parsed.port = number(&name, &value)?,
                "--wal-dir" => parsed.wal_dir = Some(PathBuf::from(value)),
                "--lanes" => parsed.lanes = number::<usize>(&name, &value)?.clamp(1, 8),
                "--segment-mib" => parsed.segment_bytes = number::<u64>(&name, &value)?.min(4096) * MIB,
                _ => return Err(format!("unknown flag {name}; known: --port --wal-dir --lanes --segment-mib")),
            }
        }
        Ok(parsed)
    }
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{name} {value} is no such number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, String> {
        Args::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn flags_are_read_and_wrong_ones_named() {
        let args = parse("--port 9 --wal-dir /x --lanes 1 --segment-mib 0").unwrap();
        assert_eq!(args, Args { port: 9, wal_dir: Some("/x".into()), lanes: 1, segment_bytes: 0 });
        assert!(parse("--port").unwrap_err().contains("--port"));
        assert!(parse("--prot 1").unwrap_err().contains("--prot"));
        assert!(parse("--lanes two").unwrap_err().contains("two"));
    }
}
