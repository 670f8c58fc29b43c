//! A certificate from an authority: asked for, kept, renewed in time.

use super::Counts;
use crate::config::RelayAcme;
use crate::environment::SystemEntropy;
use crate::events::EventQueue;
use crate::failure::Failure;
use relay_acme::{AcmeConfig, AcmeError, Challenges, DOMAINS_MAX, Folder, Issued, Retry, obtain, renewal_delay};
use relay_core::environment::Entropy;
use relay_net::tls::{Certificate, ServedCertificate};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// The folder in the data directory.
const FOLDER: &str = "acme";
/// The clock is looked at this often, so that a machine that slept does not miss the day.
const LOOK_MAX: Duration = Duration::from_secs(3600);

pub(super) struct Acme {
    config: AcmeConfig,
    folder: Folder,
    served: Arc<ServedCertificate>,
    counts: Arc<Counts>,
    /// The life of the certificate that is served.
    life: Mutex<Option<(SystemTime, SystemTime)>>,
}

impl Acme {
    pub(super) fn open(
        config: &RelayAcme,
        data_dir: &Path,
        served: Arc<ServedCertificate>,
        counts: Arc<Counts>,
    ) -> Result<Self, Failure> {
        if config.domains.is_empty() || config.domains.len() > DOMAINS_MAX {
            return Err(Failure::config(format!("acme.domains: from 1 to {DOMAINS_MAX} are possible")));
        }
        let config = AcmeConfig {
            directory: config.directory.clone(),
            domains: config.domains.clone(),
            email: config.email.clone(),
            ca: config.ca.as_ref().map(PathBuf::from),
        };
        let folder = Folder::new(data_dir.join(FOLDER));
        let acme = Self { config, folder, served, counts, life: Mutex::default() };
        let kept = acme.folder.certificate(&acme.config.domains).map_err(of_acme)?;
        // A kept one that is of no use any more is the same as none.
        if let Some(certificate) = kept.and_then(|kept| acme.certificate(&kept).ok()) {
            acme.put(certificate);
        }
        Ok(acme)
    }

    pub(super) fn name(&self) -> Option<String> {
        self.config.domains.first().cloned()
    }

    pub(super) async fn watch(&self, events: &EventQueue) {
        let mut retry = Retry::default();
        loop {
            self.until_due().await;
            match self.renew().await {
                Ok(()) => {
                    retry = Retry::default();
                    self.counts.changes.fetch_add(1, Ordering::Relaxed);
                    events.push("info", "acme_certificate_obtained", "a new certificate is served");
                }
                Err(failure) => {
                    self.counts.failures.fetch_add(1, Ordering::Relaxed);
                    let pause = retry.pause(chance());
                    let hint = failure.hint.unwrap_or_default();
                    let message = format!("{}; {hint} Next try in {} s.", failure.message, pause.as_secs());
                    events.push("error", "acme_failed", message);
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    /// Waits until the certificate is to be renewed; not at all without one.
    async fn until_due(&self) {
        let chance = chance();
        loop {
            let Some(life) = *self.life.lock().unwrap_or_else(PoisonError::into_inner) else { return };
            let left = renewal_delay(life, SystemTime::now(), chance);
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(LOOK_MAX)).await;
        }
    }

    async fn renew(&self) -> Result<(), Failure> {
        let shown = Arc::new(Shown(Arc::clone(&self.served)));
        let issued = obtain(&self.config, &self.folder, shown).await.map_err(of_acme)?;
        self.put(self.certificate(&issued)?);
        Ok(())
    }

    fn certificate(&self, issued: &Issued) -> Result<Certificate, Failure> {
        let origin = self.folder.certificate_path().display().to_string();
        let certificate = Certificate::from_pem((issued.chain.as_bytes(), &origin), (issued.key.as_bytes(), &origin));
        let certificate = certificate.map_err(relay_net::StartError::from)?;
        certificate.check_time(SystemTime::now(), &origin).map_err(relay_net::StartError::from)?;
        Ok(certificate)
    }

    fn put(&self, certificate: Certificate) {
        *self.life.lock().unwrap_or_else(PoisonError::into_inner) = Some(certificate.validity());
        self.served.set(certificate);
    }
}

struct Shown(Arc<ServedCertificate>);

impl Challenges for Shown {
    fn begin(&self, domain: &str, certificate: &Issued) -> bool {
        let certificate =
            Certificate::of_check((certificate.chain.as_bytes(), "a check"), (certificate.key.as_bytes(), "a check"));
        certificate.is_ok_and(|certificate| self.0.begin_challenge(domain, &certificate))
    }

    fn end(&self, domain: &str) {
        self.0.end_challenge(domain);
    }
}

fn of_acme(error: AcmeError) -> Failure {
    Failure::new("acme_failed", error.to_string()).temporary(true).with_hint(crate::failure::sentence(error.hint()))
}

/// Anything from 0 to 1.
fn chance() -> f64 {
    let mut bytes = [0; 4];
    SystemEntropy.fill(&mut bytes);
    f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
}
