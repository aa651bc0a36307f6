//! A real Prometheus scrapes a real exposition while a gateway breaks and recovers, and a real Alertmanager suppresses
//! alerts that follow from another one.
//!
//! The exposition is `claudeprobe demo --serve`: real gateways with real failures, measured by the prober and diagnosed as
//! in the operator. It has no metrics of the operator itself, so ClaudeProbeOperatorDown fires throughout. The rules are
//! the chart's, with seconds instead of minutes. The dashboards' queries run on the same Prometheus.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use claudeprobe::metrics::{FAMILIES, OperatorMetrics, PREFIX};
use serde_json::Value;

use crate::queries::{View, data, questions};
use crate::shortened::shortened;
use crate::{RULES, agreed, file};

/// Timeout of every wait: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(180);

/// A process that the test ends.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(command: &mut Command, log: &Path) -> Process {
    let log = std::fs::File::create(log).unwrap();
    let child = command.env_clear().stdout(log.try_clone().unwrap()).stderr(log).spawn();
    Process(child.unwrap_or_else(|error| panic!("{command:?}: {error}; tests/tools/install prometheus brings it")))
}

/// A port that was free a moment ago.
fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Two probes, named after their first scenarios.
fn demo() -> (Process, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_claudeprobe"))
        .args([
            "demo",
            "--serve",
            "127.0.0.1:0",
            "--every",
            "2s",
            "--only",
            "healthy",
            "--only",
            "policy",
        ])
        .env_clear()
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut first).unwrap();
    let address = first
        .strip_prefix("Metrics: http://")
        .and_then(|rest| rest.split('/').next());
    let address = address.unwrap_or_else(|| panic!("no address in {first:?}")).to_owned();
    std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
    (Process(child), address)
}

async fn text(url: &str) -> Result<String, String> {
    let answer = reqwest::get(url).await.map_err(|error| error.to_string())?;
    let answer = answer.error_for_status().map_err(|error| error.to_string())?;
    answer.text().await.map_err(|error| error.to_string())
}

