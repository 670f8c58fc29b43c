//! What an import brings: a state the space begins with, and entries that another log ordered. They are appended as they
//! are, like recovery appends what the log holds: devices, rights and push_seqs were judged when they were pushed.

use super::Build;
use crate::index::Place;
use crate::segment::footer::Row;
use crate::segment::record::EntryFields;
use crate::segment::state::StateRecord;
use crate::space::Space;
use relay_core::store::{Refusal, StoreError, StoredEntry};
use relay_proto::ids::{Seq, SpaceId};
use std::sync::Arc;

impl Build {
    pub(super) fn import(
        &mut self,
        space: &Arc<Space>,
        begins: Option<&StateRecord>,
        entries: Vec<StoredEntry>,
    ) -> Result<(), StoreError> {
        if let Some(record) = begins {
            let fresh = self.touched.iter().filter(|touched| touched.fresh).count();
            if self.shared.space_count() + fresh >= self.spaces_max {
                return Err(StoreError::Refused(Refusal::TooManySpaces));
            }
            let placed = self.builder.state(record);
            self.note_fact(placed);
            if let Some(touched) = self.touch(space) {
                touched.fresh = true;
            }
        }
        self.append_as_they_are(space, entries);
        Ok(())
    }

    /// Somebody else's entries would stand between those that were compared and these.
    pub(super) fn go_on(&mut self, id: SpaceId, after: Seq, entries: Vec<StoredEntry>) -> Result<(), StoreError> {
        let space = self.find(id)?;
        if space.lock().ledger.size() != after {
            return Err(StoreError::Overloaded);
        }
        self.append_as_they_are(&space, entries);
        Ok(())
    }

    fn append_as_they_are(&mut self, space: &Arc<Space>, entries: Vec<StoredEntry>) {
        let Some(place) = self.place.clone() else { return };
        let at = self.touched.touch(space);
        let Some(touched) = self.touched.get_mut(at) else { return };
        let mut state = space.lock();
        for entry in entries {
            let StoredEntry { device, push_seq, key_epoch, id, .. } = entry;
            let seq = state.ledger.size() + 1;
            state.ledger.append(device, push_seq, key_epoch, id);
            let fields = EntryFields { space: space.id, seq, device, push_seq, key_epoch, id };
            let (offset, body_len) = self.builder.entry(&fields, &entry.sealed);
            let row = Row { fields, offset: place.offset + offset, body_len };
            state.index.add(Place { file: Arc::clone(&place.file), row });
            if touched.entries.is_empty() {
                touched.first_seq = seq;
            }
            if state.ledger.roster().names(device) {
                touched.devices.insert(device);
            }
            touched.entries.push(entry);
        }
        let size = state.ledger.size();
        state.note_age(size, self.time.time_ms);
    }
}
