//! Keys of the data directory that are neither the log's nor the store's: 32 random bytes in a file of their own, made once.

use relay_core::environment::Entropy;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

/// Length of a key, in bytes.
pub(crate) const KEY_BYTES: usize = 32;
/// Length of a file: 64 hexadecimal digits and a newline.
const KEY_FILE_BYTES: usize = KEY_BYTES * 2 + 1;

/// The key in a file of a data directory that this process holds; makes it when there is none.
pub(crate) fn open(data_dir: &Path, name: &str, entropy: &dyn Entropy) -> io::Result<[u8; KEY_BYTES]> {
    match read(&data_dir.join(name)) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let mut key = [0; KEY_BYTES];
            entropy.fill(&mut key);
            write(data_dir, name, &key)?;
            Ok(key)
        }
        other => other,
    }
}

fn read(path: &Path) -> io::Result<[u8; KEY_BYTES]> {
    let mut text = String::new();
    File::open(path)?.take(u64::try_from(KEY_FILE_BYTES + 1).unwrap_or(u64::MAX)).read_to_string(&mut text)?;
    let mut key = [0; KEY_BYTES];
    let broken = |_| io::Error::new(ErrorKind::InvalidData, "it does not hold 64 hexadecimal digits and a newline");
    hex::decode_to_slice(text.strip_suffix('\n').unwrap_or(&text), &mut key).map_err(broken)?;
    Ok(key)
}

/// Whole or not at all: a name that a power cut leaves without its bytes would be a broken key.
fn write(dir: &Path, name: &str, key: &[u8; KEY_BYTES]) -> io::Result<()> {
    let text = format!("{}\n", hex::encode(key));
    // In the directory that is the control plane's, where an unfinished file is in nobody's way.
    let aside = dir.join("admin");
    std::fs::create_dir_all(&aside)?;
    let new = aside.join(format!("{name}.new"));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&new, dir.join(name))?;
    #[cfg(unix)]
    File::open(dir)?.sync_all()?;
    Ok(())
}
