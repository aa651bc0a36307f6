//! Exchanges of another shape: several at once, a connection that was idle, a key that leaves nothing to send.

use std::time::Duration;

use proptest::prelude::*;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::support::*;
use crate::probe::compose::Asked;
use crate::probe::link::{Chunk, Head, Received};
use crate::probe::redact::Redactor;
use crate::probe::{Secrets, reading, run};
use crate::report::evidence::{Exchange, ExchangeKind, KeyDefect, Outcome, PathEvidence, Reach, SkipReason};
use crate::report::plan::{ExchangePlan, When};
use crate::standin::{Config, Standin, TEST_KEY};

async fn with(url: &str, kind: ExchangeKind, amount: u64) -> PathEvidence {
    let mut path = path("edge", url);
    path.exchanges = vec![ExchangePlan {
        kind,
        when: When::Always,
        amount,
    }];
    let secrets = Secrets::new().with("K", TEST_KEY);
    let report = run(&plan(vec![path], 30_000), &secrets, &|_| {}).await.unwrap();
    report.evidence.paths[0].clone()
}

/// Answers the first request at once, and later ones only when three of them are waiting.
async fn gathering_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let gathered = std::sync::Arc::new(tokio::sync::Barrier::new(3));
    tokio::spawn(async move {
        for connection in 0.. {
            let (mut socket, _) = listener.accept().await.unwrap();
            let gathered = std::sync::Arc::clone(&gathered);
            tokio::spawn(async move {
                read_request(&mut socket).await;
                if connection > 0 {
                    gathered.wait().await;
                }
                let body: String = EVENTS.concat();
                let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: ";
                let _ = socket
                    .write_all(format!("{head}{}\r\n\r\n{body}", body.len()).as_bytes())
                    .await;
            });
        }
    });
    url
}

#[tokio::test]
async fn parallel_requests_are_on_their_way_at_the_same_time() {
    let seen = with(&gathering_server().await, ExchangeKind::Parallel, 3).await;
    let parallel: Vec<&Exchange> = seen
        .exchanges
        .iter()
        .filter(|exchange| exchange.kind == ExchangeKind::Parallel)
        .collect();
    assert_eq!(parallel.len(), 3);
    assert!(parallel.iter().all(|exchange| exchange.status == 200), "{parallel:?}");
}

#[tokio::test]
async fn a_connection_that_was_idle_is_used_again() {
    let claude = Standin::start(Config::default()).await.unwrap();
    let seen = with(&claude.url(), ExchangeKind::ReuseIdle, 1).await;
    assert_eq!(seen.exchange(ExchangeKind::ReuseIdle).unwrap().status, 200);
    let requests = claude.requests();
    let [.., first, second] = requests.as_slice() else {
        panic!()
    };
    assert_eq!(first.connection, second.connection);
}

/// Answers one request per connection, waits, and ends the idle connection by FIN or RST.
async fn idle_server(reset: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                if read_request(&mut socket).await.is_some() {
                    let reply = "HTTP/1.1 200 OK\r\ncontent-length: 19\r\n\r\n{\"input_tokens\":14}";
                    let _ = socket.write_all(reply.as_bytes()).await;
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    if reset {
                        socket.set_zero_linger().unwrap();
                    }
                }
            });
        }
    });
    url
}

#[tokio::test]
async fn an_orderly_close_of_an_idle_connection_is_nothing_and_a_reset_is_something() {
    let closed = with(&idle_server(false).await, ExchangeKind::ReuseIdle, 1).await;
    assert!(
        closed
            .skipped
            .contains(&(ExchangeKind::ReuseIdle, SkipReason::Pointless)),
        "{closed:?}"
    );
    let reset = with(&idle_server(true).await, ExchangeKind::ReuseIdle, 1).await;
    let exchange = reset.exchange(ExchangeKind::ReuseIdle).unwrap();
    assert_eq!(exchange.outcome, Outcome::ResetBeforeHead);
}

#[tokio::test]
async fn without_a_usable_key_the_connection_is_probed_all_the_same() {
    let claude = Standin::start(Config::default()).await.unwrap();
    let mut path = path("edge", &claude.url());
    path.exchanges = exchanges(&[ExchangeKind::CountTokens, ExchangeKind::NoKey]);
    let secrets = Secrets::new().with("K", "\n");
    let report = run(&plan(vec![path], 30_000), &secrets, &|_| {}).await.unwrap();
    let seen = &report.evidence.paths[0];
    assert_eq!(seen.handshake.outcome, Reach::Connected);
    assert_eq!(seen.key.as_ref().unwrap().defects, [KeyDefect::Empty]);
    assert!(seen.skipped.contains(&(ExchangeKind::Frozen, SkipReason::NoUsableKey)));
    assert!(
        seen.skipped
            .contains(&(ExchangeKind::CountTokens, SkipReason::NoUsableKey))
    );
    assert_eq!(seen.exchange(ExchangeKind::NoKey).unwrap().status, 401);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_reply_is_read_without_a_panic_and_quoted_within_bounds(
        status in 100u16..600,
        kind in prop::sample::select(vec!["text/event-stream", "application/json", "text/html; charset=x", ""]),
        coding in prop::sample::select(vec!["identity", "gzip", "br"]),
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        text in prop::sample::select(vec!["", "data: {\"type\":\"error\",\"error\":{}}\n\n", "<html><!-- ", "{\"error\":{\"message\":\"req_", ": \n\r\r\n"]),
        cuts in prop::collection::vec(0usize..700, 0..6),
        stream: bool, counts: bool,
    ) {
        let mut body = text.as_bytes().to_vec();
        body.extend(bytes);
        let mut ends: Vec<usize> = cuts.into_iter().map(|cut| cut.min(body.len())).collect();
        ends.push(body.len());
        ends.sort_unstable();
        let mut headers = http::HeaderMap::new();
        headers.insert("content-type", kind.parse().unwrap());
        headers.insert("content-encoding", coding.parse().unwrap());
        let mut received = Received::unconnected(None);
        received.outcome = Outcome::Answered;
        received.head = Some(Head { status, headers, version: http::Version::HTTP_11, spelled: Vec::new() });
        received.chunks = ends.iter().zip(0u32..).map(|(&end, at_ms)| Chunk { at_ms, end }).collect();
        received.body = body;
        let asked = Asked { stream, counts, ..Asked::default() };
        let read = reading::read(ExchangeKind::Frozen, &asked, &received, &Redactor::new(&Secrets::new()), jiff::Timestamp::UNIX_EPOCH);
        prop_assert!(read.exchange.quote.is_none_or(|quote| quote.len() <= 160 && !quote.contains('\n')));
    }
}
