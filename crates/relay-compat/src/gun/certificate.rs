//! Certificates: the owner of a graph lets others write in a part of it.

use super::block::Block;
use super::json::{self, Json, text_order};
use super::message::Property;
use super::sea::is_signed;

const FAILED: &str = "Certificate verification fail.";
const EXPIRED: &str = "Certificate expired.";

/// Whether a certificate of `owner` lets `writer` write a property; and the list in which the writer must not be, if it names one.
pub(super) fn check(
    certificate: Option<&Json>,
    owner: &str,
    writer: &str,
    soul: &str,
    property: &Property,
) -> Result<Option<Block>, &'static str> {
    let terms = certificate.and_then(|certificate| terms_of(certificate, owner)).ok_or(FAILED)?;
    if let Some(expiry) = terms.get("e") {
        let expiry = expiry.number().or_else(|| expiry.text()?.parse().ok()).ok_or(FAILED)?;
        if property.state > expiry {
            return Err(EXPIRED);
        }
    }
    let path = soul.split_once('/').map_or("", |(_, path)| path);
    let place = Place { path, key: &property.name, writer };
    let is_allowed = names(terms.get("c"), writer) && terms.get("w").is_some_and(|patterns| place.is_in(patterns));
    is_allowed.then_some(()).ok_or(FAILED)?;
    Ok(terms.get("wb").and_then(|named| Block::read(named, owner, writer)))
}

/// What the owner signed.
fn terms_of(certificate: &Json, owner: &str) -> Option<Json> {
    let (message, signature) = (certificate.get("m")?, certificate.get("s")?.text()?);
    let text = message.text().map_or_else(|| message.to_string(), str::to_owned);
    is_signed(&text, signature, owner).then(|| json::read(&text))?
}

/// Whether those who may write include somebody.
fn names(who: Option<&Json>, writer: &str) -> bool {
    match who {
        Some(Json::Text(who)) => who == "*" || who == writer,
        Some(Json::List(list)) => list.iter().any(|who| names(Some(who), writer)),
        _ => false,
    }
}

struct Place<'a> {
    path: &'a str,
    key: &'a str,
    writer: &'a str,
}

impl Place<'_> {
    /// Whether one of the patterns allows it; the first that fits decides.
    fn is_in(&self, patterns: &Json) -> bool {
        let one = std::slice::from_ref(patterns);
        let patterns = if let Json::List(list) = patterns { list.as_slice() } else { one };
        patterns.iter().find(|pattern| self.fits(pattern)).is_some_and(|pattern| self.names_its_writer(pattern))
    }

    fn fits(&self, pattern: &Json) -> bool {
        let (of_path, of_key) = (pattern.get("#"), pattern.get("."));
        let path_fits = of_path.is_none_or(|lex| matches(self.path, lex));
        let key_fits = of_key.is_none_or(|lex| matches(self.key, lex));
        if (of_path.is_some() || of_key.is_some()) && path_fits && key_fits {
            return true;
        }
        // Without a part for the key the pattern is one for both together.
        let whole = if self.path.is_empty() { self.key.to_owned() } else { [self.path, "/", self.key].concat() };
        of_key.is_none() && matches(&whole, of_path.unwrap_or(pattern))
    }

    /// Where a pattern wants it, path or key say who writes.
    fn names_its_writer(&self, pattern: &Json) -> bool {
        let wants = pattern.get("+").and_then(Json::text).is_some_and(|must| must.contains('*'));
        !wants || self.path.contains(self.writer) || self.key.contains(self.writer)
    }
}

/// Whether text fits a pattern: text is itself; of an object's conditions the first of `=`, `*` and the range counts.
fn matches(text: &str, lex: &Json) -> bool {
    if let Json::Text(exact) = lex {
        return text == exact;
    }
    let condition = |name: &str| lex.get(name).and_then(Json::text);
    if lex.get("=").is_some() {
        return condition("=") == Some(text);
    }
    if lex.get("*").is_some() {
        return condition("*").is_some_and(|prefix| text.starts_with(prefix));
    }
    let (from, to) = (condition(">"), condition("<"));
    (from.is_some() || to.is_some())
        && from.is_none_or(|from| text_order(text, from).is_ge())
        && to.is_none_or(|to| text_order(text, to).is_le())
}

