//! Forwarding checks: when they are due, and how the status keeps their results and times.
//!
//! Pure. A result stays until a later one of its kind contradicts it or it is older than three periods: the diagnosis
//! decides that. This module defines the stored form, and drops results about a key that is no longer in use.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Map, Value};

use super::keys;
use super::schedule::{self, Slot, signed};
use crate::diagnosis::buffering::is_buffering;
use crate::diagnosis::{KeptResult, LatencyPair, PathForwardingChecks};
use crate::plan::{CredentialChecks, ForwardingCheckChoice};
use crate::report::evidence::{Exchange, ExchangeKind, Outcome};
use crate::resource::status::{
    ClaudeProbeStatus, CredentialStatus, ForwardingCheckResult, ForwardingCheckStatus, FoundOn, LatencyStatus,
    PathStatus,
};
use crate::resource::validated::{Path, Probe};

/// Kept results of one path at most: one per kind of exchange.
pub(crate) const KEPT_PER_PATH: usize = ExchangeKind::COUNT;

/// What the run of this slot sends beside the frozen request. `deep` is requested by hand.
#[must_use]
pub fn choose(
    probe: &Probe,
    status: &ClaudeProbeStatus,
    slot: &Slot,
    deep: bool,
    now: Timestamp,
) -> ForwardingCheckChoice {
    let fresh = matches!(slot, Slot::Generation(_));
    let started = status.last_run.as_ref().and_then(|run| run.started_at.as_ref());
    let changed = keys::changed_at(&status.credentials, started);
    let credential = if fresh || changed {
        CredentialChecks::Always
    } else {
        CredentialChecks::AuthFailed
    };
    ForwardingCheckChoice {
        headers: fresh || changed || due(probe, status, now),
        credential,
        zero_token_only: false,
        deep,
        long: long_due(probe, slot),
        buffered: !fresh && !deep && buffered_before(probe, status),
    }
}

/// Whether the newest run saw a buffered stream: one more pair in this run is as conclusive as two in one run. A path
/// in a pod without the control has one pair in each run in any case.
fn buffered_before(probe: &Probe, status: &ClaudeProbeStatus) -> bool {
    let newest = status.history.first();
    let known = newest.filter(|run| run.generation == status.observed_generation);
    let beside_control = |name: &str| {
        let path = |index: &usize| probe.paths.get(*index);
        let mut pods = probe.pods.iter().map(|pod| pod.paths.iter().filter_map(path));
        pods.any(|paths| paths.clone().any(|path| path.direct) && paths.clone().any(|path| path.name == name))
    };
    let counts = |found: &FoundOn| is_buffering(found.code) && beside_control(&found.path);
    known.is_some_and(|run| run.findings.iter().any(counts))
}

/// Due when a period has passed since the newest result; half an interval early rather than a whole one late.
fn due(probe: &Probe, status: &ClaudeProbeStatus, now: Timestamp) -> bool {
    let Some(every) = probe.forwarding_checks.every else {
        return false;
    };
    let kept = status
        .paths
        .iter()
        .flat_map(|path| results(path.forwarding_checks.as_ref()));
    // Credential checks may go with any run: their time is not that of the others.
    let regular = kept.filter(|kept| !kept.exchange.kind.is_about_key());
    let newest = regular.map(|kept| kept.at_ms).max();
    let slack = signed(probe.schedule.interval()) / 2;
    let wait = (signed(every) - slack).max(SignedDuration::ZERO).as_millis();
    newest.is_none_or(|at| i128::from(at) + wait <= i128::from(now.as_millisecond()))
}

/// The long request has its own period: it goes with the first slot of each period, for any gap between slots.
fn long_due(probe: &Probe, slot: &Slot) -> bool {
    let (Some(long), Slot::At(at)) = (&probe.exchanges.long, slot) else {
        return false;
    };
    let every = i64::try_from(long.every.as_secs()).unwrap_or(i64::MAX).max(1);
    let period = |at: Timestamp| at.as_second().div_euclid(every);
    let before = schedule::previous(&probe.schedule, &probe.uid, *at - SignedDuration::from_secs(1));
    before.is_none_or(|before| period(before) < period(*at))
}

