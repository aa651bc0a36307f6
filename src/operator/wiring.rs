//! Watches, tasks and their supervision.
//!
//! # Guarantees
//! A task that ends or panics ends the process: a restart is a clean state, and the cluster holds all that is needed. Neither
//! an unreachable API server nor a lost Lease ends it: watches and election continue by themselves. Nothing is written before
//! the caches are synced *and* this replica holds the Lease *and* one consistent list has shown the previous leader's writes.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use futures::{Stream, StreamExt};
use kube::api::{Api, ListParams};
use kube::core::DeserializeGuard;
use kube::runtime::controller::{Config, Controller};
use kube::runtime::predicates;
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::watcher::{self, Event, watcher};
use kube::runtime::{Predicate, PredicateConfig};
use kube::runtime::{WatchStreamExt, controller};
use kube::{Client, ResourceExt};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::act::Actor;
use super::cache::Cache;
use super::lease::{Elector, Leadership, LeaseSettings};
use super::pod_status::ProbePod;
use super::reconcile::{backoff, reconcile};
use super::self_check;
use super::{clock, pod};
use crate::metrics::OperatorMetrics;
use crate::operator::events::Publisher;
use crate::resource::spec::ClaudeProbe;
use crate::status::names;
use crate::status::trend::Trends;

/// A probe from the watch: one that cannot be parsed does not hide the others.
pub type Guarded = DeserializeGuard<ClaudeProbe>;

/// Probes that are reconciled at the same time.
const CONCURRENCY: u16 = 32;
/// How often the main loop updates its liveness.
const TICK: Duration = Duration::from_secs(1);

/// Settings from the command line.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Settings of probe pods.
    pub pods: pod::Settings,
    /// The Lease.
    pub lease: LeaseSettings,
    /// Namespace of the Lease.
    pub lease_namespace: String,
    /// Namespaces to watch; empty for all.
    pub namespaces: Vec<String>,
    /// The reporting instance of Events.
    pub instance: String,
}

/// What all tasks share.
pub struct Operator {
    pub(super) client: Client,
    pub(super) actor: Actor,
    /// The memory of each probe.
    pub cache: Cache,
    /// Durations of the last runs, per path.
    pub trends: Trends,
    /// Counters of the operator itself.
    pub metrics: Arc<OperatorMetrics>,
    /// The probes from the watches, one store per scope.
    stores: Vec<Store<Guarded>>,
    namespaces: Vec<String>,
    leadership: Leadership,
    /// A consistent list has shown the previous leader's writes.
    leads: AtomicBool,
    synced: watch::Receiver<usize>,
    /// When the main loop ticked last, Unix seconds.
    ticked: AtomicI64,
    pub(super) crd_outdated: watch::Receiver<Option<String>>,
}

impl Operator {
    /// Whether all caches have been filled once.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        // Each scope has two watches: probes and pods.
        *self.synced.borrow() >= 2 * self.stores.len()
    }

    /// Whether the main loop has made progress lately.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        clock::now().as_second() - self.ticked.load(Ordering::Relaxed) < 30
    }

    /// Whether this replica is the leader, with all of its predecessor's writes in the cache.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.leads.load(Ordering::Acquire) && self.leadership.time_left().is_some()
    }

    /// The probe of this name, if there is one.
    #[must_use]
    pub fn probe(&self, namespace: &str, name: &str) -> Option<Arc<Guarded>> {
        let key = ObjectRef::new(name).within(namespace);
        self.stores.iter().find_map(|store| store.get(&key))
    }

    /// Every probe, with its newest status.
    #[must_use]
    pub fn probes(&self) -> Vec<Arc<Guarded>> {
        self.stores.iter().flat_map(Store::state).collect()
    }
}

