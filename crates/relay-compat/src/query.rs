//! Values of a query string, decoded.

/// The first value of a name; `None` without one, or when it is not UTF-8.
pub(crate) fn value_of(query: &str, name: &str) -> Option<String> {
    let pair = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    decoded(pair)
}

/// Percent-decoded, with a plus for a space.
pub(crate) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let (digits, after) = rest.split_first_chunk::<2>()?;
                let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
                rest = after;
            }
            other => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::value_of;

    #[test]
    fn the_first_value_decoded() {
        assert_eq!(value_of("a=1&b=x%20y+z&b=2", "b").as_deref(), Some("x y z"));
        assert_eq!(value_of("device_id=", "device_id").as_deref(), Some(""));
        for (query, name) in [("ab=1", "a"), ("a=%f", "a"), ("a=%+1", "a"), ("a=%ff", "a"), ("a", "a"), ("", "a")] {
            assert_eq!(value_of(query, name), None, "{query}");
        }
    }
}
