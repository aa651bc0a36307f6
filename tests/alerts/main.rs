//! The alerts: each has its text and its run-book, fires on its cause and on no other, and rests on metrics that there are.
//!
//! `promtool` and `amtool` (Debian: prometheus, prometheus-alertmanager) judge; tests/tools/install prometheus installs them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod hurried;
mod live;
#[path = "../dashboard/queries.rs"]
mod queries;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use claudeprobe::catalogue::CATALOGUE;
use claudeprobe::metrics::{FAMILIES, OperatorMetrics, PREFIX};
use serde_json::Value;

/// A file of the project.
fn file(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

const RULES: &str = "charts/claudeprobe/files/alerts.yaml";

/// All rules, alerts and recordings.
fn rules() -> Vec<Value> {
    let text: Value = serde_saphyr::from_str(&file(RULES)).unwrap();
    text["groups"][0]["rules"].as_array().unwrap().clone()
}

/// Runs a tool on standard input; its output, when it agrees.
fn agreed(tool: &str, arguments: &[&str], input: &str) -> String {
    let mut child = Command::new(tool)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{tool}: {error}; tests/tools/install prometheus brings it"));
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{tool} {arguments:?}: {text}");
    text
}

#[test]
fn every_alert_says_how_bad_it_is_who_acts_and_where_to_read_on() {
    for rule in rules() {
        let Some(name) = rule["alert"].as_str() else { continue };
        let text = |section: &str, field: &str| {
            let found = rule[section][field].as_str();
            found
                .unwrap_or_else(|| panic!("{name} has no {section}.{field}"))
                .to_owned()
        };
        assert!(
            ["critical", "warning"].contains(&&*text("labels", "severity")),
            "{name}"
        );
        let layers = ["{{ $labels.layer }}", "Quota", "Network", "Upstream", "Probe"];
        assert!(layers.contains(&&*text("labels", "layer")), "{name}");
        assert!(!text("annotations", "summary").is_empty());
        // The one about the operator has no code and no path: it is about all.
        let said = text("annotations", "description");
        assert!(said.contains("path"), "{name} does not say which path");
        let link = text("annotations", "runbook_url");
        assert_eq!(link, format!("docs/alerts.md#{}", name.to_lowercase()), "{name}");
        let expr = rule["expr"].as_str().unwrap();
        for away in ["pod", "instance", "job"] {
            assert!(!expr.contains(away), "{name} depends on {away}");
        }
    }
}

#[test]
fn every_alert_has_a_run_book_and_no_run_book_is_without_one() {
    let text = file("docs/alerts.md");
    let sections: BTreeSet<&str> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let rules = rules();
    let alerts: BTreeSet<&str> = rules.iter().filter_map(|rule| rule["alert"].as_str()).collect();
    assert_eq!(sections, alerts);
    for section in text.split("\n## ").skip(1) {
        for part in ["**Means**", "**First look**", "**Fix**", "**Silence**"] {
            assert!(section.contains(part), "{part} is missing: {section}");
        }
    }
    let linked = text
        .split("](findings/")
        .skip(1)
        .map(|rest| rest.split(".md").next().unwrap());
    for page in linked.filter(|page| *page != "README") {
        let known = CATALOGUE.iter().any(|entry| entry.code.name() == page);
        assert!(known, "there is no finding {page}");
    }
}

#[test]
fn rules_rest_on_metrics_and_labels_that_there_are() {
    for rule in rules() {
        let expr = rule["expr"].as_str().unwrap();
        for name in expr.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':')) {
            let known = |family: &claudeprobe::metrics::Family| name.strip_prefix(PREFIX) == Some(family.name);
            assert!(
                !name.starts_with(PREFIX) || FAMILIES.iter().any(known),
                "{name} in {expr}"
            );
        }
        // Every quoted list behind a label `code`.
        for listed in expr.split("code").skip(1).filter_map(|rest| {
            let rest = rest.trim_start_matches(['=', '!', '~']);
            rest.strip_prefix('"')?.split('"').next()
        }) {
            for code in listed.split('|') {
                assert!(
                    CATALOGUE.iter().any(|entry| entry.code.name() == code),
                    "no code {code}"
                );
            }
        }
    }
}

