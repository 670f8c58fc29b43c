//! Turns spaces that went into events, for the log and the audit log: on whose word, and never which by its id.

use crate::events::EventQueue;
use crate::native::Native;
use relay_core::relay::ErasedSpaces;
use relay_proto::SpaceId;
use relay_proto::erasure::ErasureReason;

/// Looks once.
pub(crate) fn look(native: &Native, events: &EventQueue) {
    report(&native.take_erased(), |space| native.pseudonyms().of(&space.0), events);
}

fn report(erased: &ErasedSpaces, pseudonym: impl Fn(SpaceId) -> String, events: &EventQueue) {
    for (space, reason) in &erased.spaces {
        let (code, message) = match reason {
            ErasureReason::Signed { .. } => {
                ("space_erased_by_owner", "a space was erased by its root or an admin of it")
            }
            ErasureReason::Operator => ("space_erased_by_operator", "a space was erased by the operator"),
            ErasureReason::Expired => {
                ("space_expired", "a space expired: no device came for too long, or it was a sponsored one")
            }
        };
        events.push_about(Some(pseudonym(*space)), "info", code, message);
    }
    if erased.more > 0 {
        events.push(
            "warn",
            "erasures_untold",
            format!("{} more spaces went than could be told one by one", erased.more),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_space_is_told_with_its_reason_and_without_its_id() {
        let events = EventQueue::without_wake();
        let spaces = vec![(SpaceId([7; 32]), ErasureReason::Operator), (SpaceId([7; 32]), ErasureReason::Expired)];
        report(&ErasedSpaces { spaces, more: 2 }, |_| "pseudonym".to_owned(), &events);
        let told = events.drain();
        let codes: Vec<_> = told.iter().map(|event| event.code.as_str()).collect();
        assert_eq!(codes, ["space_erased_by_operator", "space_expired", "erasures_untold"]);
        assert!(told.iter().all(|event| !event.message.contains("0707")));
        let subjects: Vec<_> = told.iter().map(|event| event.subject.as_deref()).collect();
        assert_eq!(subjects, [Some("pseudonym"), Some("pseudonym"), None]);
    }
}
