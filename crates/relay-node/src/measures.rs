//! The part of a snapshot that is no flat number: durations by bucket, and errors by code. Read by a scrape and once a minute.

use crate::stats::number;
use napi::bindgen_prelude::{Float64Array, Uint16Array};
use napi_derive::napi;
use relay_core::measure::{HistogramFigures, RequestFigures, TABLE};
use relay_core::relay::RelayStats as RuleStats;
use relay_net::RequestClass;

/// The route of pushes over a WebSocket; the others are the transport's.
const WEBSOCKET_PUSH: &str = "websocket_push";

/// Durations by bucket, and errors by code, since the start of the process.
#[napi(object, object_from_js = false)]
pub struct RelayMeasures {
    /// The name of the table of buckets that the places below are in.
    pub table: String,
    /// Requests by route.
    pub requests: Vec<RelayRequests>,
    /// The store's sync calls.
    pub syncs: RelayDurations,
    /// Errors sent to clients, only those that happened.
    pub errors: Vec<RelayErrorCount>,
}

/// How long things took.
#[napi(object, object_from_js = false)]
pub struct RelayDurations {
    /// The buckets that hold something, ascending.
    pub places: Uint16Array,
    /// How many each of them holds, in the same order.
    pub counts: Float64Array,
    /// The sum of all durations.
    pub micros: i64,
}

/// Requests of one route.
#[napi(object, object_from_js = false)]
pub struct RelayRequests {
    /// One of a fixed list of names.
    pub route: String,
    /// Durations of those that ended well.
    pub ok: RelayDurations,
    /// Those that were wrong.
    pub client_errors: i64,
    /// Those that failed although they were right.
    pub relay_errors: i64,
}

/// How often an error was sent.
#[napi(object, object_from_js = false)]
pub struct RelayErrorCount {
    /// Its name in the registry.
    pub code: String,
    /// Times.
    pub count: i64,
}

/// Puts the figures together.
pub(crate) fn measures(
    pushes: &RequestFigures,
    requests: &[(RequestClass, RequestFigures)],
    syncs: &HistogramFigures,
    rules: &RuleStats,
) -> RelayMeasures {
    let http = requests.iter().map(|(class, figures)| (class.name(), figures));
    let errors = rules.errors.iter();
    RelayMeasures {
        table: TABLE.to_owned(),
        requests: std::iter::once((WEBSOCKET_PUSH, pushes)).chain(http).map(requests_of).collect(),
        syncs: durations(syncs),
        errors: errors
            .map(|(code, count)| RelayErrorCount { code: code.name().to_owned(), count: number(*count) })
            .collect(),
    }
}

fn requests_of((route, figures): (&str, &RequestFigures)) -> RelayRequests {
    RelayRequests {
        route: route.to_owned(),
        ok: durations(&figures.ok),
        client_errors: number(figures.client_errors),
        relay_errors: number(figures.relay_errors),
    }
}

fn durations(figures: &HistogramFigures) -> RelayDurations {
    RelayDurations {
        places: Uint16Array::from(figures.places.as_slice()),
        // Exact: `number` keeps them below 2 to the power of 53.
        counts: figures.counts.iter().map(|count| number(*count) as f64).collect::<Vec<f64>>().into(),
        micros: number(figures.micros),
    }
}
