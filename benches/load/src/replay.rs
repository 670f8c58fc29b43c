//! Replay: one session subscribes at the beginning and reads a whole space, checked on the way.

use crate::args::Args;
use crate::clock::{Clock, SECOND_NS};
use crate::cpu::{own_cpu_seconds, tree_cpu_seconds};
use crate::failure::Failure;
use crate::fill::space_of;
use crate::number::{to_f64, to_u64};
use crate::peer::SCRATCH_BYTES;
use crate::relay::{EntriesHead, frame_number, open_session, refusal, walk_entries};
use crate::setup::ignore_interrupt;
use crate::target::Dialect;
use mio::{Events, Poll};
use relay_proto::frame::{Entries, Frame, Subscribe};
use serde_json::{Value, json};
use std::time::Duration;

const EVENTS_MAX: usize = 16;
/// Longest wait for the next entries.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// Reads the space that `fill` made with the same seed.
pub(crate) fn run(args: &Args) -> Result<Value, Failure> {
    let target = args.target()?;
    let Dialect::Relay(log_id) = target.dialect else {
        return Err(Failure::new("only a relay is replayed"));
    };
    let space = space_of(args.seed, 0)?;
    let mut session = open_session(target.address, &log_id, &space, 0, false)?;
    let claim = session.welcome.attestation.claim;
    if claim.size < args.entries {
        return Err(Failure::new(format!("the space holds {} entries only", claim.size)));
    }
    let clock = Clock::start();
    let cpu = || (own_cpu_seconds(), args.server_pid.map_or(0.0, tree_cpu_seconds));
    let before = cpu();
    session.line.send(&Subscribe { log_epoch: claim.log_epoch, after: 0, omit_own: false }.encode())?;
    let mut peer = session.line.into_peer()?;
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(EVENTS_MAX);
    let mut scratch = vec![0; SCRATCH_BYTES];
    peer.register(poll.registry(), 0)?;
    let (mut next_seq, mut bytes) = (1_u64, 0_u64);
    while next_seq <= args.entries {
        poll.poll(&mut events, Some(SILENCE_MAX)).or_else(ignore_interrupt)?;
        if events.is_empty() {
            return Err(Failure::new(format!("nothing came after seq {next_seq}")));
        }
        for event in &events {
            peer.on_event(event, &mut scratch, clock, |message, _| {
                if frame_number(message) != Entries::TYPE.number() {
                    return refusal(message);
                }
                let EntriesHead { first_seq, count } = walk_entries(message, |sealed| {
                    bytes = bytes.saturating_add(to_u64(sealed.len()));
                    Ok(())
                })?;
                if count > 0 && first_seq != next_seq {
                    return Err(Failure::new(format!("the replay jumped from seq {next_seq} to {first_seq}")));
                }
                next_seq = next_seq.saturating_add(count);
                Ok(())
            })?;
            peer.flush()?;
        }
    }
    let seconds = to_f64(clock.now_ns()) / to_f64(SECOND_NS);
    let after = cpu();
    Ok(json!({
        "mode": "replay",
        "entries": next_seq.saturating_sub(1),
        "bytes": bytes,
        "wall_seconds": seconds,
        "bytes_per_second": to_f64(bytes) / seconds,
        "load_cpu_seconds": after.0 - before.0,
        "server_cpu_seconds": after.1 - before.1,
    }))
}
