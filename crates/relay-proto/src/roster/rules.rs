//! The rules by which one statement follows another; relay and client check the same.

use super::{Device, Former, RosterError, Statement, StatementFields};
use crate::hash::sha256;
use crate::limits::KEYRING_BYTES_MAX;
use crate::signing::is_sound_key;

/// Checks that `next` may follow `previous`, or, without one, that it stands on its own. `now_ms` is the relay's clock;
/// without it no `not_after` is judged, as clients do.
///
/// # Errors
/// [`RosterError`]: the rule that is broken.
pub fn follow(previous: Option<&Statement>, next: &Statement, now_ms: Option<u64>) -> Result<(), RosterError> {
    match previous {
        Some(previous) => {
            check_succession(previous, next, now_ms)?;
            check_devices(previous.fields(), next.fields())?;
            check_key_epoch(previous, next)?;
        }
        None if !next.fields().is_root_signed() => return Err(RosterError::NotAnchored),
        None => {}
    }
    check_new_keys(previous.map(Statement::fields), next.fields())?;
    if next.signature_holds() { Ok(()) } else { Err(RosterError::Signature) }
}

/// Rules 1, 2 and 6: space, version, previous, signer, root_hpke.
fn check_succession(previous: &Statement, next: &Statement, now_ms: Option<u64>) -> Result<(), RosterError> {
    let (before, after) = (previous.fields(), next.fields());
    if before.space != after.space {
        return Err(RosterError::ForeignSpace);
    }
    if after.version <= before.version {
        return Err(RosterError::Version);
    }
    if !after.is_root_signed() {
        if after.version != before.version.saturating_add(1) {
            return Err(RosterError::Version);
        }
        if after.previous != previous.hash() {
            return Err(RosterError::Previous);
        }
        let signer = before.device(&after.signer).filter(|device| device.rights.is_admin());
        let signer = signer.ok_or(RosterError::Signer)?;
        if now_ms.is_some_and(|now_ms| signer.expired(now_ms)) {
            return Err(RosterError::SignerExpired);
        }
    }
    if before.root_hpke == after.root_hpke { Ok(()) } else { Err(RosterError::RootHpke) }
}

/// Rule 3: who left is in `former` for good, a former key never returns, nobody who stays loses write.
fn check_devices(before: &StatementFields, after: &StatementFields) -> Result<(), RosterError> {
    for old in &before.former {
        if after.device(&old.key).is_some() {
            return Err(RosterError::FormerReturned);
        }
        let carried = after.former(&old.key).ok_or(RosterError::FormerMissing)?;
        let raised_by_root = after.is_root_signed() && carried.push_seq_max > old.push_seq_max;
        if carried.push_seq_max != old.push_seq_max && !raised_by_root {
            return Err(RosterError::FormerChanged);
        }
    }
    for old in &before.devices {
        match after.device(&old.key) {
            Some(stays) if old.rights.may_write() && !stays.rights.may_write() => return Err(RosterError::WriteLost),
            None if after.former(&old.key).is_none() => return Err(RosterError::FormerMissing),
            _ => {}
        }
    }
    Ok(())
}

/// Rule 4: the key epoch never falls, rises by one under rule 1, and must rise when a device left or changed its key.
fn check_key_epoch(previous: &Statement, next: &Statement) -> Result<(), RosterError> {
    let (before, after) = (previous.fields(), next.fields());
    let step = after.key_epoch.checked_sub(before.key_epoch).ok_or(RosterError::KeyEpoch)?;
    let must_rise = before.devices.iter().any(|old| after.device(&old.key).is_none_or(|stays| stays.hpke != old.hpke));
    let too_far = step > 1 && !after.is_root_signed();
    if too_far || (must_rise && step == 0) { Err(RosterError::KeyEpoch) } else { Ok(()) }
}

/// Every key named must be sound; those the statement before named were checked with it.
fn check_new_keys(before: Option<&StatementFields>, after: &StatementFields) -> Result<(), RosterError> {
    let known = |key| before.is_some_and(|before| before.device(key).is_some() || before.former(key).is_some());
    let listed = after.devices.iter().map(|device| &device.key).chain(after.former.iter().map(|former| &former.key));
    let mut new = listed.filter(|key| !known(key));
    if new.all(|key| is_sound_key(&key.0)) { Ok(()) } else { Err(RosterError::Malformed) }
}

/// Checks that `keyring` is the one the statement names.
///
/// # Errors
/// [`RosterError::ChainLength`] over the size limit, [`RosterError::Keyring`] for other bytes.
pub fn check_keyring(statement: &Statement, keyring: &[u8]) -> Result<(), RosterError> {
    if keyring.len() > KEYRING_BYTES_MAX {
        return Err(RosterError::ChainLength);
    }
    if sha256(&[keyring]) == statement.fields().keyring_hash { Ok(()) } else { Err(RosterError::Keyring) }
}

/// The devices of `before` that left with `after`, with what still counts of them.
pub fn departures<'a>(
    before: &'a StatementFields,
    after: &'a StatementFields,
) -> impl Iterator<Item = (&'a Device, &'a Former)> {
    before.devices.iter().filter_map(|device| after.former(&device.key).map(|former| (device, former)))
}
