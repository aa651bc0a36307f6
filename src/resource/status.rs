//! What the operator writes and a user reads. `claudeprobe check -o json` prints the same types.
//!
//! Every list and string is bounded where it is made (see the operator's status builder): at most 32 KiB in all.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod path;

pub use path::{
    ForwardingCheckStatus, LatencyStatus, PathOutcome, PathStatus, RatelimitRemaining, StreamFraming, StreamStatus,
    Timings,
};

use super::lenient::{self, open_enum};
use crate::catalogue::{Code, Confidence, Layer, Severity};
pub use crate::claude::key::KeyKind as CredentialKind;

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
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient::list")]
    pub findings: Vec<Finding>,
    /// Changes of conditions that wait for a second run that agrees.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending_conditions: Vec<PendingCondition>,
    /// The finding for which every path fails and which is not the gateways', while GatewayPathHealthy has the reason
    /// SharedCause.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::option"
    )]
    #[schemars(with = "Option<String>")]
    pub shared_cause: Option<Code>,
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
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::IntoStaticStr,
)]
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
    // Also what a newer release calls otherwise.
    #[default]
    #[serde(other)]
    Unknown,
}

impl VerdictState {
    /// The state's name, as in status and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
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
    /// Why the state is Unknown: NoRunYet, Suspended, OverBudget, NoRecentRun, or what kept the prober from reporting (as in
    /// ProberOperational); empty where a run was diagnosed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// What is wrong, on which path and hop, since when, in how many runs, the request id: at most 200 characters.
    #[serde(default)]
    pub message: String,
    /// What changed last before this verdict: the key, the spec, a path's address or response headers.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub changed: String,
    /// What to change, where; for Inconclusive what would decide.
    #[serde(default)]
    pub advice: String,
    /// Since when state and code are the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// Over budget: since then only exchanges without tokens were sent, and the frozen request was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zero_token_since: Option<Time>,
}

/// A change of a condition that the latest run shows, and that a second run must confirm.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PendingCondition {
    /// The condition's type.
    #[serde(rename = "type")]
    pub type_: String,
    /// The status that the latest run shows.
    pub status: String,
    /// And its reason.
    pub reason: String,
}

/// A finding and the path it is on, as histories keep it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FoundOn {
    /// The finding's code.
    #[schemars(with = "String")]
    pub code: Code,
    /// The path, absent when it concerns all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
}

impl std::fmt::Display for FoundOn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.code, self.path)
    }
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
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::option"
    )]
    pub kind: Option<CredentialKind>,
    /// First run that saw this fingerprint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_since: Option<Time>,
    /// Last run that saw the one before: the change lies between the two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_last_seen_at: Option<Time>,
}

open_enum! {
    /// How a run ended.
    pub enum RunResult {
        /// Its pods reported, not necessarily all of them.
        Reported,
        /// A pod did not start.
        NotStarted,
        /// Its pods left no report.
        ReportLost,
        /// A change of the spec cut it off.
        Superseded,
    }
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
    /// `Reported`, `NotStarted`, `ReportLost`, or `Superseded` by a change of the spec.
    #[serde(default)]
    pub result: RunResult,
    /// Why it did not start or its report is lost, as in ProberOperational; absent where the prober reported.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cause: String,
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
    /// All findings of each of them, for the rules that count runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient::list")]
    pub findings: Vec<FoundOn>,
    /// The runs' own condition statuses, before the rule of two runs: a letter (T, F, U) each, from DirectPathHealthy on.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub conditions: String,
}
