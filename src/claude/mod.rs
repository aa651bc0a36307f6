//! The Claude API on the wire: request bytes, error catalogue, headers, server-sent events, limits, models, prices.
//!
//! Knows what Claude and its edge say and how; knows neither HTTP clients nor Kubernetes, and nothing of probing.
//! Every reader here takes bytes that anyone may have made: it is bounded, never panics, and returns a value for
//! malformed input.

pub mod client;
pub mod error;
pub mod event;
pub mod headers;
pub mod key;
pub mod model;
pub mod price;
pub mod reply;
pub mod request;
pub mod sse;
