//! Compares a document with the resource's schema: a typo in a file is an error here as it is at the API server.
//!
//! Checks only shapes: unknown and missing fields, wrong types, values outside an enum. The resource itself checks the
//! meaning of values. Walks the schema itself, because serde stops at the first error, and because a struct with
//! flattened fields (every path) silently ignores an unknown field.

use serde_json::Value;

use crate::resource::validated::SpecFault;

/// Fields that had another name before.
const RENAMED: [(&str, &str); 2] = [("carrier", "authHeader"), ("canaries", "forwardingChecks")];

/// All faults of `document` against `schema` (an OpenAPI v3 structural schema), `path` being the document's own.
#[must_use]
pub fn faults(document: &Value, schema: &Value, path: &str) -> Vec<SpecFault> {
    let mut found = Vec::new();
    walk(document, schema, path, &mut found);
    found
}

fn walk(value: &Value, schema: &Value, path: &str, found: &mut Vec<SpecFault>) {
    if value.is_null() && schema["nullable"] == true {
        return;
    }
    if schema["x-kubernetes-int-or-string"] == true && (value.is_string() || value.is_i64()) {
        return;
    }
    let Some(kind) = schema["type"].as_str() else { return };
    if !is(value, kind) {
        let fix = if kind == "string" { ": put it in quotes" } else { "" };
        add(
            found,
            path,
            format!("must be of type {kind} but is {}{fix}", name_of(value)),
        );
        return;
    }
    match value {
        Value::Object(fields) => object(fields, schema, path, found),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, &schema["items"], &format!("{path}[{index}]"), found);
            }
        }
        _ => {
            if let Some(allowed) = schema["enum"].as_array()
                && !allowed.contains(value)
            {
                let allowed: Vec<String> = allowed.iter().map(plain).collect();
                add(found, path, format!("{value} must be one of {}", allowed.join(", ")));
            }
        }
    }
}

fn object(fields: &serde_json::Map<String, Value>, schema: &Value, path: &str, found: &mut Vec<SpecFault>) {
    let known = schema["properties"].as_object();
    for (name, value) in fields {
        let field = format!("{path}.{name}");
        match known.and_then(|known| known.get(name)) {
            Some(schema) => walk(value, schema, &field, found),
            None if schema["x-kubernetes-preserve-unknown-fields"] == true => {}
            None if schema["additionalProperties"].is_object() => {
                walk(value, &schema["additionalProperties"], &field, found);
            }
            None => {
                let near = known.and_then(|known| nearest(name, known.keys()));
                let hint = near.map_or_else(String::new, |near| format!(", did you mean {near}?"));
                add(found, &field, format!("unknown field{hint}"));
            }
        }
    }
    for required in schema["required"].as_array().into_iter().flatten() {
        if let Some(name) = required.as_str()
            && !fields.contains_key(name)
        {
            add(found, &format!("{path}.{name}"), "must be set".into());
        }
    }
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        _ => true,
    }
}

fn name_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn add(found: &mut Vec<SpecFault>, field: &str, message: String) {
    found.push(SpecFault {
        field: field.to_owned(),
        message,
    });
}

/// The known name that an unknown one is most similar to, if one is near enough, or the new name of a renamed field.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> Option<&'a String> {
    let renamed = RENAMED.iter().find(|(old, _)| *old == name).map(|(_, new)| *new);
    let typed = renamed.unwrap_or(name).to_ascii_lowercase();
    known
        .map(|candidate| (strsim::levenshtein(&typed, &candidate.to_ascii_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 5)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn messages(document: &Value) -> Vec<String> {
        let schema = json!({
            "type": "object",
            "required": ["gateways"],
            "properties": {
                "gateways": {"type": "array", "items": {"type": "object", "properties": {"url": {"type": "string"}}}},
                "httpVersion": {"type": "string", "enum": ["Http1", "Http2"]},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "suspend": {"type": "boolean"},
            }
        });
        faults(document, &schema, "spec")
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn every_fault_is_named_with_its_field_and_fix() {
        let document = json!({
            "gatways": [],
            "httpVersion": "h2",
            "labels": {"tier": 1},
            "suspend": "yes",
        });
        assert_eq!(
            messages(&document),
            [
                "spec.gatways: unknown field, did you mean gateways?",
                "spec.httpVersion: \"h2\" must be one of Http1, Http2",
                "spec.labels.tier: must be of type string but is a number: put it in quotes",
                "spec.suspend: must be of type boolean but is a string",
                "spec.gateways: must be set",
            ]
        );
    }

    #[test]
    fn a_fitting_document_has_no_fault_and_items_carry_their_index() {
        assert_eq!(messages(&json!({"gateways": [{"url": "http://a"}]})), [""; 0]);
        assert_eq!(
            messages(&json!({"gateways": [{"url": "http://a"}, {"urk": "b"}]})),
            ["spec.gateways[1].urk: unknown field, did you mean url?"]
        );
    }

    #[test]
    fn a_renamed_field_is_reported_with_its_new_name() {
        let schema = json!({"type": "object", "properties": {
            "authHeader": {"type": "string"}, "headerName": {"type": "string"}, "forwardingChecks": {"type": "object"},
        }});
        for (old, new) in RENAMED {
            let found = faults(&json!({old: "x"}), &schema, "spec");
            assert_eq!(
                found.iter().map(ToString::to_string).collect::<Vec<_>>(),
                [format!("spec.{old}: unknown field, did you mean {new}?")]
            );
        }
    }
}
