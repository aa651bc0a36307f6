//! Estimates tokens, and answers prompts that request counting.

use serde_json::Value;

/// Tokens that every request costs beside its text.
const OVERHEAD: u64 = 7;

/// Input tokens of a request: words, marks and a constant, so that the same body always counts the same and a longer
/// one counts more. `What is the capital of France?` gives 14, as recorded.
pub(super) fn count_input(body: &Value) -> u64 {
    let part = |name: &str| body.get(name).map_or(0, count_value);
    OVERHEAD + part("messages") + part("system") + part("tools")
}

fn count_value(value: &Value) -> u64 {
    match value {
        Value::String(text) => pieces(text),
        Value::Array(items) => items.iter().map(count_value).sum(),
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "type" | "role" | "cache_control"))
            .map(|(_, value)| count_value(value))
            .sum(),
        Value::Null => 0,
        _ => 1,
    }
}

fn pieces(text: &str) -> u64 {
    let mut count = 0;
    let mut word = 0;
    for c in text.chars() {
        if c.is_alphanumeric() {
            // Long words are several tokens.
            count += u64::from(word % 8 == 0);
            word += 1;
        } else {
            count += u64::from(!c.is_whitespace());
            word = 0;
        }
    }
    count
}

/// The answer to the conversation, token by token.
pub(super) fn answer(body: &Value) -> Vec<String> {
    let prompt = last_user_text(body);
    let numbers = numbers_in(&prompt);
    let lower = prompt.to_ascii_lowercase();
    let range = match (lower.contains("count"), numbers.as_slice()) {
        (true, [from, to, ..]) if from < to => Some((*from, *to)),
        (true, [to]) => Some((1, *to)),
        _ => None,
    };
    match range {
        Some((from, to)) => (from..=to.min(from.saturating_add(100_000)))
            .flat_map(|number| {
                if number == from {
                    vec![number.to_string()]
                } else {
                    vec!["\n".to_owned(), number.to_string()]
                }
            })
            .collect(),
        None => "Hello! How can I help you today?"
            .split_inclusive(' ')
            .map(str::to_owned)
            .collect(),
    }
}

fn last_user_text(body: &Value) -> String {
    let turns = body
        .get("messages")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let content = turns
        .iter()
        .rev()
        .find(|turn| turn.get("role").and_then(Value::as_str) == Some("user"))
        .and_then(|turn| turn.get("content"));
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(blocks)) => blocks
            .iter()
            .filter_map(|block| block.get("text").and_then(Value::as_str))
            .collect::<Vec<_>>()
            .join("\n"),
        _ => String::new(),
    }
}

fn numbers_in(text: &str) -> Vec<u64> {
    text.split(|c: char| !c.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok())
        .take(3)
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use serde_json::json;

    fn asked(prompt: &str) -> Value {
        json!({"messages": [{"role": "user", "content": prompt}]})
    }

    #[test]
    fn input_is_counted_as_recorded() {
        assert_eq!(count_input(&asked("What is the capital of France?")), 14);
        assert!(count_input(&asked("a b c")) < count_input(&asked("a b c d")));
    }

    #[test]
    fn it_can_count() {
        assert_eq!(answer(&asked("Count from 1 to 5.")).concat(), "1\n2\n3\n4\n5");
        assert_eq!(answer(&asked("Please count to 3")).concat(), "1\n2\n3");
        assert_eq!(
            answer(
                &json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "Count from 1 to 20."}]}]})
            )
            .len(),
            39
        );
        assert_eq!(answer(&asked(".")).concat(), "Hello! How can I help you today?");
    }
}
