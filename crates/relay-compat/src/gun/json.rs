//! JSON as JavaScript reads and writes it: numbers read exactly, keys in the order of JavaScript's objects, strings escaped as
//! `JSON.stringify` does. Signatures and conflict resolution depend on every byte of it.

use super::number::write_number;
use super::{MESSAGE_DEPTH_MAX, MESSAGE_VALUES_MAX};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt::Write;

/// A value. Keys of a map are unique.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Json>),
    Map(Vec<(String, Json)>),
}

impl Json {
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The value of a key; looks at all keys.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(map) => map.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    pub(super) fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(bool) => out.push_str(if *bool { "true" } else { "false" }),
            Self::Number(number) => write_number(*number, out),
            Self::Text(text) => write_text(text, out),
            Self::List(list) => {
                out.push('[');
                for (at, value) in list.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    value.write(out);
                }
                out.push(']');
            }
            Self::Map(map) => {
                out.push('{');
                for (at, (key, value)) in map.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    write_text(key, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

impl std::fmt::Display for Json {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = String::new();
        self.write(&mut out);
        f.write_str(&out)
    }
}

/// Appends a string in quotes.
pub(super) fn write_text(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    while let Some(plain) = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)) {
        let (before, special) = rest.split_at(plain);
        out.push_str(before);
        let (escaped, after) = special.split_at(1);
        match escaped {
            "\"" => out.push_str("\\\""),
            "\\" => out.push_str("\\\\"),
            "\u{8}" => out.push_str("\\b"),
            "\u{c}" => out.push_str("\\f"),
            "\n" => out.push_str("\\n"),
            "\r" => out.push_str("\\r"),
            "\t" => out.push_str("\\t"),
            _ => {
                for byte in escaped.bytes() {
                    let _ = write!(out, "\\u{byte:04x}");
                }
            }
        }
        rest = after;
    }
    out.push_str(rest);
    out.push('"');
}

/// The order of strings in JavaScript: by UTF-16 units, which differs from that of UTF-8 beyond the first plane.
pub(super) fn text_order(a: &str, b: &str) -> Ordering {
    a.encode_utf16().cmp(b.encode_utf16())
}

/// The number of a key that JavaScript takes for an index; such keys come first, in the order of their numbers.
pub(super) fn index_of(key: &str) -> Option<u32> {
    let is_plain = key == "0" || (key.bytes().all(|byte| byte.is_ascii_digit()) && !key.starts_with('0'));
    key.parse().ok().filter(|index| is_plain && *index < u32::MAX)
}

/// Reads one value and nothing behind it; `None` for anything that is not JSON, is too deep, has too many values, or has half a
/// surrogate pair in a string, which UTF-8 cannot carry.
pub(super) fn read(text: &str) -> Option<Json> {
    let mut reader = Reader { text, at: 0, values_left: MESSAGE_VALUES_MAX };
    let value = reader.value(MESSAGE_DEPTH_MAX)?;
    reader.space();
    (reader.at == text.len()).then_some(value)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    values_left: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        self.space();
        self.take_now(byte)
    }

    fn take_now(&mut self, byte: u8) -> Option<()> {
        (self.peek() == Some(byte)).then(|| self.at += 1)
    }

    fn word(&mut self, word: &str, value: Json) -> Option<Json> {
        self.rest().starts_with(word).then(|| {
            self.at += word.len();
            value
        })
    }

    fn value(&mut self, depth_left: usize) -> Option<Json> {
        self.values_left = self.values_left.checked_sub(1)?;
        self.space();
        match self.peek()? {
            b'n' => self.word("null", Json::Null),
            b't' => self.word("true", Json::Bool(true)),
            b'f' => self.word("false", Json::Bool(false)),
            b'"' => self.string().map(Json::Text),
            b'[' => self.list(depth_left.checked_sub(1)?),
            b'{' => self.map(depth_left.checked_sub(1)?),
            _ => self.number(),
        }
    }

    fn list(&mut self, depth_left: usize) -> Option<Json> {
        self.take(b'[')?;
        let mut list = Vec::new();
        if self.take(b']').is_some() {
            return Some(Json::List(list));
        }
        loop {
            list.push(self.value(depth_left)?);
            if self.take(b',').is_none() {
                self.take(b']')?;
                return Some(Json::List(list));
            }
        }
    }

    fn map(&mut self, depth_left: usize) -> Option<Json> {
        self.take(b'{')?;
        let mut map = Vec::new();
        if self.take(b'}').is_some() {
            return Some(Json::Map(map));
        }
        loop {
            self.space();
            let key = self.string()?;
            self.take(b':')?;
            map.push((key, self.value(depth_left)?));
            if self.take(b',').is_none() {
                self.take(b'}')?;
                return Some(Json::Map(as_object(map)));
            }
        }
    }

    fn number(&mut self) -> Option<Json> {
        let start = self.at;
        let _ = self.take_now(b'-');
        if self.take_now(b'0').is_none() {
            self.digits()?;
        }
        if self.take_now(b'.').is_some() {
            self.digits()?;
        }
        if self.take_now(b'e').or_else(|| self.take_now(b'E')).is_some() {
            let _ = self.take_now(b'+').or_else(|| self.take_now(b'-'));
            self.digits()?;
        }
        let number: f64 = self.text.get(start..self.at)?.parse().ok()?;
        number.is_finite().then_some(Json::Number(number))
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    fn string(&mut self) -> Option<String> {
        self.take_now(b'"')?;
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let plain = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
            text.push_str(rest.get(..plain)?);
            self.at += plain + 1;
            match rest.as_bytes().get(plain)? {
                b'"' => return Some(text),
                b'\\' => text.push(self.escaped()?),
                _ => return None,
            }
        }
    }

    fn escaped(&mut self) -> Option<char> {
        let escape = self.peek()?;
        self.at += 1;
        Some(match escape {
            b'"' | b'\\' | b'/' => char::from(escape),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.unit()?;
                let mut units = vec![unit];
                if (0xd800..0xdc00).contains(&unit) {
                    self.take_now(b'\\')?;
                    self.take_now(b'u')?;
                    units.push(self.unit()?);
                }
                char::decode_utf16(units).next()?.ok()?
            }
            _ => return None,
        })
    }

    fn unit(&mut self) -> Option<u16> {
        let digits = self.rest().get(..4)?;
        self.at += 4;
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        u16::from_str_radix(digits, 16).ok().filter(|_| is_hex)
    }
}

