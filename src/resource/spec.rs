//! What a user writes: the spec of a `ClaudeProbe`, field by field, with the schema that refuses bad input.

use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::status::ClaudeProbeStatus;
use crate::catalogue::Code;

/// Sends the identical request through gateways and by a direct path, on a schedule, and says what is wrong where.
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
    derive = "PartialEq"
)]
#[serde(rename_all = "camelCase")]
pub struct ClaudeProbeSpec {
    /// When to run: exactly one of `every` and `cron`.
    pub schedule: Schedule,
    /// A slot that has not started by then is missed. Go duration; default max(2m, 20 % of the interval).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starting_deadline: Option<String>,
    /// No scheduled runs while true; the annotation claudeprobe.dev/run-now still works.
    #[serde(default)]
    pub suspend: bool,
    /// Longest duration of a run, Go duration; default min(3m, 80 % of the interval).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_timeout: Option<String>,
    /// The frozen request: byte-identical on every path of a run.
    #[serde(default)]
    pub request: Request,
    /// The key of every path that has none of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<Credential>,
    /// The control: the shortest path to Claude. Optional; without it fewer causes can be told apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direct: Option<DirectPath>,
    /// The gateways under test, 1 to 8.
    pub gateways: Vec<GatewayPath>,
    /// Zero-token exchanges that show what a gateway does to requests.
    #[serde(default)]
    pub canaries: Canaries,
    /// Exchanges that run only when asked for.
    #[serde(default)]
    pub exchanges: OptInExchanges,
    /// Where a difference becomes a finding.
    #[serde(default)]
    pub thresholds: Thresholds,
    /// Bounds the tokens of a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// Where and how probe pods run.
    #[serde(default)]
    pub placement: Placement,
    /// Pods that use the same Secret: flagged when they hold an older key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workloads: Vec<Workload>,
    /// Verdicts to keep, 0 to 50.
    #[serde(default = "default_history_limit")]
    pub history_limit: i32,
}

fn default_history_limit() -> i32 {
    10
}

/// When to run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// Interval between runs, Go duration such as `5m`; spread over the interval by the probe's UID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<String>,
    /// Five-field cron expression such as `*/5 * * * *`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cron: Option<String>,
    /// Time zone of `cron`, an IANA name such as `Europe/Berlin`; default UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
}

/// The frozen request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Request {
    /// Model to ask.
    pub model: String,
    /// The `anthropic-version` header.
    pub api_version: String,
    /// Values of the `anthropic-beta` header.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub betas: Vec<String>,
    /// Extra headers; never credential, framing or hop-by-hop names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
    /// Ask for an event stream.
    pub stream: bool,
    /// Most output tokens per request.
    pub max_tokens: i32,
    /// What to ask.
    pub prompt: String,
    /// A saved body, sent unchanged instead of prompt, model and maxTokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_from: Option<BodyFrom>,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            model: "claude-haiku-4-5".into(),
            api_version: "2023-06-01".into(),
            betas: Vec::new(),
            headers: Vec::new(),
            stream: true,
            max_tokens: 64,
            prompt: "Count from 1 to 20.".into(),
            body_from: None,
        }
    }
}

/// An extra request header: a literal value, or one from a Secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// Header name.
    pub name: String,
    /// Literal value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Value from a Secret of the probe's namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_from: Option<ValueFrom>,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValueFrom {
    /// A key of a Secret in the probe's namespace.
    pub secret_key_ref: KeyRef,
}

/// Where a saved body comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BodyFrom {
    /// A key of a ConfigMap in the probe's namespace, data or binaryData.
    pub config_map_key_ref: KeyRef,
}

/// A key of a Secret or ConfigMap in the probe's namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyRef {
    /// Name of the object.
    pub name: String,
    /// Key in it.
    pub key: String,
}

/// The name of a Secret in the probe's namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretRef {
    /// Name of the Secret.
    pub name: String,
}

/// A key and how it is sent: `secretKeyRef`, or `none: {}` to send none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Credential {
    /// The Secret's key that holds the API key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_key_ref: Option<KeyRef>,
    /// Send no credential at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub none: Option<Empty>,
    /// Header that carries the key.
    #[serde(default)]
    pub carrier: Carrier,
    /// Name of the header, with carrier `Header`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header_name: Option<String>,
}

/// An empty object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Empty {}

/// Header that carries the key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Carrier {
    /// `x-api-key`.
    #[default]
    XApiKey,
    /// `authorization: Bearer`.
    Bearer,
    /// The header named by `headerName`.
    Header,
}

/// What every path may override.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PathOptions {
    /// This path's own key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<Credential>,
    /// This path's own name of the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Extra headers of this path only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
    /// Forward proxy in front of this path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Proxy>,
    /// TLS settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// HTTP version of this path.
    #[serde(default)]
    pub http_version: HttpVersion,
    /// A pod of its own for this path, placed so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placement: Option<Placement>,
}

