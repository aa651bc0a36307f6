//! Headers and body on their way to Claude; and what comes back.

use crate::catalogue::{Code, Confidence, Severity};
use crate::claude::error::ErrorClass as E;
use crate::diagnosis::Diagnosis;
use crate::diagnosis::fixture::*;
use crate::report::evidence::{Echo, Exchange, ReplyTraits, Usage};
use crate::resource::spec::Upstream;
use crate::resource::status::Finding;

/// Direct answers, edge gets this error of Claude's.
fn rejected(reply: Exchange) -> Story {
    let mut story = Story::new();
    story.on("direct").frozen(stream());
    story.on("edge").frozen(reply);
    story
}

/// Both answer; a forwarding check gets these.
pub(super) fn forwarding_check(kind: K, direct: Exchange, edge: Exchange) -> Story {
    let mut story = Story::healthy();
    story.on("direct").reply(kind, direct);
    story.on("edge").reply(kind, edge);
    story
}

pub(super) fn echoed(class: E, echo: Echo) -> Exchange {
    Exchange {
        echo,
        ..claude(400, class)
    }
}

pub(super) fn finding(diagnosis: &Diagnosis, code: Code) -> &Finding {
    diagnosis.findings.iter().find(|finding| finding.code == code).unwrap()
}

#[test]
fn an_origin_header_that_the_gateway_adds() {
    assert_eq!(
        rejected(claude(401, E::CorsDenied)).verdict(),
        "Failing OriginHeaderForwarded@edge"
    );
}

#[test]
fn an_oauth_token_arrives_without_its_beta() {
    assert_eq!(
        rejected(claude(401, E::OauthUnsupported)).verdict(),
        "Failing BetaHeaderStripped@edge"
    );
}

#[test]
fn a_beta_of_the_frozen_request_is_lost() {
    let mut story = rejected(claude(400, E::ExtraInputs));
    story.request.betas = vec!["context-1m-2025-08-07".into()];
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Failing BetaHeaderStripped@edge");
    assert_eq!(diagnosis.findings[0].confidence, Confidence::Likely);
    story.on("edge").reply(K::BogusBeta, ok());
    let diagnosis = story.diagnose();
    assert_eq!(
        finding(&diagnosis, Code::BetaHeaderStripped).confidence,
        Confidence::Certain
    );
    assert_eq!(finding(&diagnosis, Code::BetaHeaderStripped).severity, Severity::Error);
}

#[test]
fn a_bogus_beta_that_is_accepted_only_through_the_gateway_is_a_likely_warning() {
    let story = forwarding_check(K::BogusBeta, echoed(E::BetaUnexpected, Echo::Exact), ok());
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Degraded BetaHeaderStripped@edge");
    assert_eq!(diagnosis.findings[0].confidence, Confidence::Likely);
    assert_eq!(diagnosis.findings[0].severity, Severity::Warning);
}

#[test]
fn a_header_that_arrives_is_no_finding() {
    let mut story = forwarding_check(
        K::BogusBeta,
        echoed(E::BetaUnexpected, Echo::Exact),
        echoed(E::BetaUnexpected, Echo::Exact),
    );
    for path in ["direct", "edge"] {
        story
            .on(path)
            .reply(K::BogusVersion, echoed(E::VersionInvalid, Echo::Exact));
    }
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Healthy @");
    assert_eq!(diagnosis.own_conditions, "TTTTTT");
}

#[test]
fn without_the_controls_rejection_a_swallowed_forwarding_check_yields_no_finding() {
    let mut story = forwarding_check(K::BogusBeta, ok(), ok());
    assert_eq!(story.verdict(), "Healthy @");
    story.evidence.paths[0].exchanges.truncate(1);
    assert_eq!(story.verdict(), "Healthy @");
}

#[test]
fn forwarding_check_results_of_an_earlier_run_count_until_they_are_stale() {
    let first = forwarding_check(K::BogusBeta, echoed(E::BetaUnexpected, Echo::Exact), ok());
    let mut later = Story::healthy();
    later.context.forwarding_checks = first.diagnose().forwarding_checks;
    later.context.forwarding_check_period_ms = 3_600_000;
    assert_eq!(later.verdict(), "Degraded BetaHeaderStripped@edge");
    later.context.now_ms += 4 * 3_600_000;
    assert_eq!(later.verdict(), "Healthy @");
}

