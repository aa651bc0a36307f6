//! A cluster in miniature: `decide` against an API server, a kubelet and a clock made of values.
//!
//! Shows what no single table can: that slots are neither run twice nor lost, whatever dies when.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::decide::{Action, Plan, decide};
use super::fixture;
use super::judge::Facts;
use super::names::{self, pod_name};
use super::observe::Observed;
use super::pod::group_name;
use super::pod_view::{Left, PodState, RunPod};
use super::run::Refusal;
use super::schedule::Slot;
use super::start_fault::{Fault, FaultKind};
use crate::report::evidence::{Exchange, ExchangeKind, LegEvidence, Outcome, RunEvidence};
use crate::report::message;
use crate::resource::status::ClaudeProbeStatus;
use crate::resource::validated::Probe;

/// What becomes of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It runs so many seconds and reports.
    Reports(i64),
    /// It never starts, for this reason.
    Stuck(FaultKind),
    /// It runs so many seconds and leaves nothing.
    Dies(i64),
    /// It is gone so many seconds after its creation.
    Vanishes(i64),
}

#[derive(Clone, Debug)]
pub struct World {
    pub probe: Probe,
    pub now: Timestamp,
    pub status: ClaudeProbeStatus,
    pub pods: Vec<RunPod>,
    pub vanished: Vec<RunPod>,
    pub refusal: Option<Refusal>,
    pub refuses: Option<FaultKind>,
    pub run_now: Option<String>,
    pub fate: Fate,
    /// Every slot whose pod was created, with how often.
    pub created: BTreeMap<String, usize>,
    /// Every run that a status closed, in order.
    pub closed: Vec<(String, String)>,
    pub writes: usize,
}

impl World {
    pub fn new(probe: Probe, fate: Fate) -> Self {
        Self {
            probe,
            now: "2026-11-23T10:00:00.5Z".parse().unwrap(),
            status: ClaudeProbeStatus::default(),
            pods: Vec::new(),
            vanished: Vec::new(),
            refusal: None,
            refuses: None,
            run_now: None,
            fate,
            created: BTreeMap::new(),
            closed: Vec::new(),
            writes: 0,
        }
    }

    pub fn observed(&self) -> Observed {
        Observed {
            spec: Ok(Arc::new(self.probe.clone())),
            generation: self.probe.generation,
            run_now: self.run_now.clone(),
            status: self.status.clone(),
            pods: self.pods.clone(),
            vanished: self.vanished.clone(),
            refusal: self.refusal.clone(),
            crd_outdated: None,
            facts: Facts::default(),
        }
    }

    /// The kubelet and the garbage collector, up to now.
    fn live(&mut self) {
        let (now, fate) = (self.now, self.fate);
        for pod in &mut self.pods {
            if pod.ended() {
                continue;
            }
            let age = now.duration_since(pod.created).as_secs();
            pod.state = match fate {
                Fate::Reports(after) if age >= after => PodState::Left(report(&pod.slot)),
                Fate::Dies(after) if age >= after => PodState::Silent(Fault::new(FaultKind::OutOfMemory, "")),
                Fate::Stuck(kind) => PodState::Starting(Some(Fault::new(kind, "why"))),
                _ if age >= 1 => PodState::Running,
                _ => PodState::Starting(None),
            };
        }
        let gone = |pod: &RunPod| {
            let deleted = pod.deleting.is_some_and(|until| until <= now || pod.ended());
            let vanished = matches!(fate, Fate::Vanishes(after) if now.duration_since(pod.created).as_secs() >= after);
            (deleted, vanished)
        };
        let last = self.status.last_run.as_ref().map(|run| run.slot.clone());
        for pod in self
            .pods
            .iter()
            .filter(|pod| gone(pod).1 && Some(pod.slot.to_string()) != last)
        {
            self.vanished.push(pod.clone());
        }
        self.pods.retain(|pod| gone(pod) == (false, false));
    }