/// Why the operator ended.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A task ended that must not end.
    #[error(
        "the task {0} ended unexpectedly: a bug, or the process lacks memory or file descriptors. See the log before this line"
    )]
    TaskEnded(&'static str),
    /// A task panicked.
    #[error("a task panicked: {0}")]
    Panicked(#[source] tokio::task::JoinError),
}

struct Scope {
    probes: Api<Guarded>,
    pods: Api<ProbePod>,
}

fn scopes(client: &Client, namespaces: &[String]) -> Vec<Scope> {
    if namespaces.is_empty() {
        return vec![Scope {
            probes: Api::all(client.clone()),
            pods: Api::all(client.clone()),
        }];
    }
    let scope = |namespace: &String| Scope {
        probes: Api::namespaced(client.clone(), namespace),
        pods: Api::namespaced(client.clone(), namespace),
    };
    namespaces.iter().map(scope).collect()
}

/// Runs until `stop`. `publish` gets the operator as soon as it exists, for the HTTP endpoints.
///
/// # Errors
/// A task that ended or panicked before `stop`.
pub async fn run(
    client: Client,
    settings: Settings,
    metrics: Arc<OperatorMetrics>,
    publish: watch::Sender<Option<Arc<Operator>>>,
    stop: CancellationToken,
) -> Result<(), RunError> {
    let leases = Api::namespaced(client.clone(), &settings.lease_namespace);
    let (elector, leadership) = Elector::new(leases, settings.lease.clone());
    let (synced, synced_now) = watch::channel(0);
    let (outdated, outdated_now) = watch::channel(None);
    let scopes = scopes(&client, &settings.namespaces);
    let (readers, writers): (Vec<_>, Vec<_>) = scopes.iter().map(|_| reflector::store::<Guarded>()).unzip();
    let actor = Actor {
        client: client.clone(),
        leadership: leadership.clone(),
        pods: settings.pods.clone(),
        publisher: Publisher::new(client.clone(), &settings.instance),
        metrics: metrics.clone(),
    };
    let operator = Arc::new(Operator {
        client: client.clone(),
        actor,
        cache: Cache::default(),
        trends: Trends::default(),
        metrics,
        stores: readers,
        namespaces: settings.namespaces.clone(),
        leadership,
        leads: AtomicBool::new(false),
        synced: synced_now,
        ticked: AtomicI64::new(clock::now().as_second()),
        crd_outdated: outdated_now,
    });
    publish.send_replace(Some(operator.clone()));

    // All probes are requeued: leadership began, or a watch listed everything again.
    let (all_again, _) = broadcast::channel::<()>(4);
    let mut tasks = JoinSet::new();
    let wait_for_rights = self_check::run(client.clone(), settings.namespaces.clone(), stop.clone());
    tasks.spawn(named(
        "the check of the CRD",
        self_check::watch_crd(client.clone(), outdated, stop.clone()),
    ));
    tasks.spawn(named("the election", elector.run(stop.clone())));
    tasks.spawn(named(
        "the leadership task",
        follow_leadership(operator.clone(), all_again.clone(), stop.clone()),
    ));
    // A rejected watch would only retry: report first which permission is missing.
    wait_for_rights.await;
    for ((scope, writer), reader) in scopes.into_iter().zip(writers).zip(operator.stores.clone()) {
        let work = work(
            operator.clone(),
            scope,
            writer,
            reader,
            synced.clone(),
            all_again.clone(),
            stop.clone(),
        );
        tasks.spawn(named("the main loop", work));
    }
    supervise(tasks, &stop).await
}

async fn named(name: &'static str, task: impl Future<Output = ()>) -> &'static str {
    task.await;
    name
}

async fn supervise(mut tasks: JoinSet<&'static str>, stop: &CancellationToken) -> Result<(), RunError> {
    while let Some(ended) = tasks.join_next().await {
        match ended {
            Ok(_) if stop.is_cancelled() => {}
            Ok(name) => return Err(RunError::TaskEnded(name)),
            Err(error) => return Err(RunError::Panicked(error)),
        }
    }
    Ok(())
}

/// Follows the Lease: begins and ends this replica's leadership.
async fn follow_leadership(operator: Arc<Operator>, all_again: broadcast::Sender<()>, stop: CancellationToken) {
    let mut leadership = operator.leadership.clone();
    let mut synced = operator.synced.clone();
    let mut leads = false;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            changed = leadership.changed(leads) => match changed {
                Some(now) => leads = now,
                None => return,
            },
            () = begin_leadership(&operator, &mut synced), if leads && !operator.leads.load(Ordering::Acquire) => {
                operator.leads.store(true, Ordering::Release);
                tracing::info!("this replica leads: its caches are synced and it holds the Lease");
                // Without a receiver there is no watch yet, and nothing to requeue.
                let _ = all_again.send(());
            }
        }
        if !leads {
            operator.leads.store(false, Ordering::Release);
        }
    }
}

