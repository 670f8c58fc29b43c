//! Pulls, and what they share with the subscription: cursors of other log epochs, floors, pages.

use super::handle::Answer;
use super::io::Io;
use super::open::OpenSession;
use super::requests::UnderWay;
use crate::hub::{PageEncoding, encode_page};
use crate::limits::{READ_PAGE_BYTES, READ_PAGE_ENTRIES};
use crate::store::{Page, ReadOutcome, StoreError};
use bytes::Bytes;
use relay_proto::ErrorCode;
use relay_proto::frame::{CursorExpired, Pull};
use relay_proto::ids::DeviceKey;

impl OpenSession {
    pub(super) fn start_pull(&mut self, pull: Pull, io: &mut Io<'_>) {
        if !self.epoch_is_present(pull.log_epoch, u64::from(pull.request), io) {
            return;
        }
        self.requests.under_way = Some(UnderWay::Pull(pull));
        let entries_max = pull.entries_max.min(READ_PAGE_ENTRIES);
        let bytes_max = pull.bytes_max.min(READ_PAGE_BYTES);
        io.shared.store.read(self.space, pull.after, entries_max, bytes_max, io.completion(Answer::Read));
    }

    /// Whether a cursor is of the present log epoch; otherwise the client is shown the way, or its error.
    pub(super) fn epoch_is_present(&mut self, log_epoch: u64, context: u64, io: &mut Io<'_>) -> bool {
        let present = io.shared.store.log().log_epoch;
        match log_epoch.cmp(&present) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Greater => io.error(ErrorCode::CursorAhead, context),
            std::cmp::Ordering::Less => {
                self.requests.under_way = Some(UnderWay::LogResets);
                io.shared.store.log_resets(self.space, log_epoch, io.completion(Answer::LogResets));
            }
        }
        false
    }

    pub(super) fn on_pull_read(&mut self, pull: Pull, read: Result<ReadOutcome, StoreError>, io: &mut Io<'_>) {
        let context = u64::from(pull.request);
        match read {
            Ok(ReadOutcome::Page(page)) if page.entries.is_empty() && !page.more && self.hold_pull(pull, io) => {}
            Ok(ReadOutcome::Page(page)) => {
                // One pull is answered by one frame; what does not fit is pulled again.
                send_page(&page, pull.request, None, 1, io);
            }
            Ok(ReadOutcome::BelowFloor { attestation }) => cursor_expired(pull.request, &attestation, io),
            Ok(ReadOutcome::Ahead) => io.error(ErrorCode::CursorAhead, context),
            Err(error) => io.store_error(&error, context),
        }
    }
}

/// Sends at most `frames_max` frames of a page; returns the seq of the last entry sent (that before the page when it is empty).
pub(super) fn send_page(
    page: &Page,
    request: u32,
    omit_own_of: Option<DeviceKey>,
    frames_max: usize,
    io: &mut Io<'_>,
) -> u64 {
    let mut last = page.first_seq.saturating_sub(1);
    let Some(attestation) = io.attestation(&page.attestation) else { return last };
    let encoding = PageEncoding { request, first_seq: page.first_seq, omit_own_of, attestation: &attestation };
    for run in encode_page(&encoding, &page.entries).into_iter().take(frames_max) {
        io.shared.counters.entries_log_total.add(run.last_seq + 1 - run.first_seq);
        last = run.last_seq;
        io.send_shared(run.frame);
    }
    last
}

pub(super) fn cursor_expired(request: u32, attestation: &Bytes, io: &mut Io<'_>) {
    if let Some(attestation) = io.attestation(attestation) {
        io.send(&CursorExpired { request, attestation });
    }
}
