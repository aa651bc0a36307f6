//! Which product a gateway is, as far as its replies show; for advice only.
//!
//! Headers that Claude's own replies can have (`server: cloudflare`, `via: 1.1 google`), and those that the control has
//! as well, identify no product. Where replies point to different products, those that the gateway made itself decide,
//! or none is named.

use std::collections::BTreeSet;

use super::provenance::Origin;
use super::view::{PathView, View};
use crate::catalogue::Product;
use crate::resource::status::Finding;

/// Adds the product's hint to the advice, where both are known.
pub(super) fn sharpen(view: &View<'_>, finding: &mut Finding) {
    let path = view.gateways().find(|path| path.name() == finding.path);
    let Some(product) = path.and_then(|path| product(view, path)) else {
        return;
    };
    if let Some(hint) = finding.code.entry().product_hint(product) {
        finding.advice = format!("{} On {}: {hint}.", finding.advice, product.name());
    }
}

/// The gateway's product.
pub(super) fn product(view: &View<'_>, path: &PathView<'_>) -> Option<Product> {
    let products = |own: bool| -> BTreeSet<Product> {
        path.replies()
            .filter(|reply| (path.provenance(reply).origin == Origin::Gateway) == own)
            .map(|reply| reply.product)
            .filter(|product| !product.name().is_empty())
            .filter(|product| own || !matches!(product, Product::Cloudflare | Product::Google))
            .filter(|product| {
                !view
                    .direct()
                    .is_some_and(|direct| direct.replies().any(|reply| reply.product == *product))
            })
            .collect()
    };
    let one = |products: BTreeSet<Product>| (products.len() == 1).then(|| products.into_iter().next()).flatten();
    let own = products(true);
    if own.is_empty() { one(products(false)) } else { one(own) }
}
