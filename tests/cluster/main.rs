//! The operator in a real one-node Kubernetes: what a user applies, and what `kubectl` and `/metrics` then show.
//!
//! `tests/run cluster` brings up the node, installs the chart and runs this program inside the node's namespaces
//! (`tests/cluster/node exec`). Each story has a namespace, a stand-in Claude API and gateways (real nginx) of its own, so that stories run
//! side by side. Those whose name starts with `alone` count what the operator does, or end it, and run one after the other, last. `on_call`
//! installs the operator itself, by its chart, and runs alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test ends at the first deviation"
)]

mod kit;
#[path = "../dashboard/queries.rs"]
mod queries;
#[path = "../alerts/shortened.rs"]
mod shortened;
mod stories;
