//! Who takes part: a few spaces, their devices, and every version of their rosters, signed once.

use bytes::Bytes;
use relay_core::testing::SpaceFixture;
use relay_proto::KeyPair;
use relay_proto::ids::{Hash, SpaceId};
use relay_proto::roster::Rights;

/// Spaces in a cast.
pub const SPACES: usize = 3;
/// Devices of a space; the last ones join with later versions.
pub const DEVICES: usize = 4;
/// Devices of the first version.
const FOUNDERS: usize = 2;

/// One version of a roster.
#[derive(Clone, Debug)]
pub struct Version {
    /// The statements up to this one.
    pub chain: Vec<Bytes>,
    /// Its keyring.
    pub keyring: Bytes,
    /// H(statement).
    pub hash: Hash,
}

/// One space.
#[derive(Clone, Debug)]
pub struct SpaceCast {
    /// Its id.
    pub id: SpaceId,
    /// Its devices; all of them may write.
    pub devices: Vec<KeyPair>,
    /// The versions of its roster, from 1.
    pub versions: Vec<Version>,
}

/// Everybody.
#[derive(Clone, Debug)]
pub struct Cast {
    /// The spaces.
    pub spaces: Vec<SpaceCast>,
}

impl SpaceCast {
    fn new(seed: u8) -> Self {
        let key = |n: usize| KeyPair::from_seed(&[seed * 16 + u8::try_from(n).unwrap_or(0); 32]);
        let devices: Vec<KeyPair> = (1..=DEVICES).map(key).collect();
        let founders: Vec<_> = devices.iter().take(FOUNDERS).map(|device| (device, Rights::Admin)).collect();
        let mut fixture = SpaceFixture::new(seed, &founders);
        let mut versions = vec![Version::of(&fixture)];
        for device in devices.iter().skip(FOUNDERS) {
            let root = fixture.root.clone();
            fixture.add(&root, device, Rights::Write);
            versions.push(Version::of(&fixture));
        }
        Self { id: fixture.id(), devices, versions }
    }

    /// How many devices may write under a version.
    #[must_use]
    pub fn members(&self, version: u64) -> usize {
        if version == 0 { 0 } else { (FOUNDERS - 1 + usize::try_from(version).unwrap_or(0)).min(DEVICES) }
    }
}

impl Version {
    fn of(fixture: &SpaceFixture) -> Self {
        let (_, hash) = fixture.newest();
        Self { chain: fixture.newest_only(), keyring: fixture.keyring.clone(), hash }
    }
}

impl Default for Cast {
    fn default() -> Self {
        Self { spaces: (1..=SPACES).map(|n| SpaceCast::new(u8::try_from(n).unwrap_or(1))).collect() }
    }
}
