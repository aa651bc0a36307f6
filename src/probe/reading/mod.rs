//! From what came back to evidence: closed enums, integers and digests, and at most 160 bytes of quote.

pub mod body;
mod digest;
pub mod echo;
pub mod head;
pub mod product;
pub mod reply_traits;
pub mod stream;
pub mod text;

use std::collections::BTreeSet;

use http::HeaderMap;

use digest::digest32;

use super::compose::Asked;
use super::link::Received;
use super::redact::Redactor;
use crate::claude::error::{self, ErrorClass, ErrorReading};
use crate::claude::event::Usage as WireUsage;
use crate::claude::headers::{self, RateLimits};
use crate::claude::reply;
use crate::report::evidence::{
    BodyKind, Exchange, ExchangeKind, GatewayErrorKind, Headroom, LimitKind, NamedLimit, Outcome, ReplyTraits,
    StreamEvidence, Usage,
};

/// Bytes of a body whose wording is read.
const MAX_WORDING: usize = 8 * 1024;

/// A reply, read.
#[derive(Debug)]
pub struct Reading {
    /// The evidence.
    pub exchange: Exchange,
    /// Arrival of each event, for the full report.
    pub arrivals: Vec<(u32, crate::report::evidence::EventKind)>,
    /// `date` of the reply.
    pub date: Option<String>,
    /// Ids that Claude gives to one answer only: the request's, the message's.
    pub ids: Vec<String>,
}

/// Reads what came back for one request. `now`: when its end came.
#[must_use]
pub fn read(
    kind: ExchangeKind,
    asked: &Asked,
    received: &Received,
    redactor: &Redactor,
    now: jiff::Timestamp,
) -> Reading {
    let mut exchange = Exchange::new(kind, received.outcome);
    exchange.first_byte_ms = received.first_byte_ms;
    exchange.total_ms = received.total_ms;
    let Some(head) = &received.head else {
        exchange.quote = received.error.as_deref().map(|error| text::quote(error, redactor));
        return Reading {
            exchange,
            arrivals: Vec::new(),
            date: None,
            ids: Vec::new(),
        };
    };
    exchange.status = head.status;
    let headers = &head.headers;
    let coding = headers::text(headers, "content-encoding");
    let decoded = body::decode(coding, &received.body, &received.chunks);
    if decoded.oversized && exchange.outcome == Outcome::Answered {
        exchange.outcome = Outcome::Oversized;
    }
    let content_type = headers::text(headers, "content-type")
        .unwrap_or_default()
        .to_ascii_lowercase();
    let mut arrivals = Vec::new();
    let mut last_data = String::new();
    let mut message_id = None;
    let mut reading = ErrorReading::default();
    if head.status == 200
        && is_event_stream(
            &content_type,
            asked,
            &decoded.bytes,
            received.outcome == Outcome::Answered,
        )
    {
        let stream = stream::read(&decoded.bytes, &decoded.chunks, &received.chunks);
        if stream.oversized {
            exchange.outcome = Outcome::Oversized;
        }
        let evidence = finish(stream.evidence, received, headers, decoded.compressed);
        exchange.body = if evidence.events > 0 {
            BodyKind::AsAsked
        } else {
            BodyKind::Empty
        };
        if exchange.outcome == Outcome::Answered && received.close_delimited && !evidence.message_stop {
            exchange.outcome = Outcome::CutByClose;
        }
        exchange.usage = stream.usage.map(usage);
        exchange.model_matches = stream.model.map(|model| same_model(&asked.model, &model));
        message_id = stream.message_id;
        reading = stream.error.unwrap_or_default();
        last_data = stream.last_data;
        arrivals = stream.arrivals;
        exchange.stream = Some(evidence);
    } else if head.status == 200 {
        whole(&mut exchange, asked, &decoded.bytes, &content_type, decoded.unreadable);
        message_id = reply::message(&decoded.bytes).map(|message| message.id);
        if exchange.body == BodyKind::Other && received.close_delimited && exchange.outcome == Outcome::Answered {
            exchange.outcome = Outcome::CutByClose;
        }
    }
    if head.status != 200 {
        exchange.body = answer(asked, &decoded).unwrap_or_default();
    }
    if (head.status != 200 && exchange.body == BodyKind::Unknown) || foreign(exchange.body) {
        reading = error::classify(head.status, Some(&content_type), headers, &decoded.bytes);
    }
    errors(&mut exchange, asked, headers, &reading, &decoded.bytes);
    let by_platform = message_id.as_deref().is_some_and(reply_traits::is_platform_message);
    exchange.traits.set(ReplyTraits::CLOUD_PLATFORM, by_platform);
    exchange
        .traits
        .set(ReplyTraits::ECHOES_REQUEST, echoes(headers, &decoded.bytes, redactor));
    exchange.quote = quotation(&exchange, &reading, &decoded.bytes, &last_data, received, redactor);
    if let Some(id) = headers::request_id(headers).filter(|id| headers::is_request_id(id) && !redactor.finds(id)) {
        exchange.request_id = Some(crate::text::bounded(id, 64));
    }
    common(&mut exchange, headers, now);
    if kind == ExchangeKind::Frozen && exchange.status == 200 {
        exchange.header_set = Some(header_set(headers));
        exchange.head = Some(head::head(headers, &head.spelled));
    }
    let date = headers::text(headers, "date").map(str::to_owned);
    // No cache keeps half an answer.
    let whole = exchange.stream.as_ref().is_none_or(|stream| stream.message_stop);
    let usual = message_id.filter(|id| whole && headers::is_usual_message_id(id));
    let ids = exchange.request_id.iter().cloned().chain(usual).collect();
    Reading {
        exchange,
        arrivals,
        date,
        ids,
    }
}

