//! The rules that keep the diagnosis honest: which findings are not allowed, and when.

use crate::catalogue::{Code, Confidence, Severity};
use crate::claude::error::ErrorClass as E;
use crate::diagnosis::Role;
use crate::diagnosis::fixture::*;
use crate::report::evidence::{Exchange, GatewayErrorKind, KeyDefect, Outcome, ReplyTraits, SkipReason, Trust};
use crate::resource::spec::Upstream;

#[test]
fn a_missing_request_id_counts_only_on_a_path_whose_own_successes_carry_one() {
    let mut story = Story::new();
    story.on("direct").frozen(stream());
    story
        .on("edge")
        .frozen(lookalike(401, E::Unauthenticated))
        .reply(K::BadKey, lookalike(401, E::Unauthenticated));
    assert_eq!(story.verdict(), "Inconclusive @edge");
    // Its own success (a kept forwarding check) carries one: the reply is not Claude's.
    let mut before = Story::healthy();
    before.on("direct").reply(K::BogusBeta, claude(400, E::BetaUnexpected));
    before.on("edge").reply(K::BogusBeta, claude(400, E::BetaUnexpected));
    story.context.forwarding_checks = before.diagnose().forwarding_checks;
    assert_eq!(story.verdict(), "Failing GatewayAuthRefused@edge");
}

#[test]
fn one_header_alone_decides_no_origin() {
    for flag in [
        ReplyTraits::CF_RAY,
        ReplyTraits::SERVER_CLOUDFLARE,
        ReplyTraits::INTERMEDIARY,
        ReplyTraits::GATEWAY_HEADER,
        ReplyTraits::RETRY_AFTER,
        ReplyTraits::SHOULD_RETRY,
    ] {
        let mut story = Story::new();
        story.on("direct").frozen(stream());
        let mut reply = lookalike(500, E::Internal);
        reply.traits = reply.traits.with(flag);
        story.on("edge").frozen(reply);
        assert_eq!(story.verdict(), "Inconclusive @edge", "{flag:?}");
    }
}

#[test]
fn a_200_on_the_other_path_does_not_rule_out_claude() {
    for (status, class, code) in [
        (429, E::RateLimit, "RateLimited"),
        (529, E::Overloaded, "UpstreamOverloaded"),
        (500, E::Internal, "UpstreamError"),
    ] {
        let mut story = Story::new();
        story.on("direct").frozen(stream());
        story.on("edge").frozen(claude(status, class));
        assert_eq!(story.verdict(), format!("Failing {code}@edge"));
    }
}

#[test]
fn with_a_virtual_key_no_finding_compares_credentials_across_accounts() {
    // Claude rejects the direct key; the gateway has its own and answers.
    let mut story = Story::new();
    story.on("direct").frozen(claude(401, E::KeyInvalid));
    story.on("edge").virtual_key().frozen(stream());
    assert_eq!(story.verdict(), "Degraded CredentialRejected@direct");
    // And the reverse: a limit on direct's account explains nothing on the gateway's.
    let mut story = Story::new();
    story.on("direct").frozen(claude(429, E::RateLimit));
    story.on("edge").virtual_key().frozen(page(429));
    assert_eq!(story.verdict(), "Failing GatewayRateLimited@edge");
}

#[test]
fn a_gateway_that_checks_virtual_keys_and_sends_a_rejected_one_is_named() {
    let mut story = Story::new();
    story.on("direct").frozen(stream());
    story
        .on("edge")
        .virtual_key()
        .frozen(claude(401, E::KeyInvalid))
        .reply(K::BadKey, page(401))
        .reply(K::NoKey, page(401));
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Failing GatewayStaleCredential@edge");
    assert!(diagnosis.verdict.advice.contains("wrong key"));
}

#[test]
fn a_gateways_own_key_may_have_any_form() {
    let mut story = Story::new();
    story.on("direct").frozen(stream());
    let on = story.on("edge").virtual_key();
    on.evidence.key.as_mut().unwrap().defects = vec![KeyDefect::WrongKind];
    on.frozen(stream());
    assert_eq!(story.verdict(), "Healthy @");
}

