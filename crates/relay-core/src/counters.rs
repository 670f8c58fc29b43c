//! What the relay counts. One place, so that a metric that is declared is also incremented.

use crate::measure::RequestMeter;
use relay_proto::ErrorCode;
use relay_proto::error_registry::ERRORS;
use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// The counters and gauges, shared by all sessions.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $($(#[$doc])* pub(crate) $name: Count,)*
            errors: ErrorCounts,
            /// Pushes over WebSockets; what comes over HTTP the transport measures.
            pub(crate) websocket_pushes: RequestMeter,
        }

        /// One moment of the relay's counters (`…_total`, since the start) and gauges.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct RelayStats {
            $($(#[$doc])* pub $name: u64,)*
            /// Errors sent, by code; only those that happened.
            pub errors: Vec<(ErrorCode, u64)>,
        }

        impl Counters {
            /// Reads everything; each number is exact, together they are of about one moment.
            pub(crate) fn read(&self) -> RelayStats {
                RelayStats { $($name: self.$name.get(),)* errors: self.errors.read() }
            }
        }
    };
}

counters! {
    /// Connections with an endpoint, open or in the handshake.
    connections,
    /// Sessions that are open.
    sessions,
    /// Spaces with at least one open session.
    active_spaces,
    /// Bytes of encoded entries kept for live subscribers.
    live_bytes,
    /// Bytes of ephemeral frames that some listener has not taken yet.
    ephemeral_bytes,
    /// Topics with at least one peer.
    topics,
    /// Bytes of topic frames that their receivers have not taken yet.
    topic_bytes,
    /// Handshakes that ended in a welcome.
    handshakes_ok_total,
    /// Handshakes that ended in the one answer.
    handshakes_failed_total,
    /// Pushes handed to the store.
    pushes_total,
    /// Sealed bytes of those pushes.
    push_bytes_total,
    /// Pushes that wait in the store.
    pushes_waiting,
    /// Their sealed bytes.
    push_bytes_waiting,
    /// Pushes refused because too many wait.
    pushes_refused_total,
    /// Pushes refused because their session, their space or their tenant sends too many in a second.
    pushes_limited_total,
    /// Pushes refused because a quota is used up.
    quota_refused_total,
    /// Those of them that the quota of a tenant refused.
    tenant_quota_refused_total,
    /// Pushes refused because their tenant sends too many in a second.
    tenant_pushes_limited_total,
    /// Sessions refused because their tenant has as many as it may.
    tenant_sessions_refused_total,
    /// Sessions refused because their space, or its tenant, has as many as it may.
    space_sessions_refused_total,
    /// Spaces whose founding was admitted by a token.
    foundings_admitted_total,
    /// Foundings refused: without a token, or with one that is no good.
    foundings_refused_total,
    /// Foundings that could not be judged.
    foundings_unavailable_total,
    /// Sponsored spaces that are there.
    sponsored_spaces,
    /// Spaces founded on a sponsor's word.
    sponsored_founded_total,
    /// Foundings refused because the sponsor may not vouch, or did so too often.
    sponsored_refused_total,
    /// Receipts sent.
    receipts_total,
    /// Entries sent live, from memory.
    entries_live_total,
    /// Entries sent from the log, to pulls and to subscribers that were behind.
    entries_log_total,
    /// Times a subscriber that had reached the head fell behind the entries kept in memory.
    subscribers_lagged_total,
    /// Acks accepted.
    acks_total,
    /// Acks that came too fast and were replaced by a newer one before they were taken.
    acks_dropped_total,
    /// Ephemeral frames accepted.
    ephemeral_frames_total,
    /// Ephemeral frames refused because they came too fast.
    ephemeral_refused_total,
    /// Ephemeral frames handed to listeners, counted for each of them.
    ephemeral_sent_total,
    /// Ephemeral frames that a listener did not get because it was too slow, counted for each of them.
    ephemeral_dropped_total,
    /// Messages sent into topics.
    topic_messages_total,
    /// Frames of topics handed to sessions.
    topic_frames_total,
    /// Topic frames refused because of a limit or a full window.
    topic_refused_total,
    /// Sessions taken out of their topics because they did not take what they were sent.
    topic_overruns_total,
    /// Roster changes announced.
    roster_changes_total,
    /// Sessions cut because their device left the roster.
    sessions_revoked_total,
    /// Snapshots that became complete.
    snapshots_total,
    /// Purges that were answered.
    purges_total,
    /// Spaces that were erased or expired.
    spaces_erased_total,
    /// Spaces that expired: no device came for too long.
    spaces_expired_total,
    /// Spaces looked at by the forgetting sweep.
    sweep_spaces_total,
    /// Times the sweep raised a floor.
    sweep_trims_total,
    /// Calls of the sweep that the store refused.
    sweep_failures_total,
}

/// One number.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn add_len(&self, n: usize) {
        self.add(u64::try_from(n).unwrap_or(u64::MAX));
    }

    pub(crate) fn one(&self) {
        self.add(1);
    }

    pub(crate) fn sub_len(&self, n: usize) {
        self.0.fetch_sub(u64::try_from(n).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// A part of what is counted was `before` long and is `after` long.
    pub(crate) fn changed_len(&self, before: usize, after: usize) {
        if after > before {
            self.add_len(after - before);
        } else if after < before {
            self.sub_len(before - after);
        }
    }

    /// Whether it is more than a length.
    pub(crate) fn is_above_len(&self, len: usize) -> bool {
        usize::try_from(self.get()).unwrap_or(usize::MAX) > len
    }

    pub(crate) fn one_less(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Debug)]
struct ErrorCounts(Vec<Count>);

impl Default for ErrorCounts {
    fn default() -> Self {
        Self(ERRORS.iter().map(|_| Count::default()).collect())
    }
}

impl ErrorCounts {
    fn read(&self) -> Vec<(ErrorCode, u64)> {
        let counted = ERRORS.iter().zip(&self.0).map(|(info, count)| (info.code, count.get()));
        counted.filter(|(_, count)| *count > 0).collect()
    }
}

impl Counters {
    /// Counts an error that was sent.
    pub(crate) fn error(&self, code: ErrorCode) {
        let place = ERRORS.iter().position(|info| info.code == code);
        if let Some(count) = place.and_then(|place| self.errors.0.get(place)) {
            count.one();
        }
    }
}
