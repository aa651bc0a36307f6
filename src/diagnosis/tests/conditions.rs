//! Conditions: their statuses and messages, and when they change.

use rstest::rstest;

use crate::catalogue::{Code, ConditionType};
use crate::claude::error::ErrorClass as E;
use crate::diagnosis::fixture::*;
use crate::diagnosis::{Condition, PastRun, Pending, Role, Status};
use crate::report::evidence::Exchange;

/// Runs these stories one after the other, each with what the one before left. Returns GatewayPathHealthy after each.
fn replay(letters: &str) -> String {
    let mut runs: Vec<PastRun> = Vec::new();
    let mut published: Vec<Condition> = Vec::new();
    let mut shown = String::new();
    for letter in letters.chars() {
        let mut story = Story::new();
        story.on("direct").frozen(stream());
        let edge = if letter == 'T' { stream() } else { page(429) };
        story.on("edge").frozen(edge);
        story.context.last_runs = runs.clone();
        story.context.conditions = published.clone();
        let diagnosis = story.diagnose();
        shown.push(match diagnosis.conditions[1].status {
            Status::True => 'T',
            Status::False => 'F',
            Status::Unknown => 'U',
        });
        published = diagnosis.conditions.clone();
        runs.insert(
            0,
            PastRun {
                own_conditions: diagnosis.own_conditions,
                ..PastRun::default()
            },
        );
        runs.truncate(5);
    }
    shown
}

#[rstest]
#[case::the_first_run_decides_at_once("F", "F")]
#[case::one_failure_flips_nothing("TTFTT", "TTTTT")]
#[case::two_in_a_row_do("TTFFT", "TTTFF")]
#[case::three_of_five_do("TFTFTF", "TTTTTF")]
#[case::recovery_takes_two("FFTT", "FFFT")]
#[case::flapping_stays_put("TFTTFTTFTT", "TTTTTTTTTT")]
fn a_condition_changes_after_two_runs_or_three_of_five(#[case] runs: &str, #[case] shown: &str) {
    assert_eq!(replay(runs), shown);
}

#[test]
fn a_change_that_is_buffering_is_announced() {
    let mut story = Story::new();
    story.on("direct").frozen(stream());
    story.on("edge").frozen(page(429));
    story.context.last_runs = vec![PastRun {
        own_conditions: "TTTUTT".into(),
        ..PastRun::default()
    }];
    story.context.conditions = Story::healthy().diagnose().conditions;
    let diagnosis = story.diagnose();
    assert_eq!(
        headline(&diagnosis),
        "Failing GatewayRateLimited@edge",
        "the verdict does not wait"
    );
    let gateway = &diagnosis.conditions[1];
    assert_eq!((gateway.status, gateway.reason.as_str()), (Status::True, "Answered"));
    let pending = Pending {
        status: Status::False,
        reason: "GatewayRateLimited".into(),
    };
    assert_eq!(gateway.pending, Some(pending));
    story.context.conditions = diagnosis.conditions.clone();
    assert_eq!(story.diagnose().conditions[1], *gateway, "nothing piles up");
}

#[test]
fn gateways_aggregate_false_before_unknown_before_true() {
    let mut story = Story::healthy();
    story.add("other", Role::Gateway);
    story.on("other").frozen(page(429));
    let diagnosis = story.diagnose();
    assert_eq!(diagnosis.conditions[1].status, Status::False);
    assert!(
        diagnosis.conditions[1].message.starts_with("other [gateway]: "),
        "{}",
        diagnosis.conditions[1].message
    );
    story.evidence.paths[2].exchanges[0] = stream();
    story.evidence.paths[1].exchanges[0].cache_age_s = Some(3);
    assert_eq!(story.diagnose().conditions[1].reason, "AnsweredFromCache");
    story.evidence.paths[1].exchanges[0].cache_age_s = None;
    assert_eq!(story.diagnose().conditions[1].status, Status::True);
}

