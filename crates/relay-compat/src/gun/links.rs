//! Other relays. A change goes to each of them but the one it came from; what is no change is not passed on, so a change crosses
//! each link once each way at most and ends, whatever the links look like. Anybody may say that it is a relay, so those that this
//! one was told to dial have places that nobody else gets.

use super::mailbox::{Mailbox, Place, bytes_of};
use super::{ASKED_BYTES_MAX, ASKED_MAX, RELAYS_MAX};
use relay_core::documents::Tenant;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// One link.
struct Link {
    mailbox: Arc<Mailbox>,
    is_dialed: bool,
    kind: Kind,
}

enum Kind {
    /// It speaks as this relay does: it is sent everything, and sends everything.
    Relay { pid: Option<String> },
    /// A stock relay: it knows what it was asked for.
    Stock { asked: HashSet<Place>, asked_bytes: usize },
}

/// See the module.
#[derive(Default)]
pub(super) struct Links {
    by_tenant: HashMap<Tenant, BTreeMap<u64, Link>>,
    /// Places of relays that are dialed.
    reserved: HashMap<Tenant, usize>,
}

impl Links {
    /// Keeps a place for a relay that is dialed.
    pub(super) fn reserve(&mut self, tenant: Tenant) {
        *self.reserved.entry(tenant).or_default() += 1;
    }

    /// A relay; `false` when there are too many.
    pub(super) fn add_relay(
        &mut self,
        tenant: Tenant,
        peer: u64,
        mailbox: &Arc<Mailbox>,
        is_dialed: bool,
        pid: Option<String>,
    ) -> bool {
        self.add(tenant, peer, Link { mailbox: Arc::clone(mailbox), is_dialed, kind: Kind::Relay { pid } })
    }

    /// A stock relay, which was dialed; `false` when there are too many.
    pub(super) fn add_stock(&mut self, tenant: Tenant, peer: u64, mailbox: &Arc<Mailbox>) -> bool {
        let kind = Kind::Stock { asked: HashSet::new(), asked_bytes: 0 };
        self.add(tenant, peer, Link { mailbox: Arc::clone(mailbox), is_dialed: true, kind })
    }

    fn add(&mut self, tenant: Tenant, peer: u64, mut link: Link) -> bool {
        let reserved = self.reserved.get(&tenant).copied().unwrap_or_default();
        let links = self.by_tenant.entry(tenant).or_default();
        let has_room = match links.get(&peer) {
            Some(before) => {
                link.is_dialed = before.is_dialed;
                true
            }
            None if link.is_dialed => links.len() < RELAYS_MAX,
            None => links.values().filter(|link| !link.is_dialed).count() < RELAYS_MAX.saturating_sub(reserved),
        };
        if has_room {
            links.insert(peer, link);
        } else if links.is_empty() {
            self.by_tenant.remove(&tenant);
        }
        has_room
    }

    /// A link ended.
    pub(super) fn remove(&mut self, tenant: Tenant, peer: u64) {
        let Some(links) = self.by_tenant.get_mut(&tenant) else { return };
        links.remove(&peer);
        if links.is_empty() {
            self.by_tenant.remove(&tenant);
        }
    }

    /// Who is told of a change: every link but those to the relay it came from. A relay with two links is told twice, and the second
    /// time is no change: nobody can take its place by using its pid.
    pub(super) fn receivers(&self, tenant: Tenant, author: u64) -> Vec<(u64, Arc<Mailbox>)> {
        let Some(links) = self.by_tenant.get(&tenant) else { return Vec::new() };
        let from = links.get(&author);
        let is_author = |peer: u64, link: &Link| peer == author || from.is_some_and(|from| is_same(from, link));
        let others = links.iter().filter(|(peer, link)| !is_author(**peer, link));
        others.map(|(peer, link)| (*peer, Arc::clone(&link.mailbox))).collect()
    }

    /// The stock relays that were not asked for a place yet, each but the one that asks; they count as asked from now on.
    pub(super) fn ask(&mut self, tenant: Tenant, place: &Place, asker: u64) -> Vec<(u64, Arc<Mailbox>)> {
        let links = self.by_tenant.get_mut(&tenant).into_iter().flatten();
        let unasked = links.filter_map(|(peer, link)| match &mut link.kind {
            Kind::Stock { asked, asked_bytes } if *peer != asker && !asked.contains(place) => {
                let bytes = asked_bytes.saturating_add(bytes_of(place));
                (asked.len() < ASKED_MAX && bytes <= ASKED_BYTES_MAX).then_some(())?;
                *asked_bytes = bytes;
                asked.insert(place.clone());
                Some((*peer, Arc::clone(&link.mailbox)))
            }
            _ => None,
        });
        unasked.collect()
    }

    pub(super) fn len(&self) -> usize {
        self.by_tenant.values().map(BTreeMap::len).sum()
    }
}

fn is_same(a: &Link, b: &Link) -> bool {
    match (&a.kind, &b.kind) {
        (Kind::Relay { pid: Some(a) }, Kind::Relay { pid: Some(b) }) => a == b,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Tenant = Tenant::ONLY;

    fn mailbox() -> Arc<Mailbox> {
        Arc::new(Mailbox::new(Arc::new(|| {})))
    }

    fn peers(links: &Links, author: u64) -> Vec<u64> {
        links.receivers(T, author).into_iter().map(|(peer, _)| peer).collect()
    }

    #[test]
    fn a_change_goes_by_every_link_and_not_back() {
        let mut links = Links::default();
        for (peer, pid) in [(1, "a"), (2, "b"), (3, "a")] {
            assert!(links.add_relay(T, peer, &mailbox(), false, Some(pid.into())));
        }
        assert!(links.add_stock(T, 4, &mailbox()));
        assert_eq!(peers(&links, 9), [1, 2, 3, 4]);
        assert_eq!(peers(&links, 1), [2, 4], "nor by the second link to the same relay");
        assert_eq!(peers(&links, 4), [1, 2, 3]);
        links.remove(T, 1);
        assert_eq!(peers(&links, 9), [2, 3, 4]);
    }

    #[test]
    fn there_are_no_more_than_so_many() {
        let mut links = Links::default();
        for peer in 0..RELAYS_MAX as u64 {
            assert!(links.add_relay(T, peer, &mailbox(), false, None));
        }
        assert!(!links.add_relay(T, 1000, &mailbox(), false, None));
        assert!(
            links.add_relay(T, 0, &mailbox(), false, Some("again".into())),
            "one that is there may say more of itself"
        );
    }

    #[test]
    fn a_stock_relay_is_asked_once_for_each_place() {
        let (mut links, place) = (Links::default(), (Arc::from("s"), None));
        links.add_relay(T, 1, &mailbox(), false, None);
        links.add_stock(T, 2, &mailbox());
        assert_eq!(links.ask(T, &place, 2).len(), 0, "it is not asked for what it asks for");
        assert_eq!((links.ask(T, &place, 7).len(), links.ask(T, &place, 7).len()), (1, 0));
    }
    #[test]
    fn a_stock_relay_is_asked_for_no_more_bytes_of_names_than_so_many() {
        let mut links = Links::default();
        links.add_stock(T, 2, &mailbox());
        let place = |n: usize| -> Place { (format!("{n:07000}").into(), None) };
        let asked = (0..ASKED_BYTES_MAX / 7000 + 10).filter(|n| links.ask(T, &place(*n), 7).len() == 1);
        assert_eq!(asked.count(), ASKED_BYTES_MAX / 7000);
    }
}
