//! Sealing as clients do it: entries, the keyring, snapshot chunks. Known keys, known salts; for vectors only.

use super::fixtures::*;
use super::hpke::{self, Suite};
use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use ed25519_dalek::{Signer, SigningKey};
use hkdf::Hkdf;
use relay_proto::hash::sha256;
use relay_proto::wire::Writer;
use serde_json::{Value, json};
use sha2::Sha256;

const SUITE: u8 = 1;
const PADME_MIN: u64 = 256;
const SALT: [u8; 32] = [0xb1; 32];
const EPOCH_KEY: [u8; 32] = [0xb0; 32];

/// `sealing.json`.
pub(crate) fn vector() -> Value {
    json!({
        "description": "Sealing, suite 1, with every input and every derived key; a salt, an ephemeral key and a device key \
                        are fresh and random in a real client.",
        "space": hex(space()), "root_secret": root_secret(),
        "entries": [
            entry_vector(&[b"hello"], 1, [0; 32]),
            entry_vector(&[b"one", b"", &[0x55; 300]], 2, [0xaa; 32]),
        ],
        "keyring": keyring_vector(),
        "snapshot": snapshot_vector(),
        "blob": blob_vector(),
        "live": [
            live_vector("ephemeral", &[0x61; 5], [0; 32], [0; 32], 0),
            live_vector("topic", &[0x62; 400], seed(0xe1), device(2).device().0, 3),
        ],
        "topic": topic_vector(),
    })
}

/// `padme.json`.
pub(crate) fn padme_table() -> Value {
    let mut lengths: Vec<u64> = (0..=40).map(|i| i * 13).collect();
    lengths.extend([255, 256, 257, 1000, 1023, 1024, 1025, 4096, 4097, 65_535, 65_536, 65_537, 1_000_000, 10_485_760]);
    lengths.sort_unstable();
    lengths.dedup();
    let rows: Vec<Value> = lengths.iter().map(|length| json!([length, padme(*length), padded(*length)])).collect();
    json!({
        "description": "PADME: [length, rounded (for lengths of at least 2; 0 and 1 stay), with the floor of 256].",
        "lengths": rows,
    })
}

/// Rounds a length up to the PADMÉ grid.
fn padme(length: u64) -> u64 {
    if length < 2 {
        return length;
    }
    let e = length.ilog2();
    let s = e.checked_ilog2().map_or(0, |log| log + 1);
    let step = 1_u64 << (e.saturating_sub(s));
    length.div_ceil(step) * step
}

fn padded(length: u64) -> u64 {
    padme(length.max(PADME_MIN))
}

fn d(name: &str) -> Vec<u8> {
    [b"sealrelay/v1/", name.as_bytes(), &[0]].concat()
}

fn hkdf(ikm: &[u8], salt: &[u8], info: &[u8], bytes: usize) -> Vec<u8> {
    let mut okm = vec![0; bytes];
    Hkdf::<Sha256>::new(Some(salt), ikm).expand(info, &mut okm).expect("a short key");
    okm
}

fn for_space(name: &str) -> Vec<u8> {
    [d(name), space().0.to_vec()].concat()
}

fn aes(key: &[u8], nonce: &[u8], aad: &[u8], msg: &[u8]) -> Vec<u8> {
    let cipher = Aes256Gcm::new_from_slice(key).expect("a key of 32 bytes");
    let nonce = nonce.try_into().expect("a nonce of 12 bytes");
    cipher.encrypt(nonce, Payload { msg, aad }).expect("a short message")
}

fn root_secret() -> Value {
    let secret = seed(0xf0);
    let key_seed: [u8; 32] = hkdf(&secret, &[], &d("root-key"), 32).try_into().expect("32 bytes");
    let hpke_key: [u8; 32] = hkdf(&secret, &[], &d("root-hpke"), 32).try_into().expect("32 bytes");
    json!({
        "secret": hex(secret), "ed25519_seed": hex(key_seed),
        "space": hex(SigningKey::from_bytes(&key_seed).verifying_key().to_bytes()),
        "hpke_private": hex(hpke_key), "hpke_public": hex(hpke::public(&hpke_key)),
    })
}

/// What identifies an entry outside its bytes.
struct Place {
    push_seq: u64,
    key_epoch: u32,
}

impl Place {
    fn clear_fields(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.raw(space()).raw(device(1).device()).u64(self.push_seq).u32(self.key_epoch).u8(SUITE);
        w.as_slice().to_vec()
    }

