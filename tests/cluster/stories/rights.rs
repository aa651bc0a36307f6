//! What the roles `view` and `edit` of a namespace hold for its probes, as the cluster's own controller aggregates them, and what the
//! strictest Pod Security level lets run.

use std::process::Command;

use crate::kit::nginx::Nginx;
use crate::kit::standin::{KEY, PASS};
use crate::kit::story::Story;
use crate::kit::{eventually, kubectl};

/// Exit code, standard output and standard error of the program, typed by `user`, whom the administrator impersonates.
fn types(user: &str, arguments: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("config");
    let given = std::fs::read_to_string(std::env::var("KUBECONFIG").unwrap()).unwrap();
    std::fs::write(&kubeconfig, given.replace("user: {", &format!("user: {{as: {user}, "))).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_claudeprobe"))
        .args(arguments)
        .env("KUBECONFIG", kubeconfig)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Gives `user` the cluster's own role in the story's namespace, and nothing else.
fn grant(story: &Story, user: &str, role: &str) {
    story.kubectl(&["create", "rolebinding", user, "--clusterrole", role, "--user", user]);
    eventually("the role is aggregated and in effect", || {
        story.try_kubectl(&["get", "claudeprobes", "--as", user])
    });
}

#[test]
fn view_only_reads_and_edit_writes_and_runs_probes() {
    let story = Story::new("rights", &[KEY]);
    let gateway = Nginx::start(&story.namespace, "gateway", "", &story.claude.pass(PASS));
    story.probe(&gateway.url, "");
    story.first_run();
    let name = format!("{}/p", story.namespace);

    grant(&story, "viewer", "view");
    let (code, out, err) = types("viewer", &["list", "-n", &story.namespace]);
    assert!(code == 0 && out.contains("Healthy"), "{out}{err}");
    let (code, out, err) = types("viewer", &["explain", &name]);
    assert!(code == 0 && out.contains("HEALTHY"), "{out}{err}");
    let (code, _, err) = types("viewer", &["run", &name]);
    assert!(code == 4 && err.contains("request the role claudeprobe-edit"), "{err}");
    for forbidden in [
        &["delete", "claudeprobe", "p"][..],
        &[
            "patch",
            "claudeprobe",
            "p",
            "--type=merge",
            "-p",
            r#"{"spec": {"suspend": true}}"#,
        ],
        &["get", "secrets"],
    ] {
        let refusal = story
            .try_kubectl(&[forbidden, &["--as", "viewer"]].concat())
            .unwrap_err();
        assert!(refusal.contains("cannot"), "{forbidden:?}: {refusal}");
    }
    let everywhere = types("viewer", &["list", "-A"]);
    assert!(
        everywhere.0 == 4 && everywhere.2.contains("replace --all-namespaces"),
        "{everywhere:?}"
    );

    grant(&story, "editor", "edit");
    let second = format!(
        r#"{{"apiVersion": "claudeprobe.dev/v1alpha1", "kind": "ClaudeProbe", "metadata": {{"name": "second"}}, "spec": {{"schedule": {{"every": "1h"}},
            "suspend": true, "credential": {{"secretKeyRef": {{"name": "claude-key", "key": "api-key"}}}},
            "gateways": [{{"name": "edge", "url": "{}"}}]}}}}"#,
        gateway.url
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("second.json");
    std::fs::write(&file, second).unwrap();
    story.kubectl(&["create", "--as", "editor", "-f", file.to_str().unwrap()]);
    let (code, out, err) = types(
        "editor",
        &[
            "run",
            &format!("{}/second", story.namespace),
            "--wait",
            "--timeout",
            "150s",
        ],
    );
    assert!(code == 0 && out.contains("HEALTHY"), "{out}{err}");
    story.kubectl(&["delete", "--as", "editor", "claudeprobe", "second"]);
    // Only the operator writes the status: an editor of the namespace cannot forge a verdict.
    let forged = story.try_kubectl(&[
        "patch",
        "claudeprobe",
        "p",
        "--as",
        "editor",
        "--subresource=status",
        "--type=merge",
        "-p",
        r#"{"status": {"verdict": {"state": "Healthy"}}}"#,
    ]);
    assert!(
        forged
            .unwrap_err()
            .contains("cannot patch resource \"claudeprobes/status\"")
    );
}

#[test]
fn a_restricted_namespace_runs_a_probe() {
    let story = Story::new("restricted", &[KEY]);
    kubectl(&[
        "label",
        "namespace",
        &story.namespace,
        "pod-security.kubernetes.io/enforce=restricted",
        "pod-security.kubernetes.io/warn=restricted",
    ]);
    // The level is really enforced here.
    let refusal = story
        .try_kubectl(&["run", "bystander", "--image=claudeprobe.local/pause:1"])
        .unwrap_err();
    assert!(refusal.contains("violates PodSecurity"), "{refusal}");
    let gateway = Nginx::start(&story.namespace, "gateway", "", &story.claude.pass(PASS));
    story.probe(&gateway.url, "");
    let status = story.first_run();
    assert_eq!(status.verdict("state"), "Healthy", "{status}");
    assert_eq!(status.condition("ProberOperational"), "True/Reporting", "{status}");
}
