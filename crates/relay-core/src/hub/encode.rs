//! Entries frames from stored entries.

use crate::endpoint::SharedFrame;
use crate::store::StoredEntry;
use relay_proto::attestation::Attestation;
use relay_proto::frame::EntriesEncoder;
use relay_proto::ids::DeviceKey;
use relay_proto::limits::ENTRIES_FRAME_BYTES;

/// What an item takes beside its sealed bytes, in bytes.
const ITEM_OVERHEAD_BYTES: usize = 32 + 8 + 4 + 1 + 4;

/// How a run of entries is put into frames.
pub(crate) struct PageEncoding<'a> {
    /// The pull it answers; 0: the subscription.
    pub(crate) request: u32,
    /// seq of the first entry.
    pub(crate) first_seq: u64,
    /// The device whose own bodies are left out.
    pub(crate) omit_own_of: Option<DeviceKey>,
    /// The head shown with it.
    pub(crate) attestation: &'a Attestation,
}

/// One frame, and the seqs it covers.
pub(crate) struct EncodedRun {
    pub(crate) first_seq: u64,
    pub(crate) last_seq: u64,
    pub(crate) frame: SharedFrame,
}

/// Encodes entries into frames of at most [`ENTRIES_FRAME_BYTES`], or one entry; a run without entries is one empty frame.
pub(crate) fn encode_page(page: &PageEncoding<'_>, entries: &[StoredEntry]) -> Vec<EncodedRun> {
    let mut runs = Vec::with_capacity(1);
    let mut rest = entries;
    let mut first_seq = page.first_seq;
    loop {
        let (now, later) = rest.split_at(frame_entries(rest));
        let last_seq = first_seq + count(now.len()) - 1;
        let frame = encode_run(page, first_seq, last_seq, now);
        runs.push(EncodedRun { first_seq, last_seq, frame });
        if later.is_empty() {
            return runs;
        }
        rest = later;
        first_seq = last_seq + 1;
    }
}

/// How many entries go into the next frame: at least one when there are any.
fn frame_entries(entries: &[StoredEntry]) -> usize {
    let mut bytes = 0;
    let fits = |entry: &&StoredEntry| {
        bytes += entry.sealed.len() + ITEM_OVERHEAD_BYTES;
        bytes <= ENTRIES_FRAME_BYTES
    };
    let fitting = entries.iter().take(usize::from(u16::MAX)).take_while(fits).count();
    fitting.max(1).min(entries.len())
}

fn encode_run(page: &PageEncoding<'_>, first_seq: u64, last_seq: u64, entries: &[StoredEntry]) -> SharedFrame {
    let bytes = entries.iter().map(|entry| entry.sealed.len() + ITEM_OVERHEAD_BYTES).sum();
    let mut encoder = EntriesEncoder::new(page.request, first_seq, bytes);
    for entry in entries {
        let fits = if page.omit_own_of == Some(entry.device) {
            encoder.own(&entry.device, entry.push_seq, entry.key_epoch, &entry.id)
        } else {
            encoder.sealed(&entry.device, entry.push_seq, entry.key_epoch, &entry.sealed)
        };
        debug_assert!(fits, "frame_entries keeps the count below the frame's limit");
    }
    encoder.finish(page.attestation.claim.size > last_seq, page.attestation).into()
}

fn count(entries: usize) -> u64 {
    u64::try_from(entries).unwrap_or(u64::MAX)
}
