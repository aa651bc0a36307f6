//! The alerts: each has annotations and a runbook, fires for its cause only, and uses existing metrics.
//!
//! `promtool` and `amtool` (Debian: prometheus, prometheus-alertmanager) run the checks; tests/tools/install prometheus
//! installs them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    missing_docs
)]

mod live;
#[path = "../dashboard/queries.rs"]
mod queries;
mod shortened;

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

/// Runs a tool on standard input; returns its output. Panics when it fails.
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
fn every_alert_has_severity_layer_path_and_a_runbook() {
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
        let summary = text("annotations", "summary");
        assert!(
            !summary.is_empty() && !summary.contains('\n'),
            "{name}: the summary is one line"
        );
        let description = text("annotations", "description");
        assert!(description.contains("path"), "{name} does not name the path");
        let link = text("annotations", "runbook_url");
        assert_eq!(link, format!("docs/alerts.md#{}", name.to_lowercase()), "{name}");
        let expr = rule["expr"].as_str().unwrap();
        for away in ["pod", "instance", "job"] {
            assert!(!expr.contains(away), "{name} depends on {away}");
        }
    }
}

#[test]
fn every_alert_has_a_runbook_and_every_runbook_has_an_alert() {
    let text = file("docs/alerts.md");
    let sections: BTreeSet<&str> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let rules = rules();
    let alerts: BTreeSet<&str> = rules.iter().filter_map(|rule| rule["alert"].as_str()).collect();
    assert_eq!(sections, alerts);
    for section in text.split("\n## ").skip(1) {
        for part in ["**Means**", "**Check**", "**Fix**", "**Silence**"] {
            assert!(section.contains(part), "{part} is missing: {section}");
        }
    }
}

/// Pages that a text names after this.
fn pages<'a>(text: &'a str, before: &str) -> Vec<&'a str> {
    let ends = |rest: &'a str| rest.split_once(".md").map(|(page, _)| page);
    text.split(before).skip(1).filter_map(ends).collect()
}

#[test]
fn each_finding_that_an_alert_or_its_runbook_links_has_a_page() {
    let (runbooks, rules) = (file("docs/alerts.md"), file("charts/claudeprobe/files/alerts.yaml"));
    let linked = [pages(&runbooks, "](findings/"), pages(&rules, "docs/findings/")].concat();
    // A page that the rule's labels name is one of the catalogue's.
    let templates = |page: &&str| page.starts_with("{{");
    let (named, written): (Vec<&str>, Vec<&str>) = linked.into_iter().partition(templates);
    assert!(!named.is_empty() && written.len() > 3, "{named:?} {written:?}");
    let codes = CATALOGUE.iter().map(|entry| entry.code.name());
    for page in written.into_iter().chain(codes) {
        assert!(
            !file(&format!("docs/findings/{page}.md")).is_empty(),
            "there is no page {page}"
        );
    }
}

#[test]
fn rules_use_existing_metrics_and_codes() {
    for rule in rules() {
        let expr = rule["expr"].as_str().unwrap();
        for name in expr.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':')) {
            let known = |family: &claudeprobe::metrics::Family| name.strip_prefix(PREFIX) == Some(family.name);
            assert!(
                !name.starts_with(PREFIX) || FAMILIES.iter().any(known),
                "{name} in {expr}"
            );
        }
        // Every quoted list of the label `code`.
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
fn the_rules_pass_promtools_tests() {
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
            "no test makes {name} fire"
        );
    }
    let arguments: Vec<&str> = ["test", "rules"]
        .into_iter()
        .chain(files.iter().map(String::as_str))
        .collect();
    agreed("promtool", &arguments, "");
}

/// A gateway that fails for any cause of the catalogue, or for an unknown cause, fires exactly one critical alert.
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
    // The two alerts per cluster fire too; each of the four gateway alerts fires at most once, and no other alert with it.
    let text = format!(
        "rule_files: [{}]\nevaluation_interval: 1m\ntests:\n- interval: 1m\n  input_series:\n{series}  promql_expr_test:\n\
         \x20 - expr: count(ALERTS{{alertstate=\"firing\",severity=\"critical\",probe!=\"\"}})\n    eval_time: 30m\n    exp_samples: [{{labels: '{{}}', value: {count}}}]\n\
         \x20 - expr: count by (probe) (ALERTS{{alertstate=\"firing\",probe!=\"\"}}) > 1\n    eval_time: 30m\n    exp_samples: {}\n",
        rules.display(),
        // Workloads with an old key are a separate problem from a failing gateway.
        "[{labels: '{probe=\"pWorkloadStaleCredential\"}', value: 2}]",
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("causes.yaml");
    std::fs::write(&path, text).unwrap();
    agreed("promtool", &["test", "rules", path.to_str().unwrap()], "");
}

#[test]
fn promtool_accepts_the_operators_own_metrics() {
    let metrics = OperatorMetrics::new();
    metrics.reconciled(std::time::Duration::from_millis(3), Some("timeout"));
    metrics.requested("list", "pods");
    metrics.skewed(0.1);
    assert_eq!(agreed("promtool", &["check", "metrics"], &metrics.exposition(true)), "");
}

#[test]
fn alertmanager_accepts_the_example_and_routes_by_severity() {
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
    // Every alert name in the example exists.
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