/// Lists the probes consistently: a watch may lag behind the previous leader's last writes.
async fn begin_leadership(operator: &Operator, synced: &mut watch::Receiver<usize>) {
    while !operator.is_synced() {
        if synced.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
    loop {
        match newest(operator).await {
            Ok(()) => return,
            Err(error) => tracing::warn!(%error, "the probes could not be listed at the start of leadership; retrying"),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn newest(operator: &Operator) -> Result<(), kube::Error> {
    let namespaces: HashSet<Option<String>> = operator.scoped_namespaces();
    for namespace in namespaces {
        let api: Api<Guarded> = match &namespace {
            Some(namespace) => Api::namespaced(operator.client.clone(), namespace),
            None => Api::all(operator.client.clone()),
        };
        let mut params = ListParams::default().limit(500);
        loop {
            let page = api.list(&params).await?;
            for probe in page.items.into_iter().filter_map(|guarded| guarded.0.ok()) {
                if let (Some(uid), Some(version)) = (probe.uid(), probe.resource_version()) {
                    operator.cache.wrote(&uid, version, probe.status.unwrap_or_default());
                }
            }
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => break,
            }
        }
    }
    Ok(())
}

impl Operator {
    fn scoped_namespaces(&self) -> HashSet<Option<String>> {
        if self.namespaces.is_empty() {
            HashSet::from([None])
        } else {
            self.namespaces.iter().cloned().map(Some).collect()
        }
    }

    /// UIDs of the probes in this scope.
    fn uids(store: &Store<Guarded>) -> HashSet<String> {
        store.state().iter().filter_map(|probe| probe.uid()).collect()
    }
}

/// The watches and the reconciles of one scope.
async fn work(
    operator: Arc<Operator>,
    scope: Scope,
    writer: reflector::store::Writer<Guarded>,
    reader: Store<Guarded>,
    synced: watch::Sender<usize>,
    all_again: broadcast::Sender<()>,
    stop: CancellationToken,
) {
    let probes = probe_stream(
        operator.clone(),
        scope.probes,
        writer,
        reader.clone(),
        synced.clone(),
        all_again.clone(),
    );
    let pods = pod_stream(operator.clone(), scope.pods, reader.clone(), synced);
    let controller = Controller::for_stream(probes, reader)
        .with_config(Config::default().concurrency(CONCURRENCY))
        .reconcile_on(pods)
        .reconcile_all_on(signals(all_again.subscribe()))
        .graceful_shutdown_on(stop.cancelled_owned())
        .run(reconcile, backoff, operator.clone());
    let mut controller = std::pin::pin!(controller);
    let mut tick = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            reconciled = controller.next() => match reconciled {
                None => return,
                Some(Ok(_)) => {}
                Some(Err(controller::Error::ReconcilerFailed(error, probe))) => tracing::warn!(%error, %probe, "the reconcile failed; retrying"),
                Some(Err(error)) => tracing::debug!(%error, "the controller's queue reported an error"),
            },
            _ = tick.tick() => operator.ticked.store(clock::now().as_second(), Ordering::Relaxed),
        }
    }
}

fn signals(receiver: broadcast::Receiver<()>) -> impl Stream<Item = ()> {
    futures::stream::unfold(receiver, |mut receiver| async move {
        match receiver.recv().await {
            Ok(()) | Err(broadcast::error::RecvError::Lagged(_)) => Some(((), receiver)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    })
}

/// Probes whose spec or annotations changed; their deletion is noted on the way.
fn probe_stream(
    operator: Arc<Operator>,
    api: Api<Guarded>,
    writer: reflector::store::Writer<Guarded>,
    reader: Store<Guarded>,
    synced: watch::Sender<usize>,
    all_again: broadcast::Sender<()>,
) -> impl Stream<Item = Result<Guarded, watcher::Error>> {
    let mut first = true;
    let note = move |event: &Result<Event<Guarded>, watcher::Error>| match event {
        Ok(Event::Delete(probe)) => {
            if let Some(uid) = probe.uid() {
                operator.cache.forget(&uid);
                operator.trends.forget(&uid);
            }
        }
        Ok(Event::InitDone) => {
            let alive: HashSet<String> = operator.stores.iter().flat_map(Operator::uids).collect();
            operator.cache.retain(&alive);
            operator.trends.retain(&alive);
            if std::mem::take(&mut first) {
                tracing::info!(probes = reader.len(), "the cache of probes is synced");
                synced.send_modify(|count| *count += 1);
            } else {
                // New probes of a relist arrive before the store has them.
                let _ = all_again.send(());
            }
        }
        Ok(Event::Apply(probe) | Event::InitApply(probe)) => {
            if let (Some(uid), Some(status)) = (
                probe.uid(),
                probe.0.as_ref().ok().and_then(|probe| probe.status.as_ref()),
            ) {
                operator.trends.note(&uid, status);
            }
        }
        Err(error) => tracing::warn!(%error, "the watch of probes failed; retrying"),
        Ok(Event::Init) => {}
    };
    watcher(api, watcher::Config::default())
        .default_backoff()
        .modify(slim)
        .reflect(writer)
        .inspect({
            let mut note = note;
            move |event| note(event)
        })
        .touched_objects()
        .predicate_filter(
            predicates::generation.combine(predicates::annotations),
            PredicateConfig::default(),
        )
}

/// Drops unused fields: half of an object's size.
fn slim(probe: &mut Guarded) {
    let meta = kube::Resource::meta_mut(probe);
    meta.managed_fields = None;
    if let Some(annotations) = &mut meta.annotations {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
}

/// Probes whose pods changed.
fn pod_stream(
    operator: Arc<Operator>,
    api: Api<ProbePod>,
    reader: Store<Guarded>,
    synced: watch::Sender<usize>,
) -> impl Stream<Item = ObjectRef<Guarded>> {
    let (key, value) = names::MANAGED_BY;
    let config = watcher::Config::default().labels(&format!("{key}={value}"));
    let mut listed = HashSet::new();
    let mut first = true;
    watcher(api, config).default_backoff().filter_map(move |event| {
        let changed = match event {
            Ok(Event::Apply(pod)) => operator.cache.pod_applied(&pod).and(owner_ref(&pod)),
            Ok(Event::Delete(pod)) => operator.cache.pod_gone(&pod).and(owner_ref(&pod)),
            Ok(Event::Init) => {
                listed = HashSet::new();
                None
            }
            Ok(Event::InitApply(pod)) => {
                let owner = operator.cache.pod_applied(&pod);
                listed.extend(owner.map(|owner| (owner, pod.name_any())));
                owner_ref(&pod)
            }
            Ok(Event::InitDone) => {
                let scope = Operator::uids(&reader);
                operator
                    .cache
                    .pods_relisted(&std::mem::take(&mut listed), |owner| scope.contains(owner));
                if std::mem::take(&mut first) {
                    tracing::info!("the cache of pods is synced");
                    synced.send_modify(|count| *count += 1);
                }
                None
            }
            Err(error) => {
                tracing::warn!(%error, "the watch of pods failed; retrying");
                None
            }
        };
        futures::future::ready(changed)
    })
}

fn owner_ref(pod: &ProbePod) -> Option<ObjectRef<Guarded>> {
    let owner = super::pod_view::owner(&pod.metadata)?;
    Some(ObjectRef::new(&owner.name).within(pod.metadata.namespace.as_deref()?))
}
