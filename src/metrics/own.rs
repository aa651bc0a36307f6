//! The operator's own counters and histograms.

use std::time::Duration;

use prometheus::{
    Encoder, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry, TextEncoder,
};

use super::families::{FAMILIES, PREFIX};
use crate::resource::status::PathStatus;
use crate::version;

/// Seconds: from a DNS answer out of a cache to a long stream.
const REQUEST_BUCKETS: &[f64] = &[
    0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0,
];
const SKEW_BUCKETS: &[f64] = &[0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
const RECONCILE_BUCKETS: &[f64] = &[0.000_1, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0];

/// Every class of error that a reconcile can end with.
pub const ERROR_CLASSES: [&str; 8] = [
    "not_leading",
    "timeout",
    "forbidden",
    "conflict",
    "throttled",
    "rejected",
    "server",
    "transport",
];

/// Counters of this process.
#[derive(Debug)]
pub struct OperatorMetrics {
    registry: Registry,
    requests: HistogramVec,
    skew: Histogram,
    reconciles: Histogram,
    errors: IntCounterVec,
    kube: IntCounterVec,
    leader: Gauge,
}

impl Default for OperatorMetrics {
    fn default() -> Self {
        Self::new()
    }
}

impl OperatorMetrics {
    /// Fresh counters.
    #[must_use]
    #[allow(
        clippy::expect_used,
        reason = "names and labels are constants of the catalogue, which a test registers"
    )]
    pub fn new() -> Self {
        let opts = |name: &str| {
            let help = FAMILIES
                .iter()
                .find(|family| family.name == name)
                .map_or("", |family| family.help);
            (format!("{PREFIX}{name}"), help)
        };
        let histogram = |name: &str, buckets: &[f64]| {
            let (name, help) = opts(name);
            HistogramOpts::new(name, help).buckets(buckets.to_vec())
        };
        let counter = |name: &str, labels: &[&str]| {
            let (name, help) = opts(name);
            IntCounterVec::new(Opts::new(name, help), labels).expect("a valid name")
        };
        let (name, help) = opts("build_info");
        let build = GaugeVec::new(Opts::new(name, help), &["version", "commit"]).expect("a valid name");
        build.with_label_values(&[version::VERSION, version::COMMIT]).set(1.0);
        let (leader, help) = opts("leader");
        let metrics = Self {
            registry: Registry::new(),
            requests: HistogramVec::new(
                histogram("request_duration_seconds", REQUEST_BUCKETS),
                &["leg", "phase"],
            )
            .expect("a valid name"),
            skew: Histogram::with_opts(histogram("schedule_skew_seconds", SKEW_BUCKETS)).expect("a valid name"),
            reconciles: Histogram::with_opts(histogram("reconcile_duration_seconds", RECONCILE_BUCKETS))
                .expect("a valid name"),
            errors: counter("reconcile_errors_total", &["class"]),
            kube: counter("kube_requests_total", &["verb", "resource"]),
            leader: Gauge::new(leader, help).expect("a valid name"),
        };
        // Present from the start: a counter that begins at 1 hides its first event from `rate()`.
        for class in ERROR_CLASSES {
            metrics.errors.with_label_values(&[class]);
        }
        let register = |collector: Box<dyn prometheus::core::Collector>| {
            metrics.registry.register(collector).expect("a name of its own")
        };
        register(Box::new(build));
        register(Box::new(metrics.requests.clone()));
        register(Box::new(metrics.skew.clone()));
        register(Box::new(metrics.reconciles.clone()));
        register(Box::new(metrics.errors.clone()));
        register(Box::new(metrics.kube.clone()));
        register(Box::new(metrics.leader.clone()));
        metrics
    }

    /// A reconcile took so long, and failed with this class of error or succeeded.
    pub fn reconciled(&self, took: Duration, error: Option<&'static str>) {
        self.reconciles.observe(took.as_secs_f64());
        if let Some(class) = error {
            self.errors.with_label_values(&[class]).inc();
        }
    }

    /// A request to the API server.
    pub fn requested(&self, verb: &'static str, resource: &'static str) {
        self.kube.with_label_values(&[verb, resource]).inc();
    }

    /// A pod was created so long after its slot.
    pub fn skewed(&self, seconds: f64) {
        self.skew.observe(seconds.max(0.0));
    }

    /// A run ended with these paths.
    pub fn run_ended(&self, paths: &[PathStatus]) {
        for path in paths {
            let probed = if path.name == "direct" { "direct" } else { "gateway" };
            for (phase, seconds) in path.timings.observed() {
                self.requests.with_label_values(&[probed, phase]).observe(seconds);
            }
        }
    }

    /// The exposition of these metrics.
    #[must_use]
    pub fn exposition(&self, leads: bool) -> String {
        self.leader.set(if leads { 1.0 } else { 0.0 });
        let mut text = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            tracing::error!(%error, "the metrics cannot be encoded");
        }
        String::from_utf8(text).unwrap_or_default()
    }
}
