//! The frozen request, the key, and references to Secrets and ConfigMaps.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules;

/// The frozen request: identical bytes on every path of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-validations" = rules::request()))]
pub struct Request {
    /// Model name; with bodyFrom the model of the forwarding checks. Default: claude-haiku-4-5.
    #[schemars(length(min = 1, max = 128), extend("x-kubernetes-validations" = rules::model()))]
    pub model: String,
    /// Value of the anthropic-version header. Default: 2023-06-01.
    #[schemars(length(min = 10, max = 10), extend("x-kubernetes-validations" = rules::api_version()))]
    pub api_version: String,
    /// Values of the anthropic-beta header, in order. Example: context-1m-2025-08-07.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 64)), extend("x-kubernetes-list-type" = "set",
        "x-kubernetes-validations" = rules::betas()))]
    pub betas: Vec<String>,
    /// Extra headers on every path. Credential headers, framing headers and headers of other fields are not allowed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"],
        "x-kubernetes-validations" = rules::header_list()))]
    pub headers: Vec<Header>,
    /// Request an event stream. The form that is not selected (streaming or non-streaming) is sent with the forwarding checks.
    /// With bodyFrom: whether the saved body requests a stream. Default: true.
    pub stream: bool,
    /// Maximum output tokens of a request, 1 to 8192. With fewer than about 50, buffering cannot be detected. Default: 64.
    #[schemars(range(min = 1, max = 8192))]
    pub max_tokens: i32,
    /// Prompt, 1 to 8192 characters. Default: Count from 1 to 20.
    #[schemars(length(min = 1, max = 8192))]
    pub prompt: String,
    /// A saved body, sent unchanged instead of prompt and maxTokens.
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

/// An extra request header: exactly one of value and valueFrom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = rules::header()))]
pub struct Header {
    /// Header name. Example: x-team.
    #[schemars(length(min = 1, max = 64), extend("x-kubernetes-validations" = rules::header_name()))]
    pub name: String,
    /// Header value, printable ASCII; not an API key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024), extend("x-kubernetes-validations" = rules::header_value()))]
    pub value: Option<String>,
    /// Source of the header value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_from: Option<ValueFrom>,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValueFrom {
    /// Secret key in the probe's namespace.
    pub secret_key_ref: KeyRef,
}

/// Where a saved body comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BodyFrom {
    /// ConfigMap key in the probe's namespace, in data or binaryData, at most 1 MiB.
    pub config_map_key_ref: KeyRef,
}

/// A key of a Secret or ConfigMap in the probe's namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyRef {
    /// Name of the Secret or ConfigMap.
    #[schemars(length(min = 1, max = 253), extend("x-kubernetes-validations" = rules::object_name()))]
    pub name: String,
    /// Key in it.
    #[schemars(length(min = 1, max = 253), extend("x-kubernetes-validations" = rules::object_key()))]
    pub key: String,
}

/// The name of a Secret in the probe's namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretRef {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253), extend("x-kubernetes-validations" = rules::object_name()))]
    pub name: String,
}

/// A key and its auth header: exactly one of secretKeyRef and none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = rules::credential()))]
pub struct Credential {
    /// Secret key with the API key. The operator never reads it; the probe pod does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_key_ref: Option<KeyRef>,
    /// Set `none: {}` to send no credential, where the gateway adds its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub none: Option<Empty>,
    /// Request header of the key: XApiKey (x-api-key: KEY), Authorization (authorization: Bearer KEY), or Custom (the header
    /// headerName with the key as its value). Default: XApiKey.
    #[serde(default)]
    pub auth_header: AuthHeaderKind,
    /// Header name, with authHeader Custom only. Example: api-key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), extend("x-kubernetes-validations" = rules::credential_header()))]
    pub header_name: Option<String>,
}

/// An empty object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Empty {}

/// Which request header holds the key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AuthHeaderKind {
    /// `x-api-key`.
    #[default]
    XApiKey,
    /// `authorization: Bearer`.
    Authorization,
    /// The header of `headerName`.
    Custom,
}
