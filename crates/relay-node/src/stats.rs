//! The one snapshot behind `/metrics` and the live figures: flat, numbers only.

use crate::tls::TlsFigures;
use napi_derive::napi;
use relay_core::blobs::BlobStats;
use relay_core::relay::RelayStats as RuleStats;
use relay_core::store::StoreStats;
use relay_net::NetStats;
use std::time::Duration;

macro_rules! snapshot {
    (
        own: { $($(#[doc = $own_doc:literal])+ $own:ident,)+ }
        net: { $($(#[doc = $net_doc:literal])+ $net:ident,)+ }
        rules: { $($(#[doc = $rule_doc:literal])+ $rule:ident,)+ }
        store: { $($(#[doc = $store_doc:literal])+ $store:ident = $store_field:ident,)+ }
        blobs: { $($(#[doc = $blob_doc:literal])+ $blob:ident = $blob_field:ident,)+ }
    ) => {
        /// Counters end in `Total`, gauges say what they count. All since the start of the process.
        #[napi(object, object_from_js = false, use_nullable = true)]
        #[derive(Default)]
        pub struct RelayStats {
            $($(#[doc = $own_doc])+ pub $own: i64,)+
            $($(#[doc = $net_doc])+ pub $net: i64,)+
            $($(#[doc = $rule_doc])+ pub $rule: i64,)+
            $($(#[doc = $store_doc])+ pub $store: i64,)+
            $($(#[doc = $blob_doc])+ pub $blob: i64,)+
        }

        /// Copies the transport's figures.
        pub(crate) fn add_net(snapshot: &mut RelayStats, net: &NetStats) {
            $(snapshot.$net = number(net.$net);)+
        }

        /// Copies the figures of the rules.
        pub(crate) fn add_rules(snapshot: &mut RelayStats, rules: &RuleStats) {
            $(snapshot.$rule = number(rules.$rule);)+
        }

        /// Copies the store's figures.
        pub(crate) fn add_store(snapshot: &mut RelayStats, store: &StoreStats) {
            $(snapshot.$store = number(store.$store_field);)+
        }

        /// Copies the figures of the blobs.
        pub(crate) fn add_blobs(snapshot: &mut RelayStats, blobs: &BlobStats) {
            $(snapshot.$blob = number(blobs.$blob_field);)+
        }
    };
}

snapshot! {
    own: {
        /// Milliseconds since the relay started.
        uptime_ms,
        /// Milliseconds since the JavaScript event loop last said it turns.
        event_loop_silence_ms,
        /// Events lost because nobody drained them.
        events_dropped_total,
        /// 1 while there is a certificate for TLS.
        tls_certificate_loaded,
        /// Seconds until the certificate expires, negative afterwards; 0 without one.
        tls_certificate_left_s,
        /// Times another certificate was put in place.
        tls_certificate_changes_total,
        /// Times another certificate could not be read or obtained.
        tls_certificate_failures_total,
        /// Tenants that have spaces.
        tenants,
        /// Spaces that are on a tenant's account.
        tenant_spaces,
        /// Works of foreign protocols that became durable.
        document_works_total,
        /// Groups of them; each is one sync.
        document_groups_total,
        /// Bytes written for them.
        document_written_bytes_total,
        /// Bytes of documents on disk.
        document_disk_bytes,
        /// Works refused because too much waited.
        document_overloaded_total,
        /// Times that moving documents into their tables failed; it is tried again.
        document_move_failures_total,
        /// 1 while the disk is full for documents.
        documents_full,
        /// 1 once a write of documents failed and nothing more is accepted.
        documents_poisoned,
        /// Requests of Graceful Books.
        graceful_requests_total,
        /// Those answered with an error.
        graceful_refused_total,
        /// WebSockets of Graceful Books.
        graceful_sockets,
        /// Messages that said there is something to pull.
        graceful_notified_total,
        /// Topics of PluresDB somebody is in.
        plures_topics,
        /// Peers in them.
        plures_peers,
        /// Messages taken in them.
        plures_messages_total,
        /// Bytes sent on, once per receiver.
        plures_fan_out_bytes_total,
        /// Times a sender had to wait for a receiver.
        plures_waits_total,
        /// Receivers given up because they took nothing.
        plures_given_up_total,
        /// Joins refused because a topic was full.
        plures_refused_total,
        /// Spans lost because nobody took them.
        spans_dropped_total,
        /// Peers of GUN connected now.
        gun_peers,
        /// Souls and properties they subscribed to.
        gun_subscriptions,
        /// Puts that are durable.
        gun_puts_total,
        /// Gets taken.
        gun_gets_total,
        /// Messages answered with an error.
        gun_refused_total,
        /// Changes sent to subscribers.
        gun_news_total,
        /// Changes that found too much waiting for their subscriber, and are read again for it.
        gun_missed_total,
        /// Parts of answers to peers of GUN that came back whose links were too many to be followed.
        gun_unfollowed_total,
        /// Links with other relays of GUN.
        gun_links,
        /// Gets of GUN that did not wait for other relays, because too many did.
        gun_unasked_total,
        /// Gets of GUN that other clients were asked.
        gun_asked_total,
        /// Values of GUN whose signatures were verified.
        gun_verified_total,
        /// Bytes of frames of GUN that are not taken in yet.
        gun_waiting_bytes,
        /// Frames of GUN refused because too many bytes of others waited.
        gun_overfull_total,
        /// Connections that this relay opened itself, open now.
        dialed_open,
        /// Those opened.
        dials_total,
        /// Those that could not be opened.
        dial_failures_total,
        /// Puts that wait for their state.
        gun_deferred,
        /// Requests of Eidetica.
        eidetica_requests_total,
        /// Requests of Eidetica answered with an error.
        eidetica_refused_total,
        /// Entries of Eidetica that got their place in a tree.
        eidetica_entries_total,
        /// Entries of Eidetica that came again.
        eidetica_held_total,
        /// Entries of Eidetica that came before a parent.
        eidetica_waited_total,
        /// Entries of Eidetica that were refused.
        eidetica_entries_refused_total,
        /// Tenants of all foreign systems.
        foreign_tenants,
        /// Bytes that tenants of Graceful Books keep.
        graceful_bytes,
        /// Bytes that tenants of GUN keep.
        gun_bytes,
        /// Bytes that tenants of Eidetica keep.
        eidetica_bytes,
        /// Foreign tenants opened.
        foreign_tenants_opened_total,
        /// Writes refused because there are as many foreign tenants as there may be.
        foreign_tenants_refused_total,
        /// Writes refused because the tenants of a foreign system keep as much as they may.
        foreign_bytes_refused_total,
        /// Writes refused because the account of a foreign tenant keeps as much as it may.
        foreign_account_refused_total,
        /// Writes refused because a foreign tenant writes too often.
        foreign_rate_refused_total,
        /// Writes to foreign systems refused, or of other relays put off, because a client address writes too often.
        foreign_address_rate_refused_total,
        /// Writes refused because nobody let their foreign tenant in.
        foreign_admission_refused_total,
        /// Writes refused because the operator erased their foreign tenant.
        foreign_erased_refused_total,
        /// WebSockets of foreign protocols refused because a system or a tenant has as many as it may.
        foreign_connections_refused_total,
        /// Entries of Eidetica that waited for a parent for too long.
        eidetica_expired_total,
    }
    net: {
        /// Connections open now, HTTP and WebSocket together.
        connections_open,
        /// WebSockets open now.
        websockets_open,
        /// Bytes held for messages that have not arrived completely.
        partial_bytes,
        /// Connections accepted.
        accepted_total,
        /// Connections refused because too many were open.
        refused_total,
        /// Connections refused because their address opened too many in a minute.
        connections_limited_total,
        /// Connections and WebSockets refused because their address had too many open.
        address_connections_refused_total,
        /// Connections over a limit that were closed without an answer, because too many others were being told.
        refusals_untold_total,
        /// Connections of trusted proxies that did not begin with a PROXY header, where one is needed.
        proxy_headers_missing_total,
        /// Requests for the control plane refused because their address sent too many in a minute.
        requests_limited_total,
        /// Requests for what the core serves itself refused for the same reason.
        native_requests_limited_total,
        /// Looks at the rate of an address that found no room of its own and shared the lowest one.
        addresses_crowded_total,
        /// Failed accepts.
        accept_errors_total,
        /// TLS handshakes done.
        tls_handshakes_total,
        /// TLS handshakes that failed.
        tls_handshake_failures_total,
        /// TLS handshakes that were not done in time.
        tls_handshake_timeouts_total,
        /// TLS handshakes by which an authority checked a domain.
        tls_challenges_total,
        /// Requests the core itself answered with an error.
        http_errors_total,
        /// HTTP connections cut because the peer did not read its answer.
        http_stalls_total,
        /// Requests answered by the liveness route.
        liveness_total,
        /// Requests of the native protocol over HTTP.
        frame_requests_total,
        /// Requests of foreign protocols.
        foreign_requests_total,
        /// Requests for blobs.
        blob_requests_total,
        /// Uploads of blobs cut because they were too slow.
        blob_uploads_cut_total,
        /// Requests passed on to the control plane.
        proxied_total,
        /// Requests the control plane could not be asked or did not answer in time.
        proxy_errors_total,
        /// WebSocket handshakes done.
        upgraded_total,
        /// WebSocket handshakes refused.
        upgrades_refused_total,
        /// Broken WebSocket rules.
        protocol_errors_total,
        /// Bytes received on WebSockets.
        bytes_in_total,
        /// Bytes sent on WebSockets.
        bytes_out_total,
        /// WebSocket messages received.
        messages_in_total,
        /// WebSocket messages sent.
        messages_out_total,
        /// Sends on WebSockets.
        writes_total,
        /// Pings sent.
        pings_total,
        /// Times a connection had output waiting while its write queue was full.
        slow_consumers_total,
        /// WebSockets cut because a write made no progress.
        write_stalls_total,
        /// WebSockets closed because the peer was silent for two heartbeats.
        heartbeat_timeouts_total,
        /// WebSockets closed because no first message came.
        handshake_timeouts_total,
        /// WebSockets closed because no message travelled.
        idle_timeouts_total,
        /// WebSockets closed because a message arrived too slowly.
        message_timeouts_total,
        /// WebSockets closed because the budget of partial bytes was used up.
        partial_refused_total,
        /// WebSockets closed by their peer.
        peer_closes_total,
        /// WebSockets closed by their endpoint.
        endpoint_closes_total,
        /// WebSockets lost without a close handshake.
        resets_total,
        /// Panics of endpoints, each of which closed its own connection.
        endpoint_panics_total,
        /// WebSockets told that the relay drains.
        drained_total,
        /// Connections aborted at the end of a drain.
        aborted_total,
    }
    rules: {
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
        /// Receipts sent.
        receipts_total,
        /// Entries sent live, from memory.
        entries_live_total,
        /// Entries sent from the log.
        entries_log_total,
        /// Times a subscriber that had reached the head fell behind the entries kept in memory.
        subscribers_lagged_total,
        /// Acks accepted.
        acks_total,
        /// Acks dropped because they came too fast.
        acks_dropped_total,
        /// Ephemeral frames accepted.
        ephemeral_frames_total,
        /// Ephemeral frames refused because they came too fast.
        ephemeral_refused_total,
        /// Ephemeral frames handed to listeners.
        ephemeral_sent_total,
        /// Ephemeral frames that slow listeners did not get.
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
    store: {
        /// Commit groups made durable.
        commits_total = commits,
        /// Entries made durable.
        entries_total = entries,
        /// Sealed bytes made durable.
        entry_bytes_total = entry_bytes,
        /// Bytes written to the store, framing included.
        written_bytes_total = written_bytes,
        /// Sync calls.
        syncs_total = syncs,
        /// Microseconds in sync calls.
        sync_micros_total = sync_micros,
        /// Microseconds of the longest sync call.
        sync_micros_max = sync_micros_max,
        /// Pushes answered as duplicates.
        duplicates_total = duplicates,
        /// Pushes waiting for a commit.
        queue_pushes = queue_pushes,
        /// Bytes of pushes waiting for a commit.
        queue_bytes = queue_bytes,
        /// Calls refused because the queue was full.
        overloaded_total = overloaded,
        /// Bytes on disk.
        disk_bytes = disk_bytes,
        /// Spaces known.
        spaces = spaces,
        /// Spaces that are in memory; the others are loaded when somebody asks for them.
        spaces_resident = spaces_resident,
        /// States of spaces that were read into memory, for as long as they are used or for one look.
        space_loads_total = space_loads,
        /// States of spaces that could not be read.
        space_load_failures_total = space_load_failures,
        /// Spaces that were let go from memory.
        spaces_let_go_total = spaces_let_go,
        /// Spaces that stayed in memory because their state could not be written.
        let_go_failures_total = let_go_failures,
        /// Bytes of states that the checkpoint does not have yet.
        cold_file_bytes = cold_file_bytes,
        /// 1 once a write or a sync failed and nothing more is accepted.
        store_poisoned = poisoned,
        /// 1 while the disk is full: new entries are refused, reads, acks and forgetting go on.
        store_disk_full = disk_full,
        /// Bytes given back to the disk after forgetting.
        reclaimed_bytes_total = reclaimed_bytes,
        /// Bytes written to give others back.
        reclaim_written_bytes_total = reclaim_written_bytes,
        /// Compactions that were given up.
        reclaim_failures_total = reclaim_failures,
        /// Reads that met bytes which do not match their checksum.
        damaged_reads_total = damaged_reads,
        /// Metadata transactions that failed; what they held is written with the next one.
        meta_failures_total = meta_failures,
        /// Torn tails cut at the last start.
        torn_tails = torn_tails,
    }
    blobs: {
        /// Blobs that became durable.
        blobs_stored_total = stored,
        /// Bytes of uploads written.
        blob_written_bytes_total = written_bytes,
        /// Bytes of blobs read.
        blob_read_bytes_total = read_bytes,
        /// Uploads whose bytes were not those of their id.
        blob_mismatches_total = mismatches,
        /// Uploads refused by a quota.
        blob_quota_refusals_total = quota_refusals,
        /// Blobs deleted.
        blobs_deleted_total = deleted,
        /// Blobs and unfinished uploads that expired.
        blobs_expired_total = expired,
        /// Reads of blobs, or files of them, that were damaged.
        blobs_damaged_total = damaged,
    }
}

/// Copies the figures of the certificate.
pub(crate) fn add_tls(snapshot: &mut RelayStats, tls: TlsFigures) {
    snapshot.tls_certificate_loaded = number(tls.loaded);
    snapshot.tls_certificate_left_s = tls.left_s;
    snapshot.tls_certificate_changes_total = number(tls.changes);
    snapshot.tls_certificate_failures_total = number(tls.failures);
}

/// A counter for JavaScript, which counts exactly up to 2^53.
pub(crate) fn number(value: u64) -> i64 {
    const SAFE_INTEGER_MAX: u64 = (1 << 53) - 1;
    i64::try_from(value.min(SAFE_INTEGER_MAX)).unwrap_or(i64::MAX)
}

/// A count of things in memory for JavaScript.
pub(crate) fn length(count: usize) -> i64 {
    number(u64::try_from(count).unwrap_or(u64::MAX))
}

/// A time for JavaScript.
pub(crate) fn millis(duration: Duration) -> i64 {
    number(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}
