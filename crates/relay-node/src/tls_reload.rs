//! Reading the certificate's files again, off the JavaScript thread.

use crate::failure::{Failure, contained};
use crate::tls::Tls;
use napi::{Env, Task};
use std::sync::Arc;

/// Resolves when the files were read; rejects, with everything as it was, when they are of no use.
pub struct TlsReloadTask {
    /// None without TLS, and once the relay was stopped.
    pub(crate) tls: Option<Arc<Tls>>,
}

impl Task for TlsReloadTask {
    type Output = Result<(), Failure>;
    type JsValue = ();

    fn compute(&mut self) -> napi::Result<Self::Output> {
        let tls = self.tls.take();
        Ok(contained(|| tls.map_or(Ok(()), |tls| tls.reload())))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> napi::Result<Self::JsValue> {
        output.map_err(|failure| failure.into_error(&env))
    }
}
