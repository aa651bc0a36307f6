//! A path's evidence as the status and `check -o json` show it: one line per path, in seconds and the field's names.
//!
//! Judges nothing: the diagnosis interprets the outcome.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::{SignedDuration, Timestamp};

use crate::report::evidence::{Exchange, Headroom, Outcome, PathEvidence, Reach, SkipReason, StreamEvidence};
use crate::resource::status::{PathOutcome, PathStatus, RatelimitRemaining, StreamFraming, StreamStatus, Timings};

/// The result of the frozen request on one path. `host` is `host:port` of the path's URL, `stream` whether an event
/// stream was requested, `started_at_ms` the start of the run in Unix milliseconds (the certificate's days count from
/// it).
#[must_use]
pub fn path_status(path: &PathEvidence, host: &str, stream: bool, started_at_ms: i64) -> PathStatus {
    let frozen = path.frozen();
    PathStatus {
        name: path.path.clone(),
        host: host.to_owned(),
        exchange: if stream { "stream" } else { "message" }.to_owned(),
        outcome: outcome(path, frozen),
        status: frozen.map_or(0, |exchange| i32::from(exchange.status)),
        request_id: frozen
            .and_then(|exchange| exchange.request_id.clone())
            .unwrap_or_default(),
        peer: path.handshake.peer.clone().unwrap_or_default(),
        timings: timings(path, frozen),
        stream: frozen.and_then(|exchange| {
            exchange
                .stream
                .as_ref()
                .map(|stream| stream_status(stream, exchange.outcome))
        }),
        header_set: frozen.and_then(|exchange| exchange.header_set).map(i64::from),
        ratelimit_remaining: frozen
            .and_then(|exchange| exchange.headroom.as_ref())
            .map(remaining)
            .unwrap_or_default(),
        certificate_expires: path
            .handshake
            .certificate_days
            .and_then(|days| expiry(started_at_ms, days)),
        ..PathStatus::default()
    }
}

/// How the frozen request ended, or why it was never sent.
fn outcome(path: &PathEvidence, frozen: Option<&Exchange>) -> PathOutcome {
    match (path.handshake.outcome, frozen) {
        (Reach::Connected | Reach::NotTried, Some(exchange)) => exchange_outcome(exchange.outcome),
        (Reach::Connected, None) => path
            .skipped
            .first()
            .map_or(PathOutcome::NotReported, |(_, reason)| skip_outcome(*reason)),
        (reach, _) => reach_outcome(reach),
    }
}

fn exchange_outcome(outcome: Outcome) -> PathOutcome {
    match outcome {
        Outcome::Answered => PathOutcome::Answered,
        Outcome::CutByClose => PathOutcome::CutByClose,
        Outcome::CutByReset => PathOutcome::CutByReset,
        Outcome::StalledInBody => PathOutcome::StalledInBody,
        Outcome::BrokenFraming => PathOutcome::BrokenFraming,
        Outcome::Oversized => PathOutcome::Oversized,
        Outcome::ClosedBeforeHead => PathOutcome::ClosedBeforeHead,
        Outcome::ResetBeforeHead => PathOutcome::ResetBeforeHead,
        Outcome::NoReply => PathOutcome::NoReply,
        Outcome::NotHttp => PathOutcome::NotHttp,
        Outcome::ConnectFailed => PathOutcome::ConnectFailed,
    }
}

fn skip_outcome(reason: SkipReason) -> PathOutcome {
    match reason {
        SkipReason::Unreachable => PathOutcome::Unreachable,
        SkipReason::RateLimited => PathOutcome::RateLimited,
        SkipReason::LowHeadroom => PathOutcome::LowHeadroom,
        SkipReason::OutOfTime => PathOutcome::OutOfTime,
        SkipReason::Pointless => PathOutcome::Pointless,
        SkipReason::NoUsableKey => PathOutcome::NoUsableKey,
        SkipReason::OverBudget => PathOutcome::OverBudget,
    }
}

/// A path with a connection and nothing else counts as not reported.
fn reach_outcome(reach: Reach) -> PathOutcome {
    match reach {
        Reach::NotTried | Reach::Connected => PathOutcome::NotReported,
        Reach::DnsNoName => PathOutcome::DnsNoName,
        Reach::DnsFailed => PathOutcome::DnsFailed,
        Reach::AddressRefused => PathOutcome::AddressRefused,
        Reach::ConnectRefused => PathOutcome::ConnectRefused,
        Reach::ConnectTimeout => PathOutcome::ConnectTimeout,
        Reach::Unreachable => PathOutcome::Unreachable,
        Reach::TlsReset => PathOutcome::TlsReset,
        Reach::TlsAlert => PathOutcome::TlsAlert,
        Reach::TlsClientCertificate => PathOutcome::TlsClientCertificate,
        Reach::TlsUntrusted => PathOutcome::TlsUntrusted,
        Reach::TlsWrongName => PathOutcome::TlsWrongName,
        Reach::TlsExpired => PathOutcome::TlsExpired,
        Reach::TlsNotTls => PathOutcome::TlsNotTls,
        Reach::TlsTimeout => PathOutcome::TlsTimeout,
        Reach::ProxyRefused => PathOutcome::ProxyRefused,
        Reach::ProxyUnreachable => PathOutcome::ProxyUnreachable,
        Reach::UrlUnusable => PathOutcome::UrlUnusable,
        Reach::ProxyUnusable => PathOutcome::ProxyUnusable,
        Reach::CaMissing => PathOutcome::CaMissing,
        Reach::TlsUnusable => PathOutcome::TlsUnusable,
        Reach::SecretMissing => PathOutcome::SecretMissing,
        Reach::HeaderUnusable => PathOutcome::HeaderUnusable,
    }
}