/// The complete answer that a body is, under any status: a hop set another one.
fn answer(asked: &Asked, body: &body::Decoded) -> Option<BodyKind> {
    let streamed = || {
        let stream = stream::read(&body.bytes, &body.chunks, &body.chunks);
        stream.model.is_some() && stream.evidence.message_stop && stream.error.is_none()
    };
    if asked.counts {
        reply::token_count(&body.bytes).map(|_| BodyKind::AsAsked)
    } else if reply::message(&body.bytes).is_some() {
        Some(if asked.stream {
            BodyKind::MessageNotStream
        } else {
            BodyKind::AsAsked
        })
    } else {
        (asked.stream && streamed()).then_some(BodyKind::AsAsked)
    }
}

/// `whole`: the body came to its end, and an empty one with no type is no stream.
fn is_event_stream(content_type: &str, asked: &Asked, body: &[u8], whole: bool) -> bool {
    let like_events = body.starts_with(b"event:") || body.starts_with(b"data:") || body.starts_with(b":");
    content_type.starts_with("text/event-stream")
        || (asked.stream && (like_events || (body.is_empty() && !whole)) && content_type.is_empty())
}

/// Adds what only the transport knows.
fn finish(mut evidence: StreamEvidence, received: &Received, headers: &HeaderMap, compressed: bool) -> StreamEvidence {
    evidence.end_ms = received.total_ms.unwrap_or(0);
    evidence.close_delimited = received.close_delimited;
    evidence.framing_complete = received.outcome == Outcome::Answered && !received.close_delimited;
    evidence.compressed = compressed;
    evidence.content_length = headers.contains_key("content-length");
    evidence
}

