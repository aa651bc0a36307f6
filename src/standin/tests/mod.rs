//! The stand-in over real sockets.

mod faults;

use std::io;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::claude::error::{ErrorClass, classify};

const MESSAGE: &str =
    r#"{"model":"claude-haiku-4-5","max_tokens":64,"messages":[{"role":"user","content":"Count from 1 to 20."}]}"#;
const STREAM: &str = r#"{"model":"claude-haiku-4-5","max_tokens":64,"stream":true,"messages":[{"role":"user","content":"Count from 1 to 20."}]}"#;

/// A reply as raw bytes: head, body as sent, and how the connection ended.
struct Raw {
    head: String,
    body: String,
    end: io::Result<()>,
}

impl Raw {
    fn status(&self) -> u16 {
        self.head.split(' ').nth(1).unwrap().parse().unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            line.split_once(": ")
                .filter(|(have, _)| *have == name)
                .map(|(_, value)| value)
        })
    }

    fn class(&self) -> ErrorClass {
        let bodies = self.body.find('{').map_or("", |at| &self.body[at..]);
        classify(
            self.status(),
            self.header("content-type"),
            &http::HeaderMap::new(),
            bodies.as_bytes(),
        )
        .class
    }
}

async fn send(claude: &Standin, head: &str, body: &str) -> Raw {
    let mut tcp = TcpStream::connect(claude.address()).await.unwrap();
    let request = format!(
        "{head}\r\nhost: claude\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let end = tcp.read_to_end(&mut bytes).await.map(|_| ());
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    Raw {
        head: head.to_owned(),
        body: body.to_owned(),
        end,
    }
}

async fn post(claude: &Standin, path: &str, extra: &str, body: &str) -> Raw {
    send(
        claude,
        &format!("POST {path} HTTP/1.1\r\nx-api-key: {TEST_KEY}\r\nanthropic-version: 2023-06-01{extra}"),
        body,
    )
    .await
}

async fn message(claude: &Standin, body: &str) -> Raw {
    post(claude, "/v1/messages", "", body).await
}

async fn start() -> Standin {
    Standin::start(Config::default()).await.unwrap()
}

#[tokio::test]
async fn each_kind_of_reply_has_its_headers() {
    let claude = start().await;
    let account = ["anthropic-organization-id", "anthropic-workspace-id"];
    let limits = "anthropic-ratelimit-input-tokens-remaining";
    let sets: [(Raw, u16, &[&str], &[&str]); 5] = [
        (
            message(&claude, MESSAGE).await,
            200,
            &[
                "request-id",
                account[0],
                account[1],
                limits,
                "traceresponse",
                "strict-transport-security",
                "cf-ray",
            ],
            &["x-should-retry", "retry-after", "x-accel-buffering"],
        ),
        (
            message(&claude, STREAM).await,
            200,
            &["request-id", account[0], limits, "traceresponse", "cache-control"],
            &["content-length", "x-accel-buffering"],
        ),
        (
            post(
                &claude,
                "/v1/messages/count_tokens",
                "",
                r#"{"model":"claude-haiku-4-5","messages":[{"role":"user","content":"."}]}"#,
            )
            .await,
            200,
            &["request-id", account[0], "server-timing"],
            &[limits, "traceresponse", "strict-transport-security"],
        ),
        (
            send(&claude, "POST /v1/messages HTTP/1.1\r\nx-api-key: bad", MESSAGE).await,
            401,
            &["request-id", "x-should-retry", "strict-transport-security"],
            &[account[0], limits, "traceresponse"],
        ),
        (
            post(&claude, "/v1/messages", "\r\nanthropic-beta: bogus-1", MESSAGE).await,
            400,
            &["request-id", account[0], "x-should-retry", "traceresponse"],
            &[limits],
        ),
    ];
    for (raw, status, present, absent) in sets {
        assert_eq!(raw.status(), status, "{}", raw.head);
        present
            .iter()
            .for_each(|name| assert!(raw.header(name).is_some(), "{name} in {}", raw.head));
        absent
            .iter()
            .for_each(|name| assert!(raw.header(name).is_none(), "no {name} in {}", raw.head));
    }
}

#[tokio::test]
async fn checks_come_in_the_apis_order() {
    let claude = start().await;
    let key = format!("x-api-key: {TEST_KEY}");
    let cases = [
        ("GET /v1/messages HTTP/1.1".to_owned(), 405, ErrorClass::InvalidRequest),
        ("POST /messages HTTP/1.1".to_owned(), 404, ErrorClass::NotFound),
        ("POST /v1/v1/messages HTTP/1.1".to_owned(), 404, ErrorClass::NotFound),
        ("POST /v1/messages HTTP/1.1".to_owned(), 401, ErrorClass::KeyRequired),
        (
            "POST /v1/messages HTTP/1.1\r\nauthorization: Bearer bad".to_owned(),
            401,
            ErrorClass::BearerInvalid,
        ),
        (
            format!("POST /v1/messages HTTP/1.1\r\n{key}"),
            400,
            ErrorClass::VersionRequired,
        ),
        (
            format!("POST /v1/messages HTTP/1.1\r\n{key}\r\nanthropic-version: 1999-01-01\r\nanthropic-beta: x"),
            400,
            ErrorClass::VersionInvalid,
        ),
        (
            format!("POST /v1/messages HTTP/1.1\r\n{key}\r\nanthropic-version: 2026-10-21\r\nanthropic-beta: x"),
            400,
            ErrorClass::BetaUnexpected,
        ),
        (
            format!("POST /v1/messages HTTP/1.1\r\n{key}\r\nanthropic-version: 2026-10-21"),
            400,
            ErrorClass::InvalidJson,
        ),
    ];
    for (head, status, class) in cases {
        let raw = send(&claude, &head, "{").await;
        assert_eq!((raw.status(), raw.class()), (status, class), "{head}");
    }
    for (target, status) in [
        ("HEAD /api/hello HTTP/1.1", 200),
        ("GET /api/hello HTTP/1.1", 200),
        ("GET / HTTP/1.1", 200),
    ] {
        assert_eq!(send(&claude, target, "").await.status(), status, "{target}");
    }
}

#[tokio::test]
async fn both_auth_headers_work_and_a_rotated_key_is_unknown() {
    let claude = start().await;
    let bearer = |key: &str| {
        format!("POST /v1/messages HTTP/1.1\r\nauthorization: Bearer {key}\r\nanthropic-version: 2026-10-21")
    };
    assert_eq!(send(&claude, &bearer(TEST_KEY), MESSAGE).await.status(), 200);
    claude.set_keys(vec![Key::new("sk-ant-api03-new")]).unwrap();
    assert_eq!(
        send(&claude, &bearer(TEST_KEY), MESSAGE).await.class(),
        ErrorClass::BearerInvalid
    );
    assert_eq!(message(&claude, MESSAGE).await.class(), ErrorClass::KeyInvalid);
    assert_eq!(send(&claude, &bearer("sk-ant-api03-new"), MESSAGE).await.status(), 200);
}

#[tokio::test]
async fn the_log_proves_what_arrived() {
    let claude = start().await;
    post(
        &claude,
        "/v1/messages?beta=true",
        "\r\nX-Twice: a\r\nx-twice: b",
        MESSAGE,
    )
    .await;
    let request = claude.requests().remove(0);
    assert_eq!(
        (
            request.method.as_str(),
            request.target.as_str(),
            request.version.as_str()
        ),
        ("POST", "/v1/messages?beta=true", "HTTP/1.1")
    );
    assert_eq!(request.header("x-twice").collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!((request.body.as_str(), request.body_bytes), (MESSAGE, MESSAGE.len()));
    assert_eq!(request.body_sha256.len(), 64);
    assert_eq!(request.reply.unwrap().ended, Ended::Complete);
}

#[tokio::test]
async fn a_body_over_the_edges_limit_gets_the_edges_error() {
    let claude = start().await;
    let raw = message(&claude, &format!("{}{MESSAGE}", " ".repeat(32 << 20))).await;
    assert_eq!(
        (raw.status(), raw.class(), raw.header("request-id")),
        (413, ErrorClass::TooLarge, None)
    );
    assert!(
        raw.body.starts_with(r#"{"error":{"type":"request_too_large""#),
        "{}",
        raw.body
    );
}

#[tokio::test]
async fn control_over_http_does_what_the_handle_does() {
    let claude = start().await;
    let control = format!("http://{}", claude.control_address().unwrap());
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::new();
    let added = client
        .post(format!("{control}/_standin/faults"))
        .json(&json!({"times": 1, "fault": {"error": "overloaded"}}))
        .send()
        .await
        .unwrap();
    assert_eq!(added.status(), 201);
    assert_eq!(message(&claude, MESSAGE).await.status(), 529);
    let wrong = client
        .post(format!("{control}/_standin/faults"))
        .json(&json!({"fault": {"error": "nonsense"}}))
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.status(), 422);
    assert!(wrong.text().await.unwrap().contains("nonsense"));
    let keys = json!([{"key": "k1"}, {"key": "k2", "limits": {"requests": 5}}]);
    let wrong = client
        .put(format!("{control}/_standin/keys"))
        .json(&keys)
        .send()
        .await
        .unwrap();
    assert!(wrong.text().await.unwrap().contains("keys[1].limits"));
    let requests: Value = client
        .get(format!("{control}/_standin/requests?since=0"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(requests[0]["reply"]["status"], 529);
    client
        .put(format!("{control}/_standin/pace"))
        .json(&json!({"pace_ms": 1}))
        .send()
        .await
        .unwrap()
        .error_for_status()
        .unwrap();
}

#[tokio::test]
async fn https_offers_http2_under_its_own_authority() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let authority = tls::Authority::new("stand-in test CA").unwrap();
    let identity = authority
        .issue(&["localhost".to_owned(), "127.0.0.1".to_owned()])
        .unwrap();
    let claude = Standin::start(Config {
        tls: Some(identity),
        ..Config::default()
    })
    .await
    .unwrap();
    let root = reqwest::Certificate::from_pem(claude.ca_pem().unwrap().as_bytes()).unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([root])
        .no_proxy()
        .build()
        .unwrap();
    let url = format!("https://localhost:{}/v1/messages", claude.address().port());
    let reply = client
        .post(&url)
        .header("x-api-key", TEST_KEY)
        .header("anthropic-version", "2023-06-01")
        .body(STREAM)
        .send()
        .await
        .unwrap();
    assert_eq!((reply.status().as_u16(), reply.version()), (200, http::Version::HTTP_2));
    assert!(reply.text().await.unwrap().contains("message_stop"));
    assert_eq!(claude.requests()[0].server_name.as_deref(), Some("localhost"));
    claude.set_fault(Rule::once(Fault::Cut {
        after_events: 3,
        how: Ending::Reset,
    }));
    let cut = client
        .post(&url)
        .header("x-api-key", TEST_KEY)
        .header("anthropic-version", "2023-06-01")
        .body(STREAM)
        .send()
        .await
        .unwrap();
    assert!(cut.text().await.is_err());
    assert!(
        reqwest::Client::builder()
            .no_proxy()
            .build()
            .unwrap()
            .get(&url)
            .send()
            .await
            .is_err(),
        "no one else trusts it"
    );
}

#[tokio::test]
async fn a_taken_address_is_a_sentence() {
    let claude = start().await;
    let error = Standin::start(Config {
        listen: claude.address(),
        ..Config::default()
    })
    .await
    .unwrap_err();
    assert!(error.to_string().starts_with("cannot listen on 127.0.0.1:"), "{error}");
}
