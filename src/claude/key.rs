//! The shape of credentials, and their typical defects between a vendor's console and a header.
//!
//! Pure string work on a secret value: nothing here prints, and no `Debug` shows a part of the key.

use std::fmt;

use base64::Engine;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use strum::FromRepr;

/// What kind of credential a key's shape says it is.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
    FromRepr,
    strum::IntoStaticStr,
)]
#[repr(u8)]
pub enum KeyKind {
    /// `sk-ant-api…`.
    ApiKey = 1,
    /// `sk-ant-admin…`: cannot call the Messages API.
    AdminKey = 2,
    /// `sk-ant-oat…`: short-lived, so pods that hold an older one are not flagged.
    OauthToken = 3,
    /// No shape of Claude's, such as a gateway's own (virtual) key.
    #[default]
    Foreign = 0,
}

impl KeyKind {
    /// The kind's name, as in the status.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The kind of a value without defects.
    pub fn of(value: &str) -> Self {
        if value.starts_with("sk-ant-api") {
            Self::ApiKey
        } else if value.starts_with("sk-ant-admin") {
            Self::AdminKey
        } else if value.starts_with("sk-ant-oat") {
            Self::OauthToken
        } else {
            Self::Foreign
        }
    }
}

/// What is wrong with a credential's value. Each is certain from the value alone, except [`KeyDefect::OtherVendor`]: on
/// a gateway with keys of its own that may be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum KeyDefect {
    /// Nothing, or only blanks.
    Empty,
    /// An unreplaced placeholder (`changeme`, `your-api-key`, `${KEY}`, `<key>`, `None`).
    Placeholder,
    /// Ends (or begins) with a line feed: `echo` instead of `printf`.
    Newline,
    /// Has a carriage return at an end: made on Windows.
    CarriageReturn,
    /// Begins with blanks.
    LeadingBlank,
    /// Ends with blanks.
    TrailingBlank,
    /// Begins with a byte order mark.
    ByteOrderMark,
    /// Stands in quotes.
    Quoted,
    /// Begins with `Bearer `: the auth header adds that.
    BearerPrefix,
    /// Encoded in base64 once more than Kubernetes does.
    DoubleBase64,
    /// Blanks or line ends in the middle: wrapped or pasted together.
    InnerBlank,
    /// A control byte that no header may carry.
    ControlByte,
    /// A byte outside ASCII, or no UTF-8: copied from a document.
    NonAscii,
    /// An Anthropic admin key.
    AdminKey,
    /// A key of another vendor's form (`sk-…` without `ant`).
    OtherVendor,
}

impl KeyDefect {
    /// All defects, in the order of the repair.
    pub const ALL: [Self; 15] = [
        Self::Empty,
        Self::Placeholder,
        Self::Newline,
        Self::CarriageReturn,
        Self::LeadingBlank,
        Self::TrailingBlank,
        Self::ByteOrderMark,
        Self::Quoted,
        Self::BearerPrefix,
        Self::DoubleBase64,
        Self::InnerBlank,
        Self::ControlByte,
        Self::NonAscii,
        Self::AdminKey,
        Self::OtherVendor,
    ];

    /// Whether [`Inspection::trimmed`] removes it.
    pub fn is_repairable(self) -> bool {
        matches!(
            self,
            Self::Newline
                | Self::CarriageReturn
                | Self::LeadingBlank
                | Self::TrailingBlank
                | Self::ByteOrderMark
                | Self::Quoted
                | Self::BearerPrefix
                | Self::DoubleBase64
        )
    }

    /// What it is, for a person: completes "the value …".
    pub fn describe(self) -> &'static str {
        match self {
            Self::Empty => "is empty",
            Self::Placeholder => "is a placeholder, not a key",
            Self::Newline => "ends or begins with a line feed",
            Self::CarriageReturn => "ends or begins with a carriage return",
            Self::LeadingBlank => "begins with blanks",
            Self::TrailingBlank => "ends with blanks",
            Self::ByteOrderMark => "begins with a byte order mark",
            Self::Quoted => "stands in quotes",
            Self::BearerPrefix => "begins with \"Bearer \", which the auth header adds",
            Self::DoubleBase64 => "is encoded in base64 twice",
            Self::InnerBlank => "has blanks or line ends in the middle",
            Self::ControlByte => "has a control byte",
            Self::NonAscii => "has a character outside ASCII",
            Self::AdminKey => "is an admin key, which cannot call the Messages API",
            Self::OtherVendor => "is a key of another vendor's form",
        }
    }
}

/// What a look at a credential's value found.
#[derive(Clone)]
pub struct Inspection {
    /// The kind of the repaired value.
    pub kind: KeyKind,
    /// What is wrong, in the order of [`KeyDefect::ALL`], each once.
    pub defects: Vec<KeyDefect>,
    trimmed: Option<SecretString>,
}

impl Inspection {
    /// The value without its repairable defects: `Some` only when there were any and what is left could be a key.
    pub fn trimmed(&self) -> Option<&SecretString> {
        self.trimmed.as_ref()
    }

    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.defects.is_empty()
    }
}

