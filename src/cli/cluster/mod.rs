//! The cluster access of `explain`, `list` and `run`: configured as for kubectl, with probes as values.
//!
//! The only part of the command line besides `operator` that speaks to an API server. Every error is a sentence, see
//! [`fault`].

mod fault;

use std::path::{Path, PathBuf};
use std::time::Duration;

use http::{HeaderValue, header};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DynamicObject, ListParams};
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::core::ApiResource;
use kube::{Client, Config, ResourceExt};

use super::exit::Failure;
use crate::resource::spec::ClaudeProbe;
use crate::status::names;
use crate::telemetry::chain;
use crate::text::plain::plain;
use crate::view::Known;

/// Probes per request of a list.
const PAGE: u32 = 250;
/// Names that a sentence lists at most.
const NAMED: usize = 10;

/// Which cluster, as kubectl's own options say it.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Where {
    /// Kubeconfig file [default: KUBECONFIG, else ~/.kube/config, else the service account of the surrounding pod]
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig [default: its current context]
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// Namespace [default: the context's namespace]
    #[arg(short, long, value_name = "NAME")]
    pub namespace: Option<String>,
}

/// A probe's name, with its namespace where that was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    namespace: Option<String>,
    name: String,
}

impl std::str::FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // As `kubectl get -o name` prints it.
        let text = ["claudeprobe.claudeprobe.dev/", "claudeprobe/", "cprobe/"]
            .iter()
            .find_map(|kind| text.strip_prefix(kind))
            .unwrap_or(text);
        let (namespace, name) = match text.split_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, text),
        };
        let fine = |part: &str| {
            let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
            !part.is_empty() && part.len() <= 253 && part.chars().all(known)
        };
        if !fine(name) || !namespace.is_none_or(fine) {
            return Err("must be NAME or NAMESPACE/NAME, as in claudeprobe list --all-namespaces".to_owned());
        }
        Ok(Self {
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        })
    }
}

/// A pod of a probe.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodSeen {
    /// The slot that it fills.
    pub slot: String,
    /// Its phase.
    pub phase: String,
    /// Its name.
    pub name: String,
}

/// The pods of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pods {
    /// The pods were not listed.
    NotAsked,
    /// The user may not list pods in this namespace, or the API server did not answer.
    Hidden,
    /// All there are.
    Seen(Vec<PodSeen>),
}

/// The user's cluster.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    /// Where it is, for sentences.
    place: String,
    /// The namespace that was asked for, or the context's.
    pub namespace: String,
}

