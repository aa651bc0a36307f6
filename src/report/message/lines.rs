//! Lines of a termination message: a tag, a payload, and a checksum, so that a line stands or falls by itself.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

/// Characters of the checksum: 24 bits.
const CHECK: usize = 4;

/// A line with its checksum, ending in LF. The payload has no line end.
#[must_use]
pub fn seal(tag: &str, payload: &str) -> String {
    let line = format!("{tag}{payload}");
    let check = check(&line);
    format!("{line}{check}\n")
}

/// The line without its checksum; `None` when that does not fit.
#[must_use]
pub fn open(line: &str) -> Option<&str> {
    let (text, sum) = line.split_at_checked(line.len().checked_sub(CHECK)?)?;
    (check(text) == sum).then_some(text)
}

/// CRC-32, of which 24 bits are kept.
fn check(text: &str) -> String {
    let mut crc = flate2::Crc::new();
    crc.update(text.as_bytes());
    BASE64.encode(crc.sum().to_be_bytes().get(..3).unwrap_or_default())
}

/// Printable ASCII that neither JSON nor a shell escapes: no quotes, no backslash, no `$`, `%`, `&`, `<`, `>`, no
/// blank.
const DIGITS: &[u8; 85] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!#()*+,-./:;=?@[]^_{|}~";

/// Bytes as text: four in five characters.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 5 / 4 + 2);
    for group in bytes.chunks(4) {
        let value = (0..4).fold(0u32, |value, at| {
            value << 8 | u32::from(group.get(at).copied().unwrap_or(0))
        });
        // The characters that a short group does not need are those of its zero bytes.
        for place in (4 - u32::try_from(group.len()).unwrap_or(4)..=4).rev() {
            let digit = usize::try_from(value / 85u32.pow(place) % 85).unwrap_or(0);
            text.push(DIGITS.get(digit).map_or('0', |&byte| char::from(byte)));
        }
    }
    text
}

/// What [`encode`] wrote.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    for group in text.as_bytes().chunks(5) {
        let digit = |at: usize| -> Option<u64> {
            // Missing characters count as the highest: the bytes that are kept come out right.
            let Some(&byte) = group.get(at) else { return Some(84) };
            DIGITS.iter().position(|&digit| digit == byte).map(|digit| digit as u64)
        };
        let value = (0..5).try_fold(0u64, |value, at| Some(value * 85 + digit(at)?))?;
        let value = u32::try_from(value).ok()?;
        bytes.extend_from_slice(value.to_be_bytes().get(..group.len().checked_sub(1)?)?);
    }
    Some(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bytes_come_back(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let text = encode(&bytes);
            prop_assert_eq!(text.len(), bytes.len().div_ceil(4) + bytes.len());
            prop_assert_eq!(decode(&text).unwrap(), bytes);
        }

        #[test]
        fn any_text_can_be_read(text in "\\PC{0,40}") {
            let _ = decode(&text);
        }
    }
}
