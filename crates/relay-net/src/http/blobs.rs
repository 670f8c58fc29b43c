//! Blobs over HTTP: `PUT`, `GET`, `HEAD` and `DELETE` of a path that ends with the blob's id. Bodies stream: of one request
//! two chunks of [`CHUNK_BYTES`] are in memory, one at the store and one being filled or sent, and the socket waits for the
//! disk.

mod answer;
mod download;
mod grant;
mod range;
mod upload;

pub(crate) use download::BlobBody;

use super::answer_body::Answer;
use super::exchange::Front;
use super::frames::bearer;
use super::input_body::InputBody;
use answer::Refused;
use grant::Grant;
use http::Method;
use http::header::{AUTHORIZATION, HeaderMap};
use http::request::Parts;
use relay_core::blobs::{BlobCompletion, BlobError, BlobRefusal, Blobs};
use relay_core::store::StoreError;
use relay_proto::ErrorCode;
use relay_proto::ids::BlobId;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Bytes handed to the store, or asked of it, at a time.
const CHUNK_BYTES: usize = 256 * 1024;
/// What is read and thrown away of a body that is not wanted, so that the client gets to read the answer.
const DISCARD_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Asks the store and waits for its answer.
async fn ask<T: Send + 'static>(call: impl FnOnce(BlobCompletion<T>)) -> Result<T, BlobError> {
    start(call).await.unwrap_or(Err(BlobError::Store(StoreError::Closed)))
}

/// Asks the store; the answer arrives later.
fn start<T: Send + 'static>(call: impl FnOnce(BlobCompletion<T>)) -> oneshot::Receiver<Result<T, BlobError>> {
    let (send, receive) = oneshot::channel();
    // Whoever asked may have gone with its connection.
    call(Box::new(move |result| drop(send.send(result))));
    receive
}

impl Front {
    /// Answers one request for a blob.
    pub(crate) async fn blob(&self, head: &Parts, body: InputBody) -> Answer {
        self.shared.stats.counters.blob_requests_total.add(1);
        let answered = match &self.blobs {
            Some(blobs) => self.blob_of(blobs, head, body).await,
            None => Err(Refused::from(ErrorCode::BlobUnknown)),
        };
        answered.unwrap_or_else(|refused| {
            self.shared.stats.counters.http_errors_total.add(1);
            refused.answer()
        })
    }

    async fn blob_of(&self, blobs: &Arc<Blobs>, head: &Parts, body: InputBody) -> Result<Answer, Refused> {
        let grant = self.authorised(&head.headers).await?;
        let id = blob_id_of(head.uri.path()).ok_or(BlobError::Refused(BlobRefusal::Unknown));
        match head.method {
            Method::PUT => {
                let limits = upload::Patience::of(&self.shared.limits);
                let uploaded = upload::put(blobs, &grant, id?, &head.headers, body, limits).await;
                let cut = uploaded.as_ref().is_err_and(|refused| refused.is(ErrorCode::IdleTimeout));
                self.shared.stats.counters.blob_uploads_cut_total.add(u64::from(cut));
                uploaded
            }
            Method::GET | Method::HEAD => download::get(blobs, grant, id?, head).await,
            Method::DELETE => {
                let id = id?;
                ask(|done| blobs.delete(&grant.who, id, done)).await?;
                Ok(answer::deleted())
            }
            _ => Ok(answer::not_allowed()),
        }
    }

    async fn authorised(&self, headers: &HeaderMap) -> Result<Grant, Refused> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let token = match (values.next(), values.next()) {
            (Some(value), None) => bearer(value.as_bytes()).unwrap_or_default(),
            _ => Vec::new(),
        };
        let (send, receive) = oneshot::channel();
        self.http.authorise(
            &token,
            self.shared.clock.now(),
            Box::new(move |judged| {
                // Nobody waits once the connection has gone.
                let _ = send.send(judged);
            }),
        );
        let who = receive.await.map_err(|_| ErrorCode::StoreUnavailable)??;
        Ok(Grant { who, http: Arc::clone(&self.http) })
    }
}

/// The id at the path's end: 64 lower-case hexadecimal digits, so that a blob has one name.
fn blob_id_of(path: &str) -> Option<BlobId> {
    let digits = path.rsplit('/').next().filter(|digits| digits.len() == 2 * BlobId::BYTES)?;
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut id = BlobId::ZERO;
    for (byte, pair) in id.0.iter_mut().zip(digits.as_bytes().chunks(2)) {
        let [high, low] = pair else { return None };
        *byte = value(*high)? << 4 | value(*low)?;
    }
    Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_has_one_name() {
        let name = "0123456789abcdef".repeat(4);
        let id = blob_id_of(&format!("/v1/blobs/{name}")).unwrap();
        assert_eq!(hex::encode(id.0), name);
        for other in [name.to_uppercase(), name[1..].to_owned(), format!("{name}0"), format!("{name}/"), String::new()]
        {
            assert_eq!(blob_id_of(&format!("/v1/blobs/{other}")), None, "{other}");
        }
    }
}
