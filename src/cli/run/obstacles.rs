//! What delays a requested run: from the probe's status, and from its pods where the user may list them.
//!
//! Pure. Does not read the operator's Lease: a user of a probe has no permissions in its namespace.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use crate::catalogue::ConditionType;
use crate::cli::cluster::Pods;
use crate::cli::exit::Failure;
use crate::plan::ForwardingCheckChoice;
use crate::resource::status::RunResult;
use crate::status::{budget, schedule::Slot};
use crate::text::capitalised;
use crate::view::Known;

/// How long a request may stay unanswered before it is reported: a running operator starts it within a second.
const QUIET: Duration = Duration::from_secs(8);
/// The key of what is no obstacle.
const GOES: &str = "goes";
const LOOK: &str = "check that the operator runs (kubectl get pods -A -l app.kubernetes.io/name=claudeprobe) and watches this \
                    namespace";

/// A spec that the operator cannot act on never runs.
pub fn refuse(known: &Known) -> Result<(), Failure> {
    let ready = known
        .status
        .conditions
        .iter()
        .find(|condition| condition.type_ == ConditionType::Ready.name());
    match ready {
        Some(ready)
            if ready.status == "False"
                && ready.reason == "InvalidSpec"
                && ready.observed_generation == Some(known.generation) =>
        {
            Err(Failure::usage(format!(
                "{}/{} does not run, because its spec is invalid: {}",
                known.namespace, known.name, ready.message
            )))
        }
        _ => Ok(()),
    }
}

/// A run that a change of the spec cut short has no verdict: the one in the status is of a run before.
pub fn superseded(known: &Known) -> Result<(), Failure> {
    match &known.status.last_run {
        Some(run) if run.result == RunResult::Superseded => Err(Failure::runtime(format!(
            "the spec of {}/{} changed during the run, which ended it. Request a run again",
            known.namespace, known.name
        ))),
        _ => Ok(()),
    }
}

/// What the budget does to a run now; `None` where it leaves it alone.
pub fn budget(known: &Known, deep: bool, now: Timestamp) -> Option<String> {
    let probe = known.spec.as_deref()?;
    let used = budget::used(known.status.usage.as_ref(), now);
    let asked = ForwardingCheckChoice {
        deep,
        ..ForwardingCheckChoice::default()
    };
    budget::afford(probe, asked, used, now).zero_token_only.then(|| {
        format!(
            "over budget: {used} of {} tokens are used today (UTC), so this run sends only zero-token exchanges. Raise \
             budget.tokensPerDay, or wait until 00:00 UTC",
            probe.tokens_per_day
        )
    })
}

/// What has been said so far.
pub struct Obstacles {
    slot: String,
    status_before: crate::resource::status::ClaudeProbeStatus,
    said: BTreeSet<String>,
    reason: String,
}

impl Obstacles {
    /// Nothing yet. `before` is the probe before the run was asked for with `value`.
    pub fn new(before: &Known, value: &str) -> Self {
        Self {
            slot: Slot::run_now(value).to_string(),
            status_before: before.status.clone(),
            said: BTreeSet::new(),
            reason: "The run may still be in progress.".to_owned(),
        }
    }

    /// Whether listing the pods adds information to the status.
    pub fn wants_pods(&self, passed: Duration) -> bool {
        passed >= QUIET && passed.as_secs().is_multiple_of(3)
    }

    /// Why there is no verdict yet, a sentence.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Sentences that were not said before.
    pub fn look(&mut self, known: &Known, pods: &Pods, passed: Duration) -> Vec<String> {
        let mut fresh = Vec::new();
        for (key, text) in self.fault(known).into_iter().chain(self.quiet(known, pods, passed)) {
            self.reason = capitalised(text.trim_end_matches('.')) + ".";
            // That all goes well is no news.
            if key != GOES && self.said.insert(key) {
                fresh.push(text);
            }
        }
        fresh
    }

    /// Why the probe's pod does not start. What was so before may be the trouble of an earlier run.
    fn fault(&self, known: &Known) -> Option<(String, String)> {
        let operational = ConditionType::ProberOperational.name();
        let mut conditions = known.status.conditions.iter();
        let fault = conditions.find(|condition| condition.type_ == operational && condition.status == "False")?;
        let text = format!("the probe pod does not start ({}): {}", fault.reason, fault.message);
        (!self.status_before.conditions.contains(fault)).then(|| (fault.reason.clone(), text))
    }

