//! Lives of a probe, as pods and writes.

use super::*;

#[test]
fn a_new_probe_runs_at_once_and_then_in_its_slots() {
    let mut world = World::new(probe(), Fate::Reports(3));
    world.pass(1800);
    assert_eq!(world.closed[0], ("g1".into(), "Reported".into()));
    assert_eq!(world.closed.len(), 7, "{:?}", world.closed);
    assert!(world.created.values().all(|times| *times == 1));
    assert_eq!((world.status.missed_runs, world.pods.len()), (0, 1));
    assert_eq!(
        condition(&world, "ProberOperational"),
        ("True".into(), "Reporting".into())
    );
}

#[test]
fn a_run_costs_two_writes_per_pod_and_one_for_the_status() {
    let mut world = World::new(probe(), Fate::Reports(3));
    world.pass(301);
    let (writes, runs) = (world.writes, world.closed.len());
    world.pass(3000);
    assert_eq!(world.closed.len() - runs, 10);
    assert_eq!(world.writes - writes, 30);
}

#[test]
fn a_pod_that_cannot_start_is_reported_at_once_ends_as_not_started_and_recovers() {
    let mut world = World::new(probe(), Fate::Stuck(FaultKind::SecretMissing));
    world.pass(5);
    assert_eq!(
        condition(&world, "ProberOperational"),
        ("False".into(), "SecretMissing".into())
    );
    assert!(world.closed.is_empty());
    world.pass(200);
    assert_eq!(world.closed, [("g1".into(), "NotStarted SecretMissing".into())]);
    assert_eq!(
        world.status.verdict.as_ref().unwrap().state,
        crate::resource::status::VerdictState::Unknown
    );
    assert_eq!(world.status.usage, None, "a pod that never started has used nothing");
    assert!(world.pods.is_empty(), "it must not start later");
    world.fate = Fate::Reports(3);
    world.pass(300);
    assert_eq!(
        condition(&world, "ProberOperational"),
        ("True".into(), "Reporting".into())
    );
}

#[test]
fn an_unschedulable_pod_is_reported_after_a_minute() {
    let mut world = World::new(probe(), Fate::Stuck(FaultKind::Unschedulable));
    world.pass(55);
    assert_eq!(condition(&world, "ProberOperational").0, "Unknown");
    world.pass(10);
    assert_eq!(
        condition(&world, "ProberOperational"),
        ("False".into(), "Unschedulable".into())
    );
}

#[test]
fn a_rejected_pod_is_reported_retried_and_ends_as_not_started() {
    let mut world = World::new(probe(), Fate::Reports(3));
    world.rejects = Some(FaultKind::QuotaExceeded);
    world.pass(2);
    assert_eq!(
        condition(&world, "ProberOperational"),
        ("False".into(), "QuotaExceeded".into())
    );
    world.rejects = None;
    world.pass(30);
    assert_eq!(world.closed, [("g1".into(), "Reported".into())]);
    world.rejects = Some(FaultKind::QuotaExceeded);
    world.pass(600);
    assert!(
        world
            .closed
            .contains(&(world.closed[1].0.clone(), "NotStarted QuotaExceeded".into())),
        "{:?}",
        world.closed
    );
    assert_eq!(world.status.missed_runs, i64::try_from(world.closed.len() - 1).unwrap());
}

#[test]
fn a_pod_that_vanishes_is_reported_lost_and_never_run_again() {
    let mut world = World::new(probe(), Fate::Vanishes(4));
    world.pass(60);
    assert_eq!(world.closed, [("g1".into(), "ReportLost".into())]);
    assert_eq!(world.created.len(), 1);
    assert_eq!(
        world.status.usage.as_ref().unwrap().tokens_today,
        100,
        "charged in full"
    );
}

#[test]
fn a_changed_spec_supersedes_the_run_and_starts_a_new_one() {
    let mut world = World::new(probe(), Fate::Reports(60));
    world.pass(10);
    world.probe.generation = 2;
    world.pass(120);
    assert_eq!(
        world.closed,
        [("g1".into(), "Superseded".into()), ("g2".into(), "Reported".into())]
    );
    assert_eq!(world.status.observed_generation, Some(2));
}

#[test]
fn the_annotation_runs_once_per_value_also_when_suspended() {
    let mut suspended = probe();
    suspended.suspend = true;
    let mut world = World::new(suspended, Fate::Reports(3));
    world.pass(600);
    assert!(world.created.is_empty());
    assert_eq!(
        (world.status.observed_generation, world.status.next_run.clone()),
        (Some(1), None)
    );
    world.run_now = Some("one".into());
    world.pass(600);
    assert_eq!(world.closed.len(), 1);
    world.run_now = Some("two".into());
    world.pass(600);
    assert_eq!(world.closed.len(), 2);
    assert!(names::wants_deep("2026-11-23T10:00:00Z deep") && !names::wants_deep("deeper"));
}

#[test]
fn a_probe_without_reports_becomes_unknown() {
    let mut world = World::new(probe(), Fate::Reports(3));
    world.pass(301);
    assert_ne!(condition(&world, "GatewayPathHealthy").1, "NoRunYet");
    world.probe.suspend = true;
    world.probe.generation = 2;
    world.pass(1200);
    assert_eq!(
        condition(&world, "GatewayPathHealthy"),
        ("Unknown".into(), "Suspended".into())
    );
    assert_eq!(
        world.status.verdict.as_ref().unwrap().state,
        crate::resource::status::VerdictState::Unknown
    );
    let writes = world.writes;
    world.pass(3600);
    assert_eq!(world.writes, writes, "and nothing is written again");
}

#[test]
fn a_pod_of_a_lost_node_ends_at_its_deadline_and_is_deleted_by_force() {
    let mut world = World::new(probe(), Fate::Vanishes(1_000_000));
    world.pass(120 + 180 + 35);
    assert_eq!(world.closed, [("g1".into(), "ReportLost NodeLost".into())]);
    assert!(
        world
            .pods
            .iter()
            .all(|pod| pod.deleting.is_some() || pod.slot != Slot::Generation(1))
    );
}
