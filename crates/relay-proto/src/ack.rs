//! Signed acks: both "I hold everything up to here" and the gossip by which a split view is caught.

use crate::frame::Ack;
use crate::hash::Domain;
use crate::ids::{DeviceKey, Hash, LogId, Seq, SpaceId};
use crate::signing::{self, KeyPair};

impl Ack {
    /// Signs an ack.
    #[must_use]
    pub fn sign(device: &KeyPair, space: &SpaceId, log_id: &LogId, log_epoch: u64, size: Seq, head: Hash) -> Self {
        let signature =
            device.sign(Domain::Ack, &[&space.0, &log_id.0, &log_epoch.to_be_bytes(), &size.to_be_bytes(), &head.0]);
        Self { log_epoch, size, head, signature }
    }

    /// Whether the device signed this ack for this log.
    #[must_use]
    pub fn verify(&self, device: &DeviceKey, space: &SpaceId, log_id: &LogId) -> bool {
        let parts: [&[u8]; 5] =
            [&space.0, &log_id.0, &self.log_epoch.to_be_bytes(), &self.size.to_be_bytes(), &self.head.0];
        signing::verify(&device.0, Domain::Ack, &parts, &self.signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binds_everything() {
        let device = KeyPair::from_seed(&[3; 32]);
        let (space, log_id) = (SpaceId([1; 32]), LogId([2; 32]));
        let ack = Ack::sign(&device, &space, &log_id, 1, 7, Hash([5; 32]));
        assert!(ack.verify(&device.device(), &space, &log_id));
        assert!(!ack.verify(&device.device(), &SpaceId([9; 32]), &log_id));
        assert!(!ack.verify(&device.device(), &space, &LogId([9; 32])));
        assert!(!Ack { size: 8, ..ack }.verify(&device.device(), &space, &log_id));
    }
}