#[cfg(test)]
mod tests {
    use super::super::sea::tests::User;
    use super::*;

    struct Scene {
        owner: User,
        writer: User,
    }

    impl Scene {
        fn new() -> Self {
            Self { owner: User::new(), writer: User::new() }
        }

        fn certificate(&self, by: &User, terms: &str) -> Json {
            let terms = terms.replace("WRITER", &self.writer.public());
            json::read(&format!(r#"{{"m":{terms},"s":"{}"}}"#, by.sign(&terms))).unwrap()
        }

        fn check(&self, terms: &str, path: &str, key: &str, state: f64) -> Result<(), &'static str> {
            let certificate = self.certificate(&self.owner, terms);
            let soul = format!("~{}{path}", self.owner.public());
            let key = key.replace("WRITER", &self.writer.public());
            let property = Property { name: key, state, value: String::new() };
            check(Some(&certificate), &self.owner.public(), &self.writer.public(), &soul, &property).map(drop)
        }
    }

    #[test]
    fn who_is_named_writes_where_a_pattern_allows_until_it_expires() {
        let scene = Scene::new();
        for (terms, path, key) in [
            (r#"{"c":"*","w":"inbox/a"}"#, "/inbox", "a"),
            (r#"{"c":"WRITER","w":{"*":"inbox"}}"#, "/inbox/deep", "a"),
            (r##"{"c":["x","WRITER"],"w":[{"#":"other"},{"#":{"*":"in"}}]}"##, "/inbox", "a"),
            (r##"{"c":"*","w":{"#":"inbox",".":{"*":"a"}}}"##, "/inbox", "abc"),
            (r#"{"c":"*","w":{".":"a"}}"#, "/anywhere", "a"),
            (r#"{"c":"*","w":{"*":"inbox","+":"*"}}"#, "/inbox", "WRITER"),
            (r#"{"c":"*","e":17,"w":{">":"i","<":"j"}}"#, "/inbox", "a"),
        ] {
            assert_eq!(scene.check(terms, path, key, 17.0), Ok(()), "{terms}");
        }
        assert_eq!(scene.check(r#"{"c":"*","e":16,"w":{"*":"inbox"}}"#, "/inbox", "a", 17.0), Err(EXPIRED));
        for (terms, path, key) in [
            (r#"{"c":"other","w":{"*":"inbox"}}"#, "/inbox", "a"),
            (r#"{"c":"*","w":{"*":"inbox"}}"#, "/outbox", "a"),
            (r##"{"c":"*","w":{"#":"inbox",".":"b"}}"##, "/inbox", "a"),
            (r#"{"c":"*","w":{"*":"inbox","+":"*"}}"#, "/inbox", "a"),
            (r#"{"c":"*","w":{}}"#, "/inbox", "a"),
            (r#"{"c":"*"}"#, "/inbox", "a"),
            (r#"{"c":"*","e":"soon","w":{"*":"inbox"}}"#, "/inbox", "a"),
        ] {
            assert_eq!(scene.check(terms, path, key, 17.0), Err(FAILED), "{terms}");
        }
    }

    #[test]
    fn only_the_owner_gives_leave() {
        let scene = Scene::new();
        let (owner, writer) = (scene.owner.public(), scene.writer.public());
        let property = Property { name: "a".into(), state: 1.0, value: String::new() };
        let soul = format!("~{owner}/inbox");
        let terms = r#"{"c":"*","w":{"*":"inbox"}}"#;
        let by = |user: &User| check(Some(&scene.certificate(user, terms)), &owner, &writer, &soul, &property);
        assert_eq!((by(&scene.owner), by(&scene.writer)), (Ok(None), Err(FAILED)));
        assert_eq!(check(None, &owner, &writer, &soul, &property), Err(FAILED));
    }
}