    fn aad(&self, layer: u8) -> Vec<u8> {
        [d("aad"), vec![layer], self.clear_fields()].concat()
    }
}

fn header(place: &Place, previous: [u8; 32], content_hash: [u8; 32]) -> Vec<u8> {
    let fold = log_of_three();
    let mut w = Writer::new();
    w.u8(1).u8(1).u64(TIME_MS).raw(previous).u64(1).raw(first().hash());
    w.u8(1).raw(log_id()).u64(1).u64(fold.size()).raw(fold.head()).u64(TIME_MS).raw(content_hash);
    let text = [d("entry-signature"), place.clear_fields(), SALT.to_vec(), w.as_slice().to_vec()].concat();
    let signature = SigningKey::from_bytes(&seed(0x11)).sign(&text);
    w.raw(signature.to_bytes());
    w.as_slice().to_vec()
}

fn entry_vector(items: &[&[u8]], push_seq: u64, previous: [u8; 32]) -> Value {
    let place = Place { push_seq, key_epoch: 1 };
    let header_epoch_key = hkdf(&EPOCH_KEY, &[], &for_space("header-epoch"), 32);
    let content_epoch_key = hkdf(&EPOCH_KEY, &[], &for_space("content-epoch"), 32);
    let header_keys = hkdf(&header_epoch_key, &SALT, &for_space("entry-header"), 64);
    let (header_key, commitment) = header_keys.split_at(32);
    let content_key = hkdf(&content_epoch_key, &SALT, &for_space("entry-content"), 32);
    let nonce = [0; 12];

    let header_bytes = header(&place, previous, [0; 32]).len() + 16;
    let content = padded_content(items, 1 + 32 + 32 + 2 + header_bytes + 16);
    let sealed_content = aes(&content_key, &nonce, &place.aad(1), &content);
    let header = header(&place, previous, sha256(&[&sealed_content]).0);
    let sealed_header = aes(header_key, &nonce, &place.aad(0), &header);
    let mut w = Writer::new();
    w.u8(SUITE).raw(SALT).raw(commitment).count_u16(sealed_header.len()).raw(&sealed_header).raw(&sealed_content);
    assert_eq!(w.len() as u64, padded(w.len() as u64));
    json!({
        "items": hexes(items), "epoch_key": hex(EPOCH_KEY), "salt": hex(SALT), "device_seed": hex(seed(0x11)),
        "device": hex(device(1).device()), "push_seq": push_seq, "key_epoch": place.key_epoch,
        "time": TIME_MS, "previous": hex(previous), "roster_version": 1, "roster_hash": hex(first().hash()),
        "seen": [{
            "log_id": hex(log_id()), "log_epoch": 1, "size": log_of_three().size(),
            "head": hex(log_of_three().head()), "time": TIME_MS,
        }],
        "header_epoch_key": hex(&header_epoch_key), "content_epoch_key": hex(&content_epoch_key),
        "header_key": hex(header_key), "commitment": hex(commitment), "content_key": hex(&content_key),
        "header_aad": hex(place.aad(0)), "content_aad": hex(place.aad(1)), "header": hex(&header),
        "content": hex(&content), "sealed": hex(w.as_slice()), "entry_id": hex(sha256(&[w.as_slice()])),
    })
}

/// The items, then zeros so that the whole sealed entry lands on the grid.
fn padded_content(items: &[&[u8]], overhead: usize) -> Vec<u8> {
    let mut w = Writer::new();
    w.count_u32(items.len());
    for item in items {
        w.bytes_u32(item);
    }
    let target = padded((overhead + w.len()) as u64) as usize;
    let mut content = w.as_slice().to_vec();
    content.resize(target - overhead, 0);
    content
}

