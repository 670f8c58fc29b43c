//! Everything a client asks that is answered in order: one request is under way, the others wait in a bounded queue.

use super::erasure::{purged, show_erasure};
use super::handle::Answer;
use super::io::Io;
use super::open::OpenSession;
use super::snapshot::Sending;
use crate::erasure::PurgePoint;
use crate::limits::SPONSORED_ROSTER_VERSION_MAX;
use crate::store::{SpaceFacts, StoreError};
use bytes::Bytes;
use relay_proto::ErrorCode;
use relay_proto::frame::{
    ClientFrame, Erase, Leaves, Ping, Pong, Pull, PullLeaves, Purge, RosterPut, SnapshotAck, SnapshotBegin,
    SnapshotChunk, SnapshotGet, Subscribe,
};
use relay_proto::ids::{Hash, SnapshotId};
use relay_proto::roster::Statement;
use std::collections::VecDeque;

/// What a client may ask once the session is open, beside pushes and acks.
#[derive(Debug)]
pub(super) enum Request {
    Ping(Ping),
    Pull(Pull),
    PullLeaves(PullLeaves),
    Subscribe(Subscribe),
    RosterPut(Box<RosterPut>),
    Purge(Box<Purge>),
    Erase(Box<Erase>),
    SnapshotBegin(SnapshotBegin),
    SnapshotChunk(SnapshotChunk),
    SnapshotGet(SnapshotGet),
    SnapshotAck(Box<SnapshotAck>),
}

impl TryFrom<ClientFrame> for Request {
    type Error = ();

    fn try_from(frame: ClientFrame) -> Result<Self, ()> {
        Ok(match frame {
            ClientFrame::Ping(frame) => Self::Ping(frame),
            ClientFrame::Pull(frame) => Self::Pull(frame),
            ClientFrame::PullLeaves(frame) => Self::PullLeaves(frame),
            ClientFrame::Subscribe(frame) => Self::Subscribe(frame),
            ClientFrame::RosterPut(frame) => Self::RosterPut(Box::new(frame)),
            ClientFrame::Purge(frame) => Self::Purge(Box::new(frame)),
            ClientFrame::Erase(frame) => Self::Erase(Box::new(frame)),
            ClientFrame::SnapshotBegin(frame) => Self::SnapshotBegin(frame),
            ClientFrame::SnapshotChunk(frame) => Self::SnapshotChunk(frame),
            ClientFrame::SnapshotGet(frame) => Self::SnapshotGet(frame),
            ClientFrame::SnapshotAck(frame) => Self::SnapshotAck(Box::new(frame)),
            _ => return Err(()),
        })
    }
}

impl Request {
    fn bytes(&self) -> usize {
        match self {
            Self::SnapshotChunk(frame) => frame.chunk.len(),
            Self::SnapshotBegin(frame) => frame.manifest.len(),
            Self::RosterPut(frame) => {
                frame.chain.iter().fold(frame.keyring.len(), |sum, statement| sum + statement.len())
            }
            _ => 0,
        }
    }
}

/// The request whose answer the store owes.
#[derive(Debug)]
pub(super) enum UnderWay {
    Ping(Ping),
    Pull(Pull),
    PullLeaves(PullLeaves),
    Subscribe(Subscribe),
    LogResets,
    /// With the statement the client knew when it asked.
    RosterPut(Hash),
    PurgeJudged(Box<PurgePoint>),
    /// With its size.
    Purge(u64),
    PurgeShown(u64),
    Erase,
    EraseTold,
    /// What was handed over: the begin, or the chunk of an index.
    SnapshotUpload {
        snapshot: SnapshotId,
        chunk: Option<u32>,
    },
    SnapshotGet(SnapshotGet),
    SnapshotSending(Sending),
    SnapshotAck(Box<SnapshotAck>),
    SnapshotOpened,
}

#[derive(Debug, Default)]
pub(super) struct Requests {
    waiting: VecDeque<Request>,
    waiting_bytes: usize,
    pub(super) under_way: Option<UnderWay>,
}

impl Requests {
    pub(super) fn add(&mut self, request: Request) {
        self.waiting_bytes += request.bytes();
        self.waiting.push_back(request);
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn are_done(&self) -> bool {
        self.under_way.is_none() && self.waiting.is_empty()
    }

    pub(super) const fn bytes(&self) -> usize {
        self.waiting_bytes
    }

    fn next(&mut self) -> Option<Request> {
        let request = self.waiting.pop_front()?;
        self.waiting_bytes -= request.bytes();
        if self.waiting.is_empty() {
            self.waiting = VecDeque::new();
        }
        Some(request)
    }
}

impl OpenSession {
    /// Starts the next request when none is under way; returns whether it did.
    pub(super) fn next_request(&mut self, io: &mut Io<'_>) -> bool {
        let busy = self.requests.under_way.is_some() || self.subscription_is_reading();
        let Some(request) = (!busy).then(|| self.requests.next()).flatten() else {
            return false;
        };
        match request {
            Request::Ping(ping) => {
                self.touch(io.shared);
                self.requests.under_way = Some(UnderWay::Ping(ping));
                io.shared.store.attest(self.space, io.completion(Answer::Attested));
            }
            Request::Pull(pull) => self.start_pull(pull, io),
            Request::PullLeaves(pull) => {
                self.requests.under_way = Some(UnderWay::PullLeaves(pull));
                io.shared.store.leaves(self.space, pull.first_seq, pull.count, io.completion(Answer::Leaves));
            }
            Request::Subscribe(subscribe) => self.start_subscribe(subscribe, io),
            Request::RosterPut(put) => self.start_roster_put(*put, io),
            Request::Purge(purge) => self.start_purge(&purge, io),
            Request::Erase(erase) => self.start_erase(&erase, io),
            Request::SnapshotBegin(begin) => self.start_snapshot_begin(begin.manifest, io),
            Request::SnapshotChunk(chunk) => self.start_snapshot_chunk(chunk, io),
            Request::SnapshotGet(get) => self.start_snapshot_get(get, io),
            Request::SnapshotAck(ack) => self.start_snapshot_ack(ack, io),
        }
        true
    }

