//! `ClaudeProbe`: what a user writes ([`spec`]), what they read ([`status`]), and the checked form that everything else
//! uses ([`validated`]).
//!
//! Uses the catalogue's enums and no other part: no probing, no diagnosis, no clients.

pub mod crd;
pub mod go_duration;
mod lenient;
pub mod reference;
pub mod spec;
pub mod status;
pub mod validated;
