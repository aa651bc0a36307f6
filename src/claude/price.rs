//! What tokens cost, by model.
//!
//! List prices of the direct API for prompts up to 100,000 tokens, without caching, batches or priority tiers; a model
//! that is not listed has no price, not a guessed one.

/// US dollars per million tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Price {
    /// Input.
    pub input: f64,
    /// Output.
    pub output: f64,
}

impl Price {
    /// US dollars of one call.
    #[allow(clippy::cast_precision_loss, reason = "token counts are far below 2^52")]
    pub fn cost_usd(self, input_tokens: u64, output_tokens: u64) -> f64 {
        (input_tokens as f64 * self.input + output_tokens as f64 * self.output) / 1e6
    }
}

/// Model prefix, input, output. A prefix ends at the id's end or before a `-` or `@`.
const LIST: [(&str, f64, f64); 12] = [
    ("claude-haiku-5-5", 0.10, 0.50),
    ("claude-haiku-4-5", 1.0, 5.0),
    ("claude-sonnet-5-5", 2.0, 10.0),
    ("claude-sonnet-4-6", 3.0, 15.0),
    ("claude-sonnet-4-5", 3.0, 15.0),
    ("claude-opus-5-5", 4.0, 20.0),
    ("claude-opus-4-6", 5.0, 25.0),
    ("claude-opus-4-5", 5.0, 25.0),
    ("claude-opus-4-1", 15.0, 75.0),
    ("claude-fable-5-2", 8.0, 40.0),
    ("claude-3-5-haiku", 0.8, 4.0),
    ("claude-3-haiku", 0.25, 1.25),
];

/// The price of a model id, alias or dated; `None` when unknown.
pub fn of(model: &str) -> Option<Price> {
    LIST.iter()
        .find(|(prefix, ..)| is_family(model, prefix))
        .map(|&(_, input, output)| Price { input, output })
}

/// Whether the id is the family's alias or one of its dated ids.
pub(super) fn is_family(model: &str, family: &str) -> bool {
    model
        .strip_prefix(family)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '@']))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn aliases_and_dated_ids_have_the_familys_price() {
        let alias = of("claude-haiku-4-5").unwrap();
        assert_eq!(of("claude-haiku-4-5-20251001"), Some(alias));
        assert!(
            (alias.cost_usd(14, 1) - 0.000_019).abs() < 1e-9,
            "the fact sheet's price of a probe"
        );
    }

    #[test]
    fn an_unknown_model_has_no_price() {
        for model in ["", "claude-haiku-4-55", "gpt-4", "claude-mythos-9"] {
            assert_eq!(of(model), None, "{model}");
        }
    }
}
