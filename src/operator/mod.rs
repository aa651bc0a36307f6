//! Runs probes in a cluster: slots, probe pods, reports, status, Events, metrics.
//!
//! ```text
//!  watches ──► observe ──► decide ──► act ──► API server
//!              (caches)    (pure)     (writes, only as the leader)
//! ```
//!
//! Knows Kubernetes; sends no probe traffic, reads no Secret.

pub(crate) mod act;
pub mod cache;
pub mod client;
mod collected_report;
mod decide;
mod events;
pub mod lease;
mod observe;
pub mod pod;
mod pod_status;
mod pod_view;
mod reconcile;
mod run;
mod self_check;
pub mod start_fault;
pub mod wiring;
mod workloads;

use crate::clock;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod simulation;
