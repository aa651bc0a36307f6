//! What a user writes: the spec of a `ClaudeProbe`, field by field, with the schema that rejects bad input.
//!
//! The comments on fields are what `kubectl explain claudeprobe.spec --recursive` prints: units, defaults, examples. Bounds
//! stand beside the fields, the CEL rules in [`rules`]. Everything else uses the checked form, [`super::validated`].

mod path;
mod placement;
mod request;
mod rules;
mod url_rules;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::status::ClaudeProbeStatus;

pub use crate::claude::client::HttpVersion;
pub use path::{DirectPath, ExpectAccount, GatewayPath, LabelSelector, PathOptions, Proxy, Tls, Upstream, Workload};
pub use placement::{Placement, Resources};
pub use request::{AuthHeaderKind, BodyFrom, Credential, Empty, Header, KeyRef, Request, SecretRef, ValueFrom};

/// Sends the identical request through your gateways and on the direct path, on a schedule, compares the replies, and reports
/// what is wrong, in which layer, on which path, and how to fix it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, CustomResource)]
#[kube(
    group = "claudeprobe.dev",
    version = "v1alpha1",
    kind = "ClaudeProbe",
    plural = "claudeprobes",
    shortname = "cprobe",
    category = "observability",
    namespaced,
    status = "ClaudeProbeStatus",
    derive = "PartialEq",
    printcolumn(name = "Verdict", type_ = "string", json_path = ".status.verdict.state"),
    printcolumn(name = "Code", type_ = "string", json_path = ".status.verdict.code"),
    printcolumn(name = "Path", type_ = "string", json_path = ".status.verdict.path"),
    printcolumn(name = "Since", type_ = "date", json_path = ".status.verdict.since"),
    printcolumn(name = "Last-Run", type_ = "date", json_path = ".status.lastRun.finishedAt"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    // With `-o wide` only: the others fit 80 columns.
    printcolumn(name = "Layer", type_ = "string", json_path = ".status.verdict.layer", priority = 1),
    printcolumn(name = "Hop", type_ = "string", json_path = ".status.verdict.hop", priority = 1),
    // Not a date: kubectl prints the age of a date, and <invalid> for one in the future.
    printcolumn(name = "Next-Run", type_ = "string", json_path = ".status.nextRun", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = rules::spec()))]
#[allow(
    clippy::duplicated_attributes,
    reason = "every printer column has a name, a type and a path"
)]
pub struct ClaudeProbeSpec {
    /// When the probe runs. Set exactly one of every and cron.
    pub schedule: Schedule,
    /// Time after its slot within which a run must start; a later run is skipped and counted in status.missedRuns. Duration, 10s
    /// to 24h. Default: 20 % of the interval, at least 2m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16), extend("x-kubernetes-validations" =
        rules::duration("10s", "24h", "must be between 10s and 24h")))]
    pub starting_deadline: Option<String>,
    /// Stops scheduled runs. The annotation claudeprobe.dev/run-now still starts one. Default: false.
    #[serde(default)]
    pub suspend: bool,
    /// Time limit of a run; the probe reports 15s before it ends. Set it longer than the timeouts of your gateways, or the probe
    /// cannot see them expire. Duration, 20s to 2h, shorter than the interval. Default: 80 % of the interval, at most 3m;
    /// status.runTimeout has the value in effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16), extend("x-kubernetes-validations" =
        rules::duration("20s", "2h", "must be between 20s and 2h")))]
    pub run_timeout: Option<String>,
    /// The frozen request: its bytes are identical on every path of a run.
    #[serde(default)]
    pub request: Request,
    /// Default credential of every path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<Credential>,
    /// The direct path, used as reference: usually https://api.anthropic.com. Without it, fewer causes can be told apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direct: Option<DirectPath>,
    /// The gateways to probe, 1 to 8.
    #[schemars(length(min = 1, max = 8), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub gateways: Vec<GatewayPath>,
    /// Forwarding checks: zero-token requests, each with one deliberate defect, that show what a gateway forwards. They also run
    /// once after a change of the spec or of a key.
    #[serde(default)]
    pub forwarding_checks: ForwardingChecks,
    /// Optional exchanges. They run together with the forwarding checks.
    #[serde(default)]
    pub exchanges: OptInExchanges,
    /// Limits above which a difference is a finding.
    #[serde(default)]
    pub thresholds: Thresholds,
    /// Token budget per day. Over budget, only zero-token exchanges are sent. Default: 1.5 times the planned use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// Scheduling of the probe pods. A path with its own placement has its own pod.
    #[serde(default)]
    pub placement: Placement,
    /// Pods in this namespace that use the same Secret. The status names those that still use an older key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub workloads: Vec<Workload>,
    /// Number of earlier verdicts in status.history, 0 to 50. Default: 10.
    #[serde(default = "default_history_limit")]
    #[schemars(range(min = 0, max = 50))]
    pub history_limit: i32,
}

