//! Spaces that are not in memory.
//!
//! A space is **resident** while it is used, or **cold**: then memory holds only the place of its state, an image in the
//! checkpoint or in a file of this run, and it is loaded when somebody asks for it. An image is derived, like the checkpoint:
//! the log says everything it says, and an image whose checksum does not hold is answered as damage until the next start,
//! which replays the log.
//!
//! Invariants:
//! 1. An image says everything that is durable of its space and nothing else: a space with anything under way is not let go.
//! 2. A place stays readable as long as anything names it: a file that was replaced is unlinked and stays open.
//! 3. Whoever changes a cold space writes a new image; nothing is loaded from an image that was replaced.

mod image;
mod keeper;
mod letting_go;
mod moves;
mod segment_files;
mod spaces;
mod state_file;

pub(crate) use image::ImageHead;
pub(crate) use keeper::{Keeper, LOOK_MS};
pub(crate) use letting_go::Residency;
pub(crate) use moves::Imaged;
pub(crate) use spaces::{Found, Kept, Spaces, SpacesParts};
pub(crate) use state_file::{Chunk, ChunkReader, ChunkWriter};

/// Name of the file of this run for images that the checkpoint does not have. The name is gone as soon as the file is made.
pub(crate) const COLD_FILE: &str = "cold";
