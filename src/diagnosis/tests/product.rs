//! Advice for the gateway's product: which product it is, and when none is named.

use crate::catalogue::{Code, Product};
use crate::claude::error::ErrorClass;
use crate::diagnosis::fixture::{K, Story, claude, ok, page, stream};
use crate::report::evidence::{Echo, Exchange, GatewayErrorKind, ReplyTraits};

fn by(product: Product, reply: Exchange) -> Exchange {
    Exchange { product, ..reply }
}

/// The advice of the finding of this code on the gateway.
fn advice(story: &Story, code: Code) -> String {
    let findings = story.diagnose().findings;
    findings
        .into_iter()
        .find(|finding| finding.code == code)
        .expect("the finding")
        .advice
}

fn unreachable(product: Product) -> Story {
    let mut story = Story::new();
    story.on("direct").frozen(stream());
    let refused = || Exchange {
        error_kind: GatewayErrorKind::ConnectFailed,
        ..by(product, page(502))
    };
    story.on("edge").frozen(refused()).reply(K::Repeat, refused());
    story
}

#[test]
fn advice_names_the_directive_of_the_gateway_at_hand() {
    let code = Code::UpstreamUnreachable;
    for product in [Product::Nginx, Product::Traefik, Product::Kong] {
        let advice = advice(&unreachable(product), code);
        let hint = code.entry().product_hint(product).unwrap();
        assert!(
            advice.starts_with(code.entry().advice) && advice.contains(hint),
            "{advice}"
        );
    }
    for product in [Product::Unknown, Product::OtherAiGateway, Product::Google] {
        assert_eq!(advice(&unreachable(product), code), code.entry().advice);
    }
}

#[test]
fn recognition_changes_no_finding() {
    let bare = |product| {
        let mut findings = unreachable(product).diagnose().findings;
        for finding in &mut findings {
            finding.advice.clear();
        }
        findings
    };
    assert_eq!(bare(Product::Nginx), bare(Product::Traefik));
}

#[test]
fn claudes_own_headers_and_those_of_the_control_name_no_product() {
    let code = Code::VersionHeaderRewritten;
    let pinned = |of_direct: Product, of_edge: Product| {
        let mut story = Story::healthy();
        let complaint = Exchange {
            echo: Echo::Exact,
            ..by(of_direct, claude(400, ErrorClass::VersionInvalid))
        };
        story.on("direct").reply(K::BogusVersion, complaint);
        story.on("edge").reply(K::BogusVersion, by(of_edge, ok()));
        advice(&story, code)
    };
    for product in [Product::Cloudflare, Product::Google] {
        assert!(!pinned(Product::Unknown, product).contains(" On "), "{product:?}");
    }
    assert!(!pinned(Product::Envoy, Product::Envoy).contains(" On "));
    assert!(pinned(Product::Cloudflare, Product::Envoy).contains(" On Envoy: "));
}

#[test]
fn where_replies_point_to_two_products_the_one_that_spoke_itself_is_named() {
    let mut story = unreachable(Product::Nginx);
    story.on("edge").reply(
        K::CountTokens,
        by(Product::LiteLlm, claude(400, ErrorClass::InvalidRequest)),
    );
    assert!(advice(&story, Code::UpstreamUnreachable).contains(" On nginx: "));
    let mut torn = Story::healthy();
    torn.on("edge").reply(K::CountTokens, by(Product::LiteLlm, ok()));
    let mut lost = stream();
    lost.traits = ReplyTraits(lost.traits.0 & !ReplyTraits::REQUEST_ID.0);
    torn.on("edge").evidence.exchanges[0] = by(Product::Kong, lost);
    assert!(!advice(&torn, Code::ResponseHeadersRewritten).contains(" On "));
}
