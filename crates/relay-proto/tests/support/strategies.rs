//! Generators of every frame, for property tests.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use relay_proto::attestation::{Attestation, HeadClaim, ReceiptProof};
use relay_proto::frame::*;
use relay_proto::log_reset::LogReset;
use relay_proto::wire::U64_MAX;
use relay_proto::{DeviceKey, EntryId, Hash, LogId, SealedBytes, Signature, SnapshotId, SpaceId, TopicKey};

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0..=3_u64, 0..=U64_MAX, Just(U64_MAX)]
}

fn hash() -> impl Strategy<Value = Hash> {
    any::<[u8; 32]>().prop_map(Hash)
}

fn device() -> impl Strategy<Value = DeviceKey> {
    any::<[u8; 32]>().prop_map(DeviceKey)
}

fn snapshot() -> impl Strategy<Value = SnapshotId> {
    any::<[u8; 32]>().prop_map(SnapshotId)
}

fn signature() -> impl Strategy<Value = Signature> {
    vec(any::<u8>(), 64).prop_map(|bytes| Signature(bytes.try_into().unwrap()))
}

fn bytes(range: std::ops::Range<usize>) -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), range).prop_map(Bytes::from)
}

fn chain() -> impl Strategy<Value = Vec<Bytes>> {
    vec(bytes(0..64), 0..4)
}

fn path() -> impl Strategy<Value = Vec<Hash>> {
    vec(hash(), 0..=17)
}

/// An attestation of any content.
pub(crate) fn attestation() -> impl Strategy<Value = Attestation> {
    let claim = (number(), number(), hash(), number(), number(), hash()).prop_map(
        |(log_epoch, size, head, floor, time_ms, pushes)| HeadClaim { log_epoch, size, head, floor, time_ms, pushes },
    );
    (claim, any::<[u8; 16]>(), any::<u32>(), any::<u32>(), path(), signature()).prop_map(
        |(claim, salt, leaf_index, leaf_count, path, signature)| Attestation {
            claim,
            salt,
            leaf_index,
            leaf_count,
            path,
            signature,
        },
    )
}

fn ack() -> impl Strategy<Value = Ack> {
    (number(), number(), hash(), signature()).prop_map(|(log_epoch, size, head, signature)| Ack {
        log_epoch,
        size,
        head,
        signature,
    })
}

fn chunk() -> impl Strategy<Value = SnapshotChunk> {
    (snapshot(), any::<u32>(), bytes(0..200)).prop_map(|(snapshot, index, chunk)| SnapshotChunk {
        snapshot,
        index,
        chunk,
    })
}

fn hello() -> impl Strategy<Value = Hello> {
    (vec(any::<u16>(), 1..=16), any::<u64>(), any::<[u8; 32]>(), device(), any::<[u8; 32]>(), number(), hash())
        .prop_map(|(versions, features, space, device, client_nonce, roster_version, roster_hash)| Hello {
            versions,
            features,
            space: SpaceId(space),
            device,
            client_nonce,
            roster_version,
            roster_hash,
        })
}

fn push() -> impl Strategy<Value = Push> {
    (1..=U64_MAX - 4, any::<u32>(), vec(bytes(1..64).prop_map(SealedBytes), 1..5))
        .prop_map(|(push_seq_first, key_epoch, entries)| Push { push_seq_first, key_epoch, entries })
}

fn pull() -> impl Strategy<Value = Pull> {
    (1..=u32::MAX, number(), number(), 1..=u32::MAX, any::<u32>()).prop_map(
        |(request, log_epoch, after, entries_max, bytes_max)| Pull {
            request,
            log_epoch,
            after,
            entries_max,
            bytes_max,
        },
    )
}

fn sealed() -> impl Strategy<Value = SealedBytes> {
    bytes(1..200).prop_map(SealedBytes)
}

fn topic() -> impl Strategy<Value = TopicKey> {
    any::<[u8; 32]>().prop_map(TopicKey)
}

fn credit() -> impl Strategy<Value = TopicCredit> {
    (any::<u32>(), any::<u32>(), 1..=u32::MAX).prop_map(|(number, peer, bytes)| TopicCredit { number, peer, bytes })
}

fn live_client_frame() -> impl Strategy<Value = ClientFrame> {
    prop_oneof![
        any::<bool>().prop_map(|listen| EphemeralListen { listen }.into()),
        (any::<u32>(), sealed()).prop_map(|(key_epoch, sealed)| EphemeralSend { key_epoch, sealed }.into()),
        topic().prop_map(|topic| TopicJoin { topic }.into()),
        any::<u32>().prop_map(|number| TopicLeave { number }.into()),
        (any::<u32>(), any::<bool>(), any::<u32>(), any::<u32>(), sealed()).prop_map(
            |(number, to_all, peer, key_epoch, sealed)| TopicSend { number, to_all, peer, key_epoch, sealed }.into()
        ),
        credit().prop_map(ClientFrame::from),
    ]
}