#[test]
fn a_beta_that_the_client_did_not_send() {
    assert_eq!(
        rejected(echoed(E::BetaUnexpected, Echo::OnlyOthers)).verdict(),
        "Failing BetaHeaderInjected@edge"
    );
    let story = forwarding_check(
        K::BogusBeta,
        echoed(E::BetaUnexpected, Echo::Exact),
        echoed(E::BetaUnexpected, Echo::WithOthers),
    );
    assert_eq!(story.verdict(), "Degraded BetaHeaderInjected@edge");
}

#[test]
fn a_version_that_is_duplicated_overwritten_or_lost() {
    for (reply, verdict) in [
        (
            echoed(E::VersionInvalid, Echo::Duplicated),
            "Failing VersionHeaderRewritten@edge",
        ),
        (claude(400, E::VersionRequired), "Failing VersionHeaderRewritten@edge"),
    ] {
        assert_eq!(rejected(reply).verdict(), verdict);
    }
    // The probe always sends one: it needs no control to see that none arrived.
    let mut alone = Story::without_direct();
    alone.on("edge").frozen(claude(400, E::VersionRequired));
    assert_eq!(alone.verdict(), "Failing VersionHeaderRewritten@edge");
    for edge in [ok(), echoed(E::VersionInvalid, Echo::OnlyOthers)] {
        let story = forwarding_check(K::BogusVersion, echoed(E::VersionInvalid, Echo::Exact), edge);
        assert_eq!(story.verdict(), "Degraded VersionHeaderRewritten@edge");
    }
}

#[test]
fn a_body_that_is_filtered_or_added_to() {
    let story = forwarding_check(K::UnknownField, claude(400, E::ExtraInputs), ok());
    assert_eq!(story.verdict(), "Degraded BodyRewritten@edge");
    // The probe sends no sampling parameters: a hop added one.
    assert_eq!(
        rejected(claude(400, E::ExtraInputs)).verdict(),
        "Failing BodyRewritten@edge"
    );
}

#[test]
fn a_rewritten_body_names_every_part_of_the_body_that_does_not_arrive_as_sent() {
    let rejection = || echoed(E::ExtraInputs, Echo::Exact);
    let all = [K::UnknownField, K::NestedField, K::MetadataField, K::ToolField];
    let story = |lost: &[K]| {
        let mut story = Story::healthy();
        for kind in all {
            story.on("direct").reply(kind, rejection());
            let edge = if lost.contains(&kind) { ok() } else { rejection() };
            story.on("edge").reply(kind, edge);
        }
        story
    };
    for (lost, places) in [
        (&[K::MetadataField][..], "(in metadata): "),
        (&[K::ToolField], "(in tools): "),
        (
            &[K::UnknownField, K::MetadataField],
            "(at the top of the body, in metadata): ",
        ),
    ] {
        let diagnosis = story(lost).diagnose();
        assert_eq!(headline(&diagnosis), "Degraded BodyRewritten@edge");
        let found = finding(&diagnosis, Code::BodyRewritten);
        assert_eq!(
            (found.confidence, found.severity),
            (Confidence::Likely, Severity::Warning)
        );
        let expected = format!("an unknown field does not arrive at Claude {places}");
        assert!(found.evidence.starts_with(&expected), "{}", found.evidence);
    }
    assert_eq!(story(&[]).verdict(), "Healthy @");
    // Another platform has other fields; without a control, or where it accepts the field itself, nothing is
    // attributed.
    for kind in [K::MetadataField, K::ToolField] {
        let mut other = story(&[kind]);
        other.paths[1].upstream = Upstream::Bedrock;
        assert_eq!(other.verdict(), "Healthy @");
        assert_eq!(forwarding_check(kind, ok(), ok()).verdict(), "Healthy @");
        assert_eq!(forwarding_check(kind, rejection(), page(400)).verdict(), "Healthy @");
        let mut alone = Story::without_direct();
        alone.on("edge").frozen(stream());
        alone.on("edge").reply(kind, ok());
        assert_eq!(alone.verdict(), "Healthy @");
    }
}

#[test]
fn a_number_that_arrives_as_another() {
    let quoted = |echo| echoed(E::InvalidRequest, echo);
    let verdict = |direct, edge| forwarding_check(K::Number, quoted(direct), edge).verdict();
    for edge in [quoted(Echo::OnlyOthers), ok()] {
        assert_eq!(verdict(Echo::Exact, edge), "Degraded BodyRewritten@edge");
    }
    // Only the control's own quotation makes it evidence; and a gateway's own rejection does not show what it forwards.
    for (direct, edge) in [
        (Echo::None, quoted(Echo::OnlyOthers)),
        (Echo::None, ok()),
        (Echo::Exact, quoted(Echo::Exact)),
        (Echo::Exact, quoted(Echo::None)),
        (Echo::Exact, page(400)),
        (Echo::Exact, page(500)),
        (Echo::Exact, page(403)),
    ] {
        assert_eq!(verdict(direct, edge.clone()), "Healthy @", "{direct:?} {edge:?}");
    }
}