    pub(super) fn on_request_answer(&mut self, answer: Answer, io: &mut Io<'_>) {
        let Some(under_way) = self.requests.under_way.take() else { return };
        match (under_way, answer) {
            (UnderWay::Ping(ping), Answer::Attested(attested)) => pong(ping, attested, io),
            (UnderWay::Pull(pull), Answer::Read(read)) => self.on_pull_read(pull, read, io),
            (UnderWay::PullLeaves(pull), Answer::Leaves(leaves)) => match leaves {
                Ok(leaves) => io.send(&Leaves { request: pull.request, first_seq: pull.first_seq, leaves }),
                Err(error) => io.store_error(&error, u64::from(pull.request)),
            },
            (UnderWay::Subscribe(subscribe), Answer::Acks(acks)) => self.on_subscribe_acks(subscribe, acks, io),
            (UnderWay::LogResets, Answer::LogResets(resets)) => send_log_resets(resets, io),
            (UnderWay::RosterPut(known), Answer::RosterPut(put)) => self.on_roster_put(known, put, io),
            (UnderWay::PurgeJudged(point), Answer::Forgetting(facts)) => self.on_purge_facts(*point, facts, io),
            (UnderWay::Purge(size), Answer::Purged(result)) => self.on_purged(size, result, io),
            (UnderWay::PurgeShown(size), Answer::Attested(attested)) => purged(size, attested, io),
            (UnderWay::Erase, Answer::Erased(result)) => self.on_erased(result, io),
            (UnderWay::EraseTold, Answer::Erasure(erasure)) => show_erasure(erasure, io),
            (UnderWay::SnapshotUpload { snapshot, chunk }, Answer::Progress(progress)) => {
                self.on_snapshot_progress(snapshot, chunk, progress, io);
            }
            (UnderWay::SnapshotGet(get), Answer::Manifest(manifest)) => self.on_snapshot_manifest(get, manifest, io),
            (UnderWay::SnapshotSending(sending), Answer::Chunk(chunk)) => self.on_snapshot_chunk(sending, chunk, io),
            (UnderWay::SnapshotAck(ack), Answer::Manifest(manifest)) => self.on_acked_manifest(&ack, manifest, io),
            (UnderWay::SnapshotOpened, Answer::Opened(opened)) => {
                if let Err(error) = opened {
                    io.store_error(&error, 0);
                }
            }
            // The store answers each call once, in its own kind.
            _ => io.fatal(ErrorCode::Internal),
        }
    }

    fn start_roster_put(&mut self, put: RosterPut, io: &mut Io<'_>) {
        if !self.membership.may_put_rosters() {
            io.error(ErrorCode::NotAdmin, 0);
            return;
        }
        let newest = put.chain.last().and_then(|last| Statement::parse(last.clone()).ok());
        if self.channel.is_sponsored()
            && newest.is_some_and(|newest| newest.fields().version > SPONSORED_ROSTER_VERSION_MAX)
        {
            io.error(ErrorCode::RosterTooLarge, 0);
            return;
        }
        self.requests.under_way = Some(UnderWay::RosterPut(self.roster.told_hash()));
        io.shared.store.put_roster(self.space, put.chain, put.keyring, io.completion(Answer::RosterPut));
    }

    /// A change reaches this session like any other, through the hub. What brought nothing, or lost against another
    /// statement, is answered with what the relay holds.
    fn on_roster_put(&mut self, known: Hash, put: Result<SpaceFacts, StoreError>, io: &mut Io<'_>) {
        match put {
            // A session that ends by itself cannot wait for the announcement, which comes a little later.
            Ok(facts) if facts.roster_hash != known && self.exchange.is_some() => self.roster.look_now(self.space, io),
            Ok(facts) if facts.roster_hash != known => {}
            Ok(_) => self.roster.show_all(self.space, io),
            Err(error) => {
                io.store_error(&error, 0);
                if !io.is_closed() && super::refusal::code_of(&error) == ErrorCode::RosterConflict {
                    self.roster.show_all(self.space, io);
                }
            }
        }
    }
}

fn pong(ping: Ping, attested: Result<Bytes, StoreError>, io: &mut Io<'_>) {
    if let Some(attestation) = io.attested(attested, 0) {
        io.send(&Pong { nonce: ping.nonce, attestation });
    }
}

fn send_log_resets(resets: Result<Vec<Bytes>, StoreError>, io: &mut Io<'_>) {
    match resets {
        Ok(resets) => resets.into_iter().for_each(|reset| io.send_bytes(reset)),
        Err(error) => io.store_error(&error, 0),
    }
}
