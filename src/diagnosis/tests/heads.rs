//! What becomes of the headers of Claude's answers and errors on their way back.

use super::headers::{echoed, finding, forwarding_check};
use crate::catalogue::{Code, Severity};
use crate::claude::error::ErrorClass as E;
use crate::diagnosis::fixture::*;
use crate::report::evidence::{Departure, Echo, Exchange, HeadEvidence, ReplyHeader, ReplyTraits, Spelling};

/// Both answer; the gateway's head is this one.
fn answered(direct: HeadEvidence, edge: HeadEvidence) -> Story {
    let mut story = Story::healthy();
    for (path, head) in story.evidence.paths.iter_mut().zip([direct, edge]) {
        path.exchanges[0].head = Some(head);
    }
    story
}

fn head(departures: &[(ReplyHeader, Departure)]) -> HeadEvidence {
    HeadEvidence {
        spelling: Spelling::Mixed,
        departures: departures.to_vec(),
        foreign: 0,
    }
}

#[test]
fn what_every_proxy_does_to_a_head_is_nothing_by_itself() {
    let proxied = HeadEvidence {
        spelling: Spelling::Lower,
        foreign: 4,
        ..head(&[(ReplyHeader::Server, Departure::Value(3))])
    };
    let diagnosis = answered(head(&[]), proxied).diagnose();
    assert_eq!(headline(&diagnosis), "Healthy @");
    assert!(diagnosis.findings.is_empty(), "{:?}", diagnosis.findings);
}

#[test]
fn other_changes_of_a_head_are_information_and_named_by_class() {
    use ReplyHeader as H;
    let ours = HeadEvidence {
        spelling: Spelling::Lower,
        foreign: 2,
        ..head(&[
            (H::TraceResponse, Departure::Absent),
            (H::Vary, Departure::Value(9)),
            (H::OrganizationId, Departure::Merged),
            (H::ContentType, Departure::Repeated),
        ])
    };
    let diagnosis = answered(head(&[(H::Date, Departure::Absent)]), ours).diagnose();
    assert_eq!(headline(&diagnosis), "Healthy @");
    assert_eq!(diagnosis.own_conditions, "TTTUTT");
    let found = finding(&diagnosis, Code::ResponseHeadersRewritten);
    assert_eq!(found.severity, Severity::Information);
    assert_eq!(
        found.evidence,
        "compared with the direct answer: dropped: traceresponse; changed: vary; merged into one line: anthropic-organization-id; \
         on several lines: content-type; 2 headers added; names in lower case"
    );
}

#[test]
fn a_head_that_departs_on_both_paths_is_claudes_own() {
    use ReplyHeader as H;
    let other = head(&[
        (H::TokenLimits, Departure::Absent),
        (H::CacheControl, Departure::Value(4)),
    ]);
    assert!(answered(other.clone(), other.clone()).diagnose().findings.is_empty());
    // What the gateway's answer has beyond the control's is no loss.
    assert!(answered(other, head(&[])).diagnose().findings.is_empty());
}

#[test]
fn two_request_ids_are_as_bad_as_none() {
    for departure in [Departure::Merged, Departure::Repeated] {
        let story = answered(head(&[]), head(&[(ReplyHeader::RequestId, departure)]));
        assert_eq!(story.verdict(), "Degraded ResponseHeadersRewritten@edge");
    }
}

#[test]
fn ids_and_retry_after_that_errors_lose_are_a_warning() {
    let bare = |reply: Exchange| Exchange {
        traits: ReplyTraits::ENVELOPE.with(ReplyTraits::BODY_REQUEST_ID),
        ..reply
    };
    let story = forwarding_check(
        K::BogusBeta,
        echoed(E::BetaUnexpected, Echo::Exact),
        bare(echoed(E::BetaUnexpected, Echo::Exact)),
    );
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Degraded ResponseHeadersRewritten@edge");
    // Without any id it may be the gateway's own, in Claude's words.
    let imitated = Exchange {
        traits: ReplyTraits::ENVELOPE,
        ..echoed(E::BetaUnexpected, Echo::Exact)
    };
    let own = forwarding_check(K::BogusBeta, echoed(E::BetaUnexpected, Echo::Exact), imitated);
    assert_eq!(own.verdict(), "Healthy @");
    let mut limited = Story::new();
    let mut error = claude(429, E::RateLimit);
    limited.on("edge").frozen(error.clone());
    error.traits = error.traits.with(ReplyTraits::RETRY_AFTER);
    limited.on("direct").frozen(error);
    let found = attributions(&limited.diagnose().findings);
    assert!(found.contains(&"ResponseHeadersRewritten@edge".to_owned()), "{found:?}");
    assert!(found.iter().any(|name| name.starts_with("RateLimited")), "{found:?}");
}