#[test]
fn another_number_of_input_tokens_for_the_same_prompt_means_an_injected_prompt() {
    let mut story = Story::new();
    for (path, input) in [("direct", 14), ("edge", 310)] {
        let usage = Some(Usage { input, output: 20 });
        story.on(path).frozen(Exchange { usage, ..stream() });
    }
    assert_eq!(story.verdict(), "Degraded BodyRewritten@edge");
    story.paths[1].model = Some("claude-sonnet".into());
    assert_eq!(story.verdict(), "Healthy @", "another model counts otherwise");
}

#[test]
fn an_injected_prompt_is_certain_when_the_free_count_agrees() {
    let counted = |input| Exchange {
        usage: Some(Usage { input, output: 0 }),
        model_matches: None,
        ..ok()
    };
    let story = |frozen: u32, free: u32| {
        let mut story = Story::new();
        for (path, input, count) in [("direct", 14, 14), ("edge", frozen, free)] {
            let usage = Some(Usage { input, output: 20 });
            story.on(path).frozen(Exchange { usage, ..stream() });
            story.on(path).reply(K::CountTokens, counted(count));
        }
        story
    };
    let confidence = |story: &Story| finding(&story.diagnose(), Code::BodyRewritten).confidence;
    assert_eq!(confidence(&story(310, 310)), Confidence::Certain);
    assert_eq!(
        confidence(&story(310, 14)),
        Confidence::Likely,
        "only messages are added to"
    );
    assert_eq!(confidence(&story(14, 310)), Confidence::Likely);
    assert_eq!(story(14, 14).verdict(), "Healthy @");
    // A gateway that counts by itself counts differently: no finding.
    let mut own = story(14, 17);
    own.evidence.paths[1].exchanges[1].traits = ReplyTraits::default();
    assert_eq!(own.verdict(), "Healthy @");
    // The same of an answer that a gateway wrote anew: a reading.
    let mut own = story(17, 14);
    let frozen = &mut own.evidence.paths[1].exchanges[0];
    frozen.traits = ReplyTraits::default();
    frozen.stream.as_mut().unwrap().padded = None;
    assert_eq!(confidence(&own), Confidence::Possible);
}

#[test]
fn events_that_lost_their_padding_are_information() {
    let lost = changed(stream(), |stream| stream.padded = Some(false));
    let mut story = Story::new();
    story.on("direct").frozen(stream());
    story.on("edge").frozen(lost.clone());
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Healthy @");
    assert_eq!(finding(&diagnosis, Code::BodyRewritten).severity, Severity::Information);
    // Claude itself may stop to pad one day.
    story.evidence.paths[0].exchanges[0] = lost;
    assert!(story.diagnose().findings.is_empty());
}

#[test]
fn fields_that_arrive_in_another_order_are_information() {
    let seen = |direct, edge| forwarding_check(K::UnknownField, echoed(E::ExtraInputs, direct), edge).diagnose();
    let second = || echoed(E::ExtraInputs, Echo::NotFirst);
    let diagnosis = seen(Echo::Exact, second());
    assert_eq!(headline(&diagnosis), "Healthy @");
    let found = finding(&diagnosis, Code::BodyRewritten);
    assert_eq!(found.severity, Severity::Information);
    assert!(found.evidence.contains("in another order"), "{}", found.evidence);
    // Claude may name them as it likes, and a gateway that rejects them by itself, too.
    for (direct, edge) in [
        (Echo::NotFirst, second()),
        (Echo::NotFirst, echoed(E::ExtraInputs, Echo::Exact)),
        (Echo::None, second()),
        (Echo::Exact, echoed(E::ExtraInputs, Echo::Exact)),
        (Echo::Exact, echoed(E::ExtraInputs, Echo::OnlyOthers)),
        (
            Echo::Exact,
            Exchange {
                traits: ReplyTraits::ENVELOPE,
                ..second()
            },
        ),
    ] {
        let findings = seen(direct, edge).findings;
        assert!(
            findings.iter().all(|found| found.code != Code::BodyRewritten),
            "{direct:?}"
        );
    }
}

#[test]
fn a_request_that_claude_rejects_on_the_control_too_is_the_probes_own() {
    let mut story = rejected(claude(400, E::InvalidRequest));
    story.evidence.paths[0].exchanges[0] = claude(400, E::InvalidRequest);
    assert_eq!(story.verdict(), "Failing RequestInvalid@");
}

