//! Keeps probes going in a cluster: slots, probe pods, reports, status, Events, metrics.
//!
//! ```text
//!  watches ──► observe ──► decide ──► act ──► API server
//!              (caches)    (pure)     (writes, only while the Lease is ours)
//! ```
//!
//! Knows Kubernetes; sends no probe traffic, reads no Secret.

pub(crate) mod act;
mod bounds;
pub mod budget;
pub mod cache;
pub mod canaries;
pub mod client;
use crate::clock;
pub(crate) mod conditions;
mod decide;
mod events;
mod harvest;
pub(crate) mod history;
pub(crate) mod judge;
mod keys;
pub mod lease;
pub mod names;
mod observe;
pub mod pod;
mod pod_view;
mod reconcile;
mod run;
pub mod schedule;
mod self_check;
pub mod start_fault;
mod status;
pub mod tally;
mod text;
pub mod trend;
pub mod wiring;
mod workloads;

pub use status::run_now_mark;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod fixture;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod simulation;
