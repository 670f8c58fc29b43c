//! What the relay says. Puts are written with their keys in the order in which peers hash them.

use super::json::{index_of, text_order, write_text};
use super::mailbox::Place;
use super::message::{Node, Property};
use super::number::write_number;
use super::reconcile::Offer;
use std::cmp::Ordering;
use std::fmt::Write;

/// The order of keys of an object that was filled in the order of its sorted keys: indices first.
pub(super) fn key_order(a: &str, b: &str) -> Ordering {
    match (index_of(a), index_of(b)) {
        (None, None) => text_order(a, b),
        (Some(a), Some(b)) => a.cmp(&b),
        (a, b) => a.is_none().cmp(&b.is_none()),
    }
}

/// Sorts a node's properties.
pub(super) fn in_order(node: &mut Node) {
    node.properties.sort_by(|a, b| key_order(&a.name, &b.name));
}

/// The JSON text of a put: the same for the same properties.
pub(super) fn graph(nodes: &[Node]) -> String {
    let mut nodes: Vec<_> = nodes.iter().collect();
    nodes.sort_by(|a, b| key_order(&a.soul, &b.soul));
    let mut out = String::from("{");
    for (at, node) in nodes.into_iter().enumerate() {
        out.push_str(if at > 0 { "," } else { "" });
        write_node(node, &mut out);
    }
    out.push('}');
    out
}

fn write_node(node: &Node, out: &mut String) {
    let mut properties: Vec<&Property> = node.properties.iter().collect();
    properties.sort_by(|a, b| key_order(&a.name, &b.name));
    write_text(&node.soul, out);
    out.push_str(":{");
    // The metadata has its place among the properties.
    let before = properties.partition_point(|property| key_order(&property.name, "_").is_lt());
    let (before, after) = properties.split_at(before);
    for property in before {
        write_property(property, out);
        out.push(',');
    }
    out.push_str("\"_\":{\"#\":");
    write_text(&node.soul, out);
    out.push_str(",\">\":{");
    for (at, property) in properties.iter().enumerate() {
        out.push_str(if at > 0 { "," } else { "" });
        write_text(&property.name, out);
        out.push(':');
        write_number(property.state, out);
    }
    out.push_str("}}");
    for property in after {
        out.push(',');
        write_property(property, out);
    }
    out.push('}');
}

fn write_property(property: &Property, out: &mut String) {
    write_text(&property.name, out);
    out.push(':');
    out.push_str(&property.value);
}

