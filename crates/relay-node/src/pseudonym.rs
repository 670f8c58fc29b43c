//! Pseudonyms: what the operator sees instead of ids. A pseudonym is the first 10 bytes of HMAC-SHA256 over the id, in lower-case
//! base32, under a key that never leaves the data directory: it stays the same for as long as the directory does, and says
//! nothing to anybody who does not have the key.

use crate::failure::Failure;
use crate::key_file::{self, KEY_BYTES};
use hmac::{Hmac, KeyInit, Mac};
use relay_core::environment::Entropy;
use relay_core::store::{Store, StoreError};
use relay_proto::SpaceId;
use relay_store::data_dir::PSEUDONYM_KEY_FILE;
use sha2::Sha256;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::sync::{Mutex, PoisonError};

/// Length of a pseudonym before it is written as text, in bytes.
const PSEUDONYM_BYTES: usize = 10;
/// The same as text.
pub(crate) const PSEUDONYM_CHARS: usize = PSEUDONYM_BYTES * 8 / 5;
/// Pseudonyms of spaces that are remembered; what is not costs a look at every id.
const REMEMBERED_MAX: usize = 4096;
/// Ids asked of the store at once.
const PAGE_SPACES: u32 = 4096;
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Makes pseudonyms, and finds spaces by them.
pub(crate) struct Pseudonyms {
    mac: Hmac<Sha256>,
    recent: Mutex<Recent>,
}

#[derive(Default)]
struct Recent {
    spaces: HashMap<String, SpaceId>,
    order: VecDeque<String>,
}

impl Recent {
    fn note(&mut self, pseudonym: &str, space: SpaceId) {
        if self.spaces.insert(pseudonym.to_owned(), space).is_none() {
            self.order.push_back(pseudonym.to_owned());
        }
        if self.order.len() > REMEMBERED_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.spaces.remove(&oldest);
        }
    }
}

impl Pseudonyms {
    /// With the key of a data directory that this process holds; makes it when there is none.
    pub(crate) fn open(data_dir: &Path, entropy: &dyn Entropy) -> Result<Self, Failure> {
        let path = data_dir.join(PSEUDONYM_KEY_FILE);
        let unusable = |error: io::Error| {
            Failure::new("pseudonym_key_unusable", format!("cannot use {}: {error}", path.display()))
                .with_hint("Make the data directory writable for the relay's user; a broken key file may be removed, pseudonyms are different ones then.")
        };
        let key = key_file::open(data_dir, PSEUDONYM_KEY_FILE, entropy).map_err(unusable)?;
        Ok(Self::with_key(&key))
    }

    fn with_key(key: &[u8; KEY_BYTES]) -> Self {
        let mut block = [0; 64];
        block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
        Self { mac: Hmac::new(&block.into()), recent: Mutex::default() }
    }

    /// The pseudonym of an id.
    pub(crate) fn of(&self, id: &[u8; 32]) -> String {
        let mut mac = self.mac.clone();
        mac.update(id);
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        base32(digest.get(..PSEUDONYM_BYTES).unwrap_or_default())
    }

    /// The pseudonym of a space, which is found by it without a search afterwards.
    pub(crate) fn of_space(&self, space: SpaceId) -> String {
        let pseudonym = self.of(&space.0);
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).note(&pseudonym, space);
        pseudonym
    }

    /// The space with this pseudonym; looks at every space when it was not shown lately.
    pub(crate) fn find_space(&self, pseudonym: &str, store: &dyn Store) -> Result<SpaceId, Failure> {
        let remembered = self.recent.lock().unwrap_or_else(PoisonError::into_inner).spaces.get(pseudonym).copied();
        if let Some(space) = remembered {
            return Ok(space);
        }
        let mut after = None;
        loop {
            let page = page(store, after).map_err(|error| Failure::new("store_failed", error.to_string()))?;
            if let Some(space) = page.iter().find(|space| self.of(&space.0) == pseudonym) {
                return Ok(*space);
            }
            after = page.last().copied();
            if after.is_none() {
                return Err(Failure::new("space_unknown", "no space has this pseudonym"));
            }
        }
    }
}

fn page(store: &dyn Store, after: Option<SpaceId>) -> Result<Vec<SpaceId>, StoreError> {
    let (send, receive) = sync_channel(1);
    // Nobody waits when this call was given up.
    store.spaces(after, PAGE_SPACES, Box::new(move |page| drop(send.send(page))));
    receive.recv().unwrap_or(Err(StoreError::Closed))
}

/// Lower-case base32 without padding; whole characters for every five bytes.
fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for chunk in bytes.chunks(5) {
        let bits = chunk.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte)) << (8 * (5 - chunk.len()));
        for place in (0..8).rev() {
            let index = usize::try_from(bits >> (5 * place) & 31).unwrap_or(0);
            text.push(char::from(ALPHABET.get(index).copied().unwrap_or(b'a')));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::SystemEntropy;

    #[test]
    fn base32_is_that_of_the_standard_in_lower_case() {
        assert_eq!(base32(b"hello"), "nbswy3dp");
        assert_eq!(base32(&[0xff; 10]), "7777777777777777");
    }

    #[test]
    fn a_pseudonym_is_the_start_of_the_mac_of_the_id() {
        // HMAC-SHA256 with key 0102…20 over 32 bytes of 0xaa.
        let key: [u8; 32] = std::array::from_fn(|n| u8::try_from(n + 1).unwrap());
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&key).unwrap();
        mac.update(&[0xaa; 32]);
        let digest = mac.finalize().into_bytes();
        let pseudonym = Pseudonyms::with_key(&key).of(&[0xaa; 32]);
        assert_eq!(pseudonym, base32(&digest[..10]));
        assert_eq!(pseudonym.len(), 16);
    }

    #[test]
    fn a_directory_keeps_its_pseudonyms_and_another_one_has_others() {
        let dirs = [0, 1].map(|n| std::env::temp_dir().join(format!("sealrelay-pseudonym-{}-{n}", std::process::id())));
        let open = |dir: &Path| Pseudonyms::open(dir, &SystemEntropy).unwrap().of(&[7; 32]);
        dirs.iter().for_each(|dir| std::fs::create_dir_all(dir).unwrap());
        let first = open(&dirs[0]);
        assert_eq!(open(&dirs[0]), first);
        assert_ne!(open(&dirs[1]), first);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(dirs[0].join(PSEUDONYM_KEY_FILE)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        std::fs::write(dirs[1].join(PSEUDONYM_KEY_FILE), "broken").unwrap();
        assert_eq!(Pseudonyms::open(&dirs[1], &SystemEntropy).err().unwrap().code, "pseudonym_key_unusable");
        dirs.iter().for_each(|dir| std::fs::remove_dir_all(dir).unwrap());
    }

    #[test]
    fn only_so_many_are_remembered() {
        let mut recent = Recent::default();
        for n in 0..=REMEMBERED_MAX {
            recent.note(&n.to_string(), SpaceId::ZERO);
            recent.note(&n.to_string(), SpaceId::ZERO);
        }
        assert_eq!((recent.spaces.len(), recent.order.len()), (REMEMBERED_MAX, REMEMBERED_MAX));
        assert!(!recent.spaces.contains_key("0"));
    }
}
