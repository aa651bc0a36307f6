//! JSON merge patch (RFC 7386).

use serde_json::{Map, Value};

/// `target` with `patch` applied: objects merge, `null` removes, everything else replaces.
#[must_use]
pub fn merge(target: &Value, patch: &Value) -> Value {
    let Value::Object(changes) = patch else {
        return patch.clone();
    };
    let mut merged = target.as_object().cloned().unwrap_or_else(Map::new);
    for (key, change) in changes {
        if change.is_null() {
            merged.remove(key);
        } else {
            let old = merged.get(key).unwrap_or(&Value::Null);
            let new = merge(old, change);
            merged.insert(key.clone(), new);
        }
    }
    Value::Object(merged)
}
