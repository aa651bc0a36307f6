//! The paths: the control and the gateways, and what each may override.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::placement::Placement;
use super::request::{Credential, Header, KeyRef, SecretRef};
use super::{rules, url_rules};
use crate::catalogue::Code;

/// What every path may override.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PathOptions {
    /// This path's own key. Default: spec.credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<Credential>,
    /// This path's own name of the model. Default: request.model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128), extend("x-kubernetes-validations" = rules::model()))]
    pub model: Option<String>,
    /// Extra headers of this path only, besides request.headers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"],
        "x-kubernetes-validations" = rules::header_list()))]
    pub headers: Vec<Header>,
    /// Forward proxy that this path goes through. The environment of the pod sets none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Proxy>,
    /// TLS settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// Http1, Http2 (by ALPN on https, with prior knowledge on http), or Auto (what TLS negotiates). Default: Http1, as the SDKs.
    #[serde(default)]
    pub http_version: HttpVersion,
    /// Gives this path a pod of its own, placed so; spec.placement does not count for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placement: Option<Placement>,
}

/// The control.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = url_rules::no_credentials_in_url()))]
pub struct DirectPath {
    /// Base URL of Claude itself, without /v1. Example: https://api.anthropic.com.
    #[schemars(length(min = 1, max = 512), extend("x-kubernetes-validations" = url_rules::url()))]
    pub url: String,
    /// Overrides.
    #[serde(flatten)]
    pub options: PathOptions,
}

/// A gateway under test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = url_rules::no_credentials_in_url()))]
pub struct GatewayPath {
    /// Name of the path in status, metrics and messages: at most 40 lower-case letters, digits and -; not direct, not all.
    #[schemars(length(min = 1, max = 40), extend("x-kubernetes-validations" = rules::path_name()))]
    pub name: String,
    /// Base URL, as clients have it in ANTHROPIC_BASE_URL: a prefix is fine, /v1/messages is appended.
    /// Example: http://ai-gateway.gateways.svc:8080.
    #[schemars(length(min = 1, max = 512), extend("x-kubernetes-validations" = url_rules::url()))]
    pub url: String,
    /// What the gateway leads to: Auto (find out from the replies), Anthropic, Bedrock, Vertex, Foundry, or Other. Default: Auto.
    #[serde(default)]
    pub upstream: Upstream,
    /// Whether the gateway must use the same organisation and workspace as the direct path: Same or Any. Default: Same when it is
    /// sent the direct path's key, else Any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_account: Option<ExpectAccount>,
    /// Codes of findings to live with on this path: still shown, marked accepted, no longer counted.
    /// Example: [BetaHeaderStripped].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "set"))]
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
#[schemars(extend("x-kubernetes-validations" = url_rules::no_credentials_in_url()))]
pub struct Proxy {
    /// http://host:port.
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
    /// Key of a ConfigMap in the probe's namespace with additional roots, PEM; public CAs stay trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_config_map_key_ref: Option<KeyRef>,
    /// Name for SNI and for verification. Default: the host of the URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), extend("x-kubernetes-validations" = url_rules::host_name()))]
    pub server_name: Option<String>,
    /// Secret of type kubernetes.io/tls in the probe's namespace, with a client certificate.
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
    /// Labels that a pod must have, at least one. Example: {app: ai-gateway}.
    #[schemars(transform = super::placement::map_63, extend("minProperties" = 1, "x-kubernetes-validations" = rules::labels()))]
    pub match_labels: BTreeMap<String, String>,
}
