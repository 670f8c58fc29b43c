//! What is durable, newest first: changes since the last move, changes on the move, the tables.

use super::tables::Snapshot;
use bytes::Bytes;
use relay_core::documents::{DocumentError, DocumentRange, DocumentReader, Keyspace, Overlay, Page, Stacked, Usage};
use std::sync::Arc;

/// See the module.
pub(super) struct Layers {
    pub(super) active: Overlay,
    pub(super) moving: Option<Arc<Overlay>>,
    /// The newest group in the moving layer.
    pub(super) moving_group: u64,
    /// The journal file that was written when the moving layer was closed: older ones hold nothing newer.
    pub(super) moving_journal: u64,
    pub(super) tables: Snapshot,
    /// The newest group in the active layer, or below.
    pub(super) last_group: u64,
}

impl Layers {
    pub(super) fn new(active: Overlay, tables: Snapshot, last_group: u64) -> Self {
        Self { active, moving: None, moving_group: 0, moving_journal: 0, tables, last_group }
    }

    /// Bytes in memory.
    pub(super) fn bytes(&self) -> usize {
        self.active.bytes() + self.moving.as_ref().map_or(0, |moving| moving.bytes())
    }

    fn with<T>(&self, read: impl FnOnce(&dyn DocumentReader) -> T) -> T {
        match &self.moving {
            Some(moving) => {
                let under = Stacked { over: moving, under: &self.tables };
                read(&Stacked { over: &self.active, under: &under })
            }
            None => read(&Stacked { over: &self.active, under: &self.tables }),
        }
    }
}

impl DocumentReader for Layers {
    fn read(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Bytes>, DocumentError> {
        self.with(|layers| layers.read(keyspace, key))
    }
    fn read_range(&self, keyspace: Keyspace, range: &DocumentRange) -> Result<Page, DocumentError> {
        self.with(|layers| layers.read_range(keyspace, range))
    }
    fn read_usage(&self, keyspace: Keyspace) -> Result<Usage, DocumentError> {
        self.with(|layers| layers.read_usage(keyspace))
    }
    fn read_keyspaces(&self, after: Option<Keyspace>, keyspaces_max: usize) -> Result<Vec<Keyspace>, DocumentError> {
        self.with(|layers| layers.read_keyspaces(after, keyspaces_max))
    }
}
