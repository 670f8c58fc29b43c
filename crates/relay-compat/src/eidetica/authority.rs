//! Dialect C: who may write to a tree and who may read it. Its first entry begins the rule: the keys that its settings grant
//! something, or else the key that signed it. From then on an entry has to be signed by a key that entries before it granted enough,
//! and only such entries change the settings. A tree whose first entry neither has settings of that kind nor is signed is open.
//!
//! Whoever was granted something may write for ever, as an instance takes entries by the settings they name, which may be old; who
//! may read is what the settings say now.

mod claims;
mod settings;
mod table;

pub(super) use table::Rule;

use super::SETTINGS_GRANTS_MAX;
use super::entry::{Dialect, Entry, Form, dialect_of_id};
use super::key::PublicKey;
use super::record::{Tree, TreeName, data_of, data_prefix, number_of, signed_key};
use bytes::Bytes;
use claims::Claims;
use relay_core::documents::{DocumentError, DocumentRange, Documents};
use settings::{Grantee, Level, Rulings};
use table::{Grant, Stamp, delegations_prefix, grant_key, rule_key};

const NOT_SIGNED: &str = "it is not signed by a key that it names, which its tree asks for";
const NOT_ADMITTED: &str = "its key may not write this to its tree";
const OTHER_DIALECT: &str = "it is of another dialect than its tree";
const TOO_MANY: &str = "its settings name too many keys";

/// Trees of whose keys one tree lets in that are looked at for one request.
const DELEGATIONS_MAX: usize = 16;

/// The rule of a tree; `None` for one that has none yet.
pub(super) fn rule_of(documents: &dyn Documents, tree: TreeName) -> Result<Option<Rule>, DocumentError> {
    Ok(documents.get(&rule_key(tree))?.and_then(|value| Rule::read(&value)))
}

/// Where the rule of a tree is kept.
pub(super) fn key_of_rule(tree: TreeName) -> Bytes {
    rule_key(tree)
}

/// Reads a rule that was found there.
pub(super) fn read_rule(value: &[u8]) -> Option<Rule> {
    Rule::read(value)
}

/// Whether what an entry says of keys can be read, as of every entry that was taken, and its signer is who it says.
pub(super) fn can_be_read(entry: &Entry) -> bool {
    Claims::of(&entry.bytes).is_some_and(|claims| claims.signer == entry.signer)
}

/// How an entry comes in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Admitted {
    /// As everybody's.
    Openly,
    /// Because its key was granted that, and may read now or not.
    ByItsKey { reads: bool },
}

type Judged = Result<Admitted, &'static str>;

/// Lets an entry in that is about to get its place, or says why not. What it says of keys holds for what comes after it.
pub(super) fn admit(documents: &mut dyn Documents, entry: &Entry, tree: &Tree) -> Result<Judged, DocumentError> {
    let name = TreeName::of(&entry.tree);
    if entry.form != Form::DagCbor {
        // Nothing of another dialect comes behind a tree's rule.
        learn(documents, name, tree)?;
        let is_closed = rule_of(documents, name)?.is_some_and(|rule| rule.is_closed);
        return Ok(if is_closed { Err(OTHER_DIALECT) } else { Ok(Admitted::Openly) });
    }
    let Some(claims) = Claims::of(&entry.bytes) else { return Ok(Err(NOT_ADMITTED)) };
    if claims.rulings.grants.len() > SETTINGS_GRANTS_MAX {
        return Ok(Err(TOO_MANY));
    }
    if entry.tree == entry.id {
        return begin(documents, name, entry, &claims).map(Ok);
    }
    learn(documents, name, tree)?;
    let Some(rule) = rule_of(documents, name)?.filter(|rule| rule.is_closed) else {
        return Ok(Ok(Admitted::Openly));
    };
    let Some(signer) = entry.signer else { return Ok(Err(NOT_SIGNED)) };
    let wanted = if claims.has_settings { Level::Admin } else { Level::Write };
    if ever(documents, name, signer, &claims)? < wanted {
        return Ok(Err(NOT_ADMITTED));
    }
    let rule = if claims.has_settings { apply(documents, name, rule, &entry.id, &claims)? } else { rule };
    Ok(Ok(Admitted::ByItsKey { reads: reads(documents, name, &rule, signer)? }))
}

