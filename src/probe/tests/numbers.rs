//! A gateway that reads the JSON of requests and writes it anew, with integers and with doubles.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Uri, header};
use axum::response::Response;
use serde_json::Value;

use super::support::*;
use crate::claude::error::ErrorClass;
use crate::probe::{Secrets, run};
use crate::report::evidence::{Echo, ExchangeKind};
use crate::standin::{Config, Standin, TEST_KEY};

/// Forwards everything, bodies as `rewrite` makes them.
async fn relay(claude: &Standin, rewrite: fn(&mut Value)) -> String {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let to = claude.url();
    let forward = move |uri: Uri, headers: HeaderMap, body: Bytes| async move {
        let mut value: Value = serde_json::from_slice(&body).unwrap();
        rewrite(&mut value);
        let mut request = reqwest::Client::new()
            .post(format!("{to}{uri}"))
            .body(value.to_string());
        let own = [header::HOST, header::CONTENT_LENGTH, header::CONNECTION];
        for (name, value) in headers.iter().filter(|(name, _)| !own.contains(name)) {
            request = request.header(name, value);
        }
        let reply = request.send().await.unwrap();
        let mut response = Response::builder().status(reply.status());
        let framing = [header::TRANSFER_ENCODING, header::CONTENT_LENGTH, header::CONNECTION];
        for (name, value) in reply.headers().iter().filter(|(name, _)| !framing.contains(name)) {
            response = response.header(name, value);
        }
        response.body(Body::from(reply.bytes().await.unwrap())).unwrap()
    };
    let app = Router::new().fallback(forward);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}

/// Numbers as a parser for doubles leaves them.
fn as_doubles(value: &mut Value) {
    match value {
        Value::Number(number) => {
            // What is small comes out as an integer again, as such parsers write it.
            if let Some(double) = number.as_f64().filter(|double| double.abs() > 1e9) {
                *number = serde_json::Number::from_f64(double).unwrap();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(as_doubles),
        Value::Object(fields) => fields.values_mut().for_each(as_doubles),
        _ => {}
    }
}

#[tokio::test]
async fn a_number_that_becomes_a_double_comes_back_as_another() {
    let claude = Standin::start(Config::default()).await.unwrap();
    claude.set_pace(Duration::from_millis(1), Duration::from_millis(1));
    let mut answers = vec![];
    for rewrite in [|_: &mut Value| {}, as_doubles] {
        let edge = relay(&claude, rewrite).await;
        let mut legs = vec![leg("direct", &claude.url()), leg("edge", &edge)];
        for leg in &mut legs {
            leg.exchanges = exchanges(&[ExchangeKind::CountTokens, ExchangeKind::Number]);
        }
        let secrets = Secrets::new().with("K", TEST_KEY);
        let report = run(&plan(legs, 30_000), &secrets, &|_| {}).await.unwrap();
        answers.extend(report.evidence.legs.iter().map(|leg| {
            let seen = leg.exchange(ExchangeKind::Number).unwrap();
            (seen.status, seen.error, seen.echo)
        }));
    }
    let refused = |echo| (400, ErrorClass::InvalidRequest, echo);
    let (exact, other) = (refused(Echo::Exact), refused(Echo::OnlyOthers));
    assert_eq!(answers, [exact, exact, exact, other]);
}
