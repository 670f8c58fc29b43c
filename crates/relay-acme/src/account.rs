//! The account with the authority: made once, kept, found again.

use crate::AcmeConfig;
use crate::error::AcmeError;
use crate::folder::Folder;
use instant_acme::{Account, AccountBuilder, AccountCredentials, NewAccount};
use serde::{Deserialize, Serialize};

/// The account as it is kept. Another authority needs another account.
#[derive(Serialize, Deserialize)]
struct Kept {
    directory: String,
    credentials: AccountCredentials,
}

pub(crate) async fn open(config: &AcmeConfig, folder: &Folder) -> Result<Account, AcmeError> {
    if let Some(text) = folder.account()? {
        let kept: Kept =
            serde_json::from_str(&text).map_err(|_| AcmeError::BrokenAccount { path: folder.account_path() })?;
        if kept.directory == config.directory {
            return builder(config)?.from_credentials(kept.credentials).await.map_err(AcmeError::of_authority);
        }
    }
    let contact = config.email.as_ref().map(|email| format!("mailto:{email}"));
    let contact: Vec<_> = contact.iter().map(String::as_str).collect();
    let wanted = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
    let made = builder(config)?.create(&wanted, config.directory.clone(), None).await;
    let (account, credentials) = made.map_err(AcmeError::of_authority)?;
    let kept = Kept { directory: config.directory.clone(), credentials };
    let text = serde_json::to_string(&kept).map_err(|error| AcmeError::Key(error.to_string()))?;
    folder.keep_account(&text)?;
    Ok(account)
}

fn builder(config: &AcmeConfig) -> Result<AccountBuilder, AcmeError> {
    let built = match &config.ca {
        Some(path) => Account::builder_with_root(path),
        None => Account::builder(),
    };
    built.map_err(AcmeError::of_authority)
}