fn keyring_vector() -> Value {
    let (key_epoch, salt): (u32, _) = (3, seed(0xb3));
    let info = [for_space("keyring"), key_epoch.to_be_bytes().to_vec()].concat();
    let history_info = [for_space("keyring-history"), key_epoch.to_be_bytes().to_vec()].concat();
    let mut history = Writer::new();
    history.u16(2).u32(1).raw([0xb4; 32]).u32(2).raw([0xb5; 32]);
    let history_key = hkdf(&EPOCH_KEY, &salt, &history_info, 32);
    let sealed_history = aes(&history_key, &[0; 12], &[], history.as_slice());
    let mut w = Writer::new();
    w.u8(1).u32(key_epoch).raw(salt).u16(3);
    let mut slots = Vec::new();
    for (private, ephemeral) in [(seed(0xa0), seed(0xe0)), (seed(0xa1), seed(0xe1)), (seed(0xa2), seed(0xe2))] {
        let recipient = hpke::public(&private);
        let (enc, shared) = hpke::encap(&ephemeral, &recipient);
        let (key, nonce) = Suite::AES_256_GCM.key_schedule(&shared, &info);
        let ct = aes(&key, &nonce, &recipient, &EPOCH_KEY);
        w.raw(recipient).raw(enc).raw(&ct);
        slots.push(json!({
            "private": hex(private), "recipient": hex(recipient), "ephemeral_private": hex(ephemeral),
            "enc": hex(enc), "shared_secret": hex(shared), "key": hex(key), "nonce": hex(nonce), "ct": hex(ct),
        }));
    }
    w.bytes_u32(&sealed_history);
    json!({
        "epoch_key": hex(EPOCH_KEY), "key_epoch": key_epoch, "salt": hex(salt), "info": hex(info),
        "slots": slots, "history_key": hex(history_key), "history": hex(history.as_slice()),
        "sealed_history": hex(sealed_history), "hex": hex(w.as_slice()), "keyring_hash": hex(sha256(&[w.as_slice()])),
    })
}

fn snapshot_vector() -> Value {
    const CHUNK_BYTES: usize = 65_536;
    let salt = seed(0xb6);
    let content_epoch_key = hkdf(&EPOCH_KEY, &[], &for_space("content-epoch"), 32);
    let keys = hkdf(&content_epoch_key, &salt, &for_space("snapshot-key"), 64);
    let (key, commitment) = keys.split_at(32);
    let fold = log_of_three();
    let state = vec![0x5c; 70_000];
    let plain = snapshot_plain(&state, CHUNK_BYTES);
    let parts: Vec<&[u8]> = plain.chunks(CHUNK_BYTES - 16).collect();
    let chunks: Vec<Vec<u8>> = (0_u32..)
        .zip(&parts)
        .map(|(index, part)| {
            let mut aad = Writer::new();
            aad.raw(for_space("snapshot-chunk")).raw(device(1).device()).u64(fold.size()).raw(fold.head());
            aad.u32(index).u8(u8::from(index as usize + 1 == parts.len()));
            let nonce = [&[0; 8][..], &index.to_be_bytes()].concat();
            aes(key, &nonce, aad.as_slice(), part)
        })
        .collect();
    let total: usize = chunks.iter().map(Vec::len).sum();
    json!({
        "description": "The state is 70,000 bytes 0x5c; one chain: device, push_seq 3 and the entry id below.",
        "epoch_key": hex(EPOCH_KEY), "key_epoch": 1, "salt": hex(salt), "snapshot_key": hex(key),
        "commitment": hex(commitment), "device": hex(device(1).device()), "size": fold.size(),
        "head": hex(fold.head()), "chunk_bytes": CHUNK_BYTES, "total_bytes": total,
        "chain_entry_id": hex(entry(3)), "plain_hash": hex(sha256(&[&plain])),
        "chunk_lengths": chunks.iter().map(Vec::len).collect::<Vec<_>>(),
        "chunk_hashes": chunks.iter().map(|chunk| hex(sha256(&[chunk]))).collect::<Vec<_>>(),
        "last_chunk": chunks.last().map(hex),
    })
}

/// Chains, state, and zeros so that the sealed chunks together land on the grid.
fn snapshot_plain(state: &[u8], chunk_bytes: usize) -> Vec<u8> {
    let mut w = Writer::new();
    w.u16(1).raw(device(1).device()).u64(3).raw(entry(3)).bytes_u32(state);
    let mut plain = w.as_slice().to_vec();
    pad_to_grid(&mut plain, chunk_bytes);
    plain
}

/// Adds zeros so that the sealed chunks together land on the grid.
fn pad_to_grid(plain: &mut Vec<u8>, chunk_bytes: usize) {
    let sealed_len = |plain_len: usize| plain_len + plain_len.div_ceil(chunk_bytes - 16) * 16;
    let mut target = padded(sealed_len(plain.len()) as u64);
    // Padding may need one more chunk and so one more tag: then the next step of the grid is taken.
    loop {
        let chunks = (target as usize).div_ceil(chunk_bytes);
        let plain_len = target as usize - chunks * 16;
        if plain_len >= plain.len() && sealed_len(plain_len) as u64 == target {
            return plain.resize(plain_len, 0);
        }
        target = padded(target + 1);
    }
}

