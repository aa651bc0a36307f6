//! What one run leaves to the next ones: results of zero-token exchanges, and how long they took.
//!
//! A result stays until a later one of its kind on its path replaces it, or it is stale; an inconclusive forwarding
//! check replaces nothing, and one about a key that was rejected itself is not kept. Pairs of times are kept as long as
//! the newest of them is fresh.

use super::case::{Case, KeptResult, LatencyPair, PathForwardingChecks};
use crate::report::evidence::{BodyKind, Echo, Exchange, ExchangeKind};
use crate::resource::spec::Upstream;

/// Pairs of times that are kept of each gateway, as many as the latency rule needs.
pub(super) const LATENCY_RUNS: usize = 12;

/// The forwarding-check results of a path that count after this run.
pub(super) fn forwarding_checks(case: &Case<'_>, path: &str) -> Option<PathForwardingChecks> {
    let probed = case.evidence.paths.iter().find(|probed| probed.path == path);
    let sent = probed.into_iter().flat_map(|probed| &probed.exchanges);
    // Where the key itself was rejected, forwarding checks about it explain that rejection. They show nothing of a run
    // in which it is accepted, and a run in which it is rejected sends its own.
    let rejected = sent
        .clone()
        .any(|exchange| exchange.kind == ExchangeKind::Frozen && matches!(exchange.status, 401 | 403));
    let counts = |exchange: &Exchange| is_conclusive(exchange) && !(rejected && exchange.kind.is_about_key());
    let mut results: Vec<KeptResult> = Vec::new();
    for exchange in sent.filter(|exchange| exchange.kind.entry().kept && counts(exchange)) {
        let kept = KeptResult {
            at_ms: case.context.now_ms,
            exchange: Exchange {
                quote: None,
                ..exchange.clone()
            },
        };
        match results.iter_mut().find(|known| known.exchange.kind == exchange.kind) {
            // A later sample confirms or corrects the one before.
            Some(known) => *known = kept,
            None => results.push(kept),
        }
    }
    let before = case.context.forwarding_checks.iter().filter(|kept| kept.path == path);
    for earlier in before.flat_map(|kept| &kept.results) {
        let replaced = results.iter().any(|new| new.exchange.kind == earlier.exchange.kind);
        if !replaced && case.context.is_fresh(earlier.at_ms) {
            results.push(earlier.clone());
        }
    }
    (!results.is_empty()).then(|| PathForwardingChecks {
        path: path.to_owned(),
        results,
    })
}

/// The pairs of times that count in this run, its own among them, newest last.
pub(super) fn latency(case: &Case<'_>) -> Vec<LatencyPair> {
    let time = |path: &str| {
        let probed = case.evidence.paths.iter().find(|probed| probed.path == path)?;
        let counted = probed.exchange(ExchangeKind::CountTokens)?;
        let stream = counted.kind.entry().form.is_stream(case.request.stream);
        counted.total_ms.filter(|_| counted.is_answered_as_requested(stream))
    };
    let direct = case
        .paths
        .iter()
        .find(|path| path.is_direct())
        .and_then(|path| time(&path.name));
    let mut kept = Vec::new();
    for path in case.paths.iter().filter(|path| !path.is_direct()) {
        let earlier = case.context.latency.iter().filter(|pair| pair.path == path.name);
        let mut pairs: Vec<LatencyPair> = earlier.cloned().collect();
        // Only Claude counts tokens as Claude does.
        let comparable = matches!(path.upstream, Upstream::Anthropic | Upstream::Auto);
        if let (Some(direct_ms), Some(gateway_ms), true) = (direct, time(&path.name), comparable) {
            pairs.push(LatencyPair {
                path: path.name.clone(),
                at_ms: case.context.now_ms,
                direct_ms,
                gateway_ms,
            });
        }
        if pairs.last().is_some_and(|newest| case.context.is_fresh(newest.at_ms)) {
            kept.extend(pairs.split_off(pairs.len().saturating_sub(LATENCY_RUNS)));
        }
    }
    kept
}

/// Whether a forwarding check was judged: an answer, or a rejection of the request itself. A rejected key is conclusive
/// only where the check is about the key.
fn is_conclusive(exchange: &Exchange) -> bool {
    // What it is kept for is that it was answered.
    if exchange.kind == ExchangeKind::CountTokens {
        return exchange.body == BodyKind::AsAsked;
    }
    exchange.body == BodyKind::AsAsked
        || exchange.echo != Echo::None
        || matches!(exchange.status, 200 | 400 | 403 | 404 | 413 | 431)
        || (exchange.status == 401 && exchange.kind.is_about_key())
}
