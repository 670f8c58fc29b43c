//! What may be written where: the rules of stock peers with SEA, and what an operator wants beyond them.

use super::block::Block;
use super::certificate;
use super::json::{self, Json};
use super::message::{Node, Property, Said};
use super::sea;
use super::{BLOCKS_MAX, SIGNED_VALUES_MAX};

/// What an operator wants of writes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct WriteRules {
    /// Nothing outside of the graphs of users.
    pub(super) signed_only: bool,
    /// No value that can be read.
    pub(super) sealed_only: bool,
}

const TOO_MANY: &str = "Too many signed values in one message!";
/// Properties of an account that are open by their nature.
const ACCOUNT: [&str; 5] = ["pub", "alias", "epub", "auth", "pass"];

/// Values of a message whose signatures are verified before it is stored.
pub(super) fn signed_values(said: &Said) -> usize {
    let Said::Put { nodes, .. } = said else { return 0 };
    let signed = nodes.iter().filter(|node| sea::owner_of(&node.soul).is_some());
    signed.map(|node| node.properties.len()).sum()
}

/// What of a put may be stored: all of it but what is too old to be kept; otherwise why not.
/// With it come the lists in which its writers must not be.
pub(super) fn judge(nodes: Vec<Node>, rules: WriteRules, now_ms: u64) -> Result<Judged, &'static str> {
    let (mut kept, mut blocks) = (Vec::with_capacity(nodes.len()), Vec::new());
    let mut signatures_left = SIGNED_VALUES_MAX;
    for mut node in nodes {
        if let Some(seconds) = forgets_after(&node.soul) {
            let oldest = now_ms as f64 - seconds * 1000.0;
            node.properties.retain(|property| property.state >= oldest);
        }
        let place = Place::of(&node.soul);
        for property in &node.properties {
            if let Some(block) = place.check(&node.soul, property, &mut signatures_left)?
                && !blocks.contains(&block)
            {
                (blocks.len() < BLOCKS_MAX).then_some(()).ok_or(TOO_MANY)?;
                blocks.push(block);
            }
            if rules.sealed_only && !place.is_sealed(&node.soul, property) {
                return Err("This relay keeps encrypted values only!");
            }
        }
        if rules.signed_only && matches!(place, Place::Public | Place::Hashes) {
            return Err("This relay keeps signed values only!");
        }
        kept.push(node);
    }
    Ok((kept, blocks))
}

type Judged = (Vec<Node>, Vec<Block>);

/// Seconds after which a soul forgets, when its name says so.
fn forgets_after(soul: &str) -> Option<f64> {
    let (_, rest) = soul.split_once("<?")?;
    let end = rest.find(|char: char| !(char.is_ascii_digit() || char == '.')).unwrap_or(rest.len());
    rest.get(..end)?.parse::<f64>().ok().filter(|seconds| *seconds > 0.0)
}

/// The part of the graph that a soul is in.
enum Place {
    /// All aliases.
    Aliases,
    /// Those who have an alias.
    Alias,
    /// A user's own.
    User(String),
    /// Values named by their hashes.
    Hashes,
    Public,
}

impl Place {
    fn of(soul: &str) -> Self {
        if soul == "~@" {
            return Self::Aliases;
        }
        if soul.starts_with("~@") {
            return Self::Alias;
        }
        if let Some(owner) = sea::owner_of(soul) {
            return Self::User(owner);
        }
        if soul.contains('#') { Self::Hashes } else { Self::Public }
    }

