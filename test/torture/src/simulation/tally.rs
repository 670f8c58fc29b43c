//! What happened in a world, in numbers.

macro_rules! tally {
    ($($(#[$doc:meta])* $name:ident = $shown:literal,)*) => {
        /// See the module.
        #[derive(Clone, Debug, Default)]
        pub(crate) struct Tally {
            $($(#[$doc])* pub(crate) $name: u64,)*
        }

        impl Tally {
            /// Each number with the name it has in reports.
            pub(crate) fn counts(&self) -> Vec<(&'static str, u64)> {
                vec![$(($shown, self.$name),)*]
            }
        }
    };
}

tally! {
    /// Events of the virtual clock.
    events = "events",
    /// Connections opened.
    connections = "connections",
    /// Entries that became durable.
    entries = "entries",
    /// Receipts that devices hold.
    receipts = "receipts",
    /// Entries and leaves held against the truth.
    compared = "entriesCompared",
    /// Acks.
    acks = "acks",
    /// Roster changes in force.
    roster_changes = "rosterChanges",
    /// Processes killed.
    kills = "crashes",
    /// Power cuts.
    power_cuts = "powerCuts",
    /// Processes that ended in order.
    closes = "orderlyEnds",
    /// Starts that a failing disk prevented.
    failed_starts = "failedStarts",
    /// Connections the network broke or stalled.
    network = "networkFaults",
    /// Disks that were full or failed.
    disk = "diskFaults",
    /// Jumps of the wall clock.
    jumps = "clockJumps",
    /// Backups put back, with a log reset.
    restores = "restores",
    /// Log resets that devices followed.
    resets_followed = "resetsFollowed",
    /// Floors raised.
    trims = "trims",
    /// Nights.
    nights = "nights",
    /// Backups put back in secret.
    deceptions = "deceptions",
    /// Devices that noticed such a one.
    noticed = "rollbacksNoticed",
}
