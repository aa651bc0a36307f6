//! Durations of each path in the last runs: a line for the status page.
//!
//! In memory only, bounded, dropped with the probe and with the process: Prometheus keeps the long history. Fed by the
//! watch of probes, so a standby has it, too.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::figures::{Measured, Trend};
use crate::resource::status::{ClaudeProbeStatus, PathStatus, RunResult};

/// Kept runs, four bytes each per path: 60 are 5 hours at one run in five minutes, and 0.6 KiB per probe of two paths.
const KEPT: usize = 60;
/// In place of milliseconds: the run got no complete reply.
const FAILED: u32 = u32::MAX;
/// In place of milliseconds: the run sent no frozen request, or has no report.
const UNMEASURED: u32 = u32::MAX - 1;

/// The lines of all probes, by UID.
#[derive(Debug, Default)]
pub struct Trends(Mutex<HashMap<String, Lines>>);

/// The lines of one probe.
#[derive(Debug, Default)]
struct Lines {
    /// The newest run in them: the watch reports a status more than once.
    newest: Option<(i64, Timestamp)>,
    paths: Vec<(Box<str>, VecDeque<u32>)>,
}

impl Trends {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Lines>> {
        // Nothing in here can panic half-way, and no decision uses the lines.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the times of a status, if it has another run than the status before.
    pub fn note(&self, uid: &str, status: &ClaudeProbeStatus) {
        let Some(run) = &status.last_run else { return };
        let Some(ended) = &run.finished_at else { return };
        let this = Some((run.number, ended.0));
        let mut all = self.lock();
        let lines = all.entry(uid.to_owned()).or_default();
        if lines.newest == this {
            return;
        }
        lines.newest = this;
        let reported = run.result == RunResult::Reported;
        // A removed path is dropped with the first run without it.
        lines
            .paths
            .retain(|(name, _)| status.paths.iter().any(|path| *path.name == **name));
        for path in &status.paths {
            let value = if reported { measured(status, path) } else { UNMEASURED };
            let known = lines.paths.iter().position(|(name, _)| **name == *path.name);
            let at = known.unwrap_or_else(|| {
                lines.paths.push((path.name.as_str().into(), VecDeque::new()));
                lines.paths.len() - 1
            });
            let line = &mut lines.paths[at].1;
            if line.len() >= KEPT {
                line.pop_front();
            }
            line.push_back(value);
        }
    }

    /// The probe's lines, in the order of its paths.
    #[must_use]
    pub fn of(&self, uid: &str) -> Vec<Trend> {
        let all = self.lock();
        let paths = all.get(uid).map_or(&[][..], |lines| &lines.paths);
        let trend = |(name, line): &(Box<str>, VecDeque<u32>)| Trend {
            path: crate::text::plain::plain(name),
            runs: line.iter().copied().map(shown).collect(),
        };
        paths.iter().map(trend).collect()
    }

    /// The probe is deleted.
    pub fn forget(&self, uid: &str) {
        self.lock().remove(uid);
    }

    /// Only these probes exist.
    pub fn retain(&self, alive: &HashSet<String>) {
        self.lock().retain(|uid, _| alive.contains(uid));
    }
}

/// Time to the first byte of a complete reply: contains a gateway's latency, and not the length of the model's answer.
fn measured(status: &ClaudeProbeStatus, path: &PathStatus) -> u32 {
    match (super::up::up(status, path), path.timings.first_byte) {
        (Some(true), Some(seconds)) => whole_milliseconds(seconds),
        (Some(true), None) | (None, _) => UNMEASURED,
        (Some(false), _) => FAILED,
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to what u32 holds before"
)]
fn whole_milliseconds(seconds: f64) -> u32 {
    (seconds * 1000.0).round().clamp(0.0, f64::from(UNMEASURED - 1)) as u32
}

fn shown(kept: u32) -> Measured {
    match kept {
        FAILED => Measured::Failed,
        UNMEASURED => Measured::Unasked,
        ms => Measured::Answered(ms),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn status(number: i64, result: &str, http: i32, first_byte: f64) -> ClaudeProbeStatus {
        let path = |name: &str, http: i32| json!({"name": name, "outcome": "Answered", "status": http, "timings": {"firstByte": first_byte}});
        serde_json::from_value(json!({
            "verdict": {"state": "Healthy"},
            "paths": [path("direct", 200), path("edge", http)],
            "lastRun": {"number": number, "slot": "s", "result": result, "finishedAt": "2026-11-23T08:00:00Z"},
        }))
        .unwrap()
    }

    #[test]
    fn each_run_is_kept_once_and_the_oldest_is_dropped() {
        let trends = Trends::default();
        for number in 0..100 {
            let status = status(
                number,
                "Reported",
                200,
                0.001 * f64::from(i32::try_from(number).unwrap()),
            );
            trends.note("u", &status);
            trends.note("u", &status);
        }
        let lines = trends.of("u");
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[1].path, "edge");
        assert_eq!(lines[1].runs.len(), KEPT);
        assert_eq!(lines[1].runs.first(), Some(&Measured::Answered(40)));
        assert_eq!(lines[1].runs.last(), Some(&Measured::Answered(99)));
    }

    #[test]
    fn failed_and_unmeasured_runs_differ() {
        let trends = Trends::default();
        trends.note("u", &status(1, "Reported", 401, 0.01));
        trends.note("u", &status(2, "ReportLost", 200, 0.01));
        let edge = &trends.of("u")[1].runs;
        assert_eq!(*edge, [Measured::Failed, Measured::Unasked]);
    }

    #[test]
    fn lines_are_dropped_with_their_path_and_with_their_probe() {
        let trends = Trends::default();
        trends.note("u", &status(1, "Reported", 200, 0.01));
        let mut without = status(2, "Reported", 200, 0.01);
        without.paths.remove(0);
        trends.note("u", &without);
        assert_eq!(
            trends.of("u").iter().map(|line| &*line.path).collect::<Vec<_>>(),
            ["edge"]
        );
        trends.retain(&HashSet::from(["u".to_owned()]));
        assert_eq!(trends.of("u").len(), 1);
        trends.forget("u");
        assert!(trends.of("u").is_empty());
    }
}
