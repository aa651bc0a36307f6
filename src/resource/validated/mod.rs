//! A `ClaudeProbe` parsed once at the edge into types that cannot be wrong. Operator and command line use only this form.
//!
//! The API server rejects the same mistakes (schema and CEL, see `crds/claudeprobe.yaml`); this is what stands between a
//! file on a laptop, or an object that an older schema let pass, and a run. All faults of a spec are reported together.

mod fault;
mod headers;
mod path;
mod placement;
mod pods;
mod request;
mod schedule;
mod tokens;
mod url;

use std::time::Duration;

use fault::Faults;

pub use crate::claude::client::{AuthHeader, HeaderValue};
pub use fault::SpecFault;
pub use headers::{Credential, FORBIDDEN_HEADERS, Header};
pub use path::{DIRECT, Path, Proxy, Selector, Tls};
pub use placement::{OWN_PREFIX, Placement};
pub use pods::PodGroup;
pub use request::{Body, Request};
pub use schedule::{Cron, MIN_INTERVAL, Schedule};
pub use tokens::{TokenEstimate, Tokens, estimate};
pub use url::{BaseUrl, METADATA_HOSTS, is_metadata_address};

use super::spec::{self, ClaudeProbe};

const HOUR: Duration = Duration::from_secs(3600);

/// A probe whose every field has been checked and every default filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// Namespace; `default` where the object has none (a file).
    pub namespace: String,
    /// Name, at most 52 characters.
    pub name: String,
    /// UID; empty where the object has none (a file).
    pub uid: String,
    /// Generation of the spec; 0 where the object has none (a file).
    pub generation: i64,
    /// When it runs.
    pub schedule: Schedule,
    /// A slot that has not started so long after its time is missed.
    pub starting_deadline: Duration,
    /// No scheduled runs.
    pub suspend: bool,
    /// Longest duration of a run, shorter than the interval.
    pub run_timeout: Duration,
    /// The frozen request.
    pub request: Request,
    /// The control first, if there is one, then 1 to 8 gateways in the resource's order.
    pub paths: Vec<Path>,
    /// Zero-token exchanges.
    pub forwarding_checks: ForwardingChecks,
    /// Exchanges that were opted into.
    pub exchanges: Exchanges,
    /// Where a difference becomes a finding.
    pub thresholds: Thresholds,
    /// Most tokens per UTC day; 1.5 times the planned use where the user set none.
    pub tokens_per_day: u64,
    /// The pods of a run and what each of them sends; at least one.
    pub pods: Vec<PodGroup>,
    /// Pods that use the same Secret.
    pub workloads: Vec<Selector>,
    /// Verdicts to keep.
    pub history_limit: usize,
}

/// Zero-token exchanges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForwardingChecks {
    /// How often; `None` is off.
    pub every: Option<Duration>,
    /// Those that concern the credential.
    pub credential: bool,
    /// Those that concern headers and body.
    pub headers: bool,
}

/// Exchanges that were opted into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exchanges {
    /// Requests at once, 2 to 32.
    pub parallel: Option<u32>,
    /// Size of a big body, bytes.
    pub body_bytes: Option<u64>,
    /// Size of a large header, bytes.
    pub header_bytes: Option<u64>,
    /// A prompt that looks like an attack.
    pub attack_prompt: bool,
    /// Reuse of a connection after this idle time.
    pub reuse_idle: Option<Duration>,
    /// A long request.
    pub long: Option<LongRequest>,
}

/// A long request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongRequest {
    /// How often.
    pub every: Duration,
    /// How long it should take at least.
    pub at_least: Duration,
    /// Most output tokens.
    pub max_tokens: u32,
    /// Its own limit.
    pub timeout: Duration,
}

/// Where a difference becomes a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// Median latency that a gateway adds, percent of direct's.
    pub gateway_latency_percent: u32,
    /// Days before a certificate expires.
    pub certificate_expiry_days: u32,
}

impl Probe {
    /// Checks a resource and fills in all that follows from it.
    ///
    /// # Errors
    /// Every fault that was found, in the order of the fields; never an empty list.
    pub fn parse(resource: &ClaudeProbe) -> Result<Self, Vec<SpecFault>> {
        let mut faults = Faults::default();
        match Self::read(resource, &mut faults) {
            Some(probe) if faults.0.is_empty() => Ok(probe),
            _ => Err(faults.0),
        }
    }

