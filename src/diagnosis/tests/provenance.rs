//! The origin of a reply: how gateways change Claude's headers, one by one, and that no single trait decides.

use proptest::prelude::*;
use rstest::rstest;

use crate::catalogue::Confidence;
use crate::claude::error::ErrorClass as E;
use crate::diagnosis::fixture::*;
use crate::diagnosis::provenance::{Origin, RelayProfile, of};
use crate::report::evidence::{Echo, Exchange, GatewayErrorKind, Headroom, Product, ReplyTraits};

/// A path that relays Claude's successes and errors as they are.
fn relays() -> RelayProfile {
    RelayProfile {
        error_ids: true,
        success_ids: true,
        cf_ray: true,
        ..RelayProfile::default()
    }
}

/// A path of which nothing is known.
fn unknown() -> RelayProfile {
    RelayProfile::default()
}

/// Successes come without any of Claude's headers.
fn strips() -> RelayProfile {
    RelayProfile {
        success_bare: true,
        ..RelayProfile::default()
    }
}

fn marked(traits: &[ReplyTraits], status: u16, error: E) -> Exchange {
    Exchange {
        traits: traits.iter().fold(ReplyTraits::default(), |all, flag| all.with(*flag)),
        error,
        ..reply(status)
    }
}

/// A page below the headers of an answer of Claude's.
fn begun(status: u16) -> Exchange {
    Exchange {
        headroom: Some(Headroom {
            requests: Some(99),
            input_tokens: None,
            output_tokens: None,
            tokens: Some(100),
            requests_limit: None,
        }),
        ..marked(
            &[
                ID,
                EDGE,
                ReplyTraits::RATE_LIMITS,
                ReplyTraits::ACCOUNT,
                ReplyTraits::HTML,
            ],
            status,
            E::None,
        )
    }
}

const ENVELOPE: ReplyTraits = ReplyTraits::ENVELOPE;
const ID: ReplyTraits = ReplyTraits::REQUEST_ID;
const IDS: ReplyTraits = ReplyTraits::REQUEST_ID
    .with(ReplyTraits::BODY_REQUEST_ID)
    .with(ReplyTraits::IDS_AGREE);
const EDGE: ReplyTraits = ReplyTraits::CF_RAY.with(ReplyTraits::SERVER_CLOUDFLARE);

#[rstest]
#[case::genuine(relays(), claude(429, E::RateLimit), Origin::Claude)]
#[case::genuine_with_a_null_id_in_the_body(relays(), marked(&[ENVELOPE, ID, EDGE], 500, E::Overloaded), Origin::Claude)]
// An AI gateway that reads the first chunk before it answers, when the stream was cut: the id of a reply that had
// begun.
#[case::words_about_its_upstream_under_claudes_headers(unknown(), Exchange { error_kind: GatewayErrorKind::ClosedEarly, ..marked(&[ENVELOPE, ID], 500, E::Internal) }, Origin::Gateway)]
#[case::made_anew_around_the_ids(relays(), marked(&[ENVELOPE, IDS], 529, E::Overloaded), Origin::Relayed)]
#[case::replayed_from_a_cache(relays(), marked(&[ENVELOPE, IDS, EDGE, ReplyTraits::ID_SEEN], 401, E::KeyInvalid), Origin::Relayed)]
#[case::body_replaced_and_header_kept(relays(), marked(&[ID, EDGE, ReplyTraits::HTML], 529, E::None), Origin::Relayed)]
#[case::id_in_the_body_only(unknown(), marked(&[ENVELOPE, ReplyTraits::BODY_REQUEST_ID], 401, E::KeyInvalid), Origin::Relayed)]
#[case::quoted_in_a_string(unknown(), Exchange { inner_error: E::Overloaded, ..marked(&[ReplyTraits::OTHER_JSON, ReplyTraits::INNER_REQUEST_ID], 500, E::None) }, Origin::Relayed)]
#[case::quoted_without_its_id(strips(), Exchange { inner_error: E::RateLimit, ..marked(&[ReplyTraits::TEXT], 502, E::None) }, Origin::Relayed)]
#[case::quoted_in_an_envelope_with_an_id_of_its_own(
    relays(), Exchange { inner_error: E::Overloaded, ..marked(&[ENVELOPE, ID, ReplyTraits::ID_ODD], 500, E::Internal) }, Origin::Relayed)]
