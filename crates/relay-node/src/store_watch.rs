//! Turns what happens to the store into events: once when it changes, and damage at most once in a while.

use crate::events::EventQueue;
use crate::native::Native;
use relay_core::store::StoreStats;
use relay_store::damaged_read::DamagedRead;

/// Looks that pass between two events about damage: a minute.
const LOOKS_BETWEEN_DAMAGE: u32 = 12;

/// What was seen so far.
#[derive(Default)]
pub(crate) struct StoreWatch {
    poisoned: bool,
    disk_full: bool,
    meta_failures: u64,
    /// Damaged reads that were reported.
    damaged_reads: u64,
    /// Looks until damage is reported again.
    quiet_looks: u32,
}

impl StoreWatch {
    /// Looks once.
    pub(crate) async fn look(mut self, native: &Native, events: &EventQueue) -> Self {
        let now = native.store_stats();
        self.report(&now, events);
        if self.damage_is_due(&now) {
            let native = native.clone();
            // The store reads a segment to name the group.
            let place = tokio::task::spawn_blocking(move || native.take_damage()).await.ok().flatten();
            self.report_damage(&now, place, events);
        }
        self
    }

    fn report(&mut self, now: &StoreStats, events: &EventQueue) {
        let (poisoned, disk_full) = (now.poisoned > 0, now.disk_full > 0);
        if poisoned && !self.poisoned {
            let message = "a write or sync failed; nothing more is accepted, check the disk and restart";
            events.push("error", "store_poisoned", message);
        }
        if disk_full && !self.disk_full {
            let message = "the disk is full; pushes are refused until there is room, reads and forgetting go on";
            events.push("error", "disk_full", message);
        }
        if self.disk_full && !disk_full {
            events.push("info", "disk_has_room", "the disk has room again; pushes are taken");
        }
        let failures = now.meta_failures.saturating_sub(self.meta_failures);
        if failures > 0 {
            let message =
                format!("{failures} metadata transactions failed; what they held is written with the next one");
            events.push("warn", "metadata_failed", message);
        }
        (self.poisoned, self.disk_full, self.meta_failures) = (poisoned, disk_full, now.meta_failures);
    }

    /// Whether damage has to be reported at this look.
    fn damage_is_due(&mut self, now: &StoreStats) -> bool {
        self.quiet_looks = self.quiet_looks.saturating_sub(1);
        now.damaged_reads > self.damaged_reads && self.quiet_looks == 0
    }

    fn report_damage(&mut self, now: &StoreStats, place: Option<DamagedRead>, events: &EventQueue) {
        let grown = now.damaged_reads.saturating_sub(self.damaged_reads);
        let newest = place.map_or_else(String::new, |place| format!("; newest: {place}"));
        let message = format!("{grown} reads met damaged bytes and were refused{newest}; check the disk");
        events.push("error", "log_damaged", message);
        (self.damaged_reads, self.quiet_looks) = (now.damaged_reads, LOOKS_BETWEEN_DAMAGE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use relay_store::damaged_read::DamagedKind;

    fn codes(events: &EventQueue) -> Vec<String> {
        events.drain().into_iter().map(|event| event.code).collect()
    }

    #[test]
    fn a_full_disk_is_reported_when_it_fills_and_when_it_has_room_again() {
        let (mut watch, events) = (StoreWatch::default(), EventQueue::without_wake());
        let full = StoreStats { disk_full: 1, ..StoreStats::default() };
        for now in [&full, &full, &StoreStats::default(), &StoreStats::default()] {
            watch.report(now, &events);
        }
        assert_eq!(codes(&events), ["disk_full", "disk_has_room"]);
    }

    #[test]
    fn poison_and_failed_metadata_are_reported_once() {
        let (mut watch, events) = (StoreWatch::default(), EventQueue::without_wake());
        let now = StoreStats { poisoned: 1, meta_failures: 2, ..StoreStats::default() };
        watch.report(&now, &events);
        watch.report(&now, &events);
        assert_eq!(codes(&events), ["store_poisoned", "metadata_failed"]);
    }

    #[test]
    fn damage_is_named_by_segment_offset_and_group_at_most_once_a_minute() {
        let (mut watch, events) = (StoreWatch::default(), EventQueue::without_wake());
        let place = DamagedRead { kind: DamagedKind::Entry, at: Some((7, 4136)), group: Some(3) };
        for looks in 1..=u64::from(2 * LOOKS_BETWEEN_DAMAGE) {
            // Every look finds another damaged read.
            let now = StoreStats { damaged_reads: looks, ..StoreStats::default() };
            if watch.damage_is_due(&now) {
                watch.report_damage(&now, Some(place), &events);
            }
        }
        let reported = events.drain();
        assert_eq!(reported.len(), 2, "24 looks are two minutes");
        let text = "1 reads met damaged bytes and were refused; newest: an entry in 00000000000000000007.seg at offset \
                    4136, group 3; check the disk";
        assert_eq!(reported.first().map(|event| event.message.as_str()), Some(text));
    }
}
