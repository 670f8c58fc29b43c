//! DAG-CBOR, as much of it as entries need: one way to write a value, keys by length and then by bytes, links as tag 42.

/// Links are CIDs behind this byte.
const LINK_PREFIX: u8 = 0;
const LINK_TAG: u64 = 42;
/// Deepest value that is read: entries are flat.
const DEPTH_MAX: u32 = 16;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Number(u64),
    Text(String),
    Bytes(Vec<u8>),
    /// The bytes of a CID.
    Link(Vec<u8>),
    Flag(bool),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    /// Of pairs in any order.
    pub(super) fn map<const N: usize>(pairs: [(&str, Option<Self>); N]) -> Self {
        let mut map: Vec<(String, Self)> =
            pairs.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
        map.sort_by(|(a, _), (b, _)| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
        Self::Map(map)
    }

    /// The canonical bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Number(number) => head(out, 0, *number),
            Self::Bytes(bytes) => {
                head(out, 2, bytes.len() as u64);
                out.extend_from_slice(bytes);
            }
            Self::Text(text) => {
                head(out, 3, text.len() as u64);
                out.extend_from_slice(text.as_bytes());
            }
            Self::List(items) => {
                head(out, 4, items.len() as u64);
                items.iter().for_each(|item| item.write(out));
            }
            Self::Map(pairs) => {
                head(out, 5, pairs.len() as u64);
                for (key, value) in pairs {
                    head(out, 3, key.len() as u64);
                    out.extend_from_slice(key.as_bytes());
                    value.write(out);
                }
            }
            Self::Link(cid) => {
                head(out, 6, LINK_TAG);
                head(out, 2, cid.len() as u64 + 1);
                out.push(LINK_PREFIX);
                out.extend_from_slice(cid);
            }
            Self::Flag(flag) => out.push(0xf4 | u8::from(*flag)),
        }
    }

    /// Reads what [`Self::encode`] wrote; `None` for anything else.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let node = read(&mut rest, DEPTH_MAX)?;
        rest.is_empty().then_some(node)
    }
}

fn head(out: &mut Vec<u8>, major: u8, value: u64) {
    let major = major << 5;
    let bytes = value.to_be_bytes();
    let (short, count) = match value {
        0..=23 => return out.push(major | bytes[7]),
        24..=0xff => (24, 1),
        0x100..=0xffff => (25, 2),
        0x1_0000..=0xffff_ffff => (26, 4),
        _ => (27, 8),
    };
    out.push(major | short);
    out.extend_from_slice(bytes.get(8 - count..).unwrap_or_default());
}

fn take<'a>(rest: &mut &'a [u8], length: u64) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    *rest = after;
    Some(taken)
}

/// Major type and argument.
fn read_head(rest: &mut &[u8]) -> Option<(u8, u64)> {
    let first = *take(rest, 1)?.first()?;
    let short = first & 0x1f;
    let value = match short {
        0..=23 => u64::from(short),
        24..=27 => take(rest, 1 << (short - 24))?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)),
        _ => return None,
    };
    Some((first >> 5, value))
}

fn read_text(rest: &mut &[u8], length: u64) -> Option<String> {
    String::from_utf8(take(rest, length)?.to_vec()).ok()
}

fn read(rest: &mut &[u8], depth: u32) -> Option<Node> {
    let depth = depth.checked_sub(1)?;
    let (major, value) = read_head(rest)?;
    match major {
        0 => Some(Node::Number(value)),
        2 => Some(Node::Bytes(take(rest, value)?.to_vec())),
        3 => Some(Node::Text(read_text(rest, value)?)),
        4 => (0..value).map(|_| read(rest, depth)).collect::<Option<_>>().map(Node::List),
        5 => {
            let mut pairs = Vec::new();
            for _ in 0..value {
                let (3, length) = read_head(rest)? else { return None };
                pairs.push((read_text(rest, length)?, read(rest, depth)?));
            }
            Some(Node::Map(pairs))
        }
        6 if value == LINK_TAG => {
            let (2, length) = read_head(rest)? else { return None };
            let (LINK_PREFIX, cid) = take(rest, length)?.split_first().map(|(first, cid)| (*first, cid))? else {
                return None;
            };
            Some(Node::Link(cid.to_vec()))
        }
        7 if value == 20 || value == 21 => Some(Node::Flag(value == 21)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Node;

    #[test]
    fn values_are_written_one_way_and_read_again() {
        let map = Node::map([
            ("subtrees", Some(Node::List(vec![Node::Number(24), Node::Number(256), Node::Number(u64::MAX)]))),
            ("none", None),
            ("b", Some(Node::Flag(true))),
            ("sig", Some(Node::Text("é".to_owned()))),
            ("a", Some(Node::Bytes(vec![1, 2]))),
            ("tree", Some(Node::Link(vec![9; 3]))),
        ]);
        let bytes = map.encode();
        assert_eq!(
            hex(&bytes),
            "a561614201026162f5637369676 2c3a96474726565d82a440009090968737562747265657383181819010 01bffffffffffffffff"
                .replace(' ', "")
        );
        assert_eq!(Node::decode(&bytes), Some(map));
        for cut in 0..bytes.len() {
            assert_eq!(Node::decode(&bytes[..cut]), None, "{cut}");
        }
        assert_eq!(Node::decode(&[0x81; 64]), None);
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