/// A 200 that is no event stream.
fn whole(exchange: &mut Exchange, asked: &Asked, body: &[u8], content_type: &str, unreadable: bool) {
    let blank = body.iter().all(u8::is_ascii_whitespace);
    let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok();
    exchange.body = if unreadable {
        BodyKind::Other
    } else if blank {
        BodyKind::Empty
    } else if let Some(input) = reply::token_count(body).filter(|_| asked.counts) {
        if exchange.kind == ExchangeKind::CountTokens {
            let input = u32::try_from(input).unwrap_or(u32::MAX);
            exchange.usage = Some(Usage { input, output: 0 });
        }
        BodyKind::AsAsked
    } else if let Some(message) = reply::message(body) {
        exchange.usage = Some(usage(message.usage));
        exchange.model_matches = Some(same_model(&asked.model, &message.model));
        match (asked.counts, asked.stream) {
            (true, _) => BodyKind::OtherJson,
            (false, true) => BodyKind::MessageNotStream,
            (false, false) => BodyKind::AsAsked,
        }
    } else if is_json {
        BodyKind::OtherJson
    } else if content_type.contains("html") || body.trim_ascii_start().starts_with(b"<") {
        BodyKind::Html
    } else {
        BodyKind::Other
    };
}

fn foreign(kind: BodyKind) -> bool {
    matches!(kind, BodyKind::Html | BodyKind::OtherJson | BodyKind::Other)
}

/// Alias and dated id are the same model.
fn same_model(asked: &str, answered: &str) -> bool {
    let dated = |long: &str, short: &str| {
        let rest = long
            .strip_prefix(short)
            .and_then(|rest| rest.strip_prefix('-').or(rest.strip_prefix('@')));
        rest.is_some_and(|rest| rest == "latest" || (rest.len() == 8 && rest.bytes().all(|byte| byte.is_ascii_digit())))
    };
    asked == answered || dated(answered, asked) || dated(asked, answered)
}

fn usage(wire: WireUsage) -> Usage {
    let number = |value: Option<u64>| u32::try_from(value.unwrap_or(0)).unwrap_or(u32::MAX);
    let input = number(wire.input_tokens)
        .saturating_add(number(wire.cache_creation_input_tokens))
        .saturating_add(number(wire.cache_read_input_tokens));
    Usage {
        input,
        output: number(wire.output_tokens),
    }
}

/// The error class of an error reply (or an `error` event), and the product of its text.
fn errors(exchange: &mut Exchange, asked: &Asked, headers: &HeaderMap, reading: &ErrorReading, body: &[u8]) {
    exchange.error = reading.class;
    exchange.inner_error = reading.inner_class.unwrap_or_default();
    // An answer has no traits of an error, under any status.
    let status = if exchange.bears_an_answer() {
        200
    } else {
        exchange.status
    };
    exchange.traits = reply_traits::traits(status, headers, reading, asked);
    exchange.echo = echo::echo(asked, reading);
    let wording = match exchange.status {
        200 if exchange.error == ErrorClass::None => String::new(),
        _ if exchange.status != 200 && exchange.bears_an_answer() => String::new(),
        200 => reading.message.clone().unwrap_or_default().to_lowercase(),
        _ => String::from_utf8_lossy(body.get(..MAX_WORDING).unwrap_or(body)).to_lowercase(),
    };
    let own = exchange.traits.has(ReplyTraits::ENVELOPE)
        && (exchange.traits.has(ReplyTraits::REQUEST_ID) || exchange.traits.has(ReplyTraits::BODY_REQUEST_ID));
    let edges = reading.message.as_deref().is_some_and(error::is_edges_refusal);
    let reworded = exchange.status >= 400 && !own && (edges || error::has_claudes_words(&wording));
    exchange.traits.set(ReplyTraits::CLAUDE_WORDS, reworded);
    exchange.product = product::product(headers, &wording);
    // Claude's own text is no gateway's: only a foreign or id-less reply is searched.
    let genuine = exchange.traits.has(ReplyTraits::ENVELOPE) && exchange.traits.has(ReplyTraits::IDS_AGREE);
    if !genuine && (exchange.status == 200 || !exchange.bears_an_answer()) {
        let status = if exchange.status == 200 && exchange.error != ErrorClass::None {
            500
        } else {
            exchange.status
        };
        exchange.error_kind = product::error_kind(status, headers, &wording);
        if exchange.error != ErrorClass::ModelNotFound && product::refuses_model(status, &wording, &asked.model) {
            exchange.error_kind = GatewayErrorKind::UnknownModel;
        }
    }
    exchange.limit = limit(exchange, headers, reading);
}

