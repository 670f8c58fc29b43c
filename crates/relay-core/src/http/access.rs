//! One request's authorisation, for routes that are not made of frames.

use super::Judged;
use crate::endpoint::Moment;
use crate::relay::Shared;
use crate::session::{Membership, code_of, membership};
use crate::sponsored::Standing;
use crate::store::{SpaceFacts, StoreError};
use relay_proto::ErrorCode;
use relay_proto::ids::{DeviceKey, SpaceId};
use std::sync::Arc;

/// What a request may do; of the newest roster at the time of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Read entries, snapshots, blobs. Every member may.
    pub read: bool,
    /// Write them. The root, which is no listed device, may not.
    pub write: bool,
    /// Put rosters.
    pub admin: bool,
}

/// Who a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authorised {
    /// The space.
    pub space: SpaceId,
    /// The device, or the space id as a key for the root.
    pub device: DeviceKey,
    /// Its rights.
    pub access: Access,
}

pub(crate) fn authorise(shared: &Arc<Shared>, token: &[u8], now: Moment, judged: Judged) {
    let Some((claims, _)) = shared.tokens.open(token, now) else {
        shared.counters.error(ErrorCode::SessionExpired);
        return judged(Err(ErrorCode::SessionExpired));
    };
    authorise_device(shared, claims.space, claims.device, judged);
}

/// What the newest roster lets a device do whose token held.
pub(crate) fn authorise_device(shared: &Arc<Shared>, space: SpaceId, device: DeviceKey, judged: Judged) {
    let relay = Arc::clone(shared);
    let done = move |facts| {
        let verdict = judge(&relay, facts, space, device);
        if let Err(code) = verdict {
            relay.counters.error(code);
        }
        // Only the log of a sponsored space is for use.
        let is_ordinary = relay.standing(space) == Standing::Ordinary;
        let access = |membership| Access { write: is_ordinary && access_of(membership).write, ..access_of(membership) };
        judged(verdict.map(|membership| Authorised { space, device, access: access(membership) }));
    };
    shared.store.space(space, Box::new(done));
}

fn access_of(membership: Membership) -> Access {
    Access { read: true, write: membership.may_write(), admin: membership.may_put_rosters() }
}

/// What the newest roster says of a device whose token holds.
pub(crate) fn judge(
    shared: &Shared,
    facts: Result<Option<SpaceFacts>, StoreError>,
    space: SpaceId,
    device: DeviceKey,
) -> Result<Membership, ErrorCode> {
    let facts = facts.map_err(|error| code_of(&error))?.ok_or(ErrorCode::SessionExpired)?;
    let membership = membership(&facts, space, device).ok_or(ErrorCode::DeviceRevoked)?;
    if membership.expired(shared.wall_clock.now_ms()) {
        return Err(ErrorCode::DeviceExpired);
    }
    Ok(membership)
}
