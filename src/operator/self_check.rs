//! Checks the operator's permissions and the installed CRD at the start. Logs what is missing in one message: the
//! watches alone would only retry.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, ListParams};
use kube::core::PartialObjectMeta;
use kube::{Client, Error};
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::resource::crd;
use crate::resource::spec::ClaudeProbe;

/// Name of the CRD.
const CRD: &str = "claudeprobes.claudeprobe.dev";
/// How often it is checked.
const CRD_PERIOD: Duration = Duration::from_secs(600);
/// How often missing permissions are checked again.
const RETRY: Duration = Duration::from_secs(5);
/// Fields that are named at most.
const NAMED_FIELDS: usize = 5;

/// Returns when every watched kind can be listed; logs what is missing until then.
pub async fn run(client: Client, namespaces: Vec<String>, stop: CancellationToken) {
    let namespaces: Vec<Option<String>> = if namespaces.is_empty() {
        vec![None]
    } else {
        namespaces.into_iter().map(Some).collect()
    };
    let mut logged = String::new();
    loop {
        let mut missing = Vec::new();
        for namespace in &namespaces {
            missing.extend(explain(
                list::<ClaudeProbe>(&client, namespace.as_deref()).await,
                "claudeprobe.dev",
                "claudeprobes",
            ));
            missing.extend(explain(list::<Pod>(&client, namespace.as_deref()).await, "", "pods"));
        }
        if missing.is_empty() {
            return;
        }
        missing.dedup();
        let text = missing.join(" ");
        if text != logged {
            tracing::error!("the operator cannot start yet: {text}");
            logged = text;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(RETRY) => {}
        }
    }
}

async fn list<K>(client: &Client, namespace: Option<&str>) -> Result<(), Error>
where
    K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + serde::de::DeserializeOwned,
{
    let api: Api<K> = match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let one = ListParams::default().limit(1);
    match tokio::time::timeout(Duration::from_secs(10), api.list_metadata(&one)).await {
        Ok(listed) => listed.map(|_: kube::core::ObjectList<PartialObjectMeta<K>>| ()),
        // Unreachable: the watch retries by itself.
        Err(_) => Ok(()),
    }
}

/// The missing permission or CRD, when the API server rejected the list.
fn explain(listed: Result<(), Error>, group: &str, resource: &str) -> Option<String> {
    match listed {
        Err(Error::Api(status)) if status.code == 403 => Some(format!(
            "its ServiceAccount may not list {resource}. Add to its ClusterRole: `- apiGroups: [\"{group}\"], resources: [{resource}], verbs: [list, watch]` \
             (deploy/10-rbac.yaml has all rules)."
        )),
        Err(Error::Api(status)) if status.code == 404 => Some(format!(
            "the CRD of {resource} is not installed. Run: kubectl apply -f crds/claudeprobe.yaml"
        )),
        Err(Error::Api(status)) if status.code == 401 => Some(
            "the API server rejects its credentials (401). Check its ServiceAccount token or KUBECONFIG.".to_owned(),
        ),
        _ => None,
    }
}

/// Compares the installed CRD with our own regularly: an older one would silently drop fields that we write.
pub async fn watch_crd(client: Client, outdated: watch::Sender<Option<String>>, stop: CancellationToken) {
    let api: Api<CustomResourceDefinition> = Api::all(client);
    loop {
        match tokio::time::timeout(Duration::from_secs(10), api.get(CRD)).await {
            Ok(Ok(installed)) => {
                let lacks = lacking(&installed);
                if *outdated.borrow() != lacks {
                    if let Some(lacks) = &lacks {
                        tracing::warn!("{lacks}");
                    }
                    outdated.send_replace(lacks);
                }
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "the installed CRD cannot be read: its version is unknown")
            }
            Err(_) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(CRD_PERIOD) => {}
        }
    }
}

fn lacking(installed: &CustomResourceDefinition) -> Option<String> {
    let ours = crd::definition().ok()?;
    let installed = serde_json::to_value(installed).ok()?;
    let schema = |definition: &Value| {
        let versions = definition.pointer("/spec/versions")?.as_array()?.clone();
        let version = versions.into_iter().find(|version| version["name"] == "v1alpha1")?;
        version.pointer("/schema/openAPIV3Schema").cloned()
    };
    let mut missing = Vec::new();
    compare(
        &schema(&ours)?,
        &schema(&installed).unwrap_or_default(),
        "",
        &mut missing,
    );
    if missing.is_empty() {
        return None;
    }
    let more = missing.len().saturating_sub(NAMED_FIELDS);
    missing.truncate(NAMED_FIELDS);
    let rest = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    Some(format!(
        "The installed CRD is older than this operator and lacks {}{rest}. Apply crds/claudeprobe.yaml of this release.",
        missing.join(", ")
    ))
}

/// The fields of `ours` that `theirs` lacks, only the outermost.
fn compare(ours: &Value, theirs: &Value, path: &str, missing: &mut Vec<String>) {
    if let Some(properties) = ours["properties"].as_object() {
        for (name, field) in properties {
            let path = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            match theirs["properties"].get(name) {
                Some(known) => compare(field, known, &path, missing),
                None => missing.push(path),
            }
        }
    }
    for inner in ["items", "additionalProperties"] {
        if ours[inner].is_object() && theirs[inner].is_object() {
            compare(&ours[inner], &theirs[inner], &format!("{path}[]"), missing);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn an_older_crd_is_reported_with_its_missing_fields() {
        let mut definition = crd::definition().unwrap();
        assert_eq!(lacking(&serde_json::from_value(definition.clone()).unwrap()), None);
        let status = definition
            .pointer_mut("/spec/versions/0/schema/openAPIV3Schema/properties/status/properties")
            .unwrap();
        status.as_object_mut().unwrap().remove("lastReportedAt");
        status["paths"]["items"]["properties"]
            .as_object_mut()
            .unwrap()
            .remove("headerSet");
        let text = lacking(&serde_json::from_value(definition).unwrap()).unwrap();
        assert!(
            text.contains("status.lastReportedAt") && text.contains("status.paths[].headerSet"),
            "{text}"
        );
    }

    #[test]
    fn a_rejected_list_is_reported_with_the_missing_rule() {
        let rejected = |code| {
            let status = kube::core::Status {
                code,
                ..kube::core::Status::default()
            };
            Err(Error::Api(Box::new(status)))
        };
        assert!(
            explain(rejected(403), "", "pods")
                .unwrap()
                .contains("resources: [pods], verbs: [list, watch]")
        );
        assert!(
            explain(rejected(404), "claudeprobe.dev", "claudeprobes")
                .unwrap()
                .contains("crds/claudeprobe.yaml")
        );
        assert_eq!(explain(rejected(503), "", "pods"), None);
        assert_eq!(explain(Ok(()), "", "pods"), None);
    }
}
