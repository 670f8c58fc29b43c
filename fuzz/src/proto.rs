//! Targets of relay-proto. Each body panics when a property is broken; none may panic on any bytes.
//! The tests of relay-proto include this file and run every body over the committed corpus.

use bytes::Bytes;
use relay_proto::attestation::Attestation;
use relay_proto::frame::{ClientFrame, Frame, RelayFrame, RosterPut, hello_versions};
use relay_proto::roster::Chain;
use relay_proto::snapshot::Manifest;
use relay_proto::sponsorship::Sponsorship;
use relay_proto::{LogId, SpaceId};

/// The encoding is canonical: what decodes encodes to the same bytes.
pub fn client_frame(data: &[u8]) {
    let message = Bytes::copy_from_slice(data);
    if let Ok(frame) = ClientFrame::decode(&message) {
        assert_eq!(frame.encode(), message);
        match frame {
            ClientFrame::Hello(hello) => assert_eq!(hello_versions(data), Ok(hello.versions)),
            ClientFrame::FoundingProof(proof) => {
                if let Some(sponsorship) = Sponsorship::decode(&proof.admission) {
                    assert_eq!(sponsorship.encode(), proof.admission);
                }
            }
            _ => {}
        }
    }
}

/// The same for the other direction.
pub fn relay_frame(data: &[u8]) {
    let message = Bytes::copy_from_slice(data);
    if let Ok(frame) = RelayFrame::decode(&message) {
        assert_eq!(frame.encode(), message);
    }
}

/// `list<bytes<u32>, u16>` of statements: a chain that stands keeps its newest statement and stands again as kept.
pub fn roster_chain(data: &[u8]) {
    // As a RosterPut with an empty keyring, so that the list is read by the code that reads it on the wire.
    let message = Bytes::from([&[0x17], data, &[0; 4]].concat());
    let Ok(put) = RosterPut::decode(&message) else {
        return;
    };
    let space = put.chain.first().and_then(|first| first.get(2..34)).and_then(|space| space.try_into().ok());
    let space = SpaceId(space.unwrap_or([0; 32]));
    if let Ok(chain) = Chain::stand_alone(&space, &put.chain, Some(0)) {
        assert_eq!(Some(chain.newest().bytes()), put.chain.last());
        let again = Chain::stand_alone(&space, &chain.bytes(), Some(0));
        assert_eq!(again.as_ref(), Ok(&chain));
        assert!(chain.extended(&chain.bytes(), Some(0)).is_ok_and(|same| same.added.is_empty()));
    }
}

/// Chunk lengths add up to the total.
pub fn manifest(data: &[u8]) {
    let bytes = Bytes::copy_from_slice(data);
    let Ok(manifest) = Manifest::parse(bytes.clone()) else {
        return;
    };
    assert_eq!(manifest.bytes(), &bytes);
    let fields = manifest.fields();
    let count = fields.chunk_count().unwrap_or(0);
    let last = fields.chunk_len(count.saturating_sub(1)).map_or(0, u64::from);
    let before = u64::from(count.saturating_sub(1)) * u64::from(fields.chunk_bytes);
    assert_eq!(before + last, fields.total_bytes);
    assert_eq!(fields.chunk_len(count), None);
    let _ = manifest.verify();
}

/// Canonical, and never signed by a log that signed nothing.
pub fn attestation(data: &[u8]) {
    if let Ok(attestation) = Attestation::decode(data) {
        assert_eq!(attestation.encode(), data);
        assert!(!attestation.verify(&SpaceId([1; 32]), &LogId([0; 32])));
    }
}
