//! Claude's stream events, read from server-sent events.
//!
//! Knows the event types and what in them matters to a diagnosis; keeps no generated text, only its size. Unknown types
//! and malformed data are values: Claude may add events, and gateways make up their own.

use serde::Deserialize;

use super::error::{ErrorReading, classify_event};
use super::sse;

/// Token counts as a reply states them. A field that was not stated is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt that were neither read from nor written to a cache.
    #[serde(default)]
    pub input_tokens: Option<u64>,
    /// Tokens generated; cumulative in a stream.
    #[serde(default)]
    pub output_tokens: Option<u64>,
    /// Prompt tokens written to the cache.
    #[serde(default)]
    pub cache_creation_input_tokens: Option<u64>,
    /// Prompt tokens read from the cache.
    #[serde(default)]
    pub cache_read_input_tokens: Option<u64>,
}

impl Usage {
    /// The later statement wins, field by field (`message_delta` repeats what `message_start` said, and goes on).
    #[must_use]
    pub fn updated_by(self, later: Self) -> Self {
        Self {
            input_tokens: later.input_tokens.or(self.input_tokens),
            output_tokens: later.output_tokens.or(self.output_tokens),
            cache_creation_input_tokens: later.cache_creation_input_tokens.or(self.cache_creation_input_tokens),
            cache_read_input_tokens: later.cache_read_input_tokens.or(self.cache_read_input_tokens),
        }
    }
}

/// What a stream event says.
#[derive(Clone, Debug, PartialEq)]
pub enum StreamEvent {
    /// `message_start`.
    MessageStart {
        /// Message id (`msg_…`).
        id: Option<String>,
        /// Model as the backend names it (the dated id when an alias was asked).
        model: Option<String>,
        /// Usage so far.
        usage: Usage,
    },
    /// `content_block_start`.
    ContentBlockStart {
        /// Type of the block: `text`, `thinking`, `tool_use`, …
        kind: String,
    },
    /// `content_block_delta`.
    ContentBlockDelta {
        /// Bytes of text (or thinking, or partial JSON) in it.
        text_bytes: usize,
    },
    /// `content_block_stop`.
    ContentBlockStop,
    /// `ping`.
    Ping,
    /// `message_delta`.
    MessageDelta {
        /// Why generation stopped, when stated.
        stop_reason: Option<String>,
        /// Cumulative usage.
        usage: Usage,
    },
    /// `message_stop`: the only proof that the message is whole.
    MessageStop,
    /// `error` inside a 200.
    Error(ErrorReading),
    /// A type that we do not know, or the `[DONE]` of another dialect.
    Unknown {
        /// The event's type, at most 64 bytes.
        kind: String,
    },
    /// Data that is no JSON object with a `type`.
    Malformed,
}

