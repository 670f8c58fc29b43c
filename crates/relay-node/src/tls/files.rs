//! A certificate and its key in files, which are looked at again and again.

use super::Counts;
use crate::config::RelayTlsFiles;
use crate::events::EventQueue;
use crate::failure::Failure;
use relay_net::StartError;
use relay_net::tls::{Certificate, KeyFiles, Look, ServedCertificate};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// How often the files are looked at.
const PERIOD: Duration = Duration::from_secs(10);
const GOES_ON: &str = "the relay goes on with the certificate it has";

pub(super) struct Files {
    files: Arc<Mutex<KeyFiles>>,
    served: Arc<ServedCertificate>,
    counts: Arc<Counts>,
}

impl Files {
    pub(super) fn open(
        config: &RelayTlsFiles,
        served: Arc<ServedCertificate>,
        counts: Arc<Counts>,
    ) -> Result<Self, Failure> {
        let mut files = KeyFiles::new(PathBuf::from(&config.certificate), PathBuf::from(&config.key));
        served.set(files.load(SystemTime::now()).map_err(StartError::from)?);
        Ok(Self { files: Arc::new(Mutex::new(files)), served, counts })
    }

    pub(super) async fn watch(&self, events: &EventQueue) {
        loop {
            tokio::time::sleep(PERIOD).await;
            let files = Arc::clone(&self.files);
            let look = tokio::task::spawn_blocking(move || {
                files.lock().unwrap_or_else(PoisonError::into_inner).look(SystemTime::now())
            });
            match look.await {
                Ok(Look::Changed(certificate)) => {
                    self.put(certificate);
                    events.push(
                        "info",
                        "tls_certificate_changed",
                        "the files have another certificate, which is served now",
                    );
                }
                Ok(Look::Bad(error)) => {
                    self.counts.failures.fetch_add(1, Ordering::Relaxed);
                    events.push("error", "tls_certificate_refused", format!("{error}; {}; {GOES_ON}", error.hint()));
                }
                Ok(Look::Unchanged) | Err(_) => {}
            }
        }
    }

    pub(super) fn reload(&self) -> Result<(), Failure> {
        let loaded = self.files.lock().unwrap_or_else(PoisonError::into_inner).load(SystemTime::now());
        match loaded {
            Ok(certificate) => {
                self.put(certificate);
                Ok(())
            }
            Err(error) => {
                self.counts.failures.fetch_add(1, Ordering::Relaxed);
                let failure = Failure::from(StartError::from(error));
                let message = format!("{}; {GOES_ON}", failure.message);
                Err(Failure { message, ..failure })
            }
        }
    }

    fn put(&self, certificate: Certificate) {
        self.served.set(certificate);
        self.counts.changes.fetch_add(1, Ordering::Relaxed);
    }
}
