//! Bounded text: everything that goes into a status, an Event or a log has a largest size.

/// Cuts at a character boundary; what was cut ends in `…`, which counts.
#[must_use]
pub fn bounded(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let room = bytes.saturating_sub('…'.len_utf8());
    let end = (0..=room).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let kept = text.get(..end).unwrap_or_default().trim_end();
    if bytes < '…'.len_utf8() {
        String::new()
    } else {
        format!("{kept}…")
    }
}

/// Control characters and line ends become single blanks.
#[must_use]
pub fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The first letter in upper case.
#[must_use]
pub fn sentence_case(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Text of unknown origin made fit to be shown: one line, bounded, and everything that looks like a key replaced.
///
/// The prober redacts by the secrets that it holds; here nobody knows them, so shapes decide: `sk-…`, and any unbroken run
/// of 40 or more characters that keys are made of.
#[must_use]
pub fn untrusted(text: &str, bytes: usize) -> String {
    let keyish = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+' | '/' | '=');
    let line = one_line(text);
    let mut out = String::with_capacity(line.len().min(bytes));
    let mut rest = line.as_str();
    while !rest.is_empty() {
        let run = rest.find(|c| !keyish(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(run);
        let secret = word.len() >= 40 || word.to_ascii_lowercase().contains("sk-");
        out.push_str(if secret { "[redacted]" } else { word });
        let other = after.find(keyish).unwrap_or(after.len());
        let (between, next) = after.split_at(other);
        out.push_str(between);
        rest = next;
    }
    bounded(&out, bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_looks_like_a_key_is_not_shown() {
        let text = untrusted("panic: key=sk-ant-api03-AbC_d123\nat main", 200);
        assert_eq!(text, "panic: [redacted] at main");
        assert_eq!(untrusted(&"A".repeat(64), 200), "[redacted]");
    }

    proptest! {
        #[test]
        fn bounded_text_is_bounded_whatever_it_is(text in "\\PC*", bytes in 0_usize..64) {
            prop_assert!(bounded(&text, bytes).len() <= bytes);
            prop_assert!(untrusted(&text, bytes).len() <= bytes);
        }
    }
}
