//! The fuzz targets: one function per parser of foreign bytes. Each takes any bytes and panics when a property does not hold.

mod message;
mod plan;
mod reply;
mod sse;

/// A target's property, checked on these bytes.
pub type Target = fn(&[u8]);

/// Every target by the name of its corpus.
pub const TARGETS: [(&str, Target); 5] = [
    ("sse", sse::check),
    ("error", reply::error),
    ("headers", reply::headers),
    ("report", message::check),
    ("plan", plan::check),
];

/// The target with this name.
#[allow(dead_code, reason = "each of the two engines uses its own part of this list")]
pub fn named(name: &str) -> Option<Target> {
    TARGETS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, target)| *target)
}
