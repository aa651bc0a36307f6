//! Which product the gateway at hand is, as far as its replies tell; for advice only.
//!
//! Marks that Claude's own replies can carry (`server: cloudflare`, `via: 1.1 google`), and those that the control shows as well,
//! are nobody's. Where replies point to different products, those that the gateway made itself decide, or nothing is said.

use std::collections::BTreeSet;

use super::provenance::Origin;
use super::view::{Leg, View};
use crate::catalogue::Maker;
use crate::resource::status::Finding;

/// Adds where to turn on the gateway's product to the advice, where both are known.
pub(super) fn sharpen(view: &View<'_>, finding: &mut Finding) {
    let leg = view.gateways().find(|leg| leg.name() == finding.path);
    let Some(maker) = leg.and_then(|leg| product(view, leg)) else {
        return;
    };
    if let Some(hint) = finding.code.entry().product_hint(maker) {
        finding.advice = format!("{} On {}: {hint}.", finding.advice, maker.name());
    }
}

/// The gateway's product.
pub(super) fn product(view: &View<'_>, leg: &Leg<'_>) -> Option<Maker> {
    let makers = |own: bool| -> BTreeSet<Maker> {
        leg.replies()
            .filter(|reply| (leg.provenance(reply).origin == Origin::Gateway) == own)
            .map(|reply| reply.maker)
            .filter(|maker| !maker.name().is_empty())
            .filter(|maker| own || !matches!(maker, Maker::Cloudflare | Maker::Google))
            .filter(|maker| {
                !view
                    .direct()
                    .is_some_and(|direct| direct.replies().any(|reply| reply.maker == *maker))
            })
            .collect()
    };
    let one = |makers: BTreeSet<Maker>| (makers.len() == 1).then(|| makers.into_iter().next()).flatten();
    let own = makers(true);
    if own.is_empty() { one(makers(false)) } else { one(own) }
}
