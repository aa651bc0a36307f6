//! Advice for the gateway at hand: which product it is, and when nothing is said of it.

use crate::catalogue::{Code, Maker};
use crate::claude::error::ErrorClass;
use crate::diagnosis::fixture::{K, Story, claude, ok, page, stream};
use crate::report::evidence::{Echo, Exchange, Marks, Phrase};

fn by(maker: Maker, reply: Exchange) -> Exchange {
    Exchange { maker, ..reply }
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

fn unreachable(maker: Maker) -> Story {
    let mut story = Story::new();
    story.on("direct").frozen(stream());
    let refused = || Exchange {
        phrase: Phrase::ConnectFailed,
        ..by(maker, page(502))
    };
    story.on("edge").frozen(refused()).reply(K::Repeat, refused());
    story
}

#[test]
fn advice_names_the_directive_of_the_gateway_at_hand() {
    let code = Code::UpstreamUnreachable;
    for maker in [Maker::Nginx, Maker::Traefik, Maker::Kong] {
        let advice = advice(&unreachable(maker), code);
        let hint = code.entry().product_hint(maker).unwrap();
        assert!(
            advice.starts_with(code.entry().advice) && advice.contains(hint),
            "{advice}"
        );
    }
    for maker in [Maker::Unknown, Maker::OtherAiGateway, Maker::Google] {
        assert_eq!(advice(&unreachable(maker), code), code.entry().advice);
    }
}

#[test]
fn recognition_changes_no_finding() {
    let bare = |maker| {
        let mut findings = unreachable(maker).diagnose().findings;
        for finding in &mut findings {
            finding.advice.clear();
        }
        findings
    };
    assert_eq!(bare(Maker::Nginx), bare(Maker::Traefik));
}

#[test]
fn claudes_own_marks_and_those_of_the_control_are_nobodys() {
    let code = Code::VersionHeaderRewritten;
    let pinned = |of_direct: Maker, of_edge: Maker| {
        let mut story = Story::healthy();
        let complaint = Exchange {
            echo: Echo::Exact,
            ..by(of_direct, claude(400, ErrorClass::VersionInvalid))
        };
        story.on("direct").reply(K::BogusVersion, complaint);
        story.on("edge").reply(K::BogusVersion, by(of_edge, ok()));
        advice(&story, code)
    };
    for maker in [Maker::Cloudflare, Maker::Google] {
        assert!(!pinned(Maker::Unknown, maker).contains(" On "), "{maker:?}");
    }
    assert!(!pinned(Maker::Envoy, Maker::Envoy).contains(" On "));
    assert!(pinned(Maker::Cloudflare, Maker::Envoy).contains(" On Envoy: "));
}

#[test]
fn where_replies_point_to_two_products_the_one_that_spoke_itself_is_named() {
    let mut story = unreachable(Maker::Nginx);
    story.on("edge").reply(
        K::CountTokens,
        by(Maker::LiteLlm, claude(400, ErrorClass::InvalidRequest)),
    );
    assert!(advice(&story, Code::UpstreamUnreachable).contains(" On nginx: "));
    let mut torn = Story::healthy();
    torn.on("edge").reply(K::CountTokens, by(Maker::LiteLlm, ok()));
    let mut lost = stream();
    lost.marks = Marks(lost.marks.0 & !Marks::REQUEST_ID.0);
    torn.on("edge").leg.exchanges[0] = by(Maker::Kong, lost);
    assert!(!advice(&torn, Code::ResponseHeadersRewritten).contains(" On "));
}
