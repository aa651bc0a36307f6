//! Real gateways between the prober and the stand-in Claude API: the fault of each set-up is proven on the wire first,
//! then measured and diagnosed as in the cluster.
//!
//! ```text
//! case ──► stand-in (faults) ◄── front: nginx, HAProxy, Envoy, Squid … ◄─┬─ proof: a raw request shows the fault
//!   │            ▲                                                       └─ probe::run ──► diagnose ──► the verdict must be right
//!   └── expect   └──────────────────────── direct ─────────────────────────┘
//! ```
//!
//! A case that names a finding which it does not expect is a false attribution and fails. `register` checks that no finding and no
//! row of the decision table is without a case. With `CLAUDEPROBE_ACCURACY_OUT` set, each case adds a line to that file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod accuracy;
mod addresses;
mod case;
mod cases;
mod certificates;
mod curl;
mod envoy;
mod front;
mod litellm;
mod others;
mod peers;
mod program;
mod proof;
mod register;
mod report;
mod stage;
mod table;

mod wire;