/// Seconds per phase; a phase that was not observed is absent.
fn timings(path: &PathEvidence, frozen: Option<&Exchange>) -> Timings {
    let stream = frozen.and_then(|exchange| exchange.stream.as_ref());
    Timings {
        dns: path.handshake.dns_ms.map(seconds),
        connect: path.handshake.connect_ms.map(seconds),
        tls: path.handshake.tls_ms.map(seconds),
        first_byte: frozen.and_then(|exchange| exchange.first_byte_ms).map(seconds),
        first_token: stream.and_then(|stream| stream.first_token_ms).map(seconds),
        total: frozen.and_then(|exchange| exchange.total_ms).map(seconds),
    }
}

fn stream_status(stream: &StreamEvidence, outcome: Outcome) -> StreamStatus {
    StreamStatus {
        events: i64::from(stream.events),
        bytes: i64::from(stream.bytes),
        last_event: stream.last_event.name().to_owned(),
        last_event_at: stream.last_event_ms.map_or(0.0, seconds),
        max_gap: seconds(stream.max_gap_ms),
        message_stop: stream.message_stop,
        framing: if stream.framing_complete {
            StreamFraming::Complete
        } else {
            StreamFraming::Incomplete
        },
        ending: exchange_outcome(outcome),
    }
}

fn remaining(headroom: &Headroom) -> RatelimitRemaining {
    let share = |percent| Some(f64::from(percent?) / 100.0);
    RatelimitRemaining {
        requests: share(headroom.requests),
        input_tokens: share(headroom.input_tokens),
        output_tokens: share(headroom.output_tokens),
        tokens: share(headroom.tokens),
    }
}

/// The start of the run plus whole days: the evidence has no finer resolution.
fn expiry(started_at_ms: i64, days: i32) -> Option<Time> {
    let start = Timestamp::from_millisecond(started_at_ms).ok()?;
    let day = start.as_second().div_euclid(86_400) * 86_400;
    let at = Timestamp::from_second(day).ok()?;
    at.checked_add(SignedDuration::from_hours(24 * i64::from(days)))
        .ok()
        .map(Time)
}

fn seconds(ms: u32) -> f64 {
    f64::from(ms) / 1000.0
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::report::evidence::{EventKind, ExchangeKind, Handshake, SkipReason};

    fn path(reach: Reach) -> PathEvidence {
        PathEvidence {
            path: "edge".into(),
            handshake: Handshake {
                outcome: reach,
                connect_ms: Some(4),
                certificate_days: Some(2),
                ..Handshake::default()
            },
            ..PathEvidence::default()
        }
    }

    #[test]
    fn a_cut_stream_has_its_last_event_and_an_incomplete_framing() {
        let mut probed = path(Reach::Connected);
        let mut frozen = Exchange::new(ExchangeKind::Frozen, Outcome::CutByClose);
        frozen.status = 200;
        frozen.total_ms = Some(3_100);
        frozen.stream = Some(StreamEvidence {
            events: 3,
            last_event: EventKind::BlockDelta,
            last_event_ms: Some(100),
            ..StreamEvidence::default()
        });
        probed.exchanges.push(frozen);
        let path = path_status(&probed, "edge:80", true, 0);
        assert_eq!((path.outcome, path.status), (PathOutcome::CutByClose, 200));
        let stream = path.stream.unwrap();
        assert_eq!(
            (stream.last_event.as_str(), stream.last_event_at, stream.framing),
            ("content_block_delta", 0.1, StreamFraming::Incomplete)
        );
        assert_eq!(path.timings.total, Some(3.1));
        assert!(path.timings.tls.is_none(), "an unobserved phase is absent");
    }

    #[test]
    fn an_unreached_path_has_the_failed_phase() {
        assert_eq!(
            path_status(&path(Reach::DnsNoName), "x:80", false, 0).outcome,
            PathOutcome::DnsNoName
        );
        let mut skipped = path(Reach::Connected);
        skipped.skipped.push((ExchangeKind::Frozen, SkipReason::NoUsableKey));
        assert_eq!(
            path_status(&skipped, "x:80", false, 0).outcome,
            PathOutcome::NoUsableKey
        );
    }

    #[test]
    fn the_expiry_counts_whole_days_from_the_run() {
        let path = path_status(&path(Reach::Connected), "x:80", false, 86_400_000 + 5_000);
        assert_eq!(path.certificate_expires.unwrap().0.to_string(), "1970-01-04T00:00:00Z");
    }
}
