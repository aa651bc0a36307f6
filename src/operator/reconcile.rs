//! One reconcile of one probe: observe, decide, act, requeue.
//!
//! # Guarantees
//! Only the leader reconciles. A reconcile has a time limit, and every successful one returns the time of the next.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use kube::runtime::controller::Action;

use super::act::{ActError, Done};
use super::decide::decide;
use super::observe::Observed;
use super::wiring::{Guarded, Operator};
use super::{clock, workloads};
use crate::resource::spec::ClaudeProbe;
use crate::status::memory::Facts;

/// Longest time of one reconcile, all its writes included.
const RECONCILE_LIMIT: Duration = Duration::from_secs(30);
/// Longest time from a failed reconcile to the next one.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// Why a reconcile failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReconcileError {
    /// A write failed.
    #[error(transparent)]
    Act(#[from] ActError),
    /// It took too long.
    #[error("the reconcile took longer than {} s", RECONCILE_LIMIT.as_secs())]
    TooSlow,
}

impl ReconcileError {
    fn class(&self) -> &'static str {
        match self {
            Self::Act(error) => error.class(),
            Self::TooSlow => "timeout",
        }
    }
}

/// Reconciles a probe.
///
/// # Errors
/// A write that failed, or the time limit: [`backoff`] returns the time of the next attempt.
pub(super) async fn reconcile(probe: Arc<Guarded>, operator: Arc<Operator>) -> Result<Action, ReconcileError> {
    if !operator.is_leader() {
        return Ok(Action::await_change());
    }
    let resource = match &probe.0 {
        Ok(resource) => resource,
        Err(invalid) => {
            tracing::warn!(
                probe = probe.name_any(),
                namespace = probe.namespace(),
                error = invalid.error,
                "the probe cannot be parsed"
            );
            return Ok(Action::await_change());
        }
    };
    // Being deleted: the garbage collector takes its pods.
    if resource.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let began = tokio::time::Instant::now();
    let outcome = tokio::time::timeout(RECONCILE_LIMIT, reconcile_resource(resource, &operator))
        .await
        .unwrap_or(Err(ReconcileError::TooSlow));
    operator
        .metrics
        .reconciled(began.elapsed(), outcome.as_ref().err().map(ReconcileError::class));
    outcome
}

async fn reconcile_resource(resource: &ClaudeProbe, operator: &Operator) -> Result<Action, ReconcileError> {
    // API server, only after a write that was not acknowledged.
    confirm_status(resource, operator).await?;
    // Pure: from the caches.
    let mut observed = operator.cache.observe(resource, operator.crd_outdated.borrow().clone());
    let now = clock::now();
    // API server, only after a key changed.
    find_old_keys(&mut observed, resource, operator, now).await;
    // Pure.
    let plan = decide(&observed, now);
    let wake = plan.wake;
    // API server: the status first, then pods.
    let probe = observed.spec.as_deref().ok();
    let acted = operator
        .actor
        .act(&operator.cache, resource, probe, &observed.status, plan);
    let done = acted.await?;
    operator.cache.went_well(uid(resource));
    // Pure.
    Ok(Action::requeue(pause(wake, done, clock::now())))
}

fn uid(resource: &ClaudeProbe) -> &str {
    resource.metadata.uid.as_deref().unwrap_or_default()
}

async fn confirm_status(resource: &ClaudeProbe, operator: &Operator) -> Result<(), ActError> {
    if operator.cache.is_unacknowledged(uid(resource)) {
        operator.actor.read_status(&operator.cache, resource).await?;
    }
    Ok(())
}

/// Finds the pods that may still use the previous key.
async fn find_old_keys(observed: &mut Observed, resource: &ClaudeProbe, operator: &Operator, now: Timestamp) {
    let (cache, uid) = (&operator.cache, uid(resource));
    let probe = observed.spec.as_deref().ok();
    let Some(probe) = probe.filter(|probe| workloads::may_hold_old_key(probe, &observed.status)) else {
        // Facts about an earlier key do not apply to the present one.
        observed.facts = Facts::default();
        return;
    };
    let keys = &observed.status.credentials;
    if !cache.may_list(uid, keys, now) {
        return;
    }
    match workloads::find_stale(&operator.client, probe, &observed.status).await {
        Ok(facts) => {
            cache.learn(uid, keys, facts.clone());
            observed.facts = facts;
        }
        Err(error) => {
            let (probe, namespace) = (&probe.name, &probe.namespace);
            tracing::warn!(%error, probe, namespace, "the pods of the workloads could not be listed");
        }
    }
}

/// Time until the next reconcile.
fn pause(wake: Timestamp, done: Done, now: Timestamp) -> Duration {
    let wait = Duration::try_from(wake.duration_since(now)).unwrap_or(Duration::ZERO);
    // A plan without writes that requeues at once would spin.
    match (done.again, done.wrote) {
        (true, _) => Duration::ZERO,
        (false, true) => wait,
        (false, false) => wait.max(Duration::from_millis(20)),
    }
}

/// When a failed reconcile is repeated.
pub(super) fn backoff(probe: Arc<Guarded>, error: &ReconcileError, operator: Arc<Operator>) -> Action {
    if matches!(error, ReconcileError::Act(ActError::NotLeading)) {
        return Action::requeue(Duration::from_secs(1));
    }
    let uid = probe.uid().unwrap_or_default();
    let failures = operator.cache.failed(&uid).min(6);
    // Spread by the UID: a thousand probes must not be requeued in the same instant.
    let spread = u64::from(uid.bytes().fold(0_u8, u8::wrapping_add)) * 4;
    Action::requeue(Duration::from_millis(500 * (1 << failures) + spread).min(LONGEST_BACKOFF))
}
