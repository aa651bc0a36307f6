//! What is missing in the cluster, said in one sentence at the start instead of a watch that only retries: rights, and the
//! resource definition.

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

/// Name of the definition.
const CRD: &str = "claudeprobes.claudeprobe.dev";
/// How often it is looked at.
const CRD_PERIOD: Duration = Duration::from_secs(600);
/// How often missing rights are asked for again.
const RETRY: Duration = Duration::from_secs(5);
/// Fields that are named at most.
const NAMED_FIELDS: usize = 5;

/// Returns when every watched kind can be listed; says what to add until then.
pub async fn run(client: Client, namespaces: Vec<String>, stop: CancellationToken) {
    let namespaces: Vec<Option<String>> = if namespaces.is_empty() {
        vec![None]
    } else {
        namespaces.into_iter().map(Some).collect()
    };
    let mut said = String::new();
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
        if text != said {
            tracing::error!("the operator cannot work yet: {text}");
            said = text;
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
        // Away: the watch waits for it by itself.
        Err(_) => Ok(()),
    }
}

/// What to add, when the API server refused.
fn explain(listed: Result<(), Error>, group: &str, resource: &str) -> Option<String> {
    match listed {
        Err(Error::Api(status)) if status.code == 403 => Some(format!(
            "its ServiceAccount may not list {resource}: add to its ClusterRole `- apiGroups: [\"{group}\"], resources: [{resource}], verbs: [list, watch]` \
             (deploy/10-rbac.yaml has all lines)."
        )),
        Err(Error::Api(status)) if status.code == 404 => Some(format!(
            "the API server knows no {resource}: install the resource definition (kubectl apply -f crds/claudeprobe.yaml)."
        )),
        Err(Error::Api(status)) if status.code == 401 => {
            Some("the API server does not accept its credentials.".to_owned())
        }
        _ => None,
    }
}

/// Keeps an eye on the installed definition: one that lacks our fields would drop what we write without a word.
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
                tracing::warn!(%error, "the installed resource definition cannot be read: whether it is older than this operator is not known")
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
        "The installed resource definition is older than this operator and has no {}{rest}: apply crds/claudeprobe.yaml of this release.",
        missing.join(", ")
    ))
}

/// Names the fields that `ours` has and `theirs` has not, the outermost only.
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
    fn an_older_definition_names_the_fields_that_it_lacks() {
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
    fn a_refused_list_names_the_line_to_add() {
        let refuse = |code| {
            let status = kube::core::Status {
                code,
                ..kube::core::Status::default()
            };
            Err(Error::Api(Box::new(status)))
        };
        assert!(
            explain(refuse(403), "", "pods")
                .unwrap()
                .contains("resources: [pods], verbs: [list, watch]")
        );
        assert!(
            explain(refuse(404), "claudeprobe.dev", "claudeprobes")
                .unwrap()
                .contains("crds/claudeprobe.yaml")
        );
        assert_eq!(explain(refuse(503), "", "pods"), None);
        assert_eq!(explain(Ok(()), "", "pods"), None);
    }
}
