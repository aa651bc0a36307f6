//! The rules: small pure functions from one path's evidence (and what it is compared with) to at most one finding.
//!
//! The list is data. A rule that cannot tell returns nothing, or a finding of confidence `Possible`, which is shown as a
//! reading and accuses nobody: a verdict needs at least `Likely`. Adding a rule touches its file and this list.

mod credential;

use super::view::{Leg, View};
use crate::resource::status::Finding;

/// A rule that looks at one path.
type PathRule = fn(&View<'_>, &Leg<'_>) -> Vec<Finding>;

/// Every rule that looks at one path, with the name that tests and logs use.
const PATH_RULES: &[(&str, PathRule)] = &[
    ("credential_refused", credential::refused_by_upstream),
    ("credential_refused_by_gateway", credential::refused_by_gateway),
    ("credential_of_unknown_refusal", credential::refused_by_unknown),
    ("credential_malformed", credential::malformed),
];

/// All findings of all rules, in the resource's order of paths, then in the catalogue's order.
pub(super) fn apply(view: &View<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for leg in &view.legs {
        let mut on_leg: Vec<Finding> = PATH_RULES.iter().flat_map(|(_, rule)| rule(view, leg)).collect();
        on_leg.sort_by_key(|finding| finding.code);
        on_leg.dedup_by_key(|finding| finding.code);
        findings.extend(on_leg);
    }
    findings
}
