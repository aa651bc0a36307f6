//! The prober: sends a run's exchanges, measures them, and reduces them to evidence.
//!
//! ```text
//!  Plan + Secrets ─► run ─► leg ─► compose ─► connect ─► link ─► reading ─► Exchange
//!                     │      │    (bytes)   (dns, tcp,  (http,   (closed enums,
//!                   order  hygiene           proxy, tls) taps)    integers, digests)
//!                   pace   (the key)
//! ```
//!
//! Speaks HTTP and knows no Kubernetes; judges nothing. Everything is bounded in time and memory, whatever a server does, and no string
//! leaves without the [`redact::Redactor`].

pub mod address;
pub mod compose;
pub mod connect;
pub mod details;
pub mod group;
pub mod hygiene;
pub mod leg;
pub mod limits;
pub mod link;
pub mod order;
pub mod pace;
pub mod pair;
pub mod reading;
pub mod redact;
mod run;
pub mod secrets;
pub mod tap;
pub mod target;
pub mod tls;
pub mod trust;

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_imports,
    missing_docs
)]
mod tests;

use serde::Serialize;

pub use run::{Context, run as run_until};
pub use secrets::Secrets;
pub use target::SetupError;

use crate::report::evidence::{Exchange, ExchangeKind, RunEvidence};
use crate::report::plan::Plan;

/// `User-Agent` of every request, so that others can filter it.
pub const USER_AGENT: &str = concat!("claudeprobe/", env!("CARGO_PKG_VERSION"));

/// Everything that a run saw: the evidence, and what is only for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FullReport {
    /// What a diagnosis may use.
    pub evidence: RunEvidence,
    /// One entry per path: addresses, headers, reads and events with their times.
    pub details: Vec<details::LegDetails>,
}

/// What a run is doing, for a terminal.
#[derive(Debug)]
pub enum Progress<'e> {
    /// An exchange is about to be sent.
    Sending {
        /// Path name.
        path: &'e str,
        /// Which exchange.
        kind: ExchangeKind,
    },
    /// An exchange is over.
    Done {
        /// Path name.
        path: &'e str,
        /// What it showed.
        exchange: &'e Exchange,
    },
}

/// Runs a plan to its end.
///
/// `secrets` holds the values of the environment variables that the plan names; nothing is read from the process's
/// environment. Ends by itself before the plan's `run_timeout_ms`.
///
/// # Errors
/// [`SetupError`] when the plan cannot be carried out (a file or variable is missing, a URL cannot be used): nothing was
/// sent. What goes wrong after that is evidence.
pub async fn run(
    plan: &Plan,
    secrets: &Secrets,
    progress: &(dyn Fn(Progress<'_>) + Sync),
) -> Result<FullReport, SetupError> {
    run_until(plan, secrets, progress, std::future::pending()).await
}
