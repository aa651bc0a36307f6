//! Warnings for paths that work: latency that a gateway adds, certificates that expire, clocks that differ, and an auth
//! header that only the gateway rejects.

use super::rule::PathRule;
use crate::catalogue::{Code, Confidence};
use crate::diagnosis::describe;
use crate::diagnosis::finding::{Sharpen as _, finding};
use crate::diagnosis::memory::LATENCY_RUNS;
use crate::diagnosis::view::{PathView, View};
use crate::report::evidence::{ExchangeKind, Trust};
use crate::resource::status::Finding;

/// The rules of this file.
pub(super) const RULES: &[PathRule] = &[latency, certificate, clock, other_auth_header];

/// Added latency below this does not matter against a model's own time, milliseconds.
const LATENCY_FLOOR_MS: i64 = 250;
/// Clocks may differ by this much, seconds.
const SKEW_MAX_S: i32 = 60;

/// The median of paired differences, so that one slow run gives no finding.
fn latency(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let context = &view.case.context;
    let pairs: Vec<_> = view.latency.iter().filter(|pair| pair.path == path.name()).collect();
    let control = view.pair(path).is_some_and(|pair| pair.direct_unaltered());
    if pairs.len() < LATENCY_RUNS || !control {
        return vec![];
    }
    // Of an even number the lower one: in doubt the gateway added less.
    let median = |mut values: Vec<i64>| {
        values.sort_unstable();
        values[(values.len() - 1) / 2]
    };
    let added = median(
        pairs
            .iter()
            .map(|pair| i64::from(pair.gateway_ms) - i64::from(pair.direct_ms))
            .collect(),
    );
    let direct = median(pairs.iter().map(|pair| i64::from(pair.direct_ms)).collect());
    let percent = i64::from(context.thresholds.gateway_latency_percent);
    if added < LATENCY_FLOOR_MS || added * 100 < direct * percent {
        return vec![];
    }
    vec![finding(
        Code::GatewayLatency,
        path.name(),
        Confidence::Certain,
        format!(
            "median of {} runs: the gateway adds {added} ms to the direct path's {direct} ms",
            pairs.len()
        ),
    )]
}

/// The gateway's certificate expires soon. Claude's own is not the user's to renew.
fn certificate(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let Some(seen) = path.seen else {
        return vec![];
    };
    let theirs = path.case.is_direct() && seen.handshake.trust == Trust::Public;
    let limit = view.case.context.thresholds.certificate_expiry_days;
    match seen.handshake.certificate_days {
        Some(days) if !theirs && (0..limit).contains(&days) => vec![finding(
            Code::CertificateExpiring,
            path.name(),
            Confidence::Certain,
            format!("the certificate of {} expires in {days} days", path.case.host),
        )],
        _ => vec![],
    }
}

/// Clocks differ. An answer from a cache has an old date.
fn clock(_: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let cached = path.is_cached();
    match path.seen.and_then(|seen| seen.handshake.clock_skew_s) {
        Some(skew) if skew.abs() > SKEW_MAX_S && !cached => {
            let ahead = if skew > 0 { "ahead of" } else { "behind" };
            vec![
                finding(
                    Code::ClockSkew,
                    path.name(),
                    Confidence::Likely,
                    format!(
                        "{}'s Date is {} {ahead} the node's clock",
                        path.case.host,
                        span(skew.unsigned_abs())
                    ),
                )
                .advise("Synchronise the node's clock. If only one path differs, synchronise that gateway's clock."),
            ]
        }
        _ => vec![],
    }
}

/// Seconds in the largest unit that is exact enough.
fn span(seconds: u32) -> String {
    match seconds {
        0..=299 => format!("{seconds} s"),
        300..=17_999 => format!("{} minutes", seconds / 60),
        18_000..=259_199 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// The frozen request is answered, and with the key in the other header it is not, where Claude takes both.
fn other_auth_header(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let kind = ExchangeKind::OtherAuthHeader;
    let Some(reply) = path
        .known(kind)
        .filter(|_| !path.case.is_direct() && path.is_complete())
    else {
        return vec![];
    };
    let direct_takes_it = view
        .direct()
        .is_some_and(|direct| direct.known(kind).is_some_and(|theirs| direct.complete(theirs)));
    if !matches!(reply.status, 400 | 401 | 403) || !direct_takes_it {
        return vec![];
    }
    let other = path.case.auth_header.other();
    vec![
        finding(
            Code::CredentialCarrierMismatch,
            path.name(),
            Confidence::Likely,
            format!("with the key in {}: {}; direct accepts both auth headers", other.name(), describe::reply(reply)),
        )
        .severity(crate::catalogue::Severity::Warning)
        .advise("Clients that send the other auth header fail on this path: SDKs since October 2026 send `Authorization: Bearer`, older ones send `x-api-key`. Configure the gateway to accept both auth headers."),
    ]
}
