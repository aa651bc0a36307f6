//! The operator's memory of each probe: its pods as the watch reported them, and acknowledged writes that the watch has
//! not reported yet.
//!
//! A watch lags behind our own writes. A decision from the watch alone could run a slot twice or close a run twice, so
//! every acknowledged write is kept until the watch has caught up. Nothing here is needed across a restart: the cluster
//! holds it all.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;

use super::observe::Observed;
use super::pod::GRACE_SECONDS;
use super::pod_status::ProbePod;
use super::pod_view::{self, RunPod};
use super::run::{self, Rejection};
use crate::resource::spec::ClaudeProbe;
use crate::resource::status::{ClaudeProbeStatus, CredentialStatus};
use crate::resource::validated::{Probe, SpecFault};
use crate::status::counters::Counters;
use crate::status::memory::Facts;
use crate::status::{names, schedule::Slot};

/// Shortest time between two listings of pods with stale keys.
const LIST_PERIOD: SignedDuration = SignedDuration::from_mins(5);

/// A checked spec, or what is wrong with it.
pub type Checked = Result<Arc<Probe>, Arc<[SpecFault]>>;

#[derive(Debug, Default)]
struct Entry {
    /// Pods as the watch reported them, by name.
    pods: BTreeMap<String, RunPod>,
    /// Pods that we created and the watch has not reported yet.
    created: Vec<RunPod>,
    /// Deleted pods, in their last known state.
    gone: Vec<RunPod>,
    /// UIDs of pods that we deleted, until the watch reports the deletion.
    deleted: HashSet<String>,
    /// The newest status that we wrote, with its resource version.
    status: Option<(String, ClaudeProbeStatus)>,
    /// A status write without an answer: the API server may have stored it or not.
    unacknowledged: bool,
    rejection: Option<Rejection>,
    spec: Option<(i64, Checked)>,
    facts: Facts,
    /// When pods were listed last, and the fingerprints for which no pod holds an older key.
    listed_at: Option<Timestamp>,
    clean: Vec<String>,
    counters: Counters,
    failures: u32,
}

/// All probes, by UID.
#[derive(Debug, Default)]
pub struct Cache(Mutex<HashMap<String, Entry>>);