/// A probe that was asked for by name.
pub struct Target {
    api: Api<DynamicObject>,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Cluster {
    /// Finds the cluster; sends nothing yet, unless the kubeconfig names a program that logs in.
    ///
    /// # Errors
    /// No kubeconfig, or one that cannot be used.
    pub async fn find(args: &Where) -> Result<Self, Failure> {
        let (mut config, context) = config(args).await?;
        config.connect_timeout = Some(Duration::from_secs(10));
        config.read_timeout = Some(Duration::from_secs(60));
        config.default_retry = false;
        let agent = concat!("claudeprobe-cli/", env!("CARGO_PKG_VERSION"));
        config
            .headers
            .push((header::USER_AGENT, HeaderValue::from_static(agent)));
        let namespace = args
            .namespace
            .clone()
            .unwrap_or_else(|| config.default_namespace.clone());
        let url = config.cluster_url.to_string();
        let url = url.trim_end_matches('/');
        let place = match context {
            Some(context) => format!("{url} (context {})", plain(&context)),
            None => url.to_owned(),
        };
        let client = Client::try_from(config).map_err(|error| {
            Failure::usage(format!(
                "the kubeconfig's access to {place} cannot be used: {}",
                plain(&chain(&error))
            ))
        })?;
        Ok(Self {
            client,
            place,
            namespace,
        })
    }

    fn api(&self, namespace: Option<&str>) -> Api<DynamicObject> {
        let kind = ApiResource::erase::<ClaudeProbe>(&());
        match namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &kind),
            None => Api::all_with(self.client.clone(), &kind),
        }
    }

    /// The probe of this name.
    ///
    /// # Errors
    /// The name and `--namespace` say different namespaces.
    pub fn target(&self, args: &Where, name: &Name) -> Result<Target, Failure> {
        let namespace = match (&name.namespace, &args.namespace) {
            (Some(own), Some(other)) if own != other => {
                return Err(Failure::usage(format!(
                    "{own}/{} and --namespace {other} contradict each other: give one namespace",
                    name.name
                )));
            }
            (own, _) => own.as_deref().unwrap_or(&self.namespace),
        };
        Ok(Target {
            api: self.api(Some(namespace)),
            namespace: namespace.to_owned(),
            name: name.name.clone(),
        })
    }

    /// Reads a probe.
    ///
    /// # Errors
    /// A sentence, see [`fault`].
    pub async fn read(&self, target: &Target) -> Result<Known, Failure> {
        match target.api.get(&target.name).await {
            Ok(object) => Known::of(&object).map_err(|unreadable| Failure::runtime(unreadable.to_string())),
            Err(kube::Error::Api(status)) if fault::is_missing_object(&status) => Err(self.missing(target).await),
            Err(error) => Err(fault::sentence(&error, &self.place, "get", Some(&target.namespace))),
        }
    }

    /// Sets an annotation of a probe.
    ///
    /// # Errors
    /// A sentence, see [`fault`].
    pub async fn annotate(&self, target: &Target, annotation: &str, value: &str) -> Result<(), Failure> {
        let patch = serde_json::json!({"metadata": {"annotations": {annotation: value}}});
        let params = kube::api::PatchParams::default();
        match target
            .api
            .patch(&target.name, &params, &kube::api::Patch::Merge(patch))
            .await
        {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if fault::is_missing_object(&status) => Err(self.missing(target).await),
            Err(error) => Err(fault::sentence(&error, &self.place, "patch", Some(&target.namespace))),
        }
    }

    /// The probe's pods, as far as the user may see them.
    pub async fn pods(&self, target: &Target) -> Pods {
        let api: Api<Pod> = Api::namespaced(self.client.clone(), &target.namespace);
        let label = format!("{}={}", names::PROBE_LABEL, names::label_value(&target.name));
        let Ok(found) = api.list(&ListParams::default().labels(&label)).await else {
            return Pods::Hidden;
        };
        let seen = found.items.iter().map(|pod| PodSeen {
            slot: pod.annotations().get(names::SLOT).cloned().unwrap_or_default(),
            phase: pod
                .status
                .as_ref()
                .and_then(|status| status.phase.clone())
                .unwrap_or_default(),
            name: pod.name_any(),
        });
        Pods::Seen(seen.collect())
    }

    /// All probes of a namespace, or of all.
    ///
    /// # Errors
    /// A sentence, see [`fault`].
    pub async fn list(&self, namespace: Option<&str>) -> Result<Vec<DynamicObject>, Failure> {
        self.pages(namespace, ListParams::default().limit(PAGE))
            .await
            .map_err(|error| fault::sentence(&error, &self.place, "list", namespace))
    }

    async fn pages(&self, namespace: Option<&str>, params: ListParams) -> kube::Result<Vec<DynamicObject>> {
        let api = self.api(namespace);
        let mut all = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let page = ListParams {
                continue_token: token.take(),
                ..params.clone()
            };
            let list = api.list(&page).await?;
            all.extend(list.items);
            token = list.metadata.continue_.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(all);
            }
        }
    }

    /// What to say of a name that does not exist: the same name elsewhere, else the names that do exist there. What the
    /// user may not see is left out.
    async fn missing(&self, target: &Target) -> Failure {
        let Target { namespace, name, .. } = target;
        let what = format!("namespace {namespace} has no ClaudeProbe {name}");
        let same = ListParams::default().fields(&format!("metadata.name={name}"));
        let elsewhere = self.pages(None, same).await.unwrap_or_default();
        if !elsewhere.is_empty() {
            let places = elsewhere
                .iter()
                .map(|found| format!("{}/{name}", found.namespace().unwrap_or_default()));
            return Failure::usage(format!("{what}. Did you mean {}?", some(places, "or")));
        }
        match self.pages(Some(namespace), ListParams::default().limit(PAGE)).await {
            Ok(found) if found.is_empty() => Failure::usage(format!(
                "{what}, nor any other. To list all: claudeprobe list --all-namespaces"
            )),
            Ok(found) => Failure::usage(format!(
                "{what}. It has {}",
                some(found.iter().map(ResourceExt::name_any), "and")
            )),
            Err(_) => Failure::usage(what),
        }
    }
}

/// The first names, and how many more there are.
fn some(names: impl Iterator<Item = String>, last: &str) -> String {
    let mut names: Vec<String> = names.collect();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    match (more, names.split_last()) {
        (0, Some((only, []))) => only.clone(),
        (0, Some((end, rest))) => format!("{} {last} {end}", rest.join(", ")),
        _ => format!("{} {last} {more} more", names.join(", ")),
    }
}

