//! Claude errors that a gateway quotes inside a string of its own error.
//!
//! LiteLLM writes `litellm.RateLimitError: AnthropicException - {…}`, some gateways Python's `repr` of the object
//! (`b'{"type":…'`, `{'type': …`), some escape it several times, put it into HTML, cut it off, or keep it as an object
//! in a field of their own. The search is bounded in depth, strings and attempts.

use serde_json::{Deserializer, Value};

use super::ErrorClass;
use super::message::{Stated, class_of};
use super::page::{self, Page};
use crate::claude::headers::is_request_id;
use crate::text::bounded;

const MAX_DEPTH: usize = 8;
const MAX_STRINGS: usize = 256;
const MAX_ATTEMPTS: usize = 8;
const MAX_QUOTE: usize = 8 << 10;
/// Levels of escaping that are undone.
const MAX_ESCAPES: usize = 3;

/// What the strings of a body hide.
#[derive(Default)]
pub(super) struct Nested {
    /// The first `req_…` in a string other than the top-level `request_id`.
    pub request_id: Option<String>,
    /// The class of the first Claude error quoted in a string.
    pub class: Option<ErrorClass>,
    /// The first page in a string: a gateway wrapped the reply of an edge or a proxy.
    pub page: Option<Page>,
}

/// Searches the strings of a JSON body.
pub(super) fn search_json(value: &Value) -> Nested {
    let mut search = Search::default();
    if let Some(top) = value.as_object() {
        top.iter()
            .filter(|(key, _)| *key != "request_id")
            .for_each(|(_, value)| search.value(value, 1));
    } else {
        search.value(value, 1);
    }
    search.found
}

/// Searches a text.
pub(super) fn search_text(text: &str) -> Nested {
    let mut search = Search::default();
    search.text(text, 1);
    search.found
}

#[derive(Default)]
struct Search {
    found: Nested,
    strings: usize,
    attempts: usize,
}

impl Search {
    fn value(&mut self, value: &Value, depth: usize) {
        if depth > MAX_DEPTH || self.strings > MAX_STRINGS {
            return;
        }
        match value {
            Value::String(text) => self.text(text, depth),
            Value::Array(items) => items.iter().for_each(|item| self.value(item, depth + 1)),
            Value::Object(fields) => {
                if self.found.class.is_none() && is_envelope(value) {
                    self.found.class = class_in(value);
                }
                fields.values().for_each(|field| self.value(field, depth + 1));
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str, depth: usize) {
        self.strings += 1;
        if depth > MAX_DEPTH || self.strings > MAX_STRINGS {
            return;
        }
        if self.found.request_id.is_none() {
            self.found.request_id = request_id_in(text);
        }
        if self.found.page.is_none() {
            self.found.page = page::inside(&bounded(text, MAX_QUOTE));
        }
        let unescaped = text.contains("&quot;") || text.contains("&#34;");
        let plain = unescaped.then(|| text.replace("&quot;", "\"").replace("&#34;", "\""));
        let text = plain.as_deref().unwrap_or(text);
        for (at, _) in text.match_indices('{') {
            if self.found.class.is_some() || self.attempts >= MAX_ATTEMPTS {
                return;
            }
            let quote = text.get(at..).unwrap_or_default();
            let end = (0..=quote.len().min(MAX_QUOTE))
                .rev()
                .find(|&end| quote.is_char_boundary(end))
                .unwrap_or(0);
            let quote = quote.get(..end).unwrap_or_default();
            if !quote.contains("type") {
                return;
            }
            self.attempts += 1;
            match first_value(quote) {
                Some(value) => {
                    self.found.class = class_in(&value);
                    if self.found.class.is_none() {
                        self.value(&value, depth + 1);
                    }
                }
                None => self.found.class = class_of_start(quote),
            }
        }
    }
}

/// The JSON value at the text's beginning: as it is, unescaped up to three times, or written by Python.
fn first_value(text: &str) -> Option<Value> {
    let read = |text: &str| {
        Deserializer::from_str(text)
            .into_iter::<Value>()
            .next()
            .and_then(Result::ok)
    };
    if let Some(value) = read(text) {
        return Some(value);
    }
    let mut plain = text.to_owned();
    for _ in 0..MAX_ESCAPES {
        if !plain.starts_with(r"{\") {
            break;
        }
        plain = unescaped(&plain);
        if let Some(value) = read(&plain) {
            return Some(value);
        }
    }
    text.starts_with("{'").then(|| read(&json_of_python(text))).flatten()
}

/// The text with one level of backslashes taken off.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let next = if letter == '\\' { letters.next() } else { Some(letter) };
        out.extend(next);
    }
    out
}

fn json_of_python(text: &str) -> String {
    text.replace('\'', "\"")
        .replace(": None", ": null")
        .replace(": True", ": true")
        .replace(": False", ": false")
}

/// Claude's whole envelope, kept as an object.
fn is_envelope(value: &Value) -> bool {
    value.get("type").and_then(Value::as_str) == Some("error") && value.get("error").is_some_and(Value::is_object)
}

/// The class of an envelope; its status is not known, its type is.
fn class_in(value: &Value) -> Option<ErrorClass> {
    let error = value.get("error").unwrap_or(value);
    let field = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let code = error.get("details").map(|details| field(details, "error_code"));
    class_stated(
        &field(error, "type"),
        &code.unwrap_or_default(),
        &field(error, "message"),
    )
}

/// The class of an envelope that is cut off before its end: a hop quotes only the first bytes.
fn class_of_start(text: &str) -> Option<ErrorClass> {
    let mut plain = text.to_owned();
    for _ in 0..MAX_ESCAPES {
        if plain.starts_with(r"{\") {
            plain = unescaped(&plain);
        }
    }
    let plain = json_of_python(&plain).replace("\": ", "\":").replace(", \"", ",\"");
    let error = plain.strip_prefix(r#"{"type":"error","error":{"#)?;
    let field = |name: &str| {
        let (_, rest) = error.split_once(&format!("\"{name}\":\""))?;
        Some(rest.split_once('"').map_or(rest, |(value, _)| value).to_owned())
    };
    // A type that is cut itself is no type.
    class_stated(
        &field("type")?,
        &field("error_code").unwrap_or_default(),
        &field("message").unwrap_or_default(),
    )
}

fn class_stated(error_type: &str, error_code: &str, message: &str) -> Option<ErrorClass> {
    let class = class_of(&Stated {
        status: 0,
        // The quote is taken at its word: only Claude's types have a class.
        top_level_type: true,
        error_type,
        error_code,
        message,
        limit_exhausted: false,
    });
    (class != ErrorClass::None).then_some(class)
}

/// The first word of the form of a request id.
fn request_id_in(text: &str) -> Option<String> {
    text.match_indices("req_").take(MAX_ATTEMPTS).find_map(|(at, _)| {
        let inside = text
            .get(..at)
            .and_then(|head| head.chars().next_back())
            .is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
        let rest = text.get(at..).unwrap_or_default();
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'))
            .unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or_default();
        // A genuine id has 24 characters after the prefix; `req_body` and the like have no digit.
        (!inside && is_request_id(word) && word.len() >= 14 && word.bytes().any(|byte| byte.is_ascii_digit()))
            .then(|| word.to_owned())
    })
}
