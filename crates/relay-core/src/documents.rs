//! Durable documents of foreign protocols: ordered byte keys and byte values, in keyspaces that know nothing of each other.
//! [`DocumentStore`] is the contract; `conformance::run_documents` proves it of every implementation.

mod batch;
mod error;
pub mod limits;
mod memory;
mod overlay;
mod range;
mod store;
mod transaction;
mod turn;

pub use batch::{Change, write};
pub use error::{Cap, DocumentError};
pub use memory::MemoryDocuments;
pub use overlay::{Overlay, Stacked};
pub use range::{DocumentRange, Page};
pub use relay_proto::quota::QuotaDetail;
pub use store::{
    Credential, DocumentCompletion, DocumentReader, DocumentStats, DocumentStore, DocumentWork, Documents, Keyspace,
    Tenant, Usage,
};
pub use transaction::Transaction;
pub use turn::turn;
