//! Claude's whole (not streamed) replies: a message, a token count.
//!
//! Reads only what a diagnosis needs; keeps no generated text.

use serde::Deserialize;

use super::event::Usage;

/// A 200 reply of `POST /v1/messages`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Message id (`msg_…`).
    pub id: String,
    /// Model as the backend names it.
    pub model: String,
    /// Why generation stopped.
    pub stop_reason: Option<String>,
    /// Token counts.
    pub usage: Usage,
    /// Number of content blocks.
    pub blocks: usize,
}

#[derive(Deserialize)]
struct WireMessage {
    #[serde(rename = "type")]
    kind: String,
    id: String,
    model: String,
    role: String,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    usage: Usage,
    content: Vec<serde::de::IgnoredAny>,
}

/// Reads a message; `None` when the body is none (another vendor's reply, HTML, nothing).
pub fn message(body: &[u8]) -> Option<Message> {
    let wire: WireMessage = serde_json::from_slice(body).ok()?;
    (wire.kind == "message" && wire.role == "assistant").then_some(Message {
        id: wire.id,
        model: wire.model,
        stop_reason: wire.stop_reason,
        usage: wire.usage,
        blocks: wire.content.len(),
    })
}

/// Reads a 200 reply of `POST /v1/messages/count_tokens`; `None` when the body is none.
pub fn token_count(body: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Wire {
        input_tokens: u64,
    }
    serde_json::from_slice::<Wire>(body).ok().map(|wire| wire.input_tokens)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    const GENUINE: &str = r#"{"model":"claude-haiku-4-5-20251001","id":"msg_011CeCGmD8uwD58unxgBN8Qx","type":"message","role":"assistant","content":[{"type":"text","text":"2 + 2 = 4"}],"stop_reason":"end_turn","stop_sequence":null,"stop_details":null,"usage":{"input_tokens":16,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},"output_tokens":13,"service_tier":"standard","inference_geo":"not_available"}}"#;

    #[test]
    fn a_genuine_message_is_read() {
        let read = message(GENUINE.as_bytes()).unwrap();
        assert_eq!(
            (read.id.as_str(), read.model.as_str()),
            ("msg_011CeCGmD8uwD58unxgBN8Qx", "claude-haiku-4-5-20251001")
        );
        assert_eq!(
            (read.usage.input_tokens, read.usage.output_tokens, read.blocks),
            (Some(16), Some(13), 1)
        );
    }

    #[test]
    fn what_is_no_message_is_none() {
        for body in [
            "",
            "{}",
            "<html>",
            r#"{"id":"chatcmpl-1","object":"chat.completion","model":"m","choices":[]}"#,
        ] {
            assert_eq!(message(body.as_bytes()), None, "{body}");
        }
        assert_eq!(token_count(br#"{"input_tokens":14}"#), Some(14));
        assert_eq!(token_count(br#"{"total_tokens":14}"#), None);
    }
}
