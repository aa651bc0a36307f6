//! From a request to its reply: records it, lets faults strike, checks in the API's order, answers.
//!
//! The order: edge, route, credential, version, betas, account, body, model, limits. The real one is known in part only
//! (a bad credential comes before a missing version); the rest is inferred.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, HeaderMap, HeaderValue, LOCATION};
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::answer::Answer;
use super::auth::{self, Credential};
use super::config::Key;
use super::edge::{self, Page};
use super::errors::{ApiError, ErrorName, Quoted, Stage};
use super::faults::{Fault, Garbage, Matched, Phase, Route, Rules};
use super::flow::{Course, Flow, ReplyBody};
use super::headers::{self, Caller, Kind};
use super::ids::CallIds;
use super::limits::{Meter, Snapshot};
use super::models;
use super::record::{self, Ended, Log, Recorded, Replied};
use super::validate::{self, Endpoint};
use super::wire::Switch;

/// Largest body that the edge lets through.
const MAX_BODY: usize = 32 << 20;

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
struct Call {
    shared: Arc<Shared>,
    connection: Connection,
    ids: CallIds,
    sequence: u64,
    route: Route,
    method: Method,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Bytes,
    credential: Option<Credential>,
    wants_stream: bool,
}

/// What the checks lead to.
struct Reply {
    status: u16,
    headers: HeaderMap,
    body: ReplyBody,
    flowing: bool,
}

