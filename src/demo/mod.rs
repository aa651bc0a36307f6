//! Embedded gateways with one fault each, for `claudeprobe demo` and for tests.
//!
//! Real proxies on loopback, not mocks: a prober sees their faults on the wire. They do not depend on the prober or the
//! diagnosis.

pub mod gateway;
pub mod scenario;
pub mod stage;
