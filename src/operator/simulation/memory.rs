//! What runs remember of each other, all of it in the status: a new process knows as much as the old one.

use super::*;
use crate::claude::error::ErrorClass;
use crate::report::evidence::{Echo, Marks};

fn verdict(world: &World) -> String {
    let verdict = world.status.verdict.as_ref().unwrap();
    format!("{:?} {}@{}", verdict.state, verdict.code, verdict.path)
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
        marks: Marks::REQUEST_ID
            .with(Marks::CF_RAY)
            .with(Marks::ENVELOPE)
            .with(Marks::BODY_REQUEST_ID)
            .with(Marks::IDS_AGREE),
        ..Exchange::new(kind, Outcome::Answered)
    }
}

/// The gateway takes half a second longer, in one run a lot less.
fn slow(choice: CanaryChoice, runs: usize) -> RunEvidence {
    let mut run = healthy();
    if choice.headers {
        let gateway = if runs == 1 { 50 } else { 700 };
        for (leg, ms) in run.legs.iter_mut().zip([200, gateway]) {
            leg.exchanges.push(Exchange {
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
    let mut world = World::new(fixture::probe_with("canaries: {every: 10m}"), Fate::Reports(3));
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
    assert!(text.contains("median of 12 runs: 500 ms more"), "{text}");
    world.sees = |choice, _| slow(choice, 1);
    world.pass(600 * 8);
    assert_eq!(verdict(&world), "Healthy @");
    // Of another spec nothing is known.
    world.probe.generation = 2;
    world.sees = |_, _| healthy();
    world.pass(30);
    assert_eq!(world.status.paths[1].latency, None);
}

#[test]
fn what_a_key_canary_told_outlives_the_next_header_canaries() {
    let mut world = World::new(fixture::probe_with("canaries: {every: 10m}"), Fate::Reports(3));
    // The first run asks about the key; the others only about headers.
    world.sees = |choice, _| {
        let mut run = healthy();
        for leg in &mut run.legs {
            if choice.credential == crate::plan::CredentialCanaries::Always {
                leg.exchanges
                    .push(claude(ExchangeKind::NoKey, 401, ErrorClass::KeyRequired));
            }
            if choice.headers {
                leg.exchanges
                    .push(claude(ExchangeKind::BogusBeta, 400, ErrorClass::BetaUnexpected));
            }
        }
        run
    };
    world.pass(1000);
    let kept = world.status.paths[1].canaries.clone().unwrap();
    let (old, new): (Vec<_>, Vec<_>) = kept.results.iter().partition(|text| text.contains("\"at\""));
    assert!(old.len() == 1 && old[0].contains("NoKey"), "{kept:?}");
    assert!(new.len() == 1 && new[0].contains("BogusBeta"), "{kept:?}");
    // Older than three periods it is gone, the other is not.
    world.pass(1200);
    let kept = world.status.paths[1].canaries.clone().unwrap();
    assert!(
        kept.results.len() == 1 && kept.results[0].contains("BogusBeta"),
        "{kept:?}"
    );
}