/// An ephemeral frame or a message of a topic.
fn live_vector(purpose: &str, payload: &[u8], topic: [u8; 32], to: [u8; 32], number: u64) -> Value {
    let (salt, key_epoch, counter, started, log_time) = (seed(0xb7), 1_u32, 9_u64, TIME_MS, TIME_MS + 1000);
    let content_epoch_key = hkdf(&EPOCH_KEY, &[], &for_space("content-epoch"), 32);
    let key = hkdf(&content_epoch_key, &salt, &[for_space("live-key"), device(1).device().0.to_vec()].concat(), 32);
    let mut fields = Writer::new();
    fields.raw(space()).raw(log_id()).raw(device(1).device()).u32(key_epoch).u8(SUITE).raw(salt).u64(counter);
    fields.u8(u8::from(purpose == "topic")).raw(topic).raw(to);
    let stamp = [started.to_be_bytes(), log_time.to_be_bytes(), number.to_be_bytes()].concat();
    let text = [&d("live-signature"), fields.as_slice(), &stamp, payload].concat();
    let signature = SigningKey::from_bytes(&seed(0x11)).sign(&text);
    let mut plain = Writer::new();
    plain.u8(1).raw(stamp).raw(signature.to_bytes()).bytes_u32(payload);
    let head = 1 + 32 + 8;
    let mut plain = plain.as_slice().to_vec();
    plain.resize(padded((head + plain.len() + 16) as u64) as usize - head - 16, 0);
    let nonce = [&[0; 4][..], &counter.to_be_bytes()].concat();
    let aad = [&d("live-aad"), fields.as_slice()].concat();
    let mut w = Writer::new();
    w.u8(SUITE).raw(salt).u64(counter).raw(aes(&key, &nonce, &aad, &plain));
    json!({
        "purpose": purpose, "epoch_key": hex(EPOCH_KEY), "salt": hex(salt), "device_seed": hex(seed(0x11)),
        "device": hex(device(1).device()), "log_id": hex(log_id()), "key_epoch": key_epoch, "counter": counter,
        "topic": hex(topic), "to": hex(to), "started": started, "log_time": log_time, "number": number,
        "payload": hex(payload), "live_key": hex(key), "sealed": hex(w.as_slice()),
    })
}

fn topic_vector() -> Value {
    let name = "caf\u{e9}";
    let content_epoch_key = hkdf(&EPOCH_KEY, &[], &for_space("content-epoch"), 32);
    let key = hkdf(&content_epoch_key, &[], &[for_space("topic"), name.as_bytes().to_vec()].concat(), 32);
    json!({ "name": name, "epoch_key": hex(EPOCH_KEY), "key": hex(key) })
}

fn blob_vector() -> Value {
    const CHUNK_BYTES: usize = 65_536;
    let (salt, key_epoch): (_, u32) = (seed(0xb7), 2);
    let content_epoch_key = hkdf(&EPOCH_KEY, &[], &for_space("content-epoch"), 32);
    let keys = hkdf(&content_epoch_key, &salt, &for_space("blob-key"), 64);
    let (key, commitment) = keys.split_at(32);
    let content = vec![0x5d; 70_000];
    let mut plain = [&(content.len() as u64).to_be_bytes()[..], &content].concat();
    pad_to_grid(&mut plain, CHUNK_BYTES);
    let mut sealed = Writer::new();
    sealed.u8(SUITE).u32(key_epoch).u32(CHUNK_BYTES as u32).raw(salt).raw(commitment);
    let parts: Vec<&[u8]> = plain.chunks(CHUNK_BYTES - 16).collect();
    for (index, part) in (0_u32..).zip(&parts) {
        let mut aad = Writer::new();
        aad.raw(for_space("blob-chunk")).u32(key_epoch).u32(CHUNK_BYTES as u32).u32(index);
        aad.u8(u8::from(index as usize + 1 == parts.len()));
        let nonce = [&[0; 8][..], &index.to_be_bytes()].concat();
        sealed.raw(aes(key, &nonce, aad.as_slice(), part));
    }
    let sealed = sealed.as_slice();
    json!({
        "description": "The content is 70,000 bytes 0x5d.",
        "epoch_key": hex(EPOCH_KEY), "key_epoch": key_epoch, "salt": hex(salt), "blob_key": hex(key),
        "commitment": hex(commitment), "chunk_bytes": CHUNK_BYTES, "total_bytes": sealed.len(),
        "header": hex(&sealed[..73]), "last_chunk": hex(&sealed[73 + CHUNK_BYTES..]),
        "blob_id": hex(relay_proto::blob::blob_id(sealed)),
    })
}
