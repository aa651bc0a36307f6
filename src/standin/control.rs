//! The control endpoint: keys, faults, pace and the log over HTTP, under `/_standin/`.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, put};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::config::Key;
use super::faults::{Active, Rule};
use super::record::Recorded;
use super::router::Shared;

/// What is wrong with a control request, as a sentence.
struct Wrong(StatusCode, String);

impl IntoResponse for Wrong {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}

/// The body as JSON, whatever its content type says: `curl -d` is enough.
fn read<T: serde::de::DeserializeOwned>(body: &Bytes) -> Result<T, Wrong> {
    serde_json::from_slice(body).map_err(|error| Wrong(StatusCode::UNPROCESSABLE_ENTITY, format!("the body: {error}")))
}

/// Checks a set of keys.
pub(super) fn check_keys(keys: &[Key]) -> Result<(), String> {
    for (at, key) in keys.iter().enumerate() {
        if key.key.is_empty() {
            return Err(format!("keys[{at}].key: is empty"));
        }
        if !crate::claude::headers::is_organization_id(&key.organization) {
            return Err(format!("keys[{at}].organization: {:?} is no UUID", key.organization));
        }
        if let Some(other) = keys
            .iter()
            .take(at)
            .find(|other| other.organization == key.organization && other.limits != key.limits)
        {
            return Err(format!(
                "keys[{at}].limits: differ from those of another key of organization {}; limits belong to the organisation",
                other.organization
            ));
        }
    }
    Ok(())
}

/// The routes.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/_standin/health", get(|| async { Json(json!({"status": "ok"})) }))
        .route("/_standin/keys", get(keys).put(set_keys))
        .route("/_standin/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/_standin/faults/{id}", delete(remove_fault))
        .route("/_standin/requests", get(requests).delete(clear_requests))
        .route("/_standin/pace", put(set_pace))
        .fallback(|| async {
            let hint = "no such control path; there are /_standin/health, keys, faults, faults/{id}, requests, pace";
            Wrong(StatusCode::NOT_FOUND, hint.to_owned())
        })
        .with_state(shared)
}

async fn keys(State(shared): State<Arc<Shared>>) -> Json<Vec<Key>> {
    Json(shared.keys.read().unwrap_or_else(PoisonError::into_inner).clone())
}

async fn set_keys(State(shared): State<Arc<Shared>>, body: Bytes) -> Result<Json<Vec<Key>>, Wrong> {
    let keys: Vec<Key> = read(&body)?;
    check_keys(&keys).map_err(|wrong| Wrong(StatusCode::UNPROCESSABLE_ENTITY, wrong))?;
    shared
        .keys
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .clone_from(&keys);
    Ok(Json(keys))
}

async fn faults(State(shared): State<Arc<Shared>>) -> Json<Vec<Active>> {
    Json(shared.rules.list())
}

async fn add_fault(State(shared): State<Arc<Shared>>, body: Bytes) -> Result<Response, Wrong> {
    let rule: Rule = read(&body)?;
    rule.validate()
        .map_err(|wrong| Wrong(StatusCode::UNPROCESSABLE_ENTITY, wrong))?;
    let id = shared.rules.add(rule);
    Ok((StatusCode::CREATED, Json(json!({"id": id}))).into_response())
}

async fn clear_faults(State(shared): State<Arc<Shared>>) -> Json<serde_json::Value> {
    Json(json!({"removed": shared.rules.remove(None)}))
}

async fn remove_fault(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<u64>,
) -> Result<Json<serde_json::Value>, Wrong> {
    match shared.rules.remove(Some(id)) {
        0 => Err(Wrong(StatusCode::NOT_FOUND, format!("no fault {id} is in force"))),
        removed => Ok(Json(json!({"removed": removed}))),
    }
}

#[derive(Deserialize)]
struct Since {
    #[serde(default)]
    since: u64,
}

async fn requests(State(shared): State<Arc<Shared>>, Query(since): Query<Since>) -> Json<Vec<Recorded>> {
    Json(shared.log.since(since.since))
}

async fn clear_requests(State(shared): State<Arc<Shared>>) -> Json<serde_json::Value> {
    shared.log.clear();
    Json(json!({}))
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Pace {
    /// Milliseconds between two events.
    pace_ms: u64,
    /// Milliseconds before the first byte.
    #[serde(default)]
    first_byte_ms: u64,
}

async fn set_pace(State(shared): State<Arc<Shared>>, body: Bytes) -> Result<Json<Pace>, Wrong> {
    let pace: Pace = read(&body)?;
    *shared.pace.write().unwrap_or_else(PoisonError::into_inner) = (
        Duration::from_millis(pace.pace_ms),
        Duration::from_millis(pace.first_byte_ms),
    );
    Ok(Json(pace))
}
