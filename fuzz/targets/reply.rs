//! Whole replies, through the prober's reading: bounded plain text, no secret, and never attributed to Claude without Claude's traits.

use claudeprobe::diagnosis::provenance::{self, Origin, RelayProfile};
use claudeprobe::probe::Secrets;
use claudeprobe::probe::compose::Asked;
use claudeprobe::probe::link::{Chunk, Head, Received};
use claudeprobe::probe::reading;
use claudeprobe::probe::redact::Redactor;
use claudeprobe::report::evidence::{Exchange, ExchangeKind, Outcome, ReplyTraits, RunEvidence};
use claudeprobe::report::message;
use http::{HeaderMap, HeaderName, HeaderValue, Version};

const KEY: &str = "sk-ant-api03-Zq8vT1kLmN0pQrStUvWxYz234567-_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AA";
/// Placeholder for the key: a mutation cannot find the key by itself.
const KEY_MARK: u8 = 0x01;
const STATUSES: [u16; 12] = [200, 204, 302, 400, 401, 403, 404, 413, 429, 500, 502, 529];

/// An error body: the first byte chooses the status.
pub fn error(bytes: &[u8]) {
    let Some((&choice, body)) = bytes.split_first() else {
        return;
    };
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    if choice & 0x80 != 0 {
        headers.insert("content-type", HeaderValue::from_static("text/event-stream"));
    }
    judge(status(choice), headers, with_key(body));
}

/// Lines of headers, an empty line, a body.
pub fn headers(bytes: &[u8]) {
    let Some((&choice, text)) = bytes.split_first() else {
        return;
    };
    let text = with_key(text);
    let mut headers = HeaderMap::new();
    let mut rest = text.as_slice();
    while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
        let line = &rest[..end];
        rest = &rest[end + 1..];
        let Some(colon) = line.iter().position(|&byte| byte == b':') else {
            break;
        };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    judge(status(choice), headers, rest.to_vec());
}

fn status(choice: u8) -> u16 {
    STATUSES[usize::from(choice & 0x7f) % STATUSES.len()]
}

fn with_key(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len());
    for &byte in bytes {
        if byte == KEY_MARK {
            text.extend_from_slice(KEY.as_bytes());
        } else {
            text.push(byte);
        }
    }
    text
}

fn judge(status: u16, headers: HeaderMap, body: Vec<u8>) {
    let redactor = Redactor::new(&Secrets::new().with("K", KEY));
    let asked = Asked {
        counts: false,
        stream: true,
        version: "2023-06-01".to_owned(),
        betas: Vec::new(),
        number: Some(9_007_199_254_740_993),
        field: None,
        second_field: None,
        model: "claude-haiku-4-5".to_owned(),
        ids: Default::default(),
    };
    let mut received = Received::unconnected(None);
    received.outcome = Outcome::Answered;
    received.chunks = vec![Chunk {
        at_ms: 1,
        end: body.len(),
    }];
    received.body = body;
    received.total_ms = Some(1);
    received.head = Some(Head {
        status,
        headers,
        version: Version::HTTP_11,
        spelled: Vec::new(),
    });
    let read = reading::read(ExchangeKind::Frozen, &asked, &received, &redactor, Default::default());
    words(&read.exchange);
    blames_only_by_traits(&read.exchange);
    survives_the_report(read.exchange);
}

/// The texts that a user sees.
fn words(exchange: &Exchange) {
    let texts = [&exchange.quote, &exchange.request_id];
    for text in texts.into_iter().flatten() {
        assert!(text.len() <= 160, "{} bytes are quoted", text.len());
        assert!(
            !text
                .chars()
                .any(|letter| letter.is_control() || ('\u{202a}'..='\u{202e}').contains(&letter)),
            "a terminal would obey {text:?}"
        );
        let core = &KEY.as_bytes()[13..];
        let shown = text.as_bytes();
        assert!(
            !core
                .windows(8)
                .any(|part| shown.windows(8).any(|seen| seen.eq_ignore_ascii_case(part))),
            "a part of the key is in {text:?}"
        );
    }
}

/// On a gateway without history, an error is attributed to Claude only with a request id, and to its edge only with the edge's traits.
fn blames_only_by_traits(exchange: &Exchange) {
    let traits = exchange.traits;
    let attributed = provenance::of(exchange, RelayProfile::default());
    let id = traits.has(ReplyTraits::REQUEST_ID) || traits.has(ReplyTraits::BODY_REQUEST_ID);
    match attributed.origin {
        Origin::Claude => assert!(id, "Claude without an id: {exchange:?}"),
        Origin::ClaudeEdge => assert!(
            [
                ReplyTraits::EDGE_PAGE,
                ReplyTraits::EDGE_FORBIDDEN,
                ReplyTraits::CF_RAY,
                ReplyTraits::SERVER_CLOUDFLARE
            ]
            .into_iter()
            .any(|each| traits.has(each)),
            "Claude's edge without its traits: {exchange:?}"
        ),
        Origin::Relayed | Origin::Gateway | Origin::Unknown => {}
    }
}

/// The report keeps all that was read, within its size limit.
fn survives_the_report(exchange: Exchange) {
    let mut run = RunEvidence {
        complete: true,
        ..RunEvidence::default()
    };
    run.paths.push(claudeprobe::report::evidence::PathEvidence {
        path: "edge".to_owned(),
        exchanges: vec![exchange],
        ..Default::default()
    });
    let run = run.rounded();
    let text = message::encode(&run, message::MAX_BYTES);
    assert!(text.len() <= message::MAX_BYTES);
    assert_eq!(message::decode(&text).as_ref(), Ok(&run), "the report differs");
}