#[test]
fn the_same_genuine_reason_on_every_path_is_no_gateways_fault() {
    let mut story = Story::new();
    story.on("direct").frozen(claude(529, E::Overloaded));
    story.on("edge").frozen(claude(529, E::Overloaded));
    let shared = story.diagnose();
    assert_eq!(shared.conditions[0].status, Status::False);
    assert_eq!(
        (shared.conditions[1].status, shared.conditions[1].reason.as_str()),
        (Status::Unknown, "SharedCause")
    );
    story.add("other", Role::Gateway);
    story.on("other").frozen(page(403));
    assert_eq!(
        story.diagnose().conditions[1].status,
        Status::False,
        "one fails for its own reason"
    );
}

#[test]
fn without_a_direct_path_its_condition_is_unknown_and_nothing_else_suffers() {
    let mut story = Story::without_direct();
    story.on("edge").frozen(stream());
    let diagnosis = story.diagnose();
    assert_eq!(headline(&diagnosis), "Healthy @");
    assert_eq!(diagnosis.conditions[0].reason, "NotConfigured");
    assert_eq!(diagnosis.own_conditions, "UTTUTT");
}

#[test]
fn stream_intact_names_the_verified_duration_and_size() {
    let diagnosis = Story::healthy().diagnose();
    let intact = &diagnosis.conditions[4];
    assert_eq!(intact.kind, ConditionType::StreamIntact);
    assert!(
        intact.message.contains("2.8 s") && intact.message.contains("3.9 KiB"),
        "{}",
        intact.message
    );
}

#[test]
fn a_condition_that_nothing_tested_is_unknown_and_not_green() {
    let mut story = Story::new();
    story.on("direct").frozen(stream());
    story.on("edge").frozen(page(502));
    assert_eq!(story.diagnose().own_conditions, "TFUUUU");
}

#[test]
fn the_verdict_has_since_when_how_often_and_what_changed() {
    use crate::diagnosis::{KeyHistory, PreviousVerdict};
    use crate::resource::status::VerdictState;
    let mut story = Story::new();
    story.on("direct").frozen(stream());
    story.on("edge").frozen(claude(401, E::KeyRequired));
    story.context.last_good_ms = Some(1_799_990_000_000);
    story.context.previous = Some(PreviousVerdict {
        state: VerdictState::Failing,
        code: "CredentialStripped".into(),
        since_ms: 1_799_995_000_000,
    });
    story.context.last_runs = vec![
        PastRun {
            state: VerdictState::Failing,
            findings: vec![found(Code::CredentialStripped, "edge")],
            ..PastRun::default()
        },
        PastRun {
            state: VerdictState::Healthy,
            ..PastRun::default()
        },
    ];
    story.context.keys = vec![KeyHistory {
        key_ref: "claude-key/api-key".into(),
        fingerprint: "0a1b2".into(),
        seen_since_ms: Some(1_799_994_000_000),
        previous_last_seen_ms: Some(1_799_993_000_000),
    }];
    let diagnosis = story.diagnose();
    let message = &diagnosis.verdict.message;
    for part in [
        "CredentialStripped on edge [gateway → Claude]: the gateway drops the credential.",
        "Since 2027-01-15T06:36:40Z",
        "2 of 3 runs",
        "Request req_",
    ] {
        assert!(message.contains(part), "{part} is missing in: {message}");
    }
    assert_eq!(
        diagnosis.verdict.changed,
        "the key claude-key/api-key (seen since 2027-01-15T06:20:00Z)"
    );
    assert_eq!(diagnosis.verdict.hop, "gateway → Claude");
    for text in [&diagnosis.verdict.advice, &diagnosis.findings[0].evidence] {
        assert!(!message.contains(text.as_str()), "a field of its own: {text}");
    }
    let seen = diagnosis.findings[0].seen.unwrap();
    assert_eq!((seen.failed, seen.of), (2, 3));
}

#[test]
fn the_message_of_every_finding_has_room_for_its_rate_and_request_id() {
    for entry in crate::catalogue::CATALOGUE {
        let (code, title) = (entry.code, entry.title);
        let message = format!(
            "{code} on gateway [gateway → Claude]: {title} (likely). Since 2026-11-29T15:48:25Z, 2 of 3 runs. \
             Request req_011CvCHXwx47DviJc7EKvAkk."
        );
        assert!(message.len() <= 200, "{} bytes: {message}", message.len());
    }
}

