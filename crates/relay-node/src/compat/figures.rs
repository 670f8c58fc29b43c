//! The figures of the foreign protocols in the snapshot: one table, a line for each figure.

use super::Compat;
use crate::stats::{RelayStats, number};
use relay_compat::systems::{EIDETICA, GRACEFUL, GUN};
use relay_core::documents::DocumentStore;

/// `name in the snapshot = figure of the system`; what is off has none.
macro_rules! table {
    ($($source:ident { $($to:ident = $from:ident,)+ })+) => {
        /// Copies the figures of all of them.
        pub(super) fn add(compat: &Compat, snapshot: &mut RelayStats) {
            $(
                let figures = compat.$source.as_ref().map(|source| $source(source)).unwrap_or_default();
                $(snapshot.$to = number(figures.$from);)+
            )+
            snapshot.foreign_connections_refused_total = number(compat.seating.refused());
            snapshot.foreign_address_rate_refused_total = number(compat.rates.refused());
            let kept = |system| compat.tenants.as_ref().map_or(0, |tenants| number(tenants.total(system).bytes));
            snapshot.graceful_bytes = kept(GRACEFUL);
            snapshot.gun_bytes = kept(GUN);
            snapshot.eidetica_bytes = kept(EIDETICA);
            let systems = [GRACEFUL, GUN, EIDETICA];
            let tenants = compat.tenants.as_ref();
            let count = |system: &u8| tenants.map_or(0, |tenants| tenants.total(*system).tenants);
            snapshot.foreign_tenants = number(systems.iter().map(count).sum());
        }
    };
}

fn documents(
    source: &impl std::ops::Deref<Target = relay_store::documents::EmbeddedDocuments>,
) -> relay_core::documents::DocumentStats {
    source.document_stats()
}

fn tenants(source: &relay_core::foreign::ForeignTenants) -> relay_core::foreign::TenantCounts {
    source.counts()
}

macro_rules! services {
    ($($name:ident: $service:ty => $stats:ty,)+) => {
        $(fn $name(source: &impl std::ops::Deref<Target = $service>) -> $stats {
            source.stats()
        })+
    };
}

services! {
    graceful: relay_compat::graceful::GracefulService => relay_compat::graceful::GracefulStats,
    plures: relay_compat::plures::PluresService => relay_compat::plures::PluresStats,
    gun: relay_compat::gun::GunService => relay_compat::gun::GunStats,
    eidetica: relay_compat::eidetica::EideticaService => relay_compat::eidetica::EideticaStats,
}

table! {
    documents {
        document_works_total = works,
        document_groups_total = groups,
        document_written_bytes_total = written_bytes,
        document_disk_bytes = disk_bytes,
        document_overloaded_total = overloaded,
        document_move_failures_total = move_failures,
        documents_full = disk_full,
        documents_poisoned = poisoned,
    }
    tenants {
        foreign_tenants_opened_total = opened,
        foreign_tenants_refused_total = refused_tenants,
        foreign_bytes_refused_total = refused_bytes,
        foreign_account_refused_total = refused_account,
        foreign_rate_refused_total = refused_rate,
        foreign_admission_refused_total = refused_admission,
        foreign_erased_refused_total = refused_erased,
    }
    graceful {
        graceful_requests_total = requests,
        graceful_refused_total = refused,
        graceful_sockets = sockets,
        graceful_notified_total = notified,
    }
    plures {
        plures_topics = topics,
        plures_peers = peers,
        plures_messages_total = messages,
        plures_fan_out_bytes_total = fan_out_bytes,
        plures_waits_total = waits,
        plures_given_up_total = given_up,
        plures_refused_total = refused,
    }
    gun {
        gun_peers = peers,
        gun_subscriptions = subscriptions,
        gun_puts_total = puts,
        gun_gets_total = gets,
        gun_refused_total = refused,
        gun_news_total = news,
        gun_missed_total = missed,
        gun_unfollowed_total = unfollowed,
        gun_links = links,
        gun_unasked_total = unasked,
        gun_asked_total = asked,
        gun_verified_total = verified,
        gun_waiting_bytes = waiting_bytes,
        gun_overfull_total = overfull,
        gun_deferred = deferred,
    }
    eidetica {
        eidetica_requests_total = requests,
        eidetica_refused_total = refused,
        eidetica_entries_total = placed,
        eidetica_held_total = held,
        eidetica_waited_total = waited,
        eidetica_entries_refused_total = refused_entries,
        eidetica_expired_total = expired,
    }
}
