//! Which program this is.

/// The release.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that it was built from, with `-dirty` where the sources differed; empty in a development build, or where it is not known.
pub const COMMIT: &str = env!("CLAUDEPROBE_COMMIT");

/// Both, for people.
#[must_use]
pub fn full() -> String {
    if COMMIT.is_empty() {
        VERSION.to_owned()
    } else {
        format!("{VERSION} ({COMMIT})")
    }
}

/// `User-Agent` of the prober's every request, so that others can filter it.
pub const USER_AGENT: &str = concat!("claudeprobe/", env!("CARGO_PKG_VERSION"));