fn live_relay_frame() -> impl Strategy<Value = RelayFrame> {
    prop_oneof![
        (device(), any::<u32>(), sealed()).prop_map(|(device, key_epoch, sealed)| Ephemeral {
            device,
            key_epoch,
            sealed
        }
        .into()),
        (1..=U64_MAX).prop_map(|count| EphemeralMissed { count }.into()),
        (topic(), any::<u32>(), any::<u32>())
            .prop_map(|(topic, number, peer)| TopicJoined { topic, number, peer }.into()),
        (any::<u32>(), any::<u32>(), device(), any::<bool>()).prop_map(|(number, peer, device, present)| TopicPeer {
            number,
            peer,
            device,
            present
        }
        .into()),
        (any::<u32>(), any::<u32>(), any::<bool>(), any::<u32>(), sealed()).prop_map(
            |(number, peer, to_all, key_epoch, sealed)| TopicData { number, peer, to_all, key_epoch, sealed }.into()
        ),
        credit().prop_map(RelayFrame::from),
    ]
}

/// Any frame of a client.
pub(crate) fn client_frame() -> impl Strategy<Value = ClientFrame> {
    prop_oneof![
        live_client_frame(),
        hello().prop_map(ClientFrame::from),
        (chain(), bytes(0..64), signature()).prop_map(|(chain, keyring, signature)| Proof {
            chain,
            keyring,
            signature
        }
        .into()),
        (chain(), bytes(0..64), bytes(1..64), signature()).prop_map(|(chain, keyring, admission, signature)| {
            FoundingProof { chain, keyring, admission, signature }.into()
        }),
        number().prop_map(|nonce| Ping { nonce }.into()),
        push().prop_map(ClientFrame::from),
        pull().prop_map(ClientFrame::from),
        (number(), number(), any::<bool>()).prop_map(|(log_epoch, after, omit_own)| Subscribe {
            log_epoch,
            after,
            omit_own
        }
        .into()),
        ack().prop_map(ClientFrame::from),
        (chain(), bytes(0..64)).prop_map(|(chain, keyring)| RosterPut { chain, keyring }.into()),
        (any::<u32>(), number(), 1..=8192_u32).prop_map(|(request, first_seq, count)| PullLeaves {
            request,
            first_seq,
            count
        }
        .into()),
        (number(), 1..=U64_MAX, hash(), signature()).prop_map(|(log_epoch, size, head, signature)| Purge {
            log_epoch,
            size,
            head,
            signature
        }
        .into()),
        (number(), number(), hash(), signature()).prop_map(|(log_epoch, roster_version, roster_hash, signature)| {
            Erase { log_epoch, roster_version, roster_hash, signature }.into()
        }),
        bytes(0..400).prop_map(|manifest| SnapshotBegin { manifest }.into()),
        chunk().prop_map(ClientFrame::from),
        (snapshot(), any::<u32>(), any::<u32>()).prop_map(|(snapshot, first_chunk, chunks_max)| SnapshotGet {
            snapshot,
            first_chunk,
            chunks_max
        }
        .into()),
        (snapshot(), signature()).prop_map(|(snapshot, signature)| SnapshotAck { snapshot, signature }.into()),
    ]
}

fn welcome() -> impl Strategy<Value = Welcome> {
    let limits = (any::<u32>(), any::<u32>(), any::<u16>(), any::<u32>(), any::<u32>()).prop_map(
        |(message_bytes_max, entry_bytes_max, push_entries_max, push_bytes_in_flight_max, heartbeat_ms)| {
            SessionLimits {
                message_bytes_max,
                entry_bytes_max,
                push_entries_max,
                push_bytes_in_flight_max,
                heartbeat_ms,
            }
        },
    );
    let policy =
        (number(), number()).prop_map(|(retention_ms, device_lease_ms)| Policy { retention_ms, device_lease_ms });
    let marks = (number(), number(), hash(), number(), any::<bool>(), any::<[u8; 32]>());
    (marks, limits, policy, attestation(), signature()).prop_map(
        |(
            (log_epoch, roster_version, roster_hash, high, bound, last),
            session_limits,
            policy,
            attestation,
            signature,
        )| {
            let body = WelcomeBody {
                log_epoch,
                roster_version,
                roster_hash,
                push_seq_high: high,
                push_seq_bound: bound,
                last_entry_id: EntryId(last),
                session_limits,
                policy,
                attestation,
            };
            Welcome { body, signature }
        },
    )
}

