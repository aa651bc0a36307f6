//! Keys: which hop rejects which key.

use crate::catalogue::Confidence;
use crate::claude::error::ErrorClass as E;
use crate::diagnosis::fixture::*;
use crate::diagnosis::{KeyHistory, PodsOf, Status};

fn stale() -> Story {
    let mut story = Story::new();
    story.on("direct").frozen(stream());
    story.on("edge").key_rejected(E::KeyInvalid, E::KeyInvalid);
    story
}

#[test]
fn all_paths_answer() {
    let story = Story::healthy();
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Healthy @");
    assert!(diagnosis.findings.is_empty(), "{:?}", diagnosis.findings);
    assert_eq!(diagnosis.own_conditions, "TTTUTT");
}

#[test]
fn a_gateway_that_injects_an_old_key_is_named_from_three_replies() {
    let diagnosis = stale().diagnose();
    assert_eq!(headline(&diagnosis), "Failing GatewayStaleCredential@edge");
    assert_eq!(diagnosis.verdict.layer, "Configuration");
    // A rule that adds a suffix to no key at all gives the same replies: the advice names the other reading.
    assert_eq!(diagnosis.findings[0].confidence, Confidence::Likely);
    assert!(
        diagnosis.verdict.advice.contains("adds to x-api-key"),
        "{}",
        diagnosis.verdict.advice
    );
    assert!(
        evidence(&diagnosis).contains("random key: 401"),
        "{}",
        evidence(&diagnosis)
    );
    assert_eq!(diagnosis.conditions[1].status, Status::False);
    assert_eq!(diagnosis.conditions[1].reason, "GatewayStaleCredential");
    assert_eq!(diagnosis.conditions[2].status, Status::False);
}

#[test]
fn the_word_stale_needs_a_changed_fingerprint_or_direct_success_with_that_secret() {
    assert!(stale().diagnose().verdict.advice.contains("stale key"));
    let mut alone = stale();
    alone.paths.remove(0);
    assert_eq!(alone.verdict(), "Failing GatewayStaleCredential@edge");
    assert!(alone.diagnose().verdict.advice.contains("wrong key"));
    alone.context.keys.push(KeyHistory {
        key_ref: "claude-key/api-key".into(),
        fingerprint: "0a1b2".into(),
        seen_since_ms: Some(1_799_999_000_000),
        previous_last_seen_ms: Some(1_799_998_000_000),
    });
    assert!(alone.diagnose().verdict.advice.contains("stale key"));
}

#[test]
fn a_gateway_that_is_older_than_the_key_leaves_no_other_reading() {
    let mut story = stale();
    story.context.keys.push(KeyHistory {
        key_ref: "claude-key/api-key".into(),
        fingerprint: "0a1b2".into(),
        seen_since_ms: Some(1_799_999_000_000),
        previous_last_seen_ms: Some(1_799_998_000_000),
    });
    story.context.gateway_pods.push(PodsOf {
        path: "edge".into(),
        oldest_start_ms: 1_799_000_000_000,
    });
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Failing GatewayStaleCredential@edge");
    assert_eq!(diagnosis.findings[0].confidence, Confidence::Certain);
    assert!(
        !diagnosis.verdict.advice.contains("adds to"),
        "{}",
        diagnosis.verdict.advice
    );
}

#[test]
fn a_key_that_claude_rejects_everywhere_is_no_gateways_fault() {
    let mut story = Story::new();
    for path in ["direct", "edge"] {
        story.on(path).key_rejected(E::KeyInvalid, E::KeyRequired);
    }
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Failing CredentialRejected@");
    assert_eq!(diagnosis.conditions[1].status, Status::Unknown);
    assert_eq!(diagnosis.conditions[1].reason, "SharedCause");
}

#[test]
fn required_to_no_key_means_that_ours_is_passed_on_and_altered() {
    let mut story = Story::new();
    story.on("direct").frozen(stream());
    story.on("edge").key_rejected(E::KeyInvalid, E::KeyRequired);
    assert_eq!(story.verdict(), "Failing CredentialAltered@edge");
}

#[test]
fn without_a_control_a_forwarded_and_rejected_key_is_only_a_reading() {
    let mut story = Story::without_direct();
    story.on("edge").key_rejected(E::KeyInvalid, E::KeyRequired);
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Inconclusive @edge");
    assert!(
        diagnosis.verdict.message.contains("CredentialRejected"),
        "{}",
        diagnosis.verdict.message
    );
    assert!(diagnosis.verdict.message.contains("CredentialAltered"));
}

#[test]
fn a_key_that_does_not_arrive_was_stripped() {
    let mut story = Story::new();
    story.on("direct").frozen(stream());
    story.on("edge").frozen(claude(401, E::KeyRequired));
    assert_eq!(story.verdict(), "Failing CredentialStripped@edge");
}

#[test]
fn a_gateway_that_requires_its_own_credential_rejects_the_request_itself() {
    let mut story = Story::new();
    story.on("direct").frozen(stream());
    story.on("edge").frozen(page(401)).reply(K::BadKey, page(401));
    assert_eq!(story.verdict(), "Failing GatewayAuthRefused@edge");
}

#[test]
fn an_imitated_401_of_unknown_making_is_inconclusive() {
    let mut story = Story::new();
    story.on("direct").frozen(stream());
    for kind in [K::Frozen, K::BadKey, K::NoKey] {
        story.on("edge").reply(kind, lookalike(401, E::KeyInvalid));
    }
    assert_eq!(story.verdict(), "Inconclusive @edge");
}

