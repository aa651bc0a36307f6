//! `claudeprobe list`: all probes and their verdicts, the worst first.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::ResourceExt;
use kube::api::DynamicObject;
use serde::{Deserialize, Serialize};

use super::check::args::Output;
use super::cluster::{self, Cluster};
use super::exit::{Exit, Failure};
use super::output::{self, Paint};
use super::table;
use crate::catalogue::ConditionType;
use crate::resource::status::{RunStatus, Verdict};
use crate::view::{Cell, Listed, Table, cleaned, path_shown, tone};

const EXAMPLES: &str = "\
Failing probes come first, then Inconclusive, Unknown, Degraded and Healthy. The exit code is 0 for every verdict.

Examples:
  claudeprobe list
  claudeprobe list --all-namespaces
  claudeprobe list -A -o json \\
    | jq -r '.probes[] | select(.verdict.state == \"Failing\") | .name'";

/// Lists probes with their verdicts, the worst first.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// List the probes of all namespaces
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    all_namespaces: bool,
    #[command(flatten)]
    cluster: cluster::Where,
    /// Output format
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// What `-o json` and `-o yaml` print.
#[derive(Debug, Serialize)]
struct Listing {
    probes: Vec<Listed>,
}

/// The part of a resource that a list needs: unknown fields of a newer operator are ignored.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Part {
    spec: SpecPart,
    status: StatusPart,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SpecPart {
    suspend: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct StatusPart {
    verdict: Verdict,
    last_run: Option<RunStatus>,
    next_run: Option<Time>,
    conditions: Vec<Condition>,
}

/// Runs the command.
///
/// # Errors
/// A sentence that says why the probes cannot be listed.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let (namespace, objects) = super::block_on(async {
        let cluster = Cluster::find(&args.cluster).await?;
        let namespace = (!args.all_namespaces).then(|| cluster.namespace.clone());
        let objects = cluster.list(namespace.as_deref()).await?;
        Ok::<_, Failure>((namespace, objects))
    })??;
    let probes = sorted(objects.into_iter().map(listed).collect());
    if args.output != Output::Text {
        output::print(&super::check::structured(&Listing { probes }, args.output)?)?;
        return Ok(Exit::OK);
    }
    match (namespace, probes.is_empty()) {
        (Some(namespace), true) => output::complain(&format!(
            "Namespace {namespace} has no ClaudeProbe. To list all namespaces, add --all-namespaces."
        )),
        (None, true) => output::complain("This cluster has no ClaudeProbe."),
        (namespace, false) => {
            let everywhere = namespace.is_none();
            output::print(&render(&probes, everywhere, crate::clock::now(), Paint::for_stdout()))?;
        }
    }
    Ok(Exit::OK)
}

fn listed(object: DynamicObject) -> Listed {
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    let created = object.metadata.creation_timestamp.clone();
    // A status that cannot be read concerns one probe: it is listed as Unknown, the others as they are.
    let part: Part = serde_json::from_value(cleaned(object.data)).unwrap_or_else(|_| unreadable());
    let ready = ConditionType::Ready.name();
    let ready = part
        .status
        .conditions
        .into_iter()
        .find(|condition| condition.type_ == ready);
    Listed {
        namespace,
        name,
        created,
        ready: ready.map_or_else(String::new, |ready| ready.status),
        suspended: part.spec.suspend,
        verdict: part.status.verdict,
        last_run: part.status.last_run,
        next_run: part.status.next_run,
    }
}

fn unreadable() -> Part {
    let message = "This version cannot read the status. Use the claudeprobe of the operator's release.";
    let verdict = Verdict {
        message: message.to_owned(),
        ..Verdict::default()
    };
    Part {
        status: StatusPart {
            verdict,
            ..StatusPart::default()
        },
        ..Part::default()
    }
}

fn sorted(mut probes: Vec<Listed>) -> Vec<Listed> {
    probes.sort_by(Listed::worst_first);
    probes
}

fn render(probes: &[Listed], everywhere: bool, now: Timestamp, paint: Paint) -> String {
    // The columns of `kubectl get -o wide`; those that it shows without `-o wide` stay longest.
    let mut table = Table::new(&[
        "NAMESPACE",
        "NAME",
        "VERDICT",
        "CODE",
        "PATH",
        "SINCE",
        "LAST-RUN",
        "READY",
        "LAYER",
        "HOP",
        "NEXT-RUN",
        "AGE",
    ])
    .dropping(&["HOP", "LAYER", "NEXT-RUN", "AGE", "READY", "PATH", "LAST-RUN"]);
    for probe in probes {
        let verdict = &probe.verdict;
        table.row(vec![
            (if everywhere { probe.namespace.as_str() } else { "" }).into(),
            probe.name.as_str().into(),
            Cell::toned(verdict.state.name(), tone(verdict.state)),
            verdict.code.as_str().into(),
            path_shown(&verdict.code, &verdict.path).into(),
            probe.since(now).into(),
            probe.last(now).into(),
            probe.ready(),
            verdict.layer.as_str().into(),
            verdict.hop.as_str().into(),
            probe.next(now),
            probe.age(now).into(),
        ]);
    }
    table::text(&table, paint)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn probe(name: &str, status: serde_json::Value) -> DynamicObject {
        let object = json!({"apiVersion": "claudeprobe.dev/v1alpha1", "kind": "ClaudeProbe",
            "metadata": {"name": name, "namespace": "ai", "creationTimestamp": "2026-11-20T08:00:00Z"}, "spec": {}, "status": status});
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn the_worst_comes_first_and_a_status_that_cannot_be_read_spoils_no_other() {
        let state = |state: &str| json!({"verdict": {"state": state, "code": ""}});
        let objects = vec![
            probe("healthy", state("Healthy")),
            probe("degraded", state("Degraded")),
            probe("untold", json!({})),
            probe("odd", json!({"verdict": {"state": "OfTheFuture"}})),
            probe(
                "failing",
                json!({"verdict": {"state": "Failing", "code": "NewCode\u{1b}[2J", "layer": "Network"},
                "lastRun": {"slot": "g1", "finishedAt": "2026-11-23T08:00:00Z"}, "nextRun": "2026-11-23T08:05:00Z",
                "conditions": [{"type": "Ready", "status": "True", "reason": "Accepted", "message": "",
                    "lastTransitionTime": "2026-11-23T08:00:00Z"}]}),
            ),
            probe("unsure", state("Inconclusive")),
        ];
        let probes = sorted(objects.into_iter().map(listed).collect());
        let names: Vec<&str> = probes.iter().map(|probe| probe.name.as_str()).collect();
        assert_eq!(names, ["failing", "unsure", "odd", "untold", "degraded", "healthy"]);
        let now: Timestamp = "2026-11-23T08:03:00Z".parse().unwrap();
        let text = render(&probes, false, now, Paint::PLAIN);
        let failing: Vec<&str> = text.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(
            failing.join(" "),
            "failing Failing NewCode [2J all 3m ago True Network in 2m 3d"
        );
        assert!(!text.contains("NAMESPACE") && render(&probes, true, now, Paint::PLAIN).contains("NAMESPACE"));
        assert!(text.contains("never"), "{text}");
    }
}
