//! Reading of an error reply: shape, envelope, class, and a nested error.

use http::HeaderMap;
use serde_json::{Map, Value};

use super::message::{Stated, class_of};
use super::{ErrorClass, nested, page};
use crate::claude::headers::{self, RateLimits};
use crate::text::bounded;

/// Bytes of a body that are looked at; callers need not keep more of an error.
pub const MAX_BODY: usize = 64 << 10;
/// Bytes of a message that are kept.
const MAX_MESSAGE: usize = 2 << 10;
/// Bytes of a type, a code or an id that are kept.
const MAX_WORD: usize = 160;

/// What kind of body an error reply has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum BodyShape {
    /// No byte, or only white space.
    #[default]
    Empty,
    /// A JSON object whose `error` is an object with a `type` or a `message`: Claude's envelope, or another API's like
    /// it.
    Envelope,
    /// Other JSON, or JSON that is cut off.
    Json,
    /// HTML.
    Html,
    /// Text of another kind.
    Text,
    /// No UTF-8.
    Binary,
}

/// The top-level `request_id` of a body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum BodyRequestId {
    /// No such field: the edge's own errors, and most gateways'.
    #[default]
    Absent,
    /// `null`: seen in genuine replies of an overloaded origin.
    Null,
    /// A string, at most 160 bytes, of whatever form.
    Id(String),
}

impl BodyRequestId {
    /// The id, if it has the form of Claude's.
    pub fn genuine_form(&self) -> Option<&str> {
        match self {
            Self::Id(id) if headers::is_request_id(id) => Some(id),
            _ => None,
        }
    }
}

/// What an error reply says. Texts are bounded and not redacted: a gateway may have echoed anything into them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorReading {
    /// The class in Claude's vocabulary; [`ErrorClass::None`] for a foreign body.
    pub class: ErrorClass,
    /// What kind of body it is.
    pub shape: BodyShape,
    /// `error.type`.
    pub error_type: Option<String>,
    /// `error.details.error_code`.
    pub error_code: Option<String>,
    /// `error.message` of an envelope, at most 2 KiB; of a foreign JSON error its `message` or `error` string.
    pub message: Option<String>,
    /// Top-level `request_id`.
    pub body_request_id: BodyRequestId,
    /// Whether the top level has `"type":"error"`: Claude's origin does, its edge does not.
    pub top_level_type: bool,
    /// Whether the envelope has fields that Claude's has not.
    pub extra_keys: bool,
    /// A `req_…` inside a string of foreign JSON or in a text: a gateway wrapped a genuine error.
    pub inner_request_id: Option<String>,
    /// The class of a Claude error that is quoted inside a string (LiteLLM's `AnthropicException - {…}`).
    pub inner_class: Option<ErrorClass>,
    /// The host that an edge's page names in its title or `zone`: whose edge failed.
    pub page_host: Option<String>,
    /// A page inside a string of another reply: the sender of the reply did not create the page.
    pub wrapped_page: bool,
}

/// Reads an error reply.
///
/// `content_type` is the header's value, if any. Only the first [`MAX_BODY`] bytes of `body` are read. Never panics and
/// never fails: what is not understood has the class [`ErrorClass::None`]. A status below 400 gives a reading too (a
/// 200 with HTML).
pub fn classify(status: u16, content_type: Option<&str>, headers: &HeaderMap, body: &[u8]) -> ErrorReading {
    let body = body.get(..MAX_BODY).unwrap_or(body);
    let Some(text) = utf8(body) else {
        let reading = ErrorReading {
            shape: BodyShape::Binary,
            ..ErrorReading::default()
        };
        return with_page(reading, status, headers, "");
    };
    let trimmed = text.trim_start_matches('\u{feff}').trim();
    let shape = shape_of(content_type, trimmed);
    if shape == BodyShape::Json
        && let Ok(value) = serde_json::from_str::<Value>(trimmed)
    {
        let reading = read_json(status, Some(&RateLimits::read(headers)), &value);
        return with_page(reading, status, headers, trimmed);
    }
    let mut reading = ErrorReading {
        shape,
        ..ErrorReading::default()
    };
    reading.quote(nested::search_text(trimmed), shape != BodyShape::Html);
    with_page(reading, status, headers, trimmed)
}

impl ErrorReading {
    /// Takes in what others' texts in the reply say; a `page` there takes the place of the reply's own class.
    fn quote(&mut self, nested: nested::Nested, page: bool) {
        self.inner_request_id = nested.request_id;
        self.inner_class = nested.class;
        if let Some(inside) = nested.page.filter(|_| page) {
            self.wrapped_page = true;
            self.class = inside.class;
            self.page_host = inside.host;
        }
    }
}

