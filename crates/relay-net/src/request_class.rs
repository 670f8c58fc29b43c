//! The kinds of HTTP requests that are measured, each by itself.

use crate::compat::ForeignKind;
use crate::http::frames::FrameRoute;
use crate::http::route::RouteKind;

/// A kind of request. Upgrades and probes are not among them: counting is enough for those.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestClass {
    /// A request of a handshake.
    Session,
    /// Pushes.
    Push,
    /// A pull or a subscription, until its first bytes: one that waits for entries takes as long as it was asked to wait.
    Read,
    /// Frames of an open session.
    Frames,
    /// A blob.
    Blob,
    /// A request of a foreign protocol.
    Foreign,
    /// Whatever the control plane answers.
    Control,
}

impl RequestClass {
    /// All of them, in the order of their meters.
    pub const ALL: [Self; 7] =
        [Self::Session, Self::Push, Self::Read, Self::Frames, Self::Blob, Self::Foreign, Self::Control];

    /// The name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Push => "push",
            Self::Read => "read",
            Self::Frames => "frames",
            Self::Blob => "blob",
            Self::Foreign => "foreign",
            Self::Control => "control",
        }
    }

    /// The class of what a path is served by; `None` where nothing is measured.
    pub(crate) const fn of(kind: Option<RouteKind>) -> Option<Self> {
        match kind {
            Some(RouteKind::Native | RouteKind::Liveness | RouteKind::Probe) => None,
            Some(RouteKind::Frames(FrameRoute::Session)) => Some(Self::Session),
            Some(RouteKind::Frames(FrameRoute::Push)) => Some(Self::Push),
            Some(RouteKind::Frames(FrameRoute::Pull | FrameRoute::Subscribe)) => Some(Self::Read),
            Some(RouteKind::Frames(FrameRoute::Frames)) => Some(Self::Frames),
            Some(RouteKind::Blobs) => Some(Self::Blob),
            Some(RouteKind::Foreign(route)) => match route.takes {
                ForeignKind::Requests => Some(Self::Foreign),
                ForeignKind::Sockets => None,
            },
            None => Some(Self::Control),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RequestClass;

    #[test]
    fn each_class_stands_in_its_own_place() {
        for (place, class) in RequestClass::ALL.iter().enumerate() {
            assert_eq!(*class as usize, place, "{}", class.name());
        }
    }
}