#[test]
fn a_working_key_is_no_placeholder() {
    let mut story = Story::healthy();
    for path in ["direct", "edge"] {
        story.on(path).evidence.key.as_mut().unwrap().defects =
            vec![KeyDefect::Placeholder, KeyDefect::DoubleBase64, KeyDefect::WrongKind];
    }
    assert_eq!(story.verdict(), "Healthy @");
    story.on("direct").evidence.key.as_mut().unwrap().defects = vec![KeyDefect::Blanks];
    assert_eq!(story.verdict(), "Degraded CredentialMalformed@direct");
}

#[test]
fn on_another_backend_header_and_id_rules_are_silent() {
    let bare = Exchange {
        traits: ReplyTraits::CLOUD_PLATFORM,
        request_id: None,
        account: None,
        ..stream()
    };
    for upstream in [Upstream::Bedrock, Upstream::Vertex, Upstream::Other] {
        let mut story = Story::new();
        let swallowed = Exchange {
            traits: bare.traits,
            ..ok()
        };
        story
            .on("direct")
            .frozen(stream())
            .reply(K::BogusBeta, claude(400, E::BetaUnexpected));
        story.on("edge").frozen(bare.clone()).reply(K::BogusBeta, swallowed);
        story.on("edge").path.upstream = upstream;
        assert_eq!(story.verdict(), "Healthy @");
    }
    // Found out from the replies: information, never a verdict.
    let mut story = Story::new();
    story.on("direct").frozen(stream());
    story.on("edge").frozen(bare);
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Healthy @");
    assert_eq!(diagnosis.findings[0].code, Code::DifferentBackend);
    assert_eq!(diagnosis.findings[0].severity, Severity::Information);
}

#[test]
fn with_a_declared_ca_the_direct_path_is_a_control_for_credentials_and_not_for_streams() {
    let inspected = |edge: Exchange| {
        let mut story = Story::new();
        let direct = story.on("direct");
        direct.path.first_party = true;
        direct.path.declared_ca = true;
        direct.evidence.handshake.trust = Trust::Declared;
        direct.frozen(stream());
        story.on("edge").frozen(edge);
        story
    };
    let burst = changed(stream(), |stream| {
        stream.first_event_ms = Some(2_790);
        stream.reads = 1;
    });
    assert_eq!(inspected(burst).verdict(), "Healthy @", "declared: information only");
    let mut altered = inspected(claude(401, E::KeyInvalid));
    altered.on("edge").reply(K::NoKey, claude(401, E::KeyRequired));
    assert_eq!(altered.verdict(), "Failing CredentialAltered@edge");
    // Not declared, but on this machine's list: a hop intercepts the control.
    let mut story = inspected(stream());
    story.on("direct").evidence.handshake.trust = Trust::System;
    assert_eq!(story.verdict(), "Degraded DirectPathIntercepted@direct");
}

#[test]
fn no_finding_is_dropped_because_another_won() {
    let mut story = Story::new();
    story.add("other", Role::Gateway);
    story.on("direct").frozen(stream());
    story.on("edge").frozen(claude(401, E::KeyRequired));
    story.on("other").frozen(page(429));
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Failing CredentialStripped@edge");
    assert!(
        attributions(&diagnosis.findings).contains(&"GatewayRateLimited@other".to_owned()),
        "{:?}",
        diagnosis.findings
    );
}

#[test]
fn an_incomplete_report_is_inconclusive_and_keeps_what_stands() {
    let mut story = Story::new();
    story.on("direct").frozen(stream());
    story.on("edge").frozen(claude(529, E::Overloaded));
    story.evidence.complete = false;
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Inconclusive @");
    assert_eq!(diagnosis.findings[0].code, Code::UpstreamOverloaded);
    assert!(
        diagnosis.verdict.advice.contains("repeat the run"),
        "{}",
        diagnosis.verdict.advice
    );
}

#[test]
fn a_run_without_any_report_and_a_run_over_budget_are_unknown_and_never_failing() {
    let mut story = Story::new();
    story.evidence.paths.clear();
    assert_eq!(story.verdict(), "Unknown @");
    let mut frugal = Story::new();
    for path in ["direct", "edge"] {
        let on = frugal.on(path).reply(K::CountTokens, ok());
        on.evidence.skipped.push((K::Frozen, SkipReason::OverBudget));
    }
    let diagnosis = frugal.diagnose();
    assert_eq!(headline(&diagnosis), "Unknown @");
    assert!(diagnosis.own_conditions.starts_with("UU"));
    // What the free exchange shows still counts.
    frugal.evidence.paths[1].exchanges[0] = Exchange {
        kind: K::CountTokens,
        ..claude(401, E::KeyRequired)
    };
    assert_eq!(frugal.verdict(), "Failing CredentialStripped@edge");
}

