//! The Claude API on the wire: request bytes, error catalogue, headers, server-sent events, limits, prices.
//!
//! Knows what Claude and its edge say and how; knows neither HTTP clients nor Kubernetes, and nothing of probing.

pub mod error;
