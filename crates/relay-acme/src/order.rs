//! One certificate from the order to the file.

use crate::challenge::{Challenges, Shown};
use crate::error::AcmeError;
use crate::folder::Folder;
use crate::{AcmeConfig, Issued, account};
use instant_acme::{AuthorizationStatus, ChallengeType, Error, Identifier, NewOrder, Order, OrderStatus, RetryPolicy};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// From the first request to the certificate.
const OBTAIN_TIMEOUT: Duration = Duration::from_secs(180);
/// How long the authority may take to check all domains, and then to issue.
const STEP_TIMEOUT: Duration = Duration::from_secs(80);
/// Pause before the first look at how far it is.
const LOOK_FIRST: Duration = Duration::from_millis(500);

/// Obtains a certificate and keeps it in `folder`.
///
/// # Errors
/// [`AcmeError`]; then nothing changed, except that an account may have been made.
pub async fn obtain(
    config: &AcmeConfig,
    folder: &Folder,
    challenges: Arc<dyn Challenges>,
) -> Result<Issued, AcmeError> {
    let issued = timeout(OBTAIN_TIMEOUT, ask(config, folder, challenges)).await.map_err(|_| AcmeError::TimedOut)??;
    folder.keep_certificate(&issued, &config.domains)?;
    Ok(issued)
}

async fn ask(config: &AcmeConfig, folder: &Folder, challenges: Arc<dyn Challenges>) -> Result<Issued, AcmeError> {
    let account = account::open(config, folder).await?;
    let identifiers: Vec<_> = config.domains.iter().map(|domain| Identifier::Dns(domain.clone())).collect();
    let mut order = account.new_order(&NewOrder::new(&identifiers)).await.map_err(AcmeError::of_authority)?;
    let shown = show_all(&mut order, challenges).await?;
    let looks = RetryPolicy::new().initial_delay(LOOK_FIRST).timeout(STEP_TIMEOUT);
    let checked = order.poll_ready(&looks).await;
    drop(shown);
    match checked {
        Ok(OrderStatus::Ready) => {}
        Ok(_) => return Err(AcmeError::CheckFailed(why(&mut order).await)),
        Err(Error::Api(_)) => return Err(AcmeError::CheckFailed(why(&mut order).await)),
        Err(error) => return Err(AcmeError::of_authority(error)),
    }
    let (key, request) = request(&config.domains)?;
    order.finalize_csr(&request).await.map_err(AcmeError::of_authority)?;
    let chain = order.poll_certificate(&looks).await.map_err(AcmeError::of_authority)?;
    Ok(Issued { chain, key })
}

/// Shows what the authority wants to see of every domain that it has not checked, and tells it to look.
async fn show_all(order: &mut Order, challenges: Arc<dyn Challenges>) -> Result<Shown, AcmeError> {
    let mut shown = Shown::new(challenges);
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization.map_err(AcmeError::of_authority)?;
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let domain = authorization.identifier().to_string();
        let Some(mut challenge) = authorization.challenge(ChallengeType::TlsAlpn01) else {
            return Err(AcmeError::NoTlsCheck { domain });
        };
        shown.show(&domain, challenge.key_authorization().digest().as_ref())?;
        challenge.set_ready().await.map_err(AcmeError::of_authority)?;
    }
    Ok(shown)
}

/// What the authority says about the check that failed.
async fn why(order: &mut Order) -> String {
    let mut authorizations = order.authorizations();
    while let Some(Ok(authorization)) = authorizations.next().await {
        let problem = authorization.challenges.iter().find_map(|challenge| challenge.error.as_ref());
        if let Some(problem) = problem {
            return format!("{}: {problem}", authorization.identifier());
        }
    }
    "it does not say why".to_owned()
}

/// A new key (PEM), and the request (DER) for a certificate of it.
fn request(domains: &[String]) -> Result<(String, Vec<u8>), AcmeError> {
    let failed = |error: rcgen::Error| AcmeError::Key(error.to_string());
    let key = KeyPair::generate().map_err(failed)?;
    let mut params = CertificateParams::new(domains.to_vec()).map_err(failed)?;
    params.distinguished_name = DistinguishedName::new();
    let request = params.serialize_request(&key).map_err(failed)?;
    Ok((key.serialize_pem(), request.der().to_vec()))
}