/// Whether a key may read a tree now.
pub(super) fn may_read(documents: &mut dyn Documents, tree: &Tree, key: PublicKey) -> Result<bool, DocumentError> {
    let name = TreeName::of(&tree.id);
    learn(documents, name, tree)?;
    let Some(rule) = rule_of(documents, name)? else { return Ok(true) };
    if !rule.is_closed || rule.is_readable || reads(documents, name, &rule, key)? {
        return Ok(true);
    }
    let range = DocumentRange::prefix(delegations_prefix(name)).limited(DELEGATIONS_MAX, usize::MAX);
    for (at, value) in documents.scan(&range)?.items {
        let is_let_in = Grant::read(&value).is_some_and(|grant| grant.is_now(&rule, Level::Read));
        let other = at.get(range.from.len()..).and_then(|id| std::str::from_utf8(id).ok()).map(TreeName::of);
        let Some(other) = other.filter(|_| is_let_in) else { continue };
        if let Some(rule) = rule_of(documents, other)?
            && reads(documents, other, &rule, key)?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the settings of a tree itself let a key read.
fn reads(documents: &dyn Documents, tree: TreeName, rule: &Rule, key: PublicKey) -> Result<bool, DocumentError> {
    let grant = grant_of(documents, tree, &Grantee::Key(key.text()))?;
    Ok(grant.is_some_and(|grant| grant.is_now(rule, Level::Read)))
}

fn grant_of(documents: &dyn Documents, tree: TreeName, to: &Grantee) -> Result<Option<Grant>, DocumentError> {
    Ok(documents.get(&grant_key(tree, to))?.and_then(|value| Grant::read(&value)))
}

/// The most that the signer of an entry was ever granted, by the way that it names.
fn ever(documents: &dyn Documents, tree: TreeName, signer: PublicKey, claims: &Claims) -> Result<Level, DocumentError> {
    let level = |tree, to: &Grantee| -> Result<Level, DocumentError> {
        Ok(grant_of(documents, tree, to)?.map_or(Level::Nothing, |grant| grant.ever))
    };
    let (mut at, mut bound) = (tree, Level::Admin);
    for step in &claims.path {
        bound = bound.min(level(at, &Grantee::Tree(step.clone()))?);
        at = TreeName::of(step);
    }
    let to = if claims.is_by_everybody { Grantee::Everybody } else { Grantee::Key(signer.text()) };
    Ok(bound.min(level(at, &to)?))
}

/// The rule that the first entry of a tree begins.
fn begin(
    documents: &mut dyn Documents,
    tree: TreeName,
    entry: &Entry,
    claims: &Claims,
) -> Result<Admitted, DocumentError> {
    let has_keys = claims.rulings.grants.keys().any(|to| !matches!(to, Grantee::Tree(_)));
    let is_closed = has_keys || entry.signer.is_some();
    let mut rule = Rule { is_closed, ..Rule::default() };
    if has_keys {
        rule = apply(documents, tree, rule, &entry.id, claims)?;
    } else if let Some(signer) = entry.signer {
        let stamp = Stamp { height: 0, id: entry.id.clone() };
        let grant = Grant { ever: Level::Admin, now: Level::Admin, is_active: true, stamp };
        documents.put(grant_key(tree, &Grantee::Key(signer.text())), grant.value())?;
    }
    documents.put(rule_key(tree), rule.value())?;
    match entry.signer.filter(|_| is_closed) {
        Some(signer) => Ok(Admitted::ByItsKey { reads: reads(documents, tree, &rule, signer)? }),
        None => Ok(Admitted::Openly),
    }
}

/// What settings say holds from here on, where nothing later was said.
fn apply(
    documents: &mut dyn Documents,
    tree: TreeName,
    mut rule: Rule,
    id: &str,
    claims: &Claims,
) -> Result<Rule, DocumentError> {
    let stamp = Stamp { height: claims.settings_height, id: id.to_owned() };
    let Rulings { grants, is_cleared } = &claims.rulings;
    if *is_cleared && stamp > rule.cleared {
        rule.cleared = stamp.clone();
        let everybody = grant_of(documents, tree, &Grantee::Everybody)?;
        rule.is_readable = everybody.is_some_and(|grant| grant.is_now(&rule, Level::Read));
    }
    for (to, said) in grants {
        let mut grant = grant_of(documents, tree, to)?.unwrap_or_default();
        grant.hear(*said, &stamp);
        documents.put(grant_key(tree, to), grant.value())?;
        let is_now = grant.is_now(&rule, Level::Read);
        match to {
            Grantee::Everybody => rule.is_readable = is_now,
            // Trees are listed to who signed in them, as long as that key reads.
            Grantee::Key(key) if !is_now => {
                if let Some(key) = PublicKey::read(key) {
                    documents.delete(&signed_key(key, tree))?;
                }
            }
            Grantee::Key(_) | Grantee::Tree(_) => {}
        }
    }
    documents.put(rule_key(tree), rule.value())?;
    Ok(rule)
}

/// Finds the rule of a tree that was stored before there were any: its entries are gone through once, in their order. What was taken
/// then stays, whoever signed it, but grants what its key could grant.
fn learn(documents: &mut dyn Documents, name: TreeName, tree: &Tree) -> Result<(), DocumentError> {
    if tree.entries == 0 || dialect_of_id(&tree.id) != Dialect::C || rule_of(documents, name)?.is_some() {
        return Ok(());
    }
    let mut range = DocumentRange::prefix(data_prefix(name));
    loop {
        let page = documents.scan(&range)?;
        for (key, value) in &page.items {
            let Some((Form::DagCbor, bytes)) = data_of(value) else { continue };
            let Some(claims) = Claims::of(&bytes) else { continue };
            let is_first = number_of(key) == Some(0);
            let id = super::cid::of_entry(&bytes);
            if is_first {
                let (tree, signer) = (tree.id.clone(), claims.signer);
                let first = Entry { id, tree, parents: Vec::new(), form: Form::DagCbor, bytes, signer };
                begin(documents, name, &first, &claims)?;
            } else if let Some(rule) = rule_of(documents, name)?.filter(|rule| rule.is_closed && claims.has_settings)
                && let Some(signer) = claims.signer
                && ever(documents, name, signer, &claims)? == Level::Admin
            {
                apply(documents, name, rule, &id, &claims)?;
            }
        }
        let Some((last, _)) = page.items.last().filter(|_| page.more) else { return Ok(()) };
        range = range.after(last);
    }
}

/// Entry point of the fuzz target: settings of any bytes, heard in any order, never let anybody read more now than was ever granted.
#[must_use]
pub fn fuzz_settings(bytes: &[u8]) -> bool {
    let parts = bytes.split(|byte| *byte == b'\n').filter_map(settings::read);
    let mut grants = std::collections::BTreeMap::<Grantee, Grant>::new();
    for (height, rulings) in parts.enumerate() {
        for (to, said) in rulings.grants {
            let stamp = Stamp { height: height as u64 ^ 1, id: String::new() };
            grants.entry(to).or_default().hear(said, &stamp);
        }
    }
    let kept = |grant: &Grant| Grant::read(&grant.value()).as_ref() == Some(grant);
    grants.values().all(|grant| kept(grant) && (!grant.is_active || grant.now <= grant.ever))
}
