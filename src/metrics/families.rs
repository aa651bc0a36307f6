//! Every metric of the operator, as data.

/// Prefix of every name.
pub const PREFIX: &str = "claudeprobe_";

/// Kind of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Goes up and down.
    Gauge,
    /// Only goes up.
    Counter,
    /// Buckets.
    Histogram,
}

impl Kind {
    /// As in the exposition format.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Histogram => "histogram",
        }
    }
}

/// A metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// Name without [`PREFIX`].
    pub name: &'static str,
    /// Kind.
    pub kind: Kind,
    /// The HELP text, one sentence.
    pub help: &'static str,
    /// Labels, beside `namespace` and `probe` where `per_probe`.
    pub labels: &'static [&'static str],
    /// One set of series per probe, exposed by the leader, removed with the probe.
    pub per_probe: bool,
}

const fn probe(name: &'static str, kind: Kind, labels: &'static [&'static str], help: &'static str) -> Family {
    Family {
        name,
        kind,
        help,
        labels,
        per_probe: true,
    }
}

const fn own(name: &'static str, kind: Kind, labels: &'static [&'static str], help: &'static str) -> Family {
    Family {
        name,
        kind,
        help,
        labels,
        per_probe: false,
    }
}

use Kind::{Counter, Gauge, Histogram};

/// Every metric.
pub const FAMILIES: &[Family] = &[
    probe(
        "up",
        Gauge,
        &["path"],
        "1 when the path answered the frozen request completely in the last run, 0 when not; absent when the last run did not send it.",
    ),
    probe(
        "verdict",
        Gauge,
        &["state"],
        "State set of the verdict: 1 for the present state, 0 for the others.",
    ),
    probe(
        "verdict_info",
        Gauge,
        &["state", "code", "layer", "path"],
        "The verdict with its cause, always 1.",
    ),
    probe(
        "path_info",
        Gauge,
        &["path", "host"],
        "Host and port of a path's URL, always 1.",
    ),
    probe(
        "finding",
        Gauge,
        &["path", "code", "layer"],
        "A finding of the last run: 1, or 0 where the spec accepts it.",
    ),
    probe(
        "condition",
        Gauge,
        &["type", "status"],
        "The present status of a condition, always 1.",
    ),
    probe(
        "condition_cause",
        Gauge,
        &["type", "code", "layer", "path"],
        "The cause of a condition that is False, or of a failure that all gateways share, always 1; labels are empty where the cause is unknown.",
    ),
    probe(
        "stale",
        Gauge,
        &["reason"],
        "Why the probe has no recent result, always 1: NoRunYet, Suspended, OverBudget, NoRecentRun.",
    ),
    probe(
        "phase_seconds",
        Gauge,
        &["path", "phase"],
        "Duration of a phase of the frozen request in the last run.",
    ),
    probe(
        "stream_max_gap_seconds",
        Gauge,
        &["path"],
        "Longest gap between two events of the last run's stream.",
    ),
    probe(
        "http_status",
        Gauge,
        &["path"],
        "HTTP status of the frozen request in the last run, 0 without a response head.",
    ),
    probe(
        "ratelimit_remaining_ratio",
        Gauge,
        &["path", "limit"],
        "Remaining share of a rate limit of Claude, 0 to 1.",
    ),
    probe(
        "last_run_timestamp_seconds",
        Gauge,
        &[],
        "When the last run ended, whatever its result.",
    ),
    probe(
        "last_success_timestamp_seconds",
        Gauge,
        &[],
        "When the last run with the verdict Healthy or Degraded ended.",
    ),
    probe("next_run_timestamp_seconds", Gauge, &[], "When the next run is due."),
    probe(
        "certificate_expiry_timestamp_seconds",
        Gauge,
        &["path"],
        "When the certificate of a path expires.",
    ),
    probe(
        "credential_changed_timestamp_seconds",
        Gauge,
        &[],
        "When a run first saw a changed key.",
    ),
    probe(
        "runs_total",
        Counter,
        &["result"],
        "Runs that ended, by result: reported, not_started, report_lost, superseded.",
    ),
    probe(
        "missed_runs_total",
        Counter,
        &["reason"],
        "Slots without a run, by reason: late, not_started.",
    ),
    probe(
        "tokens_total",
        Counter,
        &["direction"],
        "Tokens that probes used, as Claude reported them.",
    ),
    probe(
        "cost_usd_total",
        Counter,
        &[],
        "List price of these tokens in US dollars, where the model's price is known.",
    ),
    own(
        "request_duration_seconds",
        Histogram,
        &["leg", "phase"],
        "Duration of the phases of frozen requests over all probes; leg is direct or gateway.",
    ),
    own(
        "schedule_skew_seconds",
        Histogram,
        &[],
        "Time from a slot of the schedule to the creation of its pod.",
    ),
    own(
        "reconcile_duration_seconds",
        Histogram,
        &[],
        "Duration of a reconcile, writes included.",
    ),
    own(
        "reconcile_errors_total",
        Counter,
        &["class"],
        "Failed reconciles, by class of error.",
    ),
    own(
        "kube_requests_total",
        Counter,
        &["verb", "resource"],
        "Requests to the API server.",
    ),
    own(
        "build_info",
        Gauge,
        &["version", "commit"],
        "Release and commit of this replica, always 1; commit is empty where the build has none.",
    ),
    own(
        "leader",
        Gauge,
        &[],
        "1 when this replica is the leader, 0 when it is a standby.",
    ),
];
