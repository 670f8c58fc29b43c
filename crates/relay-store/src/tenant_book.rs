//! `tenants`: which space is on whose account.

use crate::data_dir::{DirError, TENANTS_FILE};
use crate::space_book::{BookKind, SpaceBook};
use crate::vfs::Vfs;
use relay_core::store::Completion;
use relay_core::tenants::{TENANT_ID_BYTES, TenantId, TenantRecords};
use relay_proto::ids::SpaceId;
use std::path::Path;
use std::sync::Arc;

const KIND: BookKind = BookKind {
    folder: None,
    file: TENANTS_FILE,
    magic: *b"SRTENANT",
    thread: "relay-tenants",
    what: "a list of tenants",
};

/// See the module.
pub struct TenantBook(SpaceBook<TENANT_ID_BYTES>);

impl TenantBook {
    /// Whether a data directory has one.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn exists(vfs: &dyn Vfs, data_dir: &Path) -> Result<bool, DirError> {
        SpaceBook::<TENANT_ID_BYTES>::exists(KIND, vfs, data_dir)
    }

    /// Opens the book of a data directory that this process holds; it is made with the first record.
    ///
    /// # Errors
    /// When the file cannot be read or a thread cannot be started.
    pub fn open(vfs: Arc<dyn Vfs>, data_dir: &Path) -> Result<Self, DirError> {
        SpaceBook::open(KIND, vfs, data_dir).map(Self)
    }

    /// Writes what waits, then lets the file go.
    pub fn close(&self) {
        self.0.close();
    }
}

impl TenantRecords for TenantBook {
    fn load(&self) -> Vec<(SpaceId, TenantId)> {
        self.0.load().into_iter().map(|(space, tenant)| (space, TenantId(tenant))).collect()
    }

    fn put(&self, space: SpaceId, tenant: TenantId, done: Completion<()>) {
        self.0.put(space, tenant.0, done);
    }

    fn forget(&self, space: SpaceId) {
        self.0.forget(space);
    }
}
