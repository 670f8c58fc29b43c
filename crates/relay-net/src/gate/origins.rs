//! Pages of which origins may read answers (Fetch standard, "CORS protocol"). Whoever makes an answer that pages may read allows
//! every origin; where the operator listed some, that is narrowed here, for all answers alike.

use crate::limits::ORIGINS_MAX;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, HeaderMap, HeaderName, HeaderValue, ORIGIN, VARY};

/// Origins whose pages may use what the relay serves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// All of them.
    #[default]
    Any,
    /// These, as browsers write them.
    Listed(Vec<HeaderValue>),
}

impl AllowedOrigins {
    /// Origins as text (`https://app.example`); none stands for all. `Err` with what is none, or with the first one too many.
    ///
    /// # Errors
    /// The text that cannot be an origin.
    pub fn parse<'a>(origins: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let mut listed = Vec::new();
        for text in origins {
            match HeaderValue::from_str(text).ok().filter(|_| text.contains("://") && listed.len() < ORIGINS_MAX) {
                Some(origin) => listed.push(origin),
                None => return Err(text.to_owned()),
            }
        }
        Ok(if listed.is_empty() { Self::Any } else { Self::Listed(listed) })
    }

    /// Whether answers differ by who asks.
    pub(crate) const fn are_listed(&self) -> bool {
        matches!(self, Self::Listed(_))
    }

    /// The page that asks, if that matters.
    pub(crate) fn asking(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        headers.get(ORIGIN).filter(|_| self.are_listed()).cloned()
    }

    /// Narrows an answer that pages of every origin may read to those that are listed.
    pub(crate) fn narrow(&self, headers: &mut HeaderMap, asking: Option<HeaderValue>) {
        let Self::Listed(listed) = self else { return };
        if !headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
            return;
        }
        headers.append(VARY, HeaderValue::from_static("origin"));
        if let Some(origin) = asking.filter(|origin| listed.contains(origin)) {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            return;
        }
        let names = headers.keys().filter(|name| name.as_str().starts_with("access-control-"));
        for name in names.cloned().collect::<Vec<HeaderName>>() {
            headers.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_a_list_of_bounded_length() {
        assert_eq!(AllowedOrigins::parse([]), Ok(AllowedOrigins::Any));
        let two = AllowedOrigins::parse(["https://a.test", "capacitor://localhost"]).unwrap();
        assert!(matches!(two, AllowedOrigins::Listed(listed) if listed.len() == 2));
        for text in ["*", "", "a.test", "https://a\n.test"] {
            assert_eq!(AllowedOrigins::parse(["https://a.test", text]), Err(text.to_owned()));
        }
        assert!(AllowedOrigins::parse(vec!["https://a.test"; ORIGINS_MAX + 1]).is_err());
    }
}
