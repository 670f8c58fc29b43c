//! Blobs: large sealed objects outside the log, named by the hash of their sealed bytes, uploaded piece by piece and read
//! by ranges. Here are the contract of whatever keeps them, the quotas, and the rules of who may do what.

mod error;
mod memory;
mod rules;
mod shelf;
mod store;
mod sweep;
#[cfg(test)]
mod tests;

pub use error::{BlobError, BlobRefusal};
pub use memory::MemoryBlobs;
pub use rules::Blobs;
pub use shelf::{Admission, Shelf, Standing};
pub use store::{
    Appended, Begun, BlobCompletion, BlobFacts, BlobPlace, BlobStats, BlobStore, Expiry, Found, Swept, Upload,
    UploadRequest,
};
