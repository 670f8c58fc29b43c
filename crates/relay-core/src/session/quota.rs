//! Room for pushes: what is new in them is held against the quotas of the space and of its tenant before the store sees it.

use super::handle::Answer;
use super::io::Io;
use super::open::OpenSession;
use crate::hub::SpaceChannel;
use crate::limits::QUOTA_RETRY_AFTER_MS;
use crate::quota::Amount;
use crate::store::{SpaceUsage, StoreError};
use crate::tenants::{self, Tenant};
use relay_proto::ErrorCode;
use relay_proto::frame::{ErrorFrame, Push};
use relay_proto::quota::{Quota, QuotaDetail};
use std::sync::Arc;

/// Room that is reserved until this is dropped.
pub(super) struct Room {
    channel: Arc<SpaceChannel>,
    amount: Amount,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.channel.meter().release(self.amount);
        if let Some(tenant) = self.channel.tenant() {
            tenant.release(self.amount);
        }
    }
}

impl OpenSession {
    /// Whether pushes wait until it is known how much the space and its tenant hold; asks for it once.
    pub(super) fn must_ask_usage(&mut self, io: &Io<'_>) -> bool {
        let of_space = self.channel.meter().must_ask();
        let tenant = self.channel.tenant().filter(|tenant| tenant.must_ask());
        if !self.pushes.holds_any() || !(of_space || tenant.is_some()) {
            return false;
        }
        if std::mem::replace(&mut self.pushes.asks_usage, true) {
            return true;
        }
        match tenant {
            Some(tenant) if !of_space => tenants::ask(tenant, &io.shared.store, io.completion(Answer::TenantKnown)),
            _ => io.shared.store.usage(self.space, io.completion(Answer::Usage)),
        }
        true
    }

    pub(super) fn on_tenant_known(&mut self, known: &Result<(), StoreError>, io: &mut Io<'_>) {
        self.pushes.asks_usage = false;
        match known {
            Ok(()) => self.forward_pushes(io),
            Err(error) => io.fatal(super::code_of(error)),
        }
    }

    pub(super) fn on_usage(&mut self, usage: Result<SpaceUsage, StoreError>, io: &mut Io<'_>) {
        self.pushes.asks_usage = false;
        match usage {
            Ok(usage) => {
                self.channel.meter().learn(usage);
                self.forward_pushes(io);
            }
            Err(error) => io.fatal(super::code_of(&error)),
        }
    }

    /// Reserves room for what is new in a push; nothing where there are no quotas.
    pub(super) fn reserve(&self, push: &Push) -> Result<Option<Room>, QuotaDetail> {
        if !self.channel.meter().is_set() && self.channel.tenant().is_none() {
            return Ok(None);
        }
        let fresh = (push.push_seq_first..).zip(&push.entries).filter(|(seq, _)| *seq > self.pushes.push_seq_high);
        let amount = fresh.fold(Amount::default(), |amount, (_, entry)| Amount {
            entries: amount.entries + 1,
            bytes: amount.bytes.saturating_add(u64::try_from(entry.len()).unwrap_or(u64::MAX)),
        });
        self.channel.meter().reserve(amount)?;
        if let Some(Err(detail)) = self.channel.tenant().map(|tenant| tenant.reserve(amount)) {
            self.channel.meter().release(amount);
            return Err(detail);
        }
        Ok(Some(Room { channel: Arc::clone(&self.channel), amount }))
    }

    /// Says which quota a push would exceed. What was forgotten meanwhile is found out for the next try.
    pub(super) fn refuse_for_quota(&self, push_seq_first: u64, detail: QuotaDetail, io: &mut Io<'_>) {
        if matches!(detail.quota, Quota::TenantEntries | Quota::TenantBytes) {
            io.shared.counters.tenant_quota_refused_total.one();
        }
        if let Some(tenant) = self.channel.tenant() {
            Tenant::refresh(tenant, &io.shared.store, io.now);
        }
        if self.channel.meter().is_set() && self.channel.meter().may_refresh(io.now) {
            let channel = Arc::clone(&self.channel);
            let learn = move |usage: Result<SpaceUsage, StoreError>| {
                // Whoever cannot be asked now is asked with the next refusal.
                if let Ok(usage) = usage {
                    channel.meter().learn(usage);
                }
            };
            io.shared.store.usage(self.space, Box::new(learn));
        }
        io.shared.counters.quota_refused_total.one();
        let code = ErrorCode::QuotaExceeded;
        let frame = ErrorFrame {
            retry_after_ms: QUOTA_RETRY_AFTER_MS,
            detail: detail.encode(),
            ..ErrorFrame::about(code, push_seq_first)
        };
        io.error_frame(code, frame);
    }
}
