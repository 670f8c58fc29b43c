//! The tables in redb: what the journal's moved groups left.

use crate::meta::FileBackend;
use crate::vfs::Vfs;
use bytes::Bytes;
use redb::{Builder, Database, ReadOnlyTable, ReadableDatabase, TableDefinition};
use relay_core::documents::{DocumentError, DocumentRange, DocumentReader, Keyspace, Overlay, Page, Tenant, Usage};
use relay_core::store::StoreError;
use std::ops::Bound;
use std::path::Path;

/// Keyspace and key, to value.
const DOCUMENTS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("documents");
/// Keyspace, to keys and bytes in it.
const USAGE: TableDefinition<&[u8; KEYSPACE_BYTES], (u64, u64)> = TableDefinition::new("usage");
/// The group up to which the tables hold the journal.
const MOVED: TableDefinition<&str, u64> = TableDefinition::new("moved");
const MOVED_GROUP: &str = "group";
const KEYSPACE_BYTES: usize = 1 + Tenant::BYTES;

type TablesError = redb::Error;

/// The open file.
pub(super) struct Tables(Database);

/// What the tables held at one moment.
pub(super) struct Snapshot {
    documents: ReadOnlyTable<&'static [u8], &'static [u8]>,
    usage: ReadOnlyTable<&'static [u8; KEYSPACE_BYTES], (u64, u64)>,
    pub(super) moved_group: u64,
}

/// redb asserts what it wrote; bytes that were damaged behind its back are an error of the disk, not the end of the relay.
fn without_panic<T>(run: impl FnOnce() -> Result<T, TablesError>) -> Result<T, TablesError> {
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
    caught.unwrap_or_else(|_| Err(TablesError::Corrupted("its pages contradict each other".to_owned())))
}

fn keyspace_bytes(keyspace: Keyspace) -> [u8; KEYSPACE_BYTES] {
    let mut bytes = [keyspace.system; KEYSPACE_BYTES];
    if let Some(tenant) = bytes.get_mut(1..) {
        tenant.copy_from_slice(&keyspace.tenant.0);
    }
    bytes
}

fn keyspace_of(bytes: &[u8; KEYSPACE_BYTES]) -> Keyspace {
    let [system, tenant @ ..] = *bytes;
    Keyspace { system, tenant: Tenant(tenant) }
}

fn table_key(keyspace: Keyspace, key: &[u8]) -> Vec<u8> {
    [&keyspace_bytes(keyspace)[..], key].concat()
}

impl Tables {
    /// Opens or makes the file. After an unclean end what is visible is written again before it is believed.
    pub(super) fn open(vfs: &dyn Vfs, path: &Path, cache_bytes: usize, was_clean: bool) -> Result<Self, TablesError> {
        let backend = FileBackend::open_with(vfs, path, !was_clean).map_err(redb::StorageError::from)?;
        without_panic(|| {
            let mut db = Builder::new().set_cache_size(cache_bytes).create_with_backend(backend)?;
            if !was_clean {
                db.check_integrity()?;
            }
            let transaction = db.begin_write()?;
            transaction.open_table(DOCUMENTS)?;
            transaction.open_table(USAGE)?;
            transaction.open_table(MOVED)?;
            transaction.commit()?;
            Ok(Self(db))
        })
    }

    pub(super) fn snapshot(&self) -> Result<Snapshot, TablesError> {
        without_panic(|| {
            let transaction = self.0.begin_read()?;
            let moved = transaction.open_table(MOVED)?;
            let moved_group = moved.get(MOVED_GROUP)?.map_or(0, |group| group.value());
            Ok(Snapshot {
                documents: transaction.open_table(DOCUMENTS)?,
                usage: transaction.open_table(USAGE)?,
                moved_group,
            })
        })
    }

    /// Writes documents of `held` behind a key into these, in one durable transaction: so many bytes, one may overshoot. The last
    /// key, if there may be more.
    pub(super) fn copy(&self, held: &Snapshot, after: &[u8], bytes_max: usize) -> Result<Option<Vec<u8>>, TablesError> {
        let from = if after.is_empty() { Bound::Unbounded } else { Bound::Excluded(after) };
        without_panic(|| {
            let transaction = self.0.begin_write()?;
            let (mut bytes, mut last) = (0, None);
            {
                let mut documents = transaction.open_table(DOCUMENTS)?;
                for item in held.documents.range::<&[u8]>((from, Bound::Unbounded))? {
                    let (key, value) = item?;
                    let (key, value) = (key.value(), value.value());
                    documents.insert(key, value)?;
                    bytes += key.len() + value.len();
                    if bytes >= bytes_max {
                        last = Some(key.to_vec());
                        break;
                    }
                }
            }
            transaction.commit()?;
            Ok(last)
        })
    }

