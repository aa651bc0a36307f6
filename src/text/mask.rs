//! Masks key-like text of any vendor in foreign text.

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

/// Text of unknown origin made fit to be shown: one line, bounded, and everything that looks like a key replaced.
///
/// The prober redacts by the secrets that it holds. Here none is known, so shapes decide: `sk-…`, and any unbroken run of 40 or
/// more characters that keys are made of.
#[must_use]
pub fn untrusted(text: &str, bytes: usize) -> String {
    let keyish = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+' | '/' | '=');
    let line = super::one_line(text);
    let mut out = String::with_capacity(line.len().min(bytes));
    let mut rest = line.as_str();
    while !rest.is_empty() {
        let run = rest.find(|c| !keyish(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(run);
        let secret = word.len() >= 40 || word.to_ascii_lowercase().contains("sk-");
        out.push_str(if secret { MASK } else { word });
        let other = after.find(keyish).unwrap_or(after.len());
        let (between, next) = after.split_at(other);
        out.push_str(between);
        rest = next;
    }
    super::shortened(&out, bytes)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_key_is_not_shown() {
        let text = untrusted("panic: key=sk-ant-api03-AbC_d123\nat main", 200);
        assert_eq!(text, "panic: [redacted] at main");
        assert_eq!(untrusted(&"A".repeat(64), 200), "[redacted]");
    }
}
