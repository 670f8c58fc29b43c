//! What is done to a world, one thing at a time: apps write, devices come and go, and whatever troubles its plan has.

use super::cast::DEVICES_MAX;
use super::device::Change;
use super::invariants;
use super::network::Side;
use super::scheduler::{MS, SECOND};
use super::truth::Line;
use super::world::{Backup, Event, World};
use relay_store::embedded::by_hand::Part;
use relay_store::vfs::sim::Fault;
use std::io::ErrorKind;

/// A day in which history is forgotten, in microseconds: longer than the relay waits after a start.
const NIGHT_US: u64 = 26 * 3_600 * SECOND;
/// How far the wall clock jumps, in milliseconds.
const JUMP_MS: u64 = 24 * 3_600_000;

/// Does the next thing, until all are done.
pub(crate) fn act(world: &mut World) {
    if world.actions_left == 0 {
        return;
    }
    world.actions_left -= 1;
    one(world);
    let longest = if world.dice.one_in(6) { 20 * SECOND } else { 700 * MS };
    let pause_us = world.dice.below(longest);
    world.clock.after(pause_us, Event::Act);
}

fn one(world: &mut World) {
    let troubles = world.plan.troubles;
    match world.dice.below(100) {
        0..=49 => write(world),
        50..=54 => ephemeral(world),
        55..=61 if troubles.network => disturb(world),
        62..=66 if troubles.network => leave(world),
        67..=71 if troubles.kills || troubles.power_cuts => crash(world),
        72..=76 if troubles.disk => fail_disk(world),
        77..=79 if troubles.clock => jump(world),
        80..=84 if troubles.restores => back_up(world),
        85..=86 if troubles.restores => restore(world),
        87..=92 if troubles.rosters => change_roster(world),
        93..=95 => wish_snapshot(world),
        96..=98 if troubles.nights => fall_asleep(world),
        _ => write(world),
    }
}

fn any_device(world: &mut World) -> usize {
    usize::try_from(world.dice.below(world.devices.len() as u64)).unwrap_or(0)
}

/// An app writes; also while its device is offline.
fn write(world: &mut World) {
    let at = any_device(world);
    let most = if world.dice.one_in(8) { 20 } else { 4 };
    let entries = 1 + world.dice.below(most);
    let now_us = world.clock.now_us();
    world.trace.say(now_us, format_args!("the app of device {at} writes {entries}"));
    let leak = world.leak;
    world.devices[at].write(entries, leak);
    world.devices[at].on_time(now_us);
    world.follow_device(at);
}

fn ephemeral(world: &mut World) {
    let at = any_device(world);
    world.devices[at].send_ephemeral();
    world.follow_device(at);
}

fn wish_snapshot(world: &mut World) {
    let at = any_device(world);
    let now_us = world.clock.now_us();
    world.devices[at].wish_snapshot();
    world.devices[at].on_time(now_us);
    world.follow_device(at);
}

/// The network does something to a connection.
fn disturb(world: &mut World) {
    let chosen = world.dice.below(world.links.len() as u64);
    let Some(id) = world.links.keys().nth(usize::try_from(chosen).unwrap_or(0)).copied() else { return };
    let now_us = world.clock.now_us();
    world.tally.network += 1;
    let Some(link) = world.links.get_mut(&id) else { return };
    let was_broken = link.wire.broken;
    link.wire.suffer(now_us, &mut world.dice);
    let breaks = link.wire.broken && !was_broken;
    world.trace.say(now_us, format_args!("the network disturbs connection {id}"));
    if breaks {
        world.break_link(id);
    }
}

/// A device goes away for a while.
fn leave(world: &mut World) {
    let at = any_device(world);
    let now_us = world.clock.now_us();
    let away_us = world.dice.below(30 * SECOND);
    world.trace.say(now_us, format_args!("device {at} goes away"));
    world.devices[at].retry_at_us = now_us + away_us;
    world.devices[at].hangs_up = true;
    world.follow_device(at);
}

