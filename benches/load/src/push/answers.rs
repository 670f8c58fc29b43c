//! What a right answer is, per dialect; and the ledger in which the relay's receipts must add up.

use super::refusals::Refusal;
use crate::failure::Failure;
use crate::payload::{Payload, Stamp};
use crate::relay::{Space, frame_number, refusal};
use bytes::Bytes;
use relay_proto::attestation::{PushLeaf, verify_receipt};
use relay_proto::frame::{ErrorFrame, Frame, Receipt, ReceiptStatus};
use relay_proto::hash::entry_id;
use relay_proto::{EntryId, LogId};

/// Every how many receipts one is kept and verified after the run.
const SAMPLE_EVERY: u64 = 97;
/// Most receipts kept.
const SAMPLES_MAX: usize = 512;

/// What a connection expects.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answers {
    /// Eight bytes: the number of messages stored for this connection.
    Stored,
    /// The message itself.
    Echoed,
    /// Nothing but that it is done.
    Done,
    /// Acknowledgements, several in a message, among other things.
    Acknowledged,
    /// JetStream's acknowledgement with a rising number.
    Numbered {
        /// The newest.
        last: u64,
    },
    /// Receipts.
    Receipts {
        /// Index of the space.
        space: usize,
        /// Index of the device in it.
        device: usize,
        /// push_seq of message 0.
        push_seq_base: u64,
        /// seq of the newest receipt.
        seq_last: u64,
    },
}

/// What a right answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judged {
    /// So many messages are done.
    Done(u64),
    /// One message was refused for the load.
    Refused(Refusal),
}

impl Answers {
    /// The relay's answers on a session whose message 0 has this push_seq.
    pub(crate) fn receipts(space: usize, device: usize, push_seq_base: u64) -> Self {
        Self::Receipts { space, device, push_seq_base, seq_last: 0 }
    }

    /// What this answers, where the oldest unanswered message has the number `answered`.
    pub(crate) fn judge(
        &mut self,
        message: &[u8],
        connection: u64,
        answered: u64,
        payload: &Payload,
        ledger: &mut Ledger,
    ) -> Result<Judged, Failure> {
        match self {
            Self::Stored => {
                let stored = message.first_chunk().map(|stored| u64::from_be_bytes(*stored));
                let right = stored == Some(answered.saturating_add(1)) && message.len() == 8;
                if right { Ok(Judged::Done(1)) } else { Err(Failure::new("an acknowledgement is out of order")) }
            }
            Self::Echoed => {
                let right = payload.stamp_of(message) == Some(Stamp { number: answered, word: connection });
                if right { Ok(Judged::Done(1)) } else { Err(Failure::new("an echo is out of order")) }
            }
            Self::Done => Ok(Judged::Done(1)),
            Self::Acknowledged => crate::foreign::gun::acknowledged(message).map(Judged::Done),
            Self::Numbered { last } => {
                let number = crate::foreign::nats::stored_number(message)?;
                if number <= *last {
                    return Err(Failure::new("an acknowledgement is out of order"));
                }
                *last = number;
                Ok(Judged::Done(1))
            }
            Self::Receipts { space, device, push_seq_base, seq_last } => {
                if frame_number(message) == ErrorFrame::TYPE.number() {
                    let error = ErrorFrame::decode(&Bytes::copy_from_slice(message))?;
                    return Refusal::of(&error, *push_seq_base).map(Judged::Refused);
                }
                if frame_number(message) != Receipt::TYPE.number() {
                    refusal(message)?;
                    return Ok(Judged::Done(0));
                }
                let receipt = Receipt::decode(&Bytes::copy_from_slice(message))?;
                let in_order = receipt.push_seq_first == push_seq_base.saturating_add(answered)
                    && receipt.count >= 1
                    && receipt.seq_first > *seq_last
                    && matches!(receipt.status, ReceiptStatus::Stored(_));
                if !in_order {
                    return Err(Failure::new(format!(
                        "a receipt is out of order: push_seq {}, seq {}",
                        receipt.push_seq_first, receipt.seq_first
                    )));
                }
                let count = u64::from(receipt.count);
                *seq_last = receipt.seq_first.saturating_add(count).saturating_sub(1);
                ledger.enter(*space, *seq_last, count);
                ledger.sample(Sample { space: *space, device: *device, connection, number: answered, receipt });
                Ok(Judged::Done(count))
            }
        }
    }
}