impl Reply {
    fn whole(status: u16, headers: HeaderMap, body: impl Into<Bytes>) -> Self {
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
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let now = jiff::Timestamp::now();
    let (head, body) = request.into_parts();
    let received = Limited::new(body, MAX_BODY).collect().await;
    let (bytes, too_large) = match received {
        Ok(body) => (body.to_bytes(), false),
        Err(error) if error.is::<LengthLimitError>() => (Bytes::new(), true),
        // The client went away while sending.
        Err(_) => return Err(Closed),
    };
    let (body_bytes, body_sha256, body_text) = record::body_of(&bytes);
    let wants_stream = serde_json::from_slice::<Wants>(&bytes).is_ok_and(|wants| wants.stream);
    let http1 = head.version <= http::Version::HTTP_11;
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
    Ok(call.finish(reply, http1))
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
    fn strike(&self, phase: Phase) -> Vec<Fault> {
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
    fn finish(&self, mut reply: Reply, http1: bool) -> Response<ReplyBody> {
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
        if http1 {
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

    fn refuse(&self, error: &ApiError, key: Option<&Key>, snapshot: Option<&Snapshot>) -> Reply {
        Reply::whole(
            error.status,
            headers::error(error, &self.ids, key.map(caller), snapshot),
            error.body(&self.ids.request),
        )
    }

    /// Credential, version, betas, and what strikes the account.
    fn authenticate(&self, model: &str) -> Result<(Key, String, Vec<String>), Box<Reply>> {
        let nobody = Quoted {
            organization: "",
            model: "",
            limits: super::config::Limits::default(),
        };
        for fault in self.strike(Phase::Authentication) {
            if let Fault::Error(name) = fault {
                return Err(Box::new(self.refuse(&ApiError::named(name, nobody), None, None)));
            }
        }
        let keys = self.shared.keys.read().unwrap_or_else(PoisonError::into_inner).clone();
        let key = auth::check(self.credential.as_ref(), &keys, &self.headers)
            .map_err(|name| Box::new(self.refuse(&ApiError::named(name, nobody), None, None)))?;
        let refuse = |error: ApiError| Box::new(self.refuse(&error, Some(&key), None));
        let version = validate::version(&auth::values(&self.headers, "anthropic-version")).map_err(refuse)?;
        let betas = validate::betas(&auth::values(&self.headers, "anthropic-beta")).map_err(refuse)?;
        let quoted = quoted(&key, model);
        if key.needs_workspace && !self.headers.contains_key("anthropic-workspace-id") {
            return Err(refuse(ApiError::named(ErrorName::WorkspaceRequired, quoted)));
        }
        for fault in self.strike(Phase::Account) {
            match fault {
                Fault::Error(name) => {
                    let snapshot = self
                        .shared
                        .meter
                        .snapshot(&key.organization, "", key.limits, Some(name));
                    return Err(Box::new(self.refuse(
                        &ApiError::named(name, quoted),
                        Some(&key),
                        snapshot.as_ref(),
                    )));
                }
                Fault::CustomError {
                    status,
                    r#type,
                    message,
                    code,
                    retry_after,
                } => {
                    let stage = if status == 429 { Stage::Limit } else { Stage::Account };
                    let error = ApiError {
                        status,
                        kind: r#type.into(),
                        message,
                        code: code.map(Into::into),
                        retry_after,
                        stage,
                        null_id: false,
                    };
                    return Err(refuse(error));
                }
                _ => {}
            }
        }
        Ok((key, version, betas))
    }

    fn models(&self) -> Reply {
        let key = match self.authenticate("") {
            Ok((key, ..)) => key,
            Err(reply) => return *reply,
        };
        let listed = match self.path.strip_prefix("/v1/models/") {
            Some(id) => models::one(id, &key.models),
            None => models::page(&self.query, &key.models),
        };
        match listed {
            Ok(value) => Reply::whole(
                200,
                headers::success(Kind::Models, &self.ids, caller(&key), None),
                value.to_string(),
            ),
            Err(error) => self.refuse(&error, Some(&key), None),
        }
    }

    /// A Messages body: everything from the credential to the answer.
    async fn authenticated(&self, endpoint: Endpoint) -> Reply {
        let named = serde_json::from_slice::<Named>(&self.body)
            .map(|named| named.model)
            .unwrap_or_default();
        let (key, version, betas) = match self.authenticate(&named) {
            Ok(passed) => passed,
            Err(reply) => return *reply,
        };
        match self.checked(endpoint, &key, &version, &betas).await {
            Ok(reply) => reply,
            Err((error, class)) => {
                let snapshot = (error.stage == Stage::Limit)
                    .then(|| self.shared.meter.snapshot(&key.organization, class, key.limits, None))
                    .flatten();
                self.refuse(&error, Some(&key), snapshot.as_ref())
            }
        }
    }

    async fn checked(
        &self,
        endpoint: Endpoint,
        key: &Key,
        version: &str,
        betas: &[String],
    ) -> Result<Reply, (ApiError, &'static str)> {
        let plain = |error: ApiError| (error, "");
        let encodings = auth::values(&self.headers, "content-encoding");
        let decoded = validate::decoded(&self.body, encodings.first().map(String::as_str)).map_err(plain)?;
        let body = validate::json(decoded.as_deref().unwrap_or(&self.body)).map_err(plain)?;
        let checked = validate::check(&body, endpoint, version, betas).map_err(plain)?;
        let model = models::find(&checked.model, &key.models).ok_or_else(|| plain(models::unknown(&checked.model)))?;
        let class = model.class();
        let quoted = quoted(key, model.id);
        if endpoint == Endpoint::CountTokens {
            self.shared
                .meter
                .take_count(&key.organization, key.limits)
                .map_err(|reached| {
                    (
                        ApiError::named(reached.name, quoted).retry_after(reached.seconds),
                        class,
                    )
                })?;
            let (course, failed) = self.course(quoted);
            tokio::time::sleep(course.delay).await;
            if let Some(error) = failed {
                return Err((error, class));
            }
            let count = serde_json::json!({"input_tokens": super::tokens::count_input(&body)}).to_string();
            return Ok(Reply::whole(
                200,
                headers::success(Kind::CountTokens, &self.ids, caller(key), None),
                count,
            ));
        }
        validate::against_model(&body, &checked, model).map_err(plain)?;
        let meter = &self.shared.meter;
        let running = meter
            .begin(&key.organization, key.limits)
            .ok_or_else(|| (ApiError::named(ErrorName::Concurrency, quoted), class))?;
        let answer = Answer::to(&body, &checked, model);
        meter
            .take(&key.organization, class, key.limits, answer.input_tokens)
            .map_err(|reached| {
                (
                    ApiError::named(reached.name, quoted).retry_after(reached.seconds),
                    class,
                )
            })?;
        meter.spend_output(&key.organization, class, key.limits, answer.output_tokens);
        let snapshot = meter.snapshot(&key.organization, class, key.limits, None);
        let (course, failed) = self.course(quoted);
        tokio::time::sleep(course.delay).await;
        if let Some(error) = failed {
            return Err((error, class));
        }
        let kind = if checked.stream { Kind::Stream } else { Kind::Message };
        let headers = headers::success(kind, &self.ids, caller(key), snapshot.as_ref());
        if !checked.stream && !course.is_cut() {
            return Ok(Reply::whole(200, headers, answer.message(&self.ids)));
        }
        self.shared.log.replied(self.sequence, |slot| {
            *slot = Some(Replied {
                status: 200,
                request_id: None,
                events: 0,
                ended: Ended::Running,
            });
        });
        let (flow, body) = Flow::new(
            Arc::clone(&self.connection.switch),
            Arc::clone(&self.shared.log),
            self.sequence,
        );
        let (ids, per_delta) = (self.ids.clone(), self.shared.tokens_per_delta);
        tokio::spawn(async move {
            if checked.stream {
                flow.stream(answer.events(&ids, per_delta), course).await;
            } else {
                flow.half(answer.message(&ids), Flow::ending(&course)).await;
            }
            drop(running);
        });
        Ok(Reply {
            status: 200,
            headers,
            body,
            flowing: true,
        })
    }

    /// How the answer goes, and the error that comes in its place.
    fn course(&self, quoted: Quoted<'_>) -> (Course, Option<ApiError>) {
        let faults = self.strike(Phase::Answer);
        let (pace, first_byte) = *self.shared.pace.read().unwrap_or_else(PoisonError::into_inner);
        let first_byte = if self.route == Route::Messages {
            first_byte
        } else {
            Duration::ZERO
        };
        let failed = faults.iter().find_map(|fault| {
            if let Fault::Error(name) = fault {
                Some(ApiError::named(*name, quoted))
            } else {
                None
            }
        });
        (
            Course::with(&faults, pace, first_byte, quoted, &self.ids.request),
            failed,
        )
    }
}

/// The only field that an account error quotes.
#[derive(serde::Deserialize)]
struct Named {
    #[serde(default)]
    model: String,
}

fn caller(key: &Key) -> Caller<'_> {
    Caller {
        organization: &key.organization,
        workspace: &key.workspace,
    }
}

fn quoted<'a>(key: &'a Key, model: &'a str) -> Quoted<'a> {
    Quoted {
        organization: &key.organization,
        model,
        limits: key.limits,
    }
}
