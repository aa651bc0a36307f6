//! What ends one path and not the run, and what one key's limit allows.

use std::time::Duration;

use super::support::*;
use crate::probe::{FullReport, Secrets, run};
use crate::report::evidence::{ExchangeKind, PathEvidence, Reach, SkipReason};
use crate::report::plan::{Header, HeaderValue, PathPlan, Plan, Proxy};
use crate::standin::{Config, ErrorName, Fault, Key, Limits, Rule, Standin, TEST_KEY};

async fn claude(limits: Limits) -> Standin {
    let mut key = Key::new(TEST_KEY);
    key.limits = limits;
    let config = Config {
        keys: vec![key],
        ..Config::default()
    };
    Standin::start(config).await.unwrap()
}

async fn go(plan: &Plan) -> FullReport {
    let secrets = Secrets::new().with("K", TEST_KEY).with("SAME", TEST_KEY);
    run(plan, &secrets, &|_| {}).await.unwrap()
}

fn sent(path: &PathEvidence) -> Vec<ExchangeKind> {
    path.exchanges.iter().map(|exchange| exchange.kind).collect()
}

#[tokio::test]
async fn settings_that_cannot_be_used_end_their_path_and_no_other() {
    let claude = claude(Limits::default()).await;
    let broken = |change: fn(&mut PathPlan)| {
        let mut path = path("broken", "https://127.0.0.1:1");
        change(&mut path);
        path
    };
    let cases = [
        (
            broken(|path| path.tls.ca = Some("/nowhere/ca.crt".into())),
            Reach::CaMissing,
            "/nowhere/ca.crt",
        ),
        (
            broken(|path| path.url = "ftp://gw".into()),
            Reach::UrlUnusable,
            "ftp://gw",
        ),
        (
            broken(|path| {
                path.proxy = Some(Proxy {
                    url: "https://proxy".into(),
                    credential: None,
                })
            }),
            Reach::ProxyUnusable,
            "https://proxy",
        ),
        (
            broken(|path| path.tls.client_certificate = Some(("CHAIN".into(), "KEY".into()))),
            Reach::SecretMissing,
            "CHAIN",
        ),
        (
            broken(|path| path.tls.server_name = Some("no name".into())),
            Reach::TlsUnusable,
            "serverName",
        ),
        (
            broken(|path| {
                path.headers = vec![Header {
                    name: "x-team".into(),
                    value: HeaderValue::Value("a\nb".into()),
                }]
            }),
            Reach::HeaderUnusable,
            "x-team",
        ),
    ];
    for (broken, reach, named) in cases {
        let paths = vec![path("direct", &claude.url()), broken, path("edge", &claude.url())];
        let report = go(&plan(paths, 20_000)).await;
        let [direct, bad, edge] = report.evidence.paths.as_slice() else {
            panic!()
        };
        assert_eq!(
            (bad.handshake.outcome, bad.exchanges.len(), bad.skipped.len()),
            (reach, 0, 0)
        );
        assert!(report.details[1].error.as_ref().unwrap().contains(named));
        assert_eq!(
            (sent(direct), sent(edge)),
            (vec![ExchangeKind::Frozen], vec![ExchangeKind::Frozen])
        );
    }
}

#[tokio::test]
async fn paths_whose_secrets_hold_the_same_key_share_its_limits() {
    let claude = claude(Limits::default()).await;
    claude.set_fault(Rule::always(Fault::Error(ErrorName::RateLimitRequests)));
    let mut other = path("edge", &claude.url());
    other.credential.as_mut().unwrap().secret = "SAME".into();
    let paths = go(&plan(vec![path("direct", &claude.url()), other], 30_000))
        .await
        .evidence
        .paths;
    let confirmed = paths
        .iter()
        .flat_map(sent)
        .filter(|kind| *kind == ExchangeKind::Confirm);
    assert_eq!(confirmed.count(), 1, "one confirming request per key, not per Secret");
    assert_eq!(claude.requests().len(), 3);
}

#[tokio::test]
async fn a_limit_met_on_the_control_stands_against_the_key() {
    let claude = claude(Limits::default()).await;
    // No id, no envelope: a limit on the control is a limit of the key.
    let limit = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n";
    let limiting = serve(vec![send(limit)]).await;
    let mut paths = vec![
        path("direct", &format!("http://{limiting}")),
        path("edge", &claude.url()),
    ];
    paths
        .iter_mut()
        .for_each(|path| path.exchanges = exchanges(&[ExchangeKind::CountTokens]));
    let paths = go(&plan(paths, 30_000)).await.evidence.paths;
    assert_eq!(sent(&paths[0]), [ExchangeKind::Frozen, ExchangeKind::Confirm]);
    assert_eq!(sent(&paths[1]), [ExchangeKind::Frozen]);
    assert_eq!(paths[1].skipped, [(ExchangeKind::CountTokens, SkipReason::RateLimited)]);
}

