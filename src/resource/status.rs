//! What the operator writes and a user reads. `claudeprobe check -o json` prints the same types.
//!
//! Every list and string is bounded where it is made (see the operator's status builder): at most 32 KiB in all.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalogue::{Code, Confidence, Layer, Severity};

/// What the operator knows of a probe.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClaudeProbeStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready, ProberOperational, DirectPathHealthy, GatewayPathHealthy, CredentialsFresh, HeadersPreserved, StreamIntact,
    /// QuotaAvailable. True is good; Unknown means that it could not be told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The latest run in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Everything that the evidence shows, the verdict's cause first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// What each path answered to the frozen request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<PathStatus>,
    /// Fingerprints of the keys in use: they notice a change and confirm no guess.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credentials: Vec<CredentialStatus>,
    /// The last run that ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_run: Option<RunStatus>,
    /// When the pod of the last run that reported was created: the keys that it saw are of that moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_reported_at: Option<Time>,
    /// When the last run with the verdict Healthy or Degraded ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_good_at: Option<Time>,
    /// When the next run is due: the first slot of the schedule that was neither run nor counted as missed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_run: Option<Time>,
    /// The value of the annotation claudeprobe.dev/run-now that was handled last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_run_now: Option<String>,
    /// Slots that were missed since the probe was created.
    #[serde(default)]
    pub missed_runs: i64,
    /// The run timeout in effect, Go duration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_timeout: Option<String>,
    /// Tokens used today.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<UsageStatus>,
    /// Earlier verdicts, newest first; equal neighbours are folded with a count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<HistoryEntry>,
}

/// The state of a verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum VerdictState {
    /// Answered completely on every path, no finding above information.
    Healthy,
    /// Answered completely on every gateway path, but findings stand; or only the direct path fails.
    Degraded,
    /// Not answered completely on at least one gateway path, and the evidence says why.
    Failing,
    /// It fails, and the evidence cannot tell why, or contradicts itself.
    Inconclusive,
    /// No run yet, or the prober could not run.
    #[default]
    Unknown,
}

/// One run in one sentence.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// Healthy, Degraded, Failing, Inconclusive or Unknown.
    pub state: VerdictState,
    /// The finding that explains most, empty when there is none.
    #[serde(default)]
    pub code: String,
    /// The layer of that finding: Configuration, Quota, Network or Upstream; empty when there is none.
    #[serde(default)]
    pub layer: String,
    /// The first path that it is on, `direct` for the control, empty when it concerns all or there is none.
    #[serde(default)]
    pub path: String,
    /// The hop inside that path, empty when the evidence names none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hop: String,
    /// What is wrong, on which path and hop, since when, in how many runs, the request id: at most 200 characters.
    #[serde(default)]
    pub message: String,
    /// What to change, where; for Inconclusive what would decide.
    #[serde(default)]
    pub advice: String,
    /// Since when state and code are the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// What changed last before this verdict: the key, the spec, a path's address or response headers.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub changed: String,
}

/// Something that the evidence shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What: a code of the closed catalogue.
    // A string in the schema: an operator that is newer than the definition must be able to write what it found.
    #[schemars(with = "String")]
    pub code: Code,
    /// Where the cause sits.
    pub layer: Layer,
    /// The path it is on: `direct`, a gateway's name, or empty when it concerns all.
    pub path: String,
    /// The hop inside the path, when the evidence names one (such as `gateway → Claude`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hop: Option<String>,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// What was seen, quoted where it was text.
    pub evidence: String,
    /// What to change, where.
    pub advice: String,
    /// The path's `accept` list names it: shown, no longer counted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accepted: bool,
    /// When the evidence was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_at: Option<Time>,
    /// In how many of the last runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
}

/// In how many of the last runs something was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Seen {
    /// Runs with it.
    pub failed: i32,
    /// Runs looked at.
    pub of: i32,
}

