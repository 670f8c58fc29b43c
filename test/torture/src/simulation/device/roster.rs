//! The roster as a device verified it, and the change an admin wants.

use super::super::cast::{keys, with_keyring};
use bytes::Bytes;
use relay_proto::ids::{DeviceKey, Hash, SpaceId};
use relay_proto::roster::{Chain, Former, StatementFields, check_keyring};

/// What an admin wants of the roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// A device, by its number, joins.
    Add(usize),
    /// A device, by its number, leaves.
    Remove(usize),
}

/// See the module.
#[derive(Clone)]
pub(crate) struct KnownRoster {
    space: SpaceId,
    chain: Option<Chain>,
    pub(crate) keyring: Bytes,
    /// Whether the relay has shown the newest statement itself.
    pub(crate) confirmed: bool,
}

impl KnownRoster {
    /// What a device is told when it is paired: the newest chain and keyring.
    pub(crate) fn new(space: SpaceId, chain: &[Bytes], keyring: Bytes) -> Result<Self, String> {
        let chain = Chain::stand_alone(&space, chain, None).map_err(|error| format!("{error:?}"))?;
        Ok(Self { space, chain: Some(chain), keyring, confirmed: false })
    }

    pub(crate) fn newest(&self) -> Option<&StatementFields> {
        self.chain.as_ref().map(|chain| chain.newest().fields())
    }

    pub(crate) fn version(&self) -> u64 {
        self.newest().map_or(0, |newest| newest.version)
    }

    pub(crate) fn hash(&self) -> Hash {
        self.chain.as_ref().map_or(Hash::ZERO, |chain| chain.newest().hash())
    }

    pub(crate) fn key_epoch(&self) -> u32 {
        self.newest().map_or(0, |newest| newest.key_epoch)
    }

    pub(crate) fn chain(&self) -> Vec<Bytes> {
        self.chain.as_ref().map(Chain::bytes).unwrap_or_default()
    }

    pub(crate) fn lists(&self, device: &DeviceKey) -> bool {
        self.newest().is_some_and(|newest| newest.device(device).is_some())
    }

    /// Whether an entry counts: its author may write, or left after it.
    pub(crate) fn allows(&self, device: &DeviceKey, push_seq: u64) -> bool {
        let Some(newest) = self.newest() else { return false };
        newest.device(device).is_some_and(|listed| listed.rights.may_write())
            || newest.former(device).is_some_and(|former| push_seq <= former.push_seq_max)
    }

    /// Takes what the relay shows; true when it was news.
    pub(crate) fn update(&mut self, chain: &[Bytes], keyring: &Bytes) -> Result<bool, String> {
        let fork = |error: relay_proto::roster::RosterError| format!("roster_fork: {error:?}");
        let next = match &self.chain {
            None => Chain::stand_alone(&self.space, chain, None).map_err(fork)?,
            Some(known) => {
                let extension = known.extended(chain, None).map_err(fork)?;
                if extension.added.is_empty() {
                    return Ok(false);
                }
                extension.chain
            }
        };
        check_keyring(next.newest(), keyring).map_err(|error| format!("keyring_conflict: {error:?}"))?;
        self.chain = Some(next);
        self.keyring = keyring.clone();
        Ok(true)
    }

    /// Whether the roster is as an admin wants it.
    pub(crate) fn has(&self, change: Change, space: usize) -> bool {
        let key = |index: usize| keys(space).devices[index].1;
        match change {
            Change::Add(index) => self.lists(&key(index)),
            Change::Remove(index) => !self.lists(&key(index)),
        }
    }

    /// The next statement alone and its keyring, signed by the admin; `push_seq_max` is what was seen of a device that leaves.
    pub(crate) fn changed(&self, change: Change, space: usize, push_seq_max: u64) -> Option<(Vec<Bytes>, Bytes)> {
        let cast = keys(space);
        let mut fields = self.newest()?.clone();
        fields.version += 1;
        fields.previous = self.hash();
        match change {
            Change::Add(index) => fields.devices.push(cast.listed(index)),
            Change::Remove(index) => {
                let key = cast.devices[index].1;
                fields.devices.retain(|listed| listed.key != key);
                fields.former.push(Former { key, push_seq_max });
                fields.key_epoch += 1;
            }
        }
        let (statement, keyring) = with_keyring(fields, &cast.devices[0].0);
        Some((vec![statement.bytes().clone()], keyring))
    }
}
