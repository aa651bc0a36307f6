//! Answers of Claude's that a gateway changed on their way back, and rejections with statuses that no standard assigns.

use rstest::rstest;

use crate::claude::error::ErrorClass;
use crate::diagnosis::fixture::*;
use crate::report::evidence::{BodyKind, Exchange, ExchangeKind as K, Outcome, ReplyTraits};

fn edge(reply: Exchange) -> Story {
    let mut story = Story::new();
    story.on("direct").frozen(stream());
    story.on("edge").frozen(reply);
    story
}

/// A complete answer under another status than it has.
fn restated(status: u16, body: BodyKind, traits: ReplyTraits) -> Exchange {
    Exchange {
        body,
        traits,
        ..reply(status)
    }
}

#[rstest]
fn an_answer_under_another_status_is_the_gateways_alone(
    #[values(203, 400, 401, 403, 404, 413, 429, 446, 500, 502, 503, 504, 529)] status: u16,
    #[values(BodyKind::AsAsked, BodyKind::MessageNotStream)] body: BodyKind,
    #[values(ok().traits, ReplyTraits::default())] traits: ReplyTraits,
) {
    let mut story = edge(restated(status, body, traits));
    story
        .on("edge")
        .reply(K::BadKey, restated(status, body, traits))
        .reply(K::NoKey, restated(status, body, traits));
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Failing StatusRewritten@edge");
    assert_eq!(attributions(&diagnosis.findings), ["StatusRewritten@edge"]);
    let mut alone = Story::without_direct();
    alone.on("edge").frozen(restated(status, body, traits));
    assert_eq!(alone.verdict(), "Failing StatusRewritten@edge");
}

#[rstest]
fn another_body_or_none_under_claudes_ids_is_no_wrong_route(
    #[values(BodyKind::OtherJson, BodyKind::Empty, BodyKind::Html, BodyKind::Other)] body: BodyKind,
) {
    let shaped = |traits| Exchange {
        body,
        traits,
        ..reply(200)
    };
    let counted = ReplyTraits::REQUEST_ID.with(ReplyTraits::RATE_LIMITS);
    assert_eq!(edge(shaped(counted)).verdict(), "Failing BodyRewritten@edge");
    // An id alone may be any hop's, and a made-up one is no evidence.
    for traits in [
        ReplyTraits::default(),
        ReplyTraits::REQUEST_ID,
        counted.with(ReplyTraits::ID_ODD),
    ] {
        assert_eq!(edge(shaped(traits)).verdict(), "Failing WrongRoute@edge");
    }
}

#[rstest]
fn a_rejection_by_the_gateway_needs_no_assigned_status(#[values(422, 430, 444, 446, 450, 498)] status: u16) {
    let rejection = Exchange {
        traits: ReplyTraits::OTHER_JSON,
        ..reply(status)
    };
    assert_eq!(edge(rejection).verdict(), "Failing GatewayPolicyDenied@edge");
}

#[test]
fn a_rejection_in_claudes_shape_without_details_has_two_readings() {
    let diagnosis = edge(lookalike(400, ErrorClass::InvalidRequest)).diagnose();
    assert_eq!(headline(&diagnosis), "Inconclusive @edge");
    assert_eq!(attributions(&diagnosis.findings), [""; 0]);
    let mut readings: Vec<&str> = diagnosis.findings.iter().map(|finding| finding.code.name()).collect();
    readings.sort_unstable();
    assert_eq!(readings, ["BodyRewritten", "GatewayPolicyDenied"]);
}

#[test]
fn a_connection_that_is_held_and_closed_is_no_matter_of_connecting() {
    let closed = |ms| Exchange {
        total_ms: Some(ms),
        ..nothing(Outcome::ClosedBeforeHead)
    };
    let at_once = edge(closed(3)).diagnose();
    assert_eq!(headline(&at_once), "Failing GatewayConnectFailed@edge");
    assert!(
        at_once.verdict.advice.contains("cannot reach"),
        "{}",
        at_once.verdict.advice
    );
    assert_eq!(edge(closed(1_500)).verdict(), "Failing GatewayUnavailable@edge");
    let mut alone = Story::without_direct();
    alone.on("edge").frozen(closed(1_500));
    assert_eq!(alone.verdict(), "Failing GatewayUnavailable@edge");
    // The control needed as long: it is the timer.
    let mut slow = edge(closed(1_500));
    slow.evidence.paths[0].exchanges[0] = after(4_000, stream());
    slow.on("edge").reply(K::Repeat, closed(1_510));
    assert_eq!(attributions(&slow.diagnose().findings), ["FirstByteTimeout@edge"]);
}
