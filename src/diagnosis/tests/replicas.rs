//! Mixed results: a rate, never "all".

use super::super::fixture::*;
use crate::catalogue::{Code, Confidence, Severity};
use crate::claude::error::ErrorClass as E;
use crate::report::evidence::Outcome;

#[test]
fn a_failure_that_one_of_two_tries_shows_has_its_rate_and_is_not_certain() {
    let mut story = Story::new();
    story.on("direct").frozen(stream());
    story.on("edge").frozen(page(502)).reply(K::Repeat, stream());
    let diagnosis = story.diagnose();
    assert_eq!(diagnosis.verdict.path, "edge");
    let finding = &diagnosis.findings[0];
    assert!(
        finding.evidence.contains("1 of 2 tries fail: only some replicas"),
        "{finding:?}"
    );
    assert!(finding.advice.contains("replicas"), "{finding:?}");
    assert!(finding.confidence <= Confidence::Likely);
}

#[test]
fn an_old_key_in_some_replicas_has_its_rate_too() {
    let mut story = Story::new();
    story.on("direct").frozen(stream());
    let edge = story.on("edge");
    edge.frozen(claude(401, E::KeyInvalid))
        .reply(K::Repeat, claude(401, E::KeyInvalid))
        .reply(K::Repeat, stream())
        .reply(K::NoKey, claude(401, E::KeyInvalid))
        .reply(K::BadKey, claude(401, E::KeyInvalid));
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Failing GatewayStaleCredential@edge");
    let finding = &diagnosis.findings[0];
    assert!(finding.evidence.contains("2 of 3 tries fail"), "{finding:?}");
    assert_eq!(finding.confidence, Confidence::Likely);
}

#[test]
fn a_failure_of_all_tries_is_no_matter_of_replicas() {
    let mut story = Story::new();
    story.on("direct").frozen(stream());
    story.on("edge").frozen(page(502)).reply(K::Repeat, page(502));
    let diagnosis = story.diagnose();
    assert!(!evidence(&diagnosis).contains("replicas"), "{}", evidence(&diagnosis));
}

#[test]
fn an_address_that_takes_no_connection_is_a_warning_with_its_rate() {
    let mut story = Story::healthy();
    let hand = &mut story.on("edge").evidence.handshake;
    (hand.addresses, hand.failed_addresses) = (3, 1);
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Degraded GatewayConnectFailed@edge");
    assert!(diagnosis.findings[0].evidence.contains("1 of 3 addresses"));
    // On the control it is no finding, and where no address accepts a connection another rule applies.
    let mut story = Story::healthy();
    let hand = &mut story.on("direct").evidence.handshake;
    (hand.addresses, hand.failed_addresses) = (3, 1);
    assert_eq!(story.verdict(), "Healthy @");
}

#[test]
fn equal_requests_that_fail_at_times_are_a_warning_and_unequal_ones_are_not_compared() {
    let mut story = Story::healthy();
    story
        .on("edge")
        .reply(K::CountTokens, page(502))
        .reply(K::CountTokens, ok());
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Degraded GatewayUnavailable@edge");
    let finding = &diagnosis.findings[0];
    assert_eq!(
        (finding.code, finding.severity),
        (Code::GatewayUnavailable, Severity::Warning)
    );
    assert!(finding.evidence.starts_with("1 of 2 equal requests"), "{finding:?}");
    // A gateway that does not serve an endpoint, or dislikes a defect, does so each time.
    let mut story = Story::healthy();
    story
        .on("edge")
        .reply(K::CountTokens, page(502))
        .reply(K::BogusVersion, page(500))
        .reply(K::BogusVersion, page(500));
    assert_eq!(story.verdict(), "Healthy @");
    // A connection that breaks is another rule's.
    let mut story = Story::healthy();
    story
        .on("edge")
        .reply(K::CountTokens, nothing(Outcome::ResetBeforeHead));
    assert_eq!(story.verdict(), "Healthy @");
}
