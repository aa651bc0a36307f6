//! Text of any origin made fit to be shown: bounded, on one line, without control characters, without what looks like a key.
//!
//! The lowest layer: knows no other module.

pub mod mask;
pub mod plain;

const ELLIPSIS: char = '…';

/// At most so many bytes, cut between characters.
#[must_use]
pub fn bounded(text: &str, bytes: usize) -> String {
    text.get(..text.floor_char_boundary(bytes))
        .unwrap_or_default()
        .to_owned()
}

/// At most so many bytes, cut between characters; a text that is cut ends in `…`, which counts.
#[must_use]
pub fn shortened(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    match bytes.checked_sub(ELLIPSIS.len_utf8()) {
        Some(room) => format!("{}{ELLIPSIS}", bounded(text, room).trim_end()),
        None => String::new(),
    }
}

/// Control characters and line ends become single blanks.
#[must_use]
pub fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// With its first letter in upper case.
#[must_use]
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_bounded_text_keeps_its_bound(text in "\\PC*", bytes in 0_usize..64) {
            prop_assert!(bounded(&text, bytes).len() <= bytes);
            prop_assert!(shortened(&text, bytes).len() <= bytes);
            prop_assert!(mask::untrusted(&text, bytes).len() <= bytes);
        }
    }
}
