//! What peers say. What is no such message is nobody's business and ignored; what means something but is wrong is named.

use super::block::Block;
use super::json::{self, Json};
use super::lex::{Lex, Query};
use super::reconcile::Offer;
use super::{BATCH_DEPTH_MAX, FRAME_MESSAGES_MAX, MESSAGE_BYTES_MAX, NAME_BYTES_MAX};
use relay_core::documents::DocumentRange;
use std::collections::HashMap;
use std::sync::Arc;

/// One message of a frame.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Message {
    /// Its id, when it has one.
    pub(super) id: Option<String>,
    /// What it answers, when it is all of the answer.
    pub(super) answers: Option<String>,
    pub(super) said: Said,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Said {
    /// Who the peer is; wants to know who we are unless it is an answer.
    WhoAreYou {
        pid: Option<String>,
        is_answer: bool,
    },
    /// The peer is a relay; wants to know whether we are one unless it is an answer.
    Relay {
        pid: Option<String>,
        is_answer: bool,
    },
    /// A page of another relay.
    Offer(Offer),
    /// Whether another relay has the same.
    Compared {
        offer: String,
        is_same: bool,
    },
    /// The peer is new: it has never been connected before.
    Greeting,
    Put {
        nodes: Vec<Node>,
        /// Lists that the writers must not be in; known once it was judged.
        blocks: Vec<Block>,
        bytes: usize,
    },
    /// A put that is wrong, and why.
    WrongPut(&'static str),
    Get(Query),
    /// A get that is wrong, and why.
    WrongGet(&'static str),
    /// A frame that could not be read, and why.
    Broken(&'static str),
    /// Anything else.
    Nothing,
}

/// Properties of one soul.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) soul: Arc<str>,
    pub(super) properties: Vec<Property>,
}

/// A property as somebody wrote it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Property {
    pub(super) name: String,
    pub(super) state: f64,
    /// JSON text, as `JSON.stringify` writes it.
    pub(super) value: String,
}

impl Property {
    /// The soul that it links to.
    pub(super) fn link(&self) -> Option<String> {
        link_of(&json::read(self.value.strip_prefix("{").map(|_| self.value.as_str())?)?)
    }
}

/// The soul that a value links to.
pub(super) fn link_of(value: &Json) -> Option<String> {
    matches!(value, Json::Map(_)).then(|| value.get("#")?.text().map(str::to_owned))?
}

/// The messages of a frame; one that says what is wrong when there are none to be read.
pub(super) fn of_frame(frame: &[u8]) -> Vec<Message> {
    let messages = match std::str::from_utf8(frame) {
        _ if frame.len() > MESSAGE_BYTES_MAX => Err("Message too big!"),
        Ok(text) => read(text).ok_or("DAM JSON parse error."),
        Err(_) => Err("DAM JSON parse error."),
    };
    messages.unwrap_or_else(|why| vec![Message { id: None, answers: None, said: Said::Broken(why) }])
}

/// A frame: its messages; `None` when it is not JSON, or has too many.
pub(super) fn read(frame: &str) -> Option<Vec<Message>> {
    let mut messages = Vec::new();
    gather(json::read(frame)?, BATCH_DEPTH_MAX, &mut messages).then_some(messages)
}

/// Peers of older versions put messages into lists as texts, and lists of those into lists again.
/// `false` when there are too many.
fn gather(json: Json, depth_left: usize, messages: &mut Vec<Message>) -> bool {
    let inner = match json {
        Json::List(list) if depth_left > 0 => list,
        Json::Text(text) if depth_left > 0 => json::read(&text).into_iter().collect(),
        json => {
            messages.push(message(json));
            return messages.len() <= FRAME_MESSAGES_MAX;
        }
    };
    inner.into_iter().all(|json| gather(json, depth_left - 1, messages))
}

/// The fields of a message that mean something.
#[derive(Default)]
struct Fields {
    id: Option<Json>,
    answers: Option<Json>,
    put: Option<Json>,
    get: Option<Json>,
    dam: Option<Json>,
    pid: Option<Json>,
    budget: Option<Json>,
    ok: Option<Json>,
    from: Option<Json>,
    to: Option<Json>,
    hash: Option<Json>,
}

impl Fields {
    fn of(map: Vec<(String, Json)>) -> Self {
        let mut fields = Self::default();
        for (name, value) in map {
            let place = match name.as_str() {
                "#" => &mut fields.id,
                "@" => &mut fields.answers,
                "put" => &mut fields.put,
                "get" => &mut fields.get,
                "dam" => &mut fields.dam,
                "pid" => &mut fields.pid,
                "%" => &mut fields.budget,
                "ok" => &mut fields.ok,
                "from" => &mut fields.from,
                "to" => &mut fields.to,
                "##" => &mut fields.hash,
                _ => continue,
            };
            *place = Some(value);
        }
        fields
    }

    /// What is said with a word of control.
    fn control(&self, word: &str) -> Said {
        let pid = || short_text(self.pid.as_ref());
        let is_answer = self.answers.as_ref().is_some_and(|id| *id != Json::Null);
        let said = match word {
            "?" => Some(Said::WhoAreYou { pid: pid(), is_answer }),
            "hi" => Some(Said::Greeting),
            "relay" => Some(Said::Relay { pid: pid(), is_answer }),
            "offer" => self.offer().map(Said::Offer),
            "compared" => short_text(self.answers.as_ref())
                .map(|offer| Said::Compared { offer, is_same: self.ok == Some(Json::Bool(true)) }),
            _ => None,
        };
        said.unwrap_or(Said::Nothing)
    }

    fn offer(&self) -> Option<Offer> {
        let key = |json: &Json| json.text().and_then(unhex);
        let to = match &self.to {
            None => None,
            Some(to) => Some(key(to)?.into()),
        };
        let range = DocumentRange::between(key(self.from.as_ref()?)?, to);
        Some(Offer { id: short_text(self.id.as_ref())?, range, hash: short_text(self.hash.as_ref())? })
    }
}

fn short_text(value: Option<&Json>) -> Option<String> {
    value.and_then(Json::text).filter(|text| text.len() <= NAME_BYTES_MAX).map(str::to_owned)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(digit(high)? * 16 + digit(low)?)).collect()
}