/// Keys as an object has them: the last value of a key in the place of the first, indices in front.
fn as_object(map: Vec<(String, Json)>) -> Vec<(String, Json)> {
    let mut places: HashMap<&str, usize> = HashMap::with_capacity(map.len());
    let repeats = map.iter().enumerate().any(|(at, (key, _))| places.insert(key, at).is_some());
    drop(places);
    let mut map = if repeats { without_repeats(map) } else { map };
    if map.iter().any(|(key, _)| index_of(key).is_some()) {
        map.sort_by_key(|(key, _)| index_of(key).map_or(u64::MAX, u64::from));
    }
    map
}

fn without_repeats(map: Vec<(String, Json)>) -> Vec<(String, Json)> {
    let mut places: HashMap<String, usize> = HashMap::with_capacity(map.len());
    let mut kept: Vec<(String, Json)> = Vec::with_capacity(map.len());
    for (key, value) in map {
        match places.get(&key).and_then(|at| kept.get_mut(*at)) {
            Some(former) => former.1 = value,
            None => {
                places.insert(key.clone(), kept.len());
                kept.push((key, value));
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::{index_of, read, text_order};
    use std::cmp::Ordering;

    fn again(text: &str) -> Option<String> {
        read(text).map(|json| json.to_string())
    }

    #[test]
    fn what_is_read_is_written_as_javascript_would() {
        for (text, expected) in [
            (
                r#" { "b" : [ 1 , -0.0, 1e3 ] , "a" : "x\/\u0041\ud83d\ude00\u0007" } "#,
                r#"{"b":[1,0,1000],"a":"x/A😀\u0007"}"#,
            ),
            (r#"{"b":1,"10":2,"2":3,"01":4}"#, r#"{"2":3,"10":2,"b":1,"01":4}"#),
            (r#"{"a":1,"b":2,"a":3}"#, r#"{"a":3,"b":2}"#),
            ("[]", "[]"),
            ("{}", "{}"),
            ("null", "null"),
            ("1795191196905.001", "1795191196905.001"),
            ("123456789.12345678901234567890", "123456789.12345679"),
        ] {
            assert_eq!(again(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_json_is_not_read() {
        let deep = format!("{}{}", "[".repeat(33), "]".repeat(33));
        let many = format!("[{}1]", "1,".repeat(super::MESSAGE_VALUES_MAX));
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\":}",
            "{a:1}",
            "01",
            "1.",
            "+1",
            "1e999",
            "nul",
            "\"\\ud83d\"",
            "\"\\ude00\"",
            "\"\n\"",
            "\"\\u+123\"",
            "1 2",
            r##"{"#":"a","put":"##,
            "garbage",
            &deep,
            &many,
        ] {
            assert_eq!(again(text), None, "{text:.40}");
        }
        assert!(again(&format!("{}{}", "[".repeat(32), "]".repeat(32))).is_some());
    }

    #[test]
    fn strings_are_ordered_by_utf16_and_indices_are_numbers() {
        assert_eq!(text_order("\u{ffff}", "\u{10000}"), Ordering::Greater, "unlike their bytes");
        assert!("\u{ffff}" < "\u{10000}");
        assert_eq!(["0", "7", "4294967294"].map(index_of), [Some(0), Some(7), Some(u32::MAX - 1)]);
        for key in ["", "00", "-1", "1.5", "+1", "4294967295", "a"] {
            assert_eq!(index_of(key), None, "{key}");
        }
    }
}