async fn json(url: &str) -> Value {
    let text = text(url).await.unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// Applies the failure of a scenario to a probe's gateway.
async fn play(demo: &str, probe: &str, scenario: &'static str) {
    let answer = reqwest::Client::new()
        .put(format!("http://{demo}/probes/{probe}"))
        .body(scenario);
    answer.send().await.unwrap().error_for_status().unwrap();
}

/// An alert as `name probe code path`.
fn short(alert: &Value) -> String {
    let label = |name: &str| alert["labels"][name].as_str().unwrap_or("-");
    format!(
        "{} {} {} {}",
        label("alertname"),
        label("probe"),
        label("code"),
        label("path")
    )
}

/// Waits until exactly `wanted` fires at Prometheus. Until then only `passing` may fire too.
async fn fires(prometheus: &str, wanted: &[&str], passing: &[&str]) -> Vec<Value> {
    let wanted: BTreeSet<String> = wanted.iter().map(|alert| (*alert).to_owned()).collect();
    let began = Instant::now();
    loop {
        let answer = json(&format!("http://{prometheus}/api/v1/alerts")).await;
        let alerts = answer["data"]["alerts"].as_array().cloned().unwrap_or_default();
        let firing: Vec<Value> = alerts.into_iter().filter(|alert| alert["state"] == "firing").collect();
        let names: BTreeSet<String> = firing.iter().map(short).collect();
        let strange: Vec<_> = names
            .iter()
            .filter(|name| !wanted.contains(*name) && !passing.contains(&name.as_str()))
            .collect();
        assert!(strange.is_empty(), "{strange:?} while waiting for {wanted:?}");
        if names == wanted {
            return firing;
        }
        assert!(began.elapsed() < PATIENCE, "{names:?}, not {wanted:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Every query of the dashboards returns data for one of the probes, except queries of metrics that the demo does not have.
async fn dashboards_find_data(prometheus: &str, demo: &str, probes: &[&str]) {
    let shown = text(&format!("http://{demo}/metrics")).await.unwrap();
    let missing: Vec<String> = FAMILIES
        .iter()
        .map(|family| format!("{PREFIX}{}", family.name))
        .filter(|name| !shown.lines().any(|line| line.starts_with(&format!("{name}{{"))))
        .collect();
    let began = Instant::now();
    loop {
        let mut silent = BTreeMap::new();
        for probe in probes {
            let view = View {
                cluster: "",
                namespaces: &["demo"],
                probe,
                paths: Some(&["direct", "gateway"]),
                until: jiff::Timestamp::now().as_second().unsigned_abs(),
                range: 300,
            };
            for question in questions(view) {
                let answer = json(&format!("http://{prometheus}{}", question.url)).await;
                assert_eq!(answer["status"], "success", "{}: {answer}", question.of);
                let served = !missing.iter().any(|name| question.url.contains(name.as_str()));
                *silent.entry(question.of).or_insert(served) &= data(&answer).is_err();
            }
        }
        silent.retain(|_, silent| *silent);
        if silent.is_empty() {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "no data: {:?}", silent.keys());
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_gateway_fires_its_alert_alone_and_a_failure_of_claude_suppresses_the_others() {
    // Fails if another test installed it first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (_demo, demo) = demo();
    let (ours, theirs) = (format!("127.0.0.1:{}", port()), format!("127.0.0.1:{}", port()));

    let example = file("charts/claudeprobe/files/alertmanager-example.yaml");
    std::fs::write(at("alertmanager.yml"), example.replace("30s", "1s").replace("5m", "1s")).unwrap();
    let _alertmanager = start(
        Command::new("prometheus-alertmanager").args([
            format!("--config.file={}", at("alertmanager.yml").display()),
            format!("--storage.path={}", at("alertmanager").display()),
            format!("--web.listen-address={theirs}"),
            "--cluster.listen-address=".into(),
        ]),
        &at("alertmanager.log"),
    );
    std::fs::write(at("rules.yml"), shortened(&file(RULES), "5s")).unwrap();
    let config = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [rules.yml]\n\
         scrape_configs:\n- {{job_name: demo, honor_labels: true, static_configs: [{{targets: ['{demo}']}}]}}\n\
         alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{theirs}']}}]}}]}}\n"
    );
    std::fs::write(at("prometheus.yml"), config).unwrap();
    let _prometheus = start(
        Command::new("prometheus").args([
            format!("--config.file={}", at("prometheus.yml").display()),
            format!("--storage.tsdb.path={}", at("prometheus").display()),
            format!("--web.listen-address={ours}"),
        ]),
        &at("prometheus.log"),
    );

    const DOWN: &str = "ClaudeProbeOperatorDown - - -";
    let policy = "ClaudeGatewayFailing policy GatewayPolicyDenied gateway";
    fires(&ours, &[DOWN, policy], &[]).await;
    // As in the operator's exposition: its own metrics first.
    let shown = OperatorMetrics::new().exposition(true) + &text(&format!("http://{demo}/metrics")).await.unwrap();
    assert_eq!(agreed("promtool", &["check", "metrics"], &shown), "");

    // A stale key after a rotation: exactly that alert, with its annotations.
    play(&demo, "healthy", "stale-key").await;
    let stale = "ClaudeCredentialStale healthy GatewayStaleCredential gateway";
    let firing = fires(&ours, &[DOWN, policy, stale], &[]).await;
    let alert = firing.iter().find(|alert| short(alert) == stale).unwrap();
    assert_eq!(
        (alert["labels"]["severity"].as_str(), alert["labels"]["layer"].as_str()),
        (Some("critical"), Some("Configuration"))
    );
    assert!(
        alert["labels"]["host"].as_str().unwrap().starts_with("127.0.0.1:"),
        "{alert}"
    );
    let description = alert["annotations"]["description"].as_str().unwrap();
    assert!(
        description.starts_with("GatewayStaleCredential on path gateway at 127.0.0.1:"),
        "{description}"
    );
    assert!(
        description.ends_with("See docs/findings/GatewayStaleCredential.md."),
        "{description}"
    );
    assert_eq!(
        alert["annotations"]["runbook_url"],
        "docs/alerts.md#claudecredentialstale"
    );
    play(&demo, "healthy", "healthy").await;
    fires(&ours, &[DOWN, policy], &[stale]).await;
    dashboards_find_data(&ours, &demo, &["policy", "healthy"]).await;

    // Claude itself fails for all probes: one alert, and Alertmanager suppresses the alerts of single probes.
    play(&demo, "healthy", "overloaded").await;
    play(&demo, "policy", "overloaded").await;
    let both = ["healthy", "policy"].map(|probe| format!("ClaudeGatewayFailing {probe} UpstreamOverloaded -"));
    let claude = "ClaudeFailing - - -";
    fires(&ours, &[DOWN, claude, &both[0], &both[1]], &[policy]).await;
    let began = Instant::now();
    loop {
        let alerts = json(&format!("http://{theirs}/api/v2/alerts")).await;
        let of = |name: &str, state: &str| {
            let found = alerts.as_array().into_iter().flatten();
            found
                .filter(|alert| short(alert) == name && alert["status"]["state"] == state)
                .count()
        };
        if of(claude, "active") == 1 && both.iter().all(|name| of(name, "suppressed") == 1) {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{alerts:#}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    for probe in ["healthy", "policy"] {
        play(&demo, probe, "healthy").await;
    }
    fires(&ours, &[DOWN], &[claude, &both[0], &both[1]]).await;
}
