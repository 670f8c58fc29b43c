//! `Handshake`: the relay proves its key and answers in the version it was asked in.

use super::answer::Refused;
use super::canonical::{write_bytes, write_text};
use super::entry::{Dialect, dialect_of_id};
use super::key::PublicKey;
use super::record::{TREES, Tree, signed_prefix, signed_tree, tree_key};
use super::service::Exchange;
use super::transcript::{Role, Transcript};
use super::wire::Handshake;
use super::{CHALLENGE_BYTES_MAX, ID_BYTES_MAX, TREES_LISTED_MAX};
use relay_core::documents::DocumentRange;

/// The versions that are spoken: that of dialects B and C, and that of A.
const VERSIONS: [u32; 2] = [0, 1];
const VERSION_OF_A: u32 = 1;
const DISPLAY_NAME: &str = "sealrelay";

/// A handshake that will be answered.
struct Greeting {
    exchange: Exchange,
    request: Handshake,
    /// The relay's signature of the transcript, for a peer that proved its key.
    signature: Option<Vec<u8>>,
}

/// Answers a request.
pub(super) fn handshake(request: Handshake, exchange: Exchange) {
    let Handshake { public_key, protocol_version, challenge, sealrelay, .. } = &request;
    if !VERSIONS.contains(protocol_version) {
        let words = format!("Protocol version mismatch: expected 0, got {protocol_version}");
        return exchange.end(Err(Refused::Said(words)));
    }
    if public_key.len() > ID_BYTES_MAX {
        return exchange.end(Err(Refused::Said("the public key is none".to_owned())));
    }
    if challenge.is_empty() || challenge.len() > CHALLENGE_BYTES_MAX {
        let words = format!("a challenge has 1 to {CHALLENGE_BYTES_MAX} bytes");
        return exchange.end(Err(Refused::Said(words)));
    }
    let shared = &exchange.shared;
    let mut proven = None;
    let mut signature = None;
    if let Some(answered) = sealrelay {
        let transcript = Transcript {
            relay: shared.key.text(),
            peer: public_key,
            peer_challenge: challenge,
            relay_challenge: &answered.relay_challenge,
        };
        proven = shared.challenges.proven(&transcript, &answered.signature, shared.clock.now_ms());
        if proven.is_none() {
            let words = "Authentication failed: the peer did not prove its key".to_owned();
            return exchange.end(Err(Refused::Said(words)));
        }
        signature = Some(shared.key.sign(&transcript.bytes(Role::Relay)));
    }
    Greeting { exchange, request, signature }.list(proven);
}

impl Greeting {
    /// Ids open trees where no token is asked for, so there they are listed to nobody but who proved that it signed in them.
    fn list(self, proven: Option<PublicKey>) {
        match (self.exchange.is_tokenless, proven) {
            _ if self.request.protocol_version == VERSION_OF_A => self.end(&[]),
            (true, None) => self.end(&[]),
            (true, Some(key)) => self.list_signed(key),
            (false, _) => {
                let documents = self.exchange.documents();
                let range = DocumentRange::prefix(TREES).limited(TREES_LISTED_MAX, usize::MAX);
                documents.document_scan(
                    self.exchange.keyspace,
                    range,
                    Box::new(move |page| match page {
                        Ok(page) => {
                            let trees = page.items.iter().filter_map(|(_, value)| Tree::read(value));
                            self.end(&trees.collect::<Vec<_>>());
                        }
                        Err(error) => self.exchange.end(Err(error.into())),
                    }),
                );
            }
        }
    }

    fn list_signed(self, key: PublicKey) {
        let documents = self.exchange.documents();
        let range = DocumentRange::prefix(signed_prefix(key)).limited(TREES_LISTED_MAX, usize::MAX);
        documents.document_scan(
            self.exchange.keyspace,
            range,
            Box::new(move |page| match page {
                Ok(page) => {
                    let names = page.items.iter().filter_map(|(key, _)| signed_tree(key));
                    let keys = names.map(tree_key).collect();
                    let documents = self.exchange.documents();
                    documents.document_get(
                        self.exchange.keyspace,
                        keys,
                        Box::new(move |values| match values {
                            Ok(values) => {
                                let trees = values.into_iter().flatten().filter_map(|value| Tree::read(&value));
                                self.end(&trees.collect::<Vec<_>>());
                            }
                            Err(error) => self.exchange.end(Err(error.into())),
                        }),
                    );
                }
                Err(error) => self.exchange.end(Err(error.into())),
            }),
        );
    }

    fn end(self, trees: &[Tree]) {
        let body = self.body(trees);
        self.exchange.end(Ok(body));
    }

    /// Whether the peer can read ids of a dialect. Peers of C, whose device ids are their keys, read nothing but CIDs; those
    /// of B, and peers of this project, read any text.
    fn reads(&self, dialect: Dialect) -> bool {
        let is_of_c = self.request.device_id == self.request.public_key;
        match dialect {
            Dialect::A => false,
            Dialect::B => self.signature.is_some() || !is_of_c,
            Dialect::C => self.signature.is_some() || is_of_c,
        }
    }

    fn body(&self, trees: &[Tree]) -> Vec<u8> {
        let Self { exchange, request, signature } = self;
        let shared = &exchange.shared;
        let version = request.protocol_version;
        let mut out = b"{\"Handshake\":{\"device_id\":".to_vec();
        write_text(shared.key.text(), &mut out);
        out.extend_from_slice(b",\"public_key\":");
        write_text(shared.key.text(), &mut out);
        out.extend_from_slice(b",\"display_name\":");
        write_text(DISPLAY_NAME, &mut out);
        out.extend_from_slice(format!(",\"protocol_version\":{version},\"challenge_response\":").as_bytes());
        write_bytes(&shared.key.sign(&request.challenge), &mut out);
        out.extend_from_slice(b",\"new_challenge\":");
        write_bytes(&shared.challenges.make(&request.public_key, shared.clock.now_ms()), &mut out);
        if version != VERSION_OF_A {
            let listed = trees.iter().filter(|tree| tree.entries > 0 && self.reads(dialect_of_id(&tree.id)));
            write_trees(listed, &mut out);
        }
        // Peers of the original read over what they do not know.
        out.extend_from_slice(b",\"sealrelay\":{\"version\":1");
        if let Some(signature) = signature {
            out.extend_from_slice(b",\"signature\":");
            write_bytes(signature, &mut out);
        }
        out.extend_from_slice(b"}}}");
        out
    }
}

fn write_trees<'a>(trees: impl Iterator<Item = &'a Tree>, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"available_trees\":[");
    for (index, tree) in trees.enumerate() {
        out.extend_from_slice(if index == 0 { b"{\"tree_id\":" } else { b",{\"tree_id\":" });
        write_text(&tree.id, out);
        let (count, changed_s) = (tree.entries, tree.changed_ms / 1000);
        let rest = format!(",\"name\":null,\"entry_count\":{count},\"last_modified\":{changed_s}}}");
        out.extend_from_slice(rest.as_bytes());
    }
    out.push(b']');
}
