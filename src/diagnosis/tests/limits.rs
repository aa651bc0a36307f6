//! Limits and policies: of Claude or of the gateway.

use crate::catalogue::Severity;
use crate::claude::error::ErrorClass as E;
use crate::diagnosis::fixture::*;
use crate::report::evidence::{Echo, Exchange, GatewayErrorKind, Headroom, LimitKind, NamedLimit, ReplyTraits};

fn rejected(reply: Exchange) -> Story {
    let mut story = Story::new();
    story.on("direct").frozen(stream());
    story.on("edge").frozen(reply);
    story
}

fn everywhere(reply: &Exchange) -> Story {
    let mut story = Story::new();
    for path in ["direct", "edge"] {
        story.on(path).frozen(reply.clone());
    }
    story
}

/// Both answer; a forwarding check gets these.
fn forwarding_check(kind: K, direct: Exchange, edge: Exchange) -> Story {
    let mut story = Story::healthy();
    story.on("direct").reply(kind, direct);
    story.on("edge").reply(kind, edge);
    story
}

#[test]
fn the_gateways_body_limit() {
    let story = forwarding_check(K::BigBody, claude(401, E::KeyInvalid), page(413));
    assert_eq!(story.verdict(), "Degraded GatewayBodyLimit@edge");
    let both = forwarding_check(K::BigBody, claude(413, E::TooLarge), page(413));
    assert_eq!(both.verdict(), "Healthy @", "Claude does not take it either");
    assert_eq!(rejected(page(413)).verdict(), "Failing GatewayBodyLimit@edge");
    // Some break over it: of the size, if nothing else breaks.
    let mut breaks = forwarding_check(K::BigBody, claude(401, E::KeyInvalid), page(502));
    assert_eq!(breaks.verdict(), "Degraded GatewayBodyLimit@edge");
    breaks.on("edge").reply(K::BogusBeta, page(502));
    assert_eq!(breaks.verdict(), "Healthy @");
}

#[test]
fn the_gateways_header_limit() {
    for status in [400, 431] {
        let mut story = forwarding_check(K::LargeHeader, ok(), page(status));
        story.on("edge").reply(K::CountTokens, ok());
        assert_eq!(story.verdict(), "Degraded GatewayHeaderLimit@edge");
    }
}

#[test]
fn a_gateway_that_checks_bodies_has_no_limit_on_their_size_and_replaces_no_error() {
    let extra = Exchange {
        echo: Echo::Exact,
        ..claude(400, E::ExtraInputs)
    };
    let in_claudes_shape = Exchange {
        echo: Echo::Exact,
        ..lookalike(400, E::ExtraInputs)
    };
    for own in [page(422), page(400), in_claudes_shape] {
        let mut story = forwarding_check(K::UnknownField, extra.clone(), own.clone());
        for kind in [K::BigBody, K::LargeHeader] {
            story.on("direct").reply(kind, extra.clone());
            story.on("edge").reply(kind, own.clone());
        }
        // What it does not check arrives as Claude returned it.
        for kind in [K::BogusVersion, K::BogusBeta] {
            let claudes = Exchange {
                echo: Echo::Exact,
                ..claude(400, E::VersionInvalid)
            };
            story.on("direct").reply(kind, claudes.clone());
            story.on("edge").reply(kind, claudes);
        }
        let diagnosis = story.diagnose();
        assert_eq!(headline(&diagnosis), "Healthy @", "{:?}", diagnosis.findings);
    }
}

#[test]
fn a_firewall_that_rejects_only_the_prompt_that_resembles_an_attack() {
    let mut story = forwarding_check(K::AttackPrompt, claude(401, E::KeyInvalid), page(403));
    story.on("edge").reply(K::BenignPrompt, claude(401, E::KeyInvalid));
    assert_eq!(story.verdict(), "Degraded WafBlocked@edge");
    let challenge = Exchange {
        traits: ReplyTraits::HTML.with(ReplyTraits::CF_RAY).with(ReplyTraits::EDGE_PAGE),
        ..reply(403)
    };
    assert_eq!(everywhere(&challenge).verdict(), "Failing EdgeBlocked@");
}

#[test]
fn a_policy_that_rejects_every_prompt() {
    let mut story = rejected(page(403));
    story.on("edge").reply(K::BadKey, page(403)).reply(K::NoKey, page(403));
    assert_eq!(story.verdict(), "Failing GatewayPolicyDenied@edge");
    let empty = Exchange {
        traits: ReplyTraits::EMPTY,
        ..reply(403)
    };
    assert!(rejected(empty).diagnose().verdict.advice.contains("authoriser"));
}

