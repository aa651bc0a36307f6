//! The bytes of requests to Claude.
//!
//! The same input gives the same bytes, always: a comparison of paths is worth nothing otherwise. No sampling parameter
//! is ever sent: API version 2026-10-21 refuses them on every model. Knows nothing of exchanges or paths.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::price::is_family;

/// Path of the Messages API, to append to a base URL.
pub const MESSAGES_PATH: &str = "/v1/messages";
/// Path of token counting, to append to a base URL.
pub const COUNT_TOKENS_PATH: &str = "/v1/messages/count_tokens";

/// What to send in `thinking`, by model family: thinking would eat a small `max_tokens` and cost what a probe need not
/// spend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thinking {
    /// The field is not sent: the model does not think by default, or cannot be told not to.
    Unset,
    /// `{"type":"disabled"}`.
    Disabled,
    /// `{"type":"between_tools"}`, the least that Sonnet 5.5 accepts.
    BetweenTools,
}

impl Thinking {
    /// The least thinking that the model accepts.
    pub fn least(model: &str) -> Self {
        if is_family(model, "claude-haiku-5-5") {
            Self::Disabled
        } else if is_family(model, "claude-sonnet-5-5") {
            Self::BetweenTools
        } else {
            Self::Unset
        }
    }

    fn kind(self) -> Option<ThinkingBody> {
        match self {
            Self::Unset => None,
            Self::Disabled => Some(ThinkingBody { kind: "disabled" }),
            Self::BetweenTools => Some(ThinkingBody { kind: "between_tools" }),
        }
    }
}

#[derive(Serialize)]
struct ThinkingBody {
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct Turn<'a> {
    role: &'static str,
    content: &'a str,
}

/// Field order is the wire's.
#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    messages: [Turn<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<ThinkingBody>,
}

/// A request of one user turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRequest<'a> {
    /// Model id or alias.
    pub model: &'a str,
    /// Upper bound of generated tokens.
    pub max_tokens: u32,
    /// Whether to ask for a stream; `false` leaves the field out.
    pub stream: bool,
    /// The user's text.
    pub prompt: &'a str,
}

impl MessageRequest<'_> {
    fn encode(&self, max_tokens: Option<u32>, stream: bool) -> Vec<u8> {
        let body = Body {
            model: self.model,
            max_tokens,
            stream: stream.then_some(true),
            messages: [Turn {
                role: "user",
                content: self.prompt,
            }],
            thinking: Thinking::least(self.model).kind(),
        };
        // Strings and numbers into memory: serialisation has no way to fail.
        serde_json::to_vec(&body).unwrap_or_default()
    }

    /// The body of `POST /v1/messages`.
    pub fn body(&self) -> Vec<u8> {
        self.encode(Some(self.max_tokens), self.stream)
    }

    /// The body of `POST /v1/messages/count_tokens` for the same prompt: without `max_tokens` and `stream`.
    pub fn count_tokens_body(&self) -> Vec<u8> {
        self.encode(None, false)
    }
}

/// Why a saved body cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It is no JSON, or its top level is no object.
    #[error("the body is not a JSON object: {0}")]
    NotAnObject(String),
}

/// Fields that token counting takes; all others of a Messages body are refused there.
const COUNTED: [&str; 8] = [
    "model",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "thinking",
    "mcp_servers",
    "output_config",
];

/// The `count_tokens` body of a saved Messages body: the fields that it accepts, their bytes unchanged.
pub fn count_tokens_from(body: &[u8]) -> Result<Vec<u8>, BodyError> {
    let fields: Map<String, Value> = object(body)?;
    let kept: Map<String, Value> = fields
        .into_iter()
        .filter(|(name, _)| COUNTED.contains(&name.as_str()))
        .collect();
    Ok(serde_json::to_vec(&kept).unwrap_or_default())
}

/// The body with one more top-level field in front; every other byte stays as it is.
pub fn with_field(body: &[u8], name: &str, value: &RawValue) -> Result<Vec<u8>, BodyError> {
    let empty = object(body)?.is_empty();
    let brace = body.iter().position(|&byte| byte == b'{').map_or(0, |at| at + 1);
    let (head, tail) = body.split_at(brace);
    let mut out = head.to_vec();
    out.extend_from_slice(&serde_json::to_vec(name).unwrap_or_default());
    out.push(b':');
    out.extend_from_slice(value.get().as_bytes());
    if !empty {
        out.push(b',');
    }
    out.extend_from_slice(tail);
    Ok(out)
}

