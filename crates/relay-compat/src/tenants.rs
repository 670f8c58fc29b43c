//! Tenants that are named by a token: the token itself is kept nowhere.

use relay_core::documents::Tenant;
use sha2::{Digest, Sha256};

/// Longest token, in bytes.
pub(crate) const TOKEN_BYTES_MAX: usize = 1024;

/// The tenant of a token in the domain of one protocol; `None` when the token is too long.
pub(crate) fn tenant_of(domain: &[u8], token: &[u8]) -> Option<Tenant> {
    let hash = Sha256::new().chain_update(domain).chain_update(token).finalize();
    let mut tenant = Tenant::ONLY;
    tenant.0.iter_mut().zip(hash).for_each(|(byte, hashed)| *byte = hashed);
    (token.len() <= TOKEN_BYTES_MAX).then_some(tenant)
}

#[cfg(test)]
mod tests {
    use super::{TOKEN_BYTES_MAX, tenant_of};

    #[test]
    fn tenants_differ_by_token_and_protocol() {
        assert_eq!(tenant_of(b"a", b"t"), tenant_of(b"a", b"t"));
        assert_ne!(tenant_of(b"a", b"t"), tenant_of(b"a", b"u"));
        assert_ne!(tenant_of(b"a", b"t"), tenant_of(b"b", b"t"));
        assert!(tenant_of(b"a", &[0; TOKEN_BYTES_MAX]).is_some());
        assert!(tenant_of(b"a", &[0; TOKEN_BYTES_MAX + 1]).is_none());
    }
}