#[test]
fn a_gateway_that_knows_only_the_other_auth_header() {
    let mut story = Story::new();
    story.on("direct").frozen(stream());
    story.on("edge").frozen(page(401)).reply(K::OtherAuthHeader, ok());
    assert_eq!(story.verdict(), "Failing CredentialCarrierMismatch@edge");
    // The auth header that the probe uses works, the other one does not, and Claude takes both: it will hurt with the
    // next SDK.
    let mut story = Story::healthy();
    story.on("direct").reply(K::OtherAuthHeader, ok());
    story.on("edge").reply(K::OtherAuthHeader, page(401));
    assert_eq!(story.verdict(), "Degraded CredentialCarrierMismatch@edge");
}

#[test]
fn a_dropped_auth_header_beside_one_that_survives_is_named() {
    let mut story = Story::new();
    story.on("direct").frozen(stream());
    story
        .on("edge")
        .frozen(claude(401, E::KeyRequired))
        .reply(K::OtherAuthHeader, ok());
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Failing CredentialStripped@edge");
    assert!(
        diagnosis
            .verdict
            .advice
            .starts_with("The gateway drops x-api-key and forwards authorization."),
        "{}",
        diagnosis.verdict.advice
    );
}

#[test]
fn two_gateways_that_forward_the_same_rejected_key_need_no_control() {
    use crate::diagnosis::Role;
    let mut story = Story::without_direct();
    story.add("other", Role::Gateway);
    for path in ["edge", "other"] {
        story.on(path).key_rejected(E::KeyInvalid, E::KeyRequired);
    }
    assert_eq!(story.verdict(), "Failing CredentialRejected@");
}

#[test]
fn a_revoked_key_that_claude_recognises_arrived_as_it_was_sent() {
    let mut story = Story::without_direct();
    story.on("edge").key_rejected(E::CredentialRevoked, E::KeyRequired);
    assert_eq!(story.verdict(), "Failing CredentialRejected@edge");
}

#[test]
fn an_unknown_error_for_no_key_is_no_third_rejection() {
    let mut story = Story::new();
    story.on("direct").frozen(stream());
    story.on("edge").key_rejected(E::KeyInvalid, E::Unauthenticated);
    assert_eq!(story.verdict(), "Inconclusive @edge");
}

#[test]
fn a_key_that_claude_rejects_and_accepts_in_one_run_is_a_contradiction() {
    // Rejected on the control, and answered when repeated.
    let mut story = Story::new();
    story
        .on("direct")
        .frozen(claude(401, E::KeyInvalid))
        .reply(K::Repeat, stream());
    story.on("edge").frozen(claude(401, E::KeyInvalid));
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Inconclusive @edge");
    let message = diagnosis.verdict.message.clone() + &evidence(&diagnosis);
    for part in [
        "contradictory",
        "was answered",
        "CredentialRejected",
        "CredentialAltered",
    ] {
        assert!(message.contains(part), "{part} is missing in: {message}");
    }
    // Rejected on the control, and accepted through a gateway that forwards keys.
    let mut story = Story::new();
    story.on("direct").frozen(claude(401, E::KeyInvalid));
    story
        .on("edge")
        .frozen(stream())
        .reply(K::BadKey, claude(401, E::KeyInvalid));
    assert_eq!(story.verdict(), "Degraded @");
    // One that sends its own key shows nothing of ours.
    story.evidence.paths[1].exchanges[1] = crate::report::evidence::Exchange {
        kind: K::BadKey,
        ..ok()
    };
    assert_eq!(story.verdict(), "Degraded CredentialRejected@direct");
}

#[test]
fn a_gateway_that_lets_a_random_key_in_and_not_ours_contradicts_itself() {
    let mut story = Story::new();
    story.on("direct").frozen(stream());
    story
        .on("edge")
        .frozen(claude(401, E::KeyInvalid))
        .reply(K::BadKey, ok())
        .reply(K::NoKey, claude(401, E::KeyRequired));
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Inconclusive @edge");
    let message = diagnosis.verdict.message.clone() + &evidence(&diagnosis);
    for part in [
        "contradictory",
        "random key: 200",
        "GatewayStaleCredential",
        "CredentialAltered",
    ] {
        assert!(message.contains(part), "{part} is missing in: {message}");
    }
}

#[test]
fn a_key_that_arrives_where_none_is_sent_is_the_gateways() {
    let mut story = Story::new();
    story.on("direct").frozen(stream());
    let edge = story.on("edge");
    (edge.path.key_ref, edge.evidence.key) = (None, None);
    edge.frozen(claude(401, E::KeyInvalid));
    assert_eq!(story.verdict(), "Failing GatewayStaleCredential@edge");
}

#[test]
fn a_rewritten_rejection_is_no_check_of_the_gateways_where_claude_rejects_the_key() {
    let mut story = Story::new();
    story.on("direct").frozen(claude(401, E::KeyInvalid));
    story.on("edge").frozen(page(401)).reply(K::BadKey, page(401));
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Failing CredentialRejected@");
    assert!(!attributions(&diagnosis.findings).contains(&"GatewayAuthRefused@edge".to_owned()));
}

#[test]
fn a_revoked_key_behind_a_virtual_one_is_not_the_virtual_one() {
    let mut story = Story::without_direct();
    story
        .on("edge")
        .virtual_key()
        .frozen(claude(401, E::CredentialRevoked))
        .reply(K::BadKey, claude(401, E::KeyInvalid))
        .reply(K::NoKey, claude(401, E::KeyRequired));
    assert_eq!(story.verdict(), "Failing CredentialAltered@edge");
}
