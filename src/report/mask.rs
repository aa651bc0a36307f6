//! Masks what looks like a credential, whoever's it is, in a text that anybody may have written.

/// What stands for a masked run.
pub const MASK: &str = "[redacted]";

/// Masks what looks like a credential: `sk-…` keys, what follows `Bearer` or `Basic`, JWTs, `user:password@`.
#[must_use]
pub fn credentials(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut after_scheme = false;
    for (word, is_word) in words(text) {
        if !is_word {
            out.push_str(word);
            continue;
        }
        let lower = word.to_ascii_lowercase();
        let secret = if after_scheme && word.len() >= 6 {
            Some(0)
        } else if let Some(at) = lower.find("sk-ant-").filter(|at| word.len() > at + 15) {
            Some(at + 7)
        } else if let Some(at) = lower.find("sk-").filter(|at| (*at == 0) && word.len() >= 20) {
            Some(at + 3)
        } else if word.starts_with("eyJ") && word.len() >= 20 {
            Some(3)
        } else {
            None
        };
        match secret.and_then(|from| word.get(..from)) {
            Some(kept) => {
                out.push_str(kept);
                out.push_str(MASK);
            }
            None => out.push_str(word),
        }
        after_scheme = matches!(lower.as_str(), "bearer" | "basic");
    }
    user_info(&out)
}

/// Splits into runs of characters that credentials are made of, and the rest.
fn words(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let in_word = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.+/=~".contains(&byte);
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = *rest.as_bytes().first()?;
        let kind = in_word(first);
        let end = rest
            .bytes()
            .position(|byte| in_word(byte) != kind)
            .unwrap_or(rest.len());
        // A change between the two kinds is at an ASCII byte on one side: a character boundary.
        let (run, tail) = rest.split_at_checked(end)?;
        rest = tail;
        Some((run, kind))
    })
}

/// `scheme://user:password@host` keeps scheme and host.
fn user_info(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once("://") {
        out.push_str(before);
        out.push_str("://");
        let end = tail.find(['/', ' ', '"', '\n']).unwrap_or(tail.len());
        let (authority, after) = tail.split_at_checked(end).unwrap_or((tail, ""));
        match authority.rsplit_once('@') {
            Some((_, host)) => {
                out.push_str(MASK);
                out.push('@');
                out.push_str(host);
            }
            None => out.push_str(authority),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}
