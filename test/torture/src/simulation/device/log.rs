//! The log as a device verified it: every attested head is compared with the own fold, every attestation with the others shown.
//!
//! It keeps every head it ever folded, so that it compares more than a client with bounded memory would.

use relay_proto::attestation::HeadClaim;
use relay_proto::ids::{Hash, LogId, SpaceId};
use relay_proto::log_reset::LogReset;
use relay_proto::merkle::{Genesis, LogFold};
use std::collections::BTreeMap;

/// The attestations of one size: its head, and the ones with the smallest and the greatest time.
#[derive(Clone, Copy)]
struct Shown {
    earliest: HeadClaim,
    latest: HeadClaim,
}

/// Attestations of one log epoch, which must agree in pairs (docs/protocol.md section 5).
#[derive(Default)]
pub(crate) struct ShownClaims(BTreeMap<u64, Shown>);

impl ShownClaims {
    /// Adds a claim; the sentence says which one it contradicts.
    pub(crate) fn add(&mut self, claim: &HeadClaim) -> Result<(), String> {
        if let Some((_, below)) = self.0.range(..claim.size).next_back() {
            ordered(&below.latest, claim)?;
        }
        if let Some((_, above)) = self.0.range(claim.size + 1..).next() {
            ordered(claim, &above.earliest)?;
        }
        let shown = self.0.entry(claim.size).or_insert(Shown { earliest: *claim, latest: *claim });
        if shown.latest.head != claim.head {
            return Err(format!("fork: two heads of size {}", claim.size));
        }
        if claim.time_ms < shown.earliest.time_ms {
            shown.earliest = *claim;
        }
        if claim.time_ms >= shown.latest.time_ms {
            shown.latest = *claim;
        }
        Ok(())
    }

    pub(crate) fn newest(&self) -> Option<&HeadClaim> {
        self.0.values().next_back().map(|shown| &shown.latest)
    }
}

fn ordered(smaller: &HeadClaim, greater: &HeadClaim) -> Result<(), String> {
    if smaller.time_ms > greater.time_ms {
        return Err(format!(
            "freeze: size {} at {} after size {} at {}",
            smaller.size, smaller.time_ms, greater.size, greater.time_ms
        ));
    }
    if smaller.floor > greater.floor {
        return Err(format!("rollback: the floor fell from {} to {}", smaller.floor, greater.floor));
    }
    Ok(())
}

/// See the module.
pub(crate) struct VerifiedLog {
    space: SpaceId,
    log_id: LogId,
    /// The relay's log epoch as it was last followed: what a cursor names.
    pub(crate) epoch: u64,
    /// The tree that is being folded; of an earlier epoch while a reset is ahead.
    genesis: Genesis,
    fold: LogFold,
    /// Every fold there was, by log epoch and size.
    folds: BTreeMap<(u64, u64), LogFold>,
    ahead: Vec<LogReset>,
    shown: ShownClaims,
    /// Attested heads that the fold has not reached.
    pending: BTreeMap<u64, HeadClaim>,
    pub(crate) verified: Option<HeadClaim>,
}

impl VerifiedLog {
    pub(crate) fn new(space: SpaceId, log_id: LogId) -> Self {
        let genesis = Genesis::first(space, log_id);
        let fold = LogFold::new(&genesis);
        let folds = BTreeMap::from([((1, 0), fold.clone())]);
        Self {
            space,
            log_id,
            epoch: 1,
            genesis,
            fold,
            folds,
            ahead: Vec::new(),
            shown: ShownClaims::default(),
            pending: BTreeMap::new(),
            verified: None,
        }
    }

    /// Seq of the last folded entry.
    pub(crate) const fn size(&self) -> u64 {
        self.fold.size()
    }

    /// The log epoch of the tree that is being folded.
    pub(crate) const fn tree_epoch(&self) -> u64 {
        self.genesis.log_epoch
    }

    pub(crate) fn head(&self) -> Hash {
        self.fold.head()
    }

    pub(crate) fn range(&self) -> Vec<Hash> {
        self.fold.hashes().to_vec()
    }

    /// The greatest size known to exist in this epoch.
    pub(crate) fn known_size(&self) -> u64 {
        self.shown.newest().map_or(0, |claim| claim.size).max(self.size())
    }

    /// The head at a size, where it was folded.
    pub(crate) fn head_at(&self, epoch: u64, size: u64) -> Option<Hash> {
        self.folds.get(&(epoch, size)).map(LogFold::head)
    }

