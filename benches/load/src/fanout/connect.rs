//! Connecting the groups of a fan-out: receivers first, so that none misses a message.

use super::publisher::Group;
use super::subscriber::{Place, Samples, Subscriber};
use super::{Receiver, Run};
use crate::args::Args;
use crate::failure::Failure;
use crate::foreign::{gun, nats, redis};
use crate::number::to_u64;
use crate::payload::Payload;
use crate::peer::Peer;
use crate::relay::{EPHEMERAL_FEATURE, Space, listen_frame, open_session};
use crate::setup::Line;
use crate::speech::Speech;
use crate::target::{Dialect, Target};
use relay_proto::LogId;
use relay_proto::frame::{Frame, Subscribe};

/// What the kernel may hold for a receiver that never reads.
const STALLED_BUFFER_BYTES: usize = 4096;

/// Connects everything.
pub(crate) fn connect(args: &Args, target: &Target, payload: Payload) -> Result<Run, Failure> {
    let mut run = Run { groups: Vec::new(), receivers: Vec::new(), stalled: Vec::new(), samples: None, payload };
    for group in 0..args.groups {
        match target.dialect {
            Dialect::Relay(log_id) => connect_to_relay(args, target, log_id, &mut run)?,
            _ => connect_plain(args, target, group, &mut run)?,
        }
    }
    run.stall(to_u64(args.stalled));
    Ok(run)
}

impl Run {
    fn add_group(&mut self, publisher: Peer, speech: Speech, receivers: usize) {
        self.groups.push(Group::new(publisher, speech, to_u64(receivers)));
    }

    fn add_receiver(&mut self, peer: Peer, place: Place) {
        self.receivers.push(Receiver { peer, account: Subscriber::new(place), group: self.groups.len() });
    }

    /// The last receivers of each group stop reading before anything is sent.
    fn stall(&mut self, per_group: u64) {
        let mut left: Vec<u64> = self.groups.iter().map(|_| per_group).collect();
        for receiver in std::mem::take(&mut self.receivers).into_iter().rev() {
            let group = receiver.group;
            match left.get_mut(group).filter(|left| **left > 0) {
                Some(left) => {
                    *left = left.saturating_sub(1);
                    receiver.peer.shrink_receive_buffer(STALLED_BUFFER_BYTES);
                    self.stalled.push(receiver.peer);
                }
                None => self.receivers.push(receiver),
            }
        }
        for group in &mut self.groups {
            group.receivers = group.receivers.saturating_sub(per_group);
        }
    }
}

fn connect_plain(args: &Args, target: &Target, group: usize, run: &mut Run) -> Result<(), Failure> {
    let address = target.address;
    let named = |path: &str| if group == 0 { path.to_owned() } else { format!("{path}/{group}") };
    let place = if target.dialect == Dialect::Gun { Place::Graph } else { Place::Plain };
    for index in 0..args.connections {
        let peer = match target.dialect {
            Dialect::Limit => Line::open(address, &named("/fan"))?.into_peer()?,
            Dialect::Ws => Line::open(address, &named("/sub"))?.into_peer()?,
            Dialect::Redis => redis::subscribe(address, group)?,
            Dialect::Nats => nats::subscribe(address, group)?,
            Dialect::Gun => gun::subscribe(address, group, index)?,
            _ => return Err(Failure::new("this reaches nobody else: fanout has no such dialect")),
        };
        run.add_receiver(peer, place);
    }
    let (publisher, speech) = match target.dialect {
        Dialect::Limit => (Line::open(address, &format!("{}?pub", named("/fan")))?.into_peer()?, Speech::Plain),
        Dialect::Redis => (redis::open(address)?, Speech::RedisPublish(group)),
        Dialect::Nats => (nats::open(address)?, Speech::NatsPublish(group)),
        Dialect::Gun => (gun::open(address)?, Speech::GunPublish(group)),
        _ => (Line::open(address, &named("/pub"))?.into_peer()?, Speech::Plain),
    };
    run.add_group(publisher, speech, args.connections);
    Ok(())
}

/// Each group is a space. Device 0 sends; the receivers share the other devices of the roster, which holds fewer than a
/// thousand.
fn connect_to_relay(args: &Args, target: &Target, log_id: LogId, run: &mut Run) -> Result<(), Failure> {
    let space = Space::create(args.connections.saturating_add(1))?;
    let readers = space.device_count().saturating_sub(1).max(1);
    let publisher = open_session(target.address, &log_id, &space, 0, true)?;
    if args.ephemeral && publisher.features & EPHEMERAL_FEATURE == 0 {
        return Err(Failure::absent("this relay has no ephemeral frames"));
    }
    for index in 0..args.connections {
        let mut session = open_session(target.address, &log_id, &space, 1 + index % readers, false)?;
        let place = if args.ephemeral {
            session.line.send(&listen_frame())?;
            Place::Ephemeral
        } else {
            let claim = session.welcome.attestation.claim;
            let subscribe = Subscribe { log_epoch: claim.log_epoch, after: claim.size, omit_own: false };
            session.line.send(&subscribe.encode())?;
            Place::Log { next_seq: claim.size.saturating_add(1) }
        };
        if args.ephemeral {
            session.settle()?;
        }
        run.add_receiver(session.line.into_peer()?, place);
    }
    let base = publisher.welcome.push_seq_high.saturating_add(1);
    let speech = if args.ephemeral { Speech::Ephemeral } else { Speech::Push { base } };
    run.add_group(publisher.line.into_peer()?, speech, args.connections);
    run.samples.get_or_insert_with(|| Samples::new(space.id, log_id));
    Ok(())
}
