//! The data directory: whose it is, who holds it, and which key its log has.

use crate::checkpoint::{CHECKPOINT_FILE, CHECKPOINT_NEW_FILE};
use crate::cold::COLD_FILE;
use crate::erase::ERASED_DIR;
use crate::leaves::LEAVES_DIR;
use crate::reserve::RESERVE_FILE;
use crate::vfs::{self, DirName, OpenMode, Vfs, VfsLock};
use relay_core::environment::Entropy;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The text of `FORMAT`.
const FORMAT_TEXT: &str = "sealrelay store format 2\n";
/// The text of `FORMAT` in a directory that is brought to the newest format when it is opened; as long as the newest.
const FORMAT_TEXT_1: &str = "sealrelay store format 1\n";
const FORMAT_PREFIX: &str = "sealrelay store format ";
const FORMAT_FILE: &str = "FORMAT";
const LOCK_FILE: &str = "LOCK";
const KEY_FILE: &str = "relay.key";
/// Name of the metadata file.
pub(crate) const META_FILE: &str = "meta.redb";
/// Name of the directory of snapshots.
pub(crate) const SNAPSHOTS_DIR: &str = "snapshots";
/// Name of the directory of blobs.
pub(crate) const BLOBS_DIR: &str = "blobs";
/// Name of the key under which ids become pseudonyms; the control plane's, not the store's.
pub const PSEUDONYM_KEY_FILE: &str = "pseudonym.key";
/// Name of the key that proves to peers of a foreign protocol who the relay is; the addon's, not the store's.
pub const PEER_KEY_FILE: &str = "peer.key";
/// Name of the directory of foreign protocols' documents.
pub(crate) const DOCUMENTS_DIR: &str = "documents";
/// Name of the file that says which space is on whose account.
pub(crate) const TENANTS_FILE: &str = "tenants";
/// Name of the directory of what is known of those who found spaces; most of it is the control plane's.
pub(crate) const ADMISSION_DIR: &str = "admission";
/// Name of the file in it that says which spaces are sponsored ones: programs that know of none find no strange name.
pub(crate) const SPONSORED_FILE: &str = "sponsored";
/// Names that belong into a data directory.
const OWN_NAMES: [&str; 17] = [
    FORMAT_FILE,
    LOCK_FILE,
    KEY_FILE,
    META_FILE,
    SNAPSHOTS_DIR,
    BLOBS_DIR,
    DOCUMENTS_DIR,
    crate::segment::LOG_DIR,
    LEAVES_DIR,
    ERASED_DIR,
    RESERVE_FILE,
    CHECKPOINT_FILE,
    CHECKPOINT_NEW_FILE,
    COLD_FILE,
    PSEUDONYM_KEY_FILE,
    TENANTS_FILE,
    PEER_KEY_FILE,
];
/// Names of what the control plane keeps beside the store; the store does not look into them.
const CONTROL_PLANE_NAMES: [&str; 6] = ["acme", "admin", ADMISSION_DIR, "audit", "moving", "operations"];
/// Names that file systems and operating systems put into any directory.
const SYSTEM_NAMES: [&str; 2] = ["lost+found", ".DS_Store"];
/// Largest small text file that is read, in bytes.
const TEXT_BYTES_MAX: u64 = 4096;
/// Length of the key's seed, in bytes.
pub const SEED_BYTES: usize = 32;

/// The seed of the log id's key; wiped when dropped.
pub type Seed = Zeroizing<[u8; SEED_BYTES]>;