fn crash(world: &mut World) {
    if !world.host.is_up() {
        return;
    }
    let troubles = world.plan.troubles;
    let power = troubles.power_cuts && (!troubles.kills || world.dice.one_in(2));
    // Half of them hit in the middle of what the store does: its next calls fail, and then it is gone.
    if world.dice.one_in(2) {
        let after = world.dice.below(8);
        world.host.vfs.inject("", Fault::Call { after, error: ErrorKind::Other });
        for part in [Part::Committer, Part::Background, Part::Metadata, Part::Snapshots] {
            world.host.turn(part);
        }
    }
    end(world, power);
    let down_us = world.dice.below(3 * SECOND);
    world.clock.after(down_us, Event::Start);
}

/// The process ends: killed, without power, or now and then in order.
fn end(world: &mut World, power: bool) {
    let now_us = world.clock.now_us();
    let ended = if power {
        world.tally.power_cuts += 1;
        let seed = world.dice.roll();
        world.host.kill(Some(seed))
    } else if world.dice.one_in(4) {
        world.tally.closes += 1;
        world.host.close()
    } else {
        world.tally.kills += 1;
        world.host.kill(None)
    };
    world.trace.say(now_us, format_args!("{}", if power { "the power is cut" } else { "the relay ends" }));
    world.host.vfs.heal();
    if let Err(what) = ended {
        world.violate(what);
    }
    world.lose_connections();
}

fn fail_disk(world: &mut World) {
    let now_us = world.clock.now_us();
    let suffix = [".seg", "meta.redb", ""][usize::try_from(world.dice.below(3)).unwrap_or(0)];
    let after = world.dice.below(20);
    let fault = match world.dice.below(4) {
        0 => Fault::Write { after, error: ErrorKind::Other },
        1 => Fault::Sync { after, error: ErrorKind::Other },
        _ => Fault::Full,
    };
    world.trace.say(now_us, format_args!("the disk: {fault:?} on {suffix:?}"));
    world.tally.disk += 1;
    world.host.vfs.inject(suffix, fault);
    let bad_us = world.dice.below(15 * SECOND);
    world.clock.after(bad_us, Event::DiskHeals);
}

/// A store that met a failing disk accepts nothing; the operator starts the relay again.
pub(crate) fn after_turn(world: &mut World) {
    if world.host.is_poisoned() && !world.deceived {
        let power = world.plan.troubles.power_cuts && world.dice.one_in(2);
        end(world, power);
        let down_us = world.dice.below(2 * SECOND);
        world.clock.after(down_us, Event::Start);
    }
}

fn jump(world: &mut World) {
    let now_us = world.clock.now_us();
    let jump_ms = world.dice.below(JUMP_MS);
    let ahead = i64::try_from(jump_ms).unwrap_or(0);
    world.host.clock_ahead_ms = if world.dice.one_in(2) { ahead } else { -ahead };
    world.tally.jumps += 1;
    let ahead_ms = world.host.clock_ahead_ms;
    world.trace.say(now_us, format_args!("the wall clock is {ahead_ms} ms ahead"));
}

fn back_up(world: &mut World) {
    if !world.host.is_up() {
        return;
    }
    let now_us = world.clock.now_us();
    world.trace.say(now_us, format_args!("a backup is made"));
    invariants::floors(world);
    let lines = world.truths.iter().map(|truth| truth.line.clone()).collect();
    world.backup = Some(Backup { vfs: world.host.vfs.fork(), lines });
}