#[case::own_error_with_made_up_ids(relays(), marked(&[ENVELOPE, IDS, ReplyTraits::ID_ODD], 429, E::RateLimit), Origin::Gateway)]
#[case::made_up_ids_and_its_own_cloudflare(relays(), marked(&[ENVELOPE, IDS, ReplyTraits::ID_ODD, EDGE], 429, E::RateLimit), Origin::Unknown)]
#[case::odd_ids_where_none_are_known(RelayProfile::default(), marked(&[ENVELOPE, IDS, ReplyTraits::ID_ODD], 429, E::RateLimit), Origin::Unknown)]
#[case::the_last_id_copied_onto_its_own_error(relays(), marked(&[ENVELOPE, ID, ReplyTraits::ID_SEEN], 429, E::RateLimit), Origin::Gateway)]
#[case::the_last_id_copied_onto_a_page(relays(), marked(&[ID, ReplyTraits::ID_SEEN, ReplyTraits::HTML], 403, E::None), Origin::Gateway)]
#[case::an_id_on_a_page(unknown(), marked(&[ID, ReplyTraits::HTML], 502, E::None), Origin::Unknown)]
#[case::own_error_in_claudes_shape(relays(), marked(&[ENVELOPE], 429, E::RateLimit), Origin::Gateway)]
#[case::claudes_shape_on_a_path_that_strips(strips(), marked(&[ENVELOPE], 429, E::RateLimit), Origin::Unknown)]
#[case::our_own_value_comes_back(strips(), Exchange { echo: Echo::Exact, ..marked(&[ENVELOPE], 400, E::VersionInvalid) }, Origin::Relayed)]
// A gateway that buffers whole answers, when one was cut: its own page under the headers of the answer.
#[case::own_page_under_the_headers_of_an_answer(relays(), begun(502), Origin::Gateway)]
#[case::the_same_under_a_status_of_claudes(relays(), begun(500), Origin::Unknown)]
#[case::a_limit_of_claudes_on_a_page(relays(), Exchange { retry_after_s: Some(9), ..begun(503) }, Origin::Relayed)]
#[case::overload_on_a_page(relays(), begun(529), Origin::Relayed)]
#[case::own_page(unknown(), page(502), Origin::Gateway)]
#[case::own_page_behind_its_own_cloudflare(unknown(), marked(&[EDGE, ReplyTraits::HTML], 502, E::None), Origin::Unknown)]
#[case::own_limit_counted_in_claudes_headers(unknown(), marked(&[ReplyTraits::RATE_LIMITS, ReplyTraits::HTML], 429, E::None), Origin::Unknown)]
#[case::claudes_status_on_a_page(unknown(), page(529), Origin::Relayed)]
#[case::the_edge_refuses_the_address(relays(), marked(&[EDGE, ReplyTraits::EDGE_FORBIDDEN], 403, E::EdgeForbidden), Origin::ClaudeEdge)]
#[case::its_words_without_its_ray(relays(), marked(&[ReplyTraits::EDGE_FORBIDDEN], 403, E::EdgeForbidden), Origin::Unknown)]
#[case::the_edge_refuses_the_body(relays(), marked(&[EDGE, ReplyTraits::OTHER_JSON], 413, E::TooLarge), Origin::ClaudeEdge)]
#[case::own_413_in_claudes_shape(relays(), marked(&[EDGE, ENVELOPE], 413, E::TooLarge), Origin::Gateway)]
#[case::a_challenge_header_on_claudes_shape(unknown(), marked(&[ENVELOPE, ReplyTraits::WWW_AUTHENTICATE], 401, E::Unauthenticated), Origin::Unknown)]
fn each_change_of_claudes_headers_by_a_gateway(
    #[case] relay_profile: RelayProfile,
    #[case] reply: Exchange,
    #[case] expected: Origin,
) {
    assert_eq!(of(&reply, relay_profile).origin, expected);
}

