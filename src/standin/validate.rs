//! The schema of a Messages body, in the API's order and words, for each API version and model.

use serde_json::Value;

use super::errors::ApiError;
use super::models::Model;

/// The two endpoints that take a Messages body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Messages,
    CountTokens,
}

/// The version since which sampling parameters and some content blocks are refused.
const STRICT_VERSION: &str = "2026-10-21";

/// Fields of both endpoints.
const COMMON: [&str; 8] = [
    "model",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "cache_control",
];
/// Fields of the Messages endpoint only.
const MESSAGES_ONLY: [&str; 9] = [
    "max_tokens",
    "metadata",
    "stop_sequences",
    "stream",
    "temperature",
    "top_k",
    "top_p",
    "service_tier",
    "inference_geo",
];
/// Kinds of content.
const CONTENT: [&str; 17] = [
    "bash_code_execution_tool_result",
    "code_execution_tool_result",
    "container_upload",
    "document",
    "image",
    "mcp_tool_result",
    "mcp_tool_use",
    "redacted_thinking",
    "search_result",
    "server_tool_use",
    "text",
    "text_editor_code_execution_tool_result",
    "thinking",
    "tool_result",
    "tool_use",
    "web_fetch_tool_result",
    "web_search_tool_result",
];
const SAMPLING: [&str; 3] = ["temperature", "top_p", "top_k"];
/// Fields that exist only with a beta: field, prefix of the beta's name.
const BETA_FIELDS: [(&str, &str); 5] = [
    ("context_management", "context-management-"),
    ("mcp_servers", "mcp-client-"),
    ("output_format", "structured-outputs-"),
    ("container", "code-execution-"),
    ("speed", "fast-mode-"),
];

/// A request that passed.
#[derive(Clone, Debug)]
pub(super) struct Checked {
    pub model: String,
    pub max_tokens: u64,
    pub stream: bool,
    /// `thinking.type`, if sent.
    pub thinking: Option<String>,
    pub stop_sequences: Vec<String>,
}

/// Checks a body against the endpoint's schema under this version with these betas.
pub(super) fn check(body: &Value, endpoint: Endpoint, version: &str, betas: &[String]) -> Result<Checked, ApiError> {
    let fields = body.as_object().into_iter().flatten();
    for (name, value) in fields {
        let name = name.as_str();
        let known = COMMON.contains(&name)
            || (endpoint == Endpoint::Messages && MESSAGES_ONLY.contains(&name))
            || BETA_FIELDS
                .iter()
                .any(|(field, beta)| *field == name && betas.iter().any(|sent| sent.starts_with(beta)));
        let refused = version == STRICT_VERSION && SAMPLING.contains(&name) && !value.is_null();
        if !known || refused {
            return Err(ApiError::invalid(format!("{name}: Extra inputs are not permitted")));
        }
    }
    let model = match body.get("model") {
        None => return Err(ApiError::invalid("model: Field required")),
        Some(Value::String(model)) if !model.is_empty() => model.clone(),
        Some(Value::String(_)) => return Err(ApiError::invalid("model: String should have at least 1 character")),
        Some(_) => return Err(ApiError::invalid("model: Input should be a valid string")),
    };
    let max_tokens = match (endpoint, body.get("max_tokens")) {
        (Endpoint::CountTokens, _) => 0,
        (_, None) => return Err(ApiError::invalid("max_tokens: Field required")),
        (_, Some(value)) => match (value.as_u64(), value.as_i64()) {
            (Some(number), _) => number,
            (_, Some(_)) => {
                return Err(ApiError::invalid(
                    "max_tokens: Input should be greater than or equal to 0",
                ));
            }
            _ => return Err(ApiError::invalid("max_tokens: Input should be a valid integer")),
        },
    };
    let stream = match body.get("stream") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(stream)) => *stream,
        Some(_) => return Err(ApiError::invalid("stream: Input should be a valid boolean")),
    };
    messages(body.get("messages"), version)?;
    no_others(body.get("metadata").unwrap_or(&Value::Null), &["user_id"], "metadata")?;
    tools(body.get("tools"))?;
    let thinking = body
        .get("thinking")
        .and_then(|thinking| thinking.get("type"))
        .and_then(Value::as_str)
        .map(str::to_owned);
    if max_tokens == 0 && endpoint == Endpoint::Messages {
        let on = matches!(thinking.as_deref(), Some("enabled" | "adaptive"));
        let forced = matches!(
            body.pointer("/tool_choice/type").and_then(Value::as_str),
            Some("any" | "tool")
        );
        if stream
            || on
            || forced
            || body.get("output_format").is_some()
            || body.pointer("/output_config/format").is_some()
        {
            return Err(ApiError::invalid(
                "max_tokens: 0 is only supported without streaming, thinking, structured outputs or a forced tool",
            ));
        }
    }
    let stop_sequences = body
        .get("stop_sequences")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let stop_sequences = stop_sequences
        .filter_map(Value::as_str)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
        .collect();
    Ok(Checked {
        model,
        max_tokens,
        stream,
        thinking,
        stop_sequences,
    })
}

