//! Servers that flood, lie or never end: bounded time and memory, an outcome, never a panic.

use super::support::*;
use crate::probe::Secrets;
use crate::report::evidence::{BodyKind, Exchange, ExchangeKind, Outcome, ReplyTraits, SkipReason};

#[tokio::test]
async fn endless_headers_end_at_our_bound() {
    let exchange = frozen(
        vec![send("HTTP/1.1 200 OK\r\n"), Step::Flood(b"x-h: y\r\n".repeat(500))],
        10_000,
    )
    .await;
    assert!(
        matches!(exchange.outcome, Outcome::Oversized | Outcome::NotHttp),
        "{:?}",
        exchange.outcome
    );
    let one = frozen(
        vec![send("HTTP/1.1 200 OK\r\nx-h: "), Step::Flood(vec![b'y'; 4096])],
        10_000,
    )
    .await;
    assert!(
        matches!(one.outcome, Outcome::Oversized | Outcome::NotHttp),
        "{:?}",
        one.outcome
    );
}

#[tokio::test]
async fn an_endless_body_ends_at_our_bound() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000000000\r\n\r\n";
    let exchange = frozen(vec![send(head), Step::Flood(vec![b' '; 64 * 1024])], 20_000).await;
    assert_eq!(exchange.outcome, Outcome::Oversized);
    assert!(exchange.quote.is_none_or(|quote| quote.len() <= 160));
}

#[tokio::test]
async fn a_stream_that_never_ends_ends_with_our_time() {
    let ping = format!("{:x}\r\n{}\r\n", EVENTS[2].len(), EVENTS[2]);
    let drip: Vec<Step> = (0..200).flat_map(|_| [send(&ping), wait(20)]).collect();
    let exchange = frozen([vec![send(SSE_HEAD)], drip].concat(), 2_000).await;
    assert_eq!(exchange.outcome, Outcome::StalledInBody);
    assert!(exchange.stream.unwrap().pings > 5);
}

#[tokio::test]
async fn bytes_that_are_no_text_are_an_answer_of_another_kind() {
    let mut bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nx-odd: \xff\xfe\r\n\r\n".to_vec();
    bytes.extend([0xff, 0xfe, 0x00, 0x80]);
    let exchange = frozen(vec![Step::Send(bytes)], 10_000).await;
    assert_eq!((exchange.outcome, exchange.body), (Outcome::Answered, BodyKind::Other));
}

#[tokio::test]
async fn http_0_9_and_a_bare_line_are_not_http() {
    for text in ["<html>hello</html>\r\n", "\r\n\r\n\0\0\0\0", "HTTP/9.9 200 OK\r\n\r\n"] {
        let exchange = frozen(vec![send(text)], 10_000).await;
        assert!(
            matches!(exchange.outcome, Outcome::NotHttp | Outcome::ClosedBeforeHead),
            "{text:?}: {:?}",
            exchange.outcome
        );
    }
}

fn all_strings(exchange: &Exchange) -> String {
    serde_json::to_string(exchange).unwrap()
}

#[tokio::test]
async fn a_server_that_echoes_the_key_in_every_header_and_the_body_does_not_get_it_into_the_report() {
    let error = format!(
        r#"{{"type":"error","error":{{"type":"authentication_error","message":"bad key {KEY}"}},"request_id":"req_{KEY}"}}"#
    );
    let reply = format!(
        "HTTP/1.1 401 Unauthorized\r\nrequest-id: req_{KEY}\r\nx-echo: Bearer {KEY}\r\nserver: {KEY}\r\ncontent-length: {}\r\n\r\n{error}",
        error.len()
    );
    let address = serve(vec![send(&reply)]).await;
    let report = probe(&plan(vec![path("edge", &format!("http://{address}"))], 10_000)).await;
    let frozen = report.evidence.paths[0].frozen().unwrap();
    assert!(frozen.traits.has(ReplyTraits::ECHOES_REQUEST));
    assert!(
        frozen.quote.as_deref().unwrap().contains("[redacted]"),
        "{}",
        all_strings(frozen)
    );
    let all = serde_json::to_string(&report).unwrap();
    for part in KEY.as_bytes().windows(12).skip(8) {
        assert!(!all.contains(std::str::from_utf8(part).unwrap()), "{all}");
    }
}

#[tokio::test]
async fn a_key_that_no_header_can_carry_is_not_sent_and_its_trimmed_form_is_tried() {
    let body = r#"{"model":"claude-haiku-4-5","id":"msg_1","type":"message","role":"assistant","content":[],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}"#;
    let ok = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let address = serve(vec![send(&ok)]).await;
    let mut plan = plan(vec![path("edge", &format!("http://{address}"))], 10_000);
    plan.request.stream = false;
    let secrets = Secrets::new().with("K", format!("{KEY}\n"));
    let report = crate::probe::run(&plan, &secrets, &|_| {}).await.unwrap();
    let path = &report.evidence.paths[0];
    assert_eq!(path.skipped, [(ExchangeKind::Frozen, SkipReason::NoUsableKey)]);
    let trimmed = path.exchange(ExchangeKind::TrimmedKey).unwrap();
    assert_eq!((trimmed.status, trimmed.body), (200, BodyKind::AsAsked));
}

#[tokio::test]
async fn after_a_429_with_a_genuine_id_only_one_confirmation_is_sent_with_that_key() {
    let body = r#"{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your organization's rate limit of 50 requests per minute"},"request_id":"req_011CeCGmBjaWkq37Sf5iU7so"}"#;
    let reply = format!(
        "HTTP/1.1 429 Too Many Requests\r\nrequest-id: req_011CeCGmBjaWkq37Sf5iU7so\r\nretry-after: 1\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let address = serve(vec![send(&reply)]).await;
    let url = format!("http://{address}");
    let kinds = exchanges(&[ExchangeKind::CountTokens, ExchangeKind::BogusBeta, ExchangeKind::BadKey]);
    let mut paths = vec![path("direct", &url), path("edge", &url)];
    paths.iter_mut().for_each(|path| path.exchanges.clone_from(&kinds));
    let report = probe(&plan(paths, 20_000)).await;
    let sent = |path: usize| -> Vec<ExchangeKind> {
        report.evidence.paths[path]
            .exchanges
            .iter()
            .map(|exchange| exchange.kind)
            .collect()
    };
    assert_eq!(sent(0), [ExchangeKind::Frozen, ExchangeKind::Confirm]);
    assert_eq!(
        sent(1),
        [ExchangeKind::Frozen],
        "once on every path: only then can they be compared"
    );
    let skipped = &report.evidence.paths[1].skipped;
    assert!(skipped.iter().all(|(_, reason)| *reason == SkipReason::RateLimited) && skipped.len() == 3);
    let limit = report.evidence.paths[0].frozen().unwrap().limit.unwrap();
    assert_eq!(limit.per_minute, 50);
}