/// Why a data directory cannot be used. `Display` says what is wrong and what to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum DirError {
    /// It holds something else.
    Foreign {
        /// The directory.
        dir: PathBuf,
        /// A name that does not belong there.
        name: String,
    },
    /// It was written by a program with another format.
    UnknownFormat {
        /// The directory.
        dir: PathBuf,
        /// What its FORMAT says.
        found: String,
    },
    /// A relay is running on it.
    Locked {
        /// The directory.
        dir: PathBuf,
        /// What the lock file says about the owner.
        pid: String,
    },
    /// The key file is not one.
    BrokenKey {
        /// The file.
        file: PathBuf,
    },
    /// The key file is missing although the directory is in use.
    MissingKey {
        /// The file.
        file: PathBuf,
    },
    /// No relay ever wrote there.
    Unused {
        /// The directory.
        dir: PathBuf,
    },
    /// The operating system refused.
    Io {
        /// What was being done.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

impl DirError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

/// What to do about an error of the operating system.
fn io_fix(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "make the directory writable for the relay's user, or choose another one"
        }
        io::ErrorKind::StorageFull => "free space on this disk, or choose a directory on another one",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => "choose a directory, not a file",
        _ => "check the disk and the path",
    }
}

impl fmt::Display for DirError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign { dir, name } => write!(
                f,
                "{} is not a sealrelay data directory: it holds {name:?}; choose an empty directory or one of a relay",
                dir.display()
            ),
            Self::UnknownFormat { dir, found } => write!(
                f,
                "{} has {found:?} as its format; this program reads formats 1 and 2; start the program that wrote it",
                dir.display()
            ),
            Self::Locked { dir, pid } => write!(
                f,
                "{} is in use by the relay with process id {pid}; stop it, or choose another directory",
                dir.display()
            ),
            Self::BrokenKey { file } => write!(
                f,
                "{} is not a relay key (64 hex digits and a newline); put back the key this log was written with",
                file.display()
            ),
            Self::MissingKey { file } => write!(
                f,
                "{} is missing although the directory is in use; put it back: clients pin this key",
                file.display()
            ),
            Self::Unused { dir } => {
                write!(f, "{} is not the data directory of a relay; name the one that was restored", dir.display())
            }
            Self::Io { action, path, source } => {
                write!(f, "cannot {action} {}: {source}; {}", path.display(), io_fix(source.kind()))
            }
        }
    }
}

impl std::error::Error for DirError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// A data directory that this process holds.
#[derive(Debug)]
pub struct DataDir {
    /// Where it is.
    pub path: PathBuf,
    /// The seed of the log id's key.
    pub seed: Seed,
    is_format_1: bool,
    _lock: Box<dyn VfsLock>,
}

impl DataDir {
    /// Takes a directory that a relay has written; never makes one.
    ///
    /// # Errors
    /// [`DirError`].
    pub fn take_used(vfs: &dyn Vfs, path: &Path, entropy: &dyn Entropy) -> Result<Self, DirError> {
        let is_used = names(vfs, path)?.iter().any(|entry| entry.name == FORMAT_FILE);
        if is_used { Self::take(vfs, path, entropy) } else { Err(DirError::Unused { dir: path.to_owned() }) }
    }

    /// Takes a directory: makes it when it is missing, refuses a foreign one, locks it, reads or makes its key.
    ///
    /// # Errors
    /// [`DirError`].
    pub fn take(vfs: &dyn Vfs, path: &Path, entropy: &dyn Entropy) -> Result<Self, DirError> {
        let made = make_dir(vfs, path).map_err(DirError::io("make the data directory", path))?;
        refuse_foreign(path, &names(vfs, path)?)?;
        let lock = lock(vfs, path)?;
        let names = names(vfs, path)?;
        let has = |wanted: &str| names.iter().any(|entry| entry.name == wanted);
        let in_use = has(crate::segment::LOG_DIR);
        // A first start that was cut off, or met a full disk, may leave a name without all its bytes; nothing relies on it yet.
        let has_format = has(FORMAT_FILE) && (in_use || !is_unfinished(vfs, &path.join(FORMAT_FILE), is_half_format)?);
        let is_format_1 = has_format && check_format(vfs, path)?;
        if !in_use {
            // Again if it is there: after a failed sync or a kill it may be readable from memory only. The same for the key.
            keep_name(vfs, path, made).map_err(DirError::io("sync the directory above", path))?;
            vfs::write_small(vfs, path, FORMAT_FILE, FORMAT_TEXT.as_bytes(), OpenMode::Create)
                .map_err(DirError::io("write", &path.join(FORMAT_FILE)))?;
        }
        // The same for the key: what is not whole is no key, and nobody has pinned it.
        let has_key = has(KEY_FILE) && (in_use || !is_unfinished(vfs, &path.join(KEY_FILE), is_half_key)?);
        let seed = if has_key { read_key(vfs, path)? } else { make_key(path, in_use, entropy)? };
        if !in_use {
            write_key(vfs, path, &seed)?;
        }
        for dir in [crate::segment::LOG_DIR, SNAPSHOTS_DIR, BLOBS_DIR] {
            let dir = path.join(dir);
            vfs.create_dir(&dir).map_err(DirError::io("make", &dir))?;
        }
        // Their names are made durable by `upgrade`, before anything in them is relied on.
        Ok(Self { path: path.to_owned(), seed, is_format_1, _lock: lock })
    }