fn limit(exchange: &Exchange, headers: &HeaderMap, reading: &ErrorReading) -> Option<NamedLimit> {
    if exchange.status != 429 && exchange.error != ErrorClass::RateLimit {
        return None;
    }
    if let Some(limit) = reading.message.as_deref().and_then(error::limit_in) {
        return Some(NamedLimit {
            kind: limit.kind,
            per_minute: limit.per_minute,
        });
    }
    let limits = RateLimits::read(headers);
    let kind = limits.exhausted().next()?;
    let per_minute = limits.of(kind).and_then(|limit| limit.limit).unwrap_or(0);
    Some(NamedLimit { kind, per_minute })
}

/// Whether the reply shows a secret of ours, or our name: Claude repeats neither.
fn echoes(headers: &HeaderMap, body: &[u8], redactor: &Redactor) -> bool {
    let suspicious = |text: &str| text.contains(crate::version::USER_AGENT) || redactor.finds(text);
    let in_headers = headers.values().filter_map(|value| value.to_str().ok()).any(suspicious);
    let text = String::from_utf8_lossy(body.get(..MAX_WORDING).unwrap_or(body));
    in_headers || suspicious(&text)
}

/// A quote where the exchange failed; nothing of a model's answer.
fn quotation(
    exchange: &Exchange,
    reading: &ErrorReading,
    body: &[u8],
    last_data: &str,
    received: &Received,
    redactor: &Redactor,
) -> Option<String> {
    let broken = exchange.stream.as_ref().is_some_and(|stream| !stream.message_stop);
    if exchange.bears_an_answer() && !broken && reading.class == ErrorClass::None {
        return None;
    }
    let html = exchange.traits.has(ReplyTraits::HTML) || exchange.body == BodyKind::Html;
    let text = if broken || !last_data.is_empty() {
        last_data.to_owned()
    } else if let Some(message) = &reading.message {
        message.clone()
    } else {
        let text = String::from_utf8_lossy(body.get(..MAX_WORDING).unwrap_or(body));
        if html { text::of_html(&text) } else { text.into_owned() }
    };
    let text = if text.trim().is_empty() {
        received.error.clone().unwrap_or_default()
    } else {
        text
    };
    let quoted = text::quote(&text, redactor);
    (!quoted.is_empty()).then_some(quoted)
}

/// What every reply may have.
fn common(exchange: &mut Exchange, headers: &HeaderMap, now: jiff::Timestamp) {
    exchange.retry_after_s = headers::retry_after(headers).map(|after| {
        let seconds = after.seconds_from(now).ceil();
        // Bounded on both sides before the cast.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let whole = seconds.clamp(0.0, 31_536_000.0) as u32;
        whole
    });
    exchange.account = account(headers);
    exchange.headroom = headroom(headers);
    exchange.cache_age_s = cache_age(headers, exchange);
}

fn account(headers: &HeaderMap) -> Option<u32> {
    let (organization, workspace) = (headers::organization_id(headers), headers::workspace_id(headers));
    // 0 means none.
    let half = |id: Option<&str>| id.map_or(0, |id| (digest32(id) >> 16).max(1));
    let account = half(organization) << 16 | half(workspace);
    (account != 0).then_some(account)
}

/// Headers that come and go with the single reply, or with the framing.
const PER_REPLY: [&str; 16] = [
    "age",
    "cf-cache-status",
    "connection",
    "content-encoding",
    "content-length",
    "date",
    "etag",
    "expires",
    "keep-alive",
    "last-modified",
    "retry-after",
    "server-timing",
    "set-cookie",
    "trailer",
    "transfer-encoding",
    "vary",
];