impl fmt::Debug for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Inspection({:?}, {:?})", self.kind, self.defects)
    }
}

/// Looks at the bytes of a credential, as they stand in the Secret or the environment.
pub fn inspect(value: &[u8]) -> Inspection {
    let mut defects = Vec::new();
    let Ok(text) = std::str::from_utf8(value) else {
        return Inspection {
            kind: KeyKind::Foreign,
            defects: vec![KeyDefect::NonAscii],
            trimmed: None,
        };
    };
    let core = repaired(text, &mut defects);
    if core.is_empty() {
        // What was cut off is no finding of its own when nothing is left.
        return Inspection {
            kind: KeyKind::Foreign,
            defects: vec![KeyDefect::Empty],
            trimmed: None,
        };
    }
    if is_placeholder(&core) {
        defects.push(KeyDefect::Placeholder);
    }
    if core.contains([' ', '\t', '\n', '\r']) {
        defects.push(KeyDefect::InnerBlank);
    }
    if core
        .chars()
        .any(|c| c.is_ascii_control() && !matches!(c, '\t' | '\n' | '\r'))
    {
        defects.push(KeyDefect::ControlByte);
    }
    if !core.is_ascii() {
        defects.push(KeyDefect::NonAscii);
    }
    let kind = KeyKind::of(&core);
    match kind {
        KeyKind::AdminKey => defects.push(KeyDefect::AdminKey),
        KeyKind::Foreign if is_other_vendors(&core) && !defects.contains(&KeyDefect::Placeholder) => {
            defects.push(KeyDefect::OtherVendor)
        }
        _ => {}
    }
    defects.sort_unstable();
    defects.dedup();
    let hopeless = [
        KeyDefect::Placeholder,
        KeyDefect::InnerBlank,
        KeyDefect::ControlByte,
        KeyDefect::NonAscii,
    ];
    let repairable =
        defects.iter().any(|defect| defect.is_repairable()) && !defects.iter().any(|defect| hopeless.contains(defect));
    Inspection {
        kind,
        defects,
        trimmed: repairable.then(|| SecretString::from(core)),
    }
}

/// `sk-…` without Claude's `ant`.
fn is_other_vendors(value: &str) -> bool {
    value.starts_with("sk-") && !value.starts_with("sk-ant-")
}

/// Removes what can be removed, noting each defect.
fn repaired(text: &str, defects: &mut Vec<KeyDefect>) -> String {
    let mut core = cut_ends(text, defects);
    for quote in ['"', '\'', '`'] {
        if let Some(inner) = core.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            defects.push(KeyDefect::Quoted);
            core = cut_ends(inner, defects);
        }
    }
    if core.get(..7).is_some_and(|head| head.eq_ignore_ascii_case("bearer ")) {
        defects.push(KeyDefect::BearerPrefix);
        core = cut_ends(core.get(7..).unwrap_or_default(), defects).trim_start();
    }
    // `c2stYW50L` is `sk-ant-` in base64. Wrapped base64 has line ends in it.
    if core.starts_with("c2stYW50L") {
        let packed: String = core.split_ascii_whitespace().collect();
        let padded = packed.trim_end_matches('=');
        if let Ok(decoded) = base64::engine::general_purpose::STANDARD_NO_PAD.decode(padded)
            && let Ok(inner) = String::from_utf8(decoded)
        {
            defects.push(KeyDefect::DoubleBase64);
            return cut_ends(&inner, defects).to_owned();
        }
    }
    core.to_owned()
}

/// Cuts a byte order mark, line ends and blanks off both ends, noting each.
fn cut_ends<'t>(text: &'t str, defects: &mut Vec<KeyDefect>) -> &'t str {
    let mut core = text;
    if let Some(rest) = core.strip_prefix('\u{feff}') {
        defects.push(KeyDefect::ByteOrderMark);
        core = rest;
    }
    let inner = core.trim_matches([' ', '\t', '\n', '\r']);
    let (head, tail) = match core.find(inner) {
        Some(at) => (
            core.get(..at).unwrap_or_default(),
            core.get(at + inner.len()..).unwrap_or_default(),
        ),
        None => ("", ""),
    };
    let blank = [' ', '\t'];
    let found = [
        (head.contains(blank), KeyDefect::LeadingBlank),
        (tail.contains(blank), KeyDefect::TrailingBlank),
        (head.contains('\n') || tail.contains('\n'), KeyDefect::Newline),
        (head.contains('\r') || tail.contains('\r'), KeyDefect::CarriageReturn),
    ];
    defects.extend(found.into_iter().filter(|(seen, _)| *seen).map(|(_, defect)| defect));
    inner
}