    /// What a request means that has no answer yet: key and sentence.
    fn quiet(&self, known: &Known, pods: &Pods, passed: Duration) -> Option<(String, String)> {
        let said = |key: &str, text: String| Some((key.to_owned(), text));
        let status = &known.status;
        if passed < QUIET || *status != self.status_before {
            return None;
        }
        if status.observed_generation.is_none() && status.conditions.is_empty() {
            return said("no-operator", format!("no operator has reconciled this probe: {LOOK}"));
        }
        let pods = match pods {
            Pods::NotAsked => return None,
            Pods::Hidden => {
                let text = "the status has not changed yet. To see whether the run is in progress, you need the right to list pods \
                            in this namespace";
                return said("hidden", text.to_owned());
            }
            Pods::Seen(pods) => pods,
        };
        let own = pods.iter().find(|pod| pod.slot == self.slot);
        let other = pods
            .iter()
            .find(|pod| matches!(pod.phase.as_str(), "Pending" | "Running"));
        match (own, other) {
            (Some(own), _) => said(
                GOES,
                format!("the run is in progress: pod {} is {}", own.name, own.phase),
            ),
            (None, Some(other)) => said(
                "waits",
                format!(
                    "another run is in progress (pod {}); this one starts after it",
                    other.name
                ),
            ),
            (None, None) => said(
                "no-operator",
                format!("no operator has started the requested run: {LOOK}"),
            ),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::cli::cluster::PodSeen;

    const VALUE: &str = "2026-11-23T08:04:00Z";

    fn known() -> Known {
        let object: serde_json::Value = serde_json::from_str(include_str!("../explain/recorded.json")).unwrap();
        Known::of(&object).unwrap()
    }

    fn pod(slot: &str, phase: &str) -> Pods {
        Pods::Seen(vec![PodSeen {
            slot: slot.to_owned(),
            phase: phase.to_owned(),
            name: "assistants-x".to_owned(),
        }])
    }

    fn said(pods: &Pods) -> (Vec<String>, String) {
        let mut obstacles = Obstacles::new(&known(), VALUE);
        assert_eq!(
            obstacles.look(&known(), pods, Duration::from_secs(1)),
            Vec::<String>::new()
        );
        let first = obstacles.look(&known(), pods, QUIET);
        assert_eq!(
            obstacles.look(&known(), pods, QUIET),
            Vec::<String>::new(),
            "once is enough"
        );
        (first, obstacles.reason().to_owned())
    }

    #[test]
    fn an_unanswered_a_waiting_and_a_running_request_differ() {
        let (first, reason) = said(&Pods::Seen(vec![]));
        assert!(
            first[0].starts_with("no operator has started") && reason.starts_with("No operator"),
            "{first:?}"
        );
        assert!(
            said(&pod("g1", "Succeeded")).0[0].starts_with("no operator"),
            "a pod of before proves nothing"
        );
        assert!(said(&pod("g1", "Running")).0[0].contains("starts after it"));
        let own = Slot::run_now(VALUE).to_string();
        assert_eq!(
            said(&pod(&own, "Pending")),
            (
                vec![],
                "The run is in progress: pod assistants-x is Pending.".to_owned()
            )
        );
        assert!(said(&Pods::Hidden).0[0].contains("right to list pods"));
        assert_eq!(
            said(&Pods::NotAsked),
            (vec![], "The run may still be in progress.".to_owned())
        );
    }

    #[test]
    fn a_pod_that_does_not_start_is_named_at_once_and_an_old_fault_is_not() {
        let fault = |known: &mut Known| {
            let mut condition = known.status.conditions[0].clone();
            condition.type_ = "ProberOperational".to_owned();
            condition.status = "False".to_owned();
            condition.reason = "SecretMissing".to_owned();
            known.status.conditions.push(condition);
        };
        let mut now = known();
        fault(&mut now);
        let mut obstacles = Obstacles::new(&known(), VALUE);
        let first = obstacles.look(&now, &Pods::NotAsked, Duration::ZERO);
        assert!(first[0].contains("does not start (SecretMissing)"), "{first:?}");
        assert_eq!(
            Obstacles::new(&now, VALUE).look(&now, &Pods::NotAsked, Duration::ZERO),
            Vec::<String>::new()
        );
    }

    #[test]
    fn an_invalid_spec_is_an_error_and_an_outdated_condition_is_not() {
        let mut bad = known();
        let ready = &mut bad.status.conditions[0];
        ready.status = "False".to_owned();
        ready.reason = "InvalidSpec".to_owned();
        assert!(refuse(&bad).unwrap_err().message.contains("does not run"));
        bad.generation += 1;
        assert!(refuse(&bad).is_ok() && refuse(&known()).is_ok());
    }

    #[test]
    fn the_verdict_of_a_run_before_is_not_taken_for_this_one() {
        let mut known = known();
        assert!(superseded(&known).is_ok());
        known.status.last_run.as_mut().unwrap().result = RunResult::Superseded;
        assert_eq!(superseded(&known).unwrap_err().exit.0, 4);
    }

    #[test]
    fn over_budget_is_reported_before_the_run() {
        let mut known = known();
        let noon: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        assert_eq!(budget(&known, false, noon), None);
        known.status.usage.as_mut().unwrap().tokens_today = 200_000;
        assert!(budget(&known, false, noon).unwrap().contains("200000 of 200000"));
        let tomorrow: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        assert_eq!(budget(&known, true, tomorrow), None);
    }
}
