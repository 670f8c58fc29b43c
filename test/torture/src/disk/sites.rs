//! Harness: every place that asks for a sync is turned off, one at a time; the crash states must notice each of them.

use super::cast::Cast;
use super::chain::{Chain, Recorded};
use super::states::{Tried, crash, crash_at};
use crate::args::Args;
use crate::report::{Report, say};
use relay_store::vfs::SyncSite;
use relay_store::vfs::sim::Dice;
use std::collections::BTreeMap;

/// Crash states tried of one session for one site.
const STATES: u64 = 60;
/// Crash states tried close behind one sync that was turned off, and how many syncs of a session are looked at so.
const STATES_BEHIND: u64 = 24;
const SYNCS_BEHIND: u64 = 4;
/// How far behind it, in ops: what a missing sync leaves undone is often made up for by the next one.
const BEHIND_OPS: u64 = 6;
/// Sessions of one chain.
const SESSIONS: u64 = 8;
/// Sessions without a site after which it must have been noticed; a run that had no time for them decides nothing.
const DECIDED_AFTER: u64 = 1500;
/// Sessions without a site that is spare anyway.
const SPARE_TRIES: u64 = 20;

/// Syncs that are kept for more safety than any promise needs, by file and the text of the line, with the reason.
const SPARE: [(&str, &str, &str); 2] = [
    (
        "meta/backend.rs",
        "self.0.sync_data()?;",
        "every open checks all checksums, and goes back to the commit before when pages of the newest are missing",
    ),
    (
        "meta/backend.rs",
        "self.0.sync_data()",
        "every start commits to the same file, which syncs it, before anything is served",
    ),
];

/// The line of code at a site; empty when the sources are not here.
fn line_of(site: SyncSite) -> String {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = std::fs::read_to_string(root.join(site.file())).unwrap_or_default();
    let line = usize::try_from(site.line()).unwrap_or(0).saturating_sub(1);
    text.lines().nth(line).unwrap_or_default().trim().to_owned()
}

fn spare_because(site: SyncSite) -> Option<&'static str> {
    let line = line_of(site);
    let fits = |(file, text, _): &&(&str, &str, &str)| site.file().ends_with(file) && line == *text;
    SPARE.iter().find(fits).map(|(_, _, why)| *why)
}

/// What is known of one site.
#[derive(Clone, Debug)]
pub struct Site {
    /// The place.
    pub site: SyncSite,
    /// How often it was asked.
    pub calls: u64,
    /// Sessions in which it was turned off.
    pub tried: u64,
    /// The promise that was broken without it.
    pub caught: Option<String>,
}

/// Turns off what was not caught yet in the sessions of one case.
///
/// # Errors
/// A promise that the honest store broke, which is another harness's business.
pub fn case(cast: &Cast, seed: u64, sessions: u64, sites: &mut BTreeMap<String, Site>) -> Result<u64, String> {
    let mut chain = Chain::new(cast, seed, false).harsh();
    let mut states = 0;
    for session in 0..sessions {
        let recorded = chain.session()?;
        for (name, (site, calls)) in recorded.journal.sites() {
            let known = sites.entry(name).or_insert(Site { site, calls: 0, tried: 0, caught: None });
            known.calls += calls;
            if known.caught.is_some() || (known.tried >= SPARE_TRIES && spare_because(site).is_some()) {
                continue;
            }
            known.tried += 1;
            let tried = without(cast, &recorded, site, seed ^ (session << 32));
            states += tried.states;
            known.caught = tried.broken.map(|what| format!("seed {seed}, session {session}, {what}"));
        }
    }
    Ok(states)
}

/// Crashes of a session in which one site does not sync: anywhere, and close behind some of the syncs that are missing.
fn without(cast: &Cast, recorded: &Recorded, site: SyncSite, seed: u64) -> Tried {
    let mut dice = Dice::new(seed);
    let tried = crash(cast, recorded, recorded.journal.replay(Some(site)), STATES, dice.roll());
    if tried.broken.is_some() {
        return tried;
    }
    let syncs = recorded.journal.behind(site);
    let mut points = Vec::new();
    for _ in 0..SYNCS_BEHIND.min(syncs.len() as u64) {
        let sync =
            usize::try_from(dice.below(syncs.len() as u64)).ok().and_then(|n| syncs.get(n)).copied().unwrap_or(0);
        let behind = |_| sync + usize::try_from(dice.below(BEHIND_OPS)).unwrap_or(0);
        points.extend((0..STATES_BEHIND).map(behind).filter(|at| *at <= recorded.journal.len()));
    }
    let close = crash_at(cast, recorded, recorded.journal.replay(Some(site)), points, dice.roll());
    Tried { states: tried.states + close.states, broken: close.broken }
}

/// The harness.
#[must_use]
pub fn run(args: &Args) -> Report {
    let cast = Cast::default();
    let mut report = Report::default();
    let mut sites = BTreeMap::new();
    let mut cases = 0;
    while args.goes_on(cases) {
        let seed = args.seed + cases;
        match case(&cast, seed, SESSIONS, &mut sites) {
            Ok(states) => report.count("states", states),
            Err(what) => report.violate(what, args.replay(seed)),
        }
        cases += 1;
    }
    report.count("cases", cases);
    for (name, site) in &sites {
        let spare = spare_because(site.site).map(|why| format!("spare: {why}"));
        let verdict = site.caught.clone().or(spare.clone()).unwrap_or_else(|| "NOT CAUGHT".to_owned());
        say(&format!("{name}: {} calls, off in {} sessions: {verdict}", site.calls, site.tried));
        if site.caught.is_none() && spare.is_some() {
            report.count("sitesSpare", 1);
        } else if site.caught.is_none() && site.tried < DECIDED_AFTER {
            report.count("sitesUndecided", 1);
        } else if site.caught.is_none() {
            report.violate(format!("nothing notices when {name} does not sync"), args.replay(args.seed));
        }
    }
    report.count("sites", sites.len() as u64);
    let caught = sites.values().filter(|site| site.caught.is_some()).count();
    report.count("sitesCaught", caught as u64);
    // Each turned-off site is the control of the others: a harness that notices nothing notices none of them.
    let undecided = report.counts.get("sitesUndecided").copied().unwrap_or(0);
    report.control_caught = caught > 0 && undecided == 0;
    report.control =
        format!("{caught} of {} sync sites were noticed when they were turned off, {undecided} undecided", sites.len());
    report
}
