//! Where devices that would found a space wait for the control plane's word: the core asks, JavaScript is woken, takes what waits
//! and answers when it knows. Never called for a space that is there.

use crate::events::EventQueue;
use crate::tenants;
use napi_derive::napi;
use relay_core::founding::{
    FoundingAnswer, FoundingRequest, FoundingVerdict, Gatekeeper, Owner, Recognition, RecognitionAnswer, claim_of,
};
use relay_proto::quota::{Quota, QuotaDetail};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Foundings that wait at a time; beyond it they cannot be judged.
const WAITING_MAX: usize = 256;

/// A device that would found a space.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct RelayFounding {
    /// What `answerFounding` is told.
    pub id: i64,
    /// The token it brought, at most 4,096 bytes.
    pub token: String,
    /// 32 hexadecimal digits: the same when the same token is brought for the same space again. Null: nothing is to be founded,
    /// and only whom the token names is asked.
    pub claim: Option<String>,
}

/// See the module.
pub(crate) struct FoundingDesk {
    events: Arc<EventQueue>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last_id: i64,
    unseen: VecDeque<RelayFounding>,
    answers: HashMap<i64, Answer>,
}

enum Answer {
    Founding(FoundingAnswer),
    Recognition(RecognitionAnswer),
}

impl Answer {
    fn give(self, verdict: FoundingVerdict) {
        match self {
            Self::Founding(answer) => answer(verdict),
            Self::Recognition(answer) => answer(match verdict {
                FoundingVerdict::Admitted(Some(owner)) => Recognition::Known(Owner(owner.0)),
                FoundingVerdict::Refused => Recognition::Refused,
                _ => Recognition::Unavailable,
            }),
        }
    }
}

