//! Why there is no certificate, and what to do about it.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why no certificate was obtained.
#[derive(Debug)]
#[non_exhaustive]
pub enum AcmeError {
    /// A file of the account or the certificate cannot be read or written.
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The kept account cannot be understood.
    BrokenAccount {
        /// The file.
        path: PathBuf,
    },
    /// The authority cannot be reached, or its own certificate is not trusted.
    Unreachable(String),
    /// The authority refused, in its own words.
    Refused(String),
    /// The authority offers no check over TLS for a domain.
    NoTlsCheck {
        /// The domain.
        domain: String,
    },
    /// The authority's check of the domains failed, in its own words.
    CheckFailed(String),
    /// It took too long.
    TimedOut,
    /// A key or a request could not be made.
    Key(String),
}

impl AcmeError {
    /// What the operator can do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::File { .. } => "let the user the relay runs as write the acme folder in the data directory",
            Self::BrokenAccount { .. } => "remove the file, so that a new account is made",
            Self::Unreachable(_) => "check acme.directory, acme.ca and the network",
            Self::Refused(_) => "correct acme.domains or acme.email, or wait as the authority says",
            Self::NoTlsCheck { .. } => "choose an authority that offers tls-alpn-01, or use certificate files",
            Self::CheckFailed(_) => {
                "see that every domain leads to this machine and that its port 443 reaches the relay's port"
            }
            Self::TimedOut => "it is tried again",
            Self::Key(_) => "this is a bug; please report it",
        }
    }

    pub(crate) fn of_authority(error: instant_acme::Error) -> Self {
        match error {
            instant_acme::Error::Api(problem) => Self::Refused(problem.to_string()),
            instant_acme::Error::Timeout(_) => Self::TimedOut,
            instant_acme::Error::Crypto | instant_acme::Error::KeyRejected => Self::Key(error.to_string()),
            error => Self::Unreachable(with_sources(&error)),
        }
    }
}

/// The error and what caused it, innermost last: what a library says first is often only "request failed".
fn with_sources(error: &dyn Error) -> String {
    /// Causes of causes that are still told.
    const DEPTH_MAX: usize = 8;
    let (mut text, mut next) = (error.to_string(), error.source());
    for _ in 0..DEPTH_MAX {
        let Some(cause) = next else { break };
        let said = cause.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        next = cause.source();
    }
    text
}

impl fmt::Display for AcmeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, source } => write!(formatter, "cannot use {}: {source}", path.display()),
            Self::BrokenAccount { path } => write!(formatter, "the account in {} cannot be understood", path.display()),
            Self::Unreachable(why) => write!(formatter, "the certificate authority cannot be asked: {why}"),
            Self::Refused(why) => write!(formatter, "the certificate authority refused: {why}"),
            Self::NoTlsCheck { domain } => {
                write!(formatter, "the certificate authority does not check {domain} over TLS")
            }
            Self::CheckFailed(why) => write!(formatter, "the certificate authority could not check the domains: {why}"),
            Self::TimedOut => write!(formatter, "the certificate authority took too long"),
            Self::Key(why) => write!(formatter, "a key could not be made: {why}"),
        }
    }
}

impl Error for AcmeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::File { source, .. } => Some(source),
            _ => None,
        }
    }
}
