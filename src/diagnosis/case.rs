//! The input of a diagnosis: the paths as configured, what a run saw on them, and what earlier runs left behind.
//!
//! Plain values: the caller (the operator, `check`, a test) gathers them; nothing here fetches anything. Times are Unix
//! milliseconds.

use super::condition::Condition;
use crate::catalogue::Code;
use crate::claude::client::{AuthHeader, HttpVersion};
use crate::report::evidence::{Exchange, RunEvidence};
use crate::resource::spec::Upstream;
use crate::resource::status::{FoundOn, VerdictState};

/// The whole input of one diagnosis.
#[derive(Clone, Debug)]
pub struct Case<'a> {
    /// The frozen request.
    pub request: Request,
    /// The paths in the resource's order, the control first if there is one.
    pub paths: Vec<PathCase>,
    /// What the run saw. Paths that are not in `paths` are ignored.
    pub evidence: &'a RunEvidence,
    /// What is known from outside this run.
    pub context: Context,
}

/// The frozen request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The requested model.
    pub model: String,
    /// `anthropic-version`.
    pub api_version: String,
    /// `anthropic-beta` values.
    pub betas: Vec<String>,
    /// Whether the request wants an event stream.
    pub stream: bool,
    /// The body is a saved one, not built from prompt and model.
    pub saved_body: bool,
    /// How long the long request is to take at least, milliseconds, where the probe has one.
    pub long_at_least_ms: Option<u32>,
}

/// What a path is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// The control: the shortest path to Claude.
    Direct,
    /// A gateway under test.
    #[default]
    Gateway,
}

/// A path as it was meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathCase {
    /// `direct` or the gateway's name, as in the evidence.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Host and port of its URL, for messages.
    pub host: String,
    /// The URL's host is `api.anthropic.com`.
    pub first_party: bool,
    /// The URL is https.
    pub https: bool,
    /// What the gateway leads to, as declared.
    pub upstream: Upstream,
    /// The gateway must use direct's organisation and workspace.
    pub expect_same_account: bool,
    /// Accepted findings.
    pub accept: Vec<Code>,
    /// Which Secret and key (`secret/key`); equal on two paths means the same key. `None`: no credential is sent.
    pub key_ref: Option<String>,
    /// The auth header.
    pub auth_header: AuthHeader,
    /// The model on this path where it is not the request's.
    pub model: Option<String>,
    /// The path declares a CA of its own.
    pub declared_ca: bool,
    /// The path goes through a declared forward proxy.
    pub forward_proxy: bool,
    /// HTTP version on this path.
    pub http_version: HttpVersion,
}

/// What is known from outside the run itself. An empty context is that of a first run.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// The time of the diagnosis.
    pub now_ms: i64,
    /// Results of earlier forwarding checks. Pass all; those older than three periods are not used.
    pub forwarding_checks: Vec<PathForwardingChecks>,
    /// Period of the forwarding checks, milliseconds; 0 = off (kept results are then used for a day).
    pub forwarding_check_period_ms: i64,
    /// The keys in use and when they changed.
    pub keys: Vec<KeyHistory>,
    /// Earlier runs of the same generation, newest first; five are enough.
    pub last_runs: Vec<PastRun>,
    /// The verdict before this run.
    pub previous: Option<PreviousVerdict>,
    /// The conditions as they were published.
    pub conditions: Vec<Condition>,
    /// When the last run with a `Healthy` or `Degraded` verdict ended.
    pub last_good_ms: Option<i64>,
    /// Each path in the run before, to report what changed.
    pub before: Vec<PathBefore>,
    /// When the spec changed last.
    pub spec_changed_ms: Option<i64>,
    /// When the gateway's oldest pod started, where the spec names its workload.
    pub gateway_pods: Vec<PodsOf>,
    /// Pods that hold an older version of a key, where the spec names workloads.
    pub stale_workloads: Vec<StaleWorkload>,
    /// Pairs of zero-token exchanges of earlier runs for the latency rule, newest last: [`super::Diagnosis::latency`].
    pub latency: Vec<LatencyPair>,
    /// Thresholds of the spec.
    pub thresholds: Thresholds,
}

