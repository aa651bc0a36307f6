//! A gateway that reads the JSON of requests and writes it anew: as it was, with doubles for integers, sorted, without
//! what it does not know.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Uri, header};
use axum::response::Response;
use serde_json::{Value, json};

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
        let mut paths = vec![path("direct", &claude.url()), path("edge", &edge)];
        for path in &mut paths {
            path.exchanges = exchanges(&[ExchangeKind::CountTokens, ExchangeKind::Number]);
        }
        let secrets = Secrets::new().with("K", TEST_KEY);
        let report = run(&plan(paths, 30_000), &secrets, &|_| {}).await.unwrap();
        answers.extend(report.evidence.paths.iter().map(|path| {
            let seen = path.exchange(ExchangeKind::Number).unwrap();
            (seen.status, seen.error, seen.echo)
        }));
    }
    let refused = |echo| (400, ErrorClass::InvalidRequest, echo);
    let (exact, other) = (refused(Echo::Exact), refused(Echo::OnlyOthers));
    assert_eq!(answers, [exact, exact, exact, other]);
}

/// Fields as a map that sorts them leaves them.
fn sorted(body: &mut Value) {
    body.sort_all_objects();
}

#[tokio::test]
async fn fields_that_are_sorted_come_back_in_another_order() {
    let claude = Standin::start(Config::default()).await.unwrap();
    claude.set_pace(Duration::from_millis(1), Duration::from_millis(1));
    for (rewrite, expected) in [((|_| {}) as fn(&mut Value), Echo::Exact), (sorted, Echo::NotFirst)] {
        let mut paths = vec![
            path("direct", &claude.url()),
            path("edge", &relay(&claude, rewrite).await),
        ];
        let planned = exchanges(&[ExchangeKind::CountTokens, ExchangeKind::UnknownField]);
        paths.iter_mut().for_each(|path| path.exchanges = planned.clone());
        let secrets = Secrets::new().with("K", TEST_KEY);
        let report = run(&plan(paths, 30_000), &secrets, &|_| {}).await.unwrap();
        let seen = report
            .evidence
            .paths
            .iter()
            .map(|path| path.exchange(ExchangeKind::UnknownField).unwrap());
        let echoes: Vec<Echo> = seen.map(|seen| seen.echo).collect();
        assert_eq!(echoes, [Echo::Exact, expected]);
    }
}

/// Drops what it takes for its own.
fn without_metadata(body: &mut Value) {
    body.as_object_mut().unwrap().remove("metadata");
}

/// Keeps what it knows of each part.
fn by_its_schema(body: &mut Value) {
    let keep = |part: Option<&mut Value>, known: &[&str]| {
        let fields = part.and_then(Value::as_object_mut);
        fields
            .into_iter()
            .for_each(|fields| fields.retain(|name, _| known.contains(&name.as_str())));
    };
    keep(body.pointer_mut("/metadata"), &["user_id"]);
    keep(body.pointer_mut("/tools/0"), &["name", "description", "input_schema"]);
}

#[tokio::test]
async fn each_part_of_a_body_shows_whether_it_arrives_as_sent() {
    use ExchangeKind::{CountTokens, MetadataField, NestedField, ToolField, UnknownField};
    const FIELDS: [ExchangeKind; 4] = [UnknownField, NestedField, MetadataField, ToolField];
    let claude = Standin::start(Config::default()).await.unwrap();
    claude.set_pace(Duration::from_millis(1), Duration::from_millis(1));
    for (rewrite, swallowed) in [
        ((|_| {}) as fn(&mut Value), vec![]),
        (without_metadata, vec![MetadataField]),
        (by_its_schema, vec![MetadataField, ToolField]),
    ] {
        let mut paths = vec![
            path("direct", &claude.url()),
            path("edge", &relay(&claude, rewrite).await),
        ];
        let planned: Vec<ExchangeKind> = [CountTokens].into_iter().chain(FIELDS).collect();
        paths.iter_mut().for_each(|path| path.exchanges = exchanges(&planned));
        let secrets = Secrets::new().with("K", TEST_KEY);
        let report = run(&plan(paths, 30_000), &secrets, &|_| {}).await.unwrap();
        for path in &report.evidence.paths {
            for kind in FIELDS {
                let seen = path.exchange(kind).unwrap();
                let result = (seen.status, seen.error, seen.echo);
                if path.path == "edge" && swallowed.contains(&kind) {
                    assert_eq!(result, (200, ErrorClass::None, Echo::None), "{kind:?}");
                    // What is only counted costs nothing; of an answered message one token is paid.
                    assert_eq!(seen.usage.is_some_and(|usage| usage.output == 1), kind == MetadataField);
                } else {
                    assert_eq!(result, (400, ErrorClass::ExtraInputs, Echo::Exact), "{kind:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn an_unknown_field_goes_into_a_tool_of_the_saved_body_where_it_has_one() {
    let claude = Standin::start(Config::default()).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let tool = json!({"name": "weather", "input_schema": {"type": "object"}});
    for (tools, expected) in [(json!([tool]), Some("weather")), (Value::Null, None)] {
        let mut body =
            json!({"model": "claude-haiku-4-5", "max_tokens": 8, "messages": [{"role": "user", "content": "."}]});
        if !tools.is_null() {
            body["tools"] = tools;
        }
        let file = directory.path().join("body.json");
        std::fs::write(&file, body.to_string()).unwrap();
        let mut own = path("direct", &claude.url());
        own.exchanges = exchanges(&[ExchangeKind::CountTokens, ExchangeKind::ToolField]);
        let mut plan = plan(vec![own], 30_000);
        plan.request.body_file = Some(file.to_string_lossy().into_owned());
        let secrets = Secrets::new().with("K", TEST_KEY);
        let report = run(&plan, &secrets, &|_| {}).await.unwrap();
        let seen = report.evidence.paths[0].exchange(ExchangeKind::ToolField).unwrap();
        assert_eq!((seen.status, seen.echo), (400, Echo::Exact));
        let sent = claude.requests();
        let last: Value = serde_json::from_str(&sent.last().unwrap().body).unwrap();
        assert_eq!(last["tools"].as_array().unwrap().len(), 1);
        assert_eq!(last["tools"][0]["name"], expected.unwrap_or("probe"));
    }
}
