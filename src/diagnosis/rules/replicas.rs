//! Partial failures: only some tries fail, by replica, by address or over time. Such a finding has its rate, and is at
//! most `Likely`.

use super::rule::PathRule;
use crate::catalogue::{Code, Confidence, Layer, Severity};
use crate::diagnosis::describe;
use crate::diagnosis::finding::{Sharpen as _, finding};
use crate::diagnosis::provenance::Origin;
use crate::diagnosis::view::{PathView, View};
use crate::report::evidence::{Exchange, ExchangeKind, Reach};
use crate::resource::status::Finding;

/// The rules of this file.
pub(super) const RULES: &[PathRule] = &[addresses, sometimes];

/// Addresses of the gateway's name that take no connection, where another does. Clients that are given one of them
/// first wait, or fail.
fn addresses(_: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let Some(hand) = path.seen.map(|seen| &seen.handshake).filter(|_| !path.case.is_direct()) else {
        return vec![];
    };
    if hand.outcome != Reach::Connected || hand.failed_addresses == 0 || hand.addresses <= hand.failed_addresses {
        return vec![];
    }
    let evidence = format!(
        "{}: {} of {} addresses accepted no connection before another did",
        path.case.host, hand.failed_addresses, hand.addresses
    );
    vec![
        finding(Code::GatewayConnectFailed, path.name(), Confidence::Likely, evidence)
            .severity(Severity::Warning)
            .advise("Some replicas do not listen. Repair them, or remove their addresses from the name. Readiness probes keep such pods out of a Service."),
    ]
}

/// The frozen request is answered, and it or another request, sent more than once, is answered at one time and fails in
/// the gateway at another.
fn sometimes(_: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    if path.case.is_direct() || !path.is_complete() {
        return vec![];
    }
    // Of a second pair of streams.
    let same = |kind: ExchangeKind| match kind {
        ExchangeKind::Repeat => ExchangeKind::Frozen,
        kind => kind,
    };
    let mut kinds: Vec<ExchangeKind> = path.exchanges().map(|exchange| same(exchange.kind)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mixed = kinds.into_iter().find_map(|kind| {
        let samples: Vec<&Exchange> = path.exchanges().filter(|sample| same(sample.kind) == kind).collect();
        let failed: Vec<&Exchange> = samples.iter().copied().filter(|sample| breaks(path, sample)).collect();
        let passes = samples
            .iter()
            .any(|sample| path.complete(sample) || path.provenance(sample).from_upstream());
        (passes && !failed.is_empty()).then_some((kind, failed, samples.len()))
    });
    let Some((kind, failed, of)) = mixed else {
        return vec![];
    };
    let worst = failed
        .iter()
        .map(|failed| describe::reply(failed))
        .min()
        .unwrap_or_default();
    let evidence = format!(
        "{} of {of} equal requests ({}) fail: {worst}",
        failed.len(),
        kind.name()
    );
    vec![
        finding(Code::GatewayUnavailable, path.name(), Confidence::Likely, evidence)
            .hop("gateway")
            .severity(Severity::Warning)
            .advise(COMPARE_REPLICAS),
    ]
}

/// A failure of the gateway's own that is no limit.
fn breaks(path: &PathView<'_>, sample: &Exchange) -> bool {
    let own = matches!(path.provenance(sample).origin, Origin::Gateway | Origin::Unknown);
    // Several at once may be too many: that is a limit.
    let limit = sample.kind == ExchangeKind::Parallel && sample.status == 503;
    own && !limit && matches!(sample.status, 500 | 502 | 503 | 504)
}

const COMPARE_REPLICAS: &str = "Only some tries fail, so a part of the gateway is broken or configured differently. Compare its replicas and its backends one by one.";

/// Gives what was found on a path whose frozen request failed and then went well its rate, and limits its confidence.
pub(super) fn temper(path: &PathView<'_>, findings: &mut [Finding]) {
    let tries: Vec<&Exchange> = path
        .exchanges()
        .filter(|exchange| matches!(exchange.kind, ExchangeKind::Frozen | ExchangeKind::Repeat))
        .collect();
    let failed = tries.iter().filter(|tried| !path.complete(tried)).count();
    if failed == 0 || failed == tries.len() || path.is_complete() {
        return;
    }
    let rate = format!(" ({failed} of {} tries)", tries.len());
    for finding in findings
        .iter_mut()
        .filter(|finding| finding.severity == Severity::Error)
    {
        finding.confidence = finding.confidence.min(Confidence::Likely);
        let words = format!(
            " ({failed} of {} tries fail: only some replicas, or only at times)",
            tries.len()
        );
        finding.evidence = if finding.evidence.contains(&rate) {
            finding.evidence.replacen(&rate, &words, 1)
        } else {
            format!("{}{words}", finding.evidence)
        };
        let gateways = matches!(finding.layer, Layer::Configuration | Layer::Network) && !path.case.is_direct();
        if gateways {
            finding.advice = format!("{COMPARE_REPLICAS} {}", finding.advice);
        }
    }
}
