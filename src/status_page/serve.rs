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

use super::access::{Access, Reader, Refusal};
use super::html::{self, Frame};
use super::query::{Query, Raw};
use super::{Found, Source, guard};
use crate::view::Explanation;

/// The page.
pub struct Page {
    /// Where it gets what it shows.
    pub source: Box<dyn Source>,
    /// Who may look.
    pub access: Access,
    /// Name of this replica.
    pub replica: String,
    /// What stands before `docs/…` in links to run-books.
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
        .fallback(missing)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(Arc::clone(&page), guarded))
        .with_state(page)
}

impl Page {
    /// What a page says of itself: to a reader who has not said who he is, nothing of this replica.
    fn frame<'a>(&'a self, user: Option<&'a str>) -> Frame<'a> {
        let known = user.is_some() || matches!(self.access, Access::Local);
        Frame {
            replica: known.then(|| (&*self.replica, self.source.standing())),
            user,
            docs: self.docs.as_deref(),
            now: crate::status::conditions::whole_second(jiff::Timestamp::now()),
        }
    }

    fn message(&self, status: StatusCode, title: &str, sentences: &[String]) -> Response {
        shown(status, html::message(&self.frame(None), title, sentences))
    }

    fn refuse(&self, refusal: &Refusal) -> Response {
        let mut response = self.message(refusal.status, refusal.title, &refusal.sentences);
        if refusal.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"claudeprobe\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

fn shown(status: StatusCode, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response()
}

async fn guarded(State(page): State<Arc<Page>>, request: Request, next: Next) -> Response {
    let mut response = if matches!(page.access, Access::Local) && !guard::is_for_loopback(&request) {
        let sentence = "This page is on loopback and answers to localhost, 127.0.0.1 and [::1] only. To serve it under a name, give the \
                        operator --status-page with another address: then every request needs a token.";
        page.message(
            StatusCode::MISDIRECTED_REQUEST,
            "Not under this name",
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
    let query = match asked(&page, query) {
        Ok(query) => query,
        Err(response) => return *response,
    };
    let (reader, rows) = match visible(&page, &headers).await {
        Ok(visible) => visible,
        Err(refusal) => return page.refuse(&refusal),
    };
    let refresh = query.refresh;
    // Thousands of rows are some work, and the operator's own tasks must not wait for it.
    let made = tokio::task::spawn_blocking(move || {
        let name = reader.name();
        html::overview(&page.frame(name.as_deref()), &rows, &query)
    });
    let Ok(text) = made.await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    again(shown(StatusCode::OK, text), refresh)
}

/// What was asked for, or the page that says what cannot be.
fn asked(page: &Page, query: Result<UrlQuery<Raw>, QueryRejection>) -> Result<Query, Box<Response>> {
    let query = match query {
        Ok(UrlQuery(raw)) => Query::parse(&raw),
        Err(rejection) => Err(rejection.body_text()),
    };
    query.map_err(|sentence| Box::new(page.message(StatusCode::BAD_REQUEST, "That cannot be asked", &[sentence])))
}

/// Lets the browser load the page again after so many seconds. A header, for it works without script; only where the reader chose it, for
/// whoever reads slowly must not lose the place.
fn again(mut response: Response, seconds: u32) -> Response {
    if seconds > 0 {
        response.headers_mut().insert("refresh", HeaderValue::from(seconds));
    }
    response
}

/// The rows that the reader may see.
async fn visible(page: &Arc<Page>, headers: &HeaderMap) -> Result<(Reader, Vec<super::Row>), Refusal> {
    let reader = page.access.reader(headers).await?;
    let source = Arc::clone(page);
    let mut rows = tokio::task::spawn_blocking(move || source.source.rows())
        .await
        .unwrap_or_default();
    let namespaces: BTreeSet<String> = rows.iter().map(|row| row.listed.namespace.clone()).collect();
    let scope = page.access.scope(&reader, namespaces).await?;
    rows.retain(|row| scope.has(&row.listed.namespace));
    Ok((reader, rows))
}

async fn probe(
    State(page): State<Arc<Page>>,
    path: Result<Path<(String, String)>, PathRejection>,
    query: Result<UrlQuery<Raw>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let refresh = match asked(&page, query) {
        Ok(query) => query.refresh,
        Err(response) => return *response,
    };
    let Ok(Path((namespace, name))) = path else {
        return missing(State(page)).await;
    };
    let reader = match page.access.reader(&headers).await {
        Ok(reader) => reader,
        Err(refusal) => return page.refuse(&refusal),
    };
    if let Err(refusal) = page.access.get(&reader, &namespace, &name).await {
        return page.refuse(&refusal);
    }
    let user = reader.name();
    let frame = page.frame(user.as_deref());
    let plain = crate::report::plain::plain;
    match page.source.find(&namespace, &name) {
        Found::Known(known, trends) => {
            let explained = Explanation::of(&known, frame.now);
            let text = html::probe(&frame, &explained, &trends, refresh);
            again(shown(StatusCode::OK, text), refresh)
        }
        Found::Unreadable(why) => page.message(StatusCode::OK, "This probe cannot be read", &[why]),
        Found::Missing => page.message(
            StatusCode::NOT_FOUND,
            "There is no such probe",
            &[format!(
                "There is no ClaudeProbe {} in namespace {} that this operator watches: it may have been deleted, or the name be another.",
                plain(&name),
                plain(&namespace)
            )],
        ),
    }
}

async fn missing(State(page): State<Arc<Page>>) -> Response {
    let sentence = "There is nothing at this address. The overview is at /, a probe at /probes/NAMESPACE/NAME.";
    page.message(StatusCode::NOT_FOUND, "Nothing here", &[sentence.to_owned()])
}

async fn wrong_method(State(page): State<Arc<Page>>) -> Response {
    let sentence = "This page only shows: GET and HEAD. claudeprobe run NAMESPACE/NAME starts a run.";
    page.message(StatusCode::METHOD_NOT_ALLOWED, "Read-only", &[sentence.to_owned()])
}
