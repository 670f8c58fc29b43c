//! The route table: which paths the core serves itself. It is data that comes from the caller.

use super::frames::FrameRoute;
use crate::compat::{ForeignKind, ForeignRoute};
use crate::limits::{ROUTE_PATH_BYTES_MAX, ROUTES_MAX};
use crate::start_error::StartError;
use std::collections::HashMap;

/// One path served by the core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Exact path, from its slash on, without a query; of blobs, what comes before a blob's id. A path that ends in `/*` stands
    /// for every path that begins so and has no longer one; only WebSockets of foreign protocols have such.
    pub path: String,
    /// What is served there.
    pub kind: RouteKind,
}

/// What the core can serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RouteKind {
    /// WebSocket with the native protocol.
    Native,
    /// The native protocol over HTTP.
    Frames(FrameRoute),
    /// Blobs, at every path that begins with the route's.
    Blobs,
    /// A foreign protocol.
    Foreign(ForeignRoute),
    /// Whether the process lives: 200, or 503 once the control plane has been silent for too long.
    Liveness,
    /// A probe that the control plane answers: passed on like every other request, and never held to a rate.
    Probe,
}

/// The routes by path.
#[derive(Debug, Default)]
pub(crate) struct RouteTable {
    exact: HashMap<String, RouteKind>,
    blobs: Option<String>,
    push: Option<String>,
    /// What stands before the star, and what is served there; the longest first.
    patterns: Vec<(String, RouteKind)>,
}

impl RouteTable {
    pub(crate) fn new(routes: Vec<Route>) -> Result<Self, StartError> {
        if routes.len() > ROUTES_MAX {
            return Err(StartError::Routes { count: routes.len(), count_max: ROUTES_MAX });
        }
        let mut table = HashMap::with_capacity(routes.len());
        let mut blobs = None;
        for Route { path, kind } in routes {
            if let Some(problem) = problem_of(&path, kind, &table) {
                return Err(StartError::Route { path, problem });
            }
            if kind == RouteKind::Blobs {
                blobs = Some(path.clone());
            }
            table.insert(path, kind);
        }
        let is_push = |(_, kind): &(&String, &RouteKind)| **kind == RouteKind::Frames(FrameRoute::Push);
        let push = table.iter().find(is_push).map(|(path, _)| path.clone());
        let starts = table.iter().filter_map(|(path, kind)| Some((path.strip_suffix('*')?.to_owned(), *kind)));
        let mut patterns: Vec<_> = starts.collect();
        patterns.sort_by_key(|(start, _)| std::cmp::Reverse(start.len()));
        Ok(Self { exact: table, blobs, push, patterns })
    }

    /// Where pushes are taken.
    pub(crate) fn push_path(&self) -> Option<&str> {
        self.push.as_deref()
    }

    /// What serves a path; patterns are for requests that ask for an upgrade, the others are somebody else's.
    pub(crate) fn get(&self, path: &str, is_upgrade: bool) -> Option<RouteKind> {
        let exact = self.exact.get(path).copied();
        let is_blob = || self.blobs.as_ref().is_some_and(|start| path.starts_with(start));
        let fits = |(start, _): &&(String, RouteKind)| is_upgrade && path.starts_with(start);
        let pattern = || self.patterns.iter().find(fits).map(|(_, kind)| *kind);
        exact.or_else(|| is_blob().then_some(RouteKind::Blobs)).or_else(pattern)
    }
}

fn problem_of(path: &str, kind: RouteKind, table: &HashMap<String, RouteKind>) -> Option<&'static str> {
    if !path.starts_with('/') {
        return Some("it does not begin with a slash");
    }
    if path.len() > ROUTE_PATH_BYTES_MAX {
        return Some("it is longer than 1,024 bytes");
    }
    if !path.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#%".contains(&byte)) {
        return Some("it holds a character other than printable ASCII without '?', '#' and '%'");
    }
    let may_be_pattern = matches!(kind, RouteKind::Foreign(ForeignRoute { takes: ForeignKind::Sockets, .. }));
    if path.contains('*') && !(may_be_pattern && path.ends_with("/*") && path.matches('*').count() == 1) {
        return Some("a star stands at the end only, after a slash, and for WebSockets of foreign protocols only");
    }
    table.contains_key(path).then_some("it is there twice")
}

#[cfg(test)]
mod tests {
    use super::{Route, RouteKind, RouteTable};
    use crate::compat::{ForeignKind, ForeignRoute};

    fn table(paths: &[&str]) -> Result<RouteTable, String> {
        let routes = paths.iter().map(|path| Route { path: (*path).to_owned(), kind: RouteKind::Native }).collect();
        RouteTable::new(routes).map_err(|error| error.to_string())
    }

    #[test]
    fn paths_match_exactly() {
        let table = table(&["/v1/connect", "/"]).unwrap();
        assert_eq!(table.get("/v1/connect", false), Some(RouteKind::Native));
        for path in ["/v1/connect/", "/V1/connect", "/v1", ""] {
            assert_eq!(table.get(path, true), None, "{path}");
        }
    }

    #[test]
    fn patterns_take_upgrades_that_no_longer_path_takes() {
        let route = |path: &str, service| {
            let kind = RouteKind::Foreign(ForeignRoute { service, takes: ForeignKind::Sockets });
            Route { path: path.to_owned(), kind }
        };
        let routes = vec![route("/*", "any"), route("/g/*", "g"), route("/g", "exact")];
        let table = RouteTable::new(routes).unwrap();
        let named = |path, is_upgrade| match table.get(path, is_upgrade) {
            Some(RouteKind::Foreign(route)) => Some(route.service),
            _ => None,
        };
        assert_eq!(named("/", true), Some("any"));
        assert_eq!(named("/x/y", true), Some("any"));
        assert_eq!(named("/g/x", true), Some("g"));
        assert_eq!(named("/g", true), Some("exact"));
        assert_eq!(named("/g", false), Some("exact"));
        assert_eq!(named("/g/x", false), None);
        assert_eq!(named("/", false), None);
        for bad in ["*", "/a*", "/*/*", "/*/a"] {
            assert!(RouteTable::new(vec![route(bad, "x")]).is_err(), "{bad}");
        }
    }

    #[test]
    fn bad_paths_are_named() {
        let long = format!("/{}", "a".repeat(1024));
        for (paths, part) in [
            (vec!["v1"], "slash"),
            (vec!["/a", "/a"], "twice"),
            (vec!["/a?b"], "printable"),
            (vec!["/ä"], "printable"),
            (vec!["/a/*"], "star"),
            (vec![long.as_str()], "longer"),
        ] {
            let error = table(&paths).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        assert!(table(&vec!["/a"; 2000]).unwrap_err().contains("2000"));
    }
}