#[test]
fn a_success_without_request_id_beside_one_that_has_it_lost_it() {
    let mut story = Story::healthy();
    let frozen = &mut story.evidence.paths[1].exchanges[0];
    frozen.traits = ReplyTraits::RATE_LIMITS;
    frozen.request_id = None;
    assert_eq!(story.verdict(), "Degraded ResponseHeadersRewritten@edge");
}

#[test]
fn an_inner_error_is_the_cause_and_the_other_status_is_a_finding_of_its_own() {
    let mut story = rejected(Exchange {
        traits: ReplyTraits::ENVELOPE.with(ReplyTraits::INNER_REQUEST_ID),
        error: E::Internal,
        inner_error: E::Overloaded,
        ..reply(500)
    });
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Failing UpstreamOverloaded@edge");
    assert_eq!(diagnosis.verdict.layer, "Upstream");
    assert!(attributions(&diagnosis.findings).contains(&"StatusRewritten@edge".to_owned()));
    // Genuine headers around a foreign body.
    story.evidence.paths[1].exchanges[0] = Exchange {
        traits: genuine().with(ReplyTraits::HTML),
        ..reply(529)
    };
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Failing UpstreamOverloaded@edge");
    assert!(attributions(&diagnosis.findings).contains(&"ErrorBodyReplaced@edge".to_owned()));
}

#[test]
fn another_account_model_cache_and_retries_are_warnings() {
    let with = |change: &dyn Fn(&mut Exchange)| {
        let mut story = Story::healthy();
        change(&mut story.evidence.paths[1].exchanges[0]);
        story
    };
    assert_eq!(
        with(&|reply| reply.account = Some(8)).verdict(),
        "Degraded DifferentAccount@edge"
    );
    assert_eq!(
        with(&|reply| reply.model_matches = Some(false)).verdict(),
        "Degraded ModelSubstituted@edge"
    );
    assert_eq!(
        with(&|reply| reply.traits = reply.traits.with(ReplyTraits::RETRIED)).verdict(),
        "Degraded HiddenRetries@edge"
    );
    let cached = with(&|reply| reply.cache_age_s = Some(30)).diagnose();
    assert_eq!(headline(&cached), "Degraded ResponseCached@edge");
    assert_eq!(cached.conditions[1].reason, "AnsweredFromCache");
    let mut any = with(&|reply| reply.account = Some(8));
    any.on("edge").virtual_key();
    assert_eq!(any.verdict(), "Healthy @");
}

#[test]
fn an_answer_to_another_request_shows_a_cache_and_no_lost_header() {
    let mut story = Story::healthy();
    let stored = Exchange {
        traits: genuine().with(ReplyTraits::ID_SEEN),
        ..ok()
    };
    for (kind, class) in [(K::BogusBeta, E::BetaUnexpected), (K::BogusVersion, E::VersionInvalid)] {
        story.on("direct").reply(kind, claude(400, class));
        story.on("edge").reply(kind, stored.clone());
    }
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Degraded ResponseCached@edge");
    assert_eq!(attributions(&diagnosis.findings), ["ResponseCached@edge"]);
    // Stored before the run began: the first answer does not show it, and its length is known beforehand.
    let first = &mut story.evidence.paths[1].exchanges[0];
    first.stream.as_mut().unwrap().content_length = true;
    assert_eq!(attributions(&story.diagnose().findings), ["ResponseCached@edge"]);
}

#[test]
fn rejections_with_a_server_error_status_are_rewritten_and_a_single_one_may_be_an_accident() {
    let with = |forwarding_checks: &[(K, E)]| {
        let mut story = Story::healthy();
        for (kind, class) in forwarding_checks {
            story.on("direct").reply(*kind, claude(400, *class));
            story.on("edge").reply(*kind, page(502));
        }
        story
    };
    let two = [(K::BogusBeta, E::BetaUnexpected), (K::BogusVersion, E::VersionInvalid)];
    assert_eq!(with(&two).verdict(), "Degraded StatusRewritten@edge");
    assert_eq!(with(&two[..1]).verdict(), "Healthy @");
    let mut some = with(&two);
    some.on("direct").reply(K::UnknownField, claude(400, E::ExtraInputs));
    some.on("edge").reply(K::UnknownField, claude(400, E::ExtraInputs));
    assert_eq!(
        some.verdict(),
        "Healthy @",
        "a gateway that forwards some rejections rewrites none"
    );
}