struct Sample {
    space: usize,
    device: usize,
    connection: u64,
    number: u64,
    receipt: Receipt,
}

struct Account {
    space: Space,
    size_at_start: Option<u64>,
    seq_max: u64,
    receipted: u64,
}

/// The receipts of a whole run.
pub(crate) struct Ledger {
    log_id: LogId,
    accounts: Vec<Account>,
    receipts: u64,
    samples: Vec<Sample>,
}

impl Ledger {
    /// For servers that give no receipts.
    pub(crate) fn none() -> Self {
        Self::of_relay(LogId::ZERO, Vec::new())
    }

    /// For the relay with this key.
    pub(crate) fn of_relay(log_id: LogId, spaces: Vec<Space>) -> Self {
        let account = |space| Account { space, size_at_start: None, seq_max: 0, receipted: 0 };
        Self { log_id, accounts: spaces.into_iter().map(account).collect(), receipts: 0, samples: Vec::new() }
    }

    /// A space by its index.
    pub(crate) fn space(&self, index: usize) -> Result<&Space, Failure> {
        self.accounts.get(index).map(|account| &account.space).ok_or_else(|| Failure::new("there is no such space"))
    }

    /// The size of a space's log before the first push; later calls change nothing.
    pub(crate) fn starts_at(&mut self, index: usize, size: u64) {
        if let Some(account) = self.accounts.get_mut(index) {
            account.size_at_start.get_or_insert(size);
        }
    }

    fn enter(&mut self, index: usize, seq_last: u64, count: u64) {
        if let Some(account) = self.accounts.get_mut(index) {
            account.seq_max = account.seq_max.max(seq_last);
            account.receipted = account.receipted.saturating_add(count);
        }
    }

    fn sample(&mut self, sample: Sample) {
        if self.receipts.is_multiple_of(SAMPLE_EVERY) && self.samples.len() < SAMPLES_MAX {
            self.samples.push(sample);
        }
        self.receipts = self.receipts.saturating_add(1);
    }

    /// Checks that every seq up to the newest was receipted once, and verifies the samples; their number comes back.
    pub(crate) fn settle(&self, payload: &mut Payload, unanswered: u64) -> Result<usize, Failure> {
        for account in &self.accounts {
            let grown = account.seq_max.saturating_sub(account.size_at_start.unwrap_or(0));
            if unanswered == 0 && account.receipted > 0 && grown != account.receipted {
                let receipted = account.receipted;
                return Err(Failure::new(format!("the log grew by {grown}, but {receipted} entries were receipted")));
            }
        }
        for sample in &self.samples {
            self.verify(sample, payload)?;
        }
        Ok(self.samples.len())
    }

