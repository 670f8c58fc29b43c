//! Work that is too long for a thread that serves connections.

use std::sync::Arc;

/// Runs a job elsewhere: reading, hashing and verifying thousands of values is not for a thread of the transport.
pub type Offload = Arc<dyn Fn(Box<dyn FnOnce() + Send>) + Send + Sync>;
