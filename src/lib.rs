//! `claudeprobe` finds out, unattended and in seconds, why calls to the Claude API from a cluster fail.
//!
//! ```text
//!  ClaudeProbe ──► plan ──► probe pod ──► report ──► diagnosis ──► status, conditions, Events, metrics
//!  (resource)      (plan)   (probe)       (report)   (diagnosis)   (status, operator)
//!                              │                          ▲
//!                              ├── direct ──► Claude      │ catalogue: the closed list of findings
//!                              └── gateway ─► Claude      │ claude: what Claude says on the wire
//! ```
//!
//! Imports point one way, from a layer to those before it:
//!
//! | layer | knows |
//! |---|---|
//! | [`version`], [`telemetry`], [`text`], `clock` | the build, the log, text made fit to be shown, the time |
//! | [`catalogue`], [`claude`] | the closed list of findings; Claude's wire format |
//! | [`resource`] | the `ClaudeProbe` resource: spec, checked spec, status |
//! | [`report`] | what travels between a probe pod and the operator |
//! | [`plan`] | from a resource to what a prober does |
//! | [`diagnosis`] | from evidence to findings, verdict and conditions. Pure |
//! | [`status`] | what is remembered from run to run. Pure: no client, no clock |
//! | [`standin`], [`demo`] | a stand-in for Claude, and for gateways with faults |
//! | [`probe`] | HTTP. Knows no Kubernetes, and not the [`operator`] |
//! | [`metrics`], [`view`] | what is shown of a status, to machines and to people |
//! | [`operator`] | Kubernetes. Sends no probe traffic |
//! | [`http`], [`status_page`] | the operator's endpoints |
//! | [`cli`] | all |

pub mod catalogue;
pub mod claude;
pub mod cli;
pub(crate) mod clock;
#[cfg(feature = "demo")]
pub mod demo;
pub mod diagnosis;
pub mod http;
pub mod metrics;
pub mod operator;
pub mod plan;
pub mod probe;
pub mod report;
pub mod resource;
#[cfg(feature = "demo")]
pub mod standin;
pub mod status;
pub mod status_page;
pub mod telemetry;
pub mod text;
pub mod version;
pub mod view;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod layers;
