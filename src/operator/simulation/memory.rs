//! State from one run to the next. All of it is in the status: a new process knows as much as the old one.

use super::*;
use crate::claude::error::ErrorClass;
use crate::report::evidence::{Echo, Reach, ReplyTraits, SkipReason, Usage};
use crate::resource::status::PathOutcome;
use crate::status::forwarding_checks;

fn verdict(world: &World) -> String {
    let verdict = world.status.verdict.as_ref().unwrap();
    format!("{} {}@{}", verdict.state.name(), verdict.code, verdict.path)
}

fn claude(kind: ExchangeKind, status: u16, class: ErrorClass) -> Exchange {
    Exchange {
        status,
        error: class,
        echo: if class == ErrorClass::BetaUnexpected {
            Echo::Exact
        } else {
            Echo::None
        },
        traits: ReplyTraits::REQUEST_ID
            .with(ReplyTraits::CF_RAY)
            .with(ReplyTraits::ENVELOPE)
            .with(ReplyTraits::BODY_REQUEST_ID)
            .with(ReplyTraits::IDS_AGREE),
        ..Exchange::new(kind, Outcome::Answered)
    }
}

/// The gateway takes half a second longer, in one run a lot less.
fn slow(choice: ForwardingCheckChoice, runs: usize) -> RunEvidence {
    let mut run = healthy();
    if choice.headers {
        let gateway = if runs == 1 { 50 } else { 700 };
        for (path, ms) in run.paths.iter_mut().zip([200, gateway]) {
            path.exchanges.push(Exchange {
                status: 200,
                body: BodyKind::AsAsked,
                total_ms: Some(ms),
                ..Exchange::new(ExchangeKind::CountTokens, Outcome::Answered)
            });
        }
    }
    run
}

#[test]
fn a_gateway_that_is_slow_in_twelve_runs_is_named_and_cleared_when_it_is_fast_again() {
    let mut world = World::new(fixture::probe_with("forwardingChecks: {every: 10m}"), Fate::Reports(3));
    world.sees = slow;
    world.pass(600 * 10);
    assert_eq!(
        verdict(&world),
        "Healthy @",
        "too few runs: {:?}",
        world.status.paths[1].latency
    );
    world.pass(600 * 4);
    assert_eq!(verdict(&world), "Degraded GatewayLatency@edge");
    let kept = world.status.paths[1].latency.clone().unwrap();
    assert_eq!((kept.direct_ms.len(), kept.gateway_ms.len()), (12, 12));
    let text = &world.status.findings[0].evidence;
    assert!(text.contains("median of 12 runs: the gateway adds 500 ms"), "{text}");
    world.sees = |choice, _| slow(choice, 1);
    world.pass(600 * 8);
    assert_eq!(verdict(&world), "Healthy @");
    // Nothing is known of another spec.
    world.probe.generation = 2;
    world.sees = |_, _| healthy();
    world.pass(30);
    assert_eq!(world.status.paths[1].latency, None);
}

/// Claude's stream takes two seconds, and the gateway in a pod of its own forwards it all at once.
fn collected() -> RunEvidence {
    let mut run = healthy();
    run.paths.push(PathEvidence {
        path: "own".into(),
        ..run.paths[1].clone()
    });
    for (path, (first, reads)) in run.paths.iter_mut().zip([(300, 28), (310, 28), (2_295, 1)]) {
        let stream = path.exchanges[0].stream.as_mut().unwrap();
        (stream.first_event_ms, stream.last_event_ms, stream.end_ms) = (Some(first), Some(2_300), 2_305);
        (stream.reads, stream.max_gap_ms) = (reads, 90);
    }
    run
}

