//! The operator's only look at the clock: everything else gets `now` as a value.

use jiff::Timestamp;

/// Now.
#[must_use]
pub fn now() -> Timestamp {
    Timestamp::now()
}
