//! Which headers each kind of reply carries, as recorded from the genuine API.

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, SERVER, VARY,
};

use super::config::Key;
use super::errors::{ApiError, Stage};
use super::ids::CallIds;
use super::limits::Snapshot;
use crate::claude::headers as names;

/// Kinds of successful replies; errors are by [`Stage`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Message,
    Stream,
    CountTokens,
    Models,
}

/// What is known of the caller when the reply is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller<'a> {
    pub organization: &'a str,
    pub workspace: &'a str,
}

impl<'a> From<&'a Key> for Caller<'a> {
    fn from(key: &'a Key) -> Self {
        Self {
            organization: &key.organization,
            workspace: &key.workspace,
        }
    }
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// What every reply that went through Claude's edge carries.
pub(super) fn edge(ids: &CallIds, content_type: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(SERVER, HeaderValue::from_static("cloudflare"));
    set(&mut headers, names::CF_RAY, &ids.ray);
    headers
}

/// What every reply of the origin carries.
fn origin(ids: &CallIds, content_type: &'static str) -> HeaderMap {
    let mut headers = edge(ids, content_type);
    set(&mut headers, names::REQUEST_ID, &ids.request);
    set(&mut headers, "cf-cache-status", "DYNAMIC");
    set(&mut headers, "x-robots-tag", "none");
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    );
    headers
}

fn strict_transport(headers: &mut HeaderMap) {
    set(
        headers,
        "strict-transport-security",
        "max-age=31536000; includeSubDomains; preload",
    );
}

fn account(headers: &mut HeaderMap, caller: Caller<'_>) {
    set(headers, names::ORGANIZATION_ID, caller.organization);
    set(headers, names::WORKSPACE_ID, caller.workspace);
}

fn limits(headers: &mut HeaderMap, snapshot: Option<&Snapshot>) {
    for (name, value) in snapshot.into_iter().flat_map(Snapshot::headers) {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(&value)) {
            headers.insert(name, value);
        }
    }
}

/// Headers of a success.
pub(super) fn success(kind: Kind, ids: &CallIds, caller: Caller<'_>, snapshot: Option<&Snapshot>) -> HeaderMap {
    let content_type = if kind == Kind::Stream {
        "text/event-stream; charset=utf-8"
    } else {
        "application/json"
    };
    let mut headers = origin(ids, content_type);
    account(&mut headers, caller);
    headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    match kind {
        Kind::Message | Kind::Stream => {
            limits(&mut headers, snapshot);
            strict_transport(&mut headers);
            set(&mut headers, names::TRACE_RESPONSE, &ids.trace);
        }
        Kind::CountTokens => set(&mut headers, "server-timing", "x-originResponse;dur=36"),
        Kind::Models => {}
    }
    if kind == Kind::Stream {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    }
    headers
}

/// Headers of an error. `caller` is `None` without authentication.
pub(super) fn error(
    error: &ApiError,
    ids: &CallIds,
    caller: Option<Caller<'_>>,
    snapshot: Option<&Snapshot>,
) -> HeaderMap {
    let mut headers = origin(ids, "application/json");
    match error.stage {
        Stage::Authentication => {
            strict_transport(&mut headers);
            set(&mut headers, names::SHOULD_RETRY, "false");
        }
        Stage::Account => {
            if let Some(caller) = caller {
                account(&mut headers, caller);
                set(&mut headers, names::TRACE_RESPONSE, &ids.trace);
            }
            strict_transport(&mut headers);
            set(&mut headers, names::SHOULD_RETRY, "false");
        }
        Stage::Limit => {
            if let Some(caller) = caller {
                account(&mut headers, caller);
            }
            limits(&mut headers, snapshot);
            // Recorded for rate limits only; what a spend limit carries is not known.
            if error.code.is_none() || error.retry_after.is_some() {
                set(&mut headers, names::SHOULD_RETRY, "true");
            }
        }
        Stage::Origin => strict_transport(&mut headers),
    }
    if let Some(seconds) = error.retry_after {
        set(&mut headers, names::RETRY_AFTER, &seconds.to_string());
    }
    headers
}
