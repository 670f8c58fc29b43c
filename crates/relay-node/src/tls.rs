//! The certificate of the running relay: from where it comes, and who looks after it.

mod acme;
mod files;

use crate::config::RelayTls;
use crate::events::EventQueue;
use crate::failure::Failure;
use acme::Acme;
use files::Files;
use relay_net::tls::{ServedCertificate, TlsConfig};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

/// What happened to the certificate since the start.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Times another one was put in place.
    changes: AtomicU64,
    /// Times another one could not be put in place.
    failures: AtomicU64,
}

/// The figures of TLS.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TlsFigures {
    /// 1 while there is a certificate.
    pub(crate) loaded: u64,
    /// Until it expires; negative afterwards, zero without one.
    pub(crate) left_s: i64,
    pub(crate) changes: u64,
    pub(crate) failures: u64,
}

enum Source {
    Files(Files),
    Acme(Acme),
}

/// TLS of one relay.
pub(crate) struct Tls {
    served: Arc<ServedCertificate>,
    source: Source,
    counts: Arc<Counts>,
}

impl Tls {
    /// Reads what there is. Files must be good; a certificate that is asked for may come later.
    pub(crate) fn open(config: &RelayTls, data_dir: &Path) -> Result<Self, Failure> {
        let served = ServedCertificate::new(None);
        let counts = Arc::new(Counts::default());
        let source = match (&config.files, &config.acme) {
            (Some(files), None) => Source::Files(Files::open(files, Arc::clone(&served), Arc::clone(&counts))?),
            (None, Some(acme)) => Source::Acme(Acme::open(acme, data_dir, Arc::clone(&served), Arc::clone(&counts))?),
            _ => return Err(Failure::config("tls: exactly one of files and acme is needed")),
        };
        Ok(Self { served, source, counts })
    }

    /// The first name of the certificate, or of the one that was asked for.
    pub(crate) fn name(&self) -> Option<String> {
        match &self.source {
            Source::Files(_) => self.served.name(),
            Source::Acme(acme) => acme.name(),
        }
    }

    /// What the server is told.
    pub(crate) fn server_config(&self, config: &RelayTls, bind: IpAddr) -> Result<TlsConfig, Failure> {
        Ok(TlsConfig {
            certificate: Arc::clone(&self.served),
            hsts_max_age_s: crate::config::count("hstsMaxAgeS", config.hsts_max_age_s)?,
            redirect: config.redirect_port.map(|port| SocketAddr::new(bind, port)),
        })
    }

    /// Looks after the certificate until the runtime ends.
    pub(crate) async fn watch(self: Arc<Self>, events: Arc<EventQueue>) {
        match &self.source {
            Source::Files(files) => files.watch(&events).await,
            Source::Acme(acme) => acme.watch(&events).await,
        }
    }

    /// Reads the files again, now. A certificate that was asked for is looked after anyway.
    pub(crate) fn reload(&self) -> Result<(), Failure> {
        match &self.source {
            Source::Files(files) => files.reload(),
            Source::Acme(_) => Ok(()),
        }
    }

    pub(crate) fn figures(&self) -> TlsFigures {
        let facts = self.served.facts(SystemTime::now());
        TlsFigures {
            loaded: u64::from(facts.is_some()),
            left_s: facts.map_or(0, |facts| facts.left_s),
            changes: self.counts.changes.load(Ordering::Relaxed),
            failures: self.counts.failures.load(Ordering::Relaxed),
        }
    }
}
