//! `claudeprobe check` as a user runs it: the program itself, against the stand-in and embedded gateways on loopback.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::process::{Command, Output};

use claudeprobe::demo::gateway::{Behaviour, Edit, Gateway};
use claudeprobe::standin::{Config, Standin, TEST_KEY};
use serde_json::Value;

/// Runs the program with only these variables and those that a process needs.
async fn claudeprobe(words: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_claudeprobe"));
    command.args(words).env_clear().envs(environment.iter().copied());
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

const KEY: (&str, &str) = ("ANTHROPIC_API_KEY", TEST_KEY);

async fn claude() -> Standin {
    Standin::start(Config::default()).await.unwrap()
}

async fn gateway(claude: &Standin, edits: Vec<Edit>) -> Gateway {
    let behaviour = Behaviour {
        edits,
        ..Behaviour::default()
    };
    Gateway::start(claude.address(), behaviour).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_gateway_is_exit_0_in_every_form() {
    let claude = claude().await;
    let gateway = gateway(&claude, vec![]).await;
    let words = ["check", "--direct", &claude.url(), "--gateway", &gateway.url()];
    let output = claudeprobe(&words, &[KEY]).await;
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{printed}{}", text(&output.stderr));
    assert!(printed.starts_with("HEALTHY\n"), "{printed}");
    assert!(!printed.contains('\u{1b}'), "no colours into a pipe: {printed:?}");
    assert_eq!(text(&output.stderr), "", "no progress into a pipe");
    let output = claudeprobe(&[&words[..], &["-o", "yaml"]].concat(), &[KEY]).await;
    assert!(
        text(&output.stdout).contains("state: Healthy"),
        "{}",
        text(&output.stdout)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_the_contract_and_a_stale_key_is_exit_2() {
    let claude = claude().await;
    let old = "sk-ant-api03-old".to_owned();
    let gateway = gateway(&claude, vec![Edit::Set("x-api-key", old)]).await;
    let named = format!("edge={}", gateway.url());
    let words = ["check", "--direct", &claude.url(), "--gateway", &named, "-o", "json"];
    let output = claudeprobe(&words, &[KEY]).await;
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let verdict = &report["verdict"];
    assert_eq!(verdict["state"], "Failing");
    assert_eq!(verdict["code"], "GatewayStaleCredential");
    assert_eq!(verdict["layer"], "Configuration");
    assert_eq!(verdict["path"], "edge");
    assert!(!verdict["message"].as_str().unwrap().is_empty() && !verdict["advice"].as_str().unwrap().is_empty());
    let finding = &report["findings"][0];
    for field in ["code", "layer", "path", "severity", "confidence", "evidence", "advice"] {
        assert!(finding[field].is_string(), "{field} in {finding}");
    }
    let paths = report["paths"].as_array().unwrap();
    assert_eq!(
        (paths[0]["name"].as_str(), paths[0]["status"].as_i64()),
        (Some("direct"), Some(200))
    );
    assert_eq!(
        (paths[1]["name"].as_str(), paths[1]["status"].as_i64()),
        (Some("edge"), Some(401))
    );
    assert!(paths[1]["requestId"].as_str().unwrap().starts_with("req_"));
    assert!(paths[1]["timings"].is_object() && report["durationMs"].is_u64());
    let all = text(&output.stdout) + &text(&output.stderr);
    assert!(!all.contains(TEST_KEY), "the key is nowhere");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_control_a_failure_is_inconclusive_unless_the_gateway_names_its_cause() {
    let closed = "http://127.0.0.1:9";
    let words = ["check", "--no-direct", "--gateway", closed];
    let output = claudeprobe(&words, &[KEY]).await;
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(2), "{printed}");
    assert!(
        printed.contains("GatewayConnectFailed"),
        "an unreachable gateway needs no control\n{printed}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_file_is_checked_like_in_the_cluster() {
    let claude = claude().await;
    let gateway = gateway(&claude, vec![Edit::Remove("anthropic-beta")]).await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("probe.yaml");
    let probe = format!(
        "apiVersion: claudeprobe.dev/v1alpha1\nkind: ClaudeProbe\nmetadata: {{name: p}}\nspec:\n  schedule: {{every: 5m}}\n  \
         credential: {{secretKeyRef: {{name: claude-key, key: api-key}}}}\n  direct: {{url: '{}'}}\n  gateways:\n  - {{name: edge, url: '{}'}}\n",
        claude.url(),
        gateway.url()
    );
    std::fs::write(&path, &probe).unwrap();
    let file = path.to_str().unwrap();
    let key = ("CLAUDEPROBE_SECRET_CLAUDE_KEY_API_KEY", TEST_KEY);
    let output = claudeprobe(&["check", "-f", file], &[key]).await;
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{printed}{}", text(&output.stderr));
    assert!(
        printed.contains("DEGRADED  BetaHeaderStripped  layer Configuration  path edge"),
        "{printed}"
    );

    std::fs::write(
        &path,
        probe
            .replace("every: 5m", "evry: 5m")
            .replace("name: edge", "name: direct"),
    )
    .unwrap();
    let output = claudeprobe(&["check", "-f", file], &[key]).await;
    assert_eq!(output.status.code(), Some(64));
    let printed = text(&output.stderr);
    assert!(
        printed.contains("spec.schedule.evry") && printed.contains("did you mean every?"),
        "{printed}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_explained_and_nothing_is_sent() {
    let claude = claude().await;
    let words = [
        "check",
        "--direct",
        &claude.url(),
        "--gateway",
        &claude.url(),
        "--explain-plan",
        "--deep",
    ];
    let output = claudeprobe(&words, &[]).await;
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{printed}");
    assert!(
        printed.contains("BogusBeta") && printed.contains("at most") && printed.contains("tokens"),
        "{printed}"
    );
    assert_eq!(claude.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn deep_finds_nothing_on_a_faithful_gateway() {
    let claude = claude().await;
    let gateway = gateway(&claude, vec![]).await;
    let words = [
        "check",
        "--direct",
        &claude.url(),
        "--gateway",
        &gateway.url(),
        "--deep",
    ];
    let output = claudeprobe(&words, &[KEY]).await;
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_usage_is_exit_64_with_one_sentence() {
    for (words, printed) in [
        (&["check"][..], "--gateway"),
        (&["chekc"], "unrecognized subcommand"),
        (&["check", "--gateway", "http://a", "--nope"], "--nope"),
        (&["check", "--gateway", "not a url"], "--gateway gateway: "),
        (&["check", "--gateway", "http://169.254.169.254"], "metadata"),
        (
            &["check", "-f", "/nonexistent/probe.yaml"],
            "/nonexistent/probe.yaml cannot be read",
        ),
        (
            &[
                "check",
                "--gateway",
                "http://127.0.0.1:9",
                "--ca-file",
                "/nonexistent/ca.pem",
            ],
            "/nonexistent/ca.pem",
        ),
        (&["demo", "--only", "nothing"], "unknown scenario"),
        (&[], "Usage"),
    ] {
        let output = claudeprobe(words, &[KEY]).await;
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{words:?}: {error}");
        assert!(error.contains(printed), "{words:?} should print {printed:?}: {error}");
        assert!(
            !error.contains("panicked") && !error.contains("stack backtrace"),
            "{error}"
        );
        assert_eq!(text(&output.stdout), "", "{words:?}");
    }
    let output = claudeprobe(&["check", "--gateway", "http://a"], &[]).await;
    let error = text(&output.stderr);
    assert!(
        output.status.code() == Some(64) && error.contains("ANTHROPIC_API_KEY"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn help_and_version_are_results() {
    for words in [
        &["--help"][..],
        &["--version"],
        &["check", "--help"],
        &["demo", "--list"],
    ] {
        let output = claudeprobe(words, &[]).await;
        assert_eq!(output.status.code(), Some(0), "{words:?}");
        assert!(!output.stdout.is_empty() && output.stderr.is_empty(), "{words:?}");
    }
    let version = claudeprobe(&["--version"], &[]).await;
    assert!(text(&version.stdout).starts_with(concat!("claudeprobe ", env!("CARGO_PKG_VERSION"))));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_cluster_commands_print_the_next_step_and_no_kubeconfig() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().to_str().unwrap();
    let broken = folder.path().join("broken");
    std::fs::write(&broken, "users: [{user: {token: s3cr3t}}\nfoo: [\n").unwrap();
    let broken = broken.to_str().unwrap();
    for words in [&["explain", "ai/a"][..], &["list", "-A"], &["run", "ai/a", "--wait"]] {
        for (environment, expected) in [
            (vec![("HOME", home)], "no kubeconfig found: set KUBECONFIG"),
            (
                vec![("HOME", home), ("KUBECONFIG", "/does/not/exist")],
                "KUBECONFIG names no file that exists: /does/not/exist",
            ),
            (
                vec![("KUBECONFIG", broken)],
                &format!("the kubeconfig {broken} cannot be used: "),
            ),
        ] {
            let output = claudeprobe(words, &environment).await;
            let error = text(&output.stderr);
            assert_eq!(output.status.code(), Some(64), "{words:?} {error}");
            assert!(
                error.contains(expected) && !error.contains("s3cr3t"),
                "{words:?} {error}"
            );
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probes_plan_shows_its_cost_per_run_and_per_day() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("probe.yaml");
    let probe = "apiVersion: claudeprobe.dev/v1alpha1
kind: ClaudeProbe
metadata: {name: a, namespace: b}
spec:
  schedule: {every: 1h}
  request: {maxTokens: 100, prompt: abc}
  credential: {secretKeyRef: {name: claude, key: key}}
  direct: {url: 'https://api.anthropic.com'}
  gateways: [{name: edge, url: 'http://127.0.0.1:1'}]
  forwardingChecks: {every: 4h}
  exchanges: {longRequest: {every: 24h, minSeconds: 60, maxTokens: 5000, timeout: 5m}}
  budget: {tokensPerDay: 3000}
";
    std::fs::write(&file, probe).unwrap();
    let file = file.to_str().unwrap();
    let words = ["check", "-f", file, "--explain-plan", "-o", "json"];
    let output = claudeprobe(&words, &[]).await;
    let plan: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let kinds: Vec<&str> = plan["paths"][1]["exchanges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|exchange| exchange["exchange"].as_str().unwrap())
        .collect();
    assert_eq!(kinds[..2], ["Frozen", "TrimmedKey"]);
    assert_eq!(kinds[kinds.len() - 3..], ["OtherAuthHeader", "NoKey", "BadKey"]);
    // Two paths, an answer of 17 + 100 tokens each.
    assert_eq!(plan["run"]["tokens"], serde_json::json!({"input": 34, "output": 200}));
    let day = &plan["day"];
    assert_eq!(
        (&day["runs"], &day["forwardingCheckRuns"], &day["longRuns"]),
        (&24.into(), &6.into(), &1.into())
    );
    // Frozen 24 times, the other form 6 times, the long request once, each on two paths.
    assert_eq!(
        day["tokens"],
        serde_json::json!({"input": 2 * (17 * 30 + 40), "output": 2 * (100 * 30 + 5000)})
    );
    assert_eq!((&day["budget"], &day["thinned"]), (&3000.into(), &true.into()));
    assert!(day["usd"].as_f64().unwrap() > 0.08, "{day}");
    let printed = text(&claudeprobe(&words[..4], &[]).await.stdout);
    assert!(
        printed.contains("per day: 24 runs (6 with forwarding checks, 1 with the long request)"),
        "{printed}"
    );
    assert!(
        printed.contains("some runs send only zero-token exchanges"),
        "{printed}"
    );
}
