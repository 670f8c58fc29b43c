//! HPKE (RFC 9180) sealing in base mode with a fixed ephemeral key: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and an AEAD
//! whose id and key length are given. Only what vectors need: a real client uses a fresh ephemeral key.

use curve25519_dalek::MontgomeryPoint;
use hkdf::Hkdf;
use sha2::Sha256;

const KEM_SUITE: &[u8] = b"KEM\x00\x20";

/// What the AEAD of the suite is: its id and the length of its key.
#[derive(Clone, Copy)]
pub(crate) struct Suite {
    pub(crate) aead_id: u16,
    pub(crate) key_bytes: usize,
}

impl Suite {
    pub(crate) const AES_256_GCM: Self = Self { aead_id: 2, key_bytes: 32 };

    fn id(self) -> Vec<u8> {
        [b"HPKE\x00\x20\x00\x01".as_slice(), &self.aead_id.to_be_bytes()].concat()
    }

    /// Key and base nonce of a context in base mode.
    pub(crate) fn key_schedule(self, shared_secret: &[u8], info: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let id = self.id();
        let psk_id_hash = labeled_extract(&[], &id, b"psk_id_hash", &[]);
        let info_hash = labeled_extract(&[], &id, b"info_hash", info);
        let context = [&[0][..], &psk_id_hash, &info_hash].concat();
        let secret = labeled_extract(shared_secret, &id, b"secret", &[]);
        let key = labeled_expand(&secret, &id, b"key", &context, self.key_bytes);
        let base_nonce = labeled_expand(&secret, &id, b"base_nonce", &context, 12);
        (key, base_nonce)
    }
}

/// The public key of an X25519 secret.
pub(crate) fn public(secret: &[u8; 32]) -> [u8; 32] {
    MontgomeryPoint::mul_base_clamped(*secret).to_bytes()
}

/// Encapsulation with the ephemeral secret given: `enc` and the shared secret.
pub(crate) fn encap(ephemeral: &[u8; 32], recipient: &[u8; 32]) -> ([u8; 32], Vec<u8>) {
    let enc = public(ephemeral);
    let dh = MontgomeryPoint(*recipient).mul_clamped(*ephemeral).to_bytes();
    let prk = labeled_extract(&[], KEM_SUITE, b"eae_prk", &dh);
    let context = [enc.as_slice(), recipient].concat();
    (enc, labeled_expand(&prk, KEM_SUITE, b"shared_secret", &context, 32))
}

fn labeled_extract(salt: &[u8], suite: &[u8], label: &[u8], ikm: &[u8]) -> Vec<u8> {
    let text = [b"HPKE-v1".as_slice(), suite, label, ikm].concat();
    Hkdf::<Sha256>::extract(Some(salt), &text).0.to_vec()
}

fn labeled_expand(prk: &[u8], suite: &[u8], label: &[u8], info: &[u8], bytes: usize) -> Vec<u8> {
    let length = u16::try_from(bytes).expect("a short key").to_be_bytes();
    let text = [length.as_slice(), b"HPKE-v1", suite, label, info].concat();
    let mut okm = vec![0; bytes];
    Hkdf::<Sha256>::from_prk(prk).expect("a PRK of full length").expand(&text, &mut okm).expect("a short key");
    okm
}