/// The configuration, and the name of the context that it is of.
async fn config(args: &Where) -> Result<(Config, Option<String>), Failure> {
    let Some(kubeconfig) = kubeconfig(args.kubeconfig.as_deref())? else {
        let in_pod = Config::incluster_env().ok().filter(|_| args.context.is_none());
        return in_pod.map(|config| (config, None)).ok_or_else(|| {
            Failure::usage(
                "no kubeconfig found: set KUBECONFIG or --kubeconfig. Without a cluster, claudeprobe check compares gateways from this machine",
            )
        });
    };
    let context = args.context.clone().or_else(|| kubeconfig.current_context.clone());
    let known: Vec<String> = kubeconfig.contexts.iter().map(|known| known.name.clone()).collect();
    let Some(context) = context.filter(|context| !context.is_empty()) else {
        return Err(Failure::usage(match known.as_slice() {
            [] => "the kubeconfig has no context".to_owned(),
            _ => format!(
                "the kubeconfig has no current context: give --context {}",
                plain(&some(known.into_iter(), "or"))
            ),
        }));
    };
    if !known.contains(&context) {
        return Err(Failure::usage(plain(&format!(
            "the kubeconfig has no context {context}; it has {}",
            if known.is_empty() {
                "none".to_owned()
            } else {
                some(known.into_iter(), "and")
            }
        ))));
    }
    let options = KubeConfigOptions {
        context: Some(context.clone()),
        ..KubeConfigOptions::default()
    };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|error| unusable(&context, &error))?;
    Ok((config, Some(context)))
}

fn unusable(context: &str, error: &KubeconfigError) -> Failure {
    Failure::usage(plain(&format!(
        "context {context} of the kubeconfig cannot be used: {}",
        chain(error)
    )))
}

/// The kubeconfig, as kubectl puts it together; `None` where there is no file at all.
fn kubeconfig(given: Option<&Path>) -> Result<Option<Kubeconfig>, Failure> {
    let read = |path: &Path| {
        Kubeconfig::read_from(path).map_err(|error| {
            // What follows the first line is the parser's picture of the file, which holds credentials.
            let why = chain(&error);
            let why = why.lines().next().unwrap_or_default();
            Failure::usage(plain(&format!(
                "the kubeconfig {} cannot be used: {why}",
                path.display()
            )))
        })
    };
    if let Some(path) = given {
        return read(path).map(Some);
    }
    let listed = std::env::var_os("KUBECONFIG").filter(|value| !value.is_empty());
    let paths: Vec<PathBuf> = match &listed {
        Some(value) => std::env::split_paths(value).collect(),
        None => std::env::home_dir()
            .map(|home| home.join(".kube/config"))
            .into_iter()
            .collect(),
    };
    // Files of the list that do not exist are passed over, as kubectl does.
    let there: Vec<&PathBuf> = paths.iter().filter(|path| path.is_file()).collect();
    if let (Some(value), []) = (&listed, there.as_slice()) {
        return Err(Failure::usage(plain(&format!(
            "KUBECONFIG names no file that exists: {}",
            value.to_string_lossy()
        ))));
    }
    let mut merged: Option<Kubeconfig> = None;
    for path in there {
        let next = read(path)?;
        merged = Some(match merged {
            None => next,
            Some(before) => before
                .merge(next)
                .map_err(|error| Failure::usage(plain(&chain(&error))))?,
        });
    }
    Ok(merged)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("assistants", Some((None, "assistants")))]
    #[case("ai/assistants", Some((Some("ai"), "assistants")))]
    #[case("claudeprobe.claudeprobe.dev/assistants", Some((None, "assistants")))]
    #[case("ai/", None)]
    #[case("/assistants", None)]
    #[case("a/b/c", None)]
    #[case("../../secrets/x", None)]
    #[case("a?watch=true", None)]
    fn a_name_is_one_or_two_names_of_objects(#[case] text: &str, #[case] expected: Option<(Option<&str>, &str)>) {
        let name = text.parse::<Name>().ok();
        let seen = name
            .as_ref()
            .map(|name| (name.namespace.as_deref(), name.name.as_str()));
        assert_eq!(seen, expected);
    }

    #[test]
    fn long_lists_are_cut_and_counted() {
        let names = |count: usize| (0..count).map(|number| number.to_string());
        assert_eq!(some(names(1), "and"), "0");
        assert_eq!(some(names(3), "and"), "0, 1 and 2");
        assert_eq!(some(names(12), "and"), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more");
    }
}
