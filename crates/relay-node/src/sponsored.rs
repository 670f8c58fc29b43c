//! Sponsored spaces: the book of them, and what the audit log is told: which space vouched, never by its id.

use crate::config::{RelayConfig, count};
use crate::events::EventQueue;
use crate::failure::Failure;
use crate::native::Native;
use relay_core::sponsored::{SponsoredFoundings, SponsoredRecords};
use relay_proto::SpaceId;
use relay_store::data_dir::DirError;
use relay_store::open::OpenError;
use relay_store::sponsored_book::SponsoredBook;
use relay_store::vfs::RealVfs;
use std::path::Path;
use std::sync::Arc;

/// The book of a data directory; none where no space is sponsored and none can come to be.
pub(crate) fn open(config: &RelayConfig, data_dir: &Path) -> Result<Option<Arc<SponsoredBook>>, Failure> {
    let failure = |error: DirError| Failure::from(OpenError::Dir(error));
    if !config.asks_to_found && !SponsoredBook::exists(&RealVfs, data_dir).map_err(failure)? {
        return Ok(None);
    }
    let book = SponsoredBook::open(Arc::new(RealVfs), data_dir).map_err(failure)?;
    Ok(Some(Arc::new(book)))
}

/// What the rules are told of it.
pub(crate) fn with_limit(
    config: &RelayConfig,
    book: Arc<SponsoredBook>,
) -> Result<(u32, Arc<dyn SponsoredRecords>), Failure> {
    Ok((count("sponsoredSpacesPerHourMax", config.limits.sponsored_spaces_per_hour_max)?, book))
}

/// Looks once for what was founded on a sponsor's word.
pub(crate) fn look(native: &Native, events: &EventQueue) {
    report(&native.relay().take_sponsored(), |space| native.pseudonyms().of(&space.0), events);
}

fn report(founded: &SponsoredFoundings, pseudonym: impl Fn(SpaceId) -> String, events: &EventQueue) {
    for sponsor in &founded.sponsors {
        let message = "a device of this space vouched for a short-lived one";
        events.push_about(Some(pseudonym(*sponsor)), "info", "space_sponsored", message);
    }
    if founded.more > 0 {
        let message = format!("{} more spaces were sponsored than could be told one by one", founded.more);
        events.push("warn", "sponsorships_untold", message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sponsor_is_told_without_its_id() {
        let events = EventQueue::without_wake();
        let founded = SponsoredFoundings { sponsors: vec![SpaceId([7; 32])], more: 2 };
        report(&founded, |_| "pseudonym".to_owned(), &events);
        let told = events.drain();
        let codes: Vec<_> = told.iter().map(|event| event.code.as_str()).collect();
        assert_eq!(codes, ["space_sponsored", "sponsorships_untold"]);
        assert!(told.iter().all(|event| !event.message.contains("0707")));
        assert_eq!(told[0].subject.as_deref(), Some("pseudonym"));
    }
}