pub(crate) fn receipt() -> impl Strategy<Value = Receipt> {
    let proof = (any::<u32>(), any::<u32>(), path())
        .prop_map(|(index, leaves, path)| ReceiptStatus::Stored(ReceiptProof { index, leaves, path }));
    let status = prop_oneof![proof, Just(ReceiptStatus::Duplicate), Just(ReceiptStatus::DuplicateForgotten)];
    (number(), any::<u16>(), status, number(), attestation()).prop_map(
        |(push_seq_first, count, status, seq_first, attestation)| Receipt {
            push_seq_first,
            count,
            status,
            seq_first,
            attestation,
        },
    )
}

fn item() -> impl Strategy<Value = Item> {
    let body = prop_oneof![
        bytes(0..64).prop_map(|sealed| ItemBody::Sealed(SealedBytes(sealed))),
        any::<[u8; 32]>().prop_map(|id| ItemBody::Own(EntryId(id))),
    ];
    (device(), number(), any::<u32>(), body).prop_map(|(device, push_seq, key_epoch, body)| Item {
        device,
        push_seq,
        key_epoch,
        body,
    })
}

/// An Entries frame of any content.
pub(crate) fn entries() -> impl Strategy<Value = Entries> {
    (any::<u32>(), any::<bool>(), number(), vec(item(), 0..8), attestation()).prop_map(
        |(request, more, first_seq, items, attestation)| Entries { request, more, first_seq, items, attestation },
    )
}

fn log_reset() -> impl Strategy<Value = LogReset> {
    (any::<[u8; 32]>(), any::<[u8; 32]>(), 0..U64_MAX, number(), hash(), number(), signature()).prop_map(
        |(space, log_id, old_epoch, base_size, base_head, time_ms, signature)| LogReset {
            space: SpaceId(space),
            log_id: LogId(log_id),
            old_epoch,
            base_size,
            base_head,
            new_epoch: old_epoch + 1,
            time_ms,
            signature,
        },
    )
}

fn error() -> impl Strategy<Value = ErrorFrame> {
    (any::<u16>(), number(), any::<u32>(), bytes(0..64))
        .prop_map(|(code, context, retry_after_ms, detail)| ErrorFrame { code, context, retry_after_ms, detail })
}

/// Any frame of a relay.
pub(crate) fn relay_frame() -> impl Strategy<Value = RelayFrame> {
    let challenge = (any::<u16>(), any::<u64>(), any::<[u8; 32]>(), any::<[u8; 32]>()).prop_map(
        |(version, features, log_id, relay_nonce)| Challenge { version, features, log_id: LogId(log_id), relay_nonce },
    );
    let state = prop_oneof![Just(SnapshotState::Wanted), Just(SnapshotState::Stored)];
    let session = prop_oneof![
        challenge.prop_map(RelayFrame::from),
        welcome().prop_map(RelayFrame::from),
        error().prop_map(RelayFrame::from),
        (any::<u16>(), any::<u32>(), any::<u32>()).prop_map(|(reason, reconnect_after_ms, reconnect_spread_ms)| {
            Goaway { reason, reconnect_after_ms, reconnect_spread_ms }.into()
        }),
        (number(), attestation()).prop_map(|(nonce, attestation)| Pong { nonce, attestation }.into()),
        (chain(), bytes(0..64)).prop_map(|(chain, keyring)| RosterUpdate { chain, keyring }.into()),
        (any::<u32>(), any::<[u8; 40]>())
            .prop_map(|(expires_in_ms, ticket)| SessionTicket { expires_in_ms, ticket }.into()),
        (any::<u32>(), bytes(0..512)).prop_map(|(expires_in_ms, token)| SessionToken { expires_in_ms, token }.into()),
    ];
    let log = prop_oneof![
        receipt().prop_map(RelayFrame::from),
        entries().prop_map(RelayFrame::from),
        (device(), ack()).prop_map(|(device, ack)| AckNotice { device, ack }.into()),
        log_reset().prop_map(RelayFrame::from),
        (any::<u32>(), attestation()).prop_map(|(request, attestation)| CursorExpired { request, attestation }.into()),
        (number(), attestation()).prop_map(|(size, attestation)| Purged { size, attestation }.into()),
        (any::<u32>(), number(), vec(hash(), 0..20)).prop_map(|(request, first_seq, leaves)| Leaves {
            request,
            first_seq,
            leaves
        }
        .into()),
    ];
    let snapshots = prop_oneof![
        chunk().prop_map(RelayFrame::from),
        (snapshot(), any::<u32>(), state).prop_map(|(snapshot, next_chunk, state)| SnapshotStatus {
            snapshot,
            next_chunk,
            state
        }
        .into()),
        bytes(0..400).prop_map(|manifest| SnapshotManifest { manifest }.into()),
        number().prop_map(|size| SnapshotDue { size }.into()),
    ];
    prop_oneof![session, log, snapshots, live_relay_frame()]
}
