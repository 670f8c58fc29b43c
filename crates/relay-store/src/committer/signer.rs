//! The thread that signs a group while it is being synced.

use relay_core::commit::{CommittedGroup, UnsignedGroup};
use relay_core::environment::LogSigner;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Groups under way: one, because a group is written only after the one before is durable.
const IN_FLIGHT: usize = 1;

type Job = (UnsignedGroup, SyncSender<CommittedGroup>);

/// Ends when it is dropped.
pub(super) enum SignerThread {
    Running(SyncSender<Job>),
    /// No thread: signs when it is asked.
    #[cfg(feature = "testing")]
    ByHand(Arc<dyn LogSigner>),
}

/// A signature that is being made.
pub(super) struct Signing(Receiver<CommittedGroup>);

impl SignerThread {
    pub(super) fn start(signer: Arc<dyn LogSigner>) -> io::Result<Self> {
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
        let (answer, signed) = sync_channel(IN_FLIGHT);
        // A signer that is gone shows as a missing signature, which refuses the group.
        let _gone = match self {
            Self::Running(jobs) => jobs.send((group, answer)).is_err(),
            #[cfg(feature = "testing")]
            Self::ByHand(signer) => answer.send(group.sign(&**signer)).is_err(),
        };
        Signing(signed)
    }
}

impl Signing {
    /// `None` when the signer is gone.
    pub(super) fn wait(self) -> Option<CommittedGroup> {
        self.0.recv().ok()
    }
}