/// The hash that peers compare puts by.
pub(super) fn hash(text: &str) -> i32 {
    text.encode_utf16().fold(0, |hash: i32, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

fn field(name: &str, value: &str, out: &mut String) {
    let _ = write!(out, ",\"{name}\":");
    write_text(value, out);
}

fn begin(id: &str) -> String {
    let mut out = String::from("{\"#\":");
    write_text(id, &mut out);
    out
}

pub(super) fn who_are_you(id: &str, pid: &str, answers: Option<&str>) -> String {
    let mut out = begin(id);
    field("dam", "?", &mut out);
    field("pid", pid, &mut out);
    if let Some(answers) = answers {
        field("@", answers, &mut out);
    }
    out.push('}');
    out
}

/// That this is a relay: whoever answers the same is sent everything.
pub(super) fn i_am_a_relay(id: &str, pid: &str, answers: Option<&str>) -> String {
    let mut out = begin(id);
    field("dam", "relay", &mut out);
    field("pid", pid, &mut out);
    if let Some(answers) = answers {
        field("@", answers, &mut out);
    }
    out.push('}');
    out
}

/// What a page has, as its hash.
pub(super) fn offer(offer: &Offer) -> String {
    let mut out = begin(&offer.id);
    field("dam", "offer", &mut out);
    field("from", &hex::encode(&offer.range.from), &mut out);
    if let Some(to) = &offer.range.to {
        field("to", &hex::encode(to), &mut out);
    }
    field("##", &offer.hash, &mut out);
    out.push('}');
    out
}

/// Whether the same is here as was offered.
pub(super) fn compared(id: &str, offer: &str, is_same: bool) -> String {
    let mut out = begin(id);
    field("dam", "compared", &mut out);
    field("@", offer, &mut out);
    let _ = write!(out, ",\"ok\":{is_same}}}");
    out
}

/// A get that is passed on.
pub(super) fn get(id: &str, (soul, key): &Place) -> String {
    let mut out = begin(id);
    out.push_str(",\"get\":{\"#\":");
    write_text(soul, &mut out);
    if let Some(key) = key {
        field(".", key, &mut out);
    }
    out.push_str("}}");
    out
}

pub(super) fn stored(id: &str, put: &str) -> String {
    let mut out = begin(id);
    field("@", put, &mut out);
    out.push_str(",\"ok\":true}");
    out
}

/// Why a put or a get came to nothing.
pub(super) fn refused(id: &str, answers: &str, why: &str) -> String {
    let mut out = begin(id);
    field("@", answers, &mut out);
    field("err", why, &mut out);
    out.push('}');
    out
}

/// A frame that could not be taken at all.
pub(super) fn broken(why: &str) -> String {
    let mut out = String::from("{\"dam\":\"!\"");
    field("err", why, &mut out);
    out.push('}');
    out
}

/// One part of an answer; without nodes it says that there is nothing. `next` is the id of the part that follows.
pub(super) fn answer(id: &str, get: &str, nodes: &[Node], next: Option<&str>) -> String {
    let mut out = begin(id);
    field("@", get, &mut out);
    if !nodes.is_empty() {
        let graph = graph(nodes);
        let _ = write!(out, ",\"##\":{}", hash(&graph));
        if let Some(next) = next {
            field("%", next, &mut out);
        }
        out.push_str(",\"put\":");
        out.push_str(&graph);
    }
    out.push('}');
    out
}

/// Changes that nobody asked for now.
pub(super) fn news(id: &str, nodes: &[Node]) -> String {
    let mut out = begin(id);
    out.push_str(",\"put\":");
    out.push_str(&graph(nodes));
    out.push('}');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(soul: &str, properties: &[(&str, f64, &str)]) -> Node {
        let property = |(name, state, value): &(&str, f64, &str)| Property {
            name: (*name).to_owned(),
            state: *state,
            value: (*value).to_owned(),
        };
        Node { soul: soul.into(), properties: properties.iter().map(property).collect() }
    }

    #[test]
    fn messages_are_those_of_the_stock_relay() {
        assert_eq!(who_are_you("i", "p", None), r##"{"#":"i","dam":"?","pid":"p"}"##);
        assert_eq!(who_are_you("i", "p", Some("a")), r##"{"#":"i","dam":"?","pid":"p","@":"a"}"##);
        assert_eq!(stored("i", "a"), r##"{"#":"i","@":"a","ok":true}"##);
        assert_eq!(refused("i", "a", "no"), r##"{"#":"i","@":"a","err":"no"}"##);
        assert_eq!(broken("no"), r##"{"dam":"!","err":"no"}"##);
        assert_eq!(answer("i", "a", &[], None), r##"{"#":"i","@":"a"}"##);
        let alice = node("p", &[("b", 1.5, "\"x\""), ("10", 2.0, "1"), ("2", 3.0, "null"), ("Z", 4.0, "true")]);
        assert_eq!(
            news("i", &[alice]),
            r##"{"#":"i","put":{"p":{"2":null,"10":1,"Z":true,"_":{"#":"p",">":{"2":3,"10":2,"Z":4,"b":1.5}},"b":"x"}}}"##
        );
    }

    #[test]
    fn the_hash_is_that_of_java() {
        assert_eq!(hash(""), 0);
        assert_eq!(hash("hello"), 99_162_322);
        assert_eq!(hash("polygenelubricants"), i32::MIN);
    }
}