/// The kept results of the probe's paths.
#[must_use]
pub fn read(paths: &[PathStatus], probe: &Probe) -> Vec<PathForwardingChecks> {
    let known = paths.iter().filter(|path| probe.path(&path.name).is_some());
    let read = known.map(|path| PathForwardingChecks {
        path: path.name.clone(),
        results: results(path.forwarding_checks.as_ref()).collect(),
    });
    read.filter(|path| !path.results.is_empty()).collect()
}

/// Drops results about a key that is no longer in use: `keys` are those in use now.
pub fn forget_old_keys(kept: &mut Vec<PathForwardingChecks>, probe: &Probe, keys: &[CredentialStatus]) {
    for path in kept.iter_mut() {
        let changed = probe.path(&path.path).and_then(|path| changed(path, keys));
        let of_old_key =
            |kept: &KeptResult| kept.exchange.kind.is_about_key() && changed.is_some_and(|at| kept.at_ms < at);
        path.results.retain(|kept| !of_old_key(kept));
    }
    kept.retain(|path| !path.results.is_empty());
}

/// When the path's key was seen to be another, Unix milliseconds.
fn changed(path: &Path, keys: &[CredentialStatus]) -> Option<i64> {
    let secret = &path.credential.as_ref()?.secret;
    let known = keys
        .iter()
        .find(|key| key.secret == secret.name && key.key == secret.key)?;
    known.previous_last_seen_at.as_ref()?;
    Some(known.seen_since.as_ref()?.0.as_millisecond())
}

/// The results that the status keeps of a path, without those that this version does not know.
pub fn results(forwarding_checks: Option<&ForwardingCheckStatus>) -> impl Iterator<Item = KeptResult> + use<'_> {
    forwarding_checks.into_iter().flat_map(|forwarding_checks| {
        let newest = forwarding_checks.at.as_ref();
        forwarding_checks
            .results
            .iter()
            .filter_map(move |kept| parse(kept, newest))
    })
}

/// Results as the status keeps them.
#[must_use]
pub fn status(forwarding_checks: &PathForwardingChecks) -> ForwardingCheckStatus {
    let second = |kept: &KeptResult| kept.at_ms.div_euclid(1000);
    let time = |at| Timestamp::from_second(at).ok().map(Time);
    let newest = forwarding_checks.results.iter().map(second).max();
    let written = forwarding_checks.results.iter().filter_map(|kept| {
        let at = Some(second(kept)).filter(|at| Some(*at) != newest);
        shown(&kept.exchange, at.and_then(time))
    });
    ForwardingCheckStatus {
        at: newest.and_then(time),
        results: written.take(KEPT_PER_PATH).collect(),
    }
}

/// Pairs of times in the form of a diagnosis.
#[must_use]
pub fn latency(paths: &[PathStatus], probe: &Probe) -> Vec<LatencyPair> {
    let mut pairs = Vec::new();
    for path in paths.iter().filter(|path| probe.path(&path.name).is_some()) {
        let Some(kept) = &path.latency else { continue };
        let at_ms = kept.at.as_ref().map_or(0, |at| at.0.as_millisecond());
        let times = kept.direct_ms.iter().zip(&kept.gateway_ms);
        pairs.extend(times.filter_map(|(direct, gateway)| {
            Some(LatencyPair {
                path: path.name.clone(),
                at_ms,
                direct_ms: u32::try_from(*direct).ok()?,
                gateway_ms: u32::try_from(*gateway).ok()?,
            })
        }));
    }
    pairs
}

/// The pairs of one path as the status keeps them.
#[must_use]
pub fn latency_status(pairs: &[LatencyPair], path: &str) -> Option<LatencyStatus> {
    let own: Vec<&LatencyPair> = pairs.iter().filter(|pair| pair.path == path).collect();
    let time = |ms: u32| i32::try_from(ms).unwrap_or(i32::MAX);
    let newest = own.last()?.at_ms.div_euclid(1000);
    Some(LatencyStatus {
        at: Timestamp::from_second(newest).ok().map(Time),
        direct_ms: own.iter().map(|pair| time(pair.direct_ms)).collect(),
        gateway_ms: own.iter().map(|pair| time(pair.gateway_ms)).collect(),
    })
}

