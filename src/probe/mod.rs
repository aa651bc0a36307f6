//! The prober: sends a run's exchanges, measures them, and reduces them to evidence.
//!
//! ```text
//!  Plan + Secrets ─► run ─► path ─► compose ─► connect ─► link ─► reading ─► Exchange
//!                     │      │    (bytes)   (dns, tcp,  (http,   (closed enums,
//!                   order  hygiene           proxy, tls) taps)    integers, digests)
//!                   pace   (the key)
//! ```
//!
//! Speaks HTTP and knows no Kubernetes; judges nothing. Everything is bounded in time and memory, whatever a server
//! does, and no string leaves without the [`redact::Redactor`].

pub mod address;
pub mod compose;
pub mod connect;
pub mod context;
pub mod details;
pub mod group;
pub mod hygiene;
pub mod limits;
pub mod link;
pub mod meeting;
pub mod order;
pub mod pace;
pub mod pair;
pub mod path;
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

pub use context::{Context, FullReport, Progress};
pub use run::run as run_until;
pub use secrets::Secrets;
pub use target::SetupError;

use crate::report::plan::Plan;

/// Runs a plan to its end.
///
/// `secrets` holds the values of the environment variables that the plan names; nothing is read from the process's
/// environment. Ends by itself before the plan's `run_timeout_ms`.
///
/// # Errors
/// [`SetupError`] when the plan cannot be carried out (a file or variable is missing, a URL cannot be used): nothing
/// was sent. What goes wrong after that is evidence.
pub async fn run(
    plan: &Plan,
    secrets: &Secrets,
    progress: &(dyn Fn(Progress<'_>) + Sync),
) -> Result<FullReport, SetupError> {
    run_until(plan, secrets, progress, std::future::pending()).await
}
