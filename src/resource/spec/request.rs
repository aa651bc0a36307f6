//! The frozen request, the key, and references to Secrets and ConfigMaps.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules;

/// The request that is sent byte for byte the same on every path of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-validations" = rules::request()))]
pub struct Request {
    /// Model to ask; with bodyFrom the model of the canaries. Default: claude-haiku-4-5.
    #[schemars(length(min = 1, max = 128), extend("x-kubernetes-validations" = rules::model()))]
    pub model: String,
    /// The anthropic-version header. Default: 2023-06-01.
    #[schemars(length(min = 10, max = 10), extend("x-kubernetes-validations" = rules::api_version()))]
    pub api_version: String,
    /// Values of the anthropic-beta header, in this order. Example: context-1m-2025-08-07.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 64)), extend("x-kubernetes-list-type" = "set",
        "x-kubernetes-validations" = rules::betas()))]
    pub betas: Vec<String>,
    /// Extra headers of every path. Not credentials, framing, or what other fields set.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"],
        "x-kubernetes-validations" = rules::header_list()))]
    pub headers: Vec<Header>,
    /// Ask for an event stream; the other form is sent with the canaries. With bodyFrom: whether that body asks for one.
    /// Default: true.
    pub stream: bool,
    /// Most output tokens of one request, 1 to 8192; fewer than about 50 cannot show whether a gateway buffers. Default: 64.
    #[schemars(range(min = 1, max = 8192))]
    pub max_tokens: i32,
    /// What to ask, 1 to 8192 characters. Default: Count from 1 to 20.
    #[schemars(length(min = 1, max = 8192))]
    pub prompt: String,
    /// A saved body, sent with its bytes unchanged instead of prompt and maxTokens.
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
    /// Name of the header. Example: x-team.
    #[schemars(length(min = 1, max = 64), extend("x-kubernetes-validations" = rules::header_name()))]
    pub name: String,
    /// Its value, printable ASCII; never a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024), extend("x-kubernetes-validations" = rules::header_value()))]
    pub value: Option<String>,
    /// Its value out of a Secret.
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
    /// A key of a ConfigMap in the probe's namespace, data or binaryData, at most 1 MiB.
    pub config_map_key_ref: KeyRef,
}

/// A key of a Secret or ConfigMap in the probe's namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyRef {
    /// Name of the object.
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

/// A key and how it is sent: exactly one of secretKeyRef and none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = rules::credential()))]
pub struct Credential {
    /// The Secret's key that holds the API key. The operator never reads it: the probe's pod does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_key_ref: Option<KeyRef>,
    /// Write `none: {}` to send no credential, where the gateway adds its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub none: Option<Empty>,
    /// Header that carries the key: XApiKey (x-api-key, as the SDKs), Bearer (authorization: Bearer), or Header (the one that
    /// headerName names, with the bare key). Default: XApiKey.
    #[serde(default)]
    pub carrier: Carrier,
    /// Name of the header, with carrier Header. Example: api-key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), extend("x-kubernetes-validations" = rules::credential_header()))]
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