#[test]
fn a_page_under_the_headers_of_an_answer_is_read_and_where_claude_has_that_status_attributes_nothing() {
    let with = |reply| {
        let mut story = Story::healthy();
        story.evidence.paths[1].exchanges[0] = reply;
        story.diagnose()
    };
    assert_eq!(headline(&with(begun(502))), "Failing GatewayUnavailable@edge");
    let open = with(begun(504));
    assert_eq!(headline(&open), "Inconclusive @edge");
    assert_eq!(attributions(&open.findings), [""; 0]);
    let readings: Vec<&str> = open.findings.iter().map(|finding| finding.code.name()).collect();
    assert_eq!(readings, ["UpstreamError", "GatewayUnavailable"]);
}

#[test]
fn the_inner_error_decides_the_layer_and_the_rewrite_is_named() {
    for (traits, outer) in [
        (ReplyTraits::OTHER_JSON.with(ReplyTraits::INNER_REQUEST_ID), E::None),
        (ReplyTraits::ENVELOPE.with(ReplyTraits::INNER_REQUEST_ID), E::Internal),
        (ReplyTraits::TEXT, E::None),
    ] {
        let mut story = Story::healthy();
        story.evidence.paths[1].exchanges[0] = Exchange {
            traits,
            error: outer,
            inner_error: E::Overloaded,
            ..reply(500)
        };
        let diagnosis = story.diagnose();
        assert_eq!(headline(&diagnosis), "Failing UpstreamOverloaded@edge");
        let found = attributions(&diagnosis.findings);
        for code in ["StatusRewritten@edge", "ErrorBodyReplaced@edge"] {
            assert!(found.contains(&code.to_owned()), "{code} is not in {found:?}");
        }
    }
}

#[test]
fn a_limit_with_made_up_ids_is_the_gateways_own_beside_a_control_that_shows_claudes() {
    let minted = marked(&[ENVELOPE, IDS, ReplyTraits::ID_ODD], 429, E::RateLimit);
    let mut story = Story::healthy();
    // An earlier run saw this path relay Claude's replies.
    story.on("edge").reply(K::BogusBeta, claude(400, E::BetaUnexpected));
    let forwarding_checks = story.diagnose().forwarding_checks;
    story.evidence.paths[1].exchanges = vec![minted];
    story.context.forwarding_checks = forwarding_checks;
    assert_eq!(story.verdict(), "Failing GatewayRateLimited@edge");
}

/// Marks that stand for one header each, ids left out: an id stands on Claude's envelope or not, which is two facts.
const HEADERS: [ReplyTraits; 12] = [
    ReplyTraits::ACCOUNT,
    ReplyTraits::RATE_LIMITS,
    ReplyTraits::CF_RAY,
    ReplyTraits::SHOULD_RETRY,
    ReplyTraits::RETRY_AFTER,
    ReplyTraits::WWW_AUTHENTICATE,
    ReplyTraits::GATEWAY_HEADER,
    ReplyTraits::INTERMEDIARY,
    ReplyTraits::CHALLENGE,
    ReplyTraits::SERVER_CLOUDFLARE,
    ReplyTraits::RETRIED,
    ReplyTraits::CLOUD_PLATFORM,
];

