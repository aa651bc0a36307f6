//! What Claude's error messages quote: evidence of what arrived there.
//!
//! Each function returns `None` for a message of another wording, and bounded text otherwise.

use crate::claude::headers::LimitKind;
use crate::text::bounded;

/// Bytes of a quoted value that are kept.
const MAX_QUOTE: usize = 160;

/// The value of `anthropic-version` as Claude received it: `"1999-01-01"`, or `2023-06-01, 2023-06-01` when a hop
/// sent the header twice. From `anthropic-version: "…" is not a valid version`.
pub fn version_echo(message: &str) -> Option<String> {
    let rest = message.split_once("anthropic-version: \"")?.1;
    let (value, _) = rest.split_once("\" is not a valid version")?;
    Some(bounded(value, MAX_QUOTE))
}

/// The beta names that Claude received and did not know. From ``Unexpected value(s) `a`, `b` for the `anthropic-beta`
/// header``; at most 16.
pub fn beta_echo(message: &str) -> Option<Vec<String>> {
    let rest = message.split_once("Unexpected value(s) ")?.1;
    let (values, _) = rest.split_once(" for the `anthropic-beta` header")?;
    let inner = values.strip_prefix('`')?.strip_suffix('`')?;
    let names = inner
        .split("`, `")
        .flat_map(|value| value.split(','))
        .map(|value| bounded(value.trim().trim_matches('`'), MAX_QUOTE));
    Some(names.filter(|name| !name.is_empty()).take(16).collect())
}

/// A limit that a message names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Which limit.
    pub kind: LimitKind,
    /// Units per minute.
    pub per_minute: u64,
}

/// The limit in `… 30,000 input tokens per minute …`, `… 50 requests per minute …`.
pub fn limit_in(message: &str) -> Option<Limit> {
    message.match_indices(" per minute").take(4).find_map(|(at, _)| {
        let mut words = message.get(..at)?.rsplit(' ');
        let unit = words.next()?;
        let (kind, number) = match unit {
            "requests" | "request" => (LimitKind::Requests, words.next()?),
            "tokens" => match words.next()? {
                "input" => (LimitKind::InputTokens, words.next()?),
                "output" => (LimitKind::OutputTokens, words.next()?),
                number => (LimitKind::Tokens, number),
            },
            _ => return None,
        };
        let digits = number.replace(',', "");
        digits.parse().ok().map(|per_minute| Limit { kind, per_minute })
    })
}

/// The organisation (UUID) that a message names: `(org: <uuid>, …`, `your organization (<uuid>)`.
pub fn org_in(message: &str) -> Option<&str> {
    message.split('(').skip(1).take(8).find_map(|rest| {
        let id = rest.strip_prefix("org: ").unwrap_or(rest).get(..36)?;
        crate::claude::headers::is_organization_id(id).then_some(id)
    })
}

/// The model that a message names: `model: claude-…` at its beginning (404), or inside `(org: …, model: claude-…)`.
pub fn model_in(message: &str) -> Option<&str> {
    let rest = message
        .strip_prefix("model: ")
        .or_else(|| message.split_once(", model: ").map(|(_, rest)| rest))?;
    let end = rest.find([')', ' ', ',']).unwrap_or(rest.len());
    rest.get(..end)
        .filter(|model| !model.is_empty() && model.len() <= MAX_QUOTE)
}

/// The field in `<field>: Extra inputs are not permitted`, as a dotted path.
pub fn extra_input_field(message: &str) -> Option<&str> {
    let (head, _) = message.split_once(": Extra inputs are not permitted")?;
    let field = head.rsplit([' ', '\n']).next()?;
    (!field.is_empty() && field.len() <= MAX_QUOTE).then_some(field)
}

/// The type that names no kind of content: `whereabouts` in `messages.0.content.0: Input tag 'whereabouts' found using 'type' does not
/// match any of the expected tags: …`. Numbers are quoted as they were read.
pub fn unknown_tag(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("Input tag '")?;
    let (tag, _) = rest.split_once("' found using 'type'")?;
    (tag.len() <= MAX_QUOTE).then_some(tag)
}

/// When a spend limit ends: `2026-09-01 at 00:00 UTC` in `You will regain access on …`.
pub fn regain_at(message: &str) -> Option<&str> {
    let rest = message.split_once("regain access on ")?.1;
    let end = rest.find(" UTC").map(|at| at + 4)?;
    rest.get(..end).filter(|when| when.len() <= 40)
}

/// The byte of the body at which Claude's JSON parser gave up, counted from 0: the number in `(char 2378)`.
pub fn json_error_position(message: &str) -> Option<u64> {
    let rest = message.rsplit_once("(char ")?.1;
    rest.split_once(')')?.0.parse().ok()
}
