//! `list`, `explain` and `run` as a user types them, against a real API server on which the operator runs.

use std::path::PathBuf;
use std::process::Output;
use std::time::Duration;

use claudeprobe::resource::spec::ClaudeProbe;
use k8s_openapi::api::rbac::v1::{ClusterRole, RoleBinding};
use kube::Client;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::kit::{Operator, connect, eventually, namespace, probe, ran, run_now};
use crate::kubelet;

const SHORT: Duration = Duration::from_millis(300);

/// A user with a kubeconfig.
struct User {
    kubeconfig: PathBuf,
    folder: tempfile::TempDir,
}

impl User {
    /// The administrator.
    fn admin() -> Self {
        Self::changed(|given| given)
    }

    /// `name`, whom the administrator impersonates.
    fn named(name: &str) -> Self {
        Self::changed(|given| given.replace("user: {", &format!("user: {{as: {name}, ")))
    }

    fn changed(change: impl Fn(String) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("config");
        let given = std::fs::read_to_string(std::env::var("KUBECONFIG").unwrap()).unwrap();
        std::fs::write(&kubeconfig, change(given)).unwrap();
        Self { kubeconfig, folder }
    }

    /// Runs the program with this kubeconfig; it must not wait for the runtime that runs the kubelet.
    async fn types(&self, args: &[&str]) -> Typed {
        self.types_to(env!("CARGO_BIN_EXE_claudeprobe"), args).await
    }

