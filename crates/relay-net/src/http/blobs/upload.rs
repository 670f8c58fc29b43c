//! An upload: the body goes to the store chunk by chunk; while one is written the next is gathered, and no more.

use super::super::answer_body::Answer;
use super::super::input_body::InputBody;
use super::answer::{self, Refused};
use super::grant::Grant;
use super::range::{self, Piece};
use super::{CHUNK_BYTES, DISCARD_BYTES_MAX, ask, start};
use crate::limits::NetLimits;
use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http::header::{EXPECT, HeaderMap};
use http_body_util::BodyExt;
use hyper::body::Body;
use relay_core::blobs::{Appended, Begun, BlobError, Blobs, Upload};
use relay_core::store::StoreError;
use relay_proto::ErrorCode;
use relay_proto::ids::BlobId;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// How long an upload may keep the relay waiting; time the relay itself needs does not count.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    silence: Duration,
    grace_ms: u64,
    rate_bytes_min: u64,
}

impl Patience {
    pub(super) fn of(limits: &NetLimits) -> Self {
        Self {
            silence: Duration::from_millis(limits.blob_stall_timeout_ms),
            grace_ms: limits.message_grace_ms,
            rate_bytes_min: limits.message_rate_bytes_min.max(1),
        }
    }

    fn is_over(&self, waited: Duration, received_bytes: u64) -> bool {
        let earned_ms = received_bytes.saturating_mul(1000) / self.rate_bytes_min;
        waited > Duration::from_millis(self.grace_ms.saturating_add(earned_ms))
    }
}

/// Takes a piece of a blob, or all of it.
pub(super) async fn put(
    blobs: &Blobs,
    grant: &Grant,
    blob: BlobId,
    headers: &HeaderMap,
    mut body: InputBody,
    patience: Patience,
) -> Result<Answer, Refused> {
    // Without a length nothing can be admitted: quotas are judged before the first byte.
    let piece = body.size_hint().exact().and_then(|bytes| range::piece(headers, bytes));
    let begun = match piece {
        Some(Piece { offset, total_bytes }) => {
            ask(|done| blobs.begin(&grant.who, blob, total_bytes, offset, done)).await.map_err(Refused::from)
        }
        None => Err(Refused::from(ErrorCode::RequestInvalid)),
    };
    // Who asks first sends nothing to a relay that does not want it; reading would call for all of it.
    let mut comes_unasked = !headers.contains_key(EXPECT);
    let taken = match (begun, piece) {
        (Ok(Begun::Upload(upload)), Some(piece)) => {
            comes_unasked = true;
            Receiving { blobs, grant, upload, offset: piece.offset, flying: None }.run(&mut body, patience).await
        }
        (Ok(_), _) => Ok(None),
        (Err(refused), _) => Err(refused),
    };
    // Of a client that kept the relay waiting for too long nothing more is waited for.
    let is_late = taken.as_ref().is_err_and(|refused| refused.is(ErrorCode::IdleTimeout));
    if comes_unasked && !is_late && !matches!(taken, Ok(Some(_))) {
        discard(&mut body, patience.silence).await;
    }
    Ok(match taken? {
        None => answer::stored(StatusCode::OK, blob),
        Some(Appended::Stored(_)) => answer::stored(StatusCode::CREATED, blob),
        Some(Appended::Received { received_bytes }) => answer::received(received_bytes),
    })
}

/// Reads what the client is sending already, so that it gets to read the answer.
async fn discard(body: &mut InputBody, time: Duration) {
    let mut left = DISCARD_BYTES_MAX;
    let reading = async {
        while let Some(Ok(frame)) = body.frame().await {
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(bytes) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    };
    // A client that sends on regardless is cut by the end of the connection.
    let _ = timeout(time, reading).await;
}

type Flying = oneshot::Receiver<Result<Appended, BlobError>>;

struct Receiving<'a> {
    blobs: &'a Blobs,
    grant: &'a Grant,
    upload: Upload,
    /// Where the next chunk goes.
    offset: u64,
    flying: Option<Flying>,
}

impl Receiving<'_> {
    async fn run(mut self, body: &mut InputBody, patience: Patience) -> Result<Option<Appended>, Refused> {
        let mut gathered = BytesMut::new();
        let (mut waited, mut received_bytes) = (Duration::ZERO, 0);
        let ended = loop {
            let asked = Instant::now();
            let Ok(frame) = timeout(patience.silence, body.frame()).await else {
                break Err(ErrorCode::IdleTimeout);
            };
            waited += asked.elapsed();
            if patience.is_over(waited, received_bytes) {
                break Err(ErrorCode::IdleTimeout);
            }
            let data = match frame {
                None => break Ok(()),
                Some(Err(_)) => break Err(ErrorCode::RequestInvalid),
                // Trailers say nothing about a blob.
                Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
            };
            received_bytes += data.len() as u64;
            gathered.extend_from_slice(&data);
            if gathered.len() >= CHUNK_BYTES {
                self.land().await?;
                self.fly(gathered.split().freeze()).await?;
            }
        };
        let mut last = self.land().await?;
        // What came before the client went is kept: the upload goes on from there.
        if !gathered.is_empty() {
            self.fly(gathered.freeze()).await?;
            last = self.land().await?;
        }
        ended?;
        last.map(Some).ok_or(Refused::from(ErrorCode::RequestInvalid))
    }

    async fn fly(&mut self, chunk: Bytes) -> Result<(), Refused> {
        self.grant.still_holds().await?;
        let (offset, bytes) = (self.offset, chunk.len() as u64);
        self.flying = Some(start(|done| self.blobs.append(self.upload, offset, chunk, done)));
        self.offset += bytes;
        Ok(())
    }

    async fn land(&mut self) -> Result<Option<Appended>, Refused> {
        let Some(flying) = self.flying.take() else { return Ok(None) };
        let landed = flying.await.unwrap_or(Err(BlobError::Store(StoreError::Closed)));
        Ok(Some(landed?))
    }
}
