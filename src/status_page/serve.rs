//! The page over HTTP: three routes, GET and HEAD only.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query as UrlQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio_util::sync::CancellationToken;

use super::access::{Access, Reader, Rejection};
use super::html::{self, Frame};
use super::query::{Query, Raw};
use super::{Found, Source, guard};
use crate::text::plain::plain;
use crate::view::Explanation;

/// The page.
pub struct Page {
    /// Source of the content.
    pub source: Box<dyn Source>,
    /// Access control.
    pub access: Access,
    /// Name of this replica.
    pub replica: String,
    /// Base URL of `docs/…` in links to runbooks.
    pub docs: Option<String>,
}

/// Serves until `stop`.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve<L>(listener: L, page: Page, stop: CancellationToken) -> std::io::Result<()>
where
    L: axum::serve::Listener,
    L::Addr: std::fmt::Debug,
{
    axum::serve(listener, routes(page))
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
}

/// The routes, guarded.
pub fn routes(page: Page) -> Router {
    let page = Arc::new(page);
    Router::new()
        .route("/", get(overview))
        .route("/probes/{namespace}/{name}", get(probe))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn_with_state(Arc::clone(&page), guarded))
        .with_state(page)
}

impl Page {
    /// Header and footer of a page, without the replica for unauthenticated readers.
    fn frame<'a>(&'a self, user: Option<&'a str>) -> Frame<'a> {
        let known = user.is_some() || matches!(self.access, Access::Local);
        Frame {
            replica: known.then(|| (&*self.replica, self.source.replica_state())),
            user,
            docs: self.docs.as_deref(),
            now: crate::status::conditions::whole_second(crate::clock::now()),
        }
    }

    fn message(&self, status: StatusCode, title: &str, paragraphs: &[String]) -> Response {
        html_response(status, html::message(&self.frame(None), title, paragraphs))
    }

    fn reject(&self, rejection: &Rejection) -> Response {
        let mut response = self.message(rejection.status, rejection.title, &rejection.paragraphs);
        if rejection.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"claudeprobe\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

fn html_response(status: StatusCode, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response()
}

async fn guarded(State(page): State<Arc<Page>>, request: Request, next: Next) -> Response {
    let mut response = if matches!(page.access, Access::Local) && !guard::is_for_loopback(&request) {
        let sentence = "This page is on loopback and answers only to localhost, 127.0.0.1 and [::1]. To serve it under another name, start the \
                        operator with --status-page and another address. Every request then needs a token.";
        page.message(
            StatusCode::MISDIRECTED_REQUEST,
            "Unknown host name",
            &[sentence.to_owned()],
        )
    } else {
        next.run(request).await
    };
    guard::protect(response.headers_mut());
    response
}

async fn overview(
    State(page): State<Arc<Page>>,
    query: Result<UrlQuery<Raw>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let query = match parse_query(&page, query) {
        Ok(query) => query,
        Err(response) => return *response,
    };
    let (reader, rows) = match visible(&page, &headers).await {
        Ok(visible) => visible,
        Err(rejection) => return page.reject(&rejection),
    };
    let refresh = query.refresh;
    // Thousands of rows take time, and the operator's own tasks must not wait for them.
    let made = tokio::task::spawn_blocking(move || {
        let name = reader.name();
        html::overview(&page.frame(name.as_deref()), &rows, &query)
    });
    let Ok(text) = made.await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    with_reload(html_response(StatusCode::OK, text), refresh)
}

/// The parsed query, or the page with its error.
fn parse_query(page: &Page, query: Result<UrlQuery<Raw>, QueryRejection>) -> Result<Query, Box<Response>> {
    let query = match query {
        Ok(UrlQuery(raw)) => Query::parse(&raw),
        Err(rejection) => Err(rejection.body_text()),
    };
    query.map_err(|sentence| Box::new(page.message(StatusCode::BAD_REQUEST, "Invalid query", &[sentence])))
}

/// Makes the browser reload the page after so many seconds. A header works without script. Only on the reader's choice: a
/// reload loses the reading position.
fn with_reload(mut response: Response, seconds: u32) -> Response {
    if seconds > 0 {
        response.headers_mut().insert("refresh", HeaderValue::from(seconds));
    }
    response
}

/// The rows that the reader may see.
async fn visible(page: &Arc<Page>, headers: &HeaderMap) -> Result<(Reader, Vec<super::Row>), Rejection> {
    let reader = page.access.reader(headers).await?;
    let source = Arc::clone(page);
    let mut rows = tokio::task::spawn_blocking(move || source.source.rows())
        .await
        .unwrap_or_default();
    let namespaces: BTreeSet<String> = rows.iter().map(|row| row.listed.namespace.clone()).collect();
    let scope = page.access.scope(&reader, namespaces).await?;
    rows.retain(|row| scope.includes(&row.listed.namespace));
    Ok((reader, rows))
}

async fn probe(
    State(page): State<Arc<Page>>,
    path: Result<Path<(String, String)>, PathRejection>,
    query: Result<UrlQuery<Raw>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let refresh = match parse_query(&page, query) {
        Ok(query) => query.refresh,
        Err(response) => return *response,
    };
    let Ok(Path((namespace, name))) = path else {
        return not_found(State(page)).await;
    };
    let reader = match page.access.reader(&headers).await {
        Ok(reader) => reader,
        Err(rejection) => return page.reject(&rejection),
    };
    if let Err(rejection) = page.access.get(&reader, &namespace, &name).await {
        return page.reject(&rejection);
    }
    let user = reader.name();
    let frame = page.frame(user.as_deref());
    match page.source.find(&namespace, &name) {
        Found::Known(known, trends) => {
            let explained = Explanation::of(&known, frame.now);
            let text = html::probe(&frame, &explained, &trends, refresh);
            with_reload(html_response(StatusCode::OK, text), refresh)
        }
        Found::Unreadable(why) => page.message(StatusCode::OK, "This version cannot read the probe", &[why]),
        Found::Missing => {
            let (namespace, name) = (plain(&namespace), plain(&name));
            let sentence = format!(
                "The operator watches no ClaudeProbe {name} in namespace {namespace}. To list the probes there: kubectl -n {namespace} get \
                 claudeprobes"
            );
            page.message(StatusCode::NOT_FOUND, "Probe not found", &[sentence])
        }
    }
}

async fn not_found(State(page): State<Arc<Page>>) -> Response {
    let sentence = "This address does not exist. The overview is at /, a probe at /probes/NAMESPACE/NAME.";
    page.message(StatusCode::NOT_FOUND, "Page not found", &[sentence.to_owned()])
}

async fn method_not_allowed(State(page): State<Arc<Page>>) -> Response {
    let sentence = "This page accepts GET and HEAD only. To start a run: claudeprobe run NAMESPACE/NAME";
    page.message(StatusCode::METHOD_NOT_ALLOWED, "Read-only", &[sentence.to_owned()])
}