    async fn types_to(&self, program: &str, args: &[&str]) -> Typed {
        let mut command = std::process::Command::new(program);
        command
            .args(args)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("HOME", self.folder.path());
        let run = tokio::task::spawn_blocking(move || command.output());
        let Output { status, stdout, stderr } = run.await.unwrap().unwrap();
        Typed {
            code: status.code().unwrap(),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }
}

/// The result of a command.
#[derive(Debug)]
struct Typed {
    code: i32,
    out: String,
    err: String,
}

/// The roles that the chart gives to users. No controller aggregates here.
pub async fn user_roles(client: &Client) {
    let text = include_str!("../../deploy/40-user-roles.yaml");
    for document in text.split("\n---") {
        let role: ClusterRole = serde_saphyr::from_str(document).unwrap();
        let name = role.metadata.name.clone().unwrap();
        let value = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": name}, "rules": role.rules});
        Api::<ClusterRole>::all(client.clone())
            .patch(&name, &PatchParams::apply("commands").force(), &Patch::Apply(value))
            .await
            .unwrap();
    }
}

/// The roles that the chart gives to users, bound to this user in this namespace.
async fn grant(client: &Client, namespace: &str, user: &str, roles: &[&str]) {
    user_roles(client).await;
    for role in roles {
        let binding: RoleBinding = serde_json::from_value(json!({
            "metadata": {"name": format!("{user}-{role}")},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}],
        }))
        .unwrap();
        let api: Api<RoleBinding> = Api::namespaced(client.clone(), namespace);
        api.create(&PostParams::default(), &binding).await.unwrap();
    }
    // The authorizer learns of it by a watch.
    let probes = User::named(user);
    eventually("the roles are in effect", async || {
        let typed = probes.types(&["list", "-n", namespace]).await;
        if typed.code == 0 { Ok(()) } else { Err(typed.err) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_waited_for_ends_with_its_verdict() {
    let client = connect().await;
    let ns = namespace(&client, "commands-run").await;
    kubelet::start(client.clone(), SHORT);
    let _operator = Operator::start(&ns, "one", &[]);
    let api = probe(&client, &ns, json!({"suspend": true})).await;
    let admin = User::admin();
    let name = format!("{ns}/assistants");
    let typed = admin.types(&["run", &name, "--wait"]).await;
    assert_eq!(typed.code, 0, "{typed:?}");
    for part in [
        "HEALTHY",
        "\ndirect",
        "\nedge",
        "Conditions that are not True (1 of 8)\n  Unknown HeadersPreserved",
        "Last run: Reported (slot r",
        "HISTORY",
        "suspended",
    ] {
        assert!(typed.out.contains(part), "{part}\n{typed:?}");
    }
    assert!(
        !typed.out.contains('\u{1b}') && !typed.err.contains('\u{1b}'),
        "no terminal, no colours: {typed:?}"
    );

    let typed = admin
        .types(&["run", "assistants", "-n", &ns, "--deep", "--wait", "-o", "json"])
        .await;
    assert_eq!(typed.code, 0, "{typed:?}");
    let object: Value = serde_json::from_str(&typed.out).unwrap();
    assert_eq!(object["verdict"]["state"], "Healthy");
    assert_eq!(object["runNow"], object["lastHandledRunNow"]);
    assert!(object["runNow"].as_str().unwrap().ends_with(" deep"), "{object}");
    let deep = Api::<k8s_openapi::api::core::v1::Pod>::namespaced(client.clone(), &ns);
    let pods = deep.list(&ListParams::default()).await.unwrap().items;
    let choices = pods
        .iter()
        .filter_map(|pod| pod.metadata.annotations.as_ref()?.get("claudeprobe.dev/exchanges"));
    assert!(
        choices.clone().any(|choice| choice.contains("deep")),
        "{:?}",
        choices.collect::<Vec<_>>()
    );

    // The verdict's exit code, whatever it is, and the advice.
    let spec = json!({"spec": {"gateways": [{"name": "edge", "url": "http://refused:8080"}]}});
    api.patch("assistants", &PatchParams::default(), &Patch::Merge(spec))
        .await
        .unwrap();
    let typed = admin.types(&["run", &name, "--wait"]).await;
    assert_eq!(typed.code, 2, "{typed:?}");
    for part in [
        "FAILING  GatewayConnectFailed  layer Network  path edge",
        "\n  change  ",
        "docs/findings/GatewayConnectFailed.md",
    ] {
        assert!(typed.out.contains(part), "{part}\n{}", typed.out);
    }

    // Without --wait it only asks.
    let before = api
        .get("assistants")
        .await
        .unwrap()
        .status
        .unwrap()
        .last_run
        .unwrap()
        .number;
    let typed = admin.types(&["run", &name]).await;
    assert!(
        typed.code == 0 && typed.out.is_empty() && typed.err.contains("Requested a run of"),
        "{typed:?}"
    );
    eventually("the run has ended", async || {
        let run = api.get("assistants").await.unwrap().status.unwrap().last_run.unwrap();
        if run.number > before {
            Ok(())
        } else {
            Err(format!("{run:?}"))
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_operator_found_is_explained_and_listed_the_worst_first() {
    let client = connect().await;
    let ns = namespace(&client, "commands-show").await;
    kubelet::start(client.clone(), SHORT);
    let mut operator = Operator::start(&ns, "one", &[]);
    let api = probe(&client, &ns, json!({})).await;
    run_now(&api, "one").await;
    ran(&api, "one").await;
    operator.stop().await;
    // Next to the healthy one: one without an operator, and one that fails, with foreign text.
    let other = |name: &str| {
        let spec = json!({"schedule": {"every": "1h"}, "credential": {"none": {}}, "gateways": [{"name": "edge", "url": "http://edge:80"}]});
        let object = json!({"apiVersion": "claudeprobe.dev/v1alpha1", "kind": "ClaudeProbe", "metadata": {"name": name}, "spec": spec});
        serde_json::from_value::<ClaudeProbe>(object).unwrap()
    };
    api.create(&PostParams::default(), &other("untold")).await.unwrap();
    api.create(&PostParams::default(), &other("broken")).await.unwrap();
    let status = json!({"status": {"verdict": {"state": "Failing", "code": "WrongRoute", "layer": "Configuration", "path": "edge",
        "message": "m", "advice": "a"}, "findings": [{"code": "WrongRoute", "layer": "Configuration", "path": "edge",
        "severity": "Error", "confidence": "Certain", "evidence": "quoted \u{1b}[2Jevil\u{9b}31m", "advice": "Fix the route."}]}});
    api.patch_status("broken", &PatchParams::default(), &Patch::Merge(status))
        .await
        .unwrap();

    let admin = User::admin();
    let typed = admin.types(&["list", "-n", &ns]).await;
    let names: Vec<&str> = typed
        .out
        .lines()
        .skip(1)
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    assert_eq!(
        (typed.code, names),
        (0, vec!["broken", "untold", "assistants"]),
        "{typed:?}"
    );
    let typed = admin.types(&["list", "-A", "-o", "json"]).await;
    let all: Value = serde_json::from_str(&typed.out).unwrap();
    let own: Vec<&Value> = all["probes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|probe| probe["namespace"] == ns.as_str())
        .collect();
    assert_eq!(own.len(), 3, "{all}");
    assert_eq!(own[2]["verdict"]["state"], "Healthy");
    assert!(
        own[2]["nextRun"].is_string() && own[2]["lastRun"]["slot"].is_string(),
        "{}",
        own[2]
    );

    let typed = admin.types(&["explain", "broken", "-n", &ns]).await;
    assert_eq!(typed.code, 0, "a verdict is no failure of explain: {typed:?}");
    for part in [
        "FAILING  WrongRoute",
        "quoted [2Jevil 31m",
        "Fix the route.",
        "docs/findings/WrongRoute.md",
    ] {
        assert!(typed.out.contains(part), "{part}\n{}", typed.out);
    }
    assert!(
        !typed.out.contains('\u{1b}') && !typed.out.contains('\u{9b}'),
        "{typed:?}"
    );
    let typed = admin
        .types(&["explain", &format!("{ns}/assistants"), "-o", "yaml"])
        .await;
    assert!(
        typed.code == 0
            && typed.out.contains("state: Healthy")
            && typed.out.starts_with(&format!("schemaVersion: 1\nnamespace: {ns}")),
        "{typed:?}"
    );

    // As a plugin of kubectl: the name of the file is all that it takes.
    let plugin = admin.folder.path().join("kubectl-claudeprobe");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_claudeprobe"), &plugin).unwrap();
    let path = format!("{}:{}", admin.folder.path().display(), std::env::var("PATH").unwrap());
    let script = format!("PATH={path} exec kubectl claudeprobe explain {ns}/assistants");
    let typed = admin.types_to("sh", &["-c", &script]).await;
    assert!(typed.code == 0 && typed.out.contains("HEALTHY"), "{typed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_right_is_named() {
    let client = connect().await;
    let ns = namespace(&client, "commands-rights").await;
    kubelet::start(client.clone(), SHORT);
    let _operator = Operator::start(&ns, "one", &[]);
    let api = probe(&client, &ns, json!({})).await;
    let name = format!("{ns}/assistants");
    let stranger = User::named("stranger");
    for command in [
        vec!["explain", name.as_str()],
        vec!["list", "-n", &ns],
        vec!["run", &name],
    ] {
        let typed = stranger.types(&command).await;
        assert!(
            typed.code == 4 && typed.err.contains("request the role claudeprobe-view"),
            "{command:?} {typed:?}"
        );
    }
    let typed = stranger.types(&["list", "-A"]).await;
    assert!(
        typed.code == 4 && typed.err.contains("replace --all-namespaces"),
        "{typed:?}"
    );

    grant(&client, &ns, "viewer", &["claudeprobe-view"]).await;
    let viewer = User::named("viewer");
    let typed = viewer.types(&["explain", &name]).await;
    assert_eq!(typed.code, 0, "{typed:?}");
    let typed = viewer.types(&["run", &name, "--wait"]).await;
    assert!(
        typed.code == 4 && typed.err.contains("request the role claudeprobe-edit"),
        "{typed:?}"
    );
    let asked = api
        .get("assistants")
        .await
        .unwrap()
        .metadata
        .annotations
        .unwrap_or_default();
    assert!(!asked.contains_key("claudeprobe.dev/run-now"), "{asked:?}");
    // A name that does not exist: those that do are named, from what this user may see.
    let typed = viewer.types(&["explain", "-n", &ns, "asistants"]).await;
    assert!(typed.code == 64 && typed.err.contains("It has assistants"), "{typed:?}");

    // What `edit` holds after aggregation: reading and writing, and no pods.
    grant(&client, &ns, "editor", &["claudeprobe-view", "claudeprobe-edit"]).await;
    let typed = User::named("editor").types(&["run", &name, "--wait"]).await;
    assert!(typed.code == 0 && typed.out.contains("HEALTHY"), "{typed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_obstacle_is_one_sentence() {
    let client = connect().await;
    let ns = namespace(&client, "commands-way").await;
    let api = probe(&client, &ns, json!({"budget": {"tokensPerDay": 1000}})).await;
    let admin = User::admin();
    let name = format!("{ns}/assistants");
    // No operator.
    let typed = admin.types(&["run", &name, "--wait", "--timeout", "10s"]).await;
    assert!(
        typed.code == 4 && typed.err.contains("no operator has reconciled"),
        "{typed:?}"
    );
    assert!(typed.err.contains("no verdict within 10s"), "{typed:?}");
    // An operator that is gone, and a budget that is used up.
    let today = jiff::Timestamp::now().to_string();
    let today = today.split('T').next().unwrap();
    let status = json!({"status": {"observedGeneration": 1, "usage": {"tokensToday": 1000, "day": today}}});
    api.patch_status("assistants", &PatchParams::default(), &Patch::Merge(status))
        .await
        .unwrap();
    let typed = admin.types(&["run", &name, "--wait", "--timeout", "12s"]).await;
    assert!(
        typed.code == 4 && typed.err.contains("over budget: 1000 of 1000"),
        "{typed:?}"
    );
    assert!(
        typed.err.contains("no operator has started the requested run"),
        "{typed:?}"
    );

    // The name in another namespace, two namespaces, no cluster, no context, another kind of server.
    let typed = admin.types(&["explain", "assistants", "-n", "default"]).await;
    assert!(
        typed.code == 64 && typed.err.contains(&format!("{ns}/assistants")) | typed.err.contains("more"),
        "{typed:?}"
    );
    let typed = admin.types(&["explain", &name, "-n", "default"]).await;
    assert!(
        typed.code == 64 && typed.err.contains("contradict each other"),
        "{typed:?}"
    );
    let typed = admin.types(&["list", "--context", "elsewhere"]).await;
    assert!(
        typed.code == 64 && typed.err.contains("no context elsewhere"),
        "{typed:?}"
    );
    let typed = admin.types(&["list", "--kubeconfig", "/does/not/exist"]).await;
    assert!(typed.code == 64 && typed.err.contains("/does/not/exist"), "{typed:?}");
    let away = User::changed(|given| given.replace(":6443\"", ":1\""));
    let typed = away.types(&["list"]).await;
    assert!(typed.code == 4 && typed.err.contains("cannot be reached"), "{typed:?}");
    let stranger = User::changed(|given| {
        let (before, _) = given.split_once("client-certificate-data").unwrap();
        let after = given
            .lines()
            .skip_while(|line| !line.starts_with("contexts"))
            .collect::<Vec<_>>()
            .join("\n");
        format!("{before}token: nobody}}}}]\n{after}\n")
    });
    let typed = stranger.types(&["list"]).await;
    assert!(
        typed.code == 4 && typed.err.contains("rejects your credentials"),
        "{typed:?}"
    );
}