/// The body with JSON white space in front of its final brace, so that it has at least `bytes` bytes: its meaning, its
/// token count and its price stay the same.
pub fn with_bulk(body: &[u8], bytes: usize) -> Result<Vec<u8>, BodyError> {
    object(body)?;
    let brace = body.iter().rposition(|&byte| byte == b'}').unwrap_or(0);
    let (head, tail) = body.split_at(brace);
    let blanks = bytes.saturating_sub(body.len());
    let mut out = Vec::with_capacity(body.len() + blanks);
    out.extend_from_slice(head);
    out.resize(head.len() + blanks, b' ');
    out.extend_from_slice(tail);
    Ok(out)
}

fn object(body: &[u8]) -> Result<Map<String, Value>, BodyError> {
    serde_json::from_slice(body).map_err(|error| BodyError::NotAnObject(error.to_string()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn request<'a>(model: &'a str, prompt: &'a str) -> MessageRequest<'a> {
        MessageRequest {
            model,
            max_tokens: 64,
            stream: true,
            prompt,
        }
    }

    fn text(body: Vec<u8>) -> String {
        String::from_utf8(body).unwrap()
    }

    #[test]
    fn bodies_are_minimal_and_in_a_fixed_order() {
        let haiku = request("claude-haiku-4-5", "a \"b\" $(API_KEY) $$\n");
        assert_eq!(
            text(haiku.body()),
            r#"{"model":"claude-haiku-4-5","max_tokens":64,"stream":true,"messages":[{"role":"user","content":"a \"b\" $(API_KEY) $$\n"}]}"#
        );
        let whole = MessageRequest {
            stream: false,
            ..request("claude-haiku-5-5", ".")
        };
        assert_eq!(
            text(whole.body()),
            r#"{"model":"claude-haiku-5-5","max_tokens":64,"messages":[{"role":"user","content":"."}],"thinking":{"type":"disabled"}}"#
        );
        assert_eq!(text(haiku.count_tokens_body()).matches("max_tokens").count(), 0);
    }

    #[test]
    fn thinking_is_what_the_family_accepts() {
        assert_eq!(Thinking::least("claude-haiku-5-5-20261007"), Thinking::Disabled);
        assert_eq!(Thinking::least("claude-sonnet-5-5"), Thinking::BetweenTools);
        for model in ["claude-haiku-4-5", "claude-opus-5-5", "other"] {
            assert_eq!(Thinking::least(model), Thinking::Unset, "{model}");
        }
    }

    #[test]
    fn a_saved_body_is_counted_without_what_counting_refuses() {
        let saved = br#"{ "model":"m", "max_tokens":1, "temperature":0, "stream":true, "metadata":{}, "messages":[{"role":"user","content":"x"}], "system":"s" }"#;
        assert_eq!(
            text(count_tokens_from(saved).unwrap()),
            r#"{"model":"m","messages":[{"role":"user","content":"x"}],"system":"s"}"#
        );
        assert!(count_tokens_from(b"[1]").is_err());
    }

    #[test]
    fn a_field_and_bulk_leave_every_other_byte_alone() {
        let one = serde_json::value::to_raw_value(&1).unwrap();
        assert_eq!(
            text(with_field(b" {\"a\" : 1} ", "x_probe", &one).unwrap()),
            " {\"x_probe\":1,\"a\" : 1} "
        );
        assert_eq!(text(with_field(b"{ }", "x", &one).unwrap()), "{\"x\":1 }");
        let big = with_bulk(br#"{"a":{"b":1}}"#, 100).unwrap();
        assert_eq!(big.len(), 100);
        assert_eq!(
            serde_json::from_slice::<Value>(&big).unwrap(),
            serde_json::json!({"a": {"b": 1}})
        );
        assert_eq!(with_bulk(br#"{"a":1}"#, 3).unwrap(), br#"{"a":1}"#);
    }
}
