//! Executes a plan: the only place that writes probes and pods to the API server.
//!
//! Each write is sent only while this replica holds the Lease for at least the write's timeout. Each acknowledged write
//! is stored in the cache before the next one. A failed write ends the plan: the next reconcile decides anew.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ObjectReference, Pod};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Client, ResourceExt};
use serde_json::json;

use super::decide::{Action, Closed, Plan};
use super::events::{self, Publisher};
use super::lease::Leadership;
use super::pod::{self, Order};
use super::pod_status::ProbePod;
use super::pod_view;
use super::start_fault;
use super::{cache::Cache, clock};
use crate::claude::price;
use crate::metrics::OperatorMetrics;
use crate::plan::{ForwardingCheckChoice, reservation};
use crate::resource::spec::ClaudeProbe;
use crate::resource::status::{ClaudeProbeStatus, RunResult};
use crate::resource::validated::Probe;
use crate::status::counters::{self, Counters};
use crate::status::fault::{Fault, FaultKind};
use crate::status::names;
use crate::status::schedule::{Slot, signed};

/// Longest time that one write may take.
pub const WRITE_LIMIT: Duration = Duration::from_secs(5);

/// Why a plan was not executed completely.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// This replica is not the leader, or its Lease expires before the write's timeout.
    #[error("this replica does not hold the Lease long enough for a write")]
    NotLeading,
    /// The API server did not answer.
    #[error("the API server did not answer within {} s: {what}", WRITE_LIMIT.as_secs())]
    TooSlow {
        /// The request.
        what: &'static str,
    },
    /// The API server answered with an error.
    #[error("{what}: {source}")]
    Api {
        /// The request.
        what: &'static str,
        /// Its error.
        #[source]
        source: Box<kube::Error>,
    },
}

impl ActError {
    /// A bounded label for metrics, one of [`crate::metrics::ERROR_CLASSES`].
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self {
            Self::NotLeading => "not_leading",
            Self::TooSlow { .. } => "timeout",
            Self::Api { source, .. } => match source.as_ref() {
                kube::Error::Api(status) => match status.code {
                    401 | 403 => "forbidden",
                    409 => "conflict",
                    429 => "throttled",
                    400..=499 => "rejected",
                    _ => "server",
                },
                _ => "transport",
            },
        }
    }
}

/// What writing needs.
pub struct Actor {
    /// The API server.
    pub client: Client,
    /// Whether we may write.
    pub leadership: Leadership,
    /// Settings of probe pods, from the flags.
    pub pods: pod::Settings,
    /// Events.
    pub publisher: Publisher,
    /// Histograms of runs.
    pub metrics: Arc<OperatorMetrics>,
}

/// The result of a plan, for the reconcile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Requeue at once: a rejected create belongs in the status.
    pub again: bool,
    /// At least one write was sent.
    pub wrote: bool,
}

impl Actor {
    /// Executes a plan.
    ///
    /// # Errors
    /// The first write that failed; those after it were not sent.
    pub async fn act(
        &self,
        cache: &Cache,
        resource: &ClaudeProbe,
        probe: Option<&Probe>,
        before: &ClaudeProbeStatus,
        plan: Plan,
    ) -> Result<Done, ActError> {
        let mut done = Done {
            again: false,
            wrote: plan.status.is_some() || !plan.actions.is_empty(),
        };
        let uid = resource.metadata.uid.as_deref().unwrap_or_default();
        if let Some(status) = &plan.status {
            if !self.write_status(cache, resource, status).await? {
                return Ok(done);
            }
            cache.count(uid, |counters| add(counters, probe, &plan));
            if plan
                .closed
                .as_ref()
                .is_some_and(|closed| closed.report.evidence.is_some())
            {
                self.metrics.run_ended(&status.paths);
            }
            self.publish_events(resource, before, status).await;
        }
        for action in &plan.actions {
            match (action, probe) {
                (Action::Delete { name, uid: pod, force }, _) => {
                    self.delete(resource, name, pod, *force).await?;
                    cache.deleted(uid, pod, *force, clock::now());
                }
                (
                    Action::Create {
                        number,
                        slot,
                        group,
                        choice,
                    },
                    Some(probe),
                ) => {
                    done.again |= self.create(cache, probe, (*number, slot), *group, *choice).await?;
                }
                (Action::Create { .. }, None) => {}
            }
        }
        Ok(done)
    }

