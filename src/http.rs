//! The operator's HTTP endpoints: metrics and health, one port.
//!
//! `/livez` is tied to the main loop's progress and `/readyz` to filled caches, not to the server's own being there.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::metrics;
use crate::operator::wiring::Operator;

/// The operator, once there is one.
pub type Current = watch::Receiver<Option<Arc<Operator>>>;

/// Serves until `stop`.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(listener: TcpListener, current: Current, stop: CancellationToken) -> std::io::Result<()> {
    let routes = Router::new()
        .route("/", get(|| async { "claudeprobe operator: /metrics /livez /readyz\n" }))
        .route("/metrics", get(exposition))
        .route("/livez", get(alive))
        .route("/readyz", get(ready))
        .with_state(current);
    axum::serve(listener, routes)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
}

async fn exposition(State(current): State<Current>) -> impl IntoResponse {
    let operator = current.borrow().clone();
    let text = operator.as_deref().map(metrics_of).unwrap_or_default();
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        text,
    )
}

async fn alive(State(current): State<Current>) -> impl IntoResponse {
    match current.borrow().as_deref() {
        Some(operator) if !operator.is_alive() => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the main loop has not ticked for 30 s\n",
        ),
        _ => (StatusCode::OK, "ok\n"),
    }
}

async fn ready(State(current): State<Current>) -> impl IntoResponse {
    match current.borrow().as_deref() {
        Some(operator) if operator.is_synced() => (StatusCode::OK, "ok\n"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "the caches are not synced yet\n"),
    }
}

/// What `/metrics` answers. Only the replica that acts shows probes: its peers would show the same twice, or older.
fn metrics_of(operator: &Operator) -> String {
    let leads = operator.is_leader();
    let mut text = operator.metrics.exposition(leads);
    if leads {
        let shown = operator.probes();
        let shown = shown.iter().filter_map(|guarded| {
            let resource = guarded.0.as_ref().ok()?;
            let uid = resource.metadata.uid.as_deref().unwrap_or_default();
            Some(metrics::Shown {
                namespace: resource.metadata.namespace.clone().unwrap_or_default(),
                probe: resource.metadata.name.clone().unwrap_or_default(),
                status: operator.cache.status(resource),
                counters: operator.cache.counters(uid),
            })
        });
        text.push_str(&metrics::state(shown));
    }
    text
}
