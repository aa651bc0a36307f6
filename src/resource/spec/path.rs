//! The paths: the control and the gateways, and what each may override.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::placement::Placement;
use super::request::{Credential, Header, KeyRef, SecretRef};
use super::{rules, url_rules};
use crate::catalogue::Code;
use crate::claude::client::HttpVersion;

/// Options of every path.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PathOptions {
    /// Credential of this path. Default: spec.credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<Credential>,
    /// Model name on this path. Default: request.model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128), extend("x-kubernetes-validations" = rules::model()))]
    pub model: Option<String>,
    /// Extra headers of this path, in addition to request.headers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"],
        "x-kubernetes-validations" = rules::header_list()))]
    pub headers: Vec<Header>,
    /// Forward proxy of this path. The pod ignores proxy environment variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Proxy>,
    /// TLS settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// Http1, Http2 (by ALPN on https, with prior knowledge on http), or Auto (what ALPN negotiates). Default: Http1, as the
    /// SDKs.
    #[serde(default)]
    pub http_version: HttpVersion,
    /// Gives this path its own pod with this placement; spec.placement is not used for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placement: Option<Placement>,
}

/// The direct path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = url_rules::no_credentials_in_url()))]
pub struct DirectPath {
    /// Base URL of the Claude API, without /v1. Example: https://api.anthropic.com.
    #[schemars(length(min = 1, max = 512), extend("x-kubernetes-validations" = url_rules::url()))]
    pub url: String,
    /// Overrides.
    #[serde(flatten)]
    pub options: PathOptions,
}

/// A gateway to probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = url_rules::no_credentials_in_url()))]
pub struct GatewayPath {
    /// Name of the path in status, metrics and messages. At most 40 lower-case letters, digits and -; not direct or all.
    #[schemars(length(min = 1, max = 40), extend("x-kubernetes-validations" = rules::path_name()))]
    pub name: String,
    /// Base URL, as in ANTHROPIC_BASE_URL. A path prefix is allowed; /v1/messages is appended. Example:
    /// http://ai-gateway.gateways.svc:8080.
    #[schemars(length(min = 1, max = 512), extend("x-kubernetes-validations" = url_rules::url()))]
    pub url: String,
    /// Upstream of the gateway: Auto (detected from the replies), Anthropic, Bedrock, Vertex, Foundry, or Other. Default: Auto.
    #[serde(default)]
    pub upstream: Upstream,
    /// Whether the gateway must use the organization and workspace of the direct path: Same or Any. Default: Same where it has
    /// the direct path's key, else Any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_account: Option<ExpectAccount>,
    /// Codes of findings to accept on this path. They are shown as accepted and do not change the verdict. Example:
    /// [BetaHeaderStripped].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "set"))]
    pub accept: Vec<Code>,
    /// The gateway's own pods in this namespace. Their age shows whether they may use an old key.
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
#[schemars(extend("x-kubernetes-validations" = url_rules::no_credentials_in_url()))]
pub struct Proxy {
    /// Proxy URL, http://host:port.
    #[schemars(length(min = 1, max = 512), extend("x-kubernetes-validations" = url_rules::proxy_url()))]
    pub url: String,
    /// Secret in the probe's namespace with the keys username and password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_secret_ref: Option<SecretRef>,
}

/// TLS settings of a path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tls {
    /// ConfigMap key in the probe's namespace with additional CA certificates, PEM. Public CAs stay trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_config_map_key_ref: Option<KeyRef>,
    /// Name for SNI and certificate verification. Default: the host of the URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), extend("x-kubernetes-validations" = url_rules::host_name()))]
    pub server_name: Option<String>,
    /// Secret of type kubernetes.io/tls in the probe's namespace with a client certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_certificate_secret_ref: Option<SecretRef>,
}

/// Pods selected by labels, in the probe's namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// Selects the pods.
    pub selector: LabelSelector,
}

/// A label selector: all labels must match.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LabelSelector {
    /// Labels that a pod must have, at least one. Example: {app: ai-gateway}.
    #[schemars(transform = super::placement::map_63, extend("minProperties" = 1, "x-kubernetes-validations" = rules::labels()))]
    pub match_labels: BTreeMap<String, String>,
}