fn message(json: Json) -> Message {
    let Json::Map(map) = json else { return Message { id: None, answers: None, said: Said::Nothing } };
    let mut fields = Fields::of(map);
    // A part of an answer names the next one.
    let answers = fields.answers.as_ref().filter(|_| !matches!(fields.budget, Some(Json::Text(_))));
    let (id, answers) = (short_text(fields.id.as_ref()), short_text(answers));
    let said = match (&fields.dam, fields.put.take(), &fields.get) {
        (Some(Json::Text(word)), _, _) => fields.control(word),
        (None | Some(Json::Null), Some(put @ Json::Map(_)), _) => match nodes_of(put) {
            Ok((nodes, bytes)) => Said::Put { nodes, blocks: Vec::new(), bytes },
            Err(why) => Said::WrongPut(why),
        },
        (None | Some(Json::Null), None, Some(get)) => query_of(get, fields.budget.as_ref()),
        _ => Said::Nothing,
    };
    Message { id, answers, said }
}

fn query_of(get: &Json, budget: Option<&Json>) -> Said {
    let Some(soul) = get.get("#") else { return Said::Nothing };
    let (Some(soul), Some(key)) = (Lex::read(soul), get.get(".").map_or(Some(Lex::All), Lex::read)) else {
        return Said::WrongGet("A soul and a key are text, or a LEX object.");
    };
    // Text that names nothing: a get that asks for nothing.
    if soul == Lex::Exactly("".into()) {
        return Said::Nothing;
    }
    let limit = budget.and_then(Json::number).filter(|budget| *budget > 0.0);
    Said::Get(Query { soul, key, limit })
}

type Nodes = (Vec<Node>, usize);

