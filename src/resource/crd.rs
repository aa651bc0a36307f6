//! The CRD, generated from the Rust types: small, structural, in a stable order.
//!
//! `crds/claudeprobe.yaml` is this text; a test fails when the two differ.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::{Map, Number, Value, json};

use super::spec::{self, ClaudeProbe};

const HEADER: &str = "# The CRD of ClaudeProbe. Generated from the Rust types by `claudeprobe crd`.\n";

/// Why the definition could not be made; only a bug in the types' schema leads here.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionError {
    /// It is no JSON.
    #[error("the CRD is no valid JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// It cannot be written as YAML.
    #[error("the CRD cannot be written as YAML: {0}")]
    Yaml(String),
    /// It has not the shape that a definition has.
    #[error("the CRD has no {0}")]
    Shape(&'static str),
}

/// The definition as YAML, with a comment that says where it comes from.
///
/// # Errors
/// None in practice, see [`DefinitionError`].
pub fn yaml() -> Result<String, DefinitionError> {
    let body = serde_saphyr::to_string(&definition()?).map_err(|error| DefinitionError::Yaml(error.to_string()))?;
    Ok(format!("{HEADER}{body}"))
}

/// The definition as JSON.
///
/// # Errors
/// None in practice, see [`DefinitionError`].
pub fn definition() -> Result<Value, DefinitionError> {
    let definition: CustomResourceDefinition = ClaudeProbe::crd();
    let mut definition = serde_json::to_value(definition)?;
    let schema = definition
        .pointer_mut("/spec/versions/0/schema/openAPIV3Schema")
        .and_then(Value::as_object_mut)
        .ok_or(DefinitionError::Shape("schema"))?;
    tidy(schema);
    let about = schema
        .get("properties")
        .and_then(|root| root["spec"].get("description").cloned())
        .ok_or(DefinitionError::Shape("description"))?;
    schema.insert("description".into(), about);
    schema.insert("x-kubernetes-validations".into(), spec::name_rules());
    let properties = schema
        .get_mut("properties")
        .and_then(Value::as_object_mut)
        .ok_or(DefinitionError::Shape("properties"))?;
    // A name's length is for CEL to know; more of the metadata may not be declared.
    properties.insert("metadata".into(), json!({"type": "object"}));
    // `{}` says nothing that leaving the field out does not.
    for field in ["exchanges", "placement"] {
        if let Some(field) = properties["spec"]["properties"][field].as_object_mut() {
            field.remove("default");
        }
    }
    properties["spec"]["description"] = "What the probe sends, where, and when.".into();
    keyed(properties, "conditions", &["type"]);
    keyed(properties, "paths", &["name"]);
    keyed(properties, "credentials", &["secret", "key"]);
    Ok(definition)
}

/// Makes a list of the status a map, so that server-side apply and readers address entries by name.
fn keyed(properties: &mut Map<String, Value>, list: &str, keys: &[&str]) {
    if let Some(list) = properties["status"]["properties"][list].as_object_mut() {
        list.insert("x-kubernetes-list-type".into(), "map".into());
        list.insert("x-kubernetes-list-map-keys".into(), keys.into());
    }
}

/// Removes what the generators add and no reader needs, here and below.
fn tidy(schema: &mut Map<String, Value>) {
    // `null` for an optional field is dropped by the API server, which is what a template that renders nothing wants.
    schema.remove("nullable");
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = unwrapped(text);
    }
    for bound in ["minimum", "maximum"] {
        if let Some(Value::Number(number)) = schema.get_mut(bound) {
            *number = whole(number);
        }
    }
    // An object of any fields says so with `x-kubernetes-preserve-unknown-fields` alone.
    if schema.get("additionalProperties") == Some(&Value::Bool(true)) {
        schema.remove("additionalProperties");
    }
    // The defaults of the fields fill an empty object; writing them twice invites a difference.
    if schema.get("default").is_some_and(Value::is_object) {
        schema.insert("default".into(), json!({}));
    }
    for nested in ["items", "additionalProperties"] {
        if let Some(Value::Object(nested)) = schema.get_mut(nested) {
            tidy(nested);
        }
    }
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for property in properties.values_mut().filter_map(Value::as_object_mut) {
            tidy(property);
        }
    }
}

/// Source comments are wrapped for the source; readers wrap for themselves. Paragraphs stay.
fn unwrapped(text: &str) -> String {
    text.split("\n\n")
        .map(|paragraph| paragraph.split('\n').map(str::trim).collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join("\n\n")
}

/// Bounds pass through a float on their way; 1.0 is 1.
fn whole(number: &Number) -> Number {
    match number.as_f64() {
        // Exact below 2^53, and no bound here is near it.
        #[allow(clippy::cast_possible_truncation)]
        Some(value) if value.fract() == 0.0 && value.abs() < 9e15 => Number::from(value as i64),
        _ => number.clone(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    /// Calls `visit` with the path of every schema below, and with the schema.
    fn walk(path: &str, schema: &Value, visit: &mut dyn FnMut(&str, &Value)) {
        visit(path, schema);
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            walk(&format!("{path}.{name}"), property, visit);
        }
        for nested in ["items", "additionalProperties"] {
            if schema[nested].is_object() {
                walk(&format!("{path}[]"), &schema[nested], visit);
            }
        }
    }

    fn spec_schema() -> Value {
        definition().unwrap()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"].clone()
    }

    #[test]
    fn every_string_list_map_and_number_of_the_spec_is_bounded() {
        let mut loose = Vec::new();
        walk("spec", &spec_schema(), &mut |path, schema| {
            let bounded = match schema["type"].as_str() {
                Some("string") => schema.get("maxLength").is_some() || schema.get("enum").is_some(),
                Some("array") => schema.get("maxItems").is_some(),
                Some("integer") => schema.get("maximum").is_some() && schema.get("minimum").is_some(),
                Some("object") => schema.get("additionalProperties").is_none() || schema.get("maxProperties").is_some(),
                _ => true,
            };
            if !bounded {
                loose.push(path.to_owned());
            }
        });
        assert!(loose.is_empty(), "{loose:?}");
    }

    #[test]
    fn every_field_of_spec_and_status_is_described() {
        let schema = definition().unwrap()["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone();
        walk("", &schema, &mut |path, schema| {
            let needs_none = path.is_empty() || path.ends_with(']') || path == ".metadata";
            assert!(
                needs_none || schema["description"].is_string(),
                "{path} has no description"
            );
        });
    }

    #[test]
    fn the_file_in_crds_is_what_the_types_say() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/crds/claudeprobe.yaml");
        let written = std::fs::read_to_string(file).unwrap_or_default();
        assert!(written == yaml().unwrap(), "{file} is old: run make generate");
    }

    #[test]
    fn every_rule_says_what_to_do_in_a_sentence_without_a_full_stop() {
        walk("spec", &spec_schema(), &mut |path, schema| {
            for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
                let message = rule["message"].as_str().unwrap();
                assert!(!message.ends_with('.') && message.len() < 160, "{path}: {message}");
            }
        });
    }
}
