//! The embedded default: small gateways that each do one thing wrong, for `claudeprobe demo` and for tests.
//!
//! They are honest proxies on loopback, not mocks: what a prober sees of them is on the wire. They know nothing of the
//! prober or of the diagnosis.

pub mod gateway;
pub mod scenario;
pub mod stage;
