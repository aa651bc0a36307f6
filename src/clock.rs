//! The one look at the clock. Everything that decides or concludes gets the time as a value; `clippy.toml` keeps it so.

use jiff::Timestamp;

/// Now.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "this is the one place")]
pub fn now() -> Timestamp {
    Timestamp::now()
}
