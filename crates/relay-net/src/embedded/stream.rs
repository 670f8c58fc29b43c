//! One stream between the program and the relay: a WebSocket or a request. The program's thread puts in, the stream's task
//! takes out; both sides have a window.

use super::wire::{Input, Record};
use atomic_waker::AtomicWaker;
use bytes::Bytes;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// Input of one stream that may wait for its task, in bytes beside the newest message. The program stops reading well below it; one
/// that does not is cut.
pub(crate) const INPUT_BYTES_MAX: usize = 4 * 1024 * 1024;

#[derive(Debug, Default)]
struct Inlet {
    messages: VecDeque<Bytes>,
    waiting_bytes: usize,
    /// Output the socket took since the task looked.
    taken_bytes: usize,
    ended: bool,
    alive: bool,
    overrun: bool,
}

/// What a look at the stream found.
#[derive(Debug, Default)]
pub(crate) struct Look {
    /// Output the socket took since the last look.
    pub(crate) taken_bytes: usize,
    /// The peer gave a sign of life.
    pub(crate) alive: bool,
    /// The program put in more than its window.
    pub(crate) overrun: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Stream {
    inlet: Mutex<Inlet>,
    gone: AtomicBool,
    woken: AtomicBool,
    task: AtomicWaker,
}

impl Stream {
    /// Takes in what the program says.
    pub(crate) fn put(&self, record: &Record<'_>) {
        {
            let mut inlet = self.lock();
            match record.kind {
                Input::Data if inlet.waiting_bytes > INPUT_BYTES_MAX => inlet.overrun = true,
                Input::Data => {
                    inlet.waiting_bytes += record.cost_bytes();
                    inlet.messages.push_back(Bytes::copy_from_slice(record.payload));
                    inlet.alive = true;
                }
                Input::End => inlet.ended = true,
                Input::Taken => inlet.taken_bytes += count(record.payload),
                Input::Alive => inlet.alive = true,
                Input::Gone => self.gone.store(true, Ordering::Release),
                Input::OpenSession | Input::OpenRequest => {}
            }
        }
        self.task.wake();
    }

    /// Registers the task; call before looking.
    pub(crate) fn register(&self, waker: &Waker) {
        self.task.register(waker);
    }

    /// The endpoint wants to be polled.
    pub(crate) fn wake_endpoint(&self) {
        self.woken.store(true, Ordering::Release);
        self.task.wake();
    }

    /// Whether the endpoint wanted to be polled.
    pub(crate) fn take_woken(&self) -> bool {
        self.woken.swap(false, Ordering::AcqRel)
    }

    /// Whether the socket is gone.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    pub(crate) fn look(&self) -> Look {
        let mut inlet = self.lock();
        Look {
            taken_bytes: std::mem::take(&mut inlet.taken_bytes),
            alive: std::mem::take(&mut inlet.alive),
            overrun: inlet.overrun,
        }
    }

    /// The next message or piece, oldest first.
    pub(crate) fn next(&self) -> Option<Bytes> {
        let mut inlet = self.lock();
        let message = inlet.messages.pop_front()?;
        inlet.waiting_bytes = inlet.waiting_bytes.saturating_sub(super::wire::RECORD_HEADER_BYTES + message.len());
        Some(message)
    }

    /// Whether the body is complete and everything of it was taken.
    pub(crate) fn is_ended(&self) -> bool {
        let inlet = self.lock();
        inlet.ended && inlet.messages.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Inlet> {
        self.inlet.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count(payload: &[u8]) -> usize {
    payload.first_chunk().map_or(0, |bytes| usize::try_from(u32::from_be_bytes(*bytes)).unwrap_or(usize::MAX))
}

/// The open streams by the number the program gave them; at most one per admitted connection.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    open: Mutex<HashMap<u32, Arc<Stream>>>,
}

impl Streams {
    pub(crate) fn get(&self, id: u32) -> Option<Arc<Stream>> {
        self.lock().get(&id).cloned()
    }

    /// Opens a stream; it is known until the lease is dropped.
    pub(crate) fn open(self: &Arc<Self>, id: u32) -> (Arc<Stream>, StreamLease) {
        let stream = Arc::new(Stream::default());
        self.lock().insert(id, Arc::clone(&stream));
        (stream, StreamLease { streams: Arc::clone(self), id })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u32, Arc<Stream>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps a stream known.
#[derive(Debug)]
pub(crate) struct StreamLease {
    streams: Arc<Streams>,
    pub(crate) id: u32,
}

impl Drop for StreamLease {
    fn drop(&mut self) {
        self.streams.lock().remove(&self.id);
    }
}
