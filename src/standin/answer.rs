//! The answer to a request: its text, why it stops, and its bytes as one body or as stream events.

use bytes::Bytes;
use serde_json::{Value, json};

use super::ids::{CallIds, random};
use super::models::Model;
use super::tokens;
use super::validate::Checked;

/// Tokens of thinking unless the request disables it.
const THINKING_TOKENS: u64 = 12;

/// What is answered.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    model: &'static str,
    thinking: Option<Vec<String>>,
    text: Vec<String>,
    stop_reason: &'static str,
    stop_sequence: Option<String>,
    pub input_tokens: u64,
    pub output_tokens: u64,
}

impl Answer {
    /// Thinks of an answer within `max_tokens`.
    pub fn to(body: &Value, checked: &Checked, model: &Model) -> Self {
        let mut budget = checked.max_tokens;
        let quiet = checked
            .thinking
            .as_deref()
            .is_some_and(|kind| kind == "disabled" || kind == "between_tools");
        let loud = matches!(checked.thinking.as_deref(), Some("enabled" | "adaptive")) || (model.thinks && !quiet);
        let thinking = (loud && budget > 0).then(|| {
            let spent = budget.min(THINKING_TOKENS);
            budget -= spent;
            (0..spent)
                .map(|at| if at == 0 { "Let".to_owned() } else { " me".to_owned() })
                .collect::<Vec<_>>()
        });
        let mut text = tokens::answer(body);
        let mut stop_reason = "end_turn";
        if u64::try_from(text.len()).unwrap_or(u64::MAX) > budget {
            text.truncate(usize::try_from(budget).unwrap_or(usize::MAX));
            stop_reason = "max_tokens";
        }
        let stop_sequence = stop_at(&mut text, &checked.stop_sequences);
        if stop_sequence.is_some() {
            stop_reason = "stop_sequence";
        }
        let count = |tokens: &[String]| u64::try_from(tokens.len()).unwrap_or(u64::MAX);
        let output_tokens = count(&text) + thinking.as_deref().map_or(0, count);
        Self {
            model: model.id,
            thinking,
            text,
            stop_reason,
            stop_sequence,
            input_tokens: tokens::count_input(body),
            output_tokens,
        }
    }

    fn usage(&self, output_tokens: u64) -> Value {
        json!({
            "input_tokens": self.input_tokens, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "output_tokens": output_tokens, "service_tier": "standard", "inference_geo": "not_available",
        })
    }

    /// The body of a reply that is no stream.
    pub fn message(&self, ids: &CallIds) -> Bytes {
        let mut content = Vec::new();
        if let Some(thinking) = &self.thinking {
            content.push(json!({"type": "thinking", "thinking": thinking.concat(), "signature": "c3RhbmRpbg=="}));
        }
        if !self.text.is_empty() {
            content.push(json!({"type": "text", "text": self.text.concat()}));
        }
        let message = json!({
            "model": self.model, "id": ids.message, "type": "message", "role": "assistant", "content": content,
            "stop_reason": self.stop_reason, "stop_sequence": self.stop_sequence, "stop_details": null, "usage": self.usage(self.output_tokens),
        });
        Bytes::from(message.to_string())
    }

    /// The events of a stream.
    pub fn events(&self, ids: &CallIds, tokens_per_delta: usize) -> Vec<Frame> {
        let message = json!({
            "model": self.model, "id": ids.message, "type": "message", "role": "assistant", "content": [],
            "stop_reason": null, "stop_sequence": null, "stop_details": null, "usage": self.usage(self.output_tokens.min(1)),
        });
        let mut frames = vec![Frame::of(
            "message_start",
            &json!({"type": "message_start", "message": message}),
            false,
        )];
        let thinking = self.thinking.as_deref().map(|tokens| (tokens, "thinking"));
        let text = (!self.text.is_empty()).then_some((self.text.as_slice(), "text"));
        for (index, (tokens, kind)) in thinking.into_iter().chain(text).enumerate() {
            block(&mut frames, index, kind, tokens, tokens_per_delta.max(1));
        }
        let usage = json!({
            "input_tokens": self.input_tokens, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": self.output_tokens,
        });
        let delta = json!({"stop_reason": self.stop_reason, "stop_sequence": self.stop_sequence, "stop_details": null});
        frames.push(Frame::of(
            "message_delta",
            &json!({"type": "message_delta", "delta": delta, "usage": usage}),
            true,
        ));
        frames.push(Frame::of("message_stop", &json!({"type": "message_stop"}), false));
        frames
    }
}

