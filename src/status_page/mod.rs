//! The status page: what the operator knows, for people with a browser and nothing else.
//!
//! ```text
//!  Source (the operator's memory, or the demo's) ──► view (words) ──► html (escaped) ──► serve (guarded)
//! ```
//!
//! Read-only: it changes nothing, and shows nothing that `kubectl get claudeprobes -o yaml` does not. On loopback whoever can reach the
//! port may look (`kubectl port-forward` asks the API server first); on any other address every request carries a token, and shows what
//! its owner may get, see [`access`].

pub mod access;
mod guard;
pub mod html;
mod query;
pub mod serve;
mod source;
pub mod tls;

pub use serve::{Page, routes, serve};
pub use source::{Found, Row, Source, Standing};
