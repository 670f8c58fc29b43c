//! Spans of requests, by W3C Trace Context: continued where the client began a trace, begun here otherwise. Finished spans wait
//! in a bounded queue until the program takes them in one batch; without a tracer nothing of this runs.

use http::StatusCode;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Finished spans kept until they are taken; what comes beyond is counted and dropped.
pub const SPANS_MAX: usize = 4096;

pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const SAMPLED: u8 = 1;
/// Chances of a trace are given in thousandths.
const SAMPLE_WHOLE: u32 = 1000;

/// The clock and the randomness of spans; both are the caller's.
pub trait TraceSource: Send + Sync {
    /// Microseconds since 1970.
    fn now_us(&self) -> u64;
    /// Fills with random bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// One finished span: a request from its head to the head of its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The trace it belongs to.
    pub trace_id: [u8; 16],
    /// Its own id.
    pub span_id: [u8; 8],
    /// The span it was caused by, if there is one.
    pub parent_id: Option<[u8; 8]>,
    /// What was asked: a route of the relay, never a path the client chose.
    pub name: &'static str,
    /// Microseconds since 1970.
    pub start_us: u64,
    /// Microseconds since 1970.
    pub end_us: u64,
    /// Status of the answer.
    pub status: u16,
}

/// Begins spans and keeps finished ones.
pub struct Tracer {
    source: Box<dyn TraceSource>,
    sample_per_mille: u32,
    finished: Mutex<VecDeque<Span>>,
    dropped: AtomicU64,
}

impl Tracer {
    /// A tracer that begins this many of a thousand traces by itself; those that clients began are continued when they are sampled.
    #[must_use]
    pub fn new(source: Box<dyn TraceSource>, sample_per_mille: u32) -> Arc<Self> {
        Arc::new(Self { source, sample_per_mille, finished: Mutex::default(), dropped: AtomicU64::new(0) })
    }

    /// Begins the span of a request, and puts it into the request's head as the parent of what follows.
    pub(crate) fn begin(self: &Arc<Self>, headers: &mut HeaderMap, name: &'static str) -> Option<OpenSpan> {
        let given = headers.get(TRACEPARENT).and_then(|value| Parent::parse(value.as_bytes()));
        let mut span_id = [0; 8];
        let parent = match given {
            Some(parent) if parent.sampled => parent,
            Some(_) => return None,
            None => self.new_trace()?,
        };
        self.source.fill(&mut span_id);
        let mine = Parent { span_id, ..parent };
        if let Ok(value) = HeaderValue::try_from(mine.to_string()) {
            headers.insert(TRACEPARENT, value);
        }
        let span = Span {
            trace_id: parent.trace_id,
            span_id,
            parent_id: given.map(|parent| parent.span_id),
            name,
            start_us: self.source.now_us(),
            end_us: 0,
            status: 0,
        };
        Some(OpenSpan { tracer: Arc::clone(self), span })
    }

    fn new_trace(&self) -> Option<Parent> {
        let mut random = [0; 20];
        self.source.fill(&mut random);
        let (trace_id, chance) = random.split_first_chunk::<16>()?;
        let chance = u32::from_be_bytes(*chance.first_chunk()?) % SAMPLE_WHOLE;
        (chance < self.sample_per_mille).then_some(Parent { trace_id: *trace_id, span_id: [0; 8], sampled: true })
    }

    /// Takes every finished span, oldest first.
    #[must_use]
    pub fn drain(&self) -> Vec<Span> {
        self.lock().drain(..).collect()
    }

    /// Spans lost to the limit of the queue.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn keep(&self, span: Span) {
        let mut finished = self.lock();
        if finished.len() < SPANS_MAX {
            finished.push_back(span);
        } else {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Span>> {
        self.finished.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Tracer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Tracer { … }")
    }
}

/// A span whose request is not answered yet; dropped without an end it is forgotten.
pub(crate) struct OpenSpan {
    tracer: Arc<Tracer>,
    span: Span,
}

impl OpenSpan {
    pub(crate) fn end(mut self, status: StatusCode) {
        self.span.end_us = self.tracer.source.now_us().max(self.span.start_us);
        self.span.status = status.as_u16();
        self.tracer.keep(self.span);
    }
}

/// A value of `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Parent {
    trace_id: [u8; 16],
    span_id: [u8; 8],
    sampled: bool,
}

