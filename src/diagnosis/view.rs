//! The case as rules read it: its paths, what the control shows of the others, and facts that several rules need,
//! computed once.

use super::case::{Case, LatencyPair, PathCase};
use super::comparison::Pair;
pub(super) use super::path::{PathView, State};
use super::{memory, trouble};
use crate::report::evidence::ExchangeKind;

/// The whole case.
pub(super) struct View<'a> {
    /// What it is a view of.
    pub case: &'a Case<'a>,
    /// One per path, in the resource's order.
    pub paths: Vec<PathView<'a>>,
    /// Times of zero-token exchanges paired with the control's, this run's last.
    pub latency: Vec<LatencyPair>,
}

impl<'a> View<'a> {
    /// Joins the case. Evidence of paths that the case does not have is left out.
    pub fn new(case: &'a Case<'a>) -> Self {
        let seen = |path: &PathCase| case.evidence.paths.iter().find(|probed| probed.path == path.name);
        let kept = |path: &PathCase| {
            let on_path = case
                .context
                .forwarding_checks
                .iter()
                .filter(|kept| kept.path == path.name);
            let results = on_path.flat_map(|kept| &kept.results);
            let fresh = results.filter(|kept| case.context.is_fresh(kept.at_ms));
            fresh.map(|kept| &kept.exchange).collect()
        };
        let mut paths: Vec<PathView<'a>> = case
            .paths
            .iter()
            .map(|path| PathView::new(path, seen(path), kept(path), &case.request))
            .collect();
        let direct = paths.iter().position(|probed| probed.case.is_direct());
        if let Some(direct) = direct {
            let beside =
                |probed: &PathView<'a>| (probed.masked_beside(&paths[direct]), probed.fails_a_get(&paths[direct]));
            let compared: Vec<(Vec<ExchangeKind>, Option<u16>)> = paths.iter().map(beside).collect();
            for (probed, (masked, fails_a_get)) in paths.iter_mut().zip(compared) {
                probed.relay_profile.masks = !masked.is_empty();
                probed.relay_profile.fails_a_get = fails_a_get;
                probed.masked = masked;
            }
            // With the relay profiles, which the control has completed.
            let hides: Vec<_> = paths
                .iter()
                .map(|probed| trouble::behind(probed, &paths[direct]))
                .collect();
            for (probed, hides) in paths.iter_mut().zip(hides) {
                probed.hides = hides;
            }
        }
        Self {
            case,
            paths,
            latency: memory::latency(case),
        }
    }

    /// The control, whatever it showed.
    pub fn direct(&self) -> Option<&PathView<'a>> {
        self.paths.iter().find(|path| path.case.is_direct())
    }

    /// The gateways in the resource's order.
    pub fn gateways(&self) -> impl Iterator<Item = &PathView<'a>> {
        self.paths.iter().filter(|path| !path.case.is_direct())
    }

    /// The gateway with the control; `None` without a control or for the control itself.
    pub fn pair<'v>(&'v self, gateway: &'v PathView<'a>) -> Option<Pair<'v, 'a>> {
        let direct = self.direct()?;
        (!gateway.case.is_direct()).then(|| Pair::new(direct, gateway))
    }
}
