//! From a request to its reply: records it, applies faults, checks in the API's order, replies.
//!
//! The order: edge, route, credential, version, betas, account, body, model, limits. The real one is known in part only
//! (a bad credential comes before a missing version); the rest is inferred.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http::header::{ALLOW, HeaderMap, HeaderValue, LOCATION};
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::BodyExt;

use super::auth::{self, Credential};
use super::config::Key;
use super::edge::{self, Page};
use super::errors::{ApiError, Stage};
use super::faults::{Fault, Garbage, Matched, Phase, Route, Rules};
use super::flow::ReplyBody;
use super::headers;
use super::ids::CallIds;
use super::limits::{Meter, Snapshot};
use super::record::{self, Ended, Log, Recorded, Replied};
use super::validate::Endpoint;
use super::wire::Switch;

/// Largest body that the edge lets through.
const MAX_BODY: usize = 32 << 20;
/// How much of a larger one is read before the connection ends.
const MAX_DRAINED: usize = 128 << 20;

/// What all connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub keys: RwLock<Vec<Key>>,
    pub pace: RwLock<(Duration, Duration)>,
    pub tokens_per_delta: usize,
    pub rules: Rules,
    pub log: Arc<Log>,
    pub meter: Arc<Meter>,
}

/// A connection.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub peer: String,
    pub server_name: Option<String>,
    pub switch: Arc<Switch>,
}

/// A call on its way through the checks.
pub(super) struct Call {
    pub shared: Arc<Shared>,
    pub connection: Connection,
    pub ids: CallIds,
    pub sequence: u64,
    pub route: Route,
    pub method: Method,
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub credential: Option<Credential>,
    pub wants_stream: bool,
}

/// What the checks lead to.
pub(super) struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: ReplyBody,
    pub flowing: bool,
}

impl Reply {
    pub fn whole(status: u16, headers: HeaderMap, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            headers,
            body: ReplyBody::Whole(Some(body.into())),
            flowing: false,
        }
    }
}

/// No reply at all: the connection ends.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed on request")]
pub(super) struct Closed;

/// Answers one request.
pub(super) async fn handle<B>(
    shared: Arc<Shared>,
    connection: Connection,
    request: Request<B>,
) -> Result<Response<ReplyBody>, Closed>
where
    B: Body,
{
    let now = crate::clock::now();
    let (head, body) = request.into_parts();
    let Some((bytes, too_large)) = receive(body).await else {
        return Err(Closed);
    };
    let (body_bytes, body_sha256, body_text) = record::body_of(&bytes);
    let wants_stream = serde_json::from_slice::<Wants>(&bytes).is_ok_and(|wants| wants.stream);
    // On HTTP/1.1 the genuine edge says what HTTP/1.1 implies; a client that wants the end of the connection gets it.
    let stays = head.version == http::Version::HTTP_11
        && !auth::values(&head.headers, "connection")
            .iter()
            .any(|value| value.eq_ignore_ascii_case("close"));
    let sequence = shared.log.add(Recorded {
        sequence: 0,
        at: now,
        connection: connection.switch.connection,
        peer: connection.peer.clone(),
        version: format!("{:?}", head.version),
        server_name: connection.server_name.clone(),
        method: head.method.to_string(),
        target: head
            .uri
            .path_and_query()
            .map_or_else(|| head.uri.to_string(), ToString::to_string),
        headers: head
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body_bytes,
        body_sha256,
        body: body_text,
        reply: None,
    });
    let path = head.uri.path().to_owned();
    let call = Call {
        ids: CallIds::at(now),
        sequence,
        route: route_of(&path),
        method: head.method,
        query: head.uri.query().unwrap_or_default().to_owned(),
        path,
        credential: auth::presented(&head.headers),
        headers: head.headers,
        body: bytes,
        wants_stream,
        shared,
        connection,
    };
    let reply = if too_large {
        call.page(Page::TooLarge)
    } else {
        call.answer().await?
    };
    Ok(call.finish(reply, stays))
}

/// The body, or nothing and `true` if it is too large; `None` when the client went away while sending.
///
/// What is too large is read on for a while: a reply that comes with a reset would be lost on the client.
async fn receive<B: Body>(body: B) -> Option<(Bytes, bool)> {
    let mut body = std::pin::pin!(body);
    let (mut kept, mut length) = (Vec::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let Ok(mut data) = frame.ok()?.into_data() else {
            continue;
        };
        length = length.saturating_add(data.remaining());
        if length <= MAX_BODY {
            kept.extend_from_slice(&data.copy_to_bytes(data.remaining()));
        } else if length > MAX_DRAINED {
            break;
        }
    }
    Some(if length > MAX_BODY {
        (Bytes::new(), true)
    } else {
        (kept.into(), false)
    })
}

/// The only field that routing looks at.
#[derive(serde::Deserialize)]
struct Wants {
    #[serde(default)]
    stream: bool,
}

fn route_of(path: &str) -> Route {
    match path {
        "/v1/messages" => Route::Messages,
        "/v1/messages/count_tokens" => Route::CountTokens,
        _ if path == "/v1/models" || path.starts_with("/v1/models/") => Route::Models,
        _ => Route::Other,
    }
}