/// What one path answered to the frozen request in the latest run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PathStatus {
    /// `direct` or the gateway's name.
    pub name: String,
    /// Host and port of the path's URL.
    #[serde(default)]
    pub host: String,
    /// The exchange that this speaks of: `message` or `stream`.
    #[serde(default)]
    pub exchange: String,
    /// How it ended: `Answered`, or what stopped it.
    #[serde(default)]
    pub outcome: String,
    /// HTTP status, 0 when no response head came.
    #[serde(default)]
    pub status: i32,
    /// Claude's request id, empty when the reply had none.
    #[serde(default)]
    pub request_id: String,
    /// Address that was connected to.
    #[serde(default)]
    pub peer: String,
    /// Response headers that help to find the hop.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Seconds per phase: dns, connect, tls, first_byte, first_token, total.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub timings: BTreeMap<String, f64>,
    /// The event stream, where one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamStatus>,
    /// 32-bit digest of the set of response header names: tells whether the gateway's headers changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header_set: Option<i64>,
    /// Remaining share of Claude's rate limits, 0 to 1, by limit.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ratelimit_remaining: BTreeMap<String, f64>,
    /// When the certificate of this path expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_expires: Option<Time>,
    /// Results of the last zero-token exchanges; they enter every diagnosis until refuted or stale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canaries: Option<CanaryStatus>,
    /// How long the zero-token exchange took in the last runs that sent it, here and on the direct path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<LatencyStatus>,
}

/// An event stream as it arrived.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamStatus {
    /// Events, pings included.
    pub events: i64,
    /// Body bytes.
    pub bytes: i64,
    /// Name of the last event.
    pub last_event: String,
    /// When it came, seconds after the request was sent.
    pub last_event_at: f64,
    /// Longest silence between two events, seconds.
    pub max_gap: f64,
    /// `message_stop` came.
    pub message_stop: bool,
    /// The HTTP framing ended properly: `Complete`, or `Incomplete`.
    pub framing: String,
    /// How the connection ended.
    pub ending: String,
}

/// Results of the last canaries of a path, one per kind of exchange: the newest that told something.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CanaryStatus {
    /// When the newest of them was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// One compact JSON record per exchange: `kind`, `outcome`, what else was observed, and `at` (Unix seconds) where it was
    /// sent before the newest.
    #[serde(default)]
    pub results: Vec<String>,
}

/// Times of the zero-token exchange of a gateway beside the direct path's, the newest last: both lists are equally long.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LatencyStatus {
    /// When the newest was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// Milliseconds on the direct path.
    #[serde(default)]
    pub direct_ms: Vec<i32>,
    /// Milliseconds through the gateway, in the same runs.
    #[serde(default)]
    pub gateway_ms: Vec<i32>,
}

/// What kind of credential a key's shape says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum CredentialKind {
    /// Of the shape `sk-ant-api…`.
    ApiKey,
    /// Of the shape `sk-ant-admin…`: cannot call the Messages API.
    AdminKey,
    /// Of the shape `sk-ant-oat…`: short-lived, so pods that hold an older one are not flagged.
    OauthToken,
    /// None of Claude's shapes, such as a gateway's own (virtual) key.
    Foreign,
}

/// The key of one Secret, without the key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CredentialStatus {
    /// Name of the Secret.
    pub secret: String,
    /// Key inside the Secret.
    pub key: String,
    /// First 5 hex digits of HMAC-SHA256(probe UID, key).
    pub fingerprint: String,
    /// What kind of credential it is by its shape.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<CredentialKind>,
    /// First run that saw this fingerprint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_since: Option<Time>,
    /// Last run that saw the one before: the change lies between the two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_last_seen_at: Option<Time>,
}

/// A run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunStatus {
    /// Number of the run: one more than the run before it. Its pods carry it, too; what is not above it is over.
    #[serde(default)]
    pub number: i64,
    /// The slot that it filled: a time, `g<generation>`, or `r<hash>` for run-now.
    pub slot: String,
    /// `Reported`, `NotStarted(<cause>)`, `ReportLost(<cause>)`, or `Superseded` by a change of the spec.
    #[serde(default)]
    pub result: String,
    /// When its pod was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// Its pod; kept until the next run, for its logs.
    #[serde(default)]
    pub pod: String,
}

/// Tokens of one UTC day.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageStatus {
    /// Tokens used and reserved today, input and output.
    pub tokens_today: i64,
    /// The day, `YYYY-MM-DD`, UTC.
    pub day: String,
}

/// Earlier runs with the same verdict.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// When the newest of them ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// When the oldest of them ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// Generation of the spec that they ran under. Runs of another say nothing of the present one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<i64>,
    /// Verdict state.
    pub state: VerdictState,
    /// Verdict code, empty when none.
    #[serde(default)]
    pub code: String,
    /// Verdict path, empty when none.
    #[serde(default)]
    pub path: String,
    /// How many runs.
    pub count: i32,
    /// All findings of each of them as `code@path`, for the k-of-n rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<String>,
    /// The runs' own condition statuses, before the rule of two runs: a letter (T, F, U) each, from DirectPathHealthy on.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub conditions: String,
}
