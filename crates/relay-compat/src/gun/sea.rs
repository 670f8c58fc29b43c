//! SEA: signed values in the graphs of users. The relay checks signatures as peers do; it needs no keys of anybody.

use super::json::{self, Json, write_text};
use super::message::Property;
use super::number::write_number;
use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use sha2::{Digest, Sha256};

/// Bytes of one coordinate of a public key.
const COORDINATE_BYTES: usize = 32;
/// Bytes of a signature.
const SIGNATURE_BYTES: usize = 64;
/// How an encrypted value begins.
const SEALED: &str = "SEA{";

/// Whose graph a soul is in: what stands behind its first tilde, when that is two names with a dot between.
pub(super) fn owner_of(soul: &str) -> Option<String> {
    let mut parts =
        soul.split('~').nth(1)?.split(|char: char| !(char.is_ascii_alphanumeric() || char == '_' || char == '-'));
    let (x, y) = (parts.next()?, parts.next()?);
    (!soul.split('~').nth(1)?.starts_with('@')).then(|| format!("{x}.{y}"))
}

/// A value with its signature.
pub(super) struct Signed {
    pub(super) value: Json,
    signature: String,
    /// Who signed, when that is not the owner of the graph.
    pub(super) writer: Option<String>,
    /// What lets that one write.
    pub(super) certificate: Option<Json>,
}

/// The signed value in a JSON text; `None` when it is none.
pub(super) fn signed(text: &str) -> Option<Signed> {
    let Json::Text(inner) = json::read(text)? else { return None };
    let Json::Map(fields) = json::read(&inner)? else { return None };
    let [mut value, mut signature, mut writer, mut certificate] = [const { None }; 4];
    for (name, field) in fields {
        match name.as_str() {
            ":" => value = Some(field),
            "~" => signature = Some(field),
            "*" => writer = Some(field),
            "+" => certificate = Some(field),
            _ => {}
        }
    }
    let Json::Text(signature) = signature? else { return None };
    let writer = match writer {
        None => None,
        Some(Json::Text(writer)) => Some(writer),
        Some(_) => return None,
    };
    Some(Signed { value: value?, signature, writer, certificate })
}

impl Signed {
    /// Whether `public` signed this for that place and state.
    pub(super) fn is_by(&self, public: &str, soul: &str, property: &Property) -> bool {
        let mut text = String::from("{\"#\":");
        write_text(soul, &mut text);
        text.push_str(",\".\":");
        write_text(&property.name, &mut text);
        text.push_str(",\":\":");
        self.value.write(&mut text);
        text.push_str(",\">\":");
        write_number(property.state, &mut text);
        text.push('}');
        is_signed(&text, &self.signature, public)
    }
}

/// Whether a text is signed: ECDSA on P-256 over the hash of the hash.
pub(super) fn is_signed(text: &str, signature: &str, public: &str) -> bool {
    let (Some(key), Some(signature)) = (key_of(public), signature_of(signature)) else { return false };
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key).verify(&Sha256::digest(text), &signature).is_ok()
}

fn key_of(public: &str) -> Option<[u8; 1 + 2 * COORDINATE_BYTES]> {
    let (x, y) = public.split_once('.')?;
    let mut key = [4; 1 + 2 * COORDINATE_BYTES];
    let (_, coordinates) = key.split_first_mut()?;
    let (into_x, into_y) = coordinates.split_at_mut(COORDINATE_BYTES);
    for (text, into) in [(x, into_x), (y, into_y)] {
        let bytes = Base64UrlUnpadded::decode(text, into).ok()?.len();
        (bytes == COORDINATE_BYTES).then_some(())?;
    }
    Some(key)
}

fn signature_of(text: &str) -> Option<[u8; SIGNATURE_BYTES]> {
    let mut signature = [0; SIGNATURE_BYTES];
    let bytes = Base64::decode(text, &mut signature).ok()?.len();
    (bytes == SIGNATURE_BYTES).then_some(signature)
}

/// Whether a value tells nothing: encrypted text, a link, or nothing.
pub(super) fn is_sealed(value: &Json) -> bool {
    match value {
        Json::Null | Json::Map(_) => true,
        Json::Text(text) => {
            text.strip_prefix("SEA").filter(|_| text.starts_with(SEALED)).and_then(json::read).is_some_and(|sealed| {
                ["ct", "iv", "s"].iter().all(|part| {
                    sealed.get(part).and_then(Json::text).is_some_and(|text| Base64::decode_vec(text).is_ok())
                })
            })
        }
        _ => false,
    }
}

