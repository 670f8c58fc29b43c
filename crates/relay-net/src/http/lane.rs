//! The fast lane for pushes: small, plain `POST /v1/push` requests are answered here, without a header map, a task or a
//! body stream for each. Whatever is not exactly that goes, with every byte read so far, to the general HTTP server, which
//! then serves the connection to its end; so the lane decides nothing about requests that are unusual or wrong.
//!
//! The session of the token stays with the connection: the next request of the same token finds it open.

mod answer;
mod pushing;
mod reading;
mod request;

use super::exchange::Front;
use super::frames::FrameRoute;
use super::linger::linger;
use super::route::RouteKind;
use crate::connections::ConnectionGuard;
use crate::gate::{AddressKey, Peer, ProxyHeader};
use crate::http::secure::Secure;
use crate::transport::Transport;
use answer::Shape;
use bytes::Bytes;
use pushing::{Pushed, Pushing};
use reading::{Read, Reading};
use request::{Forwarded, Parsed, PushRequest, Sizes};
use std::sync::Arc;
use std::time::Duration;

/// Largest head and body together that the lane takes, in bytes.
const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// What is left when the lane is done.
pub(crate) enum Left {
    /// Nothing.
    Gone,
    /// A connection for the general server, with what was read of it.
    Other(Transport, Bytes),
}

/// Serves pushes until something else comes, or the end.
pub(crate) async fn serve(front: &Arc<Front>, socket: Transport, peer: Peer, guard: &ConnectionGuard) -> Left {
    // The lane reads no header that a trace or a scheme could come in.
    let is_for_lane = front.tracer.is_none() && !front.gate.judges_schemes_of(peer, front.secure.is_some());
    let Some(path) = front.routes.push_path().filter(|_| is_for_lane) else {
        return Left::Other(socket, Bytes::new());
    };
    let shared = &front.shared;
    let sizes = Sizes { head_bytes_max: shared.limits.http_header_bytes_max, request_bytes_max: REQUEST_BYTES_MAX };
    let mut reading = Reading::new(socket, shared);
    let mut pushing = Pushing::new(front, guard);
    loop {
        let request = match request::parse(reading.held(), path, sizes) {
            Parsed::Push(request) if request.bytes <= reading.held().len() => request,
            Parsed::Push(_) | Parsed::Partial => match reading.more(guard).await {
                Read::Some => continue,
                Read::Late if reading.has_head() => return reading.into_other(),
                Read::Late => {
                    shared.stats.counters.http_errors_total.add(1);
                    return close(reading, shared.limits.close_timeout_ms).await;
                }
                Read::End => return close(reading, shared.limits.close_timeout_ms).await,
                Read::Aborted => {
                    shared.stats.counters.aborted_total.add(1);
                    return Left::Gone;
                }
            },
            Parsed::Other => return reading.into_other(),
        };
        if request.has_origin && front.gate.origins.are_listed() {
            return reading.into_other();
        }
        let Some(client) = client(front, peer, &request, reading.held()) else { return reading.into_other() };
        let now = shared.clock.now();
        let verdict =
            front.gate.request(Some(RouteKind::Frames(FrameRoute::Push)), client, now, &shared.stats.counters);
        let is_last = request.is_last || guard.signal.is_draining();
        let secure_line = front.secure.as_ref().map_or("", Secure::line);
        let shape = Shape { is_last, has_origin: request.has_origin, verdict, secure_line, took: Duration::ZERO };
        let answer = match pushing.answer(reading.parts(), &request, shape).await {
            Pushed::Answer(answer) => answer,
            Pushed::Other => return reading.into_other(),
            Pushed::Aborted => {
                shared.stats.counters.aborted_total.add(1);
                return Left::Gone;
            }
        };
        reading.used(request.bytes);
        if !reading.send(answer).await {
            return Left::Gone;
        }
        if is_last {
            return close(reading, shared.limits.close_timeout_ms).await;
        }
    }
}

/// Whose request it is; none when that is for the general server to find out.
fn client(front: &Front, peer: Peer, request: &PushRequest, held: &[u8]) -> Option<AddressKey> {
    let address = match request.forwarded {
        _ if !peer.is_trusted => peer.address,
        Forwarded::Nothing => peer.address,
        Forwarded::For(from, to) if front.gate.proxy_header() == ProxyHeader::XForwardedFor => {
            front.gate.client_of_list(peer, held.get(from..to)?)
        }
        Forwarded::For(..) | Forwarded::Other => return None,
    };
    Some(AddressKey::of(address))
}

async fn close(reading: Reading<'_>, timeout_ms: u64) -> Left {
    linger(reading.into_socket(), Duration::from_millis(timeout_ms)).await;
    Left::Gone
}
