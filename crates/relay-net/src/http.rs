//! The HTTP/1.1 side of the public port: accept, check, route; liveness, WebSocket upgrade, proxy to the control plane.

pub(crate) mod answer_body;
pub(crate) mod blobs;
pub(crate) mod control_plane;
pub(crate) mod cors;
pub(crate) mod exchange;
pub(crate) mod forward;
pub(crate) mod frames;
pub(crate) mod handed;
pub(crate) mod head;
pub(crate) mod input_body;
pub(crate) mod lane;
pub(crate) mod linger;
pub(crate) mod links;
pub(crate) mod listener;
pub(crate) mod liveness;
pub(crate) mod problem;
pub(crate) mod proxied;
pub(crate) mod proxy;
pub(crate) mod redirect;
pub(crate) mod refusals;
pub(crate) mod request_body;
pub(crate) mod reserve;
pub(crate) mod route;
pub(crate) mod secure;
pub(crate) mod serve;
pub(crate) mod stall;