/// An operator puts a backup back and opens a new log epoch.
fn restore(world: &mut World) {
    let Some(backup) = world.backup.take() else { return };
    let now_us = world.clock.now_us();
    world.trace.say(now_us, format_args!("a backup is put back"));
    world.tally.restores += 1;
    let restored = world.host.restore(&backup.vfs, now_us, true);
    world.host.vfs.heal();
    let lost: Vec<_> = world
        .truths
        .iter_mut()
        .zip(backup.lines)
        .map(|(truth, line)| std::mem::replace(&mut truth.line, line))
        .collect();
    if let Err(what) = restored {
        world.violate(what);
    }
    world.lose_connections();
    retire_removed(world, &lost);
    let down_us = world.dice.below(SECOND);
    world.clock.after(down_us, Event::Start);
}

/// A backup may undo a removal. Whoever was removed stays away then: if it pushed before the newest roster is shown again, the
/// relay would refuse that roster until the root signs another one, which no device of the simulation does. The newest roster may
/// be on its way from the relay that is no more.
fn retire_removed(world: &mut World, lost: &[Option<Line>]) {
    for at in 0..world.devices.len() {
        let (space, key) = (world.devices[at].space, world.devices[at].key());
        let same_space = world.devices.iter().filter(|device| device.space == space);
        let newest = same_space.max_by_key(|device| device.roster.version());
        let version = newest.map_or(0, |device| device.roster.version());
        let is_newer = |line: &&Line| line.roster.version > version;
        let lists = match lost[space].as_ref().filter(is_newer) {
            Some(line) => line.lists(&key),
            None => newest.is_none_or(|device| device.roster.lists(&key)),
        };
        world.devices[at].retired |= !lists;
    }
}

/// The admin of a space lets a device in, or takes one out.
fn change_roster(world: &mut World) {
    let space = usize::try_from(world.dice.below(world.plan.spaces as u64)).unwrap_or(0);
    let Some(admin) = world.devices.iter().position(|device| (device.space, device.index) == (space, 0)) else {
        return;
    };
    if world.devices[admin].wants.is_some() {
        return;
    }
    let of_space = |device: &&super::device::Device| device.space == space;
    let known: Vec<usize> = world.devices.iter().filter(of_space).map(|device| device.index).collect();
    let listed = |index: &usize| world.devices[admin].roster.has(Change::Add(*index), space);
    let members: Vec<usize> = known.iter().copied().filter(|index| *index > 0).filter(listed).collect();
    let next = known.iter().max().map_or(0, |index| index + 1);
    let change = if (world.dice.one_in(2) || members.is_empty()) && next < DEVICES_MAX {
        Change::Add(next)
    } else {
        let chosen = world.dice.below(members.len() as u64);
        let Some(index) = members.get(usize::try_from(chosen).unwrap_or(0)) else { return };
        Change::Remove(*index)
    };
    let now_us = world.clock.now_us();
    world.trace.say(now_us, format_args!("the admin of space {space} wants {change:?}"));
    world.devices[admin].wants = Some(change);
    world.devices[admin].on_time(now_us);
    world.follow_device(admin);
}

/// Everybody goes offline, and a little later a day passes.
fn fall_asleep(world: &mut World) {
    for at in 0..world.devices.len() {
        world.devices[at].online = false;
        world.devices[at].hangs_up = true;
        world.follow_device(at);
    }
    world.clock.after(2 * SECOND, Event::NightFalls);
}

/// A day in which nobody is there.
pub(crate) fn night(world: &mut World) {
    if world.healed {
        return;
    }
    let now_us = world.clock.now_us();
    world.trace.say(now_us, format_args!("a night passes"));
    world.tally.nights += 1;
    let ids: Vec<u64> = world.links.keys().copied().collect();
    for id in ids {
        world.host.hang_up(id);
        world.clock.after(0, Event::Gone(id, Side::Device));
    }
    world.clock.sleep(NIGHT_US);
    let now_us = world.clock.now_us();
    world.host.set_time(now_us);
    world.host.sweep(now_us);
    for at in 0..world.devices.len() {
        let away_us = world.dice.below(5 * SECOND);
        world.devices[at].online = true;
        world.devices[at].retry_at_us = now_us + away_us;
        world.follow_device(at);
    }
}