#[test]
fn an_accepted_finding_is_shown_and_no_longer_counted() {
    let mut story = Story::healthy();
    story.evidence.paths[1].exchanges[0].account = Some(9);
    story.on("edge").path.accept = vec![Code::DifferentAccount];
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Healthy @");
    assert!(diagnosis.findings[0].accepted);
    assert_eq!(attributions(&diagnosis.findings), ["DifferentAccount@edge"]);
    // A request that fails is never green, accepted or not.
    let mut story = Story::new();
    story.on("direct").frozen(stream());
    story.on("edge").frozen(page(429));
    story.on("edge").path.accept = vec![Code::GatewayRateLimited];
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Degraded GatewayRateLimited@edge");
    assert_eq!(diagnosis.conditions[1].reason, "AcceptedFinding");
}

#[test]
fn a_path_without_control_yields_no_comparison_finding() {
    let swallowed = |direct: bool| {
        let mut story = Story::healthy();
        story.on("direct").reply(K::BogusBeta, claude(400, E::BetaUnexpected));
        story.on("edge").reply(K::BogusBeta, ok());
        if !direct {
            story.paths.remove(0);
        }
        story.diagnose()
    };
    assert_eq!(headline(&swallowed(true)), "Degraded BetaHeaderStripped@edge");
    let alone = swallowed(false);
    assert_eq!(headline(&alone), "Healthy @");
    assert_eq!(
        alone.findings[0].confidence,
        Confidence::Possible,
        "a reading stays visible"
    );
}

#[test]
fn an_edge_page_is_attributed_to_claudes_edge_only_when_it_names_claudes_host() {
    let page_of = |flag| Exchange {
        traits: ReplyTraits::HTML.with(ReplyTraits::CF_RAY).with(flag),
        error: E::EdgeUnavailable,
        ..reply(520)
    };
    let story = |edge: Exchange| {
        let mut story = Story::new();
        story.on("direct").frozen(stream());
        story.on("edge").frozen(edge);
        story.verdict()
    };
    assert_eq!(story(page_of(ReplyTraits::EDGE_PAGE)), "Failing UpstreamError@edge");
    assert_eq!(
        story(page_of(ReplyTraits::FOREIGN_EDGE_PAGE)),
        "Failing GatewayUnavailable@edge"
    );
    assert_eq!(story(page_of(ReplyTraits::HTML)), "Inconclusive @edge");
}

#[test]
fn mixed_results_keep_their_rate() {
    let mut story = Story::new();
    story.on("direct").frozen(stream());
    story
        .on("edge")
        .frozen(cut(Outcome::CutByClose, 5, 1_111, 1_115))
        .reply(K::Repeat, stream());
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Failing StreamCut@edge");
    assert!(
        diagnosis.findings[0].evidence.contains("1 of 2 tries"),
        "{}",
        diagnosis.findings[0].evidence
    );
}

#[test]
fn an_id_of_claudes_form_alone_does_not_blame_claude() {
    let mut story = Story::new();
    story.on("direct").frozen(stream());
    let minted = Exchange {
        traits: ReplyTraits::HTML.with(ReplyTraits::REQUEST_ID),
        ..page(502)
    };
    story.on("edge").frozen(minted.clone());
    assert_eq!(story.verdict(), "Inconclusive @edge");
    story.evidence.paths[1].exchanges[0].traits =
        minted.traits.with(ReplyTraits::CF_RAY).with(ReplyTraits::SHOULD_RETRY);
    assert_eq!(story.verdict(), "Failing UpstreamError@edge");
}

#[test]
fn words_about_an_upstream_show_that_the_speaker_is_not_the_last_hop() {
    use crate::report::evidence::GatewayErrorKind;
    let mut story = Story::new();
    story.on("direct").frozen(stream());
    story.on("edge").frozen(Exchange {
        error_kind: GatewayErrorKind::ConnectFailed,
        ..lookalike(500, E::Internal)
    });
    assert_eq!(story.verdict(), "Failing UpstreamUnreachable@edge");
}