    /// Brings the directory to the newest format, once its log was found good: until then an older program can open it.
    pub(crate) fn upgrade(&self, vfs: &dyn Vfs) -> Result<(), DirError> {
        if self.is_format_1 {
            // The same length, and inside one sector: it is the one text or the other at every moment.
            let path = self.path.join(FORMAT_FILE);
            let written = vfs.open(&path, OpenMode::ReadWrite).and_then(|file| {
                file.write_all_at(FORMAT_TEXT.as_bytes(), 0)?;
                file.sync_data()
            });
            written.map_err(DirError::io("write", &path))?;
        }
        let leaves = self.path.join(LEAVES_DIR);
        vfs.create_dir(&leaves).map_err(DirError::io("make", &leaves))?;
        vfs.sync_dir(&self.path).map_err(DirError::io("sync", &self.path))
    }
}

/// Makes a directory and those above it; returns how many were missing.
fn make_dir(vfs: &dyn Vfs, path: &Path) -> io::Result<usize> {
    let is_missing = |dir: &&Path| {
        let found = vfs.read_dir(dir);
        !dir.as_os_str().is_empty() && found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    };
    let missing = path.ancestors().take_while(is_missing).count();
    vfs.create_dir(path)?;
    Ok(missing)
}

/// Makes the directory's own name durable, and the names above it: an interrupted first start may have made them too.
/// Only the parents of the `made` innermost ones must let themselves be synced; others may be closed to this user.
fn keep_name(vfs: &dyn Vfs, path: &Path, made: usize) -> io::Result<()> {
    for (index, dir) in path.ancestors().skip(1).enumerate() {
        let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
        let synced = vfs.sync_dir(dir);
        if index < made {
            synced?;
        }
    }
    Ok(())
}

fn names(vfs: &dyn Vfs, path: &Path) -> Result<Vec<DirName>, DirError> {
    vfs.read_dir(path).map_err(DirError::io("list", path))
}

fn refuse_foreign(dir: &Path, names: &[DirName]) -> Result<(), DirError> {
    let is_own = names.iter().any(|entry| entry.name == FORMAT_FILE);
    let mut names = names.iter().filter(|entry| !SYSTEM_NAMES.contains(&entry.name.as_str()));
    // A lock alone is what a first start leaves that was interrupted before it wrote FORMAT.
    let fits = |entry: &DirName| {
        let name = entry.name.as_str();
        let belongs = |name: &str| OWN_NAMES.contains(&name) || CONTROL_PLANE_NAMES.contains(&name);
        if is_own { belongs(name) } else { name == LOCK_FILE }
    };
    let other = names.find(|entry| !fits(entry));
    match other {
        Some(entry) => Err(DirError::Foreign { dir: dir.to_owned(), name: entry.name.clone() }),
        None => Ok(()),
    }
}

