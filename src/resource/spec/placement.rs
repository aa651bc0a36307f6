//! Where and how probe pods run.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::request::SecretRef;
use super::rules;

/// Where and how a probe pod runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Placement {
    /// Extra pod labels, at most 32; not claudeprobe.dev/….
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = map_63, extend("x-kubernetes-validations" = rules::own_labels()))]
    pub labels: BTreeMap<String, String>,
    /// Extra pod annotations, at most 32; not claudeprobe.dev/….
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = map_1024, extend("x-kubernetes-validations" = rules::own_annotations()))]
    pub annotations: BTreeMap<String, String>,
    /// Labels that the node must have. Example: {kubernetes.io/arch: amd64}.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = map_63, extend("x-kubernetes-validations" = rules::labels()))]
    pub node_selector: BTreeMap<String, String>,
    /// Pod tolerations, at most 16.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "tolerations")]
    pub tolerations: Vec<k8s_openapi::api::core::v1::Toleration>,
    /// Service account, for admission policies that require one. Its token is not mounted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), extend("x-kubernetes-validations" = rules::object_name()))]
    pub service_account_name: Option<String>,
    /// Priority class of the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), extend("x-kubernetes-validations" = rules::object_name()))]
    pub priority_class_name: Option<String>,
    /// Runtime class of the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), extend("x-kubernetes-validations" = rules::object_name()))]
    pub runtime_class_name: Option<String>,
    /// Resources of the probe container that differ from the operator's defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// Image pull Secrets in the probe's namespace, at most 8.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub image_pull_secrets: Vec<SecretRef>,
    /// Allow a service mesh to inject its sidecar, and send through it; needed where a policy requires mTLS. TCP and TLS times
    /// are then the sidecar's. Default: false (Istio, Linkerd and Kuma do not inject).
    #[serde(default)]
    pub mesh: bool,
}

/// Resources of the probe's container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Resources {
    /// Requests by resource, as quantities. Example: {cpu: 10m, memory: 32Mi}.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = quantities, extend("x-kubernetes-validations" = rules::quantities()))]
    pub requests: BTreeMap<String, String>,
    /// Limits by resource, as quantities. Example: {memory: 64Mi}.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = quantities, extend("x-kubernetes-validations" = rules::quantities()))]
    pub limits: BTreeMap<String, String>,
}

/// At most 32 entries with values of a label's length.
pub(super) fn map_63(schema: &mut Schema) {
    bounded_map(schema, 32, 63);
}

fn map_1024(schema: &mut Schema) {
    bounded_map(schema, 32, 1024);
}

fn quantities(schema: &mut Schema) {
    bounded_map(schema, 8, 16);
}

fn bounded_map(schema: &mut Schema, entries: u32, value: u32) {
    schema.insert("maxProperties".into(), entries.into());
    if let Some(values) = schema
        .get_mut("additionalProperties")
        .and_then(|values| values.as_object_mut())
    {
        values.insert("maxLength".into(), value.into());
    }
}

/// Kubernetes' own type without its pages of description.
fn tolerations(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 16,
        "items": {
            "type": "object",
            "properties": {
                "key": {"type": "string", "maxLength": 317, "description": "Key of the taint; empty with operator Exists is every taint."},
                "operator": {"type": "string", "enum": ["Exists", "Equal"], "description": "Default: Equal."},
                "value": {"type": "string", "maxLength": 63, "description": "Value of the taint, with operator Equal."},
                "effect": {
                    "type": "string",
                    "enum": ["NoSchedule", "PreferNoSchedule", "NoExecute"],
                    "description": "Effect of the taint. Default: every effect."
                },
                "tolerationSeconds": {
                    "type": "integer",
                    "format": "int64",
                    "minimum": -1,
                    "maximum": 31_536_000,
                    "description": "Seconds to stay on a node that gets such a taint, with effect NoExecute. Default: for ever."
                }
            }
        }
    })
}
