//! What a seed chooses before anything happens: how large the world is, and which troubles it has. A world has a few troubles
//! and not all of them, so that each is met alone and in company.

use super::network::Weather;
use super::scheduler::MS;
use relay_core::forgetting::ForgettingPolicy;
use relay_core::limits::RelayLimits;
use relay_store::vfs::sim::Dice;

const HOUR_MS: u64 = 3_600_000;
const SEGMENT_BYTES: [u64; 3] = [12 << 10, 24 << 10, 64 << 10];
const LIVE_BYTES: [usize; 3] = [1 << 10, 16 << 10, 1 << 20];
const PUSH_BYTES: [u32; 3] = [1 << 10, 16 << 10, 1 << 20];

/// Which troubles a world has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Troubles {
    /// Connections break, stall, and devices go away.
    pub(crate) network: bool,
    /// Devices read slowly.
    pub(crate) slow: bool,
    /// The process is killed, or ends in order.
    pub(crate) kills: bool,
    /// The power is cut.
    pub(crate) power_cuts: bool,
    /// The disk is full, or a call of it fails.
    pub(crate) disk: bool,
    /// The wall clock jumps.
    pub(crate) clock: bool,
    /// Backups are made and put back.
    pub(crate) restores: bool,
    /// Devices join and leave.
    pub(crate) rosters: bool,
    /// Snapshots are made, and a day passes in which history is forgotten.
    pub(crate) nights: bool,
}

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) spaces: usize,
    /// Devices of each space at the start.
    pub(crate) founders: [usize; 4],
    pub(crate) actions: u64,
    pub(crate) troubles: Troubles,
    pub(crate) weather: Weather,
    pub(crate) segment_bytes: u64,
    pub(crate) limits: RelayLimits,
    /// What a write queue takes, in bytes.
    pub(crate) window_bytes: usize,
}

impl Plan {
    pub(crate) fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let spaces = [1, 1, 1, 2, 2, 3, 4][pick(&mut dice, 7)];
        let founders = [0; 4].map(|_| [2, 2, 3, 3, 4, 5][pick(&mut dice, 6)]);
        let mut often = |n: u64| dice.below(n) > 0;
        let troubles = Troubles {
            network: often(4),
            slow: !often(3),
            kills: !often(2),
            power_cuts: !often(2),
            disk: !often(3),
            clock: !often(3),
            restores: !often(3),
            rosters: !often(2),
            nights: !often(3),
        };
        let retention_ms = if dice.one_in(3) { 20 * HOUR_MS } else { 240 * HOUR_MS };
        let limits = RelayLimits {
            heartbeat_ms: 5_000,
            push_in_flight_bytes_max: PUSH_BYTES[pick(&mut dice, 3)],
            live_space_bytes_max: LIVE_BYTES[pick(&mut dice, 3)],
            live_bytes_max: 4 * LIVE_BYTES[pick(&mut dice, 3)],
            forgetting: ForgettingPolicy { retention_ms, ..ForgettingPolicy::default() },
            ..RelayLimits::default()
        };
        let weather = Weather {
            delay_us_max: [2 * MS, 30 * MS, 200 * MS][pick(&mut dice, 3)],
            split_one_in: [0, 3, 10][pick(&mut dice, 3)],
        };
        Self {
            seed,
            spaces,
            founders,
            actions: 12 + dice.below(36),
            troubles,
            weather,
            segment_bytes: SEGMENT_BYTES[pick(&mut dice, 3)],
            limits,
            window_bytes: [2 << 10, 16 << 10, 256 << 10][pick(&mut dice, 3)],
        }
    }
}

fn pick(dice: &mut Dice, count: u64) -> usize {
    usize::try_from(dice.below(count)).unwrap_or(0)
}
