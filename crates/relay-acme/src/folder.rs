//! The folder of account and certificate; all of it readable by its owner only.

use crate::Issued;
use crate::error::AcmeError;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const ACCOUNT: &str = "account.json";
/// Chain and key in one file, so that no crash leaves one of them without the other.
const CERTIFICATE: &str = "certificate.pem";
/// The domains of the certificate, one a line.
const DOMAINS: &str = "domains.txt";

/// The place where account and certificate are kept.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Nothing is made or read yet.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// The certificate that was kept for these domains, if there is one.
    ///
    /// # Errors
    /// [`AcmeError::File`] if it is there and cannot be read.
    pub fn certificate(&self, domains: &[String]) -> Result<Option<Issued>, AcmeError> {
        let Some(kept) = self.read(DOMAINS)? else { return Ok(None) };
        if kept != list(domains) {
            return Ok(None);
        }
        Ok(self.read(CERTIFICATE)?.map(|both| Issued { chain: both.clone(), key: both }))
    }

    /// Where the certificate is, for messages.
    #[must_use]
    pub fn certificate_path(&self) -> PathBuf {
        self.0.join(CERTIFICATE)
    }

    pub(crate) fn keep_certificate(&self, issued: &Issued, domains: &[String]) -> Result<(), AcmeError> {
        // Without its list the certificate is not looked at, so the list comes last.
        self.remove(DOMAINS)?;
        self.write(CERTIFICATE, &format!("{}\n{}", issued.key.trim_end(), issued.chain))?;
        self.write(DOMAINS, &list(domains))
    }

    pub(crate) fn account(&self) -> Result<Option<String>, AcmeError> {
        self.read(ACCOUNT)
    }

    pub(crate) fn account_path(&self) -> PathBuf {
        self.0.join(ACCOUNT)
    }

    pub(crate) fn keep_account(&self, text: &str) -> Result<(), AcmeError> {
        self.write(ACCOUNT, text)
    }

    fn read(&self, name: &str) -> Result<Option<String>, AcmeError> {
        let path = self.0.join(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(AcmeError::File { path, source }),
        }
    }

    fn remove(&self, name: &str) -> Result<(), AcmeError> {
        let path = self.0.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(AcmeError::File { path, source: error }),
            _ => Ok(()),
        }
    }

    /// The whole file or none of it, durable when it returns.
    fn write(&self, name: &str, text: &str) -> Result<(), AcmeError> {
        let (path, beside) = (self.0.join(name), self.0.join(format!("{name}.new")));
        let written = || {
            make_folder(&self.0)?;
            let mut file = private_file(&beside)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&beside, &path)?;
            File::open(&self.0)?.sync_all()
        };
        written().map_err(|source| AcmeError::File { path: path.clone(), source })
    }
}

fn list(domains: &[String]) -> String {
    domains.iter().map(|domain| format!("{domain}\n")).collect()
}

fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn private_file(path: &Path) -> io::Result<File> {
    // An old one could be readable by others.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::Folder;
    use crate::Issued;

    #[test]
    fn what_is_kept_comes_back_for_the_same_domains_only() {
        let temp = tempfile::tempdir().unwrap();
        let folder = Folder::new(temp.path().join("acme"));
        let domains = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let issued = Issued { chain: "CHAIN\n".into(), key: "KEY\n".into() };
        assert_eq!(folder.certificate(&domains(&["a.test"])).unwrap(), None);
        folder.keep_certificate(&issued, &domains(&["a.test", "b.test"])).unwrap();
        let kept = folder.certificate(&domains(&["a.test", "b.test"])).unwrap().unwrap();
        assert_eq!((kept.chain.as_str(), kept.key.as_str()), ("KEY\nCHAIN\n", "KEY\nCHAIN\n"));
        assert_eq!(folder.certificate(&domains(&["a.test"])).unwrap(), None);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_what_is_kept() {
        use std::os::unix::fs::PermissionsExt;
        let temp = tempfile::tempdir().unwrap();
        let place = temp.path().join("acme");
        let folder = Folder::new(place.clone());
        folder.keep_account("{}").unwrap();
        folder.keep_certificate(&Issued { chain: String::new(), key: String::new() }, &[]).unwrap();
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&place), 0o700);
        let files: Vec<_> = std::fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files.len(), 3);
        assert!(files.iter().all(|file| mode(file) == 0o600), "{files:?}");
    }
}