/// One result: the observed fields of the exchange, and its own time where it has one.
fn shown(exchange: &Exchange, at: Option<Time>) -> Option<ForwardingCheckResult> {
    let plain = Exchange {
        quote: None,
        ..exchange.clone()
    };
    let unobserved = fields(&Exchange::new(exchange.kind, Outcome::Answered))?;
    let mut evidence = fields(&plain)?;
    evidence.retain(|name, value| !matches!(name.as_str(), KIND | STATUS) && unobserved.get(name) != Some(value));
    Some(ForwardingCheckResult {
        kind: exchange.kind.name().to_owned(),
        at,
        status: (exchange.status != 0).then(|| i32::from(exchange.status)),
        evidence,
    })
}

/// Reads a result back; one that this version does not know is `None`. `newest` is the time of a result without its
/// own.
fn parse(kept: &ForwardingCheckResult, newest: Option<&Time>) -> Option<KeptResult> {
    let at = kept.at.as_ref().or(newest)?;
    let kind = serde_json::from_value(Value::from(kept.kind.as_str())).ok()?;
    let mut fields = fields(&Exchange::new(kind, Outcome::Answered))?;
    fields.extend(kept.evidence.clone());
    fields.insert(KIND.to_owned(), Value::from(kept.kind.as_str()));
    fields.insert(STATUS.to_owned(), Value::from(kept.status.unwrap_or(0)));
    Some(KeptResult {
        at_ms: at.0.as_millisecond(),
        exchange: serde_json::from_value(Value::Object(fields)).ok()?,
    })
}

/// Fields of an exchange that a result has as its own.
const KIND: &str = "kind";
const STATUS: &str = "status";

