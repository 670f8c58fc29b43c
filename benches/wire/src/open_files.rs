//! The soft limit of open files is often 1,024, fewer than a fan-out to 1,000 needs.

/// Raises the soft limit of open files to the hard one. A refusal is left to show up when a socket cannot be opened.
#[cfg(unix)]
pub fn raise_open_files_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let held = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: held.maximum, maximum: held.maximum };
    let _refused = setrlimit(Resource::Nofile, wanted);
}

/// There is no such limit here.
#[cfg(not(unix))]
pub fn raise_open_files_limit() {}