fn nodes_of(put: Json) -> Result<Nodes, &'static str> {
    let Json::Map(put) = put else { return Err("Invalid put!") };
    let (mut nodes, mut bytes) = (Vec::with_capacity(put.len()), 0_usize);
    for (soul, node) in put {
        let node = node_of(soul, node)?;
        let of_properties = node.properties.iter().map(|property| property.name.len() + property.value.len() + 64);
        bytes = bytes.saturating_add(node.soul.len() + of_properties.sum::<usize>());
        nodes.push(node);
    }
    Ok((nodes, bytes))
}

fn node_of(soul: String, node: Json) -> Result<Node, &'static str> {
    let Json::Map(mut fields) = node else { return Err("Invalid node!") };
    let meta = fields.iter().position(|(name, _)| name == "_").map(|at| fields.remove(at).1);
    let meta: Json = meta.ok_or("Node has no metadata!")?;
    if soul.is_empty() || meta.get("#").and_then(Json::text) != Some(&soul) {
        return Err("Soul not same!");
    }
    if soul.len() > NAME_BYTES_MAX || fields.iter().any(|(name, _)| name.len() > NAME_BYTES_MAX) {
        return Err("A soul or a key is too long!");
    }
    let states: HashMap<&str, &Json> = match meta.get(">") {
        Some(Json::Map(states)) => states.iter().map(|(name, state)| (name.as_str(), state)).collect(),
        _ => HashMap::new(),
    };
    let property = |(name, value): (String, Json)| -> Result<Property, &'static str> {
        let state = states.get(name.as_str()).and_then(|state| state.number()).ok_or("No state!")?;
        let value = is_value(&value).then(|| value.to_string()).ok_or("Invalid value!")?;
        Ok(Property { name, state, value })
    };
    let properties = fields.into_iter().map(property).collect::<Result<_, _>>()?;
    Ok(Node { properties, soul: soul.into() })
}

/// Null, text, a boolean, a number, or a link.
fn is_value(value: &Json) -> bool {
    match value {
        Json::List(_) => false,
        Json::Map(map) => match map.as_slice() {
            [(name, Json::Text(soul))] => name == "#" && !soul.is_empty(),
            _ => false,
        },
        _ => true,
    }
}