/// Values that documentation and templates use for "your key here".
fn is_placeholder(core: &str) -> bool {
    let lower = core.to_ascii_lowercase();
    let exact = [
        "none",
        "null",
        "nil",
        "undefined",
        "changeme",
        "change-me",
        "change_me",
        "replaceme",
        "replace-me",
        "replace_me",
        "todo",
        "tbd",
        "dummy",
        "placeholder",
        "secret",
        "api-key",
        "api_key",
        "apikey",
        "example",
    ];
    if exact.contains(&lower.as_str())
        || lower.starts_with("your")
        || lower.contains("your-api-key")
        || lower.contains("your_api_key")
        || lower.contains("your-key")
        || lower.contains("your_key")
    {
        return true;
    }
    let templated =
        (lower.starts_with("${") || lower.starts_with("$(") || lower.starts_with("{{") || lower.starts_with('<'))
            && lower.ends_with(['}', ')', '>']);
    // `sk-ant-xxx`, `sk-ant-api03-...`, `sk-ant-…`: nothing but filler after the prefix.
    let filler = lower
        .strip_prefix("sk-ant-")
        .map(|rest| rest.trim_start_matches("api03-").trim_start_matches("api-"));
    let filled = filler.is_some_and(|rest| {
        rest.chars()
            .all(|c| matches!(c, 'x' | '.' | '*' | '-' | '_' | '…' | '0'))
    });
    templated || filled || (lower.len() >= 3 && lower.chars().all(|c| matches!(c, 'x' | '*' | '.')))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::KeyDefect::*;
    use super::*;
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    fn key() -> String {
        format!("sk-ant-api03-{}AA", "aB3_-".repeat(18) + "abc")
    }

    #[test]
    fn a_genuine_key_is_clean() {
        assert_eq!(key().len(), 108);
        let inspection = inspect(key().as_bytes());
        assert!(inspection.is_clean() && inspection.trimmed().is_none());
        assert_eq!(inspection.kind, KeyKind::ApiKey);
    }

    #[test]
    fn repairable_defects_are_named_and_removed() {
        let key = key();
        let twice = base64::engine::general_purpose::STANDARD.encode(&key);
        let twice_with_newline = base64::engine::general_purpose::STANDARD.encode(format!("{key}\n"));
        let cases: [(String, &[KeyDefect]); 11] = [
            (format!("{key}\n"), &[Newline]),
            (format!("{key}\r\n"), &[Newline, CarriageReturn]),
            (format!(" {key}"), &[LeadingBlank]),
            (format!("{key} \t"), &[TrailingBlank]),
            (format!("\u{feff}{key}"), &[ByteOrderMark]),
            (format!("\"{key}\""), &[Quoted]),
            (format!("'{key}\n'"), &[Newline, Quoted]),
            (format!("Bearer {key}"), &[BearerPrefix]),
            (twice.clone(), &[DoubleBase64]),
            (format!("{twice}\n"), &[Newline, DoubleBase64]),
            (twice_with_newline, &[Newline, DoubleBase64]),
        ];
        for (value, defects) in cases {
            let inspection = inspect(value.as_bytes());
            assert_eq!(inspection.defects, defects, "{value:?}");
            assert_eq!(
                inspection.trimmed().map(|key| key.expose_secret().to_owned()),
                Some(key.clone()),
                "{value:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_repaired_is_named() {
        let cases: [(&[u8], &[KeyDefect]); 12] = [
            (b"", &[Empty]),
            (b" \n", &[Empty]),
            (b"changeme", &[Placeholder]),
            (b"None\n", &[Placeholder, Newline]),
            (b"<your-api-key>", &[Placeholder]),
            (b"${ANTHROPIC_API_KEY}", &[Placeholder]),
            (b"sk-ant-xxx", &[Placeholder]),
            (b"sk-ant-api03-...", &[Placeholder]),
            (b"sk-ant-admin01-abcdef", &[AdminKey]),
            (b"sk-proj-abcdef0123", &[OtherVendor]),
            (b"sk-ant-api03-ab cd", &[InnerBlank]),
            (b"sk-ant-api03-\xff", &[NonAscii]),
        ];
        for (value, defects) in cases {
            let inspection = inspect(value);
            assert_eq!(inspection.defects, defects, "{value:?}");
            assert!(inspection.trimmed().is_none(), "{value:?}");
        }
    }

    #[test]
    fn a_gateways_own_key_has_no_defect() {
        for value in ["team-a-7f3d", "eyJhbGciOi.J9.x", "vk_123", "sk-ant-oat01-abc"] {
            assert!(inspect(value.as_bytes()).is_clean(), "{value}");
        }
    }

    proptest! {
        #[test]
        fn no_value_panics_or_shows(value in proptest::collection::vec(any::<u8>(), 0..200)) {
            let shown = format!("{:?}", inspect(&value));
            prop_assert!(shown.starts_with("Inspection("));
        }

        #[test]
        fn a_repaired_key_is_clean(ends in "[ \t\r\n]{0,4}", quote in "[\"']?") {
            let value = format!("{ends}{quote}{}{quote}{ends}", key());
            let inspection = inspect(value.as_bytes());
            if let Some(trimmed) = inspection.trimmed() {
                prop_assert!(inspect(trimmed.expose_secret().as_bytes()).is_clean());
            } else {
                prop_assert!(inspection.is_clean());
            }
        }
    }
}
