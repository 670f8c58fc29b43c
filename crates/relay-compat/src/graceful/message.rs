//! Bodies of requests, read and checked.

use super::answer::Refused;
use super::record::Change;
use super::{ACK_CHANGES_MAX, DEVICES_MAX, NAME_BYTES_MAX, PROTOCOL_VERSION, PUSH_CHANGES_MAX};
use serde_json::{Map, Value, json};

/// A push: changes that can be stored, and those that cannot, in their order.
#[derive(Debug, PartialEq)]
pub(super) struct Push {
    pub(super) device_id: String,
    pub(super) changes: Vec<Result<Change, Rejected>>,
}

/// A change that is not stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rejected {
    pub(super) id: String,
    pub(super) reason: &'static str,
}

impl Rejected {
    pub(super) fn body(&self) -> Value {
        json!({"id": self.id, "reason": self.reason})
    }
}

pub(super) const MISSING_FIELDS: &str = "Missing required fields";
const INVALID_FIELDS: &str = "Invalid fields";

/// Where a pull goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Since {
    Timestamp(f64),
    Cursor(u64),
}

#[derive(Debug, PartialEq)]
pub(super) struct Pull {
    pub(super) device_id: String,
    pub(super) since: Since,
}

#[derive(Debug, PartialEq)]
pub(super) struct Ack {
    pub(super) device_id: String,
    pub(super) ids: Vec<String>,
}

/// The object of a body, of a version that is spoken here.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, Refused> {
    let value: Value = serde_json::from_slice(body).map_err(|_| Refused::invalid("The body is not JSON", &[]))?;
    let Value::Object(object) = value else { return Err(Refused::invalid("The body is not a JSON object", &[])) };
    let major = |version: &str| version.split('.').next().map(str::to_owned);
    match object.get("protocol_version") {
        None | Some(Value::Null) => Ok(object),
        Some(Value::String(version)) if major(version) == major(PROTOCOL_VERSION) => Ok(object),
        Some(other) => {
            let client = other.as_str().map_or_else(|| other.to_string(), str::to_owned);
            Err(Refused::ProtocolMismatch { client: client.chars().take(64).collect() })
        }
    }
}

fn name(object: &Map<String, Value>, field: &str) -> Option<String> {
    object.get(field)?.as_str().filter(|name| !name.is_empty() && name.len() <= NAME_BYTES_MAX).map(str::to_owned)
}

pub(super) fn push(body: &[u8]) -> Result<Push, Refused> {
    let mut object = object(body)?;
    let missing = || Refused::invalid("Missing required fields", &["device_id", "changes"]);
    let device_id = name(&object, "device_id").ok_or_else(missing)?;
    let Some(Value::Array(changes)) = object.remove("changes") else { return Err(missing()) };
    if changes.len() > PUSH_CHANGES_MAX {
        return Err(Refused::invalid("Too many changes in one push", &[]));
    }
    Ok(Push { device_id, changes: changes.into_iter().map(change).collect() })
}

/// A change as others will get it, or why not.
pub(super) fn change(value: Value) -> Result<Change, Rejected> {
    let Value::Object(mut object) = value else {
        return Err(Rejected { id: "unknown".to_owned(), reason: MISSING_FIELDS });
    };
    let given = |field| object.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
    let id = given("id").unwrap_or("unknown").to_owned();
    let rejected = |reason| Rejected { id: id.clone(), reason };
    if ["id", "entity_type", "entity_id"].into_iter().any(|field| given(field).is_none()) {
        return Err(rejected(MISSING_FIELDS));
    }
    let mut text = |field: &str| match object.remove(field) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(rejected(INVALID_FIELDS)),
    };
    let (own_id, entity_type, entity_id) = (text("id")?, text("entity_type")?, text("entity_id")?);
    let (operation, encrypted_payload) = (text("operation")?, text("encrypted_payload")?);
    if [&own_id, &entity_type, &entity_id, &operation].into_iter().any(|name| name.len() > NAME_BYTES_MAX) {
        return Err(rejected(INVALID_FIELDS));
    }
    match (object.remove("version_vector"), object.remove("timestamp")) {
        (Some(Value::Object(version_vector)), Some(Value::Number(timestamp))) => {
            Ok(Change { id: own_id, entity_type, entity_id, operation, encrypted_payload, version_vector, timestamp })
        }
        _ => Err(rejected(INVALID_FIELDS)),
    }
}

pub(super) fn pull(body: &[u8]) -> Result<Pull, Refused> {
    let object = object(body)?;
    let missing = || Refused::invalid("Missing required fields", &["device_id", "since_timestamp"]);
    let device_id = name(&object, "device_id").ok_or_else(missing)?;
    let since = match object.get("cursor") {
        None | Some(Value::Null) => {
            Since::Timestamp(object.get("since_timestamp").and_then(Value::as_f64).ok_or_else(missing)?)
        }
        Some(cursor) => {
            let read = cursor.as_str().and_then(cursor_of);
            Since::Cursor(read.ok_or_else(|| Refused::invalid("The cursor is not one of this relay", &["cursor"]))?)
        }
    };
    Ok(Pull { device_id, since })
}