#[test]
fn a_gateway_without_the_control_in_its_pod_is_found_buffering_at_its_second_run() {
    let own = "- {name: own, url: 'http://own:8080', placement: {nodeSelector: {pool: edge}}}";
    let mut world = World::new(fixture::probe_with(own), Fate::Reports(3));
    world.sees = |_, _| collected();
    world.pass(60);
    assert_eq!((world.probe.pods.len(), world.closed.len()), (2, 1));
    assert_eq!(verdict(&world), "Healthy @", "one pair of streams");
    world.pass(300);
    assert_eq!(
        (world.closed.len(), verdict(&world)),
        (2, "Degraded StreamBuffered@own".into())
    );
    let text = &world.status.findings[0].evidence;
    assert!(text.contains("as in an earlier run"), "{text}");
    assert!(
        world.pods.iter().all(|pod| !pod.choice.buffered),
        "second pairs beside the control are sent as usual"
    );
    world.sees = |_, _| {
        let mut run = healthy();
        run.paths.push(PathEvidence {
            path: "own".into(),
            ..run.paths[1].clone()
        });
        run
    };
    world.pass(300);
    assert_eq!(verdict(&world), "Healthy @");
    // One odd pair long after proves nothing.
    world.pass(1_500);
    world.sees = |_, _| collected();
    world.pass(300);
    assert_eq!(verdict(&world), "Healthy @");
}

#[test]
fn where_only_forwarding_checks_stream_the_previous_runs_pair_is_the_second() {
    let own = "- {name: own, url: 'http://own:8080', placement: {nodeSelector: {pool: edge}}}
  request: {stream: false}
  forwardingChecks: {every: 1h}";
    let mut world = World::new(fixture::probe_with(own), Fate::Reports(3));
    world.sees = |choice, _| {
        let mut run = collected();
        for path in &mut run.paths {
            let streamed = Exchange {
                kind: ExchangeKind::OtherForm,
                ..path.exchanges[0].clone()
            };
            path.exchanges[0].stream = None;
            path.exchanges.extend(choice.headers.then_some(streamed));
        }
        run
    };
    world.pass(3_000);
    assert_eq!((world.closed.len() > 9, verdict(&world)), (true, "Healthy @".into()));
    // An hour after the first, the forwarding checks of another run show the same.
    let mut verdicts = Vec::new();
    for _ in 0..4 {
        world.pass(300);
        verdicts.push(verdict(&world));
    }
    assert!(
        verdicts.contains(&"Degraded StreamBuffered@own".to_owned()),
        "{verdicts:?}"
    );
}

#[test]
fn results_of_credential_checks_outlive_the_next_header_checks() {
    let mut world = World::new(fixture::probe_with("forwardingChecks: {every: 10m}"), Fate::Reports(3));
    // The first run checks the key; the others only headers.
    world.sees = |choice, _| {
        let mut run = healthy();
        for path in &mut run.paths {
            if choice.credential == crate::plan::CredentialChecks::Always {
                path.exchanges
                    .push(claude(ExchangeKind::NoKey, 401, ErrorClass::KeyRequired));
            }
            if choice.headers {
                path.exchanges
                    .push(claude(ExchangeKind::BogusBeta, 400, ErrorClass::BetaUnexpected));
            }
        }
        run
    };
    world.pass(1000);
    let kept = world.status.paths[1].forwarding_checks.clone().unwrap();
    let newest = kept.at.clone().unwrap().0.as_millisecond();
    let aged: Vec<_> = forwarding_checks::results(Some(&kept))
        .map(|kept| (kept.exchange.kind, kept.at_ms < newest))
        .collect();
    assert_eq!(aged, [(ExchangeKind::BogusBeta, false), (ExchangeKind::NoKey, true)]);
    // Older than three periods it is dropped, the other is not.
    world.pass(1200);
    let kept = world.status.paths[1].forwarding_checks.clone().unwrap();
    assert_eq!(kept.results.keys().collect::<Vec<_>>(), ["BogusBeta"]);
}