fn block(frames: &mut Vec<Frame>, index: usize, kind: &str, tokens: &[String], tokens_per_delta: usize) {
    let start = match kind {
        "thinking" => json!({"type": "thinking", "thinking": "", "signature": ""}),
        _ => json!({"type": "text", "text": ""}),
    };
    frames.push(Frame::of(
        "content_block_start",
        &json!({"type": "content_block_start", "index": index, "content_block": start}),
        false,
    ));
    if index == 0 {
        frames.push(Frame::ping());
    }
    let mut delta = |delta: Value| {
        frames.push(Frame::of(
            "content_block_delta",
            &json!({"type": "content_block_delta", "index": index, "delta": delta}),
            true,
        ));
    };
    for chunk in tokens.chunks(tokens_per_delta) {
        let text = chunk.concat();
        delta(if kind == "thinking" {
            json!({"type": "thinking_delta", "thinking": text})
        } else {
            json!({"type": "text_delta", "text": text})
        });
    }
    if kind == "thinking" {
        delta(json!({"type": "signature_delta", "signature": "c3RhbmRpbg=="}));
    }
    frames.push(Frame::of(
        "content_block_stop",
        &json!({"type": "content_block_stop", "index": index}),
        false,
    ));
}

/// Cuts the text at the first stop sequence in it.
fn stop_at(text: &mut Vec<String>, sequences: &[String]) -> Option<String> {
    let whole = text.concat();
    let (at, sequence) = sequences
        .iter()
        .filter_map(|sequence| whole.find(sequence.as_str()).map(|at| (at, sequence)))
        .min()?;
    let mut left = at;
    text.retain_mut(|token| {
        let keep = left.min(token.len());
        token.truncate(keep);
        left -= keep;
        keep > 0
    });
    Some(sequence.clone())
}

/// One event as bytes.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub bytes: Bytes,
    /// Whether it takes time to make: the pace applies before it.
    pub paced: bool,
}

impl Frame {
    /// An event with Claude's padding: 0 to 15 blanks before the last brace.
    fn of(name: &str, data: &Value, paced: bool) -> Self {
        let [random] = random::<1>();
        Self::padded(name, &data.to_string(), usize::from(random % 16), paced)
    }

    fn padded(name: &str, data: &str, blanks: usize, paced: bool) -> Self {
        let body = data.strip_suffix('}').unwrap_or(data);
        Self {
            bytes: Bytes::from(format!("event: {name}\ndata: {body}{}}}\n\n", " ".repeat(blanks))),
            paced,
        }
    }

    /// A ping always reads the same.
    pub fn ping() -> Self {
        Self {
            bytes: Bytes::from_static(b"event: ping\ndata: {\"type\": \"ping\"}\n\n"),
            paced: false,
        }
    }