#[test]
fn a_first_failure_that_the_run_could_not_repeat_waits_for_a_second_run() {
    let mut story = Story::new();
    story.on("direct").frozen(stream());
    story
        .on("edge")
        .frozen(nothing(crate::report::evidence::Outcome::ResetBeforeHead))
        .reply(K::Repeat, stream());
    let first = story.diagnose();
    let gateway = &first.conditions[1];
    assert_eq!(
        (gateway.status, gateway.reason.as_str()),
        (Status::Unknown, "Unconfirmed"),
        "{}",
        gateway.message
    );
    assert_eq!(&first.own_conditions[1..2], "F", "the run's own status is kept");
    // A second run with the same status settles it; one that could repeat its failure would have at once.
    let mut second = story.clone();
    second.context.conditions = first.conditions.clone();
    second.context.last_runs = vec![PastRun {
        own_conditions: first.own_conditions,
        ..PastRun::default()
    }];
    assert_eq!(second.diagnose().conditions[1].status, Status::False);
    story.evidence.paths[1].exchanges[1] = Exchange {
        kind: K::Repeat,
        ..nothing(crate::report::evidence::Outcome::ResetBeforeHead)
    };
    assert_eq!(story.diagnose().conditions[1].status, Status::False);
}

#[rstest]
#[case::one_bad_run("TTFTT", "Healthy @")]
#[case::fixed("FFFFT", "Healthy @")]
#[case::comes_and_goes("FTFTT", "Degraded GatewayRateLimited@edge")]
#[case::long_ago("FTFTTTT", "Healthy @")]
fn a_path_that_comes_and_goes_is_a_warning_with_its_rate(#[case] runs: &str, #[case] verdict: &str) {
    let mut past: Vec<PastRun> = Vec::new();
    let mut last = None;
    for letter in runs.chars() {
        let mut story = Story::new();
        story.on("direct").frozen(stream());
        story
            .on("edge")
            .frozen(if letter == 'T' { stream() } else { page(429) });
        story.context.last_runs = past.clone();
        let diagnosis = story.diagnose();
        past.insert(
            0,
            PastRun {
                at_ms: story.context.now_ms,
                state: diagnosis.verdict.state,
                code: diagnosis.verdict.code.clone(),
                path: diagnosis.verdict.path.clone(),
                findings: diagnosis.own_findings.clone(),
                own_conditions: diagnosis.own_conditions.clone(),
            },
        );
        last = Some(diagnosis);
    }
    let last = last.unwrap();
    assert_eq!(headline(&last), verdict);
    assert_eq!(last.own_conditions, "TTTUTT", "this run itself was answered");
    if verdict.starts_with("Degraded") {
        let seen = last.findings[0].seen.unwrap();
        assert_eq!((seen.failed, seen.of), (2, 5));
        assert!(last.own_findings.is_empty(), "it does not feed itself");
        assert!(
            evidence(&last).contains("failed in 2 of the 4 runs before"),
            "{}",
            evidence(&last)
        );
    }
}

#[test]
fn conditions_name_what_streams_could_not_show() {
    let message = |story: &Story| {
        let conditions = story.diagnose().conditions;
        let intact = conditions
            .iter()
            .find(|condition| condition.kind == ConditionType::StreamIntact);
        intact.unwrap().message.clone()
    };
    let whole = Story::healthy();
    assert!(!message(&whole).contains("buffered"), "{}", message(&whole));
    let mut quick = Story::new();
    let burst = changed(stream(), |stream| stream.last_event_ms = Some(900));
    quick.on("direct").frozen(burst.clone());
    quick.on("edge").frozen(burst);
    assert!(
        message(&quick).contains("too short to show buffering"),
        "{}",
        message(&quick)
    );
    // The long request was answered sooner than it should have been.
    let mut long = Story::healthy();
    long.request.long_at_least_ms = Some(60_000);
    assert!(!message(&long).contains("maxTokens"), "not sent in this run");
    long.on("direct").reply(K::Long, stream());
    long.on("edge").reply(K::Long, stream());
    assert!(message(&long).contains("ended before 60"), "{}", message(&long));
}
