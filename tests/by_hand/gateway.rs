//! A gateway that does one thing to requests or answers, for the findings that the demo's gateway does not have.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

/// A request or an answer, whole.
pub struct Whole {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Whole {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Replaces text in the body.
    pub fn replace(&mut self, from: &str, to: &str) {
        self.body = self.text().replace(from, to).into_bytes();
    }

    /// Sets a header.
    pub fn set(&mut self, name: &'static str, value: &'static str) {
        self.headers
            .insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
}

/// More slots than any case uses.
const MANY: usize = 100;

/// What it does.
#[derive(Clone, Copy)]
pub struct AlteringGateway {
    /// Rejects a request with this status and text.
    pub refuse: fn(&Whole) -> Option<(u16, &'static str)>,
    /// Changes a request.
    pub request: fn(&mut Whole),
    /// Changes an answer.
    pub answer: fn(&mut Whole),
    /// How many requests it takes at once; each is held for a moment.
    pub places: usize,
}

impl Default for AlteringGateway {
    fn default() -> Self {
        Self {
            refuse: |_| None,
            request: |_| (),
            answer: |_| (),
            places: MANY,
        }
    }
}

struct Shared {
    gateway: AlteringGateway,
    upstream: String,
    client: reqwest::Client,
    places: tokio::sync::Semaphore,
}

impl AlteringGateway {
    /// Opens it before `upstream`; it stays open as long as the test's runtime.
    pub async fn open(self, upstream: String) -> String {
        let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
            .await
            .unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let shared = Shared {
            places: tokio::sync::Semaphore::new(self.places),
            gateway: self,
            upstream,
            client,
        };
        let app = axum::Router::new().fallback(pass).with_state(Arc::new(shared));
        tokio::spawn(async move { axum::serve(listener, app).await });
        url
    }
}

async fn pass(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    mut headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Ok(_place) = shared.places.try_acquire() else {
        return (StatusCode::TOO_MANY_REQUESTS, "max connections reached").into_response();
    };
    if shared.gateway.places < MANY {
        // Long enough for the others to arrive.
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    for name in ["host", "content-length", "connection"] {
        headers.remove(name);
    }
    let mut request = Whole {
        status: StatusCode::OK,
        headers,
        body: body.to_vec(),
    };
    if let Some((status, text)) = (shared.gateway.refuse)(&request) {
        return (StatusCode::from_u16(status).unwrap(), text).into_response();
    }
    (shared.gateway.request)(&mut request);
    let sent = shared
        .client
        .request(method, format!("{}{uri}", shared.upstream))
        .headers(request.headers)
        .body(request.body)
        .send()
        .await
        .unwrap();
    let (status, mut headers) = (sent.status(), sent.headers().clone());
    for name in ["content-length", "transfer-encoding", "connection"] {
        headers.remove(name);
    }
    let mut answer = Whole {
        status,
        headers,
        body: sent.bytes().await.unwrap().to_vec(),
    };
    (shared.gateway.answer)(&mut answer);
    (answer.status, answer.headers, answer.body).into_response()
}
