//! A control plane that notes every request it was given, so that a test sees what came through the front.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::net::UnixListener;

/// Stands for a body that ended before its end, which no control plane takes for a request.
pub(crate) const CUT: &str = "(cut)";

/// Requests in the order they came: "METHOD target body".
pub(crate) type Seen = Arc<Mutex<Vec<String>>>;

pub(crate) fn listen(path: &Path) -> Seen {
    let listener = UnixListener::bind(path).unwrap();
    let seen = Seen::default();
    let noted = seen.clone();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let noted = noted.clone();
            let service = service_fn(move |request| answer(request, noted.clone()));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), service));
        }
    });
    seen
}

async fn answer(request: Request<Incoming>, seen: Seen) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_or_else(|_| CUT.into(), |body| body.to_bytes());
    let line = format!("{} {} {}", head.method, head.uri, String::from_utf8_lossy(&body));
    seen.lock().unwrap().push(line.trim_end().to_owned());
    Ok(Response::new(Full::new(Bytes::from_static(b"served"))))
}
