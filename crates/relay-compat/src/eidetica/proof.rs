//! Dialect C: the proof that who asks for a tree has a key. It covers the relay, the tree, the tips, a time and a nonce, and is
//! good once: used ones are kept, durably, for as long as their time is fresh.

use super::FRESH_MS;
use super::authority::{self, Rule};
use super::cid;
use super::entry::{Dialect, dialect_of_id};
use super::key::{PublicKey, RelayKey};
use super::record::{PROOFS, Tree, proof_key, proofs_from};
use super::service::Exchange;
use super::wire::{Proof, SyncTree};
use bytes::Bytes;
use relay_core::documents::{DocumentError, DocumentRange, Documents};

const DOMAIN: &[u8] = b"eidetica/sync/tree-request/v1";
/// Used proofs that are let go in one turn; a turn adds one.
const LET_GO_MAX: usize = 8;

/// A proof whose signature and time are right; whether it was used before is for [`Proven::spend`].
#[derive(Clone, Debug)]
pub(super) struct Proven {
    pub(super) key: PublicKey,
    timestamp_ms: u64,
    nonce: Vec<u8>,
}

fn failed(reason: &str) -> String {
    format!("Authentication failed: {reason}")
}

/// What is signed: every field behind its length.
fn signed_bytes(relay: &RelayKey, request: &SyncTree, proof: &Proof) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut push = |field: &[u8]| {
        out.extend_from_slice(&(field.len() as u64).to_be_bytes());
        out.extend_from_slice(field);
    };
    // In the order of their bytes, which is not that of their texts.
    let mut tips: Vec<Vec<u8>> = request.our_tips.iter().map(|tip| cid::bytes_of(tip)).collect::<Option<_>>()?;
    tips.sort_unstable();
    tips.dedup();
    push(DOMAIN);
    push(relay.text().as_bytes());
    push(request.tree_id.as_bytes());
    push(&(tips.len() as u64).to_be_bytes());
    tips.iter().for_each(|tip| push(cid::text_of(tip).as_bytes()));
    push(&proof.timestamp_ms.to_be_bytes());
    push(&proof.nonce);
    Some(out)
}

/// Judges the proof of a request.
pub(super) fn judge(relay: &RelayKey, request: &SyncTree, proof: &Proof, now_ms: u64) -> Result<Proven, String> {
    let key = PublicKey::read(&proof.key).ok_or_else(|| failed("invalid public key"))?;
    let message = signed_bytes(relay, request, proof);
    if !message.is_some_and(|message| key.has_signed(&message, &proof.signature)) {
        return Err(failed("invalid request signature"));
    }
    if now_ms.abs_diff(proof.timestamp_ms) > FRESH_MS {
        return Err(failed("request timestamp outside the freshness window"));
    }
    Ok(Proven { key, timestamp_ms: proof.timestamp_ms, nonce: proof.nonce.clone() })
}

/// What a turn found of a proof.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Standing {
    /// It was used before.
    Spent,
    /// Its key may read the tree, or not.
    Fresh { may_read: bool },
}

impl Proven {
    /// Uses the proof, in a turn.
    pub(super) fn spend(
        &self,
        documents: &mut dyn Documents,
        tree: &Tree,
        now_ms: u64,
    ) -> Result<Standing, DocumentError> {
        let key = proof_key(self.timestamp_ms, self.key, &self.nonce);
        if documents.get(&key)?.is_some() {
            return Ok(Standing::Spent);
        }
        documents.put(key, Bytes::new())?;
        let stale = DocumentRange::between(PROOFS, Some(proofs_from(now_ms.saturating_sub(FRESH_MS))));
        documents.delete_range(&stale, LET_GO_MAX)?;
        Ok(Standing::Fresh { may_read: authority::may_read(documents, tree, self.key)? })
    }
}

/// Whether reading a tree takes a proof. It is asked of the tree and not of an id that a request names: entries of another
/// dialect may lie behind one of this, and bring it along. A tree from before there were rules takes one when it is signed.
pub(super) fn is_needed(exchange: &Exchange, tree: &Tree, rule: Option<&Rule>) -> bool {
    let is_asked_for = exchange.shared.options.proof && exchange.is_tokenless;
    let is_closed = rule.map_or(tree.is_signed, |rule| rule.is_closed && !rule.is_readable);
    is_asked_for && is_closed && dialect_of_id(&tree.id) == Dialect::C
}

/// What is said where a proof is needed and none was given.
pub(super) fn missing(tree_id: &str) -> String {
    format!("Authentication required to read database '{tree_id}'")
}

/// What is said of a used proof.
pub(super) fn spent() -> String {
    failed("request nonce already spent")
}
