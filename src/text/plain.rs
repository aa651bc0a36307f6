//! Text of strangers, made safe to show: letters that a terminal or a browser obeys instead of showing them become blanks.

/// The text with every letter that is obeyed (see [`is_obeyed`]) as a blank.
#[must_use]
pub fn plain(text: &str) -> String {
    text.chars()
        .map(|letter| if is_obeyed(letter) { ' ' } else { letter })
        .collect()
}

/// Whether a letter does something instead of being seen: C0 and C1 controls (U+009B begins a terminal's commands as ESC [
/// does), line and paragraph separators, marks that turn the direction of text (they can make one word look like another),
/// and letters without width.
#[must_use]
pub fn is_obeyed(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_stays_and_what_is_obeyed_goes() {
        assert_eq!(plain("a\u{1b}[2J\u{9b}m\u{202e}b\u{200b}\n"), "a [2J m b  ");
        assert_eq!(plain("Ümlaut “日本” e\u{301} 👍"), "Ümlaut “日本” e\u{301} 👍");
    }
}
