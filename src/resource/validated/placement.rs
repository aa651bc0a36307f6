//! Where and how probe pods run.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Toleration;

use super::fault::Faults;
use super::headers;
use crate::resource::spec;

/// Prefix of the operator's own labels and annotations.
pub const OWN_PREFIX: &str = "claudeprobe.dev/";

/// Where and how a probe pod runs, checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Placement {
    /// Extra labels, none of them the operator's own.
    pub labels: BTreeMap<String, String>,
    /// Extra annotations, none of them the operator's own.
    pub annotations: BTreeMap<String, String>,
    /// Node selector.
    pub node_selector: BTreeMap<String, String>,
    /// Tolerations.
    pub tolerations: Vec<Toleration>,
    /// Service account; its token is not mounted.
    pub service_account_name: Option<String>,
    /// Priority class.
    pub priority_class_name: Option<String>,
    /// Runtime class.
    pub runtime_class_name: Option<String>,
    /// Resources of the prober's container that the user sets; the rest has the operator's defaults.
    pub resources: spec::Resources,
    /// Names of image pull Secrets.
    pub image_pull_secrets: Vec<String>,
    /// Whether a service mesh may inject its sidecar.
    pub mesh: bool,
}

pub(super) fn placement(field: &str, placement: &spec::Placement, faults: &mut Faults) -> Placement {
    labels(&format!("{field}.labels"), &placement.labels, faults);
    labels(&format!("{field}.nodeSelector"), &placement.node_selector, faults);
    for (name, map) in [("labels", &placement.labels), ("annotations", &placement.annotations)] {
        let field = format!("{field}.{name}");
        faults.check(map.len() <= 32, &field, "must have at most 32 entries");
        let own = map.keys().any(|key| key.starts_with(OWN_PREFIX));
        faults.check(!own, &field, "must not set claudeprobe.dev/…: the operator owns these");
    }
    for (name, value) in [
        ("serviceAccountName", &placement.service_account_name),
        ("priorityClassName", &placement.priority_class_name),
        ("runtimeClassName", &placement.runtime_class_name),
    ] {
        if let Some(value) = value {
            headers::object_name(&format!("{field}.{name}"), value, faults);
        }
    }
    for (index, secret) in placement.image_pull_secrets.iter().enumerate() {
        headers::object_name(&format!("{field}.imagePullSecrets[{index}].name"), &secret.name, faults);
    }
    for (index, toleration) in placement.tolerations.iter().enumerate() {
        let known = |value: &Option<String>, all: &[&str]| value.as_deref().is_none_or(|value| all.contains(&value));
        faults.check(
            known(&toleration.operator, &["Exists", "Equal"]),
            format!("{field}.tolerations[{index}].operator"),
            "must be Exists or Equal",
        );
        faults.check(
            known(&toleration.effect, &["NoSchedule", "PreferNoSchedule", "NoExecute"]),
            format!("{field}.tolerations[{index}].effect"),
            "must be NoSchedule, PreferNoSchedule or NoExecute",
        );
    }
    let resources = placement.resources.clone().unwrap_or_default();
    for (name, map) in [("requests", &resources.requests), ("limits", &resources.limits)] {
        for (resource, amount) in map {
            faults.check(
                is_quantity(amount),
                format!("{field}.resources.{name}.{resource}"),
                format!("{amount:?} must be a quantity such as 100m or 64Mi"),
            );
        }
    }
    Placement {
        labels: placement.labels.clone(),
        annotations: placement.annotations.clone(),
        node_selector: placement.node_selector.clone(),
        tolerations: placement.tolerations.clone(),
        service_account_name: placement.service_account_name.clone(),
        priority_class_name: placement.priority_class_name.clone(),
        runtime_class_name: placement.runtime_class_name.clone(),
        resources,
        image_pull_secrets: placement
            .image_pull_secrets
            .iter()
            .map(|secret| secret.name.clone())
            .collect(),
        mesh: placement.mesh,
    }
}

/// Checks labels as Kubernetes does: `[prefix/]name` of at most 63 characters, value of at most 63.
pub(super) fn labels(field: &str, labels: &BTreeMap<String, String>, faults: &mut Faults) {
    for (key, value) in labels {
        let (prefix, name) = key
            .split_once('/')
            .map_or((None, key.as_str()), |(prefix, name)| (Some(prefix), name));
        let good_prefix =
            prefix.is_none_or(|prefix| prefix.len() <= 253 && prefix.split('.').all(headers::is_dns_label));
        faults.check(
            good_prefix && is_label_text(name),
            field,
            format!("{key:?} must be a label key such as app or example.com/app"),
        );
        faults.check(
            value.is_empty() || is_label_text(value),
            field,
            format!("{value:?} must be a label value of at most 63 letters, digits, ., _ and -"),
        );
    }
}

fn is_label_text(text: &str) -> bool {
    let ends = |c: char| c.is_ascii_alphanumeric();
    !text.is_empty()
        && text.len() <= 63
        && text.starts_with(ends)
        && text.ends_with(ends)
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// A Kubernetes quantity: digits, perhaps a fraction, perhaps a suffix.
fn is_quantity(text: &str) -> bool {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    number.parse::<f64>().is_ok_and(f64::is_finite)
        && !number.starts_with('.')
        && !number.ends_with('.')
        && matches!(
            suffix,
            "" | "m" | "k" | "M" | "G" | "T" | "P" | "Ki" | "Mi" | "Gi" | "Ti" | "Pi"
        )
}
