//! `POST /sync/push`: every change is judged on its own; all that are accepted are durable when the answer leaves.

use super::PROTOCOL_VERSION;
use super::accept::{Rules, Verdict, accept};
use super::message::{Push, Rejected};
use relay_core::documents::{DocumentError, Documents};
use serde_json::{Value, json};

/// What a push came to.
#[derive(Debug, Default)]
pub(super) struct Pushed {
    accepted: Vec<String>,
    rejected: Vec<Rejected>,
    /// Whether others have something new to pull.
    pub(super) is_news: bool,
}

pub(super) fn run(documents: &mut dyn Documents, push: Push, rules: Rules) -> Result<Pushed, DocumentError> {
    let mut pushed = Pushed::default();
    for change in push.changes {
        let change = match change {
            Ok(change) => change,
            Err(rejected) => {
                pushed.rejected.push(rejected);
                continue;
            }
        };
        match accept(documents, &change, &push.device_id, rules)? {
            Verdict::Stored => {
                pushed.is_news = true;
                pushed.accepted.push(change.id);
            }
            Verdict::Held => pushed.accepted.push(change.id),
            Verdict::Rejected(reason) => pushed.rejected.push(Rejected { id: change.id, reason }),
        }
    }
    Ok(pushed)
}

impl Pushed {
    pub(super) fn body(&self, now_ms: u64) -> Value {
        let rejected: Vec<_> = self.rejected.iter().map(Rejected::body).collect();
        json!({
            "protocol_version": PROTOCOL_VERSION,
            "success": rejected.is_empty(),
            "accepted": self.accepted,
            "rejected": rejected,
            "timestamp": now_ms,
        })
    }
}
