//! A file into a running relay, and a file judged without one.

use super::report::{ExportReport, ImportReport};
use super::{fault_failure, store_failure};
use crate::failure::{Failure, contained};
use crate::native::Native;
use napi::{Env, Task};
use relay_core::moving::Report;
use relay_store::moving::{ImportError, Imported, verify};
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

/// Bytes read from the file at once.
const BUFFER_BYTES: usize = 1024 * 1024;

/// Imports a file, off the JavaScript thread.
pub struct ImportTask {
    /// `None` when the relay was stopped.
    pub(crate) native: Option<Native>,
    pub(crate) path: PathBuf,
}

impl Task for ImportTask {
    type Output = Result<Imported, Failure>;
    type JsValue = ImportReport;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        let native = self.native.take();
        Ok(contained(|| {
            let native = native.ok_or_else(|| Failure::new("stopped", "the relay was stopped"))?;
            let open = || File::open(&self.path).map(|file| BufReader::with_capacity(BUFFER_BYTES, file));
            native.import(open).map_err(|error| import_failure(&error))
        }))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> napi::Result<Self::JsValue> {
        output.map(ImportReport::from).map_err(|failure| failure.into_error(&env))
    }
}

/// Judges a file, off the JavaScript thread.
pub struct VerifyTask {
    pub(crate) path: PathBuf,
}

impl Task for VerifyTask {
    type Output = Result<Report, Failure>;
    type JsValue = ExportReport;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        Ok(contained(|| {
            let file = File::open(&self.path);
            let file = file.map_err(|error| {
                Failure::new("export_unreadable", format!("cannot read {}: {error}", self.path.display()))
            })?;
            verify(BufReader::with_capacity(BUFFER_BYTES, file)).map_err(|fault| fault_failure(&fault))
        }))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> napi::Result<Self::JsValue> {
        output.map(ExportReport::from).map_err(|failure| failure.into_error(&env))
    }
}

fn import_failure(error: &ImportError) -> Failure {
    let (code, hint) = match error {
        ImportError::Fault(fault) => return fault_failure(fault),
        ImportError::Store(error) => return store_failure(error),
        ImportError::Known => ("space_exists", "Erase it here first, if the file is the one to keep."),
        ImportError::BlobsRefused => (
            "import_blobs_refused",
            "Raise limits.space-blobs-max, limits.space-blob-bytes-max or the limit of one blob here.",
        ),
        ImportError::Unfinished => {
            ("import_unfinished", "Wait for it; one that failed is undone when the relay is started again.")
        }
        ImportError::Erased => ("space_erased", "The owner's word holds for 180 days; make a new space."),
        ImportError::HistoryUnknown => (
            "import_history_unknown",
            "Make a new space there, and copy what the app holds: leaves older than 180 days are not known any more.",
        ),
    };
    Failure::new(code, error.to_string()).with_hint(hint)
}