/// Reads the data of an `error` event inside a stream.
pub fn classify_event(data: &str) -> ErrorReading {
    match serde_json::from_str::<Value>(data.get(..data.floor_char_boundary(MAX_BODY)).unwrap_or_default()) {
        // The stream's own status was 200: only type and message speak.
        Ok(value) => read_json(200, None, &value),
        Err(_) => classify(200, None, &HeaderMap::new(), data.as_bytes()),
    }
}

/// The body as text; a character cut in two at its end is dropped.
fn utf8(body: &[u8]) -> Option<&str> {
    match std::str::from_utf8(body) {
        Ok(text) => Some(text),
        Err(error) if error.error_len().is_none() => std::str::from_utf8(body.get(..error.valid_up_to())?).ok(),
        Err(_) => None,
    }
}

fn shape_of(content_type: Option<&str>, text: &str) -> BodyShape {
    if text.is_empty() {
        return BodyShape::Empty;
    }
    if text.starts_with(['{', '[']) {
        return BodyShape::Json;
    }
    let head = bounded(text, 256).to_ascii_lowercase();
    let said_html = content_type.is_some_and(|value| value.to_ascii_lowercase().contains("html"));
    if head.starts_with('<')
        && (said_html
            || ["<!doctype html", "<html", "<head", "<title", "<body"]
                .iter()
                .any(|tag| head.contains(tag)))
    {
        return BodyShape::Html;
    }
    BodyShape::Text
}

fn read_json(status: u16, limits: Option<&RateLimits>, value: &Value) -> ErrorReading {
    let Some(top) = value.as_object() else {
        return ErrorReading {
            shape: BodyShape::Json,
            ..foreign(value)
        };
    };
    let error = top
        .get("error")
        .and_then(Value::as_object)
        .filter(|error| error.contains_key("type") || error.contains_key("message"));
    let Some(error) = error else {
        return ErrorReading {
            shape: BodyShape::Json,
            message: ["message", "error", "detail", "error_msg"]
                .into_iter()
                .find_map(|key| word(top, key, MAX_MESSAGE)),
            body_request_id: body_request_id(top),
            ..foreign(value)
        };
    };
    let details = error.get("details").and_then(Value::as_object);
    let top_level_type = top.get("type").and_then(Value::as_str) == Some("error");
    let error_type = word(error, "type", MAX_WORD);
    let error_code = details.and_then(|details| word(details, "error_code", MAX_WORD));
    let message = word(error, "message", MAX_MESSAGE);
    let class = class_of(&Stated {
        status,
        top_level_type,
        error_type: error_type.as_deref().unwrap_or_default(),
        error_code: error_code.as_deref().unwrap_or_default(),
        message: message.as_deref().unwrap_or_default(),
        limit_exhausted: limits.is_some_and(|limits| limits.exhausted().next().is_some()),
    });
    let mut reading = ErrorReading {
        class,
        shape: BodyShape::Envelope,
        error_type,
        error_code,
        message,
        body_request_id: body_request_id(top),
        top_level_type,
        extra_keys: top
            .keys()
            .any(|key| !matches!(key.as_str(), "type" | "error" | "request_id"))
            || error
                .keys()
                .any(|key| !matches!(key.as_str(), "type" | "message" | "details")),
        ..ErrorReading::default()
    };
    reading.quote(nested::search_json(value), true);
    reading
}

/// The part of the reading that foreign JSON can give.
fn foreign(value: &Value) -> ErrorReading {
    let mut reading = ErrorReading::default();
    reading.quote(nested::search_json(value), true);
    reading
}

fn word(object: &Map<String, Value>, key: &str, limit: usize) -> Option<String> {
    object.get(key).and_then(Value::as_str).map(|text| bounded(text, limit))
}

fn body_request_id(top: &Map<String, Value>) -> BodyRequestId {
    match top.get("request_id") {
        Some(Value::Null) => BodyRequestId::Null,
        Some(Value::String(id)) => BodyRequestId::Id(bounded(id, MAX_WORD)),
        _ => BodyRequestId::Absent,
    }
}

/// Adds what an edge's page says.
fn with_page(mut reading: ErrorReading, status: u16, headers: &HeaderMap, text: &str) -> ErrorReading {
    let page = page::read(status, headers, reading.shape, text);
    if reading.class == ErrorClass::None {
        reading.class = page.class;
    }
    reading.page_host = page.host.or(reading.page_host);
    reading
}
