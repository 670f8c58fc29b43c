//! The endpoint's side of a stream's window: what it pushes becomes records, as long as the socket took enough of the last ones.

use super::wire::{self, Output};
use relay_core::endpoint::{Close, Outbound, Outbox};

#[derive(Debug)]
pub(super) struct WindowOutbox {
    stream: u32,
    window_bytes: usize,
    /// Records that were not handed to the program yet.
    pub(super) records: Vec<u8>,
    /// Cost of the records the socket did not take yet.
    pub(super) outstanding_bytes: usize,
    pub(super) messages: u64,
    pub(super) close: Option<Close>,
    pub(super) reading_paused: bool,
}

impl WindowOutbox {
    pub(super) fn new(stream: u32, window_bytes: usize) -> Self {
        Self {
            stream,
            window_bytes,
            records: Vec::new(),
            outstanding_bytes: 0,
            messages: 0,
            close: None,
            reading_paused: false,
        }
    }

    pub(super) fn taken(&mut self, bytes: usize) {
        self.outstanding_bytes = self.outstanding_bytes.saturating_sub(bytes);
    }
}

impl Outbox for WindowOutbox {
    fn room_bytes(&self) -> usize {
        if self.close.is_some() { 0 } else { self.window_bytes.saturating_sub(self.outstanding_bytes) }
    }

    fn push(&mut self, message: Outbound) {
        if self.close.is_some() {
            return;
        }
        let frame = match message {
            Outbound::Own(frame) => frame,
            Outbound::Shared(shared) => shared.frame(),
        };
        self.messages += 1;
        self.outstanding_bytes += wire::append(&mut self.records, Output::Data, self.stream, &[&frame]);
    }

    fn close(&mut self, close: Close) {
        self.close.get_or_insert(close);
    }

    fn pause_reading(&mut self, paused: bool) {
        self.reading_paused = paused;
    }
}