/// A cursor as it is sent.
pub(super) fn cursor_text(received_ms: u64) -> String {
    format!("r1.{received_ms:x}")
}

/// A cursor as it was sent.
pub(super) fn cursor_of(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("r1.").filter(|digits| !digits.starts_with('+'))?;
    u64::from_str_radix(digits, 16).ok()
}

/// Ids, few and short enough.
fn names(value: Option<&Value>, names_max: usize) -> Option<Vec<String>> {
    let values = value?.as_array().filter(|values| values.len() <= names_max)?;
    let name = |value: &Value| {
        value.as_str().filter(|name| !name.is_empty() && name.len() <= NAME_BYTES_MAX).map(str::to_owned)
    };
    values.iter().map(name).collect()
}

pub(super) fn ack(body: &[u8]) -> Result<Ack, Refused> {
    let object = object(body)?;
    let missing = || Refused::invalid("Missing required fields", &["device_id", "acknowledged_ids"]);
    let device_id = name(&object, "device_id").ok_or_else(missing)?;
    let ids = names(object.get("acknowledged_ids"), ACK_CHANGES_MAX).ok_or_else(missing)?;
    Ok(Ack { device_id, ids })
}

/// The devices that a tenant declares.
pub(super) fn devices(body: &[u8]) -> Result<Vec<String>, Refused> {
    let object = object(body)?;
    let mut devices = names(object.get("devices"), DEVICES_MAX)
        .ok_or_else(|| Refused::invalid("devices is a list of at most 256 ids", &["devices"]))?;
    devices.sort_unstable();
    devices.dedup();
    Ok(devices)
}

/// Entry point of the fuzz target: no body may do more than be refused; what is taken as a change is read again as the same.
#[must_use]
pub fn fuzz_request(bytes: &[u8]) -> bool {
    let _others = (pull(bytes), ack(bytes), devices(bytes));
    let Ok(push) = push(bytes) else { return true };
    push.changes.into_iter().flatten().all(|taken| {
        let json = serde_json::to_value(taken.clone()).unwrap_or_default();
        change(json) == Ok(taken)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn full() -> Value {
        json!({"id": "c", "entity_type": "T", "entity_id": "e", "operation": "CREATE", "encrypted_payload": "AA==",
            "version_vector": {"d": 1}, "timestamp": 1.5})
    }

    #[test]
    fn changes_are_taken_whole_or_rejected_by_name() {
        assert!(change(full()).is_ok());
        for (field, value, id, reason) in [
            ("id", json!(""), "unknown", MISSING_FIELDS),
            ("id", json!(7), "unknown", MISSING_FIELDS),
            ("entity_type", json!(null), "c", MISSING_FIELDS),
            ("entity_id", json!(""), "c", MISSING_FIELDS),
            ("operation", json!(1), "c", INVALID_FIELDS),
            ("encrypted_payload", json!(null), "c", INVALID_FIELDS),
            ("version_vector", json!([]), "c", INVALID_FIELDS),
            ("timestamp", json!("1"), "c", INVALID_FIELDS),
            ("entity_id", json!("x".repeat(NAME_BYTES_MAX + 1)), "c", INVALID_FIELDS),
        ] {
            let mut broken = full();
            broken[field] = value;
            assert_eq!(change(broken), Err(Rejected { id: id.to_owned(), reason }), "{field}");
        }
    }

    #[test]
    fn versions_of_the_same_major_are_spoken() {
        for (version, is_spoken) in [
            (json!("1.0.0"), true),
            (json!("1.9"), true),
            (json!(null), true),
            (json!("2.0.0"), false),
            (json!(1), false),
        ] {
            let body = json!({"protocol_version": version, "device_id": "d", "since_timestamp": 0}).to_string();
            assert_eq!(pull(body.as_bytes()).is_ok(), is_spoken, "{version}");
        }
    }

    #[test]
    fn cursors_are_read_as_they_were_written() {
        for received_ms in [0, 1, 1_795_191_189_761, u64::MAX] {
            assert_eq!(cursor_of(&cursor_text(received_ms)), Some(received_ms));
        }
        for other in ["", "r1.", "r1.+1", "r1.g", "r2.1", "r1.10000000000000000"] {
            assert_eq!(cursor_of(other), None, "{other}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".{0,6}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_body_does_more_than_be_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), field in 0..7_usize, value in any_json()) {
            prop_assert!(fuzz_request(&bytes));
            let names = ["id", "entity_type", "entity_id", "operation", "encrypted_payload", "version_vector", "timestamp"];
            let mut change = full();
            change[names[field]] = value;
            let body = json!({"device_id": "d", "changes": [change]}).to_string();
            prop_assert!(fuzz_request(body.as_bytes()));
        }
    }
}