#[test]
fn results_of_a_rejected_key_are_not_used_once_the_key_is_accepted() {
    let mut world = World::new(fixture::probe_with("forwardingChecks: {every: 10m}"), Fate::Reports(3));
    // Direct accepts the key in both headers. The gateway's stored key is rejected in the first run; then it is fixed.
    world.sees = |_, runs| {
        let mut run = healthy();
        if runs > 0 {
            return run;
        }
        run.paths[0].exchanges.push(Exchange {
            body: BodyKind::AsAsked,
            ..claude(ExchangeKind::OtherAuthHeader, 200, ErrorClass::None)
        });
        run.paths[1].exchanges = [
            ExchangeKind::Frozen,
            ExchangeKind::BadKey,
            ExchangeKind::NoKey,
            ExchangeKind::OtherAuthHeader,
        ]
        .map(|kind| claude(kind, 401, ErrorClass::KeyInvalid))
        .to_vec();
        run
    };
    world.pass(20);
    assert_eq!(verdict(&world), "Failing GatewayStaleCredential@edge");
    world.pass(700);
    assert_eq!(verdict(&world), "Healthy @", "{:?}", world.status.findings);
}

/// The evidence of a run over budget: the free exchange, with this status from the gateway.
fn free(status: u16) -> RunEvidence {
    let mut run = healthy();
    for (path, status) in run.paths.iter_mut().zip([200, status]) {
        path.handshake.outcome = Reach::Connected;
        path.exchanges = vec![Exchange {
            status,
            body: if status == 200 {
                BodyKind::AsAsked
            } else {
                BodyKind::Unknown
            },
            traits: if status == 200 {
                ReplyTraits::REQUEST_ID
            } else {
                ReplyTraits::HTML
            },
            ..Exchange::new(ExchangeKind::CountTokens, Outcome::Answered)
        }];
        path.skipped = vec![(ExchangeKind::Frozen, SkipReason::OverBudget)];
    }
    run
}

#[test]
fn over_budget_the_verdict_shows_it_becomes_unknown_and_faults_are_still_found() {
    let mut probe = probe();
    let first = ForwardingCheckChoice {
        headers: true,
        ..ForwardingCheckChoice::default()
    };
    probe.tokens_per_day = crate::plan::reservation(&probe, first);
    let mut world = World::new(probe, Fate::Reports(3));
    // One run uses up the budget.
    world.sees = |choice, _| {
        if choice.zero_token_only {
            return free(200);
        }
        let mut run = healthy();
        run.paths[0].exchanges[0].usage = Some(Usage {
            input: 20,
            output: 100_000,
        });
        run
    };
    world.pass(20);
    assert_eq!(verdict(&world), "Healthy @");
    world.pass(310);
    assert_eq!(verdict(&world), "Healthy @", "it is not too old yet");
    let since = world.status.verdict.clone().unwrap().zero_token_since.unwrap().0;
    assert!(since.to_string().starts_with("2026-11-23T10:0"), "{since}");
    assert_eq!(world.status.paths[1].outcome, PathOutcome::NotSent, "so `up` is absent");
    world.pass(900);
    assert_eq!(verdict(&world), "Unknown @");
    assert_eq!(
        condition(&world, "GatewayPathHealthy"),
        ("Unknown".into(), "OverBudget".into())
    );
    // The gateway fails meanwhile: a zero-token exchange shows it.
    world.sees = |_, _| free(502);
    world.pass(600);
    assert_eq!(verdict(&world), "Failing GatewayUnavailable@edge");
    assert_eq!(condition(&world, "GatewayPathHealthy").0, "False");
    // Then it is fixed: that stays unknown until the next day's tokens.
    world.sees = |_, _| free(200);
    world.pass(1800);
    assert_eq!(verdict(&world), "Unknown @");
}

#[test]
fn a_changed_spec_over_budget_has_no_verdict_of_the_old_one() {
    let mut probe = probe();
    probe.tokens_per_day = 0;
    let mut world = World::new(probe, Fate::Reports(3));
    world.sees = |_, _| free(200);
    world.pass(20);
    assert_eq!(verdict(&world), "Unknown @");
    let said = condition(&world, "GatewayPathHealthy");
    assert_eq!(said, ("Unknown".into(), "OverBudget".into()));
}