#[tokio::test]
async fn with_little_left_only_the_frozen_request_is_sent_and_a_failure_is_not_repeated() {
    let low = Limits {
        requests: 20,
        ..Limits::default()
    };
    let claude = claude(low).await;
    for _ in 0..18 {
        // Another user of the same key.
        frozen_of_another(&claude).await;
    }
    let failing = serve(vec![send("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n")]).await;
    let mut paths = vec![
        path("direct", &claude.url()),
        path("edge", &format!("http://{failing}")),
    ];
    paths
        .iter_mut()
        .for_each(|path| path.exchanges = exchanges(&[ExchangeKind::BogusBeta]));
    let paths = go(&plan(paths, 30_000)).await.evidence.paths;
    assert_eq!(sent(&paths[0]), [ExchangeKind::Frozen]);
    assert_eq!(paths[0].skipped, [(ExchangeKind::BogusBeta, SkipReason::LowHeadroom)]);
    assert_eq!(sent(&paths[1]), [ExchangeKind::Frozen]);
    assert!(
        paths[1]
            .skipped
            .contains(&(ExchangeKind::Repeat, SkipReason::LowHeadroom))
    );
}

async fn frozen_of_another(claude: &Standin) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut socket = tokio::net::TcpStream::connect(claude.address()).await.unwrap();
    let body = r#"{"model":"claude-haiku-4-5","max_tokens":1,"messages":[{"role":"user","content":"."}]}"#;
    let request = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx-api-key: {TEST_KEY}\r\nanthropic-version: 2023-06-01\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    socket.read_to_string(&mut reply).await.unwrap();
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
}

#[tokio::test]
async fn several_at_once_take_no_more_than_a_fifth_of_the_limit() {
    let claude = claude(Limits {
        requests: 25,
        ..Limits::default()
    })
    .await;
    let mut path = path("edge", &claude.url());
    path.exchanges = exchanges(&[ExchangeKind::Parallel]);
    path.exchanges[0].amount = 16;
    let mut plan = plan(vec![path], 10_000);
    plan.request.stream = false;
    let seen = go(&plan).await.evidence.paths.remove(0);
    // Five may go in a minute, one has gone: the five have to wait for it, and the run has no minute left.
    assert_eq!(sent(&seen), [ExchangeKind::Frozen]);
    assert_eq!(seen.skipped, [(ExchangeKind::Parallel, SkipReason::OutOfTime)]);
    assert_eq!(claude.requests().len(), 1);
}

#[tokio::test]
async fn the_long_request_has_a_limit_of_its_own_and_leaves_time_for_the_rest() {
    let claude = claude(Limits::default()).await;
    claude.set_pace(Duration::from_millis(100), Duration::ZERO);
    let mut path = path("edge", &claude.url());
    path.exchanges = exchanges(&[ExchangeKind::Long, ExchangeKind::CountTokens]);
    path.exchanges[0].amount = 4_000;
    let mut plan = plan(vec![path], 60_000);
    plan.request.max_tokens = 4;
    plan.long_timeout_ms = 700;
    let seen = go(&plan).await.evidence.paths.remove(0);
    let long = seen.exchange(ExchangeKind::Long).unwrap();
    assert!(!long.stream.as_ref().unwrap().message_stop);
    assert!((600..3_000).contains(&long.total_ms.unwrap()), "{long:?}");
    assert_eq!(seen.exchange(ExchangeKind::CountTokens).unwrap().status, 200);
    let asked = claude.requests();
    let asked = asked.iter().find(|request| request.body.contains("4000")).unwrap();
    assert!(asked.body.contains("Count from 1 to 4000") && asked.body.contains("\"stream\":true"));
}

/// Answers every other request with 502, the others as `claude` would.
async fn every_other(claude: &Standin) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let upstream = claude.address();
    tokio::spawn(async move {
        for connection in 0.. {
            let (mut socket, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                if connection % 2 == 1 {
                    use tokio::io::AsyncWriteExt;
                    read_request(&mut socket).await;
                    let _ = socket
                        .write_all(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n")
                        .await;
                    return;
                }
                let mut upstream = tokio::net::TcpStream::connect(upstream).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut socket, &mut upstream).await;
            });
        }
    });
    url
}

#[tokio::test]
async fn a_second_sample_is_sent_once_where_one_cannot_decide() {
    let claude = claude(Limits::default()).await;
    let kinds = [ExchangeKind::CountTokens, ExchangeKind::BogusBeta, ExchangeKind::BadKey];
    let mut paths = vec![path("direct", &claude.url()), path("edge", &every_other(&claude).await)];
    paths.iter_mut().for_each(|path| path.exchanges = exchanges(&kinds));
    let mut plan = plan(paths, 20_000);
    plan.second_samples = true;
    let paths = go(&plan).await.evidence.paths;
    assert_eq!(sent(&paths[0]).len(), 4, "the control showed what was expected");
    let statuses: Vec<_> = paths[1].exchanges.iter().map(|it| (it.kind, it.status)).collect();
    use ExchangeKind::{BadKey, BogusBeta, CountTokens, Frozen};
    assert_eq!(
        statuses,
        [
            (Frozen, 200),
            (CountTokens, 502),
            (CountTokens, 200),
            (BogusBeta, 502),
            (BogusBeta, 400),
            (BadKey, 502)
        ]
    );
}
