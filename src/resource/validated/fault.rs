//! Errors in a spec: the field, and its fix.

use std::time::Duration;

use crate::resource::go_duration;

/// One thing that is wrong with a spec.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct SpecFault {
    /// Path of the field as the API server writes it, such as `spec.gateways[0].url`.
    pub field: String,
    /// What is wrong and what to write instead, without a full stop.
    pub message: String,
}

/// Collects faults, so that a user sees all of them at once.
#[derive(Debug, Default)]
pub(super) struct Faults(pub(super) Vec<SpecFault>);

impl Faults {
    pub(super) fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(SpecFault {
            field: field.into(),
            message: message.into(),
        });
    }

    /// Adds a fault unless `holds`.
    pub(super) fn check(&mut self, holds: bool, field: impl Into<String>, message: impl Into<String>) {
        if !holds {
            self.add(field, message);
        }
    }

    /// A duration inside its bounds, or a fault and `None`.
    pub(super) fn duration(&mut self, field: &str, text: &str, range: (Duration, Duration)) -> Option<Duration> {
        if text.len() > 16 {
            self.add(field, format!("{text:?} must have at most 16 characters"));
            return None;
        }
        match go_duration::parse(text) {
            Ok(duration) if duration < range.0 || duration > range.1 => {
                let (least, most) = (go_duration::format(range.0), go_duration::format(range.1));
                self.add(field, format!("{text:?} must be between {least} and {most}"));
                None
            }
            Ok(duration) => Some(duration),
            Err(error) => {
                self.add(field, format!("{text:?} {error}"));
                None
            }
        }
    }
}
