//! What a GET asks, as the frame it stands for.

use bytes::Bytes;
use relay_proto::ErrorCode;
use relay_proto::frame::{Frame, Pull, Subscribe};

/// The frame a query stands for, and how long its answer may wait.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) frame: Option<Bytes>,
    pub(super) wait_ms: u64,
}

/// What one answer holds when the query does not say.
const ENTRIES_MAX: u32 = 4096;
const BYTES_MAX: u32 = 1024 * 1024;

/// `log_epoch`, `after`, and perhaps `entries_max`, `bytes_max`, `wait_ms`.
pub(super) fn pull(query: &str) -> Result<Asked, ErrorCode> {
    let [log_epoch, after, entries, bytes, wait] =
        numbers(query, ["log_epoch", "after", "entries_max", "bytes_max", "wait_ms"])?;
    let pull = Pull {
        request: 1,
        log_epoch: log_epoch.ok_or(ErrorCode::RequestInvalid)?,
        after: after.ok_or(ErrorCode::RequestInvalid)?,
        entries_max: narrow(entries, ENTRIES_MAX)?,
        bytes_max: narrow(bytes, BYTES_MAX)?,
    };
    Ok(Asked { frame: Some(pull.encode()), wait_ms: wait.unwrap_or(0) })
}

/// `log_epoch`, `after`, and perhaps `omit_own`.
pub(super) fn subscribe(query: &str) -> Result<Asked, ErrorCode> {
    let [log_epoch, after, omit_own] = numbers(query, ["log_epoch", "after", "omit_own"])?;
    let subscribe = Subscribe {
        log_epoch: log_epoch.ok_or(ErrorCode::RequestInvalid)?,
        after: after.ok_or(ErrorCode::RequestInvalid)?,
        omit_own: match omit_own {
            None | Some(0) => false,
            Some(1) => true,
            Some(_) => return Err(ErrorCode::RequestInvalid),
        },
    };
    Ok(Asked { frame: Some(subscribe.encode()), wait_ms: 0 })
}

fn narrow(value: Option<u64>, default: u32) -> Result<u32, ErrorCode> {
    value.map_or(Ok(default), |value| u32::try_from(value).map_err(|_| ErrorCode::RequestInvalid))
}

/// The values of these names, each at most once; no other name is understood.
fn numbers<const N: usize>(query: &str, names: [&str; N]) -> Result<[Option<u64>; N], ErrorCode> {
    let mut values = [None; N];
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, text) = pair.split_once('=').ok_or(ErrorCode::RequestInvalid)?;
        let place = names.iter().position(|known| *known == name).ok_or(ErrorCode::RequestInvalid)?;
        let value = number(text).ok_or(ErrorCode::RequestInvalid)?;
        let slot = values.get_mut(place).ok_or(ErrorCode::RequestInvalid)?;
        if slot.replace(value).is_some() {
            return Err(ErrorCode::RequestInvalid);
        }
    }
    Ok(values)
}

/// Decimal digits only, and no more than the wire can say.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|value| digits && *value <= relay_proto::wire::U64_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_strictly() {
        let asked = pull("after=7&log_epoch=1&wait_ms=250").unwrap();
        assert_eq!(asked.wait_ms, 250);
        let frame = Pull::decode(&asked.frame.unwrap()).unwrap();
        assert_eq!((frame.after, frame.log_epoch, frame.entries_max, frame.bytes_max), (7, 1, ENTRIES_MAX, BYTES_MAX));
        let asked = subscribe("log_epoch=1&after=0&omit_own=1").unwrap();
        assert!(Subscribe::decode(&asked.frame.unwrap()).unwrap().omit_own);
        for query in [
            "",
            "after=1",
            "log_epoch=1&after",
            "log_epoch=1&after=",
            "log_epoch=1&after=+1",
            "log_epoch=1&after=-1",
            "log_epoch=1&after=1&after=1",
            "log_epoch=1&after=9007199254740992",
            "log_epoch=1&after=1&other=1",
            "log_epoch=1&after=1&entries_max=4294967296",
            "log_epoch=%31&after=1",
        ] {
            assert_eq!(pull(query), Err(ErrorCode::RequestInvalid), "{query}");
        }
        assert_eq!(subscribe("log_epoch=1&after=0&omit_own=2"), Err(ErrorCode::RequestInvalid));
    }
}