/// Whether the last part of a key is the hash of the value in it, in base64 or hex.
pub(super) fn is_hash_of(name: &str, value: &str) -> bool {
    let expected = name.rsplit('#').next().unwrap_or_default();
    let hash = match json::read(value) {
        Some(Json::Text(text)) => Sha256::digest(text),
        _ => Sha256::digest(value),
    };
    expected == Base64::encode_string(&hash) || expected.eq_ignore_ascii_case(&hex::encode(hash))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};

    /// Somebody who signs as SEA does.
    pub(in crate::gun) struct User(EcdsaKeyPair);

    impl User {
        pub(in crate::gun) fn new() -> Self {
            let random = SystemRandom::new();
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
            Self(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap())
        }

        pub(in crate::gun) fn public(&self) -> String {
            let [x, y] =
                [1..33, 33..65].map(|part| Base64UrlUnpadded::encode_string(&self.0.public_key().as_ref()[part]));
            format!("{x}.{y}")
        }

        pub(in crate::gun) fn sign(&self, text: &str) -> String {
            let signature = self.0.sign(&SystemRandom::new(), &Sha256::digest(text)).unwrap();
            Base64::encode_string(signature.as_ref())
        }

        /// A signed value as JSON text; `more` is what else is in it.
        pub(in crate::gun) fn value(&self, soul: &str, name: &str, state: u64, value: &str, more: &str) -> String {
            let signature = self.sign(&format!(r##"{{"#":"{soul}",".":"{name}",":":{value},">":{state}}}"##));
            Json::Text(format!(r#"{{":":{value},"~":"{signature}"{more}}}"#)).to_string()
        }
    }

    fn property(name: &str, state: u64, value: String) -> Property {
        Property { name: name.to_owned(), state: state as f64, value }
    }

    #[test]
    fn a_signature_holds_for_its_place_its_state_and_its_value_alone() {
        let (user, other) = (User::new(), User::new());
        let soul = format!("~{}/notes", user.public());
        let value = user.value(&soul, "a", 17, r#"{"b":1,"a":"x"}"#, "");
        let by = |public: &str, soul: &str, name: &str, state: u64, value: &str| {
            signed(value).is_some_and(|signed| signed.is_by(public, soul, &property(name, state, value.to_owned())))
        };
        assert!(by(&user.public(), &soul, "a", 17, &value));
        assert!(!by(&other.public(), &soul, "a", 17, &value));
        assert!(!by(&user.public(), "~other", "a", 17, &value));
        assert!(!by(&user.public(), &soul, "b", 17, &value));
        assert!(!by(&user.public(), &soul, "a", 18, &value));
        assert!(!by(&user.public(), &soul, "a", 17, &value.replace('x', "y")));
        assert!(!by("short.key", &soul, "a", 17, &value));
    }

    #[test]
    fn a_signature_over_a_single_hash_is_none() {
        let user = User::new();
        let signature = user.0.sign(&SystemRandom::new(), b"text").unwrap();
        assert!(!is_signed("text", &Base64::encode_string(signature.as_ref()), &user.public()));
        assert!(is_signed("text", &user.sign("text"), &user.public()));
    }

    #[test]
    fn owners_stand_behind_the_first_tilde() {
        for (soul, owner) in [
            ("~aB_-9.xY/notes", Some("aB_-9.xY")),
            ("room~a.b.c", Some("a.b")),
            ("room~a.b~c.d", Some("a.b")),
            ("~a/b", Some("a.b")),
            ("~@alice.b", None),
            ("~a", None),
            ("plain.soul", None),
        ] {
            assert_eq!(owner_of(soul).as_deref(), owner, "{soul}");
        }
    }

    #[test]
    fn sealed_is_what_tells_nothing() {
        let sealed = |text: &str| is_sealed(&json::read(text).unwrap());
        assert!(sealed(r#""SEA{\"ct\":\"AQID\",\"iv\":\"AQID\",\"s\":\"AQID\"}""#));
        assert!(sealed("null") && sealed(r##"{"#":"soul"}"##));
        for open in [r#""text""#, "1", "true", r#""SEA{}""#, r#""SEA{\"ct\":\"hello world\",\"iv\":\"\",\"s\":\"\"}""#]
        {
            assert!(!sealed(open), "{open}");
        }
    }

    #[test]
    fn content_is_named_by_its_hash() {
        assert!(is_hash_of("#LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", "\"hello\""));
        assert!(is_hash_of("x#2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", "\"hello\""));
        assert!(!is_hash_of("#LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", "\"hellp\""));
    }
}