impl Call {
    pub fn strike(&self, phase: Phase) -> Vec<Fault> {
        let key = self.credential.as_ref().map(Credential::value);
        self.shared.rules.strike(
            phase,
            Matched {
                key,
                route: self.route,
                stream: self.wants_stream,
            },
        )
    }

    /// The reply that leaves: notes it in the log.
    fn finish(&self, mut reply: Reply, stays: bool) -> Response<ReplyBody> {
        for fault in self.strike(Phase::Reply) {
            if let Fault::OmitHeaders(names) = fault {
                for name in names {
                    reply.headers.remove(name.to_ascii_lowercase());
                }
            }
        }
        let request_id = reply
            .headers
            .get("request-id")
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let ended = if reply.flowing { Ended::Running } else { Ended::Complete };
        let status = reply.status;
        self.shared.log.replied(self.sequence, |slot| {
            // A flow may have ended already.
            let (events, ended) = slot.as_ref().map_or((0, ended), |begun| (begun.events, begun.ended));
            *slot = Some(Replied {
                status,
                request_id,
                events,
                ended,
            });
        });
        if stays {
            reply
                .headers
                .entry(http::header::CONNECTION)
                .or_insert(HeaderValue::from_static("keep-alive"));
        }
        let mut response = Response::new(reply.body);
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        *response.headers_mut() = reply.headers;
        response
    }

    async fn answer(&self) -> Result<Reply, Closed> {
        for fault in self.strike(Phase::Edge) {
            if let Some(reply) = self.at_the_edge(fault).await? {
                return Ok(reply);
            }
        }
        Ok(match (self.route, &self.method) {
            (Route::Messages, &Method::POST) => self.authenticated(Endpoint::Messages).await,
            (Route::CountTokens, &Method::POST) => self.authenticated(Endpoint::CountTokens).await,
            (Route::Messages | Route::CountTokens, _) => {
                let error = ApiError::new(
                    405,
                    "invalid_request_error",
                    "Method Not Allowed",
                    Stage::Authentication,
                );
                let mut reply = self.refuse(&error, None, None);
                reply.headers.insert(ALLOW, HeaderValue::from_static("POST"));
                reply
            }
            (Route::Models, &(Method::GET | Method::HEAD)) => self.models(),
            (_, &(Method::GET | Method::HEAD)) if self.path == "/" => {
                Reply::whole(200, headers::edge(&self.ids, "text/plain; charset=utf-8"), "")
            }
            (_, &(Method::GET | Method::HEAD)) if self.path == "/api/hello" => Reply::whole(
                200,
                headers::edge(&self.ids, "application/json"),
                r#"{"message":"hello"}"#,
            ),
            _ => self.refuse(
                &ApiError::new(404, "not_found_error", "Not Found", Stage::Authentication),
                None,
                None,
            ),
        })
    }

    async fn at_the_edge(&self, fault: Fault) -> Result<Option<Reply>, Closed> {
        Ok(match fault {
            Fault::Edge(page) => Some(self.page(page)),
            Fault::Hang => std::future::pending().await,
            Fault::Close(how) => {
                if how == super::faults::Ending::Reset {
                    self.connection.switch.reset();
                } else {
                    self.connection.switch.end_after(0);
                }
                return Err(Closed);
            }
            Fault::Redirect { status, location } => {
                let mut headers = headers::edge(&self.ids, "text/html; charset=utf-8");
                if let Ok(location) = HeaderValue::from_str(&location) {
                    headers.insert(LOCATION, location);
                }
                Some(Reply::whole(status, headers, ""))
            }
            Fault::Garbage(kind) => Some(self.garbage(kind)),
            _ => None,
        })
    }

    fn garbage(&self, kind: Garbage) -> Reply {
        let (content_type, body): (_, &'static [u8]) = match kind {
            Garbage::Empty => ("text/plain", b""),
            Garbage::Html => ("text/html; charset=utf-8", b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><form method=\"post\"></form></body></html>\n"),
            Garbage::OtherJson => ("application/json", br#"{"id":"chatcmpl-1","object":"chat.completion","choices":[]}"#),
            Garbage::Binary => ("application/octet-stream", b"\x00\xff\xfe\x80\x1f\x8b\x08"),
            Garbage::MalformedEvents => ("text/event-stream; charset=utf-8", b"event: message_start\ndata: {\"type\":\n\nevent: content_block_delta\ndata: <html>\n\ndata\n\n"),
        };
        Reply::whole(200, headers::edge(&self.ids, content_type), body)
    }

    fn page(&self, page: Page) -> Reply {
        let (status, headers, body) = edge::reply(page, &self.ids);
        Reply::whole(status, headers, body)
    }

    pub fn refuse(&self, error: &ApiError, key: Option<&Key>, snapshot: Option<&Snapshot>) -> Reply {
        Reply::whole(
            error.status,
            headers::error(error, &self.ids, key.map(headers::Caller::from), snapshot),
            error.body(&self.ids.request),
        )
    }
}