    /// Carries out at most `limit` writes of a plan, as a process does that dies then.
    pub fn apply(&mut self, plan: &Plan, limit: usize) {
        let mut left = limit;
        let mut spend = |writes: &mut usize| {
            let may = left > 0;
            left = left.saturating_sub(1);
            *writes += usize::from(may);
            may
        };
        if let Some(status) = &plan.status {
            if !spend(&mut self.writes) {
                return;
            }
            self.status = (**status).clone();
            if plan.closed.is_some() {
                let run = self.status.last_run.clone().unwrap();
                self.closed.push((run.slot, run.result));
                self.vanished.clear();
                self.refusal = None;
            }
        }
        for action in &plan.actions {
            if !spend(&mut self.writes) {
                return;
            }
            match action {
                Action::Delete { uid, force, .. } => {
                    let now = self.now;
                    for pod in self.pods.iter_mut().filter(|pod| pod.uid == *uid) {
                        pod.deleting = Some(if *force {
                            now
                        } else {
                            now + SignedDuration::from_secs(5)
                        });
                    }
                }
                Action::Create { slot, .. } if self.refuses.is_some() => {
                    let fault = Fault::new(self.refuses.unwrap(), "");
                    let first = self.refusal.as_ref().map_or(self.now, |refusal| refusal.first);
                    self.refusal = Some(Refusal {
                        slot: slot.clone(),
                        fault,
                        first,
                        last: self.now,
                    });
                }
                Action::Create {
                    number,
                    slot,
                    group,
                    choice,
                } => self.create(*number, slot, *group, *choice),
            }
        }
    }

    fn create(&mut self, number: i64, slot: &Slot, group: usize, choice: crate::plan::CanaryChoice) {
        let group = group_name(&self.probe.pods[group]).to_owned();
        let name = pod_name(&self.probe.name, &self.probe.uid, slot, &group);
        // The lock: a name is taken once.
        assert!(self.pods.iter().all(|pod| pod.name != name), "{name} exists");
        *self.created.entry(format!("{slot}/{group}")).or_default() += 1;
        self.refusal = None;
        self.pods.push(RunPod {
            uid: format!("{name}-{}", self.created.len()),
            name,
            number,
            slot: slot.clone(),
            group,
            pods: self.probe.pods.len(),
            reserved_tokens: 100,
            generation: self.probe.generation,
            choice,
            created: Timestamp::from_second(self.now.as_second()).unwrap(),
            deleting: None,
            state: PodState::Starting(None),
        });
    }

    /// Looks and acts until nothing is left to do at this moment; returns the wake-up.
    pub fn settle(&mut self) -> Timestamp {
        for _ in 0..20 {
            self.live();
            let plan = decide(&self.observed(), self.now);
            let quiet = plan.status.is_none() && plan.actions.is_empty();
            self.apply(&plan, usize::MAX);
            if quiet {
                assert!(plan.wake > self.now, "a plan that does nothing must sleep");
                return plan.wake;
            }
        }
        panic!("it never comes to rest: {:?}", decide(&self.observed(), self.now));
    }

    /// Lets time pass, looking at every wake-up and at every second in which a pod may change.
    pub fn pass(&mut self, seconds: i64) {
        let until = self.now + SignedDuration::from_secs(seconds);
        while self.now < until {
            let wake = self.settle();
            let lively = self.pods.iter().any(|pod| !pod.ended() || pod.deleting.is_some());
            let second = self.now + SignedDuration::from_secs(1);
            self.now = if lively { second } else { wake.max(second).min(until) };
        }
        self.settle();
    }
}

fn report(slot: &Slot) -> Left {
    let leg = |path: &str| LegEvidence {
        path: path.into(),
        exchanges: vec![Exchange {
            status: 200,
            ..Exchange::new(ExchangeKind::Frozen, Outcome::Answered)
        }],
        ..LegEvidence::default()
    };
    let evidence = RunEvidence {
        slot: slot.to_string(),
        legs: vec![leg("direct"), leg("edge")],
        complete: true,
        ..RunEvidence::default()
    };
    Left {
        message: message::encode(&evidence, message::MAX_BYTES),
        finished: None,
        sidecar_runs: false,
        fault: Fault::new(FaultKind::ProberCrashed, "exit code 0"),
    }
}

fn condition(world: &World, kind: &str) -> (String, String) {
    let found = world
        .status
        .conditions
        .iter()
        .find(|condition| condition.type_ == kind)
        .unwrap();
    (found.status.clone(), found.reason.clone())
}