impl Cache {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        // A panic ends the process (see `wiring`): no task reads a half-written entry.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, uid: &str, change: impl FnOnce(&mut Entry) -> T) -> T {
        change(self.lock().entry(uid.to_owned()).or_default())
    }

    /// The watch reports a pod. Returns the UID of the probe that owns it.
    pub fn pod_applied(&self, pod: &ProbePod) -> Option<String> {
        let owner = pod_view::owner(&pod.metadata)?.uid.clone();
        let mut run = pod_view::reduce(pod)?;
        self.with(&owner, |entry| {
            entry.created.retain(|created| created.uid != run.uid);
            if run.deleting.is_none() && entry.deleted.contains(&run.uid) {
                run.deleting = entry.pods.get(&run.name).and_then(|known| known.deleting);
            }
            entry.pods.insert(run.name.clone(), run);
        });
        Some(owner)
    }

    /// The watch reports that a pod is deleted.
    pub fn pod_gone(&self, pod: &ProbePod) -> Option<String> {
        let owner = pod_view::owner(&pod.metadata)?.uid.clone();
        let last = pod_view::reduce(pod)?;
        let mut probes = self.lock();
        let entry = probes.get_mut(&owner)?;
        entry.leave(last);
        if entry.is_bare() {
            probes.remove(&owner);
        }
        Some(owner)
    }

    /// The watch listed everything again: an unlisted pod is deleted. `listed` has owner and name of a scope's pods.
    pub fn pods_relisted(&self, listed: &HashSet<(String, String)>, in_scope: impl Fn(&str) -> bool) {
        for (owner, entry) in self.lock().iter_mut().filter(|(owner, _)| in_scope(owner)) {
            let names: Vec<String> = entry
                .pods
                .keys()
                .filter(|name| !listed.contains(&(owner.clone(), (*name).clone())))
                .cloned()
                .collect();
            for name in names {
                if let Some(pod) = entry.pods.get(&name).cloned() {
                    entry.leave(pod);
                }
            }
        }
    }

    /// Only these probes exist.
    pub fn retain(&self, alive: &HashSet<String>) {
        self.lock()
            .retain(|uid, entry| alive.contains(uid) || !entry.pods.is_empty());
    }

    /// The probe is deleted.
    pub fn forget(&self, uid: &str) {
        self.lock().remove(uid);
    }

    /// We created a pod.
    pub fn created(&self, uid: &str, pod: RunPod) {
        self.with(uid, |entry| {
            if entry.pods.get(&pod.name).is_none_or(|known| known.uid != pod.uid) {
                entry.created.push(pod);
            }
            entry.rejection = None;
        });
    }

    /// The API server rejected a pod.
    pub fn rejected(&self, uid: &str, slot: &Slot, fault: crate::status::fault::Fault, now: Timestamp) {
        self.with(uid, |entry| {
            let first = entry
                .rejection
                .as_ref()
                .filter(|rejection| rejection.slot == *slot)
                .map_or(now, |rejection| rejection.first);
            entry.rejection = Some(Rejection {
                slot: slot.clone(),
                fault,
                first,
                last: now,
            });
        });
    }

    /// We deleted a pod.
    pub fn deleted(&self, uid: &str, pod: &str, force: bool, now: Timestamp) {
        self.with(uid, |entry| {
            entry.deleted.insert(pod.to_owned());
            let grace = SignedDuration::from_secs(if force { 0 } else { GRACE_SECONDS });
            for known in entry
                .pods
                .values_mut()
                .chain(&mut entry.created)
                .filter(|known| known.uid == pod)
            {
                known.deleting = Some(if force {
                    now
                } else {
                    known.deleting.unwrap_or(now + grace)
                });
            }
        });
    }

    /// The API server acknowledged a status of ours.
    pub fn wrote(&self, uid: &str, version: String, status: ClaudeProbeStatus) {
        self.with(uid, |entry| {
            let last = status.last_run.as_ref();
            let closed = last.map(|run| run.slot.clone());
            if entry
                .rejection
                .as_ref()
                .is_some_and(|rejection| Some(rejection.slot.to_string()) == closed)
            {
                entry.rejection = None;
            }
            let open: HashSet<String> = run::sort(&[], &entry.gone, last)
                .current
                .iter()
                .map(|pod| pod.uid.clone())
                .collect();
            entry.gone.retain(|pod| open.contains(&pod.uid));
            entry.status = Some((version, status));
        });
    }

    /// Notes whether a status write is unacknowledged: then the newest status is unknown.
    pub fn set_unacknowledged(&self, uid: &str, unacknowledged: bool) {
        self.with(uid, |entry| entry.unacknowledged = unacknowledged);
    }

    /// Whether a status write is unacknowledged.
    #[must_use]
    pub fn is_unacknowledged(&self, uid: &str) -> bool {
        self.lock().get(uid).is_some_and(|entry| entry.unacknowledged)
    }

    /// Counts a failure of this probe's reconcile; returns how many in a row.
    pub fn failed(&self, uid: &str) -> u32 {
        self.with(uid, |entry| {
            entry.failures = entry.failures.saturating_add(1);
            entry.failures
        })
    }

    /// This probe's reconcile succeeded.
    pub fn went_well(&self, uid: &str) {
        self.with(uid, |entry| entry.failures = 0);
    }

    /// Adds to the probe's counters.
    pub fn count(&self, uid: &str, add: impl FnOnce(&mut Counters)) {
        self.with(uid, |entry| add(&mut entry.counters));
    }

    /// The probe's counters.
    #[must_use]
    pub fn counters(&self, uid: &str) -> Counters {
        self.lock()
            .get(uid)
            .map(|entry| entry.counters.clone())
            .unwrap_or_default()
    }

    /// Whether pods may be listed for these keys: not after a listing without older keys, and not within the list
    /// period. Notes the listing.
    pub fn may_list(&self, uid: &str, keys: &[CredentialStatus], now: Timestamp) -> bool {
        self.with(uid, |entry| {
            let clean = !entry.clean.is_empty() && entry.clean == fingerprints(keys);
            let soon = entry.listed_at.is_some_and(|at| at + LIST_PERIOD > now);
            if !clean && !soon {
                entry.listed_at = Some(now);
            }
            !clean && !soon
        })
    }

    /// Stores the result of a listing.
    pub fn learn(&self, uid: &str, keys: &[CredentialStatus], facts: Facts) {
        let changes = keys
            .iter()
            .filter_map(|key| key.previous_last_seen_at.as_ref())
            .map(|at| at.0.as_millisecond());
        let before = changes.max().unwrap_or(i64::MAX);
        let left = !facts.stale_workloads.is_empty() || facts.gateway_pods.iter().any(|(_, start)| *start < before);
        self.with(uid, |entry| {
            entry.clean = if left { Vec::new() } else { fingerprints(keys) };
            entry.facts = facts;
        });
    }

    /// The newest status: from the watch, or our own later write.
    #[must_use]
    pub fn status(&self, resource: &ClaudeProbe) -> ClaudeProbeStatus {
        let watched = || resource.status.clone().unwrap_or_default();
        let Some(uid) = resource.metadata.uid.as_deref() else {
            return watched();
        };
        let mut probes = self.lock();
        let Some(entry) = probes.get_mut(uid) else {
            return watched();
        };
        let version = resource.resource_version().unwrap_or_default();
        // The watch has caught up: one copy is enough.
        if entry.status.as_ref().is_some_and(|(ours, _)| !is_newer(ours, &version)) {
            entry.status = None;
        }
        entry.status.as_ref().map_or_else(watched, |(_, status)| status.clone())
    }

    /// The input of a decision about this probe.
    #[must_use]
    pub fn observe(&self, resource: &ClaudeProbe, crd_outdated: Option<String>) -> Observed {
        let status = self.status(resource);
        let generation = resource.metadata.generation.unwrap_or_default();
        let uid = resource.metadata.uid.as_deref().unwrap_or_default();
        self.with(uid, |entry| {
            let spec = match &entry.spec {
                Some((checked, spec)) if *checked == generation => spec.clone(),
                _ => Probe::parse(resource).map(Arc::new).map_err(Into::into),
            };
            entry.spec = Some((generation, spec.clone()));
            let unseen = entry
                .created
                .iter()
                .filter(|pod| !entry.gone.iter().any(|gone| gone.uid == pod.uid));
            Observed {
                spec,
                generation,
                run_now: resource.annotations().get(names::RUN_NOW).cloned(),
                status,
                pods: entry.pods.values().chain(unseen).cloned().collect(),
                vanished: entry.gone.clone(),
                rejection: entry.rejection.clone(),
                crd_outdated,
                facts: entry.facts.clone(),
            }
        })
    }
}

