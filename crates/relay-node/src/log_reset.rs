//! The operator's way back from a restored backup: a new log epoch on a data directory on which no relay runs.

use crate::environment::{SystemClock, SystemEntropy};
use crate::failure::{Failure, contained};
use crate::stats::number;
use napi::{Env, Task};
use napi_derive::napi;
use relay_store::{log_reset, real_environment};
use std::path::PathBuf;
use std::sync::Arc;

/// What a log reset did.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct LogResetReport {
    /// The log epoch that ended.
    pub old_epoch: i64,
    /// The log epoch that began.
    pub new_epoch: i64,
    /// Spaces concerned; with none nothing was changed.
    pub spaces: i64,
}

/// Resets a log, off the JavaScript thread.
pub struct LogResetTask {
    pub(crate) data_dir: PathBuf,
}

impl Task for LogResetTask {
    type Output = Result<LogResetReport, Failure>;
    type JsValue = LogResetReport;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        Ok(contained(|| {
            let report = log_reset(&self.data_dir, &real_environment(Arc::new(SystemEntropy), Arc::new(SystemClock)))?;
            Ok(LogResetReport {
                old_epoch: number(report.old_epoch),
                new_epoch: number(report.new_epoch),
                spaces: number(u64::try_from(report.spaces).unwrap_or(u64::MAX)),
            })
        }))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> napi::Result<Self::JsValue> {
        output.map_err(|failure| failure.into_error(&env))
    }
}
