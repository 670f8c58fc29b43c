//! Data directories that programs of each format wrote, on a simulated disk.

use relay_store::vfs::Vfs;
use relay_store::vfs::sim::SimVfs;
use std::path::Path;

/// The fixture of a format.
pub fn fixture(format: u32) -> SimVfs {
    let vfs = SimVfs::new();
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/format-{format}"));
    put(&vfs, &dir, Path::new("/d"));
    vfs
}

fn put(vfs: &SimVfs, from: &Path, to: &Path) {
    vfs.create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            put(vfs, &entry.path(), &target);
        } else {
            vfs.put(&target, std::fs::read(entry.path()).unwrap());
        }
    }
    for dir in to.ancestors() {
        (vfs as &dyn Vfs).sync_dir(dir).unwrap();
    }
}