    fn read(resource: &ClaudeProbe, faults: &mut Faults) -> Option<Self> {
        let spec = &resource.spec;
        let name = name(resource, faults);
        let timing = schedule::timing(spec, faults);
        let request = request::request(&spec.request, faults);
        let paths = path::paths(spec, faults);
        let forwarding_checks = forwarding_checks(&spec.forwarding_checks, faults);
        let exchanges = exchanges(&spec.exchanges, faults);
        let thresholds = thresholds(&spec.thresholds, faults);
        if let Some(budget) = &spec.budget {
            faults.check(
                budget.tokens_per_day > 0,
                "spec.budget.tokensPerDay",
                "must be at least 1",
            );
        }
        let shared = placement::placement("spec.placement", &spec.placement, faults);
        let workloads = spec
            .workloads
            .iter()
            .enumerate()
            .filter_map(|(index, workload)| path::selector(&format!("spec.workloads[{index}]"), workload, faults))
            .collect();
        faults.check(
            (0..=50).contains(&spec.history_limit),
            "spec.historyLimit",
            "must be between 0 and 50",
        );
        let timing = timing?;
        let mut probe = Self {
            namespace: resource.metadata.namespace.clone().unwrap_or_else(|| "default".into()),
            name,
            uid: resource.metadata.uid.clone().unwrap_or_default(),
            generation: resource.metadata.generation.unwrap_or_default(),
            schedule: timing.schedule,
            starting_deadline: timing.starting_deadline,
            suspend: spec.suspend,
            run_timeout: timing.run_timeout,
            request: request?,
            pods: pods::group(&shared, &paths),
            paths,
            forwarding_checks: forwarding_checks?,
            exchanges: exchanges?,
            thresholds,
            tokens_per_day: 0,
            workloads,
            history_limit: usize::try_from(spec.history_limit).ok()?,
        };
        probe.tokens_per_day = match &spec.budget {
            Some(budget) => budget.tokens_per_day.unsigned_abs(),
            None => estimate(&probe).day.saturating_mul(3) / 2,
        };
        Some(probe)
    }

    /// The control, if there is one.
    #[must_use]
    pub fn direct(&self) -> Option<&Path> {
        self.paths.first().filter(|path| path.direct)
    }

    /// The path with this name.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<&Path> {
        self.paths.iter().find(|path| path.name == name)
    }
}

fn name(resource: &ClaudeProbe, faults: &mut Faults) -> String {
    let name = resource.metadata.name.clone().unwrap_or_default();
    if headers::object_name("metadata.name", &name, faults).is_some() {
        faults.check(
            name.len() <= 52,
            "metadata.name",
            "must have at most 52 characters: it is part of pod names",
        );
    }
    name
}

fn forwarding_checks(forwarding_checks: &spec::ForwardingChecks, faults: &mut Faults) -> Option<ForwardingChecks> {
    let bounds = (Duration::ZERO, 7 * 24 * HOUR);
    let every = faults.duration("spec.forwardingChecks.every", &forwarding_checks.every, bounds)?;
    let good = every.is_zero() || every >= Duration::from_secs(60);
    faults.check(good, "spec.forwardingChecks.every", "must be 0s (off) or at least 1m");
    Some(ForwardingChecks {
        every: (!every.is_zero()).then_some(every),
        credential: forwarding_checks.credential,
        headers: forwarding_checks.headers,
    })
}

fn exchanges(spec: &spec::OptInExchanges, faults: &mut Faults) -> Option<Exchanges> {
    let mut number = |field: &str, value: Option<i32>, least: i32, most: i32| {
        value.map(|value| {
            faults.check(
                (least..=most).contains(&value),
                format!("spec.exchanges.{field}"),
                format!("must be between {least} and {most}"),
            );
            value.unsigned_abs()
        })
    };
    let parallel = number("parallel", spec.parallel, 2, 32);
    let body_bytes = number("bodyBytes", spec.body_bytes, 1_024, 32 * 1024 * 1024).map(u64::from);
    let header_bytes = number("headerBytes", spec.header_bytes, 256, 128 * 1024).map(u64::from);
    let reuse_idle = match &spec.reuse_idle {
        Some(text) => {
            let bounds = (Duration::from_secs(1), HOUR / 2);
            Some(faults.duration("spec.exchanges.reuseIdle", text, bounds)?)
        }
        None => None,
    };
    let long = match &spec.long_request {
        Some(long) => Some(long_request(long, faults)?),
        None => None,
    };
    Some(Exchanges {
        parallel,
        body_bytes,
        header_bytes,
        attack_prompt: spec.attack_prompt,
        reuse_idle,
        long,
    })
}

fn long_request(long: &spec::LongRequest, faults: &mut Faults) -> Option<LongRequest> {
    const FIELD: &str = "spec.exchanges.longRequest";
    faults.check(
        (10..=3600).contains(&long.min_seconds),
        format!("{FIELD}.minSeconds"),
        "must be between 10 and 3600",
    );
    faults.check(
        (256..=64_000).contains(&long.max_tokens),
        format!("{FIELD}.maxTokens"),
        "must be between 256 and 64000",
    );
    let every = faults.duration(&format!("{FIELD}.every"), &long.every, (HOUR / 6, 7 * 24 * HOUR))?;
    let timeout = faults.duration(&format!("{FIELD}.timeout"), &long.timeout, (HOUR / 120, 2 * HOUR))?;
    let at_least = Duration::from_secs(u64::from(long.min_seconds.unsigned_abs()));
    faults.check(
        timeout > at_least,
        format!("{FIELD}.timeout"),
        "must be longer than minSeconds",
    );
    Some(LongRequest {
        every,
        at_least,
        max_tokens: long.max_tokens.unsigned_abs(),
        timeout,
    })
}

fn thresholds(spec: &spec::Thresholds, faults: &mut Faults) -> Thresholds {
    for (field, value, least, most) in [
        ("gatewayLatencyPercent", spec.gateway_latency_percent, 1, 1000),
        ("certificateExpiryDays", spec.certificate_expiry_days, 1, 365),
    ] {
        faults.check(
            (least..=most).contains(&value),
            format!("spec.thresholds.{field}"),
            format!("must be between {least} and {most}"),
        );
    }
    Thresholds {
        gateway_latency_percent: spec.gateway_latency_percent.unsigned_abs(),
        certificate_expiry_days: spec.certificate_expiry_days.unsigned_abs(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;
