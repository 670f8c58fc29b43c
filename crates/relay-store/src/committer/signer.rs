//! The thread that signs a group while it is being synced. Where there is one processor only the committer signs: a thread would
//! take the processor from it before the write begins, and give it back after two switches.

use relay_core::commit::{CommittedGroup, UnsignedGroup};
use relay_core::environment::LogSigner;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::available_parallelism;

/// Groups under way: one, because a group is written only after the one before is durable.
const IN_FLIGHT: usize = 1;

type Job = (UnsignedGroup, SyncSender<CommittedGroup>);

/// Ends when it is dropped.
pub(super) enum SignerThread {
    Running(SyncSender<Job>),
    /// No thread: signs when it is asked.
    AtOnce(Arc<dyn LogSigner>),
}

/// A signature that is being made.
pub(super) enum Signing {
    Waiting(Receiver<CommittedGroup>),
    Made(CommittedGroup),
    /// The signer is gone, which shows as a missing signature and refuses the group.
    Never,
}

impl SignerThread {
    pub(super) fn start(signer: Arc<dyn LogSigner>) -> io::Result<Self> {
        if available_parallelism().is_ok_and(|processors| processors.get() == 1) {
            return Ok(Self::AtOnce(signer));
        }
        let (sender, jobs) = sync_channel::<Job>(IN_FLIGHT);
        std::thread::Builder::new().name("relay-store-sign".to_owned()).spawn(move || {
            while let Ok((group, answer)) = jobs.recv() {
                // Nobody waits any more only when the committer is gone.
                let _unwanted = answer.send(group.sign(&*signer));
            }
        })?;
        Ok(Self::Running(sender))
    }

    pub(super) fn sign(&self, group: UnsignedGroup) -> Signing {
        match self {
            Self::Running(jobs) => {
                let (answer, signed) = sync_channel(IN_FLIGHT);
                if jobs.send((group, answer)).is_ok() { Signing::Waiting(signed) } else { Signing::Never }
            }
            Self::AtOnce(signer) => Signing::Made(group.sign(&**signer)),
        }
    }
}

impl Signing {
    /// `None` when the signer is gone.
    pub(super) fn wait(self) -> Option<CommittedGroup> {
        match self {
            Self::Waiting(signed) => signed.recv().ok(),
            Self::Made(group) => Some(group),
            Self::Never => None,
        }
    }
}