impl Parent {
    /// Reads `00-<32 digits>-<16 digits>-<2 digits>`; later versions may say more behind it, `ff` is none.
    fn parse(value: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok()?;
        let mut parts = text.split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let [version] = digits::<1>(version)?;
        if version == 0xff || (version == 0 && parts.next().is_some()) {
            return None;
        }
        let [flags] = digits::<1>(flags)?;
        let parent = Self { trace_id: digits(trace)?, span_id: digits(span)?, sampled: flags & SAMPLED != 0 };
        (parent.trace_id != [0; 16] && parent.span_id != [0; 8]).then_some(parent)
    }
}

impl fmt::Display for Parent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("00-")?;
        self.trace_id.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))?;
        formatter.write_str("-")?;
        self.span_id.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))?;
        formatter.write_str("-01")
    }
}

/// Lower-case hexadecimal digits, exactly two for each byte.
fn digits<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != 2 * N || !text.bytes().all(is_hex) {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts instead of being random.
    struct Counting(AtomicU64);

    impl TraceSource for Counting {
        fn now_us(&self) -> u64 {
            self.0.fetch_add(1, Ordering::Relaxed)
        }

        fn fill(&self, bytes: &mut [u8]) {
            let next = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
            bytes.fill(0);
            let last = bytes.len() - 8;
            bytes[last..].copy_from_slice(&next);
            bytes[0] = 9;
        }
    }

    const GIVEN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn headers(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(TRACEPARENT, HeaderValue::try_from(value).unwrap())])
    }

    #[test]
    fn a_trace_of_the_client_is_continued_and_passed_on() {
        let tracer = Tracer::new(Box::new(Counting(AtomicU64::new(1))), 0);
        let mut head = headers(GIVEN);
        tracer.begin(&mut head, "/v1/push").unwrap().end(StatusCode::OK);
        let [span] = tracer.drain().try_into().unwrap();
        assert_eq!(span.parent_id, digits("b7ad6b7169203331"));
        assert_eq!((span.name, span.status), ("/v1/push", 200));
        assert!(span.end_us >= span.start_us);
        let passed = Parent::parse(head[TRACEPARENT].as_bytes()).unwrap();
        assert_eq!((passed.trace_id, passed.span_id), (span.trace_id, span.span_id));
    }

    #[test]
    fn unsampled_and_unreadable_parents_begin_nothing_without_a_chance() {
        let tracer = Tracer::new(Box::new(Counting(AtomicU64::new(1))), 0);
        for value in [
            &GIVEN.replace("-01", "-00"),
            &GIVEN.replace("00-", "ff-"),
            &GIVEN.to_uppercase(),
            &format!("{GIVEN}-x"),
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "",
        ] {
            assert!(tracer.begin(&mut headers(value), "x").is_none(), "{value}");
        }
        let always = Tracer::new(Box::new(Counting(AtomicU64::new(1))), 1000);
        always.begin(&mut HeaderMap::new(), "x").unwrap().end(StatusCode::OK);
        assert_eq!(always.drain().first().map(|span| span.parent_id), Some(None));
    }

    #[test]
    fn what_nobody_takes_is_dropped_and_counted() {
        let tracer = Tracer::new(Box::new(Counting(AtomicU64::new(1))), 1000);
        for _ in 0..SPANS_MAX + 3 {
            tracer.begin(&mut HeaderMap::new(), "x").unwrap().end(StatusCode::OK);
        }
        assert_eq!((tracer.drain().len(), tracer.dropped()), (SPANS_MAX, 3));
    }
}