fn probe() -> Probe {
    fixture::probe_with("")
}

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
fn a_pod_that_cannot_start_is_named_at_once_ends_as_not_started_and_recovers() {
    let mut world = World::new(probe(), Fate::Stuck(FaultKind::SecretMissing));
    world.pass(5);
    assert_eq!(
        condition(&world, "ProberOperational"),
        ("False".into(), "SecretMissing".into())
    );
    assert!(world.closed.is_empty());
    world.pass(200);
    assert_eq!(world.closed, [("g1".into(), "NotStarted(SecretMissing)".into())]);
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
fn an_unschedulable_pod_gets_a_minute_before_it_is_called_so() {
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
fn a_refused_pod_is_named_tried_again_and_ends_as_not_started() {
    let mut world = World::new(probe(), Fate::Reports(3));
    world.refuses = Some(FaultKind::QuotaExceeded);
    world.pass(2);
    assert_eq!(
        condition(&world, "ProberOperational"),
        ("False".into(), "QuotaExceeded".into())
    );
    world.refuses = None;
    world.pass(30);
    assert_eq!(world.closed, [("g1".into(), "Reported".into())]);
    world.refuses = Some(FaultKind::QuotaExceeded);
    world.pass(600);
    assert!(
        world
            .closed
            .contains(&(world.closed[1].0.clone(), "NotStarted(QuotaExceeded)".into())),
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
fn a_changed_spec_cuts_the_run_off_and_runs_anew() {
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
fn a_probe_that_is_not_heard_of_any_more_is_not_green() {
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
fn a_silent_kubelet_is_waited_for_until_the_deadline_and_then_forced() {
    let mut world = World::new(probe(), Fate::Vanishes(1_000_000));
    world.pass(120 + 180 + 35);
    assert_eq!(world.closed, [("g1".into(), "ReportLost(NodeLost)".into())]);
    assert!(
        world
            .pods
            .iter()
            .all(|pod| pod.deleting.is_some() || pod.slot != Slot::Generation(1))
    );
}

fn fates() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => (1_i64..200).prop_map(Fate::Reports),
        1 => Just(Fate::Stuck(FaultKind::ImagePullFailed)),
        1 => (1_i64..100).prop_map(Fate::Dies),
        1 => (1_i64..100).prop_map(Fate::Vanishes),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// The process dies after any write of any plan and comes back after any time: no slot is run twice, each is closed
    /// once, and all that came due are accounted for.
    #[test]
    fn whatever_dies_when_no_slot_is_doubled_and_none_is_lost(
        steps in prop::collection::vec((fates(), 0_usize..4, 0_i64..900), 1..12), own_pod in any::<bool>()
    ) {
        let more = if own_pod { "# two pods" } else { "" };
        let mut probe = fixture::probe_with(more);
        if own_pod {
            let mut second = probe.pods[0].clone();
            second.own = Some("edge".into());
            second.paths = vec![1];
            probe.pods[0].paths = vec![0];
            probe.pods.push(second);
        }
        let mut world = World::new(probe, Fate::Reports(3));
        for (fate, limit, down) in steps {
            world.fate = fate;
            world.pass(400);
            // It dies after `limit` writes of the next plan that writes anything, and is away for a while.
            for _ in 0..900 {
                world.live();
                let plan = decide(&world.observed(), world.now);
                let writes = plan.actions.len() + usize::from(plan.status.is_some());
                world.apply(&plan, limit.min(writes));
                if writes > 0 {
                    break;
                }
                world.now += SignedDuration::from_secs(1);
            }
            // What the process remembered is gone with it.
            world.refusal = None;
            let lost = !world.vanished.is_empty();
            world.vanished.clear();
            let end = world.now + SignedDuration::from_secs(down);
            while world.now < end {
                world.now += SignedDuration::from_secs(1);
                world.live();
            }
            // A pod that vanishes while nobody looks leaves no trace: such a world says nothing about doubles.
            prop_assume!(!lost && world.vanished.is_empty());
        }
        world.fate = Fate::Reports(3);
        world.pass(700);
        for (slot, times) in &world.created {
            prop_assert_eq!(*times, 1, "{} was run twice", slot);
        }
        let mut closed: Vec<_> = world.closed.iter().map(|(slot, _)| slot.clone()).collect();
        let all = closed.len();
        closed.sort();
        closed.dedup();
        prop_assert_eq!(closed.len(), all, "a slot was closed twice: {:?}", world.closed);
    }

    #[test]
    fn the_same_observation_gives_the_same_plan_and_a_wake_up(fate in fates(), seconds in 0_i64..2000) {
        let mut world = World::new(probe(), fate);
        world.pass(seconds);
        let plan = decide(&world.observed(), world.now);
        prop_assert_eq!(&plan, &decide(&world.observed(), world.now));
        prop_assert!(plan.wake >= world.now);
        prop_assert!(plan.wake <= world.now + SignedDuration::from_hours(1));
        // decide ∘ apply: once applied, nothing is left to do.
        world.apply(&plan, usize::MAX);
        let again = decide(&world.observed(), world.now);
        if plan.closed.is_none() {
            prop_assert!(again.status.is_none(), "{:?}", again);
        }
    }
}