fn lock(vfs: &dyn Vfs, dir: &Path) -> Result<Box<dyn VfsLock>, DirError> {
    let path = dir.join(LOCK_FILE);
    let owner = format!("{}\n", std::process::id());
    match vfs.lock(&path, &owner).map_err(DirError::io("lock", &path))? {
        Some(lock) => Ok(lock),
        None => {
            let text = vfs::read_small(vfs, &path, TEXT_BYTES_MAX).unwrap_or_default();
            let pid = String::from_utf8_lossy(&text).trim().to_owned();
            Err(DirError::Locked { dir: dir.to_owned(), pid: if pid.is_empty() { "unknown".to_owned() } else { pid } })
        }
    }
}

/// Whether the directory has format 1.
fn check_format(vfs: &dyn Vfs, dir: &Path) -> Result<bool, DirError> {
    let path = dir.join(FORMAT_FILE);
    let bytes = vfs::read_small(vfs, &path, TEXT_BYTES_MAX).map_err(DirError::io("read", &path))?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if text == FORMAT_TEXT || text == FORMAT_TEXT_1 {
        return Ok(text == FORMAT_TEXT_1);
    }
    let found = text.strip_prefix(FORMAT_PREFIX).unwrap_or(&text).trim().to_owned();
    Err(DirError::UnknownFormat { dir: dir.to_owned(), found })
}

fn read_key(vfs: &dyn Vfs, dir: &Path) -> Result<Seed, DirError> {
    let file = dir.join(KEY_FILE);
    let bytes = vfs::read_small(vfs, &file, TEXT_BYTES_MAX).map_err(DirError::io("read", &file))?;
    let text = Zeroizing::new(bytes);
    let mut seed = Zeroizing::new([0; SEED_BYTES]);
    let digits = text.strip_suffix(b"\n").unwrap_or(&text);
    hex::decode_to_slice(digits, seed.as_mut_slice()).map_err(|_| DirError::BrokenKey { file })?;
    Ok(seed)
}

fn is_unfinished(vfs: &dyn Vfs, file: &Path, is_half: fn(&[u8]) -> bool) -> Result<bool, DirError> {
    let bytes = vfs::read_small(vfs, file, TEXT_BYTES_MAX).map_err(DirError::io("read", file))?;
    Ok(bytes.iter().all(|byte| *byte == 0) || is_half(&bytes))
}

fn is_half_format(bytes: &[u8]) -> bool {
    bytes.len() < FORMAT_TEXT.len() && FORMAT_TEXT.as_bytes().starts_with(bytes)
}

fn is_half_key(bytes: &[u8]) -> bool {
    bytes.len() < 2 * SEED_BYTES && bytes.iter().all(u8::is_ascii_hexdigit)
}

fn make_key(dir: &Path, in_use: bool, entropy: &dyn Entropy) -> Result<Seed, DirError> {
    if in_use {
        return Err(DirError::MissingKey { file: dir.join(KEY_FILE) });
    }
    let mut seed = Zeroizing::new([0; SEED_BYTES]);
    entropy.fill(seed.as_mut_slice());
    Ok(seed)
}