/// Forwarding check results of one path, at most one of each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathForwardingChecks {
    /// Path name.
    pub path: String,
    /// The results.
    pub results: Vec<KeptResult>,
}

/// One forwarding check's result, kept until a later one of its kind replaces it or it is stale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptResult {
    /// When the run that sent it ended.
    pub at_ms: i64,
    /// What came back.
    pub exchange: Exchange,
}

/// One key's history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyHistory {
    /// As [`PathCase::key_ref`].
    pub key_ref: String,
    /// Fingerprint that the latest run saw.
    pub fingerprint: String,
    /// First run that saw it.
    pub seen_since_ms: Option<i64>,
    /// Last run that saw the one before; `None` when no change was seen.
    pub previous_last_seen_ms: Option<i64>,
}

/// One earlier run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PastRun {
    /// When it ended.
    pub at_ms: i64,
    /// Its verdict's state.
    pub state: VerdictState,
    /// Its verdict's code, empty when none.
    pub code: String,
    /// Its verdict's path, empty when it concerns all.
    pub path: String,
    /// Its own findings: [`super::Diagnosis::own_findings`].
    pub findings: Vec<FoundOn>,
    /// Its own condition statuses, before the rule of two runs: [`super::Diagnosis::own_conditions`].
    pub own_conditions: String,
}

/// The verdict before this run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PreviousVerdict {
    /// State.
    pub state: VerdictState,
    /// Code, empty when none.
    pub code: String,
    /// Since when.
    pub since_ms: i64,
}

/// A path in the run before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathBefore {
    /// Path name.
    pub path: String,
    /// Address that was connected to.
    pub peer: Option<String>,
    /// Digest of the response header names of the frozen request.
    pub header_set: Option<u32>,
}

/// Age of a gateway's pods.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodsOf {
    /// Path name.
    pub path: String,
    /// Start of the oldest container.
    pub oldest_start_ms: i64,
}

/// Pods that took a key before it changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StaleWorkload {
    /// As [`PathCase::key_ref`].
    pub key_ref: String,
    /// Names of some of them.
    pub pods: Vec<String>,
    /// How many there are.
    pub count: usize,
    /// They started before the old key was seen last; else between the two observations.
    pub certain: bool,
}

/// The same zero-token exchange on a gateway and on the direct path, in one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LatencyPair {
    /// The gateway's path name.
    pub path: String,
    /// When that run ended.
    pub at_ms: i64,
    /// Milliseconds on the direct path.
    pub direct_ms: u32,
    /// Milliseconds through the gateway.
    pub gateway_ms: u32,
}

/// Thresholds of the spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// A gateway that adds more than this share of direct's time is slow, percent.
    pub gateway_latency_percent: u32,
    /// A certificate that expires in fewer days than this is a finding.
    pub certificate_expiry_days: i32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            gateway_latency_percent: 50,
            certificate_expiry_days: 14,
        }
    }
}

impl PathCase {
    /// Whether this is the control.
    #[must_use]
    pub fn is_direct(&self) -> bool {
        self.role == Role::Direct
    }
}

impl Context {
    /// Whether what forwarding checks showed then still counts: for three periods, for a day where none are sent.
    #[must_use]
    pub fn is_fresh(&self, at_ms: i64) -> bool {
        const DAY_MS: i64 = 86_400_000;
        let most = match self.forwarding_check_period_ms {
            0 => DAY_MS,
            period => period.saturating_mul(3),
        };
        self.now_ms.saturating_sub(at_ms) <= most
    }

    /// The history of this key.
    #[must_use]
    pub fn key(&self, key_ref: &str) -> Option<&KeyHistory> {
        self.keys.iter().find(|key| key.key_ref == key_ref)
    }
}