/// Entry point of the fuzz target: whatever is read and written is read as the same again; `true` if so.
#[must_use]
pub fn fuzz_message(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return true };
    let Some(messages) = read(text) else { return true };
    messages.into_iter().all(|message| match message.said {
        Said::Put { mut nodes, .. } => {
            let is_judged = super::rules::judge(nodes.clone(), super::rules::WriteRules::default(), 0);
            let kept = is_judged.map_or(0, |(nodes, _)| nodes.iter().map(|node| node.properties.len()).sum::<usize>());
            if kept > nodes.iter().map(|node| node.properties.len()).sum() {
                return false;
            }
            let frame = super::write::news("id", &nodes);
            let again = read(&frame).unwrap_or_default();
            nodes.iter_mut().for_each(super::write::in_order);
            nodes.sort_by(|a, b| super::write::key_order(&a.soul, &b.soul));
            matches!(again.as_slice(), [Message { said: Said::Put { nodes: same, .. }, .. }] if *same == nodes)
        }
        _ => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn said(text: &str) -> Vec<Said> {
        read(text).unwrap().into_iter().map(|message| message.said).collect()
    }

    #[test]
    fn frames_are_messages_or_lists_of_them() {
        assert_eq!(said("[]"), []);
        let messages =
            read(r##"[{"#":"a","get":{"#":"s"}},{"dam":"?","pid":"p","#":"b","@":"x"},{"dam":"hi"}]"##).unwrap();
        assert_eq!(messages[0].id.as_deref(), Some("a"));
        assert_eq!(messages[0].said, Said::Get(Query { soul: Lex::Exactly("s".into()), key: Lex::All, limit: None }));
        assert_eq!(messages[1].said, Said::WhoAreYou { pid: Some("p".into()), is_answer: true });
        assert_eq!(messages[2].said, Said::Greeting);
        assert_eq!(said("[1,null,[],\"x\"]"), [Said::Nothing, Said::Nothing]);
        let texts = r##"["{\"get\":{\"#\":\"s\"}}","[\"{\\\"get\\\":{\\\"#\\\":\\\"s\\\"}}\"]"]"##;
        assert_eq!(said(texts), vec![messages[0].said.clone(); 2], "as older peers do");
        assert_eq!(said(&format!("{}{}", "[".repeat(20), "]".repeat(20))), [Said::Nothing]);
        assert_eq!(read("garbage"), None);
        let many =
            |count: usize| read(&format!("[{}]", vec![r#""[{}]""#; count].join(","))).map(|messages| messages.len());
        assert_eq!((many(FRAME_MESSAGES_MAX), many(FRAME_MESSAGES_MAX + 1)), (Some(FRAME_MESSAGES_MAX), None));
    }

    #[test]
    fn a_put_is_nodes_whose_properties_have_states() {
        let put = r##"{"#":"i","put":{"s":{"_":{"#":"s",">":{"a":1.5,"b":2,"c":3,"d":4,"e":5,"gone":6}},"a":null,"b":"x","c":true,"d":-0.0,"e":{"#":"t"}}}}"##;
        let [Said::Put { nodes, .. }] = &said(put)[..] else { panic!() };
        let properties: Vec<_> =
            nodes[0].properties.iter().map(|p| (p.name.as_str(), p.state, p.value.as_str())).collect();
        let expected = [
            ("a", 1.5, "null"),
            ("b", 2.0, "\"x\""),
            ("c", 3.0, "true"),
            ("d", 4.0, "0"),
            ("e", 5.0, r##"{"#":"t"}"##),
        ];
        assert_eq!(properties, expected);
    }

    #[test]
    fn a_wrong_put_says_what_is_wrong() {
        for (node, why) in [
            (r#"{"a":1}"#, "Node has no metadata!"),
            (r##"{"_":{"#":"t",">":{"a":1}},"a":1}"##, "Soul not same!"),
            (r##"{"_":{"#":"s",">":{}},"a":1}"##, "No state!"),
            (r##"{"_":{"#":"s"},"a":1}"##, "No state!"),
            (r##"{"_":{"#":"s",">":{"a":"1"}},"a":1}"##, "No state!"),
            (r##"{"_":{"#":"s",">":{"a":1}},"a":[1]}"##, "Invalid value!"),
            (r##"{"_":{"#":"s",">":{"a":1}},"a":{}}"##, "Invalid value!"),
            (r##"{"_":{"#":"s",">":{"a":1}},"a":{"#":"t","b":1}}"##, "Invalid value!"),
            (r##"{"_":{"#":"s",">":{"a":1}},"a":{"#":""}}"##, "Invalid value!"),
            ("1", "Invalid node!"),
        ] {
            assert_eq!(said(&format!(r#"{{"put":{{"s":{node}}}}}"#)), [Said::WrongPut(why)], "{node}");
        }
        let long = "x".repeat(NAME_BYTES_MAX + 1);
        let put = format!(r##"{{"put":{{"{long}":{{"_":{{"#":"{long}"}}}}}}}}"##);
        assert_eq!(said(&put), [Said::WrongPut("A soul or a key is too long!")]);
    }

    #[test]
    fn a_get_that_names_no_soul_asks_for_nothing() {
        for get in ["{}", r#"{".":"a"}"#, "null", "1", r##"{"#":""}"##] {
            assert_eq!(said(&format!(r#"{{"get":{get}}}"#)), [Said::Nothing], "{get}");
        }
        assert!(matches!(said(r##"{"get":{"#":1}}"##)[..], [Said::WrongGet(_)]));
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_written_the_same(bytes in prop::collection::vec(any::<u8>(), 0..200), name in ".{0,9}", value in ".{0,9}", state in any::<f64>()) {
            prop_assert!(fuzz_message(&bytes));
            let (name, value) = (Json::Text(name), Json::Text(value));
            let state = Json::Number(if state.is_finite() { state } else { 0.0 });
            let put = format!(r##"{{"put":{{{name}:{{"_":{{"#":{name},">":{{{name}:{state}}}}},{name}:{value}}}}}}}"##);
            prop_assert!(fuzz_message(put.as_bytes()));
        }
    }
}
