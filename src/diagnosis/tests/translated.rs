//! Gateways that write every error anew, as those do that stand between several APIs: an error of Claude's and one of
//! their own are alike.

use rstest::rstest;

use crate::claude::error::ErrorClass as E;
use crate::diagnosis::fixture::*;
use crate::report::evidence::{BodyKind, Echo, Exchange, GatewayErrorKind, ReplyTraits};

/// A JSON error of the gateway's own shape, without an id.
fn own(status: u16) -> Exchange {
    Exchange {
        traits: ReplyTraits::OTHER_JSON,
        ..reply(status)
    }
}

/// Claude's shape without an id.
fn shaped(status: u16, error: E) -> Exchange {
    Exchange {
        traits: ReplyTraits::ENVELOPE,
        error,
        ..reply(status)
    }
}

fn both(direct: Exchange, edge: Exchange) -> Story {
    let mut story = Story::new();
    story.on("direct").frozen(direct);
    story.on("edge").frozen(edge);
    story
}

#[rstest]
#[case(shaped(529, E::Overloaded), "Failing UpstreamOverloaded@edge")]
#[case(shaped(402, E::Billing), "Failing QuotaExhausted@edge")]
#[case(shaped(500, E::Internal), "Inconclusive @edge")]
#[case(shaped(529, E::Internal), "Inconclusive @edge")]
#[case(Exchange { error: E::Internal, ..own(500) }, "Inconclusive @edge")]
#[case(Exchange { error: E::RateLimit, traits: ReplyTraits::OTHER_JSON.with(ReplyTraits::CLAUDE_WORDS), ..own(429) }, "Failing RateLimited@edge")]
#[case(Exchange { error_kind: GatewayErrorKind::UpstreamRefused, ..own(400) }, "Inconclusive @edge")]
#[case(Exchange { error_kind: GatewayErrorKind::UnknownModel, ..own(404) }, "Failing ModelNotFound@edge")]
#[case(shaped(404, E::NotFound), "Failing WrongRoute@edge")]
#[case(Exchange { inner_error: E::NotFound, ..own(502) }, "Failing WrongRoute@edge")]
#[case(own(429), "Failing GatewayRateLimited@edge")]
fn where_the_control_answers_the_reply_must_be_conclusive(#[case] edge: Exchange, #[case] expected: &str) {
    assert_eq!(both(stream(), edge).verdict(), expected);
}

#[test]
fn a_limit_on_a_page_of_another_failure_may_be_claudes() {
    let mut alone = Story::without_direct();
    let limit = own(429);
    alone.on("edge").frozen(Exchange {
        error_kind: GatewayErrorKind::UpstreamRefused,
        ..limit.clone()
    });
    assert_eq!(alone.verdict(), "Inconclusive @edge");
    alone.evidence.paths[0].exchanges[0] = limit;
    assert_eq!(alone.verdict(), "Failing GatewayRateLimited@edge");
}

#[test]
fn claudes_status_with_another_type_is_claudes_where_the_control_shows_it() {
    let story = both(claude(529, E::Overloaded), shaped(529, E::Internal));
    assert_eq!(story.verdict(), "Failing UpstreamOverloaded@");
}

#[test]
fn where_no_key_is_sent_a_rejected_key_is_the_gateways() {
    let mut story = both(stream(), claude(401, E::KeyInvalid));
    let edge = story.paths.iter_mut().find(|path| path.name == "edge").unwrap();
    edge.key_ref = None;
    assert_eq!(story.verdict(), "Failing GatewayStaleCredential@edge");
}

#[test]
fn a_rejected_prompt_is_no_rejected_auth_header() {
    let mut story = both(stream(), own(403));
    story.on("edge").reply(K::BadKey, claude(401, E::KeyInvalid));
    story.on("edge").reply(K::NoKey, claude(401, E::KeyRequired));
    story.on("edge").reply(K::OtherAuthHeader, ok());
    assert_eq!(story.verdict(), "Failing GatewayPolicyDenied@edge");
}

