//! The sessions of one space, and who of them wants its entries.

use crate::session::SessionHandle;
use crate::store::StoredEntry;
use relay_proto::ids::DeviceKey;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Up to this many sessions the list of a space grows by one place at a time: most spaces have one or two.
const MEMBERS_GROWN_BY_ONE_MAX: usize = 8;

/// What a session wants of the entries.
#[derive(Clone, Default)]
pub(crate) struct Subscribed {
    /// The device whose own bodies it does not want.
    pub(crate) omit_own_of: Option<Arc<DeviceKey>>,
    /// Who is told of news; without one the session is woken.
    pub(crate) subscriber: Option<Arc<dyn Subscriber>>,
}

/// Who follows the entries of a space.
pub(crate) trait Subscriber: Send + Sync {
    /// There are new ones.
    fn announce(&self);
    /// Who it is, and up to which seq it was sent everything.
    fn position(&self) -> (DeviceKey, u64);
}

/// The sessions of one space.
#[derive(Default)]
pub(super) struct Members {
    list: Vec<Member>,
    /// Members with a subscription.
    subscribed: usize,
}

struct Member {
    session: Arc<SessionHandle>,
    subscription: Option<Subscribed>,
}

impl Members {
    pub(super) const fn len(&self) -> usize {
        self.list.len()
    }

    /// Adds a session, without a subscription.
    pub(super) fn add(&mut self, session: Arc<SessionHandle>) {
        if self.list.len() < MEMBERS_GROWN_BY_ONE_MAX {
            self.list.reserve_exact(1);
        }
        self.list.push(Member { session, subscription: None });
    }

    /// Removes a session with its subscription; returns whether it was there.
    pub(super) fn remove(&mut self, session: &SessionHandle) -> bool {
        self.set_subscription(session, None);
        let before = self.list.len();
        self.list.retain(|member| member.session.id != session.id);
        self.list.len() < before
    }

    /// Says what a session wants of the entries (`None`: nothing).
    pub(super) fn set_subscription(&mut self, session: &SessionHandle, subscription: Option<Subscribed>) {
        if let Some(member) = self.list.iter_mut().find(|member| member.session.id == session.id) {
            self.subscribed += usize::from(subscription.is_some());
            self.subscribed -= usize::from(member.subscription.is_some());
            member.subscription = subscription;
        }
    }

    /// Whether anybody wants the entries.
    pub(super) const fn any_subscribed(&self) -> bool {
        self.subscribed > 0
    }

    /// Those who follow the entries by themselves: over a WebSocket.
    pub(super) fn subscribers(&self) -> impl Iterator<Item = &Arc<dyn Subscriber>> {
        self.list.iter().filter_map(|member| member.subscription.as_ref()?.subscriber.as_ref())
    }

    /// Those authors of these entries who do not want their own bodies.
    pub(super) fn authors_omitting(&self, entries: &[StoredEntry]) -> BTreeSet<DeviceKey> {
        let authors: BTreeSet<DeviceKey> = entries.iter().map(|entry| entry.device).collect();
        let omitting =
            self.list.iter().filter_map(|member| member.subscription.as_ref()?.omit_own_of.as_deref().copied());
        omitting.filter(|device| authors.contains(device)).collect()
    }

    /// Tells those who want entries that there is news of them.
    pub(super) fn wake_subscribed(&self) {
        for Member { session, subscription } in &self.list {
            match subscription {
                Some(Subscribed { subscriber: Some(subscriber), .. }) => subscriber.announce(),
                Some(Subscribed { subscriber: None, .. }) => session.wake(),
                None => {}
            }
        }
    }

    /// Wakes every session.
    pub(super) fn wake_all(&self) {
        self.list.iter().for_each(|member| member.session.wake());
    }

    /// Wakes every session but that of this id.
    pub(super) fn wake_others(&self, session: u64) {
        self.list.iter().filter(|member| member.session.id != session).for_each(|member| member.session.wake());
    }
}
