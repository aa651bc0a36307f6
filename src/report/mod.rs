//! The contract between a probe pod and the operator: what to do (the [`plan`]), what was seen (the [`evidence`]), and
//! how it travels through a termination message of at most 4,096 bytes ([`message`]) and into a status ([`compact`]).
//!
//! Knows the vocabulary and Claude's wire; knows neither HTTP clients nor Kubernetes, and judges nothing.

pub mod compact;
pub mod evidence;
pub mod message;
pub mod plan;
