//! Whom tokens name, where they are made anew for the same user: what a user keeps is then named after the user.
//!
//! Each token is asked about once a minute while it is shown, so a token that ended opens nothing a minute later.
//!
//! Invariant: a token about which nothing is known opens nothing.

use super::Shared;
use crate::documents::{DocumentError, Keyspace, Tenant};
use crate::endpoint::Moment;
use crate::founding::{Gatekeeper, Owner, Recognition};
use crate::store::StoreError;
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long it holds whom a token names.
const NAMED_FOR: Duration = Duration::from_secs(60);
/// How long it holds that a token is no good; its issuer may have a new key.
const REFUSED_FOR: Duration = Duration::from_secs(5);
/// Tokens of each kind that are remembered; the oldest go first.
const TOKENS_MAX: usize = 16_384;
/// Requests that wait for a word about their token; those beyond are to come again.
const WAITERS_MAX: usize = 4096;
/// What makes a tenant of an owner.
const OWNER_DOMAIN: &[u8] = b"sealrelay/v1/foreign tenant of an owner";

/// Called once when it is known whom a token names, or that it cannot be.
pub type Recognised = Box<dyn FnOnce() + Send>;

/// See the module. Tokens are keyspaces named after them.
#[derive(Default)]
pub(super) struct Recognitions(Mutex<State>);

#[derive(Default)]
struct State {
    named: Remembered<Tenant>,
    refused: Remembered<()>,
    /// Named in the configuration: they are what they are called.
    operators: HashSet<Keyspace>,
    waiting: HashMap<Keyspace, Vec<Recognised>>,
    waiters: usize,
}

struct Remembered<T> {
    rows: HashMap<Keyspace, (T, Moment)>,
    order: VecDeque<Keyspace>,
}

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self { rows: HashMap::new(), order: VecDeque::new() }
    }
}

impl<T: Copy> Remembered<T> {
    fn get(&self, token: Keyspace, now: Moment) -> Option<T> {
        self.rows.get(&token).filter(|(_, until)| now < *until).map(|(value, _)| *value)
    }

    fn put(&mut self, token: Keyspace, value: T, until: Moment) {
        if self.rows.insert(token, (value, until)).is_none() {
            self.order.push_back(token);
        }
        if self.order.len() > TOKENS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.rows.remove(&oldest);
        }
    }
}

impl State {
    fn tenant(&self, token: Keyspace, now: Moment) -> Result<Tenant, DocumentError> {
        if self.operators.contains(&token) {
            return Ok(token.tenant);
        }
        match (self.named.get(token, now), self.refused.get(token, now)) {
            (Some(tenant), _) => Ok(tenant),
            (None, Some(())) => Err(DocumentError::NotAdmitted),
            (None, None) => Err(StoreError::Overloaded.into()),
        }
    }

    /// Lets somebody wait; whether nobody else waits for a word about this token. Who is one too many comes back.
    fn wait(&mut self, token: Keyspace, known: Recognised) -> Result<bool, Recognised> {
        if self.waiters >= WAITERS_MAX {
            return Err(known);
        }
        self.waiters += 1;
        let waiting = self.waiting.entry(token).or_default();
        waiting.push(known);
        Ok(waiting.len() == 1)
    }

    fn learn(&mut self, token: Keyspace, said: Recognition, now: Moment) -> Vec<Recognised> {
        match said {
            Recognition::Known(owner) => {
                self.named.put(token, tenant_of(token.system, owner), Moment(now.0 + NAMED_FOR));
            }
            Recognition::Refused => self.refused.put(token, (), Moment(now.0 + REFUSED_FOR)),
            Recognition::Unavailable => {}
        }
        let told = self.waiting.remove(&token).unwrap_or_default();
        self.waiters = self.waiters.saturating_sub(told.len());
        told
    }
}

/// Each system has tenants of its own.
fn tenant_of(system: u8, Owner(owner): Owner) -> Tenant {
    let digest = Sha256::new().chain_update(OWNER_DOMAIN).chain_update([system]).chain_update(owner).finalize();
    let mut tenant = Tenant::ONLY;
    tenant.0.iter_mut().zip(digest).for_each(|(byte, from)| *byte = from);
    tenant
}

