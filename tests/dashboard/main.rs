//! The dashboards: the JSON matches its source and the types that Grafana publishes.
//!
//! `charts/dashboards/*.yaml` is the source; `make generate` regenerates the chart's JSON and
//! docs/dashboard.md. tests/alerts/live.rs and tests/cluster/stories run the queries on a real Prometheus. Appearance is not
//! tested: these tests have no Grafana.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod queries;
mod render;
mod source;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use claudeprobe::catalogue::Layer;
use claudeprobe::metrics::{FAMILIES, PREFIX};
use claudeprobe::resource::status::VerdictState;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::source::{Dashboard, Kind, Shared};

const NAMES: [&str; 3] = ["overview", "probe", "operator"];

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn yaml<T: DeserializeOwned>(name: &str) -> T {
    let text = std::fs::read_to_string(at(&format!("charts/dashboards/{name}.yaml"))).unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("charts/dashboards/{name}.yaml: {error}"))
}

fn dashboards() -> Vec<(&'static str, Dashboard)> {
    NAMES.map(|name| (name, yaml(name))).into()
}

fn rendered(dashboard: &Dashboard) -> String {
    serde_json::to_string_pretty(&render::dashboard(dashboard, &yaml("shared"))).unwrap() + "\n"
}

fn compare(file: &str, text: &str) {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(at(file).parent().unwrap()).unwrap();
        std::fs::write(at(file), text).unwrap();
    }
    let kept = std::fs::read_to_string(at(file)).unwrap_or_default();
    assert!(
        kept == text,
        "{file} differs from charts/dashboards/: run make generate"
    );
}

#[test]
fn the_charts_json_matches_its_source() {
    for (name, dashboard) in dashboards() {
        compare(
            &format!("charts/claudeprobe/files/dashboards/{name}.json"),
            &rendered(&dashboard),
        );
    }
    assert_eq!(queries::files().len(), NAMES.len(), "a file without a source");
}

/// Errors that Grafana's own types report for these dashboards, or an empty text.
fn type_errors(files: &[PathBuf]) -> String {
    let output = Command::new(at("tests/tools/grafana/check"))
        .args(files)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.success(), errors.is_empty(), "{errors}");
    errors
}

#[test]
fn grafanas_own_types_accept_each_dashboard() {
    assert_eq!(type_errors(&queries::files()), "");
}

