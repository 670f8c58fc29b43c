//! Chains: statements in order, each following the one before.

use super::{RosterError, Statement, follow};
use crate::ids::{Hash, SpaceId};
use crate::limits::{CHAIN_BYTES_MAX, CHAIN_STATEMENTS_MAX};
use bytes::Bytes;

/// A chain whose statements were all checked and whose first is signed by the root. It is never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    earlier: Vec<Statement>,
    newest: Statement,
}

/// A chain grown by new statements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// The chain to keep: from the newest root-signed statement on.
    pub chain: Chain,
    /// The statements that were new, in order; none when all were held already.
    pub added: Vec<Statement>,
}

impl Chain {
    /// Checks a chain that stands on its own. The same call reads back what was stored, without a clock.
    ///
    /// # Errors
    /// [`RosterError`]: the rule that is broken.
    pub fn stand_alone(space: &SpaceId, offered: &[Bytes], now_ms: Option<u64>) -> Result<Self, RosterError> {
        check_length(offered)?;
        let (first, rest) = offered.split_first().ok_or(RosterError::ChainLength)?;
        let first = Statement::parse(first.clone())?;
        if first.fields().space != *space {
            return Err(RosterError::ForeignSpace);
        }
        follow(None, &first, now_ms)?;
        let mut chain = Self { earlier: Vec::new(), newest: first };
        for bytes in rest {
            chain.append(Statement::parse(bytes.clone())?, now_ms)?;
        }
        Ok(chain)
    }

    /// Reads back a chain that was checked before it was stored, from bytes that a checksum covers: statements are parsed and
    /// must name this space and follow each other by version; signatures are not judged again.
    ///
    /// # Errors
    /// [`RosterError`]: what does not fit.
    pub fn stored(space: &SpaceId, kept: &[Bytes]) -> Result<Self, RosterError> {
        check_length(kept)?;
        let mut chain: Option<Self> = None;
        for bytes in kept {
            let next = Statement::parse(bytes.clone())?;
            if next.fields().space != *space {
                return Err(RosterError::ForeignSpace);
            }
            chain = Some(match chain {
                None => Self { earlier: Vec::new(), newest: next },
                Some(chain) if next.fields().previous != chain.newest.hash() => return Err(RosterError::Malformed),
                Some(mut chain) => {
                    chain.earlier.push(std::mem::replace(&mut chain.newest, next));
                    chain
                }
            });
        }
        chain.ok_or(RosterError::ChainLength)
    }

    /// Adds what is new in `offered`; statements held already, byte for byte, are skipped.
    ///
    /// # Errors
    /// [`RosterError`]: the rule that is broken.
    pub fn extended(&self, offered: &[Bytes], now_ms: Option<u64>) -> Result<Extension, RosterError> {
        check_length(offered)?;
        let mut chain = self.clone();
        let mut added = Vec::new();
        for bytes in offered {
            if self.statements().any(|held| held.bytes() == bytes) {
                continue;
            }
            let statement = Statement::parse(bytes.clone())?;
            added.push(statement.clone());
            chain.append(statement, now_ms)?;
        }
        check_length(&chain.bytes())?;
        Ok(Extension { chain, added })
    }

    fn append(&mut self, next: Statement, now_ms: Option<u64>) -> Result<(), RosterError> {
        follow(Some(&self.newest), &next, now_ms)?;
        let rooted = next.fields().is_root_signed();
        let before = std::mem::replace(&mut self.newest, next);
        if rooted {
            self.earlier.clear();
        } else {
            self.earlier.push(before);
        }
        Ok(())
    }

    /// The statement that is in force.
    #[must_use]
    pub const fn newest(&self) -> &Statement {
        &self.newest
    }

    /// All statements, oldest first.
    pub fn statements(&self) -> impl Iterator<Item = &Statement> {
        self.earlier.iter().chain(std::iter::once(&self.newest))
    }

    /// The statements as they go over the wire.
    #[must_use]
    pub fn bytes(&self) -> Vec<Bytes> {
        self.statements().map(|statement| statement.bytes().clone()).collect()
    }

    /// What someone who knows the statement of this version and hash lacks: the ones after it, or the whole chain when
    /// it is not among those kept.
    #[must_use]
    pub fn bytes_after(&self, version: u64, hash: &Hash) -> Vec<Bytes> {
        let known =
            self.statements().position(|statement| statement.fields().version == version && statement.hash() == *hash);
        let skip = known.map_or(0, |at| at.saturating_add(1));
        self.statements().skip(skip).map(|statement| statement.bytes().clone()).collect()
    }
}

fn check_length(chain: &[Bytes]) -> Result<(), RosterError> {
    let bytes = chain.iter().fold(0_usize, |sum, statement| sum.saturating_add(statement.len()));
    if chain.len() > CHAIN_STATEMENTS_MAX || bytes > CHAIN_BYTES_MAX {
        return Err(RosterError::ChainLength);
    }
    Ok(())
}