    fn verify(&self, sample: &Sample, payload: &mut Payload) -> Result<(), Failure> {
        let space = self.space(sample.space)?;
        let receipt = &sample.receipt;
        let ids: Vec<EntryId> = (0..u64::from(receipt.count))
            .map(|i| Stamp { number: sample.number.saturating_add(i), word: sample.connection })
            .map(|stamp| entry_id(payload.stamped(stamp)))
            .collect();
        let device = space.device(sample.device)?.device();
        let leaf = PushLeaf::of(device, receipt.push_seq_first, receipt.seq_first, &ids);
        let claim = &receipt.attestation.claim;
        let proved = match &receipt.status {
            ReceiptStatus::Stored(proof) => verify_receipt(&leaf, proof, &claim.pushes),
            ReceiptStatus::Duplicate | ReceiptStatus::DuplicateForgotten => false,
        };
        if proved && claim.size >= receipt.seq_first && receipt.attestation.verify(&space.id, &self.log_id) {
            return Ok(());
        }
        Err(Failure::new(format!("the receipt of push_seq {} does not hold", receipt.push_seq_first)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use relay_proto::attestation::{GroupLeaf, HeadClaim, push_tree, sign_group};
    use relay_proto::{Hash, KeyPair};

    #[test]
    fn acknowledgements_count_up_by_one() {
        let payload = Payload::new(32).unwrap();
        let mut ledger = Ledger::none();
        let mut judge =
            |message: &[u8], answered| Answers::Stored.judge(message, 0, answered, &payload, &mut ledger).ok();
        assert_eq!(judge(&1_u64.to_be_bytes(), 0), Some(Judged::Done(1)));
        assert_eq!(judge(&2_u64.to_be_bytes(), 0), None);
        assert_eq!(judge(&[0; 7], 0), None);
        assert_eq!(judge(&[0, 0, 0, 0, 0, 0, 0, 1, 0], 0), None);
    }

    #[test]
    fn echoes_must_be_the_next_of_this_connection() {
        let mut payload = Payload::new(32).unwrap();
        let mut ledger = Ledger::none();
        let message = payload.stamped(Stamp { number: 3, word: 1 }).to_vec();
        let mut judge =
            |connection, answered| Answers::Echoed.judge(&message, connection, answered, &payload, &mut ledger).ok();
        assert_eq!(judge(1, 3), Some(Judged::Done(1)));
        assert_eq!(judge(1, 2), None);
        assert_eq!(judge(2, 3), None);
    }

    const MESSAGE_BYTES: usize = 64;

    /// A receipt for message 0 of device 0, at seq 1.
    fn receipt_of(space: &Space, log_key: &KeyPair, sealed: &[u8]) -> Receipt {
        let device = space.device(0).unwrap().device();
        let (pushes, mut proofs) = push_tree(&[PushLeaf::of(device, 1, 1, &[entry_id(sealed)])]);
        let claim = HeadClaim { log_epoch: 1, size: 1, head: Hash::ZERO, floor: 1, time_ms: 1, pushes };
        let group = sign_group(log_key, &[GroupLeaf { space: space.id, claim, salt: [0; 16] }]).unwrap();
        Receipt {
            push_seq_first: 1,
            count: 1,
            status: ReceiptStatus::Stored(proofs.remove(0)),
            seq_first: 1,
            attestation: group.attestations[0].clone(),
        }
    }

    /// What a run says that got this receipt for its first message.
    fn settle(change: impl FnOnce(&mut Receipt)) -> Result<usize, Failure> {
        let log_key = KeyPair::from_seed(&[1; 32]);
        let mut payload = Payload::new(MESSAGE_BYTES).unwrap();
        let sealed = payload.stamped(Stamp { number: 0, word: 7 }).to_vec();
        let mut ledger = Ledger::of_relay(log_key.log_id(), vec![Space::create(1).unwrap()]);
        ledger.starts_at(0, 0);
        let mut receipt = receipt_of(ledger.space(0).unwrap(), &log_key, &sealed);
        change(&mut receipt);
        let mut answers = Answers::Receipts { space: 0, device: 0, push_seq_base: 1, seq_last: 0 };
        answers.judge(&receipt.encode(), 7, 0, &payload, &mut ledger)?;
        ledger.settle(&mut payload, 0)
    }

    #[test]
    fn a_right_receipt_settles_and_a_bent_one_does_not() {
        assert_eq!(settle(|_| {}).unwrap(), 1);
        assert!(settle(|receipt| receipt.push_seq_first = 2).is_err());
        assert!(settle(|receipt| receipt.seq_first = 2).is_err());
        assert!(settle(|receipt| receipt.status = ReceiptStatus::Duplicate).is_err());
        assert!(settle(|receipt| receipt.attestation.claim.size = 2).is_err());
        assert!(settle(|receipt| receipt.attestation.claim.pushes = Hash::ZERO).is_err());
        assert!(settle(|receipt| receipt.attestation.signature.0[0] ^= 1).is_err());
    }
}