    /// An error inside the stream.
    pub fn error(data: &str) -> Self {
        Self {
            bytes: Bytes::from(format!("event: error\ndata: {data}\n\n")),
            paced: false,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::claude::event::{self, StreamEvent};
    use crate::claude::{reply, sse};
    use crate::standin::models;
    use crate::standin::validate::{Endpoint, check};

    fn answer(model: &str, extra: Value) -> (Answer, CallIds) {
        let mut body =
            json!({"model": model, "max_tokens": 64, "messages": [{"role": "user", "content": "Count from 1 to 20."}]});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let checked = check(&body, Endpoint::Messages, "2023-06-01", &[]).unwrap();
        (
            Answer::to(&body, &checked, models::find(model, &[]).unwrap()),
            CallIds::at(jiff::Timestamp::UNIX_EPOCH),
        )
    }

    fn events(answer: &Answer, ids: &CallIds) -> Vec<sse::Event> {
        let bytes: Vec<u8> = answer
            .events(ids, 2)
            .iter()
            .flat_map(|frame| frame.bytes.to_vec())
            .collect();
        let items = sse::Parser::default().push(&bytes);
        items
            .into_iter()
            .map(|item| {
                if let sse::Item::Event(event) = item {
                    event
                } else {
                    panic!("oversized")
                }
            })
            .collect()
    }

    #[test]
    fn a_stream_has_the_genuine_order_and_padding() {
        let (answer, ids) = answer("claude-haiku-4-5", json!({}));
        let events = events(&answer, &ids);
        let names: Vec<_> = events.iter().map(|event| event.name.as_str()).collect();
        assert_eq!(
            names[..4],
            ["message_start", "content_block_start", "ping", "content_block_delta"]
        );
        assert_eq!(
            names[names.len() - 3..],
            ["content_block_stop", "message_delta", "message_stop"]
        );
        assert_eq!(events[2].data, r#"{"type": "ping"}"#);
        assert!(events.iter().filter(|event| event::has_padding(&event.data)).count() > events.len() / 2);
        let StreamEvent::MessageDelta { stop_reason, usage } = event::read(&events[events.len() - 2]) else {
            panic!()
        };
        assert_eq!(
            (stop_reason.as_deref(), usage.output_tokens),
            (Some("end_turn"), Some(39))
        );
    }

    #[test]
    fn stream_and_message_say_the_same() {
        let (answer, ids) = answer("claude-haiku-4-5", json!({}));
        let message = reply::message(&answer.message(&ids)).unwrap();
        assert_eq!(
            (message.model.as_str(), message.usage.output_tokens),
            ("claude-haiku-4-5-20251001", Some(39))
        );
        let whole: Value = serde_json::from_slice(&answer.message(&ids)).unwrap();
        let streamed: String = events(&answer, &ids)
            .iter()
            .filter_map(|event| {
                serde_json::from_str::<Value>(&event.data)
                    .unwrap()
                    .pointer("/delta/text")
                    .and_then(Value::as_str)
                    .map(str::to_owned)
            })
            .collect();
        assert_eq!(whole.pointer("/content/0/text").unwrap(), &Value::from(streamed));
    }

    #[test]
    fn an_answer_stops_for_its_reason() {
        let reason = |extra: Value| {
            let (answer, ids) = answer("claude-haiku-4-5", extra);
            let value: Value = serde_json::from_slice(&answer.message(&ids)).unwrap();
            (
                value["stop_reason"].as_str().unwrap().to_owned(),
                value["content"].as_array().unwrap().len(),
                answer.output_tokens,
            )
        };
        assert_eq!(reason(json!({"max_tokens": 1})), ("max_tokens".into(), 1, 1));
        assert_eq!(reason(json!({"max_tokens": 0})), ("max_tokens".into(), 0, 0));
        assert_eq!(
            reason(json!({"stop_sequences": ["zz", "3"]})),
            ("stop_sequence".into(), 1, 4)
        );
    }

    #[test]
    fn a_thinking_model_uses_tokens_for_it_unless_disabled() {
        let (loud, ids) = answer("claude-haiku-5-5", json!({"max_tokens": 4}));
        assert!(
            events(&loud, &ids)
                .iter()
                .any(|event| event.data.contains("thinking_delta"))
        );
        let (quiet, ids) = answer("claude-haiku-5-5", json!({"thinking": {"type": "disabled"}}));
        assert!(
            events(&quiet, &ids)
                .iter()
                .all(|event| !event.data.contains("thinking"))
        );
    }
}
