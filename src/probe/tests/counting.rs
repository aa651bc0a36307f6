//! A gateway that counts tokens by itself, as those do that translate between APIs: nothing that is sent to its
//! `count_tokens` reaches Claude.

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;

use super::support::*;
use crate::probe::{Secrets, run};
use crate::report::evidence::{Echo, ExchangeKind};
use crate::standin::{Config, Standin, TEST_KEY};

/// Forwards `/v1/messages` as it came, and counts by itself.
async fn gateway(claude: &Standin) -> String {
    let _ = rustls::crypto::ring::default_provider().install_default();
    async fn forward(State(to): State<String>, headers: HeaderMap, body: Bytes) -> Response {
        let mut request = reqwest::Client::new().post(to).body(body);
        for (name, value) in headers.iter().filter(|(name, _)| *name != header::HOST) {
            request = request.header(name, value);
        }
        let reply = request.send().await.unwrap();
        let (status, headers) = (reply.status(), reply.headers().clone());
        let kind = headers[header::CONTENT_TYPE].clone();
        let body = reply.bytes().await.unwrap();
        (
            StatusCode::from_u16(status.as_u16()).unwrap(),
            [(header::CONTENT_TYPE, kind)],
            body,
        )
            .into_response()
    }
    let count = || async { ([(header::CONTENT_TYPE, "application/json")], r#"{"input_tokens":9}"#) };
    let app = Router::new()
        .route("/v1/messages", post(forward))
        .route("/v1/messages/count_tokens", post(count))
        .with_state(format!("{}/v1/messages", claude.url()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}

#[tokio::test]
async fn forwarding_checks_take_the_way_of_messages_where_tokens_are_counted_by_the_gateway() {
    let claude = Standin::start(Config::default()).await.unwrap();
    claude.set_pace(Duration::from_millis(1), Duration::from_millis(1));
    let forwarding_checks = [
        ExchangeKind::CountTokens,
        ExchangeKind::BogusBeta,
        ExchangeKind::UnknownField,
        ExchangeKind::MetadataField,
        ExchangeKind::ToolField,
        ExchangeKind::BogusVersion,
    ];
    let mut paths = vec![path("direct", &claude.url()), path("edge", &gateway(&claude).await)];
    paths
        .iter_mut()
        .for_each(|path| path.exchanges = exchanges(&forwarding_checks));
    let secrets = Secrets::new().with("K", TEST_KEY);
    let report = run(&plan(paths, 30_000), &secrets, &|_| {}).await.unwrap();
    let edge = &report.evidence.paths[1];
    assert!(edge.exchange(ExchangeKind::CountTokens).unwrap().is_success());
    for kind in &forwarding_checks[1..] {
        let seen = edge.exchange(*kind).unwrap();
        assert_eq!((seen.status, seen.echo), (400, Echo::Exact), "{kind:?}");
    }
}
