//! Who a request for a blob comes from, judged again before each further chunk: what moves for hours must end with its
//! device's membership.

use relay_core::http::{Authorised, HttpSessions};
use relay_proto::ErrorCode;
use std::sync::Arc;
use tokio::sync::oneshot;

/// See the module.
pub(super) struct Grant {
    pub(super) who: Authorised,
    pub(super) http: Arc<dyn HttpSessions>,
}

impl Grant {
    /// Goes on with whether the device is still a member.
    pub(super) fn ask_again(&self, then: impl FnOnce(Result<(), ErrorCode>) + Send + 'static) {
        self.http.authorise_again(self.who, Box::new(move |judged| then(judged.map(drop))));
    }

    /// Waits for the same.
    pub(super) async fn still_holds(&self) -> Result<(), ErrorCode> {
        let (send, receive) = oneshot::channel();
        self.ask_again(move |judged| {
            // Nobody waits once the connection has gone.
            let _ = send.send(judged);
        });
        receive.await.unwrap_or(Err(ErrorCode::StoreUnavailable))
    }
}
