//! The reference of every field, made from the same schema that the API server enforces: `docs/reference.md`.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::crd::{self, DefinitionError};

const HEAD: &str = "\
# Reference of `ClaudeProbe`

Generated from the CRD (`crds/claudeprobe.yaml`), which is generated from the Rust types. `kubectl explain
claudeprobe.spec` says the same in a terminal. Durations are written as in Go: `90s`, `5m`, `1h30m`, `24h`. Whole manifests are in
[examples](../examples); what the API server rejects, and with which message, is in [tests/crd/rejected.yaml](../tests/crd/rejected.yaml).

The name of a probe has at most 52 characters. The annotation `claudeprobe.dev/run-now: <any new value>` starts a run at once.
";

/// Most values of an enum that are written out.
const SHORT_ENUM: usize = 8;

/// The reference as Markdown.
///
/// # Errors
/// None in practice, see [`DefinitionError`].
pub fn markdown() -> Result<String, DefinitionError> {
    let definition = crd::definition()?;
    let root = definition
        .pointer("/spec/versions/0/schema/openAPIV3Schema/properties")
        .ok_or(DefinitionError::Shape("schema"))?;
    let mut sections = Sections::default();
    for part in ["spec", "status"] {
        sections.add(part, &root[part]);
        while let Some((path, schema)) = sections.pending.pop() {
            sections.add(&path, &schema);
        }
    }
    Ok(format!("{HEAD}{}", sections.text))
}

/// One section per object; the same object is written once.
#[derive(Default)]
struct Sections {
    text: String,
    /// Objects that were written or will be, and where.
    known: Vec<(Value, String)>,
    /// Objects to write next, the last first.
    pending: Vec<(String, Value)>,
}

impl Sections {
    fn add(&mut self, path: &str, schema: &Value) {
        let _ = write!(self.text, "\n## `{path}`\n");
        if let Some(about) = schema["description"].as_str() {
            let _ = write!(self.text, "{about}\n\n");
        }
        self.text.push_str("| field | type | |\n|---|---|---|\n");
        let mut below = Vec::new();
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let field_path = format!("{path}.{name}");
            let kind = self.kind(&field_path, field, &mut below);
            let required = schema["required"]
                .as_array()
                .is_some_and(|required| required.iter().any(|required| required == name));
            let need = if required { ", required" } else { "" };
            let about = field["description"].as_str().unwrap_or_default().replace('|', "\\|");
            let _ = writeln!(self.text, "| `{name}` | {kind}{need} | {about} |");
        }
        // Depth first, in the order of the fields.
        self.pending.extend(below.into_iter().rev());
        let messages: Vec<String> = messages(schema);
        if !messages.is_empty() {
            self.text.push_str("\nThe API server rejects a mistake here with:\n\n");
            for message in messages {
                let _ = writeln!(self.text, "- {message}");
            }
        }
    }

    fn kind(&mut self, path: &str, schema: &Value, below: &mut Vec<(String, Value)>) -> String {
        match schema["type"].as_str().unwrap_or_default() {
            "array" => {
                let most = schema["maxItems"]
                    .as_i64()
                    .map_or_else(String::new, |most| format!(", at most {most}"));
                let items = self.kind(&format!("{path}[]"), &schema["items"], below);
                format!("list of {items}{most}")
            }
            "object" => match (&schema["additionalProperties"], &schema["properties"]) {
                (Value::Object(values), _) => {
                    format!("map of {}", values.get("type").and_then(Value::as_str).unwrap_or("any"))
                }
                (_, Value::Object(fields)) => self.link(path, schema, fields, below),
                _ => "empty object".into(),
            },
            "string" => match schema["enum"].as_array() {
                Some(values) if values.len() <= SHORT_ENUM => values
                    .iter()
                    .filter_map(Value::as_str)
                    .map(|value| format!("`{value}`"))
                    .collect::<Vec<_>>()
                    .join(", "),
                Some(_) => "[code](findings/README.md#all-findings)".into(),
                None => "string".into(),
            },
            other => other.to_owned(),
        }
    }

    fn link(
        &mut self,
        path: &str,
        schema: &Value,
        fields: &Map<String, Value>,
        below: &mut Vec<(String, Value)>,
    ) -> String {
        let shape = Value::Object(fields.clone());
        let place = match self.known.iter().find(|(known, _)| *known == shape) {
            Some((_, place)) => place.clone(),
            None => {
                self.known.push((shape, path.to_owned()));
                below.push((path.to_owned(), schema.clone()));
                path.to_owned()
            }
        };
        format!("[{}](#{})", last(path), anchor(&place))
    }
}

fn messages(schema: &Value) -> Vec<String> {
    schema["x-kubernetes-validations"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|rule| {
            let message = rule["message"].as_str()?;
            let field = rule["fieldPath"].as_str().map(|field| field.trim_start_matches('.'));
            Some(field.map_or_else(|| message.to_owned(), |field| format!("`{field}`: {message}")))
        })
        .collect()
}

fn last(path: &str) -> String {
    path.rsplit('.')
        .next()
        .unwrap_or(path)
        .trim_end_matches("[]")
        .to_owned()
}

/// GitHub's anchor of a heading: lower case, without punctuation.
fn anchor(path: &str) -> String {
    path.to_lowercase()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .collect()
}
