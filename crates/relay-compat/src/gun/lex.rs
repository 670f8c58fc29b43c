//! LEX: which souls and keys a get asks for.

use super::json::Json;
use super::record::{names_of, property_key, soul_prefix, soul_start};
use relay_core::documents::DocumentRange;

/// A condition on a soul or a key.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Lex {
    All,
    Exactly(String),
    Some(Bounds),
}

/// What text may be; ends are included. Text is ordered by its bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Bounds {
    prefix: String,
    from: Option<String>,
    to: Option<String>,
    /// From the end.
    reverse: bool,
}

/// A get.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Query {
    pub(super) soul: Lex,
    pub(super) key: Lex,
    /// Characters of values wanted at most; a value that is no text counts as nine.
    pub(super) limit: Option<f64>,
}

impl Lex {
    /// Text, or an object of conditions; `None` for anything else.
    pub(super) fn read(json: &Json) -> Option<Self> {
        let conditions = match json {
            Json::Text(text) => return Some(Self::Exactly(text.clone())),
            Json::Map(conditions) => conditions,
            _ => return None,
        };
        let mut bounds = Bounds::default();
        for (name, value) in conditions {
            match (name.as_str(), value) {
                ("=", Json::Text(text)) => return Some(Self::Exactly(text.clone())),
                ("*", Json::Text(text)) => bounds.prefix.clone_from(text),
                (">", Json::Text(text)) => bounds.from = Some(text.clone()),
                ("<", Json::Text(text)) => bounds.to = Some(text.clone()),
                ("-", value) => {
                    bounds.reverse = !matches!(value, Json::Null | Json::Bool(false)) && value.number() != Some(0.0)
                }
                ("=" | "*" | ">" | "<", _) => return None,
                _ => {}
            }
        }
        Some(if bounds == Bounds::default() { Self::All } else { Self::Some(bounds) })
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Self::All => true,
            Self::Exactly(exact) => text == exact,
            Self::Some(bounds) => {
                text.starts_with(&bounds.prefix)
                    && bounds.from.as_ref().is_none_or(|from| text >= from.as_str())
                    && bounds.to.as_ref().is_none_or(|to| text <= to.as_str())
            }
        }
    }
}

impl Query {
    /// Where in the documents the answer lies, and nothing before it.
    pub(super) fn range(&self) -> DocumentRange {
        let Lex::Exactly(soul) = &self.soul else {
            let Lex::Some(bounds) = &self.soul else { return DocumentRange::all() };
            return bounds.range(Vec::new(), soul_start, soul_prefix);
        };
        match &self.key {
            Lex::All => DocumentRange::prefix(soul_prefix(soul)),
            Lex::Exactly(key) => {
                let key = property_key(soul, key);
                DocumentRange::between(key.clone(), Some([&key[..], &[0]].concat().into()))
            }
            Lex::Some(bounds) => {
                let bytes = |text: &str| text.as_bytes().to_vec();
                bounds.range(soul_prefix(soul), bytes, bytes)
            }
        }
    }

    /// Whether a property belongs to the answer.
    pub(super) fn matches(&self, key: &[u8]) -> bool {
        names_of(key).is_some_and(|(soul, name)| self.soul.matches(&soul) && self.key.matches(name))
    }
}

impl Bounds {
    /// Keys from the lower end on, up to what begins with the upper one.
    fn range(&self, under: Vec<u8>, start: impl Fn(&str) -> Vec<u8>, whole: impl Fn(&str) -> Vec<u8>) -> DocumentRange {
        let with = |end: Vec<u8>| [&under[..], &end].concat();
        let mut range = DocumentRange::prefix(with(start(&self.prefix)));
        if let Some(from) = &self.from {
            range.from = range.from.max(with(start(from)).into());
        }
        if let Some(to) = &self.to {
            let beyond = DocumentRange::prefix(with(whole(to))).to;
            range.to = match (range.to, beyond) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
        if self.reverse { range.reversed() } else { range }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gun::json;
    use proptest::prelude::*;

    fn lex(text: &str) -> Option<Lex> {
        Lex::read(&json::read(text).unwrap())
    }

    #[test]
    fn conditions_are_read() {
        assert_eq!(lex("\"a\""), Some(Lex::Exactly("a".into())));
        assert_eq!(lex(r#"{"=":"a"}"#), Some(Lex::Exactly("a".into())));
        assert_eq!(lex("{}"), Some(Lex::All));
        for wrong in ["1", "null", "[]", r#"{"*":1}"#, r#"{"=":null}"#] {
            assert_eq!(lex(wrong), None, "{wrong}");
        }
    }

    fn bounds() -> impl Strategy<Value = Lex> {
        let text = || "[ab]{0,2}";
        let some = (text(), prop::option::of(text()), prop::option::of(text()), any::<bool>())
            .prop_map(|(prefix, from, to, reverse)| Lex::Some(Bounds { prefix, from, to, reverse }));
        prop_oneof![Just(Lex::All), text().prop_map(Lex::Exactly), some]
    }

    proptest! {
        #[test]
        fn the_range_holds_everything_that_matches(soul in bounds(), key in bounds(), a in "[ab]{0,3}", b in "[ab]{0,3}") {
            let query = Query { soul, key, limit: None };
            let (stored, range) = (property_key(&a, &b), query.range());
            let is_in = range.from <= stored && range.to.is_none_or(|to| stored < to);
            prop_assert!(is_in || !query.matches(&stored), "{:?} {} {}", query, a, b);
            if matches!((&query.soul, &query.key), (Lex::Exactly(_), Lex::All | Lex::Exactly(_))) {
                prop_assert_eq!(is_in, query.matches(&stored), "and nothing else where it is exact");
            }
        }
    }
}
