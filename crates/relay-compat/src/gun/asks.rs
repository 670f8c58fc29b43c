//! Gets that were passed on to stock relays because nothing is here: their answers are waited for, but not for long.

use super::answer::Answer;
use super::mailbox::Mailbox;
use super::{ASK_MS, ASKS_MAX};
use std::collections::HashMap;
use std::sync::Arc;

struct Ask {
    /// Relays that have not answered.
    left: usize,
    until_ms: u64,
    /// Who waits, and for what.
    held: Option<(Arc<Mailbox>, Answer)>,
}

/// See the module. An ask that is over is not there.
#[derive(Default)]
pub(super) struct Asks {
    by_id: HashMap<String, Ask>,
}

impl Asks {
    /// So many relays are asked now; `false` when too many gets wait already.
    pub(super) fn begin(&mut self, id: &str, relays: usize, now_ms: u64) -> bool {
        let has_room = self.by_id.len() < ASKS_MAX;
        if has_room {
            let until_ms = now_ms.saturating_add(ASK_MS);
            self.by_id.insert(id.to_owned(), Ask { left: relays, until_ms, held: None });
        }
        has_room
    }

    pub(super) fn is_open(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    /// Nothing was found here: the answer waits. It comes back when it need not.
    pub(super) fn hold(&mut self, id: &str, mailbox: &Arc<Mailbox>, answer: Answer) -> Option<Answer> {
        let Some(ask) = self.by_id.get_mut(id) else { return Some(answer) };
        ask.held = Some((Arc::clone(mailbox), answer));
        None
    }

    /// One relay answered; who waited for the last of them reads again.
    pub(super) fn answered(&mut self, id: &str) {
        let Some(ask) = self.by_id.get_mut(id) else { return };
        ask.left = ask.left.saturating_sub(1);
        if ask.left == 0 {
            self.by_id.remove(id).into_iter().for_each(let_go);
        }
    }

    /// Whoever waited for too long reads again.
    pub(super) fn expire(&mut self, now_ms: u64) {
        let over = self.by_id.extract_if(|_, ask| ask.until_ms <= now_ms);
        over.map(|(_, ask)| ask).for_each(let_go);
    }
}

fn let_go(ask: Ask) {
    if let Some((mailbox, answer)) = ask.held {
        mailbox.read_again(answer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gun::lex::{Lex, Query};

    fn answer() -> Answer {
        Answer::new(Some("get".into()), Query { soul: Lex::Exactly("s".into()), key: Lex::All, limit: None })
    }

    #[test]
    fn who_waits_reads_again_after_the_last_answer_or_in_time() {
        let (mut asks, mailbox) = (Asks::default(), Arc::new(Mailbox::new(Arc::new(|| {}))));
        assert!(asks.begin("a", 2, 0) && asks.begin("b", 1, 0));
        assert!(asks.hold("a", &mailbox, answer()).is_none() && asks.hold("b", &mailbox, answer()).is_none());
        asks.answered("a");
        assert!(mailbox.take_again().is_empty());
        asks.answered("a");
        assert_eq!(mailbox.take_again().len(), 1);
        asks.expire(ASK_MS - 1);
        assert!(asks.is_open("b"));
        asks.expire(ASK_MS);
        assert_eq!((mailbox.take_again().len(), asks.is_open("b")), (1, false));
        assert!(asks.hold("a", &mailbox, answer()).is_some(), "what is over is not waited for");
    }

    #[test]
    fn no_more_than_so_many_wait() {
        let mut asks = Asks::default();
        assert!((0..ASKS_MAX).all(|id| asks.begin(&id.to_string(), 1, 0)));
        assert!(!asks.begin("more", 1, 0));
    }
}
