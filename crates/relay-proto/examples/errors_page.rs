//! Writes `docs/reference/errors.md` from the registry.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/errors.md");
    std::fs::write(page, relay_proto::error_registry::render_markdown())
}
