//! Quotes of replies for people: without markup, without secrets, and short.

use crate::probe::redact::Redactor;
use crate::text::bounded;
use crate::text::plain::plain;

/// Bytes of a quote.
const MAX_QUOTE: usize = 160;
/// Bytes of a text that are read for a quote.
const MAX_READ: usize = 8 * 1024;

/// Redacted first, then cut to 160 bytes: a secret cut in two would no longer be recognised.
#[must_use]
pub fn quote(text: &str, redactor: &Redactor) -> String {
    let redacted = redactor.redact(&plain(&bounded(text.trim_start(), MAX_READ)));
    let words: Vec<&str> = redacted.split_whitespace().collect();
    bounded(&words.join(" "), MAX_QUOTE)
}

/// The text of an HTML page, without tags, scripts and styles.
#[must_use]
pub fn of_html(page: &str) -> String {
    let mut text = String::new();
    let mut rest = page;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        text.push(' ');
        let name: String = tag.chars().take(8).collect::<String>().to_ascii_lowercase();
        let hidden = ["script", "style", "!--"]
            .into_iter()
            .find(|hidden| name.starts_with(hidden));
        let end = match hidden {
            Some("script") => "</script>",
            Some("style") => "</style>",
            Some(_) => "-->",
            None => ">",
        };
        let lower = tag.to_ascii_lowercase();
        rest = lower
            .find(end)
            .and_then(|at| tag.get(at + end.len()..))
            .unwrap_or_default();
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Secrets;

    #[test]
    fn a_page_is_quoted_by_its_text() {
        let page = "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">\n<html><head>\n<style>b { x: 1 }</style><title>503 Service \
            Unavailable</title></head><body>\n<h1>Unavailable</h1><!-- hm --><script>alert(1)</script>\n<p>Try later</body></html>";
        let quoted = quote(&of_html(page), &Redactor::new(&Secrets::new()));
        assert_eq!(quoted, "503 Service Unavailable Unavailable Try later");
        assert_eq!(of_html("a < b"), "a  ");
        assert_eq!(of_html("ü<title>é").trim(), "ü é");
    }
}