/// The rules on the object's name, which stand at the root of the schema.
pub(super) fn name_rules() -> serde_json::Value {
    rules::name()
}

fn default_history_limit() -> i32 {
    10
}

/// When the probe runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = rules::schedule()))]
pub struct Schedule {
    /// Interval between runs. The probe's UID sets the offset in the interval, so that probes spread. Duration, 30s to 168h.
    /// Example: 5m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16), extend("x-kubernetes-validations" =
        rules::duration("30s", "168h", "must be between 30s and 168h: a shorter interval leaves a run no time to report")))]
    pub every: Option<String>,
    /// Cron expression of five fields: numbers, names, *, lists, ranges and /n. L, W, # and ? are not supported. Example: `*/5
    /// 8-18 * * MON-FRI`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 100), extend("x-kubernetes-validations" = rules::cron()))]
    pub cron: Option<String>,
    /// IANA time zone of cron. Example: Europe/Berlin. Default: UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), extend("x-kubernetes-validations" = rules::time_zone()))]
    pub time_zone: Option<String>,
}

/// Forwarding checks: zero-token requests with one deliberate defect each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ForwardingChecks {
    /// Interval. Duration, 1m to 168h; 0s turns them off. Default: 1h.
    #[schemars(length(min = 1, max = 16), extend("x-kubernetes-validations" =
        rules::duration_or_off("1m", "168h", "must be between 1m and 168h, or 0s to switch them off")))]
    pub every: String,
    /// Check the credential with an unknown key, without a key, and with the other auth header: these show who authenticates and
    /// whether the key is replaced. Sent only after a 401 or 403, and once after a change. Default: true.
    pub credential: bool,
    /// Check headers and body with an unknown beta, version and field: these show what is forwarded unchanged. Default: true.
    pub headers: bool,
}

impl Default for ForwardingChecks {
    fn default() -> Self {
        Self {
            every: "1h".into(),
            credential: true,
            headers: true,
        }
    }
}

/// Optional exchanges.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OptInExchanges {
    /// Number of concurrent requests, 2 to 32, to find a concurrency limit. Uses tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 32))]
    pub parallel: Option<i32>,
    /// Size of a large request body in bytes, 1024 to 33554432 (32 MiB), to find a body limit. Uses no tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1024, max = 33_554_432))]
    pub body_bytes: Option<i32>,
    /// Size of a large request header in bytes, 256 to 131072 (128 KiB), to find a header limit. Uses no tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 256, max = 131_072))]
    pub header_bytes: Option<i32>,
    /// Send a prompt that looks like an attack through the gateways (a harmless one on the direct path), to find a web
    /// application firewall. It may raise an alarm there. Default: false.
    #[serde(default)]
    pub attack_prompt: bool,
    /// Idle time before a connection is used again, to find a NAT or load balancer that drops idle connections. Duration, 1s to
    /// 30m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16), extend("x-kubernetes-validations" =
        rules::duration("1s", "30m", "must be between 1s and 30m")))]
    pub reuse_idle: Option<String>,
    /// A long request on its own schedule, to find first-byte and total timeouts. Uses tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_request: Option<LongRequest>,
}

/// A long request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = rules::long_request()))]
pub struct LongRequest {
    /// Interval. Duration, 10m to 168h. Example: 24h.
    #[schemars(length(min = 1, max = 16), extend("x-kubernetes-validations" =
        rules::duration("10m", "168h", "must be between 10m and 168h")))]
    pub every: String,
    /// Minimum duration of the reply, in seconds, 10 to 3600.
    #[schemars(range(min = 10, max = 3600))]
    pub min_seconds: i32,
    /// Maximum output tokens, 256 to 64000.
    #[schemars(range(min = 256, max = 64_000))]
    pub max_tokens: i32,
    /// Its own time limit, added to runTimeout. Duration, 30s to 2h, longer than minSeconds.
    #[schemars(length(min = 1, max = 16), extend("x-kubernetes-validations" =
        rules::duration("30s", "2h", "must be between 30s and 2h")))]
    pub timeout: String,
}

/// Limits above which a difference is a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Thresholds {
    /// Median latency that a gateway may add, in percent of the direct path's latency, 1 to 1000. Default: 50.
    #[schemars(range(min = 1, max = 1000))]
    pub gateway_latency_percent: i32,
    /// Days before a certificate expires from which it is a finding, 1 to 365. Default: 14.
    #[schemars(range(min = 1, max = 365))]
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

/// Token budget per day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Budget {
    /// Input and output tokens per UTC day, at least 1. Example: 200000.
    #[schemars(range(min = 1, max = 1_000_000_000_000_i64))]
    pub tokens_per_day: i64,
}