#[test]
fn grafanas_own_types_reject_a_typo_at_every_depth() {
    let good = render::dashboard(&yaml("overview"), &yaml("shared"));
    let panel = |title: &str| {
        let panels = good["panels"].as_array().unwrap();
        let found = panels
            .iter()
            .position(|panel| panel["title"] == title && panel["type"] != "row");
        format!("/panels/{}", found.unwrap_or_else(|| panic!("no panel {title}")))
    };
    let (stat, table) = (panel("Probes by verdict"), panel("All probes"));
    let (lines, bands) = (panel("Findings by code"), panel("Verdicts"));
    let slips = [
        (String::new(), "refreshh", json!("1m")),
        (String::new(), "schemaVersion", json!("39")),
        ("/templating/list/1".to_owned(), "includAll", json!(true)),
        ("/links/0".to_owned(), "keepTimes", json!(true)),
        (stat.clone(), "descriptions", json!("")),
        (stat.clone(), "type", json!("grafana-piechart-panel")),
        (stat.clone(), "type", json!("graph")),
        (format!("{stat}/gridPos"), "width", json!(3)),
        (format!("{stat}/options"), "graphMod", json!("none")),
        (format!("{stat}/options/reduceOptions"), "calc", json!([])),
        (format!("{stat}/targets/0"), "expression", json!("up")),
        (format!("{stat}/targets/0/datasource"), "type", json!("loki")),
        (format!("{table}/options"), "cellHeights", json!("sm")),
        (format!("{table}/transformations/0"), "option", json!({})),
        (format!("{lines}/fieldConfig/defaults"), "units", json!("s")),
        (
            format!("{lines}/fieldConfig/defaults/custom"),
            "drawstyle",
            json!("line"),
        ),
        (
            format!("{lines}/fieldConfig/defaults/custom/stacking"),
            "modes",
            json!("normal"),
        ),
        (format!("{bands}/options"), "rowHeight", json!("tall")),
        (
            format!("{bands}/fieldConfig/defaults/mappings/0/options"),
            "until",
            json!(1),
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (number, (place, field, value)) in slips.into_iter().enumerate() {
        let mut bad = good.clone();
        bad.pointer_mut(&place).unwrap_or_else(|| panic!("nothing at {place}"))[field] = value;
        let file = folder.path().join(format!("{number}.json"));
        std::fs::write(&file, bad.to_string()).unwrap();
        let errors = type_errors(&[file]);
        assert!(!errors.is_empty(), "{field} at {place} is accepted");
    }
    // The error names the file and the field.
    let file = folder.path().join("named.json");
    let mut bad = good.clone();
    bad.pointer_mut(&format!("{lines}/fieldConfig/defaults")).unwrap()["units"] = json!("s");
    std::fs::write(&file, bad.to_string()).unwrap();
    let errors = type_errors(&[file]);
    assert!(errors.contains("named.json") && errors.contains("units"), "{errors}");
}

/// Grafana's units in these dashboards: Grafana shows an unknown unit as a suffix.
const UNITS: [&str; 7] = ["none", "short", "s", "percentunit", "currencyUSD", "ops", "reqps"];

#[test]
fn every_panel_has_a_description_a_unit_and_a_runbook_that_exists() {
    let runbooks = std::fs::read_to_string(at("docs/alerts.md")).unwrap();
    for (name, dashboard) in dashboards() {
        for panel in dashboard.rows.iter().flat_map(|row| &row.panels) {
            let of = format!("{name}: {}", panel.title);
            assert!(
                panel.description.len() > 20 && panel.description.trim().ends_with('.'),
                "{of} has no description"
            );
            assert!(panel.width <= 24 && !panel.queries.is_empty(), "{of}");
            // Words have no unit, and table columns have their own.
            let wants_unit = panel.values.is_none() && panel.kind != Kind::Table;
            assert_eq!(panel.unit.is_some(), wants_unit, "{of}: unit");
            let units = panel
                .unit
                .iter()
                .chain(panel.columns.iter().filter_map(|column| column.unit.as_ref()));
            units.for_each(|unit| assert!(UNITS.contains(&unit.as_str()), "{of}: {unit}"));
            assert_eq!(panel.kind == Kind::Table, !panel.columns.is_empty(), "{of}: columns");
            if let Some(sort) = &panel.sort {
                assert!(
                    panel.columns.iter().any(|column| column.name == *sort),
                    "{of}: no column {sort}"
                );
            }
            if let Some(alert) = &panel.alert {
                assert!(
                    runbooks.contains(&format!("\n## {alert}\n")),
                    "{of}: no runbook {alert}"
                );
            }
        }
    }
}

#[test]
fn queries_use_existing_metrics_and_no_replica() {
    let mut seen = std::collections::BTreeSet::new();
    for (name, dashboard) in dashboards() {
        for panel in dashboard.rows.iter().flat_map(|row| &row.panels) {
            for query in &panel.queries {
                let of = format!("{name}: {}: {}", panel.title, query.expr);
                for word in query.expr.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')) {
                    let Some(metric) = word.strip_prefix(PREFIX) else {
                        continue;
                    };
                    let bare = ["_bucket", "_count", "_sum"]
                        .iter()
                        .find_map(|suffix| metric.strip_suffix(suffix));
                    let known = FAMILIES
                        .iter()
                        .find(|family| family.name == metric || Some(family.name) == bare);
                    seen.insert(known.unwrap_or_else(|| panic!("{of}: no metric {word}")).name);
                }
                // A change of the leader must not matter: each query aggregates the replica away. Rates come before sums.
                let by_replica = ["instance", "pod", "job"]
                    .iter()
                    .any(|label| query.expr.contains(label));
                assert!(!by_replica || panel.title == "Leader", "{of} depends on a replica");
                assert!(
                    ["sum", "max", "min", "count", "avg"]
                        .iter()
                        .any(|f| query.expr.contains(f)),
                    "{of} is not aggregated"
                );
                assert!(!query.expr.contains("claudeprobe:"), "{of} needs the recording rules");
            }
        }
    }
    let shown: Vec<&str> = FAMILIES
        .iter()
        .map(|family| family.name)
        .filter(|name| !seen.contains(name))
        .collect();
    // `kubectl get` shows the next run; the alerts show why a condition is False.
    assert_eq!(
        shown,
        ["condition_cause", "next_run_timestamp_seconds"],
        "metrics that no panel shows"
    );
}

#[test]
fn value_mappings_and_colours_cover_verdicts_and_layers() {
    use VerdictState::{Degraded, Failing, Healthy, Inconclusive, Unknown};
    let shared: Shared = yaml("shared");
    let states = [Healthy, Degraded, Failing, Inconclusive, Unknown].map(|state| format!("{state:?}"));
    for state in &states {
        let colour = &shared.series["verdict"][state];
        let word = shared.values["verdict"]
            .iter()
            .find(|(.., text, _)| text == state)
            .unwrap();
        assert_eq!(&word.3, colour, "{state} has two colours");
        for (name, dashboard) in dashboards().iter().filter(|(name, _)| *name != "operator") {
            // The queries use the same number for the state.
            let given = format!("{} * claudeprobe_verdict{{...,state=\"{state}\"}}", word.0);
            let text = dashboard
                .rows
                .iter()
                .flat_map(|row| &row.panels)
                .flat_map(|panel| &panel.queries);
            assert!(
                text.into_iter().any(|query| query.expr.contains(&given)),
                "{name}: {given}"
            );
        }
    }
    let distinct: std::collections::BTreeSet<&String> =
        states.iter().map(|state| &shared.series["verdict"][state]).collect();
    assert_eq!(distinct.len(), states.len(), "two verdicts have the same appearance");
    for layer in [Layer::Configuration, Layer::Quota, Layer::Network, Layer::Upstream] {
        assert!(shared.series["layer"].contains_key(&format!("{layer:?}")), "{layer:?}");
    }
}

#[test]
fn a_dashboard_imports_into_any_grafana() {
    for (name, dashboard) in dashboards() {
        let json: Value = serde_json::from_str(&rendered(&dashboard)).unwrap();
        assert_eq!(json["uid"], format!("claudeprobe-{name}"), "links contain it");
        assert!(json["id"].is_null(), "an id belongs to one Grafana");
        assert_eq!(json["templating"]["list"][0]["type"], "datasource");
        let panels = json["panels"].as_array().unwrap();
        for panel in panels.iter().filter(|panel| panel["type"] != "row") {
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
        }
        let mut places: Vec<[u64; 4]> = Vec::new();
        for panel in panels {
            let [x, y, w, h] = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
            let apart = |[a, b, c, d]: &[u64; 4]| x >= a + c || *a >= x + w || y >= b + d || *b >= y + h;
            assert!(
                x + w <= 24 && places.iter().all(apart),
                "{name}: {} overlaps another panel",
                panel["title"]
            );
            places.push([x, y, w, h]);
        }
    }
}

#[test]
fn variables_expand_as_in_grafana() {
    let view = queries::View {
        cluster: "",
        namespaces: &["ai", "team.b"],
        probe: "assistants",
        paths: None,
        until: 1_000_000_015,
        range: 3600,
    };
    let asked = |view, of: &str| {
        let all = queries::questions(view);
        let found = all.into_iter().find(|question| question.of == of);
        let url = found.unwrap_or_else(|| panic!("no question {of}")).url;
        let (path, query) = url.split_once('?').unwrap();
        let pairs = url::form_urlencoded::parse(query.as_bytes()).map(|(name, value)| format!("{name}={value}"));
        format!("{path} {}", pairs.collect::<Vec<_>>().join(" "))
    };
    assert_eq!(
        asked(view, "claudeprobe / All probes: Cost (A)"),
        r#"/api/v1/query query=sum(increase(claudeprobe_cost_usd_total{cluster="",namespace=~"(ai|team\\.b)"}[3600s])) time=1000000015"#
    );
    let headroom = "claudeprobe / One probe: Headroom (A)";
    let with = |paths: &str| {
        format!(
            r#"/api/v1/query_range query=min by (limit) (claudeprobe_ratelimit_remaining_ratio{{cluster="",namespace="ai",probe="assistants",path=~"{paths}"}}) start=999996390 end=999999990 step=30"#
        )
    };
    assert_eq!(asked(view, headroom), with(".*"));
    let paths = |paths: &'static [&str]| queries::View {
        paths: Some(paths),
        ..view
    };
    assert_eq!(asked(paths(&["edge"]), headroom), with("edge"));
    assert_eq!(asked(paths(&["direct", "edge"]), headroom), with("(direct|edge)"));
    assert_eq!(
        asked(view, "claudeprobe / One probe: variable probe"),
        r#"/api/v1/label/probe/values match[]=claudeprobe_verdict{cluster="",namespace="ai"}"#
    );
}

