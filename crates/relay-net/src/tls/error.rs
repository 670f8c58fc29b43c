//! Why a certificate cannot be served, and what to do about it.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// What is wrong with a certificate or its key. Names files, never their contents.
#[derive(Debug)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file holds no certificate.
    NoCertificate {
        /// The file, or where else it came from.
        origin: String,
    },
    /// A file holds no private key, or one of a kind that is not known.
    NoKey {
        /// The file, or where else it came from.
        origin: String,
    },
    /// A certificate cannot be understood.
    Malformed {
        /// The file, or where else it came from.
        origin: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The key is not the one the certificate was made for.
    Mismatch {
        /// The file of the certificate.
        certificate: String,
        /// The file of the key.
        key: String,
    },
    /// The certificate's time is over.
    Expired {
        /// The file, or where else it came from.
        origin: String,
        /// For how many whole days.
        days: u64,
    },
    /// The certificate's time has not begun.
    NotYetValid {
        /// The file, or where else it came from.
        origin: String,
    },
    /// The TLS library refused to start.
    Library(rustls::Error),
}

impl TlsError {
    /// What the operator can do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => "correct the path, or obtain the file",
                io::ErrorKind::PermissionDenied => "let the user the relay runs as read the file",
                _ => "see that it is a readable file",
            },
            Self::NoCertificate { .. } => {
                "give a PEM file with the relay's certificate first and the intermediate ones after it"
            }
            Self::NoKey { .. } => {
                "give a PEM file with the certificate's private key (PKCS#8, PKCS#1 or SEC1, not encrypted)"
            }
            Self::Malformed { .. } => "obtain the certificate again",
            Self::Mismatch { .. } => {
                "give the key that the certificate was requested with, and the certificate that belongs to it"
            }
            Self::Expired { .. } => "renew the certificate",
            Self::NotYetValid { .. } => "check the clock of this machine",
            Self::Library(_) => "this is a bug; please report it",
        }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, source } => {
                let reason = match source.kind() {
                    io::ErrorKind::NotFound => "there is no such file".to_owned(),
                    io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
                    _ => source.to_string(),
                };
                write!(formatter, "cannot read {}: {reason}", path.display())
            }
            Self::NoCertificate { origin } => write!(formatter, "there is no certificate in {origin}"),
            Self::NoKey { origin } => write!(formatter, "there is no usable private key in {origin}"),
            Self::Malformed { origin, problem } => {
                write!(formatter, "the certificate in {origin} is malformed: {problem}")
            }
            Self::Mismatch { certificate, key } => {
                write!(formatter, "the key in {key} does not belong to the certificate in {certificate}")
            }
            Self::Expired { origin, days: 0 } => write!(formatter, "the certificate in {origin} has expired today"),
            Self::Expired { origin, days } => {
                write!(
                    formatter,
                    "the certificate in {origin} expired {days} day{} ago",
                    if *days == 1 { "" } else { "s" }
                )
            }
            Self::NotYetValid { origin } => write!(formatter, "the certificate in {origin} is not valid yet"),
            Self::Library(error) => write!(formatter, "TLS cannot be set up: {error}"),
        }
    }
}

impl Error for TlsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unreadable { source, .. } => Some(source),
            Self::Library(error) => Some(error),
            _ => None,
        }
    }
}