impl Entry {
    fn leave(&mut self, last: RunPod) {
        // A name may be reused before the watch reports the deletion of the former pod.
        if self.pods.get(&last.name).is_some_and(|known| known.uid == last.uid) {
            self.pods.remove(&last.name);
        }
        self.created.retain(|pod| pod.uid != last.uid);
        // A pod that we deleted belonged to a closed slot.
        if !self.deleted.remove(&last.uid) {
            self.gone.push(last);
        }
    }

    fn is_bare(&self) -> bool {
        self.pods.is_empty()
            && self.created.is_empty()
            && self.gone.is_empty()
            && self.status.is_none()
            && self.spec.is_none()
    }
}

fn fingerprints(keys: &[CredentialStatus]) -> Vec<String> {
    keys.iter().map(|key| key.fingerprint.clone()).collect()
}

/// Whether `one` is a later version than `other`. Versions are comparable numbers (KEP-5504); where they are not, our
/// own version is the newest until the watch reports the same one.
fn is_newer(one: &str, other: &str) -> bool {
    match (one.parse::<u128>(), other.parse::<u128>()) {
        (Ok(one), Ok(other)) => one > other,
        _ => one != other,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::status::fixture;

    const UID: &str = "0b5e1e0e-6d5d-4d0a-9f3e-2f4f6a1c2d3e";

    fn pod(name: &str, slot: &str) -> ProbePod {
        serde_json::from_value(json!({
            "metadata": {
                "name": name, "uid": format!("uid-of-{name}"), "creationTimestamp": "2026-11-23T10:00:00Z",
                "annotations": {"claudeprobe.dev/slot": slot, "claudeprobe.dev/group": "shared", "claudeprobe.dev/run": slot.strip_prefix('g')},
                "ownerReferences": [{"apiVersion": "claudeprobe.dev/v1alpha1", "kind": "ClaudeProbe", "name": "assistants", "uid": UID, "controller": true}],
            },
            "status": {"phase": "Running", "containerStatuses": [{"name": "prober", "state": {"running": {}}}]},
        }))
        .unwrap()
    }

    fn resource(version: &str, slot: &str) -> ClaudeProbe {
        let mut resource = fixture::resource("");
        resource.metadata.resource_version = Some(version.into());
        let last_run = Some(crate::resource::status::RunStatus {
            slot: slot.into(),
            number: slot.strip_prefix('g').unwrap().parse().unwrap(),
            ..Default::default()
        });
        resource.status = Some(ClaudeProbeStatus {
            last_run,
            ..Default::default()
        });
        resource
    }

    fn slots(cache: &Cache, resource: &ClaudeProbe) -> (Vec<String>, Vec<String>) {
        let observed = cache.observe(resource, None);
        let names = |pods: &[RunPod]| pods.iter().map(|pod| pod.slot.to_string()).collect();
        (names(&observed.pods), names(&observed.vanished))
    }

    #[test]
    fn a_written_status_is_the_newest_until_the_watch_has_caught_up() {
        let cache = Cache::default();
        cache.wrote(UID, "7".into(), resource("7", "g2").status.unwrap());
        let slot = |resource: &ClaudeProbe| cache.status(resource).last_run.unwrap().slot;
        assert_eq!(slot(&resource("6", "g1")), "g2");
        assert_eq!(slot(&resource("8", "g3")), "g3");
        assert_eq!(slot(&resource("8", "g3")), "g3");
    }

    #[test]
    fn a_created_pod_is_observed_once_before_and_after_the_watch_reports_it() {
        let cache = Cache::default();
        let probe = resource("1", "g1");
        cache.created(UID, pod_view::reduce(&pod("p", "g2")).unwrap());
        assert_eq!(slots(&cache, &probe), (vec!["g2".into()], vec![]));
        cache.pod_applied(&pod("p", "g2"));
        assert_eq!(slots(&cache, &probe), (vec!["g2".into()], vec![]));
    }

    #[test]
    fn a_deleted_pod_without_report_is_kept_until_a_status_closes_its_slot() {
        let cache = Cache::default();
        let probe = resource("1", "g1");
        cache.pod_applied(&pod("p", "g2"));
        cache.pod_gone(&pod("p", "g2"));
        assert_eq!(slots(&cache, &probe), (vec![], vec!["g2".into()]));
        cache.wrote(UID, "2".into(), resource("2", "g2").status.unwrap());
        assert_eq!(slots(&cache, &probe), (vec![], vec![]));
    }

    #[test]
    fn a_pod_that_we_deleted_is_not_reported_as_vanished() {
        let cache = Cache::default();
        let probe = resource("1", "g1");
        cache.pod_applied(&pod("p", "g2"));
        cache.deleted(UID, "uid-of-p", false, "2026-11-23T10:01:00Z".parse().unwrap());
        cache.pod_applied(&pod("p", "g2"));
        assert!(cache.observe(&probe, None).pods[0].deleting.is_some());
        cache.pods_relisted(&HashSet::new(), |_| true);
        assert_eq!(slots(&cache, &probe), (vec![], vec![]));
    }
}