#[test]
fn an_error_an_empty_result_and_nan_are_no_data() {
    let answer = |result: Value| json!({"status": "success", "data": {"resultType": "vector", "result": result}});
    assert_eq!(
        queries::data(&answer(json!([{"metric": {}, "value": [1, "2"]}]))),
        Ok(1)
    );
    assert_eq!(
        queries::data(&answer(json!([{"metric": {}, "values": [[1, "2"], [2, "NaN"]]}]))),
        Ok(1)
    );
    assert_eq!(queries::data(&json!({"status": "success", "data": ["edge"]})), Ok(1));
    for nothing in [
        answer(json!([])),
        answer(json!([{"metric": {}, "value": [1, "NaN"]}])),
        json!({"status": "success", "data": []}),
        json!({"status": "error", "error": "parse error"}),
        Value::Null,
    ] {
        assert!(queries::data(&nothing).is_err(), "{nothing}");
    }
}

#[test]
fn the_list_of_panels_matches_the_source() {
    let mut text = String::from(include_str!("head.md"));
    for (name, dashboard) in dashboards() {
        let _ = writeln!(
            text,
            "\n## {}\n\n{} Source: [{name}.yaml](../charts/dashboards/{name}.yaml).",
            dashboard.title, dashboard.description
        );
        for row in &dashboard.rows {
            let _ = writeln!(
                text,
                "\n### {}\n\n| panel | description | runbook |\n|---|---|---|",
                row.title
            );
            for panel in &row.panels {
                let link = panel
                    .alert
                    .iter()
                    .map(|alert| format!("[{alert}](alerts.md#{})", alert.to_lowercase()));
                let _ = writeln!(
                    text,
                    "| {} | {} | {} |",
                    panel.title,
                    panel.description.trim(),
                    link.collect::<String>()
                );
            }
        }
    }
    compare("docs/dashboard.md", &text);
}