#[derive(Deserialize)]
struct Wire {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    message: Option<WireMessage>,
    #[serde(default)]
    content_block: Option<WireBlock>,
    #[serde(default)]
    delta: Option<WireDelta>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct WireMessage {
    id: Option<String>,
    model: Option<String>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct WireBlock {
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
struct WireDelta {
    text: Option<String>,
    thinking: Option<String>,
    partial_json: Option<String>,
    stop_reason: Option<String>,
}

/// Reads one event. The data's own `type` decides, as in the SDKs; the `event:` name only where the data is not JSON.
pub fn read(event: &sse::Event) -> StreamEvent {
    if event.name == "error" {
        return StreamEvent::Error(classify_event(&event.data));
    }
    let Ok(wire) = serde_json::from_str::<Wire>(&event.data) else {
        return match event.data.trim() {
            "[DONE]" => StreamEvent::Unknown {
                kind: "[DONE]".to_owned(),
            },
            _ => StreamEvent::Malformed,
        };
    };
    match wire.kind.as_str() {
        "message_start" => {
            let message = wire.message.unwrap_or(WireMessage {
                id: None,
                model: None,
                usage: None,
            });
            StreamEvent::MessageStart {
                id: message.id,
                model: message.model,
                usage: message.usage.unwrap_or_default(),
            }
        }
        "content_block_start" => StreamEvent::ContentBlockStart {
            kind: wire.content_block.and_then(|block| block.kind).unwrap_or_default(),
        },
        "content_block_delta" => {
            let text = wire
                .delta
                .and_then(|delta| delta.text.or(delta.thinking).or(delta.partial_json));
            StreamEvent::ContentBlockDelta {
                text_bytes: text.map_or(0, |text| text.len()),
            }
        }
        "content_block_stop" => StreamEvent::ContentBlockStop,
        "ping" => StreamEvent::Ping,
        "message_delta" => StreamEvent::MessageDelta {
            stop_reason: wire.delta.and_then(|delta| delta.stop_reason),
            usage: wire.usage.unwrap_or_default(),
        },
        "message_stop" => StreamEvent::MessageStop,
        "error" => StreamEvent::Error(classify_event(&event.data)),
        _ => StreamEvent::Unknown {
            kind: crate::text::bounded(&wire.kind, 64),
        },
    }
}

/// Blanks before the final `}` of an event's data: Claude pads every event but `ping` with 0 to 15 of them, and a relay
/// that parses and writes JSON anew loses them. `None` when the data does not end in `}`.
pub fn padding(data: &str) -> Option<usize> {
    let inner = data.strip_suffix('}')?;
    Some(inner.len() - inner.trim_end_matches(' ').len())
}

/// Whether the data has any [`padding`].
pub fn has_padding(data: &str) -> bool {
    padding(data).is_some_and(|blanks| blanks > 0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::claude::error::ErrorClass;
    use proptest::prelude::*;

    /// The bytes of a genuine stream, recorded on 19 August 2026 (fact sheet, section 4).
    const GENUINE: &str = concat!(
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-haiku-4-5-20251001\",\"id\":\"msg_011CeCGmCzjcUtmtEmMdEiM2\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":15,\"output_tokens\":1}}     }\n\n",
        "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}  }\n\n",
        "event: ping\ndata: {\"type\": \"ping\"}\n\n",
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"1\\n2\\n3\"}    }\n\n",
        "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0    }\n\n",
        "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null,\"stop_details\":null},\"usage\":{\"input_tokens\":15,\"output_tokens\":9}           }\n\n",
        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    );

    fn events(text: &str) -> Vec<sse::Event> {
        let items = sse::Parser::default().push(text.as_bytes());
        items
            .into_iter()
            .filter_map(|item| {
                if let sse::Item::Event(event) = item {
                    Some(event)
                } else {
                    None
                }
            })
            .collect()
    }

    #[test]
    fn a_genuine_stream_is_read_whole() {
        let read: Vec<_> = events(GENUINE).iter().map(read).collect();
        let StreamEvent::MessageStart { id, model, usage } = &read[0] else {
            panic!("{read:?}")
        };
        assert_eq!(
            (id.as_deref(), model.as_deref()),
            (Some("msg_011CeCGmCzjcUtmtEmMdEiM2"), Some("claude-haiku-4-5-20251001"))
        );
        assert_eq!(usage.input_tokens, Some(15));
        assert_eq!(
            read[1],
            StreamEvent::ContentBlockStart {
                kind: "text".to_owned()
            }
        );
        assert_eq!(
            read[2..5],
            [
                StreamEvent::Ping,
                StreamEvent::ContentBlockDelta { text_bytes: 5 },
                StreamEvent::ContentBlockStop
            ]
        );
        let StreamEvent::MessageDelta {
            stop_reason,
            usage: last,
        } = &read[5]
        else {
            panic!("{read:?}")
        };
        assert_eq!(
            (stop_reason.as_deref(), usage.updated_by(*last).output_tokens),
            (Some("end_turn"), Some(9))
        );
        assert_eq!(read[6], StreamEvent::MessageStop);
    }

    #[test]
    fn padding_is_seen_in_a_genuine_stream_and_not_in_a_rewritten_one() {
        let padded: Vec<_> = events(GENUINE)
            .iter()
            .map(|event| padding(&event.data).unwrap())
            .collect();
        assert_eq!(padded, [5, 2, 0, 4, 4, 11, 0]);
        assert!(!has_padding(r#"{"type":"content_block_stop","index":0}"#));
        assert_eq!(padding("[DONE]"), None);
    }

    #[test]
    fn an_error_inside_a_stream_is_classified_whatever_its_spacing() {
        for data in [
            r#"{"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}"#,
            r#"{"type":"error","error":{"details":null,"type":"overloaded_error","message":"Overloaded"},"request_id":"req_011Cbe83nAc6RV1DP1bB5WXb"}"#,
        ] {
            for name in ["error", ""] {
                let event = sse::Event {
                    name: name.to_owned(),
                    data: data.to_owned(),
                    ..sse::Event::default()
                };
                let StreamEvent::Error(reading) = read(&event) else {
                    panic!("{name}")
                };
                assert_eq!(reading.class, ErrorClass::Overloaded);
            }
        }
    }

    #[test]
    fn other_dialects_and_garbage_are_values() {
        for (data, expected) in [
            (
                "[DONE]",
                StreamEvent::Unknown {
                    kind: "[DONE]".to_owned(),
                },
            ),
            (
                r#"{"type":"novelty"}"#,
                StreamEvent::Unknown {
                    kind: "novelty".to_owned(),
                },
            ),
            ("<html>", StreamEvent::Malformed),
            (r#"{"choices":[]}"#, StreamEvent::Malformed),
        ] {
            assert_eq!(
                read(&sse::Event {
                    data: data.to_owned(),
                    ..sse::Event::default()
                }),
                expected,
                "{data}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_data_panics(name in "(error|ping|.{0,5})", data in ".{0,200}") {
            let event = sse::Event { name, data, ..sse::Event::default() };
            let _ = (read(&event), has_padding(&event.data));
        }
    }
}
