//! The rules: small pure functions from one path's evidence (and what it is compared with) to findings.
//!
//! The list is data. A rule without enough evidence returns nothing, or a finding of confidence `Possible`, which is
//! shown as a reading and attributes nothing: a verdict needs at least `Likely`. Adding a rule touches its file alone.
//! No rule knows another's result; none reads a clock, a header's value or a body.

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
mod rule;
mod shot;
mod stream;
mod times;
mod unavailable;
mod upstream;

use std::cmp::Reverse;

use super::view::View;
use crate::resource::status::Finding;
use rule::PathRule;

/// Every rule for one path, by file.
const RULES: &[&[PathRule]] = &[
    credential::RULES,
    key::RULES,
    headers::RULES,
    hidden::RULES,
    limits::RULES,
    network::RULES,
    replicas::RULES,
    rewrite::RULES,
    heads::RULES,
    body::RULES,
    route::RULES,
    stream::RULES,
    buffered::RULES,
    times::RULES,
    unavailable::RULES,
    upstream::RULES,
];

/// All findings of all rules, in the resource's order of paths, then in the catalogue's order. Where two rules find the
/// same on one path, the finding with the higher confidence, then severity, stays.
pub(super) fn apply(view: &View<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for path in &view.paths {
        let mut on_path: Vec<Finding> = RULES
            .iter()
            .copied()
            .flatten()
            .flat_map(|rule| rule(view, path))
            .collect();
        replicas::temper(path, &mut on_path);
        hidden::demote_readings(path, &mut on_path);
        on_path.sort_by_key(|finding| (finding.code, Reverse(finding.confidence), Reverse(finding.severity)));
        on_path.dedup_by_key(|finding| finding.code);
        findings.extend(on_path);
    }
    let egress = network::egress_down(view, &findings);
    findings.extend(egress);
    findings.extend(credential::workloads(view));
    findings
}
