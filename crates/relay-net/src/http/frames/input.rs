//! Where the frames of a request come from.

use super::super::input_body::InputBody;
use super::reader::{FrameReader, TooLarge};
use bytes::Bytes;
use hyper::body::Body;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

enum Source {
    Body(InputBody),
    /// The one frame a query stands for.
    Frame(Bytes),
    Ended,
}

pub(super) struct Input {
    source: Source,
    piece: Bytes,
    reader: FrameReader,
}

/// What came next.
#[derive(Debug)]
pub(super) enum Next {
    Frame(Bytes),
    /// Part of a frame.
    Part(usize),
    End,
    /// The body ended inside a frame, or broke off.
    Broken,
    TooLarge,
}

impl Input {
    pub(super) fn body(body: InputBody) -> Self {
        Self { source: Source::Body(body), piece: Bytes::new(), reader: FrameReader::default() }
    }

    pub(super) fn frame(frame: Bytes) -> Self {
        Self { source: Source::Frame(frame), piece: Bytes::new(), reader: FrameReader::default() }
    }

    pub(super) fn poll_next(&mut self, frame_bytes_max: usize, cx: &mut Context<'_>) -> Poll<Next> {
        match self.reader.next(&mut self.piece, frame_bytes_max) {
            Ok(Some(frame)) => return Poll::Ready(Next::Frame(frame)),
            Ok(None) => {}
            Err(TooLarge) => return Poll::Ready(Next::TooLarge),
        }
        if let Source::Body(body) = &mut self.source {
            match ready!(Pin::new(body).poll_frame(cx)) {
                None => self.source = Source::Ended,
                Some(Err(_)) => return Poll::Ready(Next::Broken),
                Some(Ok(frame)) => {
                    // Trailers say nothing here.
                    self.piece = frame.into_data().unwrap_or_default();
                    return Poll::Ready(Next::Part(self.piece.len()));
                }
            }
        }
        Poll::Ready(match std::mem::replace(&mut self.source, Source::Ended) {
            Source::Frame(frame) => Next::Frame(frame),
            _ if self.reader.is_mid_frame() => Next::Broken,
            _ => Next::End,
        })
    }

    pub(super) fn is_mid_frame(&self) -> bool {
        self.reader.is_mid_frame()
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.reader.held_bytes() + self.piece.len()
    }
}