fn fields(exchange: &Exchange) -> Option<Map<String, Value>> {
    match serde_json::to_value(exchange).ok()? {
        Value::Object(fields) => Some(fields),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::catalogue::Code;
    use crate::claude::error::ErrorClass;
    use crate::report::evidence::{Echo, ReplyTraits};
    use crate::resource::validated::{Cron, Schedule};
    use crate::status::fixture;

    fn found(code: Code, path: &str) -> FoundOn {
        FoundOn {
            code,
            path: path.into(),
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn result() -> Exchange {
        Exchange {
            status: 400,
            traits: ReplyTraits::REQUEST_ID.with(ReplyTraits::ENVELOPE),
            error: ErrorClass::BetaUnexpected,
            echo: Echo::Exact,
            first_byte_ms: Some(120),
            ..Exchange::new(ExchangeKind::BogusBeta, Outcome::Answered)
        }
    }

    #[test]
    fn a_result_survives_its_stored_form() {
        let time = |second| Time(Timestamp::from_second(second).unwrap());
        let (newest, earlier) = (time(70), time(60));
        let kept = shown(&result(), None).unwrap();
        let text = serde_json::to_string(&kept).unwrap();
        assert!(text.len() < 160, "{text}");
        let at = |second: i64| {
            Some(KeptResult {
                at_ms: second * 1000,
                exchange: result(),
            })
        };
        assert_eq!(parse(&kept, Some(&newest)), at(70));
        assert_eq!(parse(&shown(&result(), Some(earlier)).unwrap(), Some(&newest)), at(60));
        let unheard = |field: &str, value: &str| {
            let mut kept = serde_json::to_value(&kept).unwrap();
            kept[field] = serde_json::from_str(value).unwrap();
            parse(&serde_json::from_value(kept).unwrap(), Some(&newest))
        };
        assert_eq!(unheard("kind", "\"Unheard\""), None);
        assert_eq!(unheard("evidence", "{\"outcome\": \"Unheard\"}"), None);
    }

    #[test]
    fn forwarding_checks_are_due_after_a_change_and_then_by_their_own_period() {
        let probe = fixture::probe_with("forwardingChecks: {every: 1h}");
        let start = at("2026-11-23T10:00:00Z");
        let mut status = ClaudeProbeStatus::default();
        let first = choose(&probe, &status, &Slot::Generation(1), false, start);
        assert!(first.headers && first.credential == CredentialChecks::Always);
        // A credential check is newer: it goes with any run and does not delay the others.
        let results = PathForwardingChecks {
            path: "edge".into(),
            results: vec![
                KeptResult {
                    at_ms: start.as_millisecond(),
                    exchange: result(),
                },
                KeptResult {
                    at_ms: start.as_millisecond() + 600_000,
                    exchange: Exchange::new(ExchangeKind::NoKey, Outcome::Answered),
                },
            ],
        };
        status.paths = vec![PathStatus {
            name: "edge".into(),
            forwarding_checks: Some(super::status(&results)),
            ..PathStatus::default()
        }];
        let kept = |keys: &[CredentialStatus]| {
            let mut kept = read(&status.paths, &probe);
            forget_old_keys(&mut kept, &probe, keys);
            kept
        };
        assert_eq!(kept(&[]), [results]);
        let runs = (1..=24).map(|n| start + SignedDuration::from_mins(5 * n));
        let due: Vec<_> = runs
            .filter(|now| choose(&probe, &status, &Slot::At(*now), false, *now).headers)
            .collect();
        assert_eq!(due.first(), Some(&at("2026-11-23T11:00:00Z")));
        // Its key is no longer in use: results about it do not apply to the new one.
        let key = CredentialStatus {
            secret: "claude-key".into(),
            key: "api-key".into(),
            seen_since: Some(Time(start + SignedDuration::from_mins(15))),
            previous_last_seen_at: Some(Time(start + SignedDuration::from_mins(10))),
            ..CredentialStatus::default()
        };
        let left = kept(&[key]);
        assert_eq!(left[0].results.len(), 1);
        assert_eq!(left[0].results[0].exchange, result());
    }

    #[test]
    fn a_stream_that_the_previous_run_saw_buffered_is_not_sent_twice() {
        let probe = fixture::probe_with(
            "- {name: own, url: 'http://own:8080', placement: {nodeSelector: {pool: edge}}}\n  forwardingChecks: {every: 1h}",
        );
        let now = at("2026-11-23T10:00:00Z");
        let mut status = ClaudeProbeStatus {
            observed_generation: Some(2),
            history: vec![crate::resource::status::HistoryEntry {
                generation: Some(2),
                findings: vec![found(Code::StreamBuffered, "edge")],
                ..Default::default()
            }],
            ..ClaudeProbeStatus::default()
        };
        let buffered = |status: &ClaudeProbeStatus, slot, deep| choose(&probe, status, &slot, deep, now).buffered;
        assert!(buffered(&status, Slot::At(now), false));
        assert!(!buffered(&status, Slot::At(now), true), "requested by hand");
        assert!(!buffered(&status, Slot::Generation(2), false), "a new spec");
        status.history[0].findings = vec![found(Code::StreamCut, "edge"), found(Code::StreamBuffered, "own")];
        assert!(
            !buffered(&status, Slot::At(now), false),
            "no second pair was to be saved"
        );
        status.history[0].findings = vec![found(Code::StreamCompressed, "edge")];
        status.history[0].generation = Some(1);
        assert!(!buffered(&status, Slot::At(now), false), "of another spec");
    }

    #[test]
    fn the_long_request_goes_with_the_first_slot_of_its_period_on_any_schedule() {
        let long = "exchanges: {longRequest: {every: 24h, minSeconds: 60, maxTokens: 4000, timeout: 5m}}";
        let berlin = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
        let office_hours = Cron::parse("*/5 8-18 * * 1-5", berlin).unwrap();
        for schedule in [
            Schedule::Every(std::time::Duration::from_secs(420)),
            Schedule::Cron(Box::new(office_hours)),
        ] {
            let mut probe = fixture::probe_with(long);
            probe.schedule = schedule;
            let (mut at, mut days) = (at("2026-11-23T00:00:00Z"), std::collections::BTreeMap::new());
            while at < "2026-11-28T00:00:00Z".parse().unwrap() {
                at = schedule::next(&probe.schedule, &probe.uid, at).unwrap();
                *days.entry(at.to_string()[..10].to_owned()).or_insert(0) += u32::from(long_due(&probe, &Slot::At(at)));
            }
            let whole = days.range("2026-11-24".to_owned().."2026-11-28".to_owned());
            assert!(
                whole.clone().count() == 4 && whole.clone().all(|(_, sent)| *sent == 1),
                "{days:?}"
            );
        }
    }

    #[test]
    fn the_run_after_a_changed_key_has_credential_checks() {
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
            CredentialChecks::Always
        );
        status.last_run = Some(crate::resource::status::RunStatus {
            started_at: Some(Time(now + SignedDuration::from_mins(5))),
            ..Default::default()
        });
        assert_eq!(
            choose(&probe, &status, &Slot::At(now), false, now).credential,
            CredentialChecks::AuthFailed
        );
    }
}