#[test]
fn a_rejection_that_a_random_key_does_not_get_is_not_the_gateways_check() {
    let mut story = Story::new();
    story.on("direct").frozen(stream());
    let other = Exchange {
        traits: ReplyTraits::OTHER_JSON,
        ..reply(401)
    };
    story.on("edge").virtual_key().frozen(page(401)).reply(K::BadKey, other);
    assert_eq!(story.verdict(), "Inconclusive @edge");
    story.evidence.paths[1].exchanges[1].traits = ReplyTraits::HTML;
    assert_eq!(story.verdict(), "Failing GatewayAuthRefused@edge");
}

#[test]
fn a_401_in_another_shape_with_claudes_words_may_be_claudes_decision() {
    let mut story = Story::new();
    story.on("direct").frozen(stream());
    for kind in [K::Frozen, K::BadKey, K::NoKey] {
        let reworded = Exchange {
            traits: ReplyTraits::OTHER_JSON.with(ReplyTraits::CLAUDE_WORDS),
            ..reply(401)
        };
        story.on("edge").reply(kind, reworded);
    }
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Inconclusive @edge");
    assert!(diagnosis.verdict.message.contains("GatewayStaleCredential"));
}

#[test]
fn over_budget_a_gateway_without_a_route_for_counting_is_no_wrong_route() {
    let frugal = |edge: Exchange| {
        let mut story = Story::new();
        for (path, reply) in [("direct", ok()), ("edge", edge)] {
            let on = story.on(path).reply(K::CountTokens, reply);
            on.evidence.skipped.push((K::Frozen, SkipReason::OverBudget));
        }
        story
    };
    for status in [404, 502] {
        assert_eq!(
            frugal(page(status)).verdict(),
            "Unknown @",
            "{status}: its relay profile is not known"
        );
    }
    // It was answered before: then a failure is news, a missing route still is not.
    let known = frugal(ok()).diagnose().forwarding_checks;
    for (status, verdict) in [(404, "Unknown @"), (502, "Failing GatewayUnavailable@edge")] {
        let mut story = frugal(page(status));
        story.context.forwarding_checks = known.clone();
        assert_eq!(story.verdict(), verdict);
    }
}

#[test]
fn rewritten_errors_are_not_the_gateways_while_claude_has_trouble_of_its_own() {
    let both_fail = |theirs: Exchange, ours: Exchange| {
        let mut story = Story::new();
        story.on("direct").frozen(theirs);
        story.on("edge").frozen(ours);
        (story.verdict(), attributions(&story.diagnose().findings))
    };
    let both = |code: &str| {
        (
            format!("Failing {code}@"),
            vec![format!("{code}@direct"), format!("{code}@edge")],
        )
    };
    for status in [403, 500, 502, 503] {
        let answer = both_fail(claude(403, E::Permission), page(status));
        assert_eq!(answer, both("PermissionDenied"), "{status}");
    }
    assert_eq!(
        both_fail(claude(429, E::SpendLimitEnforced), page(429)),
        both("QuotaExhausted")
    );
    assert_eq!(
        both_fail(claude(400, E::CreditExhausted), page(400)),
        both("QuotaExhausted")
    );
    assert_eq!(
        both_fail(claude(404, E::ModelNotFound), page(500)),
        both("ModelNotFound")
    );
    assert_eq!(
        both_fail(cut(Outcome::CutByClose, 5, 700, 720), page(500)),
        both("UpstreamStreamError")
    );
    // Another status, a trait of a check, text about the connection to Claude: these are the gateway's.
    let (_, own) = both_fail(claude(429, E::SpendLimitEnforced), page(403));
    assert!(own.contains(&"GatewayPolicyDenied@edge".to_owned()), "{own:?}");
    let asked = Exchange {
        traits: ReplyTraits::HTML.with(ReplyTraits::WWW_AUTHENTICATE),
        ..page(401)
    };
    let (_, own) = both_fail(claude(401, E::KeyInvalid), asked);
    assert!(own.contains(&"GatewayAuthRefused@edge".to_owned()), "{own:?}");
    let named = Exchange {
        error_kind: GatewayErrorKind::DnsFailure,
        ..page(502)
    };
    let (_, own) = both_fail(claude(529, E::Overloaded), named);
    assert!(own.contains(&"UpstreamDnsFailure@edge".to_owned()), "{own:?}");
}