fn messages(messages: Option<&Value>, version: &str) -> Result<(), ApiError> {
    let turns = match messages {
        None => return Err(ApiError::invalid("messages: Field required")),
        Some(Value::Array(turns)) if turns.is_empty() => {
            return Err(ApiError::invalid("messages: at least one message is required"));
        }
        Some(Value::Array(turns)) => turns,
        Some(_) => return Err(ApiError::invalid("messages: Input should be a valid list")),
    };
    for (at, turn) in turns.iter().enumerate() {
        no_others(turn, &["role", "content"], &format!("messages.{at}"))?;
        let assistant = match turn.get("role").and_then(Value::as_str) {
            Some("user" | "system") => false,
            Some("assistant") => true,
            Some(_) => {
                return Err(ApiError::invalid(format!(
                    "messages.{at}.role: Input should be 'user' or 'assistant'"
                )));
            }
            None => return Err(ApiError::invalid(format!("messages.{at}.role: Field required"))),
        };
        match turn.get("content") {
            None => return Err(ApiError::invalid(format!("messages.{at}.content: Field required"))),
            Some(Value::String(text)) if text.is_empty() && !assistant => {
                return Err(ApiError::invalid(format!(
                    "messages.{at}: user messages must have non-empty content"
                )));
            }
            Some(Value::String(_)) => {}
            Some(Value::Array(blocks)) => {
                for (index, block) in blocks.iter().enumerate() {
                    content_block(block, &format!("messages.{at}.content.{index}"), assistant, version)?;
                }
            }
            Some(_) => {
                return Err(ApiError::invalid(format!(
                    "messages.{at}.content: Input should be a valid list"
                )));
            }
        }
    }
    Ok(())
}

/// Refuses the first field of an object that is not one of these.
fn no_others(object: &Value, known: &[&str], path: &str) -> Result<(), ApiError> {
    let mut names = object.as_object().into_iter().flat_map(|fields| fields.keys());
    match names.find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(ApiError::invalid(format!(
            "{path}.{name}: Extra inputs are not permitted"
        ))),
        None => Ok(()),
    }
}

/// Tools of the client's own; those that Claude defines have a type and fields by version.
fn tools(tools: Option<&Value>) -> Result<(), ApiError> {
    const CUSTOM: [&str; 5] = ["type", "name", "description", "input_schema", "cache_control"];
    let custom = |tool: &Value| matches!(tool.get("type").and_then(Value::as_str), None | Some("custom"));
    let list = tools.and_then(Value::as_array).into_iter().flatten().enumerate();
    for (at, tool) in list.filter(|(_, tool)| custom(tool)) {
        no_others(tool, &CUSTOM, &format!("tools.{at}.custom"))?;
    }
    Ok(())
}

fn content_block(block: &Value, path: &str, assistant: bool, version: &str) -> Result<(), ApiError> {
    let kind = match block.get("type") {
        Some(Value::String(kind)) => kind.as_str(),
        Some(Value::Number(number)) => return Err(unknown_tag(path, &number.to_string())),
        _ => return Err(ApiError::invalid(format!("{path}.type: Field required"))),
    };
    match kind {
        "text" if block.get("text").and_then(Value::as_str).is_none_or(str::is_empty) => {
            Err(ApiError::invalid("messages: text content blocks must be non-empty"))
        }
        "document" if assistant && version == STRICT_VERSION => Err(ApiError::invalid(format!(
            "{path}: `document` blocks are not permitted in `assistant` messages"
        ))),
        "text"
            if !assistant
                && version == STRICT_VERSION
                && block
                    .get("citations")
                    .and_then(Value::as_array)
                    .is_some_and(|list| !list.is_empty()) =>
        {
            Err(ApiError::invalid(format!(
                "{path}.citations: Extra inputs are not permitted"
            )))
        }
        known if CONTENT.contains(&known) => Ok(()),
        unknown => Err(unknown_tag(path, unknown)),
    }
}

/// The complaint about a type that does not exist; numbers are quoted as they were read.
fn unknown_tag(path: &str, tag: &str) -> ApiError {
    let expected: Vec<String> = CONTENT.iter().map(|known| format!("'{known}'")).collect();
    ApiError::invalid(format!(
        "{path}: Input tag '{tag}' found using 'type' does not match any of the expected tags: {}",
        expected.join(", ")
    ))
}

