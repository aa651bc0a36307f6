//! Grafana's requests to Prometheus for these dashboards: each query of each panel and each variable, with variables
//! expanded as in Grafana.
//!
//! Reads the JSON that users import, not its source.

use std::path::Path;

use serde_json::Value;

/// The least step of the panels, and of `$__interval`.
const STEP: u64 = 30;

/// A user's choices and the time range.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Empty if series have no such label, as in a Prometheus of one cluster.
    pub cluster: &'a str,
    /// The overview allows several.
    pub namespaces: &'a [&'a str],
    /// In the first namespace.
    pub probe: &'a str,
    /// `None`: all.
    pub paths: Option<&'a [&'a str]>,
    /// End of the time range, in seconds since 1970.
    pub until: u64,
    /// Length of the time range in seconds.
    pub range: u64,
}

/// A request of a dashboard.
#[derive(Clone, Debug)]
pub struct Question {
    /// Dashboard, panel and query.
    pub of: String,
    /// Path and query string of Prometheus' HTTP API.
    pub url: String,
}

/// The files that users import.
pub fn files() -> Vec<std::path::PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/claudeprobe/files/dashboards");
    let entries = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// All requests of all dashboards.
pub fn questions(view: View<'_>) -> Vec<Question> {
    let parsed = files()
        .into_iter()
        .map(|file| serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap());
    let dashboards: Vec<Value> = parsed.collect();
    dashboards
        .iter()
        .flat_map(|dashboard| of_dashboard(dashboard, view))
        .collect()
}

fn of_dashboard(dashboard: &Value, view: View<'_>) -> Vec<Question> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let title = dashboard["title"].as_str().unwrap();
    let variables = list(&dashboard["templating"]["list"]);
    let put_in = |text: &str| interpolated(text, &variables, view);
    let choices = variables
        .iter()
        .filter(|variable| variable["type"] == "query")
        .map(|variable| {
            let name = variable["name"].as_str().unwrap();
            let values = variable["query"]["query"].as_str().unwrap();
            let (series, label) = values
                .strip_prefix("label_values(")
                .and_then(|rest| rest.strip_suffix(')')?.rsplit_once(", "))
                .unwrap();
            Question {
                of: format!("{title}: variable {name}"),
                url: url(
                    &format!("/api/v1/label/{label}/values"),
                    &[("match[]", &put_in(series))],
                ),
            }
        });
    let panels = list(&dashboard["panels"]);
    let asked = panels
        .iter()
        .flat_map(|panel| list(&panel["targets"]).into_iter().map(move |target| (panel, target)));
    let asked = asked.map(|(panel, target)| {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let expr = put_in(&text(&target["expr"]));
        // Grafana aligns times to the step.
        let end = view.until / STEP * STEP;
        let url = if target["instant"] == true {
            url("/api/v1/query", &[("query", &expr), ("time", &view.until.to_string())])
        } else {
            let (start, end, step) = ((end - view.range).to_string(), end.to_string(), STEP.to_string());
            url(
                "/api/v1/query_range",
                &[("query", &expr), ("start", &start), ("end", &end), ("step", &step)],
            )
        };
        Question {
            of: format!("{title}: {} ({})", text(&panel["title"]), text(&target["refId"])),
            url,
        }
    });
    choices.chain(asked).collect()
}

fn url(path: &str, parameters: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish();
    format!("{path}?{query}")
}

/// Every `$name`, longest first: `$__range` also starts with `$__r`.
fn interpolated(text: &str, variables: &[Value], view: View<'_>) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        let end = after
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(after.len());
        result.push_str(before);
        result.push_str(&value(&after[..end], variables, view));
        rest = &after[end..];
    }
    result + rest
}

fn value(name: &str, variables: &[Value], view: View<'_>) -> String {
    match name {
        "__range" => return format!("{}s", view.range),
        "__interval" => return format!("{STEP}s"),
        "__rate_interval" => return format!("{}s", 4 * STEP),
        _ => {}
    }
    let variable = variables.iter().find(|variable| variable["name"] == name);
    let variable = variable.unwrap_or_else(|| panic!("${name} is no variable of the dashboard"));
    let all = || variable["allValue"].as_str().unwrap().to_owned();
    match (name, variable["multi"] == true) {
        ("cluster", false) => view.cluster.to_owned(),
        ("namespace", true) => any(view.namespaces),
        ("namespace", false) => view.namespaces[0].to_owned(),
        ("probe", false) => view.probe.to_owned(),
        ("path", true) => view.paths.map_or_else(all, any),
        _ => panic!("nothing is chosen for ${name}"),
    }
}

/// Several values as a regular expression, as in Grafana.
fn any(values: &[&str]) -> String {
    let escaped: Vec<String> = values.iter().map(|value| value.replace('.', "\\\\.")).collect();
    match &escaped[..] {
        [only] => only.clone(),
        several => format!("({})", several.join("|")),
    }
}

/// The number of values or choices in a response; an error with the response if there are none.
pub fn data(answer: &Value) -> Result<usize, String> {
    if answer["status"] != "success" {
        return Err(answer.to_string());
    }
    let numbers = |series: &Value| {
        let several = series["values"].as_array().into_iter().flatten();
        let samples = several.chain(series["value"].as_array().map(|_| &series["value"]));
        samples.filter(|sample| sample[1] != "NaN").count()
    };
    let count = match answer["data"].as_array() {
        Some(choices) => choices.len(),
        None => answer["data"]["result"]
            .as_array()
            .into_iter()
            .flatten()
            .map(numbers)
            .sum(),
    };
    if count == 0 {
        Err("no data".to_owned())
    } else {
        Ok(count)
    }
}