#[test]
fn the_rules_do_what_their_tests_say() {
    agreed("promtool", &["check", "rules", RULES], "");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/alerts");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().display().to_string())
        .filter(|path| path.ends_with(".yaml"))
        .collect();
    files.sort();
    let all: String = files
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    for rule in rules() {
        let Some(name) = rule["alert"].as_str() else { continue };
        assert!(
            all.contains(&format!("alertname=\"{name}\"")),
            "no test lets {name} fire"
        );
    }
    let arguments: Vec<&str> = ["test", "rules"]
        .into_iter()
        .chain(files.iter().map(String::as_str))
        .collect();
    agreed("promtool", &arguments, "");
}

/// A gateway that fails for any cause of the catalogue, or for none that is known, fires exactly one alert that wakes somebody.
#[test]
fn every_cause_pages_once() {
    let mut series = String::from("  - {series: 'claudeprobe_leader', values: '1+0x60'}\n");
    let codes = CATALOGUE
        .iter()
        .map(|entry| (entry.code.name(), format!("{:?}", entry.layer)));
    let all: Vec<(&str, String)> = codes.chain([("", String::new())]).collect();
    for (code, layer) in &all {
        let condition = CATALOGUE
            .iter()
            .find(|entry| entry.code.name() == *code)
            .and_then(|entry| entry.condition);
        let topic = condition.map(|condition| format!("{condition:?}"));
        for kind in ["GatewayPathHealthy".to_owned()].into_iter().chain(topic) {
            let _ = writeln!(
                series,
                "  - {{series: 'claudeprobe_condition_cause{{namespace=\"ai\",probe=\"p{code}\",type=\"{kind}\",code=\"{code}\",layer=\"{layer}\",path=\"edge\"}}', values: '1+0x60'}}"
            );
        }
    }
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join(RULES);
    let count = all.len();
    // The two about the whole cluster come besides; none of the four about a gateway comes twice, and nothing else with them.
    let text = format!(
        "rule_files: [{}]\nevaluation_interval: 1m\ntests:\n- interval: 1m\n  input_series:\n{series}  promql_expr_test:\n\
         \x20 - expr: count(ALERTS{{alertstate=\"firing\",severity=\"critical\",probe!=\"\"}})\n    eval_time: 30m\n    exp_samples: [{{labels: '{{}}', value: {count}}}]\n\
         \x20 - expr: count by (probe) (ALERTS{{alertstate=\"firing\",probe!=\"\"}}) > 1\n    eval_time: 30m\n    exp_samples: {}\n",
        rules.display(),
        // Beside a gateway that fails, workloads that hold an old key are another matter.
        "[{labels: '{probe=\"pWorkloadStaleCredential\"}', value: 2}]",
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("causes.yaml");
    std::fs::write(&path, text).unwrap();
    agreed("promtool", &["test", "rules", path.to_str().unwrap()], "");
}

#[test]
fn promtool_finds_nothing_in_the_operators_own_metrics() {
    let metrics = OperatorMetrics::new();
    metrics.reconciled(std::time::Duration::from_millis(3), Some("timeout"));
    metrics.requested("list", "pods");
    metrics.skewed(0.1);
    assert_eq!(agreed("promtool", &["check", "metrics"], &metrics.exposition(true)), "");
}

#[test]
fn alertmanager_takes_the_example_and_routes_by_severity() {
    const EXAMPLE: &str = "charts/claudeprobe/files/alertmanager-example.yaml";
    agreed("amtool", &["check-config", EXAMPLE], "");
    let config = format!("--config.file={EXAMPLE}");
    for (severity, receiver) in [("critical", "pager"), ("warning", "tickets")] {
        let labels = [
            "alertname=ClaudeGatewayFailing",
            &format!("severity={severity}"),
            &format!("--verify.receivers={receiver}"),
        ]
        .map(str::to_owned);
        let arguments: Vec<&str> = ["config", "routes", "test", &config]
            .into_iter()
            .chain(labels.iter().map(String::as_str))
            .collect();
        agreed("amtool", &arguments, "");
    }
    // Whatever it names is an alert.
    let rules = rules();
    let alerts: BTreeSet<&str> = rules.iter().filter_map(|rule| rule["alert"].as_str()).collect();
    let text = file(EXAMPLE);
    for named in text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| word.starts_with("Claude") && *word != "Claude")
    {
        assert!(alerts.contains(named), "{named}");
    }
}
