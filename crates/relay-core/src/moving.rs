//! Moving house: one space as a file, what such a file must hold to be believed, and the way it is read.
//!
//! A file is a snapshot of one moment: everything of a space that its relay would show its devices, in the order in which a
//! reader can check it. Nothing in it is opened or sealed; the relay has no key for that.

mod check;
mod reader;
mod section;

pub use check::{Checker, Report};
pub use reader::{SectionReader, SectionWriter};
pub use section::{BlobHead, Head, MAGIC, Mark, SECTION_BYTES_MAX, Section, Totals};

use std::fmt;

/// Why a file is not believed.
#[derive(Debug)]
pub enum Fault {
    /// The file could not be read.
    Read(std::io::Error),
    /// What it says is wrong: which section, counted from 1, and in what.
    Broken {
        /// Which section, counted from 1.
        section: u64,
        /// One sentence without its full stop.
        what: &'static str,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => write!(f, "the file cannot be read: {error}"),
            Self::Broken { section, what } => write!(f, "section {section}: {what}"),
        }
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests;
