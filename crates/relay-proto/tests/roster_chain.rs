//! How a kept chain grows, what is sent to those who lack a part of it, and what a statement removed.

#[path = "support/vectors/fixtures.rs"]
#[allow(dead_code, reason = "the vectors use the rest")]
mod fixtures;

use bytes::Bytes;
use fixtures::*;
use relay_proto::roster::{Chain, Rights, RosterError, Statement, check_keyring, departures};
use relay_proto::{ErrorCode, Hash};

fn bytes(statements: &[&Statement]) -> Vec<Bytes> {
    statements.iter().map(|statement| statement.bytes().clone()).collect()
}

fn chain(statements: &[&Statement]) -> Chain {
    Chain::stand_alone(&space(), &bytes(statements), None).unwrap()
}

/// Version 2, by the admin; version 3, by the root.
fn followers() -> (Statement, Statement) {
    let mut fields = next_fields(&first());
    fields.devices.push(roster_device(4, Rights::Write));
    let second = fields.sign(&device(1));
    let third = without(next_fields(&second), 3, 5).sign(&root());
    (second, third)
}

#[test]
fn held_statements_are_skipped_and_new_ones_added() {
    let (second, _) = followers();
    let held = chain(&[&first()]);
    let grown = held.extended(&bytes(&[&first(), &second]), None).unwrap();
    assert_eq!(grown.added, std::slice::from_ref(&second));
    assert_eq!(grown.chain.bytes(), bytes(&[&first(), &second]));
    assert!(grown.chain.extended(&bytes(&[&second]), None).unwrap().added.is_empty());
}

#[test]
fn a_root_signed_statement_starts_the_chain_anew() {
    let (second, third) = followers();
    let grown = chain(&[&first(), &second]).extended(&bytes(&[&third]), None).unwrap();
    assert_eq!(grown.chain.bytes(), bytes(&[&third]));
    assert_eq!(grown.chain.newest().hash(), third.hash());
}

#[test]
fn another_statement_of_a_held_version_is_a_conflict() {
    let (second, _) = followers();
    let mut other = next_fields(&first());
    other.queue_mode = true;
    let refused = chain(&[&first(), &second]).extended(&bytes(&[&other.sign(&device(1))]), None).unwrap_err();
    assert_eq!((refused, refused.code()), (RosterError::Version, ErrorCode::RosterConflict));
}

#[test]
fn a_statement_is_added_only_when_all_that_are_offered_hold() {
    let (second, _) = followers();
    let stranger = next_fields(&second).sign(&device(4));
    let held = chain(&[&first()]);
    assert_eq!(held.extended(&bytes(&[&second, &stranger]), None), Err(RosterError::Signer));
}

#[test]
fn what_is_lacking_is_sent_or_all_of_it() {
    let (second, _) = followers();
    let held = chain(&[&first(), &second]);
    assert_eq!(held.bytes_after(1, &first().hash()), bytes(&[&second]));
    assert!(held.bytes_after(2, &second.hash()).is_empty());
    assert_eq!(held.bytes_after(1, &Hash([9; 32])), held.bytes());
    assert_eq!(held.bytes_after(0, &Hash::ZERO), held.bytes());
}

#[test]
fn departures_name_the_device_and_what_counts_of_it() {
    let (second, third) = followers();
    let left: Vec<_> = departures(second.fields(), third.fields()).collect();
    assert_eq!(left.len(), 1);
    assert_eq!((left[0].0.key, left[0].1.push_seq_max), (device(3).device(), 5));
}

#[test]
fn the_keyring_must_be_the_one_named() {
    assert_eq!(check_keyring(&first(), &keyring()), Ok(()));
    assert_eq!(check_keyring(&first(), b"another"), Err(RosterError::Keyring));
    assert_eq!(check_keyring(&first(), &vec![0; 128 * 1024 + 1]), Err(RosterError::ChainLength));
}

#[test]
fn a_chain_over_its_limits_is_refused_before_it_is_read() {
    let many = vec![Bytes::new(); 1025];
    assert_eq!(Chain::stand_alone(&space(), &many, None), Err(RosterError::ChainLength));
    let large = [Bytes::from(vec![0; 512 * 1024 + 1])];
    assert_eq!(Chain::stand_alone(&space(), &large, None), Err(RosterError::ChainLength));
}
