//! What recovery reports instead of guessing: the place, what is wrong with it, what is affected, the ways out.

use std::fmt;
use std::path::PathBuf;

/// What is wrong with a place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DamageKind {
    /// A group's bytes do not match their checksums, and they are no torn tail.
    BrokenGroup,
    /// A group is missing between two others.
    GroupGap {
        /// The number that would follow.
        expected: u64,
    },
    /// A segment file is missing between two others.
    MissingSegment,
    /// A segment's header cannot be read although groups follow it.
    BrokenHeader,
    /// The segment belongs to another data directory.
    WrongStore,
    /// The segment was written under another relay key.
    WrongLog,
    /// The segment names another number than its file.
    WrongNumber,
    /// The segment was written by a program with another format.
    UnknownFormat {
        /// The format it names.
        format: u32,
    },
    /// A record has a type this program does not know.
    UnknownRecord {
        /// The type.
        kind: u8,
    },
    /// The log ends before a group that metadata knows to be durable.
    EndsEarly {
        /// The newest group known to be durable.
        durable_group: u64,
    },
    /// A record contradicts those before it.
    Inconsistent,
    /// meta.redb cannot be used.
    BrokenMeta,
}

/// A damaged place. Nothing was changed on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub file: PathBuf,
    /// Where in it, in bytes.
    pub offset: u64,
    /// The commit group concerned, when known.
    pub group: Option<u64>,
    /// What is wrong.
    pub kind: DamageKind,
}

impl Damage {
    /// What an operator can do about it.
    #[must_use]
    pub const fn fix(&self) -> &'static str {
        match self.kind {
            DamageKind::WrongStore | DamageKind::WrongNumber => {
                "put back the file that belongs here; do not mix files of several data directories"
            }
            DamageKind::WrongLog => "put back the relay.key that this log was written with",
            DamageKind::UnknownFormat { .. } | DamageKind::UnknownRecord { .. } => {
                "start the newer program that wrote this log"
            }
            DamageKind::BrokenMeta => {
                "check the disk, then move meta.redb away: devices ack again and forgetting waits, no entry is lost"
            }
            _ => {
                "copy the data directory, check the disk, then restore the newest backup and run a log reset, so that \
                 clients push again what the backup does not have"
            }
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at offset {}", self.file.display(), self.offset)?;
        if let Some(group) = self.group {
            write!(f, ", group {group}")?;
        }
        f.write_str(": ")?;
        match &self.kind {
            DamageKind::BrokenGroup => {
                f.write_str("bytes do not match their checksum; entries of this group are affected")
            }
            DamageKind::GroupGap { expected } => write!(f, "group {expected} is missing; its entries are affected"),
            DamageKind::MissingSegment => f.write_str("this segment file is missing; its entries are affected"),
            DamageKind::BrokenHeader => f.write_str("the segment's header is broken; all its entries are affected"),
            DamageKind::WrongStore => f.write_str("the segment belongs to another data directory"),
            DamageKind::WrongLog => f.write_str("the segment was written under another relay key"),
            DamageKind::WrongNumber => f.write_str("the segment names another number than its file name"),
            DamageKind::UnknownFormat { format } => {
                write!(f, "format {format} is not known; this program reads format 1")
            }
            DamageKind::UnknownRecord { kind } => write!(f, "record type {kind} is not known to this program"),
            DamageKind::EndsEarly { durable_group } => {
                write!(f, "the log ends although group {durable_group} was durable; entries up to it are affected")
            }
            DamageKind::Inconsistent => f.write_str("the record contradicts those before it; its space is affected"),
            DamageKind::BrokenMeta => f.write_str("the metadata file cannot be used"),
        }?;
        write!(f, "; nothing was changed; {}", self.fix())
    }
}

impl std::error::Error for Damage {}
