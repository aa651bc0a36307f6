//! The case as rules read it: its paths, what the control shows of the others, and facts that several rules need, computed once.

use super::case::{Case, LatencyPair, PathCase};
use super::comparison::Pair;
pub(super) use super::leg::{Leg, State};
use super::{memory, trouble};
use crate::report::evidence::ExchangeKind;

/// The whole case.
pub(super) struct View<'a> {
    /// What it is a view of.
    pub case: &'a Case<'a>,
    /// One per path, in the resource's order.
    pub legs: Vec<Leg<'a>>,
    /// How long zero-token exchanges took beside the control's, this run's last.
    pub latency: Vec<LatencyPair>,
}

impl<'a> View<'a> {
    /// Joins the case. Evidence of paths that the case does not have is left out.
    pub fn new(case: &'a Case<'a>) -> Self {
        let seen = |path: &PathCase| case.evidence.legs.iter().find(|leg| leg.path == path.name);
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
        let mut legs: Vec<Leg<'a>> = case
            .paths
            .iter()
            .map(|path| Leg::new(path, seen(path), kept(path), &case.request))
            .collect();
        let direct = legs.iter().position(|leg| leg.path.is_direct());
        if let Some(direct) = direct {
            let beside = |leg: &Leg<'a>| (leg.masked_beside(&legs[direct]), leg.fails_a_get(&legs[direct]));
            let compared: Vec<(Vec<ExchangeKind>, Option<u16>)> = legs.iter().map(beside).collect();
            for (leg, (masked, fails_a_get)) in legs.iter_mut().zip(compared) {
                leg.relay_profile.masks = !masked.is_empty();
                leg.relay_profile.fails_a_get = fails_a_get;
                leg.masked = masked;
            }
            // Read with the habits that the control has just shown.
            let hides: Vec<_> = legs.iter().map(|leg| trouble::behind(leg, &legs[direct])).collect();
            for (leg, hides) in legs.iter_mut().zip(hides) {
                leg.hides = hides;
            }
        }
        Self {
            case,
            legs,
            latency: memory::latency(case),
        }
    }

    /// The control, whatever it showed.
    pub fn direct(&self) -> Option<&Leg<'a>> {
        self.legs.iter().find(|leg| leg.path.is_direct())
    }

    /// The gateways in the resource's order.
    pub fn gateways(&self) -> impl Iterator<Item = &Leg<'a>> {
        self.legs.iter().filter(|leg| !leg.path.is_direct())
    }

    /// The gateway with the control; `None` without a control or for the control itself.
    pub fn pair<'v>(&'v self, gateway: &'v Leg<'a>) -> Option<Pair<'v, 'a>> {
        let direct = self.direct()?;
        (!gateway.path.is_direct()).then(|| Pair::new(direct, gateway))
    }
}
