//! Where the page gets what it shows: memory, never the API server.

use crate::http::Current;
use crate::operator::wiring::{Guarded, Operator};
use crate::report::plain::plain;
use crate::resource::spec::ClaudeProbe;
use crate::resource::status::{ClaudeProbeStatus, RunStatus, Verdict};
use crate::view::{Known, Listed, Trend};

/// How far what is shown can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// This replica acts: what it shows is what it wrote.
    Acts,
    /// Another one acts: what is shown is what the API server told.
    StandsBy,
    /// Not all has been read yet: probes may be missing.
    Starts,
    /// The API server is not heard: the main loop or the watch does not go on.
    Stuck,
}

/// A probe of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What it says.
    pub listed: Listed,
    /// How long its paths took lately.
    pub trends: Vec<Trend>,
}

/// What became of looking for a probe.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// It is known.
    Known(Box<Known>, Vec<Trend>),
    /// It is there, and this version cannot read it.
    Unreadable(String),
    /// There is none of that name.
    Missing,
}

/// Where the page gets what it shows.
pub trait Source: Send + Sync + 'static {
    /// How far it can be trusted.
    fn standing(&self) -> Standing;
    /// All probes, in any order. Every text in them is safe to show, see [`plain`].
    fn rows(&self) -> Vec<Row>;
    /// One probe.
    fn find(&self, namespace: &str, name: &str) -> Found;
}

impl Row {
    /// A probe with this status.
    #[must_use]
    pub fn of(namespace: &str, name: &str, suspended: bool, status: ClaudeProbeStatus, trends: Vec<Trend>) -> Self {
        let verdict = status.verdict.unwrap_or_else(|| Verdict {
            message: "No operator has reconciled this probe yet.".to_owned(),
            ..Verdict::default()
        });
        let listed = Listed {
            namespace: plain(namespace),
            name: plain(name),
            suspended,
            // Only what a list shows: of thousands of probes the texts are a lot.
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
    fn standing(&self) -> Standing {
        match self.borrow().as_deref() {
            Some(operator) if !operator.is_alive() => Standing::Stuck,
            Some(operator) if !operator.is_synced() => Standing::Starts,
            Some(operator) if operator.is_acting() => Standing::Acts,
            Some(_) => Standing::StandsBy,
            None => Standing::Starts,
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
