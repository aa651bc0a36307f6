//! Zero-token exchanges: when they are due, and how their results are kept in the status.
//!
//! Pure. Results stay until a later canary run refutes them or they are older than three periods; a diagnosis decides which
//! are worth keeping, this module how they are written down and when they are thrown away.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::Value;

use super::keys;
use super::run::signed;
use super::schedule::Slot;
use crate::diagnosis::PathCanaries;
use crate::plan::{CanaryChoice, CredentialCanaries};
use crate::report::evidence::Exchange;
use crate::resource::status::{CanaryStatus, ClaudeProbeStatus, PathStatus};
use crate::resource::validated::Probe;

/// Kept results of one path at most: one per kind of exchange.
const KEPT_PER_PATH: usize = 16;

/// What the run of this slot does besides the frozen request. `deep` is asked for by hand.
#[must_use]
pub fn choose(probe: &Probe, status: &ClaudeProbeStatus, slot: &Slot, deep: bool, now: Timestamp) -> CanaryChoice {
    let fresh = matches!(slot, Slot::Generation(_));
    let started = status.last_run.as_ref().and_then(|run| run.started_at.as_ref());
    let changed = keys::changed_at(&status.credentials, started);
    let credential = if fresh || changed {
        CredentialCanaries::Always
    } else {
        CredentialCanaries::AuthFailed
    };
    CanaryChoice {
        headers: fresh || changed || due(probe, status, now),
        credential,
        zero_token_only: false,
        deep,
        long: long_due(probe, slot),
    }
}

/// Due when a period has passed since the newest result; half an interval early rather than a whole one late.
fn due(probe: &Probe, status: &ClaudeProbeStatus, now: Timestamp) -> bool {
    let Some(every) = probe.canaries.every else {
        return false;
    };
    let newest = status
        .paths
        .iter()
        .filter_map(|path| path.canaries.as_ref()?.at.as_ref())
        .map(|at| at.0)
        .max();
    let slack = signed(probe.schedule.interval()) / 2;
    newest.is_none_or(|at| at + (signed(every) - slack).max(SignedDuration::ZERO) <= now)
}

/// The long request has its own period: it goes with the first slot of each.
fn long_due(probe: &Probe, slot: &Slot) -> bool {
    let (Some(long), Slot::At(at)) = (&probe.exchanges.long, slot) else {
        return false;
    };
    let every = i64::try_from(long.every.as_secs()).unwrap_or(i64::MAX).max(1);
    let interval = i64::try_from(probe.schedule.interval().as_secs()).unwrap_or(i64::MAX);
    at.as_second().rem_euclid(every) < interval
}

/// The kept results of all paths, those that are too old left out.
#[must_use]
pub fn kept(paths: &[PathStatus], probe: &Probe, now: Timestamp) -> Vec<PathCanaries> {
    let period = probe.canaries.every.map_or(SignedDuration::from_hours(24), signed);
    let read = paths.iter().filter_map(|path| {
        let canaries = path.canaries.as_ref()?;
        let at = canaries.at.as_ref()?.0;
        let fresh = at + period * 3 > now && probe.path(&path.name).is_some();
        fresh.then(|| PathCanaries {
            path: path.name.clone(),
            at_ms: at.as_millisecond(),
            exchanges: canaries.results.iter().filter_map(|text| read(text)).collect(),
        })
    });
    read.filter(|path| !path.exchanges.is_empty()).collect()
}

/// Results as the status keeps them.
#[must_use]
pub fn status(canaries: &PathCanaries) -> CanaryStatus {
    CanaryStatus {
        at: Timestamp::from_second(canaries.at_ms.div_euclid(1000)).ok().map(Time),
        results: canaries
            .exchanges
            .iter()
            .take(KEPT_PER_PATH)
            .filter_map(write)
            .collect(),
    }
}

