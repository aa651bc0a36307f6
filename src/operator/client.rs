//! The client of the API server: user agent, request counter, and an abort in the middle of a run for tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{HeaderValue, Method, Request, header};
use kube::client::{Body, ClientBuilder};
use kube::{Client, Config};
use tower::{Layer, Service};

use crate::metrics::OperatorMetrics;

/// For tests of restarts: the process aborts after this many answered writes of probes and pods.
/// Harmless where it is not set.
pub const ABORT_AFTER_WRITES: &str = "CLAUDEPROBE_TEST_ABORT_AFTER_WRITES";

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Neither in a cluster nor with a kubeconfig.
    #[error("no API server is configured ({0}): run in a cluster, or set KUBECONFIG")]
    Config(#[source] kube::config::InferConfigError),
    /// The configuration cannot be used.
    #[error("the API server's client cannot be created: {0}")]
    Build(#[source] kube::Error),
}

/// Connects as other clients do: with the pod's service account, or with KUBECONFIG.
///
/// # Errors
/// No configuration, or one that cannot be used.
pub async fn connect(metrics: Arc<OperatorMetrics>) -> Result<Client, ClientError> {
    let mut config = Config::infer().await.map_err(ClientError::Config)?;
    config.connect_timeout = Some(Duration::from_secs(5));
    // No hidden retries: the caller counts and repeats its writes.
    config.default_retry = false;
    let agent = concat!("claudeprobe-operator/", env!("CARGO_PKG_VERSION"));
    config
        .headers
        .push((header::USER_AGENT, HeaderValue::from_static(agent)));
    let abort_after = std::env::var(ABORT_AFTER_WRITES)
        .ok()
        .and_then(|text| text.parse().ok());
    let layer = Counting {
        metrics,
        abort_after,
        writes: Arc::new(AtomicU64::new(0)),
    };
    Ok(ClientBuilder::try_from(config)
        .map_err(ClientError::Build)?
        .with_layer(&layer)
        .build())
}

/// Counts requests.
#[derive(Clone, Debug)]
pub struct Counting {
    metrics: Arc<OperatorMetrics>,
    abort_after: Option<u64>,
    writes: Arc<AtomicU64>,
}

impl<S> Layer<S> for Counting {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Counted<S> {
        Counted {
            inner,
            counting: self.clone(),
        }
    }
}

/// A client that counts its requests.
#[derive(Clone, Debug)]
pub struct Counted<S> {
    inner: S,
    counting: Counting,
}

impl<S> Service<Request<Body>> for Counted<S>
where
    S: Service<Request<Body>>,
    S::Future: Send + 'static,
    S::Response: 'static,
    S::Error: 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (verb, resource) = classify(request.method(), request.uri());
        self.counting.metrics.requested(verb, resource);
        let is_write = request.method() != Method::GET && matches!(resource, "pods" | "claudeprobes");
        let last = match (is_write, self.counting.abort_after) {
            (true, Some(limit)) => self.counting.writes.fetch_add(1, Ordering::SeqCst) + 1 == limit,
            _ => false,
        };
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await;
            if last {
                tracing::error!("{ABORT_AFTER_WRITES}: aborting");
                std::process::abort();
            }
            answer
        })
    }
}

/// Verb and resource of a request, out of closed sets.
fn classify(method: &Method, uri: &http::Uri) -> (&'static str, &'static str) {
    let path = uri.path();
    let (base, named) = [
        "pods",
        "claudeprobes",
        "leases",
        "events",
        "customresourcedefinitions",
        "tokenreviews",
        "subjectaccessreviews",
    ]
    .into_iter()
    .find_map(|resource| {
        let mut parts = path.split('/').skip_while(|part| *part != resource).skip(1);
        path.split('/')
            .any(|part| part == resource)
            .then(|| (resource, parts.next().is_some()))
    })
    .unwrap_or(("other", true));
    let watches = uri
        .query()
        .is_some_and(|query| query.split('&').any(|part| matches!(part, "watch=true" | "watch=1")));
    let verb = match *method {
        Method::GET if watches => "watch",
        Method::GET if named => "get",
        Method::GET => "list",
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        _ => "other",
    };
    (verb, base)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("GET", "/api/v1/pods?watch=true&labelSelector=a", ("watch", "pods"))]
    #[case("GET", "/api/v1/namespaces/ai/pods?fieldSelector=a", ("list", "pods"))]
    #[case("POST", "/api/v1/namespaces/pods-of-mine/pods?fieldManager=c", ("create", "pods"))]
    #[case("PATCH", "/apis/claudeprobe.dev/v1alpha1/namespaces/ai/claudeprobes/x/status?force=true", ("patch", "claudeprobes"))]
    #[case("PUT", "/apis/coordination.k8s.io/v1/namespaces/a/leases/claudeprobe", ("update", "leases"))]
    #[case("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/claudeprobes.claudeprobe.dev", ("get", "customresourcedefinitions"))]
    #[case("GET", "/version", ("get", "other"))]
    fn a_request_is_counted_by_verb_and_resource(
        #[case] method: &str,
        #[case] uri: &str,
        #[case] expected: (&str, &str),
    ) {
        assert_eq!(classify(&method.parse().unwrap(), &uri.parse().unwrap()), expected);
    }
}
