//! One work's turn: its changes over what the works before it left.

use super::error::DocumentError;
use super::limits::{
    KEY_BYTES_MAX, RANGE_DELETE_READ_BYTES, RANGE_DELETES_MAX, READ_ITEMS_MAX, VALUE_BYTES_MAX, WORK_BYTES_MAX,
};
use super::overlay::{Overlay, Stacked};
use super::range::{DocumentRange, Page};
use super::store::{DocumentReader, DocumentWork, Documents, Keyspace, Usage};
use bytes::Bytes;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// See the module.
pub struct Transaction<'a> {
    keyspace: Keyspace,
    own: Overlay,
    under: &'a dyn DocumentReader,
    range_deletes: usize,
}

impl<'a> Transaction<'a> {
    /// Runs a work; its changes, and what its keyspace holds with them.
    ///
    /// # Errors
    /// What the work says; a panic of it too. Nothing is changed then.
    pub fn run(
        keyspace: Keyspace,
        work: &mut dyn DocumentWork,
        under: &'a dyn DocumentReader,
    ) -> Result<(Overlay, Usage), DocumentError> {
        let mut turn = Self { keyspace, own: Overlay::default(), under, range_deletes: 0 };
        catch_unwind(AssertUnwindSafe(|| work.run(&mut turn))).unwrap_or(Err(DocumentError::Panicked))?;
        let usage = turn.usage()?;
        Ok((turn.own, usage))
    }

    fn view(&self) -> Stacked<'_> {
        Stacked { over: &self.own, under: self.under }
    }

    fn set(&mut self, key: Bytes, value: Option<Bytes>) -> Result<bool, DocumentError> {
        let bytes = key.len() + value.as_ref().map_or(0, Bytes::len);
        if self.own.bytes().saturating_add(bytes) > WORK_BYTES_MAX {
            return Err(DocumentError::TooLarge);
        }
        self.own.set(self.under, self.keyspace, key, value)
    }
}

impl Documents for Transaction<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, DocumentError> {
        self.view().read(self.keyspace, key)
    }

    fn scan(&self, range: &DocumentRange) -> Result<Page, DocumentError> {
        let range = range.clone().limited(range.items_max.min(READ_ITEMS_MAX), range.bytes_max);
        self.view().read_range(self.keyspace, &range)
    }

    fn usage(&self) -> Result<Usage, DocumentError> {
        self.view().read_usage(self.keyspace)
    }

    fn put(&mut self, key: Bytes, value: Bytes) -> Result<(), DocumentError> {
        if key.len() > KEY_BYTES_MAX || value.len() > VALUE_BYTES_MAX {
            return Err(DocumentError::TooLarge);
        }
        self.set(key, Some(value)).map(|_| ())
    }

    fn delete(&mut self, key: &[u8]) -> Result<bool, DocumentError> {
        self.set(Bytes::copy_from_slice(key), None)
    }

    fn delete_range(&mut self, range: &DocumentRange, keys_max: usize) -> Result<usize, DocumentError> {
        if self.range_deletes.saturating_add(keys_max) > RANGE_DELETES_MAX {
            return Err(DocumentError::TooLarge);
        }
        let (mut deleted, mut rest) = (0, range.clone());
        while deleted < keys_max {
            let page = self.scan(&rest.clone().limited(keys_max - deleted, RANGE_DELETE_READ_BYTES))?;
            for (key, _) in &page.items {
                self.set(key.clone(), None)?;
            }
            deleted += page.items.len();
            let Some((last, _)) = page.items.last().filter(|_| page.more) else { break };
            // What was deleted is not looked at again.
            rest = rest.after(last);
        }
        self.range_deletes += deleted;
        Ok(deleted)
    }
}
