//! The state of a probe: from the status before a run to the status after it.
//!
//! ```text
//!  status ──► Memory::read ──► diagnose(case) ──► Memory::after(run, diagnosis) ──► Memory::write ──► status
//! ```
//!
//! Pure: knows no client and no clock; `now` is a value. Only fields and enums are read from a status again, never a
//! message. Also here: values derived from a status alone, for metrics, views and the status page.

pub mod bounds;
pub mod budget;
pub mod cause;
pub mod conditions;
pub mod counters;
pub mod fault;
pub mod figures;
pub mod forwarding_checks;
pub mod history;
pub mod keys;
pub mod memory;
pub mod names;
pub mod schedule;
pub mod stale;
pub mod summary;
pub mod trend;
pub mod up;
pub mod write;

pub use memory::{Facts, Memory, RunOver};

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
pub(crate) mod fixture;
