//! Forwarding checks: when they are due, and how the status keeps their results and times.
//!
//! Pure. A result stays until a later one of its kind contradicts it or it is older than three periods: the diagnosis
//! decides that. This module defines the stored form, and drops results about a key that is no longer in use.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::keys;
use super::schedule::{self, Slot, signed};
use crate::diagnosis::buffering::is_buffering;
use crate::diagnosis::{KeptResult, LatencyPair, PathForwardingChecks};
use crate::plan::{CredentialChecks, ForwardingCheckChoice};
use crate::report::compact;
use crate::report::evidence::ExchangeKind;
use crate::resource::status::{
    ClaudeProbeStatus, CredentialStatus, ForwardingCheckStatus, FoundOn, LatencyStatus, PathStatus,
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

/// The results that the status keeps of a path; none where another release wrote them.
pub fn results(kept: Option<&ForwardingCheckStatus>) -> impl Iterator<Item = KeptResult> + use<> {
    let read = kept.and_then(|kept| {
        let newest = kept.at.as_ref()?.0.as_second();
        let results = compact::unpack(&kept.record)?.into_iter();
        Some(results.map(move |(age, exchange)| KeptResult {
            at_ms: (newest - i64::from(age)) * 1000,
            exchange,
        }))
    });
    read.into_iter().flatten()
}

/// Results as the status keeps them.
#[must_use]
pub fn status(kept: &PathForwardingChecks) -> ForwardingCheckStatus {
    let second = |kept: &KeptResult| kept.at_ms.div_euclid(1000);
    let newest = kept.results.iter().map(second).max();
    let age = |kept| u32::try_from(newest.unwrap_or_default() - second(kept)).unwrap_or(u32::MAX);
    let results: Vec<_> = kept.results.iter().take(KEPT_PER_PATH).collect();
    let aged: Vec<_> = results.iter().map(|kept| (age(kept), kept.exchange.clone())).collect();
    ForwardingCheckStatus {
        at: newest.and_then(|at| Timestamp::from_second(at).ok()).map(Time),
        results: results
            .iter()
            .map(|kept| (kept.exchange.kind.name().to_owned(), i32::from(kept.exchange.status)))
            .collect(),
        record: compact::pack(&aged).unwrap_or_default(),
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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::catalogue::Code;
    use crate::claude::error::ErrorClass;
    use crate::report::evidence::{Echo, Exchange, Outcome, ReplyTraits};
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
    fn results_survive_the_status_with_their_times_and_not_another_release() {
        let kept = |second: i64, exchange: Exchange| KeptResult {
            at_ms: second * 1000,
            exchange,
        };
        let of_path = PathForwardingChecks {
            path: "edge".into(),
            results: vec![
                kept(70, result()),
                kept(60, Exchange::new(ExchangeKind::NoKey, Outcome::NoReply)),
            ],
        };
        let written = status(&of_path);
        let shown: Vec<_> = written
            .results
            .iter()
            .map(|(kind, status)| (kind.as_str(), *status))
            .collect();
        assert_eq!(shown, [("BogusBeta", 400), ("NoKey", 0)]);
        assert_eq!(results(Some(&written)).collect::<Vec<_>>(), of_path.results);
        for record in ["", "k9", &written.record[1..], &written.record.replacen('2', "3", 1)] {
            let other = ForwardingCheckStatus {
                record: record.to_owned(),
                ..written.clone()
            };
            assert_eq!(results(Some(&other)).count(), 0, "{record}");
        }
        // What an earlier release kept as a list is left out, and the object stays readable.
        let earlier: ForwardingCheckStatus =
            serde_json::from_value(serde_json::json!({"at": written.at, "results": [{"kind": "BogusBeta"}]})).unwrap();
        assert_eq!((earlier.results.len(), results(Some(&earlier)).count()), (0, 0));
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