/// The control.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DirectPath {
    /// Base URL of Claude itself.
    pub url: String,
    /// Overrides.
    #[serde(flatten)]
    pub options: PathOptions,
}

/// A gateway under test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayPath {
    /// Name of the path: a DNS label of at most 40 characters; not `direct`, not `all`.
    pub name: String,
    /// Base URL as in ANTHROPIC_BASE_URL: `/v1/messages` is appended.
    pub url: String,
    /// What the gateway leads to.
    #[serde(default)]
    pub upstream: Upstream,
    /// Whether the gateway must use the same organisation and workspace as the direct path. Default: `Same` when it uses
    /// the direct path's key, else `Any`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_account: Option<ExpectAccount>,
    /// Findings to live with on this path: still shown, no longer counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accept: Vec<Code>,
    /// The gateway's own pods in this namespace: their age tells whether they may hold an old key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<Workload>,
    /// Overrides.
    #[serde(flatten)]
    pub options: PathOptions,
}

/// What a gateway leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Upstream {
    /// Find out from the replies.
    #[default]
    Auto,
    /// The Claude API.
    Anthropic,
    /// Amazon Bedrock.
    Bedrock,
    /// Google Vertex AI.
    Vertex,
    /// Microsoft Foundry.
    Foundry,
    /// Something else that speaks the Messages API.
    Other,
}

/// Whether a gateway must use direct's organisation and workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ExpectAccount {
    /// It must.
    Same,
    /// It need not.
    Any,
}

/// A forward proxy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Proxy {
    /// `http://host:port`.
    pub url: String,
    /// Secret with `username` and `password`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_secret_ref: Option<SecretRef>,
}

/// TLS settings of a path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tls {
    /// Additional roots, PEM, from a ConfigMap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_config_map_key_ref: Option<KeyRef>,
    /// Name for SNI and verification instead of the URL's host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// Secret of type kubernetes.io/tls with a client certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_certificate_secret_ref: Option<SecretRef>,
}

/// HTTP version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum HttpVersion {
    /// HTTP/1.1, as the SDKs speak.
    #[default]
    Http1,
    /// HTTP/2.
    Http2,
    /// What TLS negotiates.
    Auto,
}

/// Zero-token exchanges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Canaries {
    /// How often, Go duration; `0s` switches them off.
    pub every: String,
    /// Those that concern the credential (bad key, no key, other carrier).
    pub credential: bool,
    /// Those that concern headers and body (bogus beta, version, field).
    pub headers: bool,
}

impl Default for Canaries {
    fn default() -> Self {
        Self {
            every: "1h".into(),
            credential: true,
            headers: true,
        }
    }
}

/// Exchanges that run only when asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OptInExchanges {
    /// Streams at once, 2 to 32: whose concurrency limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel: Option<i32>,
    /// Size of a big body, bytes: whose body limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_bytes: Option<i32>,
    /// Size of a large header, bytes: whose header limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header_bytes: Option<i32>,
    /// A prompt that looks like an attack: is there a web application firewall.
    #[serde(default)]
    pub attack_prompt: bool,
    /// Reuse of a connection after this idle time, Go duration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reuse_idle: Option<String>,
    /// A long request with its own schedule: first-byte and total timers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_request: Option<LongRequest>,
}

/// A long request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LongRequest {
    /// How often, Go duration.
    pub every: String,
    /// How long it should take at least, seconds.
    pub min_seconds: i32,
    /// Most output tokens.
    pub max_tokens: i32,
    /// Its own timeout, Go duration.
    pub timeout: String,
}

/// Where a difference becomes a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Thresholds {
    /// Median latency that the gateway adds, percent of direct's.
    pub gateway_latency_percent: i32,
    /// Days before a certificate expires.
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

/// Bounds the tokens of a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Budget {
    /// Input and output tokens per UTC day.
    pub tokens_per_day: i64,
}

/// Where and how a probe pod runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Placement {
    /// Extra labels; never claudeprobe.dev/… ones.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Extra annotations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Node selector.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub node_selector: BTreeMap<String, String>,
    /// Tolerations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tolerations: Vec<k8s_openapi::api::core::v1::Toleration>,
    /// Service account, for admission rules that depend on it; its token is not mounted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// Priority class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority_class_name: Option<String>,
    /// Runtime class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_class_name: Option<String>,
    /// Resources of the prober's container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// Image pull secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub image_pull_secrets: Vec<SecretRef>,
    /// Let a service mesh inject its sidecar, and send probes through it.
    #[serde(default)]
    pub mesh: bool,
}

/// Resources of the prober's container, as Kubernetes quantities.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Resources {
    /// Requests by resource name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub requests: BTreeMap<String, String>,
    /// Limits by resource name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, String>,
}

/// Pods selected by labels, in the probe's namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// Which pods.
    pub selector: LabelSelector,
}

/// A label selector: all labels must match.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LabelSelector {
    /// Labels that a pod must have.
    pub match_labels: BTreeMap<String, String>,
}
