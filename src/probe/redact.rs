//! Keeps secrets out of every string that leaves the process: error texts, quotes, headers, logs.
//!
//! A gateway may echo anything we sent, in any encoding. So the redactor knows the literal secrets: any eight
//! characters of one in a row, raw, in base64 at any alignment, JSON-escaped or percent-encoded, in upper or lower
//! case, are blotted out, which covers prefixes and halves as well. Whatever has the form of a credential goes too. It
//! errs by hiding too much.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::secrets::Secrets;
use crate::text::mask;
pub use crate::text::mask::MASK;

/// Characters in a row that give a secret away.
const GRAM: usize = 8;
/// Heads that all keys of a kind share: they identify no key.
const PUBLIC: [&str; 5] = [
    "sk-ant-api03-",
    "sk-ant-admin01-",
    "sk-ant-oat01-",
    "sk-ant-probe-",
    "bearer ",
];

/// Knows the secrets of a run, and blots them out.
pub struct Redactor {
    grams: HashSet<[u8; GRAM]>,
    /// Secrets too short for grams, lower case.
    short: Vec<String>,
}

impl Redactor {
    /// A redactor for these secrets.
    #[must_use]
    pub fn new(secrets: &Secrets) -> Self {
        Self::of(secrets.values())
    }

    fn of<'s>(secrets: impl Iterator<Item = &'s SecretString>) -> Self {
        let mut redactor = Self {
            grams: HashSet::new(),
            short: Vec::new(),
        };
        for secret in secrets {
            let raw = secret.expose_secret();
            let trimmed = raw.trim();
            match trimmed.len() {
                0..4 => {}
                4..GRAM => redactor.short.push(trimmed.to_ascii_lowercase()),
                _ => redactor.learn(trimmed),
            }
        }
        redactor
    }

    fn learn(&mut self, secret: &str) {
        self.add(secret);
        self.add(&percent_encoded(secret));
        self.add(serde_json::to_string(secret).unwrap_or_default().trim_matches('"'));
        for lead in ["", "x", "xx"] {
            let shifted = format!("{lead}{secret}");
            for text in [STANDARD_NO_PAD.encode(&shifted), URL_SAFE_NO_PAD.encode(&shifted)] {
                // The characters at both ends depend on what stands before and after the secret.
                let end = text.len().saturating_sub(2);
                self.add(text.get(4.min(end)..end).unwrap_or_default());
            }
        }
    }

    fn add(&mut self, text: &str) {
        let lower = text.to_ascii_lowercase();
        self.grams.extend(windows(&lower).filter(|gram| !is_public(gram)));
    }

    /// The text without secrets.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let literal = self.blot(text);
        mask::credentials(&literal)
    }

    /// Whether the text holds a part of a secret that we hold.
    #[must_use]
    pub fn finds(&self, text: &str) -> bool {
        let lower = text.to_ascii_lowercase();
        windows(&lower).any(|gram| self.grams.contains(&gram)) || self.short.iter().any(|short| lower.contains(short))
    }

    /// Redacts every string of a JSON value, keys of objects included.
    pub fn redact_value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.redact(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.redact_value(item)),
            Value::Object(map) => {
                let fields = std::mem::take(map);
                for (key, mut field) in fields {
                    self.redact_value(&mut field);
                    map.insert(self.redact(&key), field);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn blot(&self, text: &str) -> String {
        let lower = text.to_ascii_lowercase();
        let mut hidden = vec![false; text.len()];
        let mut hide = |from: usize, len: usize| {
            for flag in hidden.iter_mut().skip(from).take(len) {
                *flag = true;
            }
        };
        for (at, gram) in windows(&lower).enumerate() {
            if self.grams.contains(&gram) {
                hide(at, GRAM);
            }
        }
        for short in &self.short {
            for (at, found) in lower.match_indices(short.as_str()) {
                hide(at, found.len());
            }
        }
        let mut out = String::with_capacity(text.len());
        let mut masked = false;
        for (at, letter) in text.char_indices() {
            let hide = hidden
                .get(at..at + letter.len_utf8())
                .is_some_and(|flags| flags.contains(&true));
            match (hide, masked) {
                (true, false) => out.push_str(MASK),
                (true, true) => {}
                (false, _) => out.push(letter),
            }
            masked = hide;
        }
        out
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redactor(…)")
    }
}

fn windows(text: &str) -> impl Iterator<Item = [u8; GRAM]> + '_ {
    text.as_bytes()
        .windows(GRAM)
        .filter_map(|window| window.try_into().ok())
}

fn is_public(gram: &[u8; GRAM]) -> bool {
    PUBLIC.iter().any(|head| windows(head).any(|public| public == *gram))
}

fn percent_encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    const KEY: &str = "sk-ant-api03-Zq8vT1kLmN0pQrStUvWxYz234567-_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AA";

    fn redactor() -> Redactor {
        Redactor::new(&Secrets::new().with("K", format!("{KEY}\n")).with("P", "hunter2-and-3"))
    }

    #[test]
    fn a_key_is_hidden_in_every_form_in_which_a_gateway_may_echo_it() {
        let forms = [
            KEY.to_owned(),
            KEY.to_uppercase(),
            KEY.get(..40).unwrap().to_owned(),
            KEY.get(30..).unwrap().to_owned(),
            STANDARD.encode(KEY),
            STANDARD.encode(format!("Bearer {KEY}")),
            URL_SAFE_NO_PAD.encode(format!("x{KEY}")),
            percent_encoded(KEY),
            STANDARD.encode("user:hunter2-and-3"),
        ];
        let core = KEY.get(20..).unwrap().to_lowercase();
        for form in forms {
            let out = redactor().redact(&format!("echo: {form}; end"));
            assert!(out.starts_with("echo: ") && out.contains(MASK), "{form} -> {out}");
            let left = out.replace(MASK, " ").to_lowercase();
            assert!(
                !windows(&core).any(|gram| left.contains(std::str::from_utf8(&gram).unwrap())),
                "{form} -> {out}"
            );
        }
    }

    #[test]
    fn foreign_credentials_are_hidden_by_their_form() {
        let out = redactor().redact(
            "k=sk-ant-api03-9876543210zz Authorization: Bearer abc.def Proxy http://u:p@h:1/x eyJhbGciOiJIUzI1NiJ9.e30",
        );
        assert_eq!(
            out,
            "k=sk-ant-[redacted] Authorization: Bearer [redacted] Proxy http://[redacted]@h:1/x eyJ[redacted]"
        );
    }

    #[test]
    fn ordinary_words_stay() {
        let text = "invalid x-api-key; Unexpected value(s) `a` – sk-ant-api03 keys, Basic Auth, Bearer";
        assert_eq!(redactor().redact(text), text);
    }

    proptest! {
        #[test]
        fn no_eight_characters_of_a_key_survive_anywhere(
            before in ".{0,20}", after in ".{0,20}", from in 13usize..60, len in 8usize..30,
        ) {
            let part = KEY.get(from..(from + len).min(KEY.len())).unwrap();
            let out = redactor().redact(&format!("{before}{part}{after}"));
            prop_assert!(!out.to_lowercase().contains(&part.to_lowercase()));
        }
    }
}
