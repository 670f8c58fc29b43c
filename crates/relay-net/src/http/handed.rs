//! Requests whose socket somebody else owns: routed like the relay's own, to frames and blobs only. Who may send how many is
//! the owner's business.

use super::answer_body::{Answer, outcome_of};
use super::cors;
use super::exchange::{Front, NOT_FOUND};
use super::head;
use super::input_body::InputBody;
use super::marks;
use super::route::RouteKind;
use crate::connections::ConnectionGuard;
use crate::request_class::RequestClass;
use http::request::Parts;

impl Front {
    /// Answers one request.
    pub(crate) async fn handed(&self, head: &Parts, body: InputBody, guard: &ConnectionGuard) -> Answer {
        let begun = self.shared.clock.now();
        let mut answer = self.handed_unmarked(head, body, guard).await;
        marks::add(answer.headers_mut(), self.shared.clock.now().0.saturating_sub(begun.0));
        answer
    }

    async fn handed_unmarked(&self, head: &Parts, body: InputBody, guard: &ConnectionGuard) -> Answer {
        if let Err(problem) = head::check(head, &self.shared.limits) {
            return self.refuse(problem);
        }
        let Some(kind) = self.routes.get(head.uri.path(), false) else {
            return self.refuse(NOT_FOUND);
        };
        let begun = self.shared.clock.now();
        let mut answer = match (cors::preflight(kind, head), kind) {
            (Some(answer), _) => answer,
            (None, RouteKind::Frames(route)) => self.frames(route, head, body, (guard.id, &guard.signal)).await,
            (None, RouteKind::Blobs) => self.blob(head, body).await,
            (None, _) => self.refuse(NOT_FOUND),
        };
        let took = self.shared.clock.now().0.saturating_sub(begun.0);
        self.shared.stats.answered(RequestClass::of(Some(kind)), outcome_of(&answer), took);
        if cors::is_open(kind) {
            cors::allow(answer.headers_mut());
        }
        answer
    }
}
