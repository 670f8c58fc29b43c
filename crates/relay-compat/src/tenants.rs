//! Tenants that are named by a token: the token itself is kept nowhere.

use relay_core::documents::{Credential, DocumentError, DocumentStore, Keyspace, Tenant};
use relay_core::foreign::Recognised;
use sha2::{Digest, Sha256};

/// Longest token, in bytes; as long as one that founds a space.
pub(crate) const TOKEN_BYTES_MAX: usize = 4096;

/// How tokens name the tenants of one system.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Naming {
    /// Its number.
    pub(crate) system: u8,
    /// What makes a name of a token.
    pub(crate) domain: &'static [u8],
}

/// Why a token opens nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Nobody {
    TooLong,
    Because(DocumentError),
}

impl Naming {
    /// The documents of a tenant.
    pub(crate) const fn keyspace(self, tenant: Tenant) -> Keyspace {
        Keyspace { system: self.system, tenant }
    }

    /// The keyspace that is named after a token; `None` when that is too long.
    pub(crate) fn named(self, token: &[u8]) -> Option<Keyspace> {
        let hash = Sha256::new().chain_update(self.domain).chain_update(token).finalize();
        let mut tenant = Tenant::ONLY;
        tenant.0.iter_mut().zip(hash).for_each(|(byte, hashed)| *byte = hashed);
        (token.len() <= TOKEN_BYTES_MAX).then_some(self.keyspace(tenant))
    }

    /// Learns whose a token is, where tokens name somebody.
    pub(crate) fn recognise(self, documents: &dyn DocumentStore, token: Option<&[u8]>, known: Recognised) {
        match token.and_then(|token| Some((self.named(token)?, token))) {
            Some((named, token)) => documents.document_recognise(named, token, known),
            None => known(),
        }
    }

    /// The tenant that a token opens, and for which it vouches from now on.
    pub(crate) fn tenant(self, documents: &dyn DocumentStore, token: &[u8]) -> Result<Tenant, Nobody> {
        let named = self.named(token).ok_or(Nobody::TooLong)?;
        let tenant = documents.document_tenant(named).map_err(Nobody::Because)?;
        documents.document_present(self.keyspace(tenant), Credential::Token(token));
        Ok(tenant)
    }
}

#[cfg(test)]
mod tests {
    use super::{Naming, TOKEN_BYTES_MAX};

    #[test]
    fn tenants_differ_by_token_and_protocol() {
        let (a, b) = (Naming { system: 1, domain: b"a" }, Naming { system: 1, domain: b"b" });
        assert_eq!(a.named(b"t"), a.named(b"t"));
        assert_ne!(a.named(b"t"), a.named(b"u"));
        assert_ne!(a.named(b"t"), b.named(b"t"));
        assert!(a.named(&[0; TOKEN_BYTES_MAX]).is_some());
        assert!(a.named(&[0; TOKEN_BYTES_MAX + 1]).is_none());
    }
}
