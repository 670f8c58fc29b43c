//! What a power cut leaves of what was never synced: any subset, in any order, torn at sectors, chosen by a seed.

use super::disk::{Change, Disk, NameChange, Names};
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

/// Units in which a torn write survives, in bytes: a sector and a page.
pub const SECTOR_BYTES: usize = 512;
const PAGE_BYTES: usize = 4096;

/// splitmix64: enough randomness to choose what a power cut loses.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end` (0 when `end` is 0).
    pub const fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.roll() % end }
    }

    /// True one time in `n`.
    pub const fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// How a cut chooses; one style for everything, so that extreme states are reached as well as mixed ones.
#[derive(Clone, Copy, Debug, Hash)]
enum Style {
    Nothing,
    Everything,
    /// Each change is kept, torn or lost by itself.
    Each {
        unit: usize,
    },
    /// The first changes are whole, the next is torn, the rest is lost.
    Prefix {
        unit: usize,
    },
    /// The newest change alone reached the disk.
    NewestOnly,
    /// All but one reached the disk.
    AllButOne,
}

impl Style {
    const fn of(dice: &mut Dice) -> Self {
        let unit = if dice.one_in(2) { SECTOR_BYTES } else { PAGE_BYTES };
        match dice.below(10) {
            0 => Self::Nothing,
            1 => Self::Everything,
            2..=4 => Self::Each { unit },
            5..=7 => Self::Prefix { unit },
            8 => Self::NewestOnly,
            _ => Self::AllButOne,
        }
    }

    /// What becomes of each of `count` changes.
    fn fates(self, count: usize, dice: &mut Dice) -> Vec<Fate> {
        let chosen = usize::try_from(dice.below(count as u64)).unwrap_or(0);
        let fate = |at: usize, dice: &mut Dice| match self {
            Self::Nothing => Fate::Lost,
            Self::Everything => Fate::Kept,
            Self::Each { unit } => match dice.below(4) {
                0 => Fate::Lost,
                1 => Fate::Torn { unit, seed: dice.roll() },
                2 => Fate::LengthOnly,
                _ => Fate::Kept,
            },
            Self::Prefix { unit } => match at.cmp(&chosen) {
                std::cmp::Ordering::Less => Fate::Kept,
                std::cmp::Ordering::Equal => Fate::Torn { unit, seed: dice.roll() },
                std::cmp::Ordering::Greater => Fate::Lost,
            },
            Self::NewestOnly if at + 1 == count => Fate::Kept,
            Self::AllButOne if at != chosen => Fate::Kept,
            Self::NewestOnly | Self::AllButOne => Fate::Lost,
        };
        (0..count).map(|at| fate(at, dice)).collect()
    }
}

/// What becomes of one change.
#[derive(Clone, Copy, Debug, Hash)]
enum Fate {
    Lost,
    Kept,
    Torn {
        unit: usize,
        seed: u64,
    },
    /// The file grew and the bytes did not come.
    LengthOnly,
}

/// Cuts the power of a disk; returns a number that two cuts of one moment share only when they left the same.
pub(super) fn cut(disk: &mut Disk, dice: &mut Dice) -> u64 {
    let style = Style::of(dice);
    let name_style = if dice.one_in(2) { style } else { Style::of(dice) };
    let mut hasher = DefaultHasher::new();
    let mut name_hasher = DefaultHasher::new();
    let mut name_dice = Dice::new(dice.roll());
    disk.cut_power(
        |pending, durable| survive(pending, durable, style, dice, &mut hasher),
        |pending, durable| survive_names(pending, durable, name_style, &mut name_dice, &mut name_hasher),
    );
    hasher.finish() ^ name_hasher.finish().rotate_left(1)
}

fn survive_names(
    pending: &[NameChange],
    durable: &mut Names,
    style: Style,
    dice: &mut Dice,
    hasher: &mut DefaultHasher,
) {
    for (change, fate) in pending.iter().zip(style.fates(pending.len(), dice)) {
        let kept = match fate {
            Fate::Lost => false,
            Fate::Kept | Fate::LengthOnly => true,
            Fate::Torn { seed, .. } => seed.is_multiple_of(2),
        };
        kept.hash(hasher);
        if kept {
            change.apply(durable);
        }
    }
}

fn survive(pending: &[Change], durable: &mut Vec<u8>, style: Style, dice: &mut Dice, hasher: &mut DefaultHasher) {
    for (change, fate) in pending.iter().zip(style.fates(pending.len(), dice)) {
        std::mem::discriminant(&fate).hash(hasher);
        match (fate, change) {
            (Fate::Lost, _) => {}
            (Fate::Torn { unit, seed }, Change::Write { offset, bytes }) => {
                let mut tear = Dice::new(seed);
                // Units count from the start of the file, as sectors do.
                let mut at = 0;
                while at < bytes.len() {
                    let end = (at + unit - (offset + at) % unit).min(bytes.len());
                    let kept = tear.one_in(2);
                    kept.hash(hasher);
                    if kept {
                        Change::Write { offset: offset + at, bytes: bytes.slice(at..end) }.apply(durable);
                    }
                    at = end;
                }
            }
            (Fate::LengthOnly, Change::Write { .. }) => {
                let end = change.end().max(durable.len());
                Change::SetLen(end).apply(durable);
            }
            (Fate::Kept | Fate::Torn { .. } | Fate::LengthOnly, _) => change.apply(durable),
        }
    }
}
