//! A cluster in miniature: `decide` against an API server, a kubelet and a clock made of values.
//!
//! Shows that slots are neither run twice nor lost under any crash ([`laws`]), the life of a probe ([`stories`]), and
//! the state from one run to the next ([`memory`]).

mod laws;
mod memory;
mod stories;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::decide::{Action, Plan, decide};
use super::observe::Observed;
use super::pod::group_name;
use super::pod_view::{PodState, RunPod, Termination};
use super::run::Rejection;
use crate::plan::ForwardingCheckChoice;
use crate::report::evidence::{BodyKind, Exchange, ExchangeKind, Outcome, PathEvidence, RunEvidence, StreamEvidence};
use crate::report::message;
use crate::resource::status::ClaudeProbeStatus;
use crate::resource::validated::Probe;
use crate::status::fault::{Fault, FaultKind};
use crate::status::fixture;
use crate::status::memory::Facts;
use crate::status::names::{self, pod_name};
use crate::status::schedule::Slot;
use jiff::{SignedDuration, Timestamp};

/// The fate of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It runs so many seconds and reports.
    Reports(i64),
    /// It never starts, for this reason.
    Stuck(FaultKind),
    /// It runs so many seconds and ends without a message.
    Dies(i64),
    /// It is deleted so many seconds after its creation.
    Vanishes(i64),
}

#[derive(Clone, Debug)]
pub struct World {
    pub probe: Probe,
    pub now: Timestamp,
    pub status: ClaudeProbeStatus,
    pub pods: Vec<RunPod>,
    pub vanished: Vec<RunPod>,
    pub rejection: Option<Rejection>,
    pub rejects: Option<FaultKind>,
    pub run_now: Option<String>,
    pub fate: Fate,
    /// The evidence of a run of this choice; slot and time are filled in, and each pod reports its own paths.
    pub sees: fn(ForwardingCheckChoice, usize) -> RunEvidence,
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
            rejection: None,
            rejects: None,
            run_now: None,
            fate,
            sees: |_, _| healthy(),
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
            rejection: self.rejection.clone(),
            crd_outdated: None,
            facts: Facts::default(),
        }
    }

    /// The kubelet and the garbage collector, up to now.
    fn live(&mut self) {
        let (now, fate, sees, runs) = (self.now, self.fate, self.sees, self.closed.len());
        let groups: BTreeMap<&str, Vec<&str>> = self
            .probe
            .pods
            .iter()
            .map(|pod| {
                let paths = pod.paths.iter().map(|&index| self.probe.paths[index].name.as_str());
                (group_name(pod), paths.collect())
            })
            .collect();
        for pod in &mut self.pods {
            if pod.ended() {
                continue;
            }
            let seen = || {
                let mut seen = sees(pod.choice, runs);
                let own = groups.get(pod.group.as_str());
                seen.paths
                    .retain(|probed| own.is_some_and(|own| own.contains(&probed.path.as_str())));
                seen
            };
            let age = now.duration_since(pod.created).as_secs();
            pod.state = match fate {
                Fate::Reports(after) if age >= after => PodState::TerminatedWithReport(report(&pod.slot, now, seen())),
                Fate::Dies(after) if age >= after => {
                    PodState::TerminatedWithoutReport(Fault::new(FaultKind::OutOfMemory, ""))
                }
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

    /// Executes at most `limit` writes of a plan, as a process that dies then.
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
                self.closed
                    .push((run.slot, format!("{} {}", run.result, run.cause).trim().to_owned()));
                self.vanished.clear();
                self.rejection = None;
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
                Action::Create { slot, .. } if self.rejects.is_some() => {
                    let fault = Fault::new(self.rejects.unwrap(), "");
                    let first = self.rejection.as_ref().map_or(self.now, |rejection| rejection.first);
                    self.rejection = Some(Rejection {
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

    fn create(&mut self, number: i64, slot: &Slot, group: usize, choice: ForwardingCheckChoice) {
        let group = group_name(&self.probe.pods[group]).to_owned();
        let name = pod_name(&self.probe.name, &self.probe.uid, slot, &group);
        // The lock: a name is taken once.
        assert!(self.pods.iter().all(|pod| pod.name != name), "{name} exists");
        *self.created.entry(format!("{slot}/{group}")).or_default() += 1;
        self.rejection = None;
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

    /// Reconciles until nothing is left to do at this moment; returns the wake-up.
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

    /// Lets time pass, with a reconcile at every wake-up and at every second in which a pod may change.
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

fn report(slot: &Slot, now: Timestamp, seen: RunEvidence) -> Termination {
    let evidence = RunEvidence {
        slot: slot.to_string(),
        started_at_ms: now.as_millisecond(),
        ..seen
    };
    Termination {
        message: message::encode(&evidence, message::MAX_BYTES),
        finished: None,
        sidecar_runs: false,
        fault: Fault::new(FaultKind::ProberCrashed, "exit code 0"),
    }
}

/// Both paths answer.
pub fn healthy() -> RunEvidence {
    let probed = |path: &str| PathEvidence {
        path: path.into(),
        exchanges: vec![Exchange {
            status: 200,
            body: BodyKind::AsAsked,
            stream: Some(StreamEvidence {
                events: 30,
                message_stop: true,
                framing_complete: true,
                ..StreamEvidence::default()
            }),
            ..Exchange::new(ExchangeKind::Frozen, Outcome::Answered)
        }],
        ..PathEvidence::default()
    };
    RunEvidence {
        paths: vec![probed("direct"), probed("edge")],
        complete: true,
        ..RunEvidence::default()
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
