//! `claudeprobe check`: the same measuring and diagnosis as in the cluster, once, from here.

pub mod report;
pub mod text;
