//! What is looked at all along and at the end; what is checked with every frame and every commit is in `truth`.

use super::device::Phase;
use super::scheduler::{MS, SECOND};
use super::truth::ask_now;
use super::world::{Event, World};
use relay_core::limits::{EPHEMERAL_SPACE_BYTES_MAX, PUSHES_IN_FLIGHT_MAX};
use relay_core::store::Store;

/// How long a world may take to come to rest once its troubles are over, in microseconds.
const REST_US_MAX: u64 = 300 * SECOND;
/// What a session reads beyond its window before it stops: one message more.
const PUSH_BYTES_BEYOND: u64 = 1 << 20;

/// A look at gauges and floors.
pub(crate) fn look(world: &mut World) {
    let Some(stats) = world.host.stats() else { return };
    let limits = world.plan.limits;
    let connections = stats.connections;
    let gauges = [
        ("pushes that wait", stats.pushes_waiting, connections * PUSHES_IN_FLIGHT_MAX as u64),
        (
            "bytes of pushes that wait",
            stats.push_bytes_waiting,
            connections * (u64::from(limits.push_in_flight_bytes_max) + PUSH_BYTES_BEYOND),
        ),
        ("bytes kept for live subscribers", stats.live_bytes, limits.live_bytes_max as u64),
        ("bytes of ephemeral frames", stats.ephemeral_bytes, stats.active_spaces * EPHEMERAL_SPACE_BYTES_MAX as u64),
        ("sessions", stats.sessions, connections),
    ];
    for (name, value, limit) in gauges {
        if value > limit {
            world.violate(format!("{value} {name}, the limit is {limit}"));
        }
    }
    floors(world);
}

/// What was forgotten was allowed to be. Looked at before what allowed it changes: rosters, and the log epoch of a backup.
pub(crate) fn floors(world: &mut World) {
    if world.deceived {
        return;
    }
    let now_us = world.clock.now_us();
    // A wall clock that jumped counts for or against every age.
    let jump_us = if world.tally.jumps > 0 { 48 * 3_600 * SECOND } else { 0 };
    let retention_us = (world.plan.limits.forgetting.retention_ms * MS).saturating_sub(jump_us);
    for space in 0..world.truths.len() {
        let id = world.truths[space].id();
        let Some(Some(facts)) = world.host.store().and_then(|store| ask_now(|done| store.space(id, done))) else {
            continue;
        };
        let before = world.truths[space].line.as_ref().map_or(1, |line| line.floor);
        world.tally.trims += u64::from(facts.floor > before);
        if let Err(what) = world.truths[space].trimmed(facts.floor, now_us, retention_us) {
            world.violate(format!("space {space}: {what}"));
        }
    }
}

/// Ends the troubles and lets everything come to rest; then everything is compared.
pub(crate) fn come_to_rest(world: &mut World) {
    heal(world);
    let until_us = world.clock.now_us() + REST_US_MAX;
    let mut next_look_us = 0;
    while world.violation.is_none() && world.step() {
        let now_us = world.clock.now_us();
        if now_us < next_look_us {
            continue;
        }
        next_look_us = now_us + 200 * MS;
        if is_at_rest(world) {
            return compare(world);
        }
        if now_us > until_us {
            if !is_stranded(world) {
                let what = unrest(world);
                world.violate(format!("no rest after {} s: {what}", REST_US_MAX / SECOND));
            }
            return;
        }
    }
}

fn heal(world: &mut World) {
    let now_us = world.clock.now_us();
    world.trace.say(now_us, format_args!("everything is well from now on"));
    world.healed = true;
    world.actions_left = 0;
    world.host.vfs.heal();
    world.links.values_mut().for_each(|link| link.wire.heal());
    if !world.host.is_up() {
        world.clock.after(SECOND, Event::Start);
    }
    for at in 0..world.devices.len() {
        world.devices[at].online = true;
        // Where history was forgotten, whoever has all of it makes a snapshot for the others.
        world.devices[at].wish_snapshot();
        world.follow_device(at);
    }
    world.clock.after(200 * MS, Event::Look);
}