#[test]
fn an_answer_that_was_there_at_once_was_not_collected_from_a_stream() {
    let mut story = both(stream(), stream());
    let spread = |exchange: &mut Exchange, first, end, length| {
        let stream = exchange.stream.as_mut().unwrap();
        stream.first_event_ms = Some(first);
        stream.last_event_ms = Some(end);
        (stream.end_ms, stream.content_length) = (end, length);
        stream.reads = if length { 1 } else { 20 };
        exchange.body = BodyKind::AsAsked;
    };
    spread(&mut story.evidence.paths[0].exchanges[0], 5, 3_000, false);
    spread(&mut story.evidence.paths[1].exchanges[0], 1, 2, true);
    assert_eq!(story.verdict(), "Healthy @");
    spread(&mut story.evidence.paths[1].exchanges[0], 3_000, 3_001, true);
    assert_eq!(story.verdict(), "Healthy @", "one pair decides nothing");
    for path in &mut story.evidence.paths {
        let kind = K::Repeat;
        path.exchanges.push(Exchange {
            kind,
            ..path.exchanges[0].clone()
        });
    }
    assert_eq!(story.verdict(), "Degraded StreamBuffered@edge");
}

/// A gateway that writes all errors in Claude's shape and drops the ids: one that Claude alone can have made came
/// through so.
fn writes_anew(reply: Exchange) -> Story {
    let mut story = both(stream(), reply);
    story.on("edge").reply(
        K::BogusBeta,
        Exchange {
            echo: Echo::Exact,
            ..shaped(400, E::BetaUnexpected)
        },
    );
    story
}

#[rstest]
// Its own trouble, its upstream's, or what an edge answered it: all the same words.
#[case(shaped(500, E::Internal), "Inconclusive @edge")]
#[case(shaped(403, E::Internal), "Inconclusive @edge")]
#[case(shaped(403, E::Permission), "Inconclusive @edge")]
#[case(shaped(504, E::Timeout), "Inconclusive @edge")]
#[case(Exchange { traits: ReplyTraits::ENVELOPE.with(ReplyTraits::CLAUDE_WORDS), ..shaped(403, E::None) }, "Inconclusive @edge")]
// Only Claude returns that.
#[case(shaped(529, E::Overloaded), "Failing UpstreamOverloaded@edge")]
#[case(shaped(400, E::CreditExhausted), "Failing QuotaExhausted@edge")]
fn errors_in_claudes_shape_without_ids_are_claudes_only_where_no_other_hop_can_return_them(
    #[case] edge: Exchange,
    #[case] expected: &str,
) {
    assert_eq!(writes_anew(edge).verdict(), expected);
}

#[rstest]
#[case(E::EdgeChallenge, ReplyTraits::OTHER_JSON, 403, "Inconclusive @edge")]
#[case(E::EdgeChallenge, ReplyTraits::OTHER_JSON, 502, "Inconclusive @edge")]
#[case(E::EdgeUnavailable, ReplyTraits::OTHER_JSON, 502, "Inconclusive @edge")]
#[case(E::None, ReplyTraits::OTHER_JSON, 403, "Inconclusive @edge")]
#[case(E::EdgeChallenge, ReplyTraits::OTHER_JSON.with(ReplyTraits::EDGE_PAGE), 500, "Failing EdgeBlocked@edge")]
#[case(E::EdgeUnavailable, ReplyTraits::OTHER_JSON.with(ReplyTraits::EDGE_PAGE), 403, "Failing UpstreamError@edge")]
fn a_page_inside_a_reply_is_not_the_gateways(
    #[case] error: E,
    #[case] traits: ReplyTraits,
    #[case] status: u16,
    #[case] expected: &str,
) {
    let traits = traits.with(ReplyTraits::WRAPPED_PAGE);
    let wrapped = || Exchange {
        error,
        traits,
        ..reply(status)
    };
    assert_eq!(both(stream(), wrapped()).verdict(), expected);
    assert_eq!(writes_anew(wrapped()).verdict(), expected);
}
