//! The route table: which paths the core serves itself. It is data that comes from the caller.

use super::frames::FrameRoute;
use crate::limits::{ROUTE_PATH_BYTES_MAX, ROUTES_MAX};
use crate::start_error::StartError;
use std::collections::HashMap;

/// One path served by the core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Exact path, from its slash on, without a query; of blobs, what comes before a blob's id.
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
    /// Whether the process lives: 200, or 503 once the control plane has been silent for too long.
    Liveness,
}

/// The routes by path.
#[derive(Debug, Default)]
pub(crate) struct RouteTable {
    exact: HashMap<String, RouteKind>,
    blobs: Option<String>,
    push: Option<String>,
}

impl RouteTable {
    pub(crate) fn new(routes: Vec<Route>) -> Result<Self, StartError> {
        if routes.len() > ROUTES_MAX {
            return Err(StartError::Routes { count: routes.len(), count_max: ROUTES_MAX });
        }
        let mut table = HashMap::with_capacity(routes.len());
        let mut blobs = None;
        for Route { path, kind } in routes {
            if let Some(problem) = problem_of(&path, &table) {
                return Err(StartError::Route { path, problem });
            }
            if kind == RouteKind::Blobs {
                blobs = Some(path.clone());
            }
            table.insert(path, kind);
        }
        let is_push = |(_, kind): &(&String, &RouteKind)| **kind == RouteKind::Frames(FrameRoute::Push);
        let push = table.iter().find(is_push).map(|(path, _)| path.clone());
        Ok(Self { exact: table, blobs, push })
    }

    /// Where pushes are taken.
    pub(crate) fn push_path(&self) -> Option<&str> {
        self.push.as_deref()
    }

    pub(crate) fn get(&self, path: &str) -> Option<RouteKind> {
        let exact = self.exact.get(path).copied();
        let is_blob = || self.blobs.as_ref().is_some_and(|start| path.starts_with(start));
        exact.or_else(|| is_blob().then_some(RouteKind::Blobs))
    }
}

fn problem_of(path: &str, table: &HashMap<String, RouteKind>) -> Option<&'static str> {
    if !path.starts_with('/') {
        return Some("it does not begin with a slash");
    }
    if path.len() > ROUTE_PATH_BYTES_MAX {
        return Some("it is longer than 1,024 bytes");
    }
    if !path.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#%".contains(&byte)) {
        return Some("it holds a character other than printable ASCII without '?', '#' and '%'");
    }
    table.contains_key(path).then_some("it is there twice")
}

#[cfg(test)]
mod tests {
    use super::{Route, RouteKind, RouteTable};

    fn table(paths: &[&str]) -> Result<RouteTable, String> {
        let routes = paths.iter().map(|path| Route { path: (*path).to_owned(), kind: RouteKind::Native }).collect();
        RouteTable::new(routes).map_err(|error| error.to_string())
    }

    #[test]
    fn paths_match_exactly() {
        let table = table(&["/v1/connect", "/"]).unwrap();
        assert_eq!(table.get("/v1/connect"), Some(RouteKind::Native));
        for path in ["/v1/connect/", "/V1/connect", "/v1", ""] {
            assert_eq!(table.get(path), None, "{path}");
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
            (vec![long.as_str()], "longer"),
        ] {
            let error = table(&paths).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        assert!(table(&vec!["/a"; 2000]).unwrap_err().contains("2000"));
    }
}