/// One result: the JSON of the exchange without what was not observed.
fn write(exchange: &Exchange) -> Option<String> {
    let plain = Exchange {
        quote: None,
        ..exchange.clone()
    };
    let blank = serde_json::to_value(Exchange::new(exchange.kind, exchange.outcome)).ok()?;
    let Value::Object(mut fields) = serde_json::to_value(plain).ok()? else {
        return None;
    };
    fields.retain(|name, value| matches!(name.as_str(), "kind" | "outcome") || blank.get(name) != Some(value));
    serde_json::to_string(&fields).ok()
}

/// Reads a result back; what another version wrote and this one does not know is no result.
fn read(text: &str) -> Option<Exchange> {
    let Value::Object(given) = serde_json::from_str(text).ok()? else {
        return None;
    };
    let kind = serde_json::from_value(given.get("kind")?.clone()).ok()?;
    let outcome = serde_json::from_value(given.get("outcome")?.clone()).ok()?;
    let Value::Object(mut fields) = serde_json::to_value(Exchange::new(kind, outcome)).ok()? else {
        return None;
    };
    fields.extend(given);
    serde_json::from_value(Value::Object(fields)).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::claude::error::ErrorClass;
    use crate::operator::fixture;
    use crate::report::evidence::{Echo, ExchangeKind, Marks, Outcome};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn result() -> Exchange {
        Exchange {
            status: 400,
            marks: Marks::REQUEST_ID.with(Marks::ENVELOPE),
            error: ErrorClass::BetaUnexpected,
            echo: Echo::Exact,
            first_byte_ms: Some(120),
            ..Exchange::new(ExchangeKind::BogusBeta, Outcome::Answered)
        }
    }

    #[test]
    fn a_result_survives_its_short_form() {
        let text = write(&result()).unwrap();
        assert!(text.len() < 160, "{text}");
        assert_eq!(read(&text), Some(result()));
        assert_eq!(read("{\"kind\":\"Unheard\",\"outcome\":\"Answered\"}"), None);
        assert_eq!(read("garbage"), None);
    }

    #[test]
    fn canaries_come_after_a_change_and_then_by_their_own_period() {
        let probe = fixture::probe_with("canaries: {every: 1h}");
        let start = at("2026-11-23T10:00:00Z");
        let mut status = ClaudeProbeStatus::default();
        let first = choose(&probe, &status, &Slot::Generation(1), false, start);
        assert!(first.headers && first.credential == CredentialCanaries::Always);
        let told = PathCanaries {
            path: "edge".into(),
            at_ms: start.as_millisecond(),
            exchanges: vec![result()],
        };
        status.paths = vec![PathStatus {
            name: "edge".into(),
            canaries: Some(super::status(&told)),
            ..PathStatus::default()
        }];
        let runs = (1..=24).map(|n| start + SignedDuration::from_mins(5 * n));
        let due: Vec<_> = runs
            .filter(|now| choose(&probe, &status, &Slot::At(*now), false, *now).headers)
            .collect();
        assert_eq!(due.first(), Some(&at("2026-11-23T11:00:00Z")));
        assert_eq!(kept(&status.paths, &probe, at("2026-11-23T12:59:00Z")), [told]);
        assert_eq!(kept(&status.paths, &probe, at("2026-11-23T13:00:00Z")), []);
    }

    #[test]
    fn the_run_after_a_changed_key_asks_who_authenticates() {
        let probe = fixture::probe_with("");
        let now = at("2026-11-23T10:00:00Z");
        let mut status = ClaudeProbeStatus::default();
        status.last_run = Some(crate::resource::status::RunStatus {
            started_at: Some(Time(now)),
            ..Default::default()
        });
        status.credentials = vec![crate::resource::status::CredentialStatus {
            seen_since: Some(Time(now)),
            previous_last_seen_at: Some(Time(now - SignedDuration::from_mins(5))),
            ..Default::default()
        }];
        assert_eq!(
            choose(&probe, &status, &Slot::At(now), false, now).credential,
            CredentialCanaries::Always
        );
        status.last_run = Some(crate::resource::status::RunStatus {
            started_at: Some(Time(now + SignedDuration::from_mins(5))),
            ..Default::default()
        });
        assert_eq!(
            choose(&probe, &status, &Slot::At(now), false, now).credential,
            CredentialCanaries::AuthFailed
        );
    }
}
