//! One probe as the cluster knows it: the contract of `explain -o json`, built from the status's own types.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::resource::spec::ClaudeProbe;
use crate::resource::status::{ClaudeProbeStatus, Verdict};
use crate::resource::validated::Probe;
use crate::status::names::RUN_NOW;
use crate::text::plain::plain;

/// What is known of one probe. The status's fields stand beside the name: `.verdict`, `.findings` and `.paths` are where
/// `check -o json` has them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Known {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Generation of the spec; the status speaks of `observedGeneration`.
    pub generation: i64,
    /// No scheduled runs.
    pub suspended: bool,
    /// Most tokens per UTC day, the default where the spec sets none; absent where the spec is invalid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_day: Option<u64>,
    /// The value of the annotation claudeprobe.dev/run-now, as it is: handled when `lastHandledRunNow` is the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_now: Option<String>,
    /// The status, field by field; always with a verdict.
    #[serde(flatten)]
    pub status: ClaudeProbeStatus,
    /// Findings of a newer release, which this one cannot read.
    #[serde(skip)]
    pub unread: usize,
    /// The checked spec, for what a run would do.
    #[serde(skip)]
    pub spec: Option<Box<Probe>>,
}

impl Known {
    /// Reads a resource. Every text in it is made safe to show, see [`plain`].
    ///
    /// # Errors
    /// It holds what this version does not know.
    pub fn of<T: Serialize>(object: &T) -> Result<Self, Unreadable> {
        let value = serde_json::to_value(object).map_err(|source| Unreadable::new("", &source))?;
        let value = cleaned(value);
        let written = value["status"]["findings"].as_array().map_or(0, Vec::len);
        let name = value["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let resource: ClaudeProbe = serde_json::from_value(value).map_err(|source| Unreadable::new(&name, &source))?;
        let spec = Probe::parse(&resource).ok();
        let meta = resource.metadata;
        let mut status = resource.status.unwrap_or_default();
        status.verdict.get_or_insert_with(|| Verdict {
            message: "No operator has reconciled this probe yet.".to_owned(),
            advice: "Check that the operator runs, and that it watches this namespace.".to_owned(),
            ..Verdict::default()
        });
        Ok(Self {
            namespace: meta.namespace.unwrap_or_default(),
            name: meta.name.unwrap_or_default(),
            generation: meta.generation.unwrap_or_default(),
            suspended: resource.spec.suspend,
            tokens_per_day: spec.as_ref().map(|probe| probe.tokens_per_day),
            run_now: meta.annotations.unwrap_or_default().remove(RUN_NOW),
            unread: written.saturating_sub(status.findings.len()),
            status,
            spec: spec.map(Box::new),
        })
    }

    /// A status without a resource around it, such as the demo has. Every text in it is made safe to show.
    ///
    /// # Errors
    /// It holds what this version does not know.
    pub fn of_status(namespace: &str, name: &str, status: &ClaudeProbeStatus) -> Result<Self, Unreadable> {
        let value = serde_json::to_value(status).map_err(|source| Unreadable::new(name, &source))?;
        Ok(Self {
            namespace: plain(namespace),
            name: plain(name),
            generation: status.observed_generation.unwrap_or_default(),
            suspended: false,
            tokens_per_day: None,
            run_now: None,
            status: serde_json::from_value(cleaned(value)).map_err(|source| Unreadable::new(name, &source))?,
            unread: 0,
            spec: None,
        })
    }

    /// The verdict.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.status.verdict.clone().unwrap_or_default()
    }
}

/// A resource that this version cannot read, in a sentence that says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

impl Unreadable {
    fn new(name: &str, source: &serde_json::Error) -> Self {
        Self(plain(&format!(
            "this claudeprobe ({}) cannot read ClaudeProbe {name}: {source}. Use the claudeprobe of the operator's release, or kubectl \
             describe",
            env!("CARGO_PKG_VERSION")
        )))
    }
}

/// The value with every text in it made safe to show, names of fields included.
#[must_use]
pub fn cleaned(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(plain(&text)),
        Value::Array(list) => Value::Array(list.into_iter().map(cleaned).collect()),
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(name, value)| (plain(&name), cleaned(value)))
                .collect(),
        ),
        other => other,
    }
}
