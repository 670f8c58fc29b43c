//! Spaces as files: out of a running relay, into one, and judged without one. The rules are in `relay_core::moving`.

mod export;
mod import;
mod report;

pub(crate) use export::BeginExportTask;
pub(crate) use import::{ImportTask, VerifyTask};

use crate::failure::Failure;
use relay_core::moving::Fault;
use relay_core::store::StoreError;

fn store_failure(error: &StoreError) -> Failure {
    let (code, temporary) = match error {
        StoreError::UnknownSpace => ("space_unknown", false),
        StoreError::DiskFull => ("disk_full", true),
        StoreError::Overloaded => ("overloaded", true),
        StoreError::Closed => ("stopped", false),
        StoreError::Damaged { .. } => ("store_damaged", false),
        StoreError::Refused(_) => ("import_refused", false),
        _ => ("store_poisoned", false),
    };
    Failure::new(code, error.to_string()).temporary(temporary)
}

fn fault_failure(fault: &Fault) -> Failure {
    let code = if matches!(fault, Fault::Read(_)) { "export_unreadable" } else { "export_invalid" };
    Failure::new(code, fault.to_string())
}
