//! `ClaudeProbe`: what a user writes ([`spec`]) and what they read ([`status`]).
//!
//! Knows the vocabulary of the catalogue and nothing below: no probing, no diagnosis, no clients.

pub mod spec;
pub mod status;