/// Checks what depends on the model.
pub(super) fn against_model(body: &Value, checked: &Checked, model: &Model) -> Result<(), ApiError> {
    if checked.max_tokens > model.max_output {
        return Err(ApiError::invalid(format!(
            "max_tokens: {} > {}, which is the maximum allowed number of output tokens for {}",
            checked.max_tokens, model.max_output, model.id
        )));
    }
    if model.fixed_sampling
        && let Some(name) = SAMPLING.iter().find(|name| {
            body.get(**name)
                .is_some_and(|value| !value.is_null() && value.as_f64() != Some(1.0))
        })
    {
        return Err(ApiError::invalid(format!(
            "{name}: only the default value is supported for {}",
            model.id
        )));
    }
    match checked.thinking.as_deref() {
        Some(kind @ ("disabled" | "between_tools")) if model.thinks && model.quiet != Some(kind) => Err(
            ApiError::invalid(format!("thinking.type: `{kind}` is not supported for {}", model.id)),
        ),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use serde_json::json as value;

    fn refusal(body: Value, version: &str) -> Option<String> {
        check(&body, Endpoint::Messages, version, &[])
            .err()
            .map(|error| error.message)
    }

    fn ask(extra: Value) -> Value {
        let mut body =
            value!({"model": "claude-haiku-4-5", "max_tokens": 1, "messages": [{"role": "user", "content": "."}]});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        body
    }

    #[test]
    fn fields_are_rejected_by_name() {
        assert_eq!(refusal(ask(value!({})), "2023-06-01"), None);
        assert_eq!(
            refusal(ask(value!({"x_probe": 1})), "2023-06-01").unwrap(),
            "x_probe: Extra inputs are not permitted"
        );
        assert_eq!(
            refusal(ask(value!({"context_management": {}})), "2023-06-01").unwrap(),
            "context_management: Extra inputs are not permitted"
        );
        assert!(
            check(
                &ask(value!({"context_management": {}})),
                Endpoint::Messages,
                "2023-06-01",
                &["context-management-2025-06-27".to_owned()]
            )
            .is_ok()
        );
        assert_eq!(
            refusal(value!({"model": "m", "messages": []}), "2023-06-01").unwrap(),
            "max_tokens: Field required"
        );
        for (extra, path) in [
            (value!({"metadata": {"user_id": "u", "x_probe": 1}}), "metadata.x_probe"),
            (
                value!({"tools": [{"name": "t", "input_schema": {"x": 1}, "x_probe": 1}]}),
                "tools.0.custom.x_probe",
            ),
            (
                value!({"messages": [{"role": "user", "content": ".", "x_probe": 1}]}),
                "messages.0.x_probe",
            ),
        ] {
            assert_eq!(
                refusal(ask(extra), "2023-06-01").unwrap(),
                format!("{path}: Extra inputs are not permitted")
            );
        }
        let counted = check(&ask(value!({})), Endpoint::CountTokens, "2023-06-01", &[]).unwrap_err();
        assert_eq!(counted.message, "max_tokens: Extra inputs are not permitted");
        // It has no metadata: its own message says so, whatever is inside.
        let mut counted = ask(value!({"metadata": {"user_id": "u"}}));
        counted.as_object_mut().unwrap().remove("max_tokens");
        let refused = check(&counted, Endpoint::CountTokens, "2023-06-01", &[]).unwrap_err();
        assert_eq!(refused.message, "metadata: Extra inputs are not permitted");
    }

    #[test]
    fn content_of_an_unknown_type_is_rejected_with_its_type() {
        for (kind, tag) in [
            ("9007199254740993", "9007199254740993"),
            ("9.007199254740992e15", "9007199254740992.0"),
            ("\"function\"", "function"),
        ] {
            let content: Value = serde_json::from_str(&format!(r#"[{{"type":{kind},"text":"."}}]"#)).unwrap();
            let told = refusal(
                ask(value!({"messages": [{"role": "user", "content": content}]})),
                "2023-06-01",
            )
            .unwrap();
            let expected =
                format!("messages.0.content.0: Input tag '{tag}' found using 'type' does not match any of the");
            assert!(told.starts_with(&expected), "{told}");
        }
    }

    #[test]
    fn the_strict_version_rejects_fields_that_the_older_accepts() {
        let document = value!({"messages": [{"role": "user", "content": "."}, {"role": "assistant", "content": [{"type": "document", "source": {}}]}]});
        let cited =
            value!({"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "citations": [{}]}]}]});
        for extra in [value!({"temperature": 1.0}), document, cited] {
            assert_eq!(refusal(ask(extra.clone()), "2023-06-01"), None, "{extra}");
            assert!(refusal(ask(extra.clone()), "2026-10-21").is_some(), "{extra}");
        }
    }

    #[test]
    fn no_output_is_allowed_only_without_a_stream() {
        assert_eq!(refusal(ask(value!({"max_tokens": 0})), "2023-06-01"), None);
        assert!(refusal(ask(value!({"max_tokens": 0, "stream": true})), "2023-06-01").is_some());
        assert!(refusal(ask(value!({"max_tokens": -1})), "2023-06-01").is_some());
    }
}
