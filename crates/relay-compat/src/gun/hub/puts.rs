//! The part of the hub that takes puts: checked where that is dear, deferred when their state is yet to come, then stored.

use super::super::inbox::{Item, Queued};
use super::super::message::{Message, Said};
use super::super::{CHECKED_MESSAGES_MAX, FUTURE_GRACE_MS, FUTURE_MS_MAX};
use super::{Author, Hub, Reply, Waiting, locked};
use relay_core::documents::Tenant;
use std::collections::VecDeque;
use std::sync::Arc;

impl Hub {
    /// Has a batch of a peer checked; it comes back to its mailbox.
    pub(in super::super) fn check(
        self: &Arc<Self>,
        tenant: Tenant,
        author: &Author,
        is_relay: bool,
        batch: VecDeque<Queued>,
    ) {
        let (hub, author) = (Arc::clone(self), author.clone());
        let done = move |batch| {
            if let Some(batch) = author.mailbox.checked(batch) {
                hub.finish(tenant, &author, is_relay, batch);
            }
        };
        self.checker.check(batch, Box::new(done));
    }

    /// Stores what is left of a peer that has gone. Of its puts, the order does not matter.
    pub(in super::super) fn finish(
        self: &Arc<Self>,
        tenant: Tenant,
        author: &Author,
        is_relay: bool,
        mut left: VecDeque<Queued>,
    ) {
        let is_put = |item: &Item| match item {
            Item::Frame(_) => true,
            Item::Message(message) | Item::Checked(message) => matches!(message.said, Said::Put { .. }),
        };
        left.retain(|queued| is_put(&queued.item));
        let mut unchecked = VecDeque::new();
        for Queued { item, lease } in left {
            match item {
                Item::Checked(Message { id, said: Said::Put { nodes, blocks, bytes }, .. }) => {
                    let reply = Reply { ack: id.filter(|_| !is_relay), ask: None };
                    self.put(Waiting { tenant, peer: author.clone(), reply, nodes, blocks, bytes });
                }
                item => unchecked.push_back(Queued { item, lease }),
            }
        }
        if unchecked.is_empty() {
            return;
        }
        let (hub, author) = (Arc::clone(self), author.clone());
        let rest = unchecked.split_off(unchecked.len().min(CHECKED_MESSAGES_MAX));
        let done = move |mut batch: VecDeque<Queued>| {
            batch.extend(rest);
            hub.finish(tenant, &author, is_relay, batch);
        };
        self.checker.check(unchecked, Box::new(done));
    }

    /// Takes a put that was judged.
    pub(in super::super) fn put(self: &Arc<Self>, put: Waiting<Author>) {
        let now_ms = self.clock.now_ms();
        let (ack, mailbox) = (put.reply.ack.clone(), Arc::clone(&put.peer.mailbox));
        let states = put.nodes.iter().flat_map(|node| &node.properties).map(|property| property.state);
        let newest = states.fold(0.0, f64::max);
        if newest > now_ms.saturating_add(FUTURE_MS_MAX) as f64 {
            return self.refuse(&mailbox, ack.as_deref(), "The state is too far in the future!");
        }
        if newest <= now_ms.saturating_add(FUTURE_GRACE_MS) as f64 {
            return self.store(put);
        }
        if !locked(&self.deferred).add(newest.ceil() as u64, put) {
            self.refuse(&mailbox, ack.as_deref(), "Too many writes wait for their state!");
        }
    }
}
