//! Source of the page's content: the operator's memory, never the API server.

use crate::http::Current;
use crate::operator::wiring::{Guarded, Operator};
use crate::resource::spec::ClaudeProbe;
use crate::resource::status::{ClaudeProbeStatus, RunStatus, Verdict};
use crate::text::plain::plain;
use crate::view::{Known, Listed, Trend};

/// State of the replica that serves the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplicaState {
    /// This replica leads: it shows what it wrote.
    Leader,
    /// Another replica leads: this one shows what it received from the API server.
    Standby,
    /// The replica has not read all probes yet: some may be missing.
    Starting,
    /// The main loop or the watch makes no progress.
    Stuck,
}

/// A probe of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its line in a list.
    pub listed: Listed,
    /// Latency of its paths in the last runs.
    pub trends: Vec<Trend>,
}

/// Result of the search for a probe.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// The operator watches it.
    Known(Box<Known>, Vec<Trend>),
    /// It exists, and this version cannot read it.
    Unreadable(String),
    /// The operator watches no probe of that name.
    Missing,
}

/// Source of the page's content.
pub trait Source: Send + Sync + 'static {
    /// State of this replica.
    fn replica_state(&self) -> ReplicaState;
    /// All probes, in any order. All texts are safe to show, see [`plain`].
    fn rows(&self) -> Vec<Row>;
    /// One probe.
    fn find(&self, namespace: &str, name: &str) -> Found;
}

impl Row {
    /// A probe with this status.
    #[must_use]
    pub fn of(namespace: &str, name: &str, suspended: bool, status: ClaudeProbeStatus, trends: Vec<Trend>) -> Self {
        let verdict = status.verdict.unwrap_or_default();
        let listed = Listed {
            namespace: plain(namespace),
            name: plain(name),
            suspended,
            // Only what a list shows: the texts of thousands of probes take memory.
            verdict: Verdict {
                state: verdict.state,
                code: plain(&verdict.code),
                layer: plain(&verdict.layer),
                path: plain(&verdict.path),
                since: verdict.since,
                ..Verdict::default()
            },
            last_run: status.last_run.map(|run| RunStatus {
                finished_at: run.finished_at,
                ..RunStatus::default()
            }),
            next_run: status.next_run,
            ..Listed::default()
        };
        Self { listed, trends }
    }
}

impl Source for Current {
    fn replica_state(&self) -> ReplicaState {
        match self.borrow().as_deref() {
            Some(operator) if !operator.is_alive() => ReplicaState::Stuck,
            Some(operator) if !operator.is_synced() => ReplicaState::Starting,
            Some(operator) if operator.is_leader() => ReplicaState::Leader,
            Some(_) => ReplicaState::Standby,
            None => ReplicaState::Starting,
        }
    }

    fn rows(&self) -> Vec<Row> {
        let Some(operator) = self.borrow().clone() else {
            return Vec::new();
        };
        let probes = operator.probes();
        probes.iter().map(|probe| row(&operator, probe)).collect()
    }

    fn find(&self, namespace: &str, name: &str) -> Found {
        let Some(operator) = self.borrow().clone() else {
            return Found::Missing;
        };
        let Some(probe) = operator.probe(namespace, name) else {
            return Found::Missing;
        };
        match &probe.0 {
            Err(error) => Found::Unreadable(plain(&error.error)),
            Ok(resource) => known(&operator, resource),
        }
    }
}

fn row(operator: &Operator, probe: &Guarded) -> Row {
    let meta = kube::Resource::meta(probe);
    let (namespace, name) = (meta.namespace.as_deref(), meta.name.as_deref());
    let trends = meta.uid.as_deref().map(|uid| operator.trends.of(uid));
    let (suspended, status) = match &probe.0 {
        Ok(resource) => (resource.spec.suspend, operator.cache.status(resource)),
        Err(_) => (false, ClaudeProbeStatus::default()),
    };
    let (namespace, name) = (namespace.unwrap_or_default(), name.unwrap_or_default());
    Row::of(namespace, name, suspended, status, trends.unwrap_or_default())
}

fn known(operator: &Operator, resource: &ClaudeProbe) -> Found {
    let newest = ClaudeProbe {
        metadata: resource.metadata.clone(),
        spec: resource.spec.clone(),
        status: Some(operator.cache.status(resource)),
    };
    match Known::of(&newest) {
        Ok(known) => {
            let uid = resource.metadata.uid.as_deref().unwrap_or_default();
            Found::Known(Box::new(known), operator.trends.of(uid))
        }
        Err(unreadable) => Found::Unreadable(unreadable.to_string()),
    }
}