fn write_key(vfs: &dyn Vfs, dir: &Path, seed: &Seed) -> Result<(), DirError> {
    let text = Zeroizing::new(format!("{}\n", hex::encode(seed.as_slice())));
    vfs::write_small(vfs, dir, KEY_FILE, text.as_bytes(), OpenMode::CreatePrivate)
        .map_err(DirError::io("write", &dir.join(KEY_FILE)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vfs::RealVfs;
    use crate::vfs::sim::SimVfs;

    struct Sevens;

    impl Entropy for Sevens {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(7);
        }
    }

    #[test]
    fn a_new_directory_keeps_its_key_and_is_held_by_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data");
        let first = DataDir::take(&RealVfs, &path, &Sevens).unwrap();
        let error = DataDir::take(&RealVfs, &path, &Sevens).unwrap_err();
        assert!(error.to_string().contains(&format!("process id {}", std::process::id())), "{error}");
        let seed = first.seed.clone();
        drop(first);
        assert_eq!(DataDir::take(&RealVfs, &path, &Sevens).unwrap().seed, seed);
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(path.join(KEY_FILE)).unwrap());
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    fn refusal(names: &[(&str, &str)]) -> String {
        let vfs = SimVfs::new();
        vfs.create_dir(Path::new("/d")).unwrap();
        for (name, text) in names {
            vfs.put(&Path::new("/d").join(name), text.as_bytes().to_vec());
        }
        let before = vfs.contents();
        let error = DataDir::take(&vfs, Path::new("/d"), &Sevens).unwrap_err().to_string();
        let mut after = vfs.contents();
        after.remove(Path::new("/d/LOCK"));
        assert_eq!(before, after);
        error
    }

    #[test]
    fn what_is_not_ours_is_refused_and_left_alone() {
        assert!(refusal(&[("photo.jpg", "x")]).contains("not a sealrelay data directory"));
        assert!(refusal(&[("FORMAT", FORMAT_TEXT), ("notes.txt", "x")]).contains("notes.txt"));
        // The relay's other folders are its own only in a directory that is.
        assert!(!refusal(&[("FORMAT", FORMAT_TEXT), ("acme", "x"), ("relay.key", "short")]).contains("acme"));
        assert!(refusal(&[("acme", "x")]).contains("acme"));
        assert!(refusal(&[("meta.redb", "x")]).contains("not a sealrelay data directory"));
        assert!(refusal(&[("FORMAT", "sealrelay store format 3\n")]).contains("\"3\" as its format"));
        assert!(refusal(&[("FORMAT", FORMAT_TEXT), ("relay.key", "short")]).contains("not a relay key"));
    }

    #[test]
    fn a_missing_key_of_a_directory_in_use_is_not_replaced() {
        let vfs = SimVfs::new();
        drop(DataDir::take(&vfs, Path::new("/d"), &Sevens).unwrap());
        vfs.remove(&Path::new("/d").join(KEY_FILE)).unwrap();
        let error = DataDir::take(&vfs, Path::new("/d"), &Sevens).unwrap_err();
        assert!(matches!(error, DirError::MissingKey { .. }));
    }

    #[test]
    fn what_must_be_in_use_is_never_made() {
        let dir = tempfile::tempdir().unwrap();
        assert!(DataDir::take_used(&RealVfs, &dir.path().join("missing"), &Sevens).is_err());
        let error = DataDir::take_used(&RealVfs, dir.path(), &Sevens).unwrap_err();
        assert!(error.to_string().ends_with("is not the data directory of a relay; name the one that was restored"));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        drop(DataDir::take(&RealVfs, dir.path(), &Sevens).unwrap());
        DataDir::take_used(&RealVfs, dir.path(), &Sevens).unwrap();
    }

    #[test]
    fn a_first_start_that_was_cut_off_goes_on() {
        for half_made in [
            &["LOCK"][..],
            &["LOCK", "FORMAT"],
            &["LOCK", "FORMAT", "relay.key"],
            &["LOCK", "a blank FORMAT"],
            &["LOCK", "half FORMAT"],
            &["LOCK", "FORMAT", "half relay.key"],
            &["lost+found"],
        ] {
            let vfs = SimVfs::new();
            vfs.create_dir(Path::new("/d")).unwrap();
            for name in half_made {
                let text = match *name {
                    "FORMAT" => FORMAT_TEXT,
                    "half FORMAT" => FORMAT_TEXT.split_at(12).0,
                    "half relay.key" => "0123456789abcdef",
                    _ => "",
                };
                let name = name.trim_start_matches("a blank ").trim_start_matches("half ");
                vfs.put(&Path::new("/d").join(name), text.as_bytes().to_vec());
            }
            drop(DataDir::take(&vfs, Path::new("/d"), &Sevens).unwrap());
            assert_eq!(vfs.contents()[Path::new("/d/FORMAT")], FORMAT_TEXT.as_bytes());
        }
    }

    #[test]
    fn a_full_disk_is_named_with_its_fix() {
        let vfs = SimVfs::new();
        vfs.inject("FORMAT", crate::vfs::sim::Fault::Full);
        let error = DataDir::take(&vfs, Path::new("/d"), &Sevens).unwrap_err();
        assert!(error.to_string().contains("free space"), "{error}");
    }
}