    fn check(
        &self,
        soul: &str,
        property: &Property,
        signatures_left: &mut usize,
    ) -> Result<Option<Block>, &'static str> {
        let link = property.link();
        match self {
            Self::Aliases => {
                let is_same = link.is_some_and(|link| link.strip_prefix("~@") == Some(&property.name));
                is_same.then_some(None).ok_or("Alias not same!")
            }
            Self::Alias => (link.as_ref() == Some(&property.name)).then_some(None).ok_or("Alias not same!"),
            Self::User(owner) if property.name == "pub" && soul.strip_prefix('~') == Some(owner) => {
                let is_same = json::read(&property.value) == Some(Json::Text(owner.clone()));
                is_same.then_some(None).ok_or("Account not same!")
            }
            Self::User(owner) => {
                *signatures_left = signatures_left.checked_sub(1).ok_or(TOO_MANY)?;
                let signed = sea::signed(&property.value).ok_or("Unverified data.")?;
                let writer = signed.writer.as_deref().unwrap_or(owner);
                if !signed.is_by(writer, soul, property) {
                    return Err("Unverified data.");
                }
                // What somebody else signed is not the owner's word, unless the owner gave leave.
                if writer == owner {
                    return Ok(None);
                }
                *signatures_left = signatures_left.checked_sub(1).ok_or(TOO_MANY)?;
                certificate::check(signed.certificate.as_ref(), owner, writer, soul, property)
            }
            Self::Hashes => {
                sea::is_hash_of(&property.name, &property.value).then_some(None).ok_or("Data hash not same as hash!")
            }
            Self::Public => Ok(None),
        }
    }

    fn is_sealed(&self, soul: &str, property: &Property) -> bool {
        match self {
            Self::Aliases | Self::Alias => true,
            Self::User(owner) if soul.strip_prefix('~') == Some(owner) && ACCOUNT.contains(&property.name.as_str()) => {
                true
            }
            Self::User(_) => sea::signed(&property.value).is_some_and(|signed| sea::is_sealed(&signed.value)),
            _ => json::read(&property.value).is_some_and(|value| sea::is_sealed(&value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sea::tests::User;
    use super::*;

    fn judged(soul: &str, name: &str, value: &str, rules: WriteRules) -> Result<usize, &'static str> {
        let property = Property { name: name.to_owned(), state: 17.0, value: value.to_owned() };
        let node = Node { soul: soul.into(), properties: vec![property] };
        judge(vec![node], rules, 20_000).map(|(nodes, _)| nodes.iter().map(|node| node.properties.len()).sum())
    }

    fn stock(soul: &str, name: &str, value: &str) -> Result<usize, &'static str> {
        judged(soul, name, value, WriteRules::default())
    }

    #[test]
    fn a_users_graph_takes_the_users_word_alone() {
        let (user, thief) = (User::new(), User::new());
        let (root, owner) = (format!("~{}", user.public()), user.public());
        assert_eq!(stock(&root, "pub", &format!("\"{owner}\"")), Ok(1));
        assert_eq!(stock(&root, "pub", "\"other\""), Err("Account not same!"));
        assert_eq!(stock(&root, "name", &user.value(&root, "name", 17, "\"x\"", "")), Ok(1));
        let own = format!(r#","*":"{owner}""#);
        assert_eq!(stock(&root, "name", &user.value(&root, "name", 17, "\"x\"", &own)), Ok(1));
        for unverified in ["\"x\"", "1", "null", &thief.value(&root, "name", 17, "\"x\"", "")] {
            assert_eq!(stock(&root, "name", unverified), Err("Unverified data."), "{unverified}");
        }
    }

    #[test]
    fn a_value_that_names_its_foreign_signer_is_refused() {
        let (user, thief) = (User::new(), User::new());
        let soul = format!("~{}/notes", user.public());
        let named = format!(r#","*":"{}""#, thief.public());
        let stolen = thief.value(&soul, "a", 17, "\"x\"", &named);
        assert!(
            sea::signed(&stolen).unwrap().is_by(
                &thief.public(),
                &soul,
                &Property { name: "a".into(), state: 17.0, value: stolen.clone() }
            ),
            "it is signed"
        );
        assert_eq!(stock(&soul, "a", &stolen), Err("Certificate verification fail."));
        let terms = r#"{"c":"*","w":{"*":"notes"}}"#;
        let leave = |by: &User| format!(r#"{named},"+":{{"m":{terms},"s":"{}"}}"#, by.sign(terms));
        assert_eq!(
            stock(&soul, "a", &thief.value(&soul, "a", 17, "\"x\"", &leave(&user))),
            Ok(1),
            "the owner gave leave"
        );
        let own_leave = thief.value(&soul, "a", 17, "\"x\"", &leave(&thief));
        assert_eq!(stock(&soul, "a", &own_leave), Err("Certificate verification fail."));
        let odd = user.value(&soul, "a", 17, "\"x\"", r#","*":1"#);
        assert_eq!(stock(&soul, "a", &odd), Err("Unverified data."));
    }

    #[test]
    fn aliases_are_links_to_what_they_say() {
        assert_eq!(stock("~@", "alice", r##"{"#":"~@alice"}"##), Ok(1));
        assert_eq!(stock("~@alice", "~p.q", r##"{"#":"~p.q"}"##), Ok(1));
        for (soul, value) in
            [("~@", r##"{"#":"~@bob"}"##), ("~@", "1"), ("~@alice", r##"{"#":"~r.s"}"##), ("~@alice", "null")]
        {
            assert_eq!(stock(soul, "alice", value), Err("Alias not same!"), "{soul} {value}");
        }
    }

    #[test]
    fn hashed_souls_take_what_has_the_hash_and_forgetting_ones_what_is_new() {
        assert_eq!(stock("#", "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", "\"hello\""), Ok(1));
        assert_eq!(
            stock("#", "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", "\"other\""),
            Err("Data hash not same as hash!")
        );
        assert_eq!(stock("feed<?5", "a", "1"), Ok(0));
        assert_eq!(stock("feed<?30", "a", "1"), Ok(1));
        assert_eq!(stock("feed<?", "a", "1"), Ok(1));
    }

    #[test]
    fn an_operator_may_want_signed_or_sealed_values_only() {
        let user = User::new();
        let (root, soul) = (format!("~{}", user.public()), format!("~{}/notes", user.public()));
        let signed_only = WriteRules { signed_only: true, sealed_only: false };
        assert!(judged("room", "a", "1", signed_only).is_err());
        assert_eq!(judged(&soul, "a", &user.value(&soul, "a", 17, "1", ""), signed_only), Ok(1));
        let sealed_only = WriteRules { signed_only: false, sealed_only: true };
        let sealed = r#""SEA{\"ct\":\"AQID\",\"iv\":\"AQID\",\"s\":\"AQID\"}""#;
        assert_eq!(judged("room", "a", sealed, sealed_only), Ok(1));
        assert!(judged("room", "a", "\"open\"", sealed_only).is_err());
        assert_eq!(judged(&soul, "a", &user.value(&soul, "a", 17, sealed, ""), sealed_only), Ok(1));
        assert!(judged(&soul, "a", &user.value(&soul, "a", 17, "\"open\"", ""), sealed_only).is_err());
        assert_eq!(judged(&root, "alias", &user.value(&root, "alias", 17, "\"alice\"", ""), sealed_only), Ok(1));
    }

    #[test]
    fn no_message_costs_more_than_so_many_signatures() {
        let owner = User::new().public();
        let property = Property { name: "a".into(), state: 1.0, value: "1".into() };
        let mut left = 0;
        let place = Place::User(owner.clone());
        assert_eq!(
            place.check(&format!("~{owner}"), &property, &mut left),
            Err("Too many signed values in one message!")
        );
    }
}