impl Recognitions {
    /// Nothing is left half-done when the lock is let go.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose documents a token opens.
    pub(super) fn tenant(&self, token: Keyspace, now: Moment) -> Result<Tenant, DocumentError> {
        self.lock().tenant(token, now)
    }

    /// The operator named a tenant after its token.
    pub(super) fn name(&self, token: Keyspace) {
        self.lock().operators.insert(token);
    }
}

/// Learns whom a token names, unless that is known.
pub(super) fn recognise(
    shared: &Arc<Shared>,
    recognitions: &Recognitions,
    gatekeeper: &dyn Gatekeeper,
    (token, secret): (Keyspace, &[u8]),
    known: Recognised,
) {
    let waits = {
        let mut state = recognitions.lock();
        // A word that holds, whatever it is, or none yet.
        let is_open = matches!(state.tenant(token, (shared.moments)()), Err(DocumentError::Store(_)));
        if is_open { state.wait(token, known) } else { Err(known) }
    };
    match waits {
        Err(known) => known(),
        Ok(false) => {}
        Ok(true) => {
            let asked = Arc::clone(shared);
            let answer = move |said| {
                let now = (asked.moments)();
                let told = asked.recognitions.as_ref().map(|recognitions| recognitions.lock().learn(token, said, now));
                told.into_iter().flatten().for_each(|known| known());
            };
            gatekeeper.recognise(secret, Box::new(answer));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Remembered, State, TOKENS_MAX, WAITERS_MAX, tenant_of};
    use crate::documents::{DocumentError, Keyspace, Tenant};
    use crate::endpoint::Moment;
    use crate::founding::{Owner, Recognition};
    use std::time::Duration;

    fn token(number: u64) -> Keyspace {
        let mut tenant = Tenant([1; 16]);
        tenant.0.iter_mut().zip(number.to_be_bytes()).for_each(|(byte, from)| *byte = from);
        Keyspace { system: 2, tenant }
    }

    fn at(seconds: u64) -> Moment {
        Moment(Duration::from_secs(seconds))
    }

    #[test]
    fn what_was_said_of_a_token_holds_for_its_time() {
        let mut state = State::default();
        let owner = Owner([7; 16]);
        let known = Recognition::Known(owner);
        for (number, said) in [(1, known), (2, known), (3, Recognition::Refused), (4, Recognition::Unavailable)] {
            drop(state.learn(token(number), said, at(0)));
        }
        let own = Ok(tenant_of(2, owner));
        assert_eq!((state.tenant(token(1), at(59)), state.tenant(token(2), at(59))), (own.clone(), own.clone()));
        assert_ne!(own, Ok(tenant_of(1, owner)), "each system has tenants of its own");
        assert_eq!(state.tenant(token(3), at(4)), Err(DocumentError::NotAdmitted));
        for (number, seconds) in [(1, 60), (3, 5), (4, 0), (5, 0)] {
            let said = state.tenant(token(number), at(seconds));
            assert!(matches!(said, Err(DocumentError::Store(_))), "{number}");
        }
        state.operators.insert(token(6));
        assert_eq!(state.tenant(token(6), at(1000)), Ok(token(6).tenant));
    }

    #[test]
    fn who_waits_and_what_is_remembered_is_bounded() {
        let mut state = State::default();
        for number in 0..WAITERS_MAX as u64 {
            assert!(matches!(state.wait(token(number / 2), Box::new(|| {})), Ok(first) if first == (number % 2 == 0)));
        }
        assert!(state.wait(token(0), Box::new(|| {})).is_err());
        assert_eq!(state.learn(token(0), Recognition::Refused, at(0)).len(), 2);
        assert!(state.wait(token(0), Box::new(|| {})).is_ok());
        let mut remembered = Remembered::default();
        (0..=TOKENS_MAX as u64).for_each(|number| remembered.put(token(number), (), at(1)));
        assert_eq!((remembered.rows.len(), remembered.order.len()), (TOKENS_MAX, TOKENS_MAX));
        assert_eq!((remembered.get(token(0), at(0)), remembered.get(token(1), at(0))), (None, Some(())));
    }
}