#[test]
fn a_403_that_depends_on_the_key_is_about_the_key() {
    let mut story = rejected(page(403));
    story.on("edge").reply(K::NoKey, page(401));
    assert_eq!(story.verdict(), "Failing GatewayAuthRefused@edge");
}

#[test]
fn claudes_edge_rejects_the_gateways_address() {
    let forbidden = Exchange {
        traits: ReplyTraits::EDGE_FORBIDDEN
            .with(ReplyTraits::CF_RAY)
            .with(ReplyTraits::OTHER_JSON),
        error: E::EdgeForbidden,
        ..reply(403)
    };
    let diagnosis = rejected(forbidden.clone()).diagnose();
    assert_eq!(headline(&diagnosis), "Failing EgressAddressRefused@edge");
    assert_eq!(diagnosis.verdict.layer, "Network");
    assert_eq!(
        rejected(claude(403, E::Permission)).verdict(),
        "Failing PermissionDenied@edge"
    );
    assert_eq!(everywhere(&forbidden).verdict(), "Failing EgressAddressRefused@");
}

#[test]
fn a_429_without_id_while_direct_answers_is_the_gateways() {
    let diagnosis = rejected(page(429)).diagnose();
    assert_eq!(headline(&diagnosis), "Failing GatewayRateLimited@edge");
    assert_eq!(diagnosis.verdict.layer, "Quota");
}

#[test]
fn a_429_page_while_claude_limits_the_same_key_on_the_direct_path_is_claudes_limit() {
    let mut story = rejected(page(429));
    story.evidence.paths[0].exchanges[0] = claude(429, E::RateLimit);
    assert_eq!(story.verdict(), "Failing RateLimited@");
}

#[test]
fn an_imitated_429_of_unknown_making_is_inconclusive_unless_our_key_passes_and_has_headroom() {
    let mut story = rejected(lookalike(429, E::RateLimit));
    assert_eq!(story.verdict(), "Inconclusive @edge");
    story.evidence.paths[0].exchanges[0].headroom = Some(Headroom {
        requests: Some(90),
        ..Headroom::default()
    });
    story
        .on("edge")
        .reply(K::BadKey, claude(401, E::KeyInvalid))
        .reply(K::NoKey, claude(401, E::KeyRequired));
    // Claude's errors keep their ids on this path, so this one is not Claude's.
    assert_eq!(story.verdict(), "Failing GatewayRateLimited@edge");
}

#[test]
fn a_cooldown_after_another_failure_is_its_symptom() {
    let mut story = rejected(claude(529, E::Overloaded));
    story.on("edge").reply(K::Repeat, page(429));
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Failing UpstreamOverloaded@edge");
    assert!(attributions(&diagnosis.findings).contains(&"GatewayCooldown@edge".to_owned()));
    // Where Claude limits the same key at this moment, the second reply is that limit in the gateway's words.
    story.evidence.paths[0].exchanges[0] = claude(429, E::RateLimit);
    let both = attributions(&story.diagnose().findings);
    assert!(
        both.contains(&"RateLimited@edge".to_owned()) && !both.contains(&"GatewayCooldown@edge".to_owned()),
        "{both:?}"
    );
}

#[test]
fn claudes_rate_limit_names_the_limit_and_the_wait() {
    let limited = Exchange {
        limit: Some(NamedLimit {
            kind: LimitKind::InputTokens,
            per_minute: 30_000,
        }),
        retry_after_s: Some(16),
        ..claude(429, E::RateLimit)
    };
    let diagnosis = everywhere(&limited).diagnose();
    assert_eq!(headline(&diagnosis), "Failing RateLimited@");
    let seen = evidence(&diagnosis);
    assert!(seen.contains("30000 input tokens per minute"), "{seen}");
    let advice = &diagnosis.verdict.advice;
    assert!(advice.contains("Wait 16 s"), "{advice}");
    assert_eq!(diagnosis.conditions[1].reason, "SharedCause");
    assert_eq!(
        everywhere(&claude(429, E::AccelerationLimit)).verdict(),
        "Failing AccelerationLimited@"
    );
    assert_eq!(
        rejected(limited).verdict(),
        "Failing RateLimited@edge",
        "a 200 on the other path does not rule Claude out"
    );
}

