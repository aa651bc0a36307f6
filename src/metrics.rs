//! Metrics: the state of each probe, read at scrape from its status, and the operator's own counters.
//!
//! No gauge keeps state: a deleted probe leaves no series, and a scrape shows the same as `kubectl get`. Label values
//! come from closed sets, except namespace, probe, path and host. [`FAMILIES`] is the catalogue for documentation and
//! tests.

mod families;
mod own;

use std::fmt::Write as _;

pub use families::{FAMILIES, Family, Kind, PREFIX};
pub use own::{ERROR_CLASSES, OperatorMetrics};

use crate::resource::status::{ClaudeProbeStatus, PathStatus, VerdictState};
use crate::status::cause::{self, Cause};
use crate::status::counters::{Counters, MISSED, RESULTS};
use crate::status::stale;
use crate::status::up::up;

/// One probe with its series.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub probe: String,
    /// Its newest status.
    pub status: ClaudeProbeStatus,
    /// Its counters.
    pub counters: Counters,
}

/// The series of these probes, grouped by family.
#[must_use]
pub fn state(probes: impl IntoIterator<Item = Shown>) -> String {
    let mut samples = Samples::default();
    for probe in probes {
        samples.probe(&probe);
    }
    samples.text()
}

/// Lines by family, in the order of the catalogue.
#[derive(Debug)]
struct Samples(Vec<String>);

impl Default for Samples {
    fn default() -> Self {
        Self(vec![String::new(); FAMILIES.len()])
    }
}

/// The labels that all series of a probe have.
struct Of<'a> {
    samples: &'a mut Samples,
    namespace: &'a str,
    probe: &'a str,
}

impl Of<'_> {
    fn put(&mut self, family: &str, labels: &[(&str, &str)], value: f64) {
        let Some(lines) = FAMILIES
            .iter()
            .position(|known| known.name == family)
            .and_then(|index| self.samples.0.get_mut(index))
        else {
            debug_assert!(false, "no metric family has the name {family}");
            tracing::error!(family, "no metric family has this name: this is a bug");
            return;
        };
        let all = [("namespace", self.namespace), ("probe", self.probe)];
        let _ = write!(lines, "{PREFIX}{family}{{");
        for (number, (name, text)) in all.iter().chain(labels).enumerate() {
            let comma = if number == 0 { "" } else { "," };
            let _ = write!(lines, "{comma}{name}=\"{}\"", escaped(text));
        }
        let _ = writeln!(lines, "}} {value}");
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

impl Samples {
    fn probe(&mut self, shown: &Shown) {
        let mut of = Of {
            samples: self,
            namespace: &shown.namespace,
            probe: &shown.probe,
        };
        let status = &shown.status;
        verdict(&mut of, status);
        for path in &status.paths {
            path_series(&mut of, status, path);
        }
        for finding in &status.findings {
            of.put(
                "finding",
                &[
                    ("path", &finding.path),
                    ("code", finding.code.name()),
                    ("layer", finding.layer.name()),
                ],
                if finding.accepted { 0.0 } else { 1.0 },
            );
        }
        for condition in &status.conditions {
            of.put(
                "condition",
                &[("type", &condition.type_), ("status", &condition.status)],
                1.0,
            );
        }
        for Cause {
            kind,
            code,
            layer,
            path,
        } in cause::causes(status)
        {
            let labels = [("type", &*kind), ("code", code), ("layer", layer), ("path", &*path)];
            of.put("condition_cause", &labels, 1.0);
        }
        if let Some(reason) = stale::reason(status) {
            of.put("stale", &[("reason", reason.name())], 1.0);
        }
        times(&mut of, status);
        counters(&mut of, &shown.counters);
    }

    fn text(self) -> String {
        let mut text = String::new();
        for (family, lines) in FAMILIES.iter().zip(self.0).filter(|(_, lines)| !lines.is_empty()) {
            let _ = writeln!(text, "# HELP {PREFIX}{} {}", family.name, family.help);
            let _ = writeln!(text, "# TYPE {PREFIX}{} {}", family.name, family.kind.name());
            text.push_str(&lines);
        }
        text
    }
}

fn verdict(of: &mut Of<'_>, status: &ClaudeProbeStatus) {
    use VerdictState::{Degraded, Failing, Healthy, Inconclusive, Unknown};
    let verdict = status.verdict.clone().unwrap_or_default();
    for state in [Healthy, Degraded, Failing, Inconclusive, Unknown] {
        let value = if state == verdict.state { 1.0 } else { 0.0 };
        of.put("verdict", &[("state", state.name())], value);
    }
    of.put(
        "verdict_info",
        &[
            ("state", verdict.state.name()),
            ("code", &verdict.code),
            ("layer", &verdict.layer),
            ("path", &verdict.path),
        ],
        1.0,
    );
}

fn path_series(of: &mut Of<'_>, status: &ClaudeProbeStatus, path: &PathStatus) {
    let label = ("path", path.name.as_str());
    of.put("path_info", &[label, ("host", &path.host)], 1.0);
    if let Some(up) = up(status, path) {
        of.put("up", &[label], if up { 1.0 } else { 0.0 });
        of.put("http_status", &[label], f64::from(path.status));
    }
    for (phase, seconds) in path.timings.observed() {
        of.put("phase_seconds", &[label, ("phase", phase)], seconds);
    }
    if let Some(stream) = &path.stream {
        of.put("stream_max_gap_seconds", &[label], stream.max_gap);
    }
    for (limit, ratio) in path.ratelimit_remaining.observed() {
        of.put("ratelimit_remaining_ratio", &[label, ("limit", limit)], ratio);
    }
    if let Some(expires) = &path.certificate_expires {
        of.put("certificate_expiry_timestamp_seconds", &[label], seconds(expires.0));
    }
}

fn times(of: &mut Of<'_>, status: &ClaudeProbeStatus) {
    let last_run = status.last_run.as_ref().and_then(|run| run.finished_at.as_ref());
    let changed = status
        .credentials
        .iter()
        .filter(|key| key.previous_last_seen_at.is_some())
        .filter_map(|key| key.seen_since.as_ref())
        .max();
    for (family, time) in [
        ("last_run_timestamp_seconds", last_run),
        ("last_success_timestamp_seconds", status.last_good_at.as_ref()),
        ("next_run_timestamp_seconds", status.next_run.as_ref()),
        ("credential_changed_timestamp_seconds", changed),
    ] {
        if let Some(time) = time {
            of.put(family, &[], seconds(time.0));
        }
    }
}

fn counters(of: &mut Of<'_>, counters: &Counters) {
    // Present from the start: a counter that begins at 1 hides its first event from `rate()`.
    for result in RESULTS {
        of.put(
            "runs_total",
            &[("result", result)],
            number(counters.runs.get(result).copied().unwrap_or(0)),
        );
    }
    for reason in MISSED {
        of.put(
            "missed_runs_total",
            &[("reason", reason)],
            number(counters.missed.get(reason).copied().unwrap_or(0)),
        );
    }
    of.put("tokens_total", &[("direction", "input")], number(counters.input_tokens));
    of.put(
        "tokens_total",
        &[("direction", "output")],
        number(counters.output_tokens),
    );
    of.put("cost_usd_total", &[], counters.cost);
}

#[allow(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn number(count: u64) -> f64 {
    count as f64
}

#[allow(clippy::cast_precision_loss, reason = "milliseconds since 1970 are far below 2^52")]
fn seconds(time: jiff::Timestamp) -> f64 {
    time.as_millisecond() as f64 / 1000.0
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