    /// Writes what `held` has beside documents, once those are copied.
    pub(super) fn finish_copy(&self, held: &Snapshot) -> Result<(), TablesError> {
        without_panic(|| {
            let transaction = self.0.begin_write()?;
            {
                let mut usage = transaction.open_table(USAGE)?;
                for item in held.usage.range::<&[u8; KEYSPACE_BYTES]>(..)? {
                    let (keyspace, amount) = item?;
                    usage.insert(keyspace.value(), amount.value())?;
                }
                transaction.open_table(MOVED)?.insert(MOVED_GROUP, held.moved_group)?;
            }
            transaction.commit()?;
            Ok(())
        })
    }

    /// Writes all changes in one durable transaction.
    pub(super) fn move_in(&self, changes: &Overlay, group: u64) -> Result<(), TablesError> {
        without_panic(|| {
            let transaction = self.0.begin_write()?;
            {
                let mut documents = transaction.open_table(DOCUMENTS)?;
                for (keyspace, key, value) in changes.changes() {
                    let key = table_key(keyspace, key);
                    match value {
                        Some(value) => documents.insert(key.as_slice(), &value[..]).map(drop)?,
                        None => documents.remove(key.as_slice()).map(drop)?,
                    }
                }
                let mut usage = transaction.open_table(USAGE)?;
                for (keyspace, Usage { keys, bytes }) in changes.usages() {
                    match keys {
                        0 => usage.remove(&keyspace_bytes(keyspace)).map(drop)?,
                        _ => usage.insert(&keyspace_bytes(keyspace), (keys, bytes)).map(drop)?,
                    }
                }
                transaction.open_table(MOVED)?.insert(MOVED_GROUP, group)?;
            }
            transaction.commit()?;
            Ok(())
        })
    }
}

/// Whether a transaction failed for want of room.
pub(super) fn is_full(error: &TablesError) -> bool {
    crate::meta::is_full(error)
}

fn read_error(error: &TablesError) -> DocumentError {
    DocumentError::Store(StoreError::Damaged { place: format!("the tables of documents: {error}") })
}

fn reading<T>(read: impl FnOnce() -> Result<T, TablesError>) -> Result<T, DocumentError> {
    without_panic(read).map_err(|error| read_error(&error))
}

impl DocumentReader for Snapshot {
    fn read(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Bytes>, DocumentError> {
        reading(|| {
            let found = self.documents.get(table_key(keyspace, key).as_slice())?;
            Ok(found.map(|value| Bytes::copy_from_slice(value.value())))
        })
    }

    fn read_range(&self, keyspace: Keyspace, range: &DocumentRange) -> Result<Page, DocumentError> {
        if range.is_empty() {
            return Ok(Page::default());
        }
        let from = table_key(keyspace, &range.from);
        let to = match &range.to {
            Some(to) => Some(Bytes::from(table_key(keyspace, to))),
            None => DocumentRange::prefix(keyspace_bytes(keyspace).to_vec()).to,
        };
        let bounds: (Bound<&[u8]>, Bound<&[u8]>) =
            (Bound::Included(&from), to.as_ref().map_or(Bound::Unbounded, |to| Bound::Excluded(&to[..])));
        reading(|| {
            let mut items = self.documents.range::<&[u8]>(bounds)?;
            let mut page = Page::default();
            let mut bytes = 0_usize;
            while let Some(item) = if range.reverse { items.next_back() } else { items.next() } {
                let (key, value) = item.map_err(TablesError::from)?;
                let (key, value) = (key.value(), value.value());
                let is_full = page.items.len() >= range.items_max || bytes >= range.bytes_max;
                if is_full && !page.items.is_empty() {
                    page.more = true;
                    break;
                }
                bytes = bytes.saturating_add(key.len().saturating_sub(KEYSPACE_BYTES) + value.len());
                let key = key.get(KEYSPACE_BYTES..).unwrap_or_default();
                page.items.push((Bytes::copy_from_slice(key), Bytes::copy_from_slice(value)));
            }
            Ok(page)
        })
    }

    fn read_usage(&self, keyspace: Keyspace) -> Result<Usage, DocumentError> {
        reading(|| {
            let found = self.usage.get(&keyspace_bytes(keyspace))?;
            let (keys, bytes) = found.map_or((0, 0), |usage| usage.value());
            Ok(Usage { keys, bytes })
        })
    }

    fn read_keyspaces(&self, after: Option<Keyspace>, keyspaces_max: usize) -> Result<Vec<Keyspace>, DocumentError> {
        let after = after.map(keyspace_bytes);
        let from: Bound<&[u8; KEYSPACE_BYTES]> = after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        reading(|| {
            let mut found = Vec::new();
            for item in self.usage.range::<&[u8; KEYSPACE_BYTES]>((from, Bound::Unbounded))? {
                if found.len() >= keyspaces_max {
                    break;
                }
                found.push(keyspace_of(item.map_err(TablesError::from)?.0.value()));
            }
            Ok(found)
        })
    }
}
