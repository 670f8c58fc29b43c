//! Connections to the control plane that are kept between requests.
//!
//! A connection comes back when the body of its answer was passed on to its end, and waits for less time than the control
//! plane lets it. One that died in the meantime is found out when it is used.

use super::control_plane::{self, ControlPlane};
use super::request_body::RequestBody;
use crate::limits::PROXY_LINKS_IDLE_MAX;
use http::Request;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

/// One connection; dropping it closes it.
#[derive(Debug)]
pub(crate) struct Link {
    sender: http1::SendRequest<RequestBody>,
    task: JoinHandle<()>,
    /// It served a request before.
    pub(crate) is_used: bool,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Why a link brought no answer.
pub(crate) enum Lost {
    /// The request did not leave; here it is again.
    Unsent(Box<Request<RequestBody>>),
    /// It may have arrived.
    Sent,
}

impl Link {
    /// Sends a request; the answer's body arrives as long as the link lives.
    pub(crate) async fn ask(&mut self, request: Request<RequestBody>) -> Result<http::Response<Incoming>, Lost> {
        if self.sender.ready().await.is_err() {
            return Err(Lost::Unsent(Box::new(request)));
        }
        self.sender.try_send_request(request).await.map_err(|mut error| match error.take_message() {
            Some(request) => Lost::Unsent(Box::new(request)),
            None => Lost::Sent,
        })
    }
}

/// The links that wait for a request.
#[derive(Debug)]
pub(crate) struct Links {
    control_plane: ControlPlane,
    idle_max: Duration,
    /// The one that came back last is used first, so that those not needed grow old.
    idle: Mutex<Vec<(Instant, Link)>>,
}

impl Links {
    pub(crate) fn new(control_plane: ControlPlane, idle_ms_max: u64) -> Arc<Self> {
        Arc::new(Self { control_plane, idle_max: Duration::from_millis(idle_ms_max), idle: Mutex::default() })
    }

    pub(crate) fn control_plane(&self) -> &ControlPlane {
        &self.control_plane
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Instant, Link)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A link that waited, as far as can be told still alive.
    pub(crate) fn take(&self) -> Option<Link> {
        let now = Instant::now();
        let mut idle = self.lock();
        while let Some((since, link)) = idle.pop() {
            if now.duration_since(since) >= self.idle_max {
                // Those below waited even longer.
                idle.clear();
                return None;
            }
            if !link.sender.is_closed() {
                return Some(link);
            }
        }
        None
    }

    /// Takes a link back whose answer was passed on completely.
    pub(crate) fn give_back(&self, mut link: Link) {
        link.is_used = true;
        let mut idle = self.lock();
        let now = Instant::now();
        idle.retain(|(since, _)| now.duration_since(*since) < self.idle_max);
        if idle.len() < PROXY_LINKS_IDLE_MAX && !link.sender.is_closed() {
            idle.push((now, link));
        }
    }

    pub(crate) async fn connect(&self, timeout_ms: u64) -> Option<Link> {
        let connecting = async {
            let stream = control_plane::connect(&self.control_plane.socket_path).await.ok()?;
            http1::handshake(TokioIo::new(stream)).await.ok()
        };
        let (sender, connection) = timeout(Duration::from_millis(timeout_ms), connecting).await.ok()??;
        let task = tokio::spawn(async move {
            // An error of the connection reaches the request that waits on it.
            let _ = connection.await;
        });
        Some(Link { sender, task, is_used: false })
    }
}
