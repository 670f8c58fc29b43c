//! Renders the registry as the reference page.

use super::ERRORS;
use std::fmt::Write;

/// The text of `docs/reference/errors.md`.
#[must_use]
pub fn render_markdown() -> String {
    let mut page = String::from(
        "# Errors\n\n\
         Generated from the registry in `crates/relay-proto/src/error_registry.rs` by\n\
         `cargo run -p relay-proto --example errors_page`; do not edit.\n\n\
         Fault says who has to act. A temporary error can succeed later, unchanged. Close 0 means that the connection stays open.\n\n\
         | code | name | fault | temporary | HTTP | close | hint |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for error in ERRORS {
        let temporary = if error.temporary { "yes" } else { "no" };
        // Writing into a String cannot fail.
        let _ = writeln!(
            page,
            "| {} | `{}` | {} | {temporary} | {} | {} | {} |",
            error.code.number(),
            error.name,
            error.fault.name(),
            error.http,
            error.close,
            error.hint
        );
    }
    page
}
