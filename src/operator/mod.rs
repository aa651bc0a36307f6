//! Keeps probes going in a cluster: slots, probe pods, reports, status, Events, metrics.
//!
//! ```text
//!  watches ──► observe ──► decide ──► act ──► API server
//!              (caches)    (pure)     (writes, only while the Lease is ours)
//! ```
//!
//! Knows Kubernetes; sends no probe traffic, reads no Secret.

mod clock;
pub mod lease;
pub mod names;
pub mod pod;
pub mod pod_view;
pub mod schedule;
pub mod start_fault;
mod text;