fn is_member(world: &World, at: usize) -> bool {
    let device = &world.devices[at];
    world.truths[device.space].line.as_ref().is_some_and(|line| line.lists(&device.key()))
}

/// Whether a device has all of what the truth has.
fn has_all(world: &World, at: usize) -> bool {
    let device = &world.devices[at];
    let Some(line) = &world.truths[device.space].line else { return false };
    device.is_settled() && (device.log.epoch, device.log.size()) == (line.epoch, line.size())
}

fn is_at_rest(world: &World) -> bool {
    world.host.is_up()
        && (0..world.devices.len()).all(|at| !is_member(world, at) || has_all(world, at))
        && world.truths.iter().all(|truth| truth.line.is_some())
}

/// Retention was over for entries that nobody had read to the end, and no snapshot covers them: that is the operator's choice, and
/// no device can go on.
fn is_stranded(world: &World) -> bool {
    let waits = |at: usize| is_member(world, at) && !has_all(world, at);
    (0..world.devices.len()).filter(|at| waits(*at)).all(|at| {
        let space = world.devices[at].space;
        let floor = world.truths[space].line.as_ref().map_or(1, |line| line.floor);
        let reaches = |device: &&super::device::Device| device.space == space && device.log.size() + 1 >= floor;
        floor > 1 && !world.devices.iter().any(|device| reaches(&device))
    })
}

fn unrest(world: &World) -> String {
    if !world.host.is_up() {
        return "the relay does not run".to_owned();
    }
    let waiting = (0..world.devices.len()).find(|at| is_member(world, *at) && !has_all(world, *at));
    let Some(at) = waiting else { return "a space is unknown".to_owned() };
    let device = &world.devices[at];
    let phase = match device.phase {
        Phase::Offline => "offline",
        Phase::Greeting(_) => "in the handshake",
        Phase::Open(_) => "in a session",
    };
    let line = world.truths[device.space].line.as_ref();
    format!(
        "device {at} ({} of space {}) is {phase} at ({}, {}), the log is at {:?}, everything stored: {}, wants {:?}, roster {} confirmed {}, refused {:?}",
        device.index,
        device.space,
        device.log.epoch,
        device.log.size(),
        line.map(|line| (line.epoch, line.size(), line.floor, line.roster.version)),
        device.outbox.all_stored(),
        device.wants,
        device.roster.version(),
        device.roster.confirmed,
        device.refusals,
    )
}

/// Everybody has the same log, and every own entry of a member is in it.
fn compare(world: &mut World) {
    for at in 0..world.devices.len() {
        if let Err(what) = compare_device(world, at) {
            let (space, index) = (world.devices[at].space, world.devices[at].index);
            world.violate(format!("device {index} of space {space}: {what}"));
        }
    }
    look(world);
    release(world);
}

fn compare_device(world: &World, at: usize) -> Result<(), String> {
    let device = &world.devices[at];
    let Some(line) = &world.truths[device.space].line else { return Err("its space is gone".to_owned()) };
    if !line.lists(&device.key()) {
        return Ok(());
    }
    if device.log.head() != line.fold.head() {
        return Err("another head at the same size".to_owned());
    }
    let key = device.key();
    let missing = (1..=device.outbox.len()).find(|push_seq| !line.holds(&key, *push_seq));
    if let Some(push_seq) = missing {
        return Err(format!("its entry {push_seq} is not in the log"));
    }
    let delivered: std::collections::BTreeSet<_> = device.state.iter().collect();
    if delivered.len() != device.state.len() {
        return Err("its app was given an entry twice".to_owned());
    }
    let missing = line.entries.iter().find(|entry| !delivered.contains(&(entry.device, entry.push_seq)));
    match missing {
        Some(entry) => Err(format!("its app was never given entry {} of another device", entry.push_seq)),
        None => Ok(()),
    }
}

/// Closes every connection: nothing may be held for any of them.
fn release(world: &mut World) {
    let ids: Vec<u64> = world.links.keys().copied().collect();
    for id in ids {
        world.host.hang_up(id);
    }
    if let Err(what) = world.host.check_released() {
        world.violate(what);
    }
}
