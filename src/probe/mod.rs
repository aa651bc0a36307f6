//! The prober.

/// `User-Agent` of every request, so that others can filter it.
pub const USER_AGENT: &str = concat!("claudeprobe/", env!("CARGO_PKG_VERSION"));

pub mod address;
pub mod connect;
pub mod limits;
pub mod link;
pub mod secrets;
pub mod tap;
pub mod target;
pub mod tls;
pub mod trust;