#[test]
fn spend_credit_and_billing_are_not_rates() {
    for (status, class) in [
        (429, E::SpendLimitEnforced),
        (400, E::SpendLimitOwn),
        (400, E::CreditExhausted),
        (402, E::Billing),
    ] {
        assert_eq!(everywhere(&claude(status, class)).verdict(), "Failing QuotaExhausted@");
    }
    assert_eq!(
        everywhere(&claude(400, E::OrganizationDisabled)).verdict(),
        "Failing AccountDisabled@"
    );
}

#[test]
fn concurrency_is_claudes_with_an_id_and_the_gateways_without() {
    let mut story = Story::healthy();
    for path in ["direct", "edge"] {
        story
            .on(path)
            .reply(K::Parallel, stream())
            .reply(K::Parallel, claude(429, E::ConcurrencyLimit));
    }
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Degraded ConcurrencyLimited@");
    assert_eq!(diagnosis.findings[0].severity, Severity::Warning);
    for status in [429, 503] {
        let mut story = Story::healthy();
        story.on("direct").reply(K::Parallel, stream());
        story
            .on("edge")
            .reply(K::Parallel, stream())
            .reply(K::Parallel, page(status));
        assert_eq!(story.verdict(), "Degraded GatewayConcurrencyLimited@edge");
    }
    assert_eq!(
        rejected(claude(429, E::ConcurrencyLimit)).verdict(),
        "Failing ConcurrencyLimited@edge"
    );
}

#[test]
fn overload_with_an_id_is_attributed_on_one_path_alone() {
    assert_eq!(
        rejected(claude(529, E::Overloaded)).verdict(),
        "Failing UpstreamOverloaded@edge"
    );
    assert_eq!(
        everywhere(&claude(529, E::Overloaded)).verdict(),
        "Failing UpstreamOverloaded@"
    );
    let mut alone = Story::without_direct();
    alone.on("edge").frozen(claude(529, E::Overloaded));
    assert_eq!(alone.verdict(), "Failing UpstreamOverloaded@edge");
    assert_eq!(alone.diagnose().conditions[1].reason, "SharedCause");
}

#[test]
fn a_gateway_page_while_claude_is_overloaded_on_the_direct_path_is_claudes_overload() {
    let mut story = rejected(page(503));
    story.evidence.paths[0].exchanges[0] = claude(529, E::Overloaded);
    assert_eq!(story.verdict(), "Failing UpstreamOverloaded@");
}

#[test]
fn a_breaker_that_opens_after_an_error_of_claudes_is_a_symptom() {
    let mut story = rejected(claude(500, E::Internal));
    story.on("edge").reply(K::Repeat, page(503));
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Failing UpstreamError@edge");
    assert!(attributions(&diagnosis.findings).contains(&"CircuitBreakerOpen@edge".to_owned()));
    let alone = Exchange {
        error_kind: GatewayErrorKind::Cooldown,
        ..page(503)
    };
    assert_eq!(rejected(alone).verdict(), "Failing CircuitBreakerOpen@edge");
}

#[test]
fn a_model_that_only_the_gateway_does_not_know() {
    let diagnosis = rejected(claude(404, E::ModelNotFound)).diagnose();
    assert_eq!(headline(&diagnosis), "Failing ModelNotFound@edge");
    assert!(diagnosis.verdict.advice.contains("mapping"));
    assert_eq!(
        everywhere(&claude(404, E::ModelNotFound)).verdict(),
        "Failing ModelNotFound@"
    );
}

#[test]
fn a_page_in_the_place_of_claudes_429_is_no_limit_of_the_gateways() {
    let mut story = Story::new();
    story.on("direct").frozen(claude(429, E::RateLimit));
    story.on("edge").frozen(page(429));
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Failing RateLimited@");
    assert!(!attributions(&diagnosis.findings).contains(&"GatewayRateLimited@edge".to_owned()));
}

#[test]
fn a_model_that_will_be_retired_soon_is_a_warning() {
    let mut story = Story::healthy();
    story.request.model = "claude-sonnet-4-5-20250929".into();
    story.context.now_ms = 1_795_392_000_000; // 2026-11-23
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Degraded ModelRetiring@");
    assert!(evidence(&diagnosis).contains("2026-11-30, in 7 days"));
    story.context.now_ms -= 70 * 86_400_000;
    assert_eq!(story.verdict(), "Healthy @", "there is time");
}