fn header_set(headers: &HeaderMap) -> u32 {
    let names: BTreeSet<&str> = headers
        .keys()
        .map(http::HeaderName::as_str)
        .filter(|name| !PER_REPLY.contains(name))
        .collect();
    digest32(&names.into_iter().collect::<Vec<_>>().join("\n")) >> 16
}

/// `age`, or a cache-hit header. An answer no older than its own exchange was made for it: a cache that delays it
/// counts from the moment its head came, one that reckons as RFC 9111 has it adds the wait for that head, and both
/// count whole seconds between clocks that were cut to whole seconds.
fn cache_age(headers: &HeaderMap, exchange: &Exchange) -> Option<u32> {
    const ROUNDING_MS: u32 = 2_000;
    const CACHES: [&str; 9] = [
        "x-cache",
        "x-cache-status",
        "cf-cache-status",
        "x-proxy-cache",
        "x-portkey-cache-status",
        "cf-aig-cache-status",
        "helicone-cache",
        "x-litellm-cache-hit",
        "x-bt-cached",
    ];
    let hit = CACHES
        .iter()
        .filter_map(|name| headers::text(headers, name))
        .any(|value| {
            let value = value.to_ascii_lowercase();
            value.starts_with("hit")
                || value.starts_with("tcp_hit")
                || value.starts_with("semantic hit")
                || value == "true"
        });
    let age = headers::text(headers, "age").and_then(|age| age.trim().parse::<u32>().ok());
    let own = [exchange.total_ms, exchange.first_byte_ms, Some(ROUNDING_MS)];
    let own = own.into_iter().flatten().fold(0, u32::saturating_add);
    let older = |age: &u32| age.saturating_mul(1_000) >= own;
    match (age.filter(older), hit) {
        (Some(age), _) => Some(age),
        (None, true) => Some(0),
        (None, false) => None,
    }
}

fn headroom(headers: &HeaderMap) -> Option<Headroom> {
    let limits = RateLimits::read(headers);
    if limits.is_empty() {
        return None;
    }
    let percent = |kind| {
        let limit = limits.of(kind)?;
        let share = limit.remaining?.saturating_mul(100).checked_div(limit.limit?)?;
        u8::try_from(share.min(100)).ok()
    };
    Some(Headroom {
        requests: percent(LimitKind::Requests),
        input_tokens: percent(LimitKind::InputTokens),
        output_tokens: percent(LimitKind::OutputTokens),
        tokens: percent(LimitKind::Tokens),
        requests_limit: limits
            .of(LimitKind::Requests)
            .and_then(|limit| limit.limit)
            .map(|limit| u32::try_from(limit).unwrap_or(u32::MAX)),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_no_older_than_its_exchange_was_not_stored() {
        let headers = |pairs: &[(&'static str, &str)]| -> HeaderMap {
            let pair =
                |(name, value): &(&'static str, &str)| (http::HeaderName::from_static(name), value.parse().unwrap());
            pairs.iter().map(pair).collect()
        };
        let after = |first: u32, total: u32| Exchange {
            first_byte_ms: Some(first),
            total_ms: Some(total),
            ..Exchange::new(ExchangeKind::Frozen, Outcome::Answered)
        };
        let age = |pairs: &[(&'static str, &str)], of: &Exchange| cache_age(&headers(pairs), of);
        assert_eq!(age(&[("age", "2")], &after(60, 1_990)), None);
        assert_eq!(age(&[("age", "3")], &after(1_400, 1_900)), None);
        assert_eq!(age(&[("age", "5")], &after(100, 1_900)), Some(5));
        assert_eq!(
            age(&[("age", "1"), ("x-cache", "HIT from a")], &after(100, 1_900)),
            Some(0)
        );
        assert_eq!(age(&[("age", "1")], &after(0, 0)), None);
        assert_eq!(age(&[("age", "2")], &after(0, 0)), Some(2));
    }
}
