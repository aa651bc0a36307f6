//! The status page: the operator's state in a browser.
//!
//! ```text
//!  Source (the operator's memory, or the demo's) ──► view (texts) ──► html (escaped) ──► serve (guarded)
//! ```
//!
//! # Guarantees
//! Read-only: it changes nothing, and shows nothing that `kubectl get claudeprobes -o yaml` does not show. On loopback,
//! everybody who reaches the port sees all probes (`kubectl port-forward` requires a right at the API server). On any other
//! address every request needs a token, and the page shows what its user may get, see [`access`].

pub mod access;
mod guard;
pub mod html;
mod query;
pub mod serve;
mod source;
pub mod tls;

pub use serve::{Page, routes, serve};
pub use source::{Found, ReplicaState, Row, Source};
