//! An export that JavaScript pulls piece by piece, so that whoever reads slowly costs one piece of memory.

use super::store_failure;
use crate::erasure::space_id;
use crate::failure::{Failure, contained};
use crate::native::Native;
use crate::pseudonym::PSEUDONYM_CHARS;
use napi::bindgen_prelude::{AsyncTask, Buffer};
use napi::{Env, Task};
use napi_derive::napi;
use relay_store::moving::Export;
use std::sync::{Arc, Mutex, PoisonError};

/// A space on its way into a file.
#[napi]
pub struct SpaceExport {
    export: Arc<Mutex<Export>>,
}

#[napi]
impl SpaceExport {
    /// The next piece, about a megabyte; null behind the last one. One call at a time.
    #[napi(catch_unwind, ts_return_type = "Promise<Buffer | null>")]
    pub fn next(&self) -> AsyncTask<NextPieceTask> {
        AsyncTask::new(NextPieceTask { export: Arc::clone(&self.export) })
    }
}

/// Begins an export, off the JavaScript thread.
pub struct BeginExportTask {
    /// `None` when the relay was stopped.
    pub(crate) native: Option<Native>,
    /// As the operator named it.
    pub(crate) space: String,
}

impl Task for BeginExportTask {
    type Output = Result<Export, Failure>;
    type JsValue = SpaceExport;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        let native = self.native.take();
        Ok(contained(|| {
            let native = native.ok_or_else(|| Failure::new("stopped", "the relay was stopped"))?;
            let is_pseudonym = self.space.len() == PSEUDONYM_CHARS;
            let space = if is_pseudonym { native.find_space(&self.space)? } else { space_id(&self.space)? };
            native.export(space).map_err(|error| store_failure(&error))
        }))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> napi::Result<Self::JsValue> {
        let export = output.map_err(|failure| failure.into_error(&env))?;
        Ok(SpaceExport { export: Arc::new(Mutex::new(export)) })
    }
}

/// Reads the next piece, off the JavaScript thread.
pub struct NextPieceTask {
    export: Arc<Mutex<Export>>,
}

impl Task for NextPieceTask {
    type Output = Result<Option<Vec<u8>>, Failure>;
    type JsValue = Option<Buffer>;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        Ok(contained(|| {
            let mut export = self.export.lock().unwrap_or_else(PoisonError::into_inner);
            export.next_piece().map_err(|error| store_failure(&error))
        }))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> napi::Result<Self::JsValue> {
        output.map(|piece| piece.map(Buffer::from)).map_err(|failure| failure.into_error(&env))
    }
}
