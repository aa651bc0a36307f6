//! Short digests: they distinguish values, and no value can be read back.

use ring::digest;

/// First 32 bits of SHA-256.
pub(super) fn digest32(text: &str) -> u32 {
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    hash.as_ref()
        .iter()
        .take(4)
        .fold(0, |value, byte| value << 8 | u32::from(*byte))
}
