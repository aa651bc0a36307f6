//! Error pages of a content network's edge: whose edge, and what it did.
//!
//! Claude sits behind Cloudflare, and so do some gateways: only the host in a page separates them.

use http::HeaderMap;

use super::{BodyShape, ErrorClass};
use crate::claude::headers;
use crate::text::bounded;

/// What a page says.
#[derive(Default)]
pub(super) struct Page {
    pub class: ErrorClass,
    pub host: Option<String>,
}

/// Reads a body that may be an edge's page, or an edge's error in JSON.
pub(super) fn read(status: u16, headers: &HeaderMap, shape: BodyShape, text: &str) -> Page {
    if headers.contains_key(headers::CF_MITIGATED) {
        let title = if shape == BodyShape::Html { title(text) } else { None };
        return Page {
            class: ErrorClass::EdgeChallenge,
            host: title.and_then(|title| host_in(&title)),
        };
    }
    match shape {
        BodyShape::Html => html(status, text),
        BodyShape::Json | BodyShape::Envelope => json(status, text),
        _ => Page::default(),
    }
}

/// Reads a page inside another text; `None` where there is none. Its status is unknown.
pub(super) fn inside(text: &str) -> Option<Page> {
    let lower = text.to_ascii_lowercase();
    let start = ["<!doctype html", "<html"]
        .iter()
        .filter_map(|tag| lower.find(tag))
        .min()?;
    Some(html(500, text.get(start..)?))
}

fn html(status: u16, text: &str) -> Page {
    let title = title(text).unwrap_or_default();
    let lower = title.to_ascii_lowercase();
    let host = host_in(&title);
    let class = if lower.starts_with("just a moment")
        || lower.contains("attention required")
        || lower.contains("used cloudflare to restrict")
    {
        ErrorClass::EdgeChallenge
    } else if (500..=599).contains(&status)
        && (is_numbered(&lower)
            || bounded(text, 4096)
                .to_ascii_lowercase()
                .contains("<center>cloudflare</center>"))
    {
        ErrorClass::EdgeUnavailable
    } else {
        ErrorClass::None
    };
    if class == ErrorClass::None {
        Page::default()
    } else {
        Page { class, host }
    }
}

/// Cloudflare's JSON for clients that do not accept HTML.
fn json(status: u16, text: &str) -> Page {
    #[derive(serde::Deserialize)]
    struct Wire {
        cloudflare_error: bool,
        #[serde(default)]
        zone: Option<String>,
    }
    match serde_json::from_str::<Wire>(text) {
        Ok(wire) if wire.cloudflare_error => Page {
            class: if status >= 500 {
                ErrorClass::EdgeUnavailable
            } else {
                ErrorClass::EdgeChallenge
            },
            host: wire.zone.and_then(|zone| host(&zone)),
        },
        _ => Page::default(),
    }
}

/// The text of the first `<title>`, at most 256 bytes.
fn title(text: &str) -> Option<String> {
    let lower = bounded(text, 8 << 10).to_ascii_lowercase();
    let start = lower.find("<title>")? + "<title>".len();
    let end = start + lower.get(start..)?.find("</title>")?;
    Some(bounded(text.get(start..end)?.trim(), 256))
}

/// `host | 520: …`, the form of Cloudflare's numbered errors.
fn is_numbered(title: &str) -> bool {
    title.split_once(" | ").is_some_and(|(_, rest)| {
        rest.get(..3)
            .is_some_and(|code| code.starts_with('5') && code.bytes().all(|byte| byte.is_ascii_digit()))
    })
}

/// The host that a title names: in front of ` | 5…`, or behind `Access denied | `.
fn host_in(title: &str) -> Option<String> {
    let (head, tail) = title.split_once(" | ")?;
    host(head).or_else(|| host(tail.split(' ').next().unwrap_or_default()))
}

fn host(text: &str) -> Option<String> {
    let text = text.trim();
    let fits = (4..=253).contains(&text.len())
        && text.contains('.')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':'));
    fits.then(|| text.to_ascii_lowercase())
}