impl FoundingDesk {
    pub(crate) fn new(events: Arc<EventQueue>) -> Arc<Self> {
        Arc::new(Self { events, state: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what waits, oldest first.
    pub(crate) fn drain(&self) -> Vec<RelayFounding> {
        self.lock().unseen.drain(..).collect()
    }

    /// Answers one; a second answer, and one to nobody, is nothing.
    pub(crate) fn answer(&self, id: i64, verdict: FoundingVerdict) {
        let answer = self.lock().answers.remove(&id);
        if let Some(answer) = answer {
            answer.give(verdict);
        }
    }

    /// Has a token judged, which is text; what is none cannot be one.
    fn ask(&self, token: &[u8], claim: Option<String>, answer: Answer) {
        let Ok(token) = std::str::from_utf8(token) else { return answer.give(FoundingVerdict::Refused) };
        let mut state = self.lock();
        if state.answers.len() >= WAITING_MAX {
            drop(state);
            return answer.give(FoundingVerdict::Unavailable);
        }
        state.last_id += 1;
        let id = state.last_id;
        state.answers.insert(id, answer);
        state.unseen.push_back(RelayFounding { id, token: token.to_owned(), claim });
        drop(state);
        self.events.wake();
    }
}

impl Gatekeeper for FoundingDesk {
    fn judge(&self, request: FoundingRequest, answer: FoundingAnswer) {
        self.ask(&request.admission, Some(hex::encode(claim_of(&request))), Answer::Founding(answer));
    }

    fn recognise(&self, token: &[u8], answer: RecognitionAnswer) {
        self.ask(token, None, Answer::Recognition(answer));
    }
}

/// What JavaScript says about a founding.
#[napi(object, object_to_js = false, use_nullable = true)]
pub struct RelayFoundingVerdict {
    /// `admitted`, `refused`, `exceeded` (its tenant has as many spaces as it may), or anything else: it cannot be judged now.
    pub verdict: String,
    /// Of `exceeded`: how many spaces the tenant has.
    pub used: i64,
    /// Of `exceeded`: how many it may have.
    pub allowed: i64,
    /// Of `admitted`: on whose account the space is, 32 hexadecimal digits; null for nobody's. Of a token without a claim: whom it
    /// names.
    pub tenant: Option<String>,
}

/// The verdict by its name; whatever is not understood lets nobody in.
pub(crate) fn verdict(said: &RelayFoundingVerdict) -> FoundingVerdict {
    let number = |value: i64| u64::try_from(value).unwrap_or(0);
    match said.verdict.as_str() {
        "admitted" => match said.tenant.as_deref().map(tenants::id) {
            None => FoundingVerdict::Admitted(None),
            Some(Ok(tenant)) => FoundingVerdict::Admitted(Some(tenant)),
            // On nobody's account would be without any limit.
            Some(Err(_)) => FoundingVerdict::Unavailable,
        },
        "refused" => FoundingVerdict::Refused,
        "exceeded" => FoundingVerdict::Exceeded(QuotaDetail {
            quota: Quota::TenantSpaces,
            used: number(said.used),
            allowed: number(said.allowed),
            needed: 1,
        }),
        _ => FoundingVerdict::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use relay_core::tenants::TenantId;
    use relay_proto::SpaceId;
    use std::sync::mpsc::{Receiver, channel};

    fn ask(desk: &FoundingDesk, token: &'static [u8]) -> Receiver<FoundingVerdict> {
        let (send, receive) = channel();
        let request = FoundingRequest { space: SpaceId([1; 32]), admission: token.into() };
        desk.judge(request, Box::new(move |verdict| send.send(verdict).unwrap()));
        receive
    }

    #[test]
    fn each_is_answered_once() {
        let desk = FoundingDesk::new(Arc::new(EventQueue::without_wake()));
        let (first, second) = (ask(&desk, b"one"), ask(&desk, b"two"));
        let waiting = desk.drain();
        assert_eq!(waiting.iter().map(|founding| founding.token.as_str()).collect::<Vec<_>>(), ["one", "two"]);
        assert!(desk.drain().is_empty() && waiting[0].claim != waiting[1].claim);
        assert!(waiting.iter().all(|founding| founding.claim.as_ref().is_some_and(|claim| claim.len() == 32)));
        desk.answer(waiting[1].id, FoundingVerdict::Admitted(None));
        desk.answer(waiting[1].id, FoundingVerdict::Refused);
        desk.answer(99, FoundingVerdict::Refused);
        assert_eq!(second.try_recv(), Ok(FoundingVerdict::Admitted(None)));
        assert!(first.try_recv().is_err());
    }

    #[test]
    fn nobody_waits_beyond_the_limit_or_with_what_is_no_text() {
        let desk = FoundingDesk::new(Arc::new(EventQueue::without_wake()));
        let held: Vec<_> = (0..WAITING_MAX).map(|_| ask(&desk, b"one")).collect();
        assert_eq!(ask(&desk, b"one").try_recv(), Ok(FoundingVerdict::Unavailable));
        assert_eq!(ask(&desk, &[0xff]).try_recv(), Ok(FoundingVerdict::Refused));
        desk.answer(1, FoundingVerdict::Refused);
        assert!(ask(&desk, b"one").try_recv().is_err(), "there is room again");
        assert_eq!(held.len(), WAITING_MAX);
    }

    #[test]
    fn whom_a_token_names_is_asked_without_a_claim() {
        let desk = FoundingDesk::new(Arc::new(EventQueue::without_wake()));
        let said = [
            (FoundingVerdict::Admitted(Some(TenantId([3; 16]))), Recognition::Known(Owner([3; 16]))),
            (FoundingVerdict::Refused, Recognition::Refused),
            (FoundingVerdict::Admitted(None), Recognition::Unavailable),
            (FoundingVerdict::Unavailable, Recognition::Unavailable),
        ];
        for (verdict, recognition) in said {
            let (send, receive) = channel();
            desk.recognise(b"token", Box::new(move |said| send.send(said).unwrap()));
            let asked = desk.drain();
            assert_eq!((asked[0].token.as_str(), &asked[0].claim), ("token", &None));
            desk.answer(asked[0].id, verdict);
            assert_eq!(receive.try_recv(), Ok(recognition));
        }
    }

    #[test]
    fn only_clear_words_let_in() {
        let on_account = |name: &str, tenant: Option<&str>| {
            let (verdict, tenant) = (name.to_owned(), tenant.map(str::to_owned));
            super::verdict(&RelayFoundingVerdict { verdict, used: 3, allowed: 3, tenant })
        };
        let said = |name: &str| on_account(name, None);
        assert_eq!(said("admitted"), FoundingVerdict::Admitted(None));
        let tenant = on_account("admitted", Some(&"07".repeat(16)));
        assert_eq!(tenant, FoundingVerdict::Admitted(Some(TenantId([7; 16]))));
        for broken in ["", "acme", &"07".repeat(15), &"00".repeat(16)] {
            assert_eq!(on_account("admitted", Some(broken)), FoundingVerdict::Unavailable, "{broken:?}");
        }
        assert!(matches!(said("exceeded"), FoundingVerdict::Exceeded(detail) if detail.used == 3));
        assert_eq!(said("refused"), FoundingVerdict::Refused);
        for name in ["Admitted", "", "yes"] {
            assert_eq!(said(name), FoundingVerdict::Unavailable, "{name:?}");
        }
    }
}