    /// Sends a write within the Lease's remaining time.
    async fn write<T>(
        &self,
        what: &'static str,
        write: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<Result<T, Box<kube::core::Status>>, ActError> {
        let left = self.leadership.time_left().ok_or(ActError::NotLeading)?;
        if left < WRITE_LIMIT {
            return Err(ActError::NotLeading);
        }
        match tokio::time::timeout(WRITE_LIMIT, write).await {
            Err(_) => Err(ActError::TooSlow { what }),
            Ok(Ok(value)) => Ok(Ok(value)),
            Ok(Err(kube::Error::Api(status)))
                if (400..500).contains(&status.code) && !matches!(status.code, 401 | 429) =>
            {
                Ok(Err(status))
            }
            Ok(Err(source)) => Err(ActError::Api {
                what,
                source: Box::new(source),
            }),
        }
    }

    /// Reads the newest status, after an unacknowledged write.
    ///
    /// # Errors
    /// The API server rejected the request, or did not answer in time.
    pub async fn read_status(&self, cache: &Cache, resource: &ClaudeProbe) -> Result<(), ActError> {
        const WHAT: &str = "reading the probe again";
        let api: Api<ClaudeProbe> = Api::namespaced(self.client.clone(), &resource.namespace().unwrap_or_default());
        match self.write(WHAT, api.get(&resource.name_any())).await? {
            Ok(found) if found.uid() == resource.uid() => {
                let uid = found.uid().unwrap_or_default();
                cache.wrote(
                    &uid,
                    found.resource_version().unwrap_or_default(),
                    found.status.unwrap_or_default(),
                );
                cache.set_unacknowledged(&uid, false);
                Ok(())
            }
            // Deleted: the watch reports it.
            _ => Ok(()),
        }
    }

    /// `false` when the probe is deleted.
    async fn write_status(
        &self,
        cache: &Cache,
        resource: &ClaudeProbe,
        status: &ClaudeProbeStatus,
    ) -> Result<bool, ActError> {
        const WHAT: &str = "patching the status";
        let (namespace, name) = (resource.namespace().unwrap_or_default(), resource.name_any());
        let api: Api<ClaudeProbe> = Api::namespaced(self.client.clone(), &namespace);
        let patch = Patch::Apply(json!({
            "apiVersion": names::API_VERSION,
            "kind": "ClaudeProbe",
            // The UID protects a probe of the same name that was created meanwhile.
            "metadata": {"name": name, "namespace": namespace, "uid": resource.uid()},
            "status": status,
        }));
        let params = PatchParams::apply(names::FIELD_MANAGER).force();
        // Until the answer comes: the API server may store the write and the answer may get lost.
        let uid = resource.uid().unwrap_or_default();
        cache.set_unacknowledged(&uid, true);
        let answer = self.write(WHAT, api.patch_status(&name, &params, &patch)).await;
        if matches!(answer, Ok(_) | Err(ActError::NotLeading)) {
            cache.set_unacknowledged(&uid, false);
        }
        match answer? {
            Ok(written) => {
                let uid = written.uid().unwrap_or_default();
                cache.wrote(
                    &uid,
                    written.resource_version().unwrap_or_default(),
                    written.status.unwrap_or_default(),
                );
                Ok(true)
            }
            Err(rejection) if matches!(rejection.code, 404 | 409) => {
                tracing::info!(namespace, name, "the probe was deleted: its status is not written");
                Ok(false)
            }
            Err(rejection) => Err(ActError::Api {
                what: WHAT,
                source: Box::new(kube::Error::Api(rejection)),
            }),
        }
    }

    async fn publish_events(&self, resource: &ClaudeProbe, before: &ClaudeProbeStatus, after: &ClaudeProbeStatus) {
        let regarding = ObjectReference {
            api_version: Some(names::API_VERSION.into()),
            kind: Some("ClaudeProbe".into()),
            name: Some(resource.name_any()),
            namespace: resource.namespace(),
            uid: resource.uid(),
            resource_version: resource.resource_version(),
            ..ObjectReference::default()
        };
        for note in events::notes(before, after) {
            let publish = self.publisher.publish(&note, &regarding);
            if tokio::time::timeout(WRITE_LIMIT, publish).await.is_err() {
                tracing::warn!(reason = note.reason, "an Event could not be published in time");
            }
        }
    }

    async fn delete(&self, resource: &ClaudeProbe, name: &str, uid: &str, force: bool) -> Result<(), ActError> {
        const WHAT: &str = "deleting a probe pod";
        let api: Api<ProbePod> = Api::namespaced(self.client.clone(), &resource.namespace().unwrap_or_default());
        let preconditions = Some(Preconditions {
            uid: Some(uid.to_owned()),
            resource_version: None,
        });
        let params = DeleteParams {
            grace_period_seconds: force.then_some(0),
            preconditions,
            ..DeleteParams::default()
        };
        match self.write(WHAT, api.delete(name, &params)).await? {
            Ok(_) => Ok(()),
            // Gone, or another pod of that name: not ours to delete.
            Err(rejection) if matches!(rejection.code, 404 | 409) => Ok(()),
            Err(rejection) => Err(ActError::Api {
                what: WHAT,
                source: Box::new(kube::Error::Api(rejection)),
            }),
        }
    }

    /// Creates one pod; `true` when it was rejected and the status should show it.
    async fn create(
        &self,
        cache: &Cache,
        probe: &Probe,
        (number, slot): (i64, &Slot),
        group: usize,
        choice: ForwardingCheckChoice,
    ) -> Result<bool, ActError> {
        let Some(group) = probe.pods.get(group) else {
            return Ok(false);
        };
        if is_late(slot, probe, clock::now()) {
            return Ok(false);
        }
        let share = u64::try_from(group.paths.len()).unwrap_or(1);
        let all = u64::try_from(probe.paths.len()).unwrap_or(1).max(1);
        let reserved_tokens = (reservation(probe, choice) * share).div_ceil(all);
        let order = Order {
            number,
            slot,
            choice,
            group,
            reserved_tokens,
        };
        let rejected = match pod::build(probe, &order, &self.pods) {
            Err(error) => Fault::new(FaultKind::PlanTooLarge, &error.to_string()),
            Ok(pod) => match self
                .write("creating a probe pod", self.post(&probe.namespace, &pod))
                .await?
            {
                Ok(created) => {
                    self.created(cache, probe, slot, &created);
                    if let Slot::At(at) = slot {
                        self.metrics.skewed(clock::now().duration_since(*at).as_secs_f64());
                    }
                    return Ok(false);
                }
                Err(rejection) if rejection.code == 409 && rejection.reason == "AlreadyExists" => {
                    match self.adopt(cache, probe, &pod).await? {
                        None => return Ok(true),
                        Some(fault) => fault,
                    }
                }
                Err(rejection) => start_fault::of_rejection(rejection.code, &rejection.message),
            },
        };
        tracing::warn!(namespace = probe.namespace, probe = probe.name, %slot, reason = rejected.kind.name(), detail = rejected.detail, "the API server rejected the probe pod");
        cache.rejected(&probe.uid, slot, rejected, clock::now());
        Ok(true)
    }

    fn created(&self, cache: &Cache, probe: &Probe, slot: &Slot, created: &ProbePod) {
        if let Some(run) = pod_view::reduce(created) {
            tracing::info!(namespace = probe.namespace, probe = probe.name, %slot, pod = run.name, "run started");
            cache.created(&probe.uid, run);
        }
    }

    /// Posts a pod; only the used fields of the answer are parsed.
    async fn post(&self, namespace: &str, pod: &Pod) -> Result<ProbePod, kube::Error> {
        let url = kube::core::Request::new(format!("/api/v1/namespaces/{namespace}/pods"));
        let body = serde_json::to_vec(pod).map_err(kube::Error::SerdeError)?;
        let params = PostParams {
            field_manager: Some(names::FIELD_MANAGER.into()),
            ..PostParams::default()
        };
        let mut request = url.create(&params, body).map_err(kube::Error::BuildRequest)?;
        request.extensions_mut().insert("create");
        self.client.request::<ProbePod>(request).await
    }

    /// The pod's name is taken: by our own pod of an earlier process, or by a foreign pod.
    async fn adopt(&self, cache: &Cache, probe: &Probe, pod: &Pod) -> Result<Option<Fault>, ActError> {
        let name = pod.metadata.name.clone().unwrap_or_default();
        let api: Api<ProbePod> = Api::namespaced(self.client.clone(), &probe.namespace);
        let params = ListParams::default().fields(&format!("metadata.name={name}"));
        let list = match self.write("listing the pod with this name", api.list(&params)).await? {
            Ok(list) => list,
            Err(rejection) => return Ok(Some(start_fault::of_rejection(rejection.code, &rejection.message))),
        };
        let Some(found) = list.items.into_iter().next() else {
            return Ok(None);
        };
        let ours = pod_view::owner(&found.metadata).is_some_and(|owner| owner.uid == probe.uid);
        if let Some(run) = pod_view::reduce(&found).filter(|_| ours) {
            tracing::info!(
                namespace = probe.namespace,
                probe = probe.name,
                pod = run.name,
                "run adopted"
            );
            cache.created(&probe.uid, run);
            return Ok(None);
        }
        Ok(Some(Fault::new(FaultKind::PodNameTaken, &name)))
    }
}

/// The slot's starting deadline passed between the decision and the write.
fn is_late(slot: &Slot, probe: &Probe, now: Timestamp) -> bool {
    matches!(slot, Slot::At(at) if *at + signed(probe.starting_deadline) <= now)
}

fn add(counters: &mut Counters, probe: Option<&Probe>, plan: &Plan) {
    let not_started = |closed: &Closed| closed.report.result() == RunResult::NotStarted;
    if plan.missed > 0 {
        let own = i64::from(
            plan.closed
                .as_ref()
                .is_some_and(|closed| not_started(closed) && matches!(closed.slot, Slot::At(_))),
        );
        let mut count =
            |reason, more: i64| *counters.missed.entry(reason).or_default() += u64::try_from(more).unwrap_or(0);
        count("not_started", own);
        count("late", plan.missed - own);
    }
    let Some(closed) = &plan.closed else { return };
    *counters
        .runs
        .entry(counters::label(&closed.report.result()))
        .or_default() += 1;
    let (input, output) = closed.report.tokens;
    let (input, output) = (u64::try_from(input).unwrap_or(0), u64::try_from(output).unwrap_or(0));
    counters.input_tokens += input;
    counters.output_tokens += output;
    if let Some(price) = probe.and_then(|probe| price::of(&probe.request.model)) {
        counters.cost += price.cost_usd(input, output);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::metrics::ERROR_CLASSES;

    #[test]
    fn every_class_of_error_is_shown_from_the_start() {
        let api = |code| ActError::Api {
            what: "a write",
            source: Box::new(kube::Error::Api(Box::new(kube::core::Status {
                code,
                ..Default::default()
            }))),
        };
        let own = [ActError::NotLeading, ActError::TooSlow { what: "a write" }];
        let errors = own.into_iter().chain([401, 403, 404, 409, 422, 429, 500, 503].map(api));
        let shown = OperatorMetrics::new().exposition(true);
        for error in errors {
            let class = error.class();
            assert!(ERROR_CLASSES.contains(&class), "{class}");
        }
        for class in ERROR_CLASSES {
            let line = format!("claudeprobe_reconcile_errors_total{{class=\"{class}\"}} 0");
            assert!(shown.contains(&line), "{shown}");
        }
    }
}
