//! Writes `test/vectors/*.json` and the seeds of `fuzz/corpus`, from fixed seeds.

#[path = "../tests/support/vectors/mod.rs"]
mod vectors;

use std::fs;

fn main() -> std::io::Result<()> {
    let folder = vectors::project("test/vectors");
    for (name, value) in vectors::vectors() {
        fs::write(folder.join(name), vectors::render(&value))?;
    }
    for (target, name, bytes) in vectors::corpus() {
        let folder = vectors::project("fuzz/corpus").join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name), bytes)?;
    }
    Ok(())
}
