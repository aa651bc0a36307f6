//! The rules: small pure functions from one path's evidence (and what it is compared with) to findings.
//!
//! The list is data. A rule that cannot tell returns nothing, or a finding of confidence `Possible`, which is shown as a
//! reading and accuses nobody: a verdict needs at least `Likely`. Adding a rule touches its file and this list.

mod body;
mod buffered;
mod credential;
mod headers;
mod heads;
mod hidden;
mod key;
mod limits;
mod network;
mod replicas;
mod rewrite;
mod route;
mod shot;
mod stream;
mod times;
mod unavailable;
mod upstream;

use std::cmp::Reverse;

use super::view::{Leg, View};
use crate::resource::status::Finding;

/// A rule that looks at one path.
type PathRule = fn(&View<'_>, &Leg<'_>) -> Vec<Finding>;

/// Every rule that looks at one path.
const PATH_RULES: &[PathRule] = &[
    credential::refused_by_upstream,
    credential::refused_by_gateway,
    credential::refused_by_unknown,
    key::malformed,
    headers::beta_canary,
    headers::version_canary,
    headers::body_canary,
    headers::frozen,
    hidden::same_as_direct,
    limits::upstream,
    limits::gateway,
    limits::parallel,
    limits::cooldown,
    network::handshake,
    network::certificate_asked,
    network::intercepted,
    network::silence,
    network::direct_answered_by_another,
    network::reuse,
    replicas::addresses,
    replicas::sometimes,
    rewrite::status,
    rewrite::answer_as_error,
    rewrite::error_as_success,
    rewrite::error_body,
    heads::response_headers,
    rewrite::account,
    rewrite::backend,
    rewrite::model,
    rewrite::cached,
    rewrite::retries,
    body::prompt,
    body::reserialised,
    body::answer,
    route::wrong_route,
    route::collapsed,
    route::denied,
    route::waf,
    route::sizes,
    stream::broken,
    buffered::held_back,
    times::latency,
    times::certificate,
    times::clock,
    times::other_carrier,
    unavailable::towards_upstream,
    upstream::says,
    upstream::unnamed_edge,
    upstream::request_invalid,
    upstream::model_not_found,
    upstream::model_retiring,
];

/// All findings of all rules, in the resource's order of paths, then in the catalogue's order. Where two rules find the same
/// on one path, the surer and graver finding stays.
pub(super) fn apply(view: &View<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for leg in &view.legs {
        let mut on_leg: Vec<Finding> = PATH_RULES.iter().flat_map(|rule| rule(view, leg)).collect();
        replicas::temper(leg, &mut on_leg);
        hidden::acquit(view, leg, &mut on_leg);
        on_leg.sort_by_key(|finding| (finding.code, Reverse(finding.confidence), Reverse(finding.severity)));
        on_leg.dedup_by_key(|finding| finding.code);
        findings.extend(on_leg);
    }
    let egress = network::egress_down(view, &findings);
    findings.extend(egress);
    findings.extend(credential::workloads(view));
    findings
}
