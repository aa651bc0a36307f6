//! What the operator remembers of each probe: its pods as the watch told them, and what it wrote that the watch has not
//! told yet.
//!
//! A watch lags behind our own writes. Deciding on what it tells alone would run a slot twice or write a run down twice, so
//! every acknowledged write is remembered until the watch has caught up. Nothing here is needed across a restart: the
//! cluster holds it all.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;

use super::observe::Observed;
use super::pod::GRACE_SECONDS;
use super::pod_status::ProbePod;
use super::pod_view::{self, RunPod};
use super::run::{self, Refusal};
use crate::resource::spec::ClaudeProbe;
use crate::resource::status::{ClaudeProbeStatus, CredentialStatus};
use crate::resource::validated::{Probe, SpecFault};
use crate::status::counters::Counters;
use crate::status::memory::Facts;
use crate::status::{names, schedule::Slot};

/// Pods are looked at for stale keys at most so often.
const LIST_PERIOD: SignedDuration = SignedDuration::from_mins(5);

/// A checked spec, or what is wrong with it.
pub type Checked = Result<Arc<Probe>, Arc<[SpecFault]>>;

#[derive(Debug, Default)]
struct Entry {
    /// Pods as the watch told them, by name.
    pods: BTreeMap<String, RunPod>,
    /// Pods that we created and the watch has not told yet.
    created: Vec<RunPod>,
    /// Pods that are gone, as they were last seen.
    gone: Vec<RunPod>,
    /// UIDs of pods that we deleted, until they are gone.
    deleted: HashSet<String>,
    /// The newest status that we wrote, with its resource version.
    status: Option<(String, ClaudeProbeStatus)>,
    /// A status was sent and not answered: it may have been written or not.
    unacknowledged: bool,
    refusal: Option<Refusal>,
    spec: Option<(i64, Checked)>,
    facts: Facts,
    /// When pods were looked at last, and for which fingerprints nobody is left.
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
        // A panic ends the process (see `wiring`); nobody sees a half-written entry.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, uid: &str, change: impl FnOnce(&mut Entry) -> T) -> T {
        change(self.lock().entry(uid.to_owned()).or_default())
    }

    /// The watch tells a pod. Returns the UID of the probe that it belongs to.
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

    /// The watch tells that a pod is gone.
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

    /// The watch told everything anew: what it did not tell is gone. `told` are the names of a scope's pods by owner.
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

    /// The probe is gone.
    pub fn forget(&self, uid: &str) {
        self.lock().remove(uid);
    }

    /// We created a pod.
    pub fn created(&self, uid: &str, pod: RunPod) {
        self.with(uid, |entry| {
            if entry.pods.get(&pod.name).is_none_or(|known| known.uid != pod.uid) {
                entry.created.push(pod);
            }
            entry.refusal = None;
        });
    }

    /// The API server refused to create a pod.
    pub fn refused(&self, uid: &str, slot: &Slot, fault: crate::status::fault::Fault, now: Timestamp) {
        self.with(uid, |entry| {
            let first = entry
                .refusal
                .as_ref()
                .filter(|refusal| refusal.slot == *slot)
                .map_or(now, |refusal| refusal.first);
            entry.refusal = Some(Refusal {
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
                .refusal
                .as_ref()
                .is_some_and(|refusal| Some(refusal.slot.to_string()) == closed)
            {
                entry.refusal = None;
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

    /// Notes whether the newest status is not known, because one was sent and not answered.
    pub fn set_unacknowledged(&self, uid: &str, unacknowledged: bool) {
        self.with(uid, |entry| entry.unacknowledged = unacknowledged);
    }

    /// Whether the newest status is not known.
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

    /// This probe's reconcile went well.
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

    /// Whether pods may be looked at for these keys: not while nobody is left for them, and not again so soon. Notes the look.
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

    /// What a look at pods told.
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

    /// The newest status: what the watch told, or what we wrote after that.
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
        // The watch has caught up: no need to keep it twice.
        if entry.status.as_ref().is_some_and(|(ours, _)| !is_newer(ours, &version)) {
            entry.status = None;
        }
        entry.status.as_ref().map_or_else(watched, |(_, status)| status.clone())
    }

    /// Everything that a decision about this probe looks at.
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
                refusal: entry.refusal.clone(),
                crd_outdated,
                facts: entry.facts.clone(),
            }
        })
    }
}

impl Entry {
    fn leave(&mut self, last: RunPod) {
        // A name may be taken again before the watch tells that its former holder is gone.
        if self.pods.get(&last.name).is_some_and(|known| known.uid == last.uid) {
            self.pods.remove(&last.name);
        }
        self.created.retain(|pod| pod.uid != last.uid);
        // What we deleted ourselves belonged to a closed slot.
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

/// Whether `one` is a later version than `other`. Versions are numbers of one series (KEP-5504); where they are not, ours is
/// believed until the watch tells exactly that one.
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
    fn a_status_that_we_wrote_stands_until_the_watch_has_caught_up() {
        let cache = Cache::default();
        cache.wrote(UID, "7".into(), resource("7", "g2").status.unwrap());
        let slot = |resource: &ClaudeProbe| cache.status(resource).last_run.unwrap().slot;
        assert_eq!(slot(&resource("6", "g1")), "g2");
        assert_eq!(slot(&resource("8", "g3")), "g3");
        assert_eq!(slot(&resource("8", "g3")), "g3");
    }

    #[test]
    fn a_pod_that_we_created_is_seen_before_the_watch_tells_it_and_once_after() {
        let cache = Cache::default();
        let probe = resource("1", "g1");
        cache.created(UID, pod_view::reduce(&pod("p", "g2")).unwrap());
        assert_eq!(slots(&cache, &probe), (vec!["g2".into()], vec![]));
        cache.pod_applied(&pod("p", "g2"));
        assert_eq!(slots(&cache, &probe), (vec!["g2".into()], vec![]));
    }

    #[test]
    fn a_pod_that_goes_unread_is_remembered_until_a_status_closes_its_slot() {
        let cache = Cache::default();
        let probe = resource("1", "g1");
        cache.pod_applied(&pod("p", "g2"));
        cache.pod_gone(&pod("p", "g2"));
        assert_eq!(slots(&cache, &probe), (vec![], vec!["g2".into()]));
        cache.wrote(UID, "2".into(), resource("2", "g2").status.unwrap());
        assert_eq!(slots(&cache, &probe), (vec![], vec![]));
    }

    #[test]
    fn a_pod_that_we_deleted_is_not_missed() {
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