    /// Whether everything that was shown to exist is folded and compared.
    pub(crate) fn is_caught_up(&self) -> bool {
        let size = self.size();
        self.tree_epoch() == self.epoch
            && self.known_size() == size
            && self.verified.is_some_and(|claim| claim.size == size)
    }

    /// Takes a claim whose signature holds; the sentence says what it proves.
    pub(crate) fn admit(&mut self, claim: &HeadClaim) -> Result<(), String> {
        if claim.log_epoch != self.epoch {
            return Ok(());
        }
        self.shown.add(claim)?;
        if self.tree_epoch() == self.epoch && claim.size <= self.size() {
            return self.compare(claim);
        }
        self.pending.insert(claim.size, *claim);
        Ok(())
    }

    fn compare(&mut self, claim: &HeadClaim) -> Result<(), String> {
        let Some(head) = self.head_at(claim.log_epoch, claim.size) else { return Ok(()) };
        if head != claim.head {
            return Err(format!("fork: the entries up to {} do not make the attested head", claim.size));
        }
        let newer = |known: &HeadClaim| (claim.size, claim.time_ms) > (known.size, known.time_ms);
        if self.verified.as_ref().is_none_or(newer) {
            self.verified = Some(*claim);
        }
        Ok(())
    }

    /// Folds the leaf of the next seq.
    pub(crate) fn push(&mut self, leaf: Hash) -> Result<(), String> {
        self.fold.extend([leaf]);
        self.note();
        self.enter_resets()?;
        self.settle()
    }

    fn note(&mut self) {
        self.folds.insert((self.genesis.log_epoch, self.fold.size()), self.fold.clone());
    }

    fn settle(&mut self) -> Result<(), String> {
        while self.tree_epoch() == self.epoch {
            let size = self.size();
            let Some(next) = self.pending.first_entry().filter(|next| *next.key() <= size) else { break };
            let claim = next.remove();
            self.compare(&claim)?;
        }
        Ok(())
    }

    /// Follows a reset; the caller checked that it is signed, of this space, and leads on from here.
    pub(crate) fn follow(&mut self, reset: &LogReset) -> Result<(), String> {
        let (old, base) = (reset.old_epoch, reset.base_size);
        self.epoch = reset.new_epoch;
        self.shown = ShownClaims::default();
        self.pending.clear();
        self.verified = None;
        self.ahead.retain(|earlier| earlier.new_epoch <= old);
        if self.tree_epoch() > old {
            // A backup of an ended epoch was restored: what was folded since is void.
            let past = self.folds.range((old, 0)..=(old, base)).next_back().map(|(_, fold)| fold.clone());
            let Some(past) = past else {
                self.begin(reset);
                return Ok(());
            };
            self.genesis.log_epoch = old;
            self.fold = past;
        }
        if !self.ahead.is_empty() || self.size() < base {
            self.ahead.push(*reset);
            return Ok(());
        }
        let known = if self.tree_epoch() == old { self.head_at(old, base) } else { None };
        if known.is_some_and(|head| head != reset.base_head) {
            return Err(format!("fork: the log was reset to another head of size {base}"));
        }
        self.begin(reset);
        Ok(())
    }

    fn begin(&mut self, reset: &LogReset) {
        self.genesis = reset.genesis();
        self.fold = LogFold::new(&self.genesis);
        self.note();
    }

    fn enter_resets(&mut self) -> Result<(), String> {
        while let Some(next) = self.ahead.first().copied().filter(|next| next.base_size <= self.size()) {
            if self.head() != next.base_head {
                return Err(format!("fork: the log was reset to another head of size {}", next.base_size));
            }
            self.ahead.remove(0);
            self.begin(&next);
        }
        Ok(())
    }

    /// Starts over from the range of a snapshot; `resets` are those that were shown in this session.
    pub(crate) fn start_from(
        &mut self,
        epoch: u64,
        size: u64,
        range: Vec<Hash>,
        resets: &[LogReset],
    ) -> Result<(), String> {
        let present = (epoch == self.genesis.log_epoch).then_some(self.genesis);
        let first = (epoch == 1).then(|| Genesis::first(self.space, self.log_id));
        let shown = resets.iter().find(|reset| reset.new_epoch == epoch).map(LogReset::genesis);
        let genesis = present.or(first).or(shown).ok_or("a snapshot of an unknown log epoch")?;
        let fold = LogFold::from_parts(genesis.base_size, size, range).ok_or("a range that does not fit its size")?;
        (self.genesis, self.fold) = (genesis, fold);
        self.note();
        self.ahead = resets.iter().filter(|reset| reset.new_epoch > epoch).copied().collect();
        self.verified = None;
        self.enter_resets()?;
        self.settle()
    }
}