prop_compose! {
    fn any_error()(
        shape in prop::sample::select(vec![
            ENVELOPE, ENVELOPE.with(ReplyTraits::EXTRA_KEYS), ReplyTraits::HTML, ReplyTraits::TEXT, ReplyTraits::EMPTY, ReplyTraits::OTHER_JSON,
        ]),
        ids in prop::sample::select(vec![ReplyTraits::default(), ID, IDS, ReplyTraits::BODY_REQUEST_ID, ReplyTraits::INNER_REQUEST_ID]),
        others in any::<u16>(),
        odd in any::<[bool; 2]>(),
        status in prop::sample::select(vec![400u16, 401, 403, 404, 413, 429, 500, 502, 503, 504, 529]),
        error in prop::sample::select(vec![E::None, E::KeyInvalid, E::RateLimit, E::Internal, E::TooLarge, E::EdgeForbidden]),
        error_kind in prop::sample::select(vec![GatewayErrorKind::None, GatewayErrorKind::ConnectFailed, GatewayErrorKind::AuthRequired]),
        product in prop::sample::select(vec![Product::Unknown, Product::LiteLlm]),
    ) -> Exchange {
        let mut traits = shape.with(ids);
        for (at, header) in HEADERS.into_iter().enumerate() {
            traits.set(header, others >> at & 1 == 1);
        }
        traits.set(ReplyTraits::ID_ODD, odd[0] && ids != ReplyTraits::default());
        traits.set(ReplyTraits::ID_SEEN, odd[1] && traits.has(ID));
        traits.set(ReplyTraits::EDGE_FORBIDDEN, error == E::EdgeForbidden);
        Exchange { error_kind, product, ..marked(&[traits], status, error) }
    }
}

fn any_relay_profile() -> impl Strategy<Value = RelayProfile> {
    let get = prop::option::of(prop::sample::select(vec![500u16, 502, 503, 504, 529]));
    (any::<[bool; 8]>(), get).prop_map(|([a, b, c, d, e, g, h, i], fails_a_get)| RelayProfile {
        fails_a_get,
        error_ids: a,
        success_ids: b,
        success_bare: c,
        relays_bare: d,
        masks: e,
        cf_ray: g,
        control: h,
        first_party: h && i,
    })
}

proptest! {
    #![proptest_config(super::laws::config())]

    #[test]
    fn no_single_header_moves_a_reply_from_one_side_to_the_other(reply in any_error(), relay_profile in any_relay_profile(), which in 0usize..HEADERS.len()) {
        let mut other = reply.clone();
        other.traits.set(HEADERS[which], true);
        let mut without = other.clone();
        without.traits = ReplyTraits(other.traits.0 & !HEADERS[which].0);
        let (one, two) = (of(&other, relay_profile), of(&without, relay_profile));
        let crossed = (one.from_upstream() && two.origin == Origin::Gateway)
            || (two.from_upstream() && one.origin == Origin::Gateway);
        prop_assert!(!crossed, "{one:?} with {:?}, {two:?} without", HEADERS[which]);
    }

    #[test]
    fn certainty_about_claude_needs_an_id_and_the_shape_or_the_edges_own_page(reply in any_error(), relay_profile in any_relay_profile()) {
        let found = of(&reply, relay_profile);
        if found.origin == Origin::Claude && found.confidence == Confidence::Certain {
            prop_assert!(reply.traits.has(ID) && reply.traits.has(ENVELOPE) && !reply.traits.has(ReplyTraits::EXTRA_KEYS));
        }
    }

    #[test]
    fn words_alone_never_make_a_reply_claudes_or_take_one_away(reply in any_error(), relay_profile in any_relay_profile()) {
        // A known wording may sharpen a gateway's reply; it does not turn Claude's own into one.
        let mut worded = reply.clone();
        worded.error_kind = GatewayErrorKind::RateLimited;
        worded.product = Product::Nginx;
        let plain = Exchange { error_kind: GatewayErrorKind::None, product: Product::Unknown, ..reply };
        let (one, two) = (of(&worded, relay_profile), of(&plain, relay_profile));
        prop_assert!(!(two.from_upstream() && one.origin == Origin::Gateway), "{one:?} with words, {two:?} without");
        prop_assert!(!(one.from_upstream() && two.origin == Origin::Gateway), "{one:?} with words, {two:?} without");
    }
}
