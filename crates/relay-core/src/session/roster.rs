//! The roster as an open session follows it: its own membership, and what the client was told.

use super::handle::Answer;
use super::io::Io;
use super::refusal::code_of;
use crate::endpoint::SharedFrame;
use crate::hub::SpaceChannel;
use crate::store::{SpaceFacts, StoreError};
use bytes::Bytes;
use relay_proto::ErrorCode;
use relay_proto::frame::RosterUpdate;
use relay_proto::hash::sha256;
use relay_proto::ids::{DeviceKey, Hash, SpaceId};
use relay_proto::roster::{Rights, Statement};

/// What the newest roster says of the session's device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Membership {
    /// The root itself: it reads and puts rosters, and writes nothing.
    Root,
    /// A listed device.
    Device { rights: Rights, not_after_ms: u64 },
}

impl Membership {
    pub(crate) fn may_write(self) -> bool {
        matches!(self, Self::Device { rights, .. } if rights.may_write())
    }

    pub(crate) fn may_put_rosters(self) -> bool {
        match self {
            Self::Root => true,
            Self::Device { rights, .. } => rights.is_admin(),
        }
    }

    /// Until when it holds; 0: for good.
    pub(super) const fn not_after_ms(self) -> u64 {
        match self {
            Self::Root => 0,
            Self::Device { not_after_ms, .. } => not_after_ms,
        }
    }

    pub(crate) const fn expired(self, now_ms: u64) -> bool {
        self.not_after_ms() != 0 && now_ms > self.not_after_ms()
    }
}

/// What the newest roster says of a device; `None` when it is not in it.
pub(crate) fn membership(facts: &SpaceFacts, space: SpaceId, device: DeviceKey) -> Option<Membership> {
    if device == space.as_device() {
        return Some(Membership::Root);
    }
    let newest = Statement::parse(facts.chain.last()?.clone()).ok()?;
    let listed = newest.fields().device(&device)?;
    Some(Membership::Device { rights: listed.rights, not_after_ms: listed.not_after_ms })
}

/// Follows the announcements of roster changes.
#[derive(Debug)]
pub(super) struct RosterWatch {
    /// Announcements looked into so far; `None`: none yet, the session just opened.
    seen: Option<u64>,
    /// The newest statement the client knows: (version, hash).
    told: (u64, Hash),
    looking: bool,
    /// The client waits for a RosterUpdate even when it knows everything.
    answer_owed: bool,
}

impl RosterWatch {
    pub(super) const fn new(told: (u64, Hash)) -> Self {
        Self { seen: None, told, looking: false, answer_owed: false }
    }

    /// Hash of the newest statement the client knows.
    pub(super) const fn told_hash(&self) -> Hash {
        self.told.1
    }

    /// Announcements that were looked into, to the end.
    pub(super) fn seen(&self) -> Option<u64> {
        self.seen.filter(|_| !self.looking)
    }

    /// Whether something changed that is not sent yet: no entry may be sent before it is.
    pub(super) fn is_looking(&mut self, space: SpaceId, channel: &SpaceChannel, io: &Io<'_>) -> bool {
        let announced = channel.roster_changes();
        if !self.looking && self.seen != Some(announced) {
            self.seen = Some(announced);
            self.look(space, io);
        }
        self.looking
    }

    /// Whether something changed that was not looked into.
    pub(super) fn is_owed(&self, channel: &SpaceChannel) -> bool {
        self.looking || self.seen != Some(channel.roster_changes())
    }

    /// Looks up what the relay holds, announced or not.
    pub(super) fn look_now(&mut self, space: SpaceId, io: &Io<'_>) {
        if !self.looking {
            self.look(space, io);
        }
    }

    fn look(&mut self, space: SpaceId, io: &Io<'_>) {
        self.looking = true;
        io.shared.store.space(space, io.completion(Answer::Facts));
    }

    /// The client's chain was refused or brought nothing new: it is shown what the relay holds.
    pub(super) fn show_all(&mut self, space: SpaceId, io: &Io<'_>) {
        self.told = (0, Hash::ZERO);
        self.answer_owed = true;
        self.look(space, io);
    }

    /// Sends what is new; returns the device's membership now, `None` when the session was ended.
    pub(super) fn on_facts(
        &mut self,
        facts: Result<Option<SpaceFacts>, StoreError>,
        (space, device): (SpaceId, DeviceKey),
        channel: &SpaceChannel,
        io: &mut Io<'_>,
    ) -> Option<Membership> {
        self.looking = false;
        let facts = match facts {
            Ok(Some(facts)) => facts,
            Ok(None) => {
                io.error(ErrorCode::SpaceErased, 0);
                return None;
            }
            Err(error) => {
                io.fatal(code_of(&error));
                return None;
            }
        };
        // Before anything else: a device that left gets no further keyring.
        let Some(membership) = membership(&facts, space, device) else {
            io.shared.counters.sessions_revoked_total.one();
            io.error(ErrorCode::DeviceRevoked, 0);
            return None;
        };
        if facts.roster_version > self.told.0 || self.answer_owed {
            self.send_update(&facts, channel, io);
        }
        Some(membership)
    }

    fn send_update(&mut self, facts: &SpaceFacts, channel: &SpaceChannel, io: &mut Io<'_>) {
        let told_hash = self.told.1;
        let encode = || {
            let chain = statements_after(&facts.chain, told_hash);
            SharedFrame::of(&RosterUpdate { chain, keyring: facts.keyring.clone() })
        };
        io.send_shared(channel.roster_frame((told_hash, facts.roster_hash), encode));
        self.told = (facts.roster_version, facts.roster_hash);
        self.answer_owed = false;
    }
}

/// What someone who knows the statement of this hash lacks: the ones after it, or all when it is not among them.
fn statements_after(chain: &[Bytes], known: Hash) -> Vec<Bytes> {
    let place = chain.iter().position(|statement| sha256(&[statement]) == known);
    chain.iter().skip(place.map_or(0, |place| place + 1)).cloned().collect()
}
