//! The JSON messages of the first protocol. Unknown fields are nobody's business; what is not such a message is ignored.

use relay_core::endpoint::SharedFrame;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// What a client says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said<'a> {
    Join {
        topic: Cow<'a, str>,
        peer_id: Option<Cow<'a, str>>,
    },
    /// A join that names no topic.
    JoinWithoutTopic,
    /// Base64, which stays closed.
    Data(Cow<'a, str>),
    /// Anything else.
    Nothing,
}

#[derive(Deserialize)]
struct Incoming<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    topic: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "peerId")]
    peer_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    data: Option<Cow<'a, str>>,
}

pub(super) fn read(text: &[u8]) -> Said<'_> {
    let Ok(message) = serde_json::from_slice::<Incoming<'_>>(text) else { return Said::Nothing };
    match message.kind.as_ref() {
        "join" => match message.topic {
            Some(topic) if !topic.is_empty() => {
                Said::Join { topic, peer_id: message.peer_id.filter(|id| !id.is_empty()) }
            }
            _ => Said::JoinWithoutTopic,
        },
        "data" => message.data.filter(|data| !data.is_empty()).map_or(Said::Nothing, Said::Data),
        _ => Said::Nothing,
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
enum Outgoing<'a> {
    PeerJoined { peer_id: &'a str, topic: &'a str },
    PeerLeft { peer_id: &'a str, topic: &'a str },
    Data { peer_id: &'a str, data: &'a str },
    Error { payload: &'a str },
}

impl Outgoing<'_> {
    fn frame(&self) -> SharedFrame {
        // Strings in a struct always serialize.
        SharedFrame::text(&serde_json::to_vec(self).unwrap_or_default())
    }
}

pub(super) fn peer_joined(peer_id: &str, topic: &str) -> SharedFrame {
    Outgoing::PeerJoined { peer_id, topic }.frame()
}

pub(super) fn peer_left(peer_id: &str, topic: &str) -> SharedFrame {
    Outgoing::PeerLeft { peer_id, topic }.frame()
}

pub(super) fn data(peer_id: &str, data: &str) -> SharedFrame {
    Outgoing::Data { peer_id, data }.frame()
}

pub(super) fn error(payload: &str) -> SharedFrame {
    Outgoing::Error { payload }.frame()
}

/// Entry point of the fuzz target: whatever is read can be said again, and is read as the same; `true` if so.
#[must_use]
pub fn fuzz_message(bytes: &[u8]) -> bool {
    match read(bytes) {
        Said::Data(base64) => {
            let frame = data("peer", &base64).frame();
            matches!(read(&frame), Said::Data(again) if again == base64)
        }
        Said::Join { topic, peer_id } => {
            let frame = peer_joined(peer_id.as_deref().unwrap_or("peer"), &topic).frame();
            let joined = serde_json::from_slice::<serde_json::Value>(&frame);
            joined.is_ok_and(|joined| joined.get("topic").and_then(|value| value.as_str()) == Some(topic.as_ref()))
        }
        Said::JoinWithoutTopic | Said::Nothing => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(frame: &SharedFrame) -> String {
        String::from_utf8(frame.frame().to_vec()).unwrap()
    }

    #[test]
    fn messages_are_those_of_the_stock_relay() {
        assert_eq!(text(&peer_joined("peer-a", "T")), r#"{"type":"peer-joined","peerId":"peer-a","topic":"T"}"#);
        assert_eq!(text(&peer_left("peer-a", "T")), r#"{"type":"peer-left","peerId":"peer-a","topic":"T"}"#);
        assert_eq!(text(&data("peer-a", "AQID/w==")), r#"{"type":"data","peerId":"peer-a","data":"AQID/w=="}"#);
        assert_eq!(text(&error("no")), r#"{"type":"error","payload":"no"}"#);
    }

    #[test]
    fn only_joins_and_data_mean_something() {
        let join = |topic: &'static str, peer_id: Option<&'static str>| Said::Join {
            topic: topic.into(),
            peer_id: peer_id.map(Cow::from),
        };
        for (said, expected) in [
            (r#"{"type":"join","topic":"T"}"#, join("T", None)),
            (r#"{"type":"join","topic":"T","peerId":"p","more":[1]}"#, join("T", Some("p"))),
            (r#"{"type":"join","topic":"T","peerId":""}"#, join("T", None)),
            (r#"{"type":"join","topic":"a\"b\u0041"}"#, join("a\"bA", None)),
            (r#"{"type":"join"}"#, Said::JoinWithoutTopic),
            (r#"{"type":"join","topic":""}"#, Said::JoinWithoutTopic),
            (r#"{"type":"data","data":"AQ=="}"#, Said::Data("AQ==".into())),
            (r#"{"type":"data","data":""}"#, Said::Nothing),
            (r#"{"type":"data"}"#, Said::Nothing),
            (r#"{"type":"offer","payload":{}}"#, Said::Nothing),
            (r#"{"topic":"T"}"#, Said::Nothing),
            ("[]", Said::Nothing),
            ("garbage", Said::Nothing),
            ("", Said::Nothing),
        ] {
            assert_eq!(read(said.as_bytes()), expected, "{said}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_read_can_be_said_again(bytes in prop::collection::vec(any::<u8>(), 0..200), topic in ".{0,20}") {
            prop_assert!(fuzz_message(&bytes));
            let join = serde_json::json!({"type": "join", "topic": topic, "peerId": topic}).to_string();
            prop_assert!(fuzz_message(join.as_bytes()));
            let data = serde_json::json!({"type": "data", "data": topic}).to_string();
            prop_assert!(fuzz_message(data.as_bytes()));
        }
    }
}
