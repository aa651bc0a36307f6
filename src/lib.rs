//! `claudeprobe` finds out, unattended and in seconds, why calls to the Claude API from a cluster fail.
//!
//! ```text
//!  ClaudeProbe ──► plan ──► probe pod ──► report ──► diagnosis ──► status, conditions, Events, metrics
//!  (resource)      (plan)   (probe)       (report)   (diagnosis)   (operator)
//!                              │                          ▲
//!                              ├── direct ──► Claude      │ catalogue: the closed list of findings
//!                              └── gateway ─► Claude      │ claude: what Claude says on the wire
//! ```
//!
//! Dependencies point one way. [`catalogue`] and [`claude`] know nobody; [`resource`] and [`report`] know those; [`plan`]
//! turns a resource into what a prober does; [`diagnosis`] is pure. [`probe`] speaks HTTP and knows no Kubernetes,
//! [`operator`] speaks Kubernetes and sends no probe traffic, and neither knows the other. [`view`] puts what is known into words, for
//! the terminal and for the [`status_page`]. [`cli`] knows all.

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
pub mod status_page;
pub mod telemetry;
pub mod text;
pub mod version;
pub mod view;
