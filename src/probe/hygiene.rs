//! The defects of a key's bytes before anything is sent, and which form of it is sent. The key itself leaves only in a
//! request.

use ring::hmac;
use secrecy::{ExposeSecret, SecretString};

use crate::claude::key::{self, Inspection};
use crate::report::evidence::{KeyDefect, KeyEvidence, KeyKind};
use crate::report::plan::Credential;

/// A path's key, inspected.
#[derive(Debug)]
pub struct Key {
    /// The facts that are reported.
    pub evidence: KeyEvidence,
    /// The key as it stands in the Secret, if a header can have it.
    pub raw: Option<SecretString>,
    /// The key without its repairable defects, if it has any.
    pub trimmed: Option<SecretString>,
}

/// Inspects the key of a credential. `None` for the value stands for a variable that is not set: an empty key.
#[must_use]
pub fn inspect(credential: &Credential, uid: &str, value: Option<&SecretString>) -> Key {
    let text = value.map_or("", |value| value.expose_secret());
    let inspection = key::inspect(text.as_bytes());
    let sendable = !text.is_empty() && http::HeaderValue::from_str(text).is_ok();
    let evidence = KeyEvidence {
        fingerprint: fingerprint(uid, text),
        kind: inspection.kind,
        defects: defects(&inspection, credential.anthropic, sendable),
    };
    Key {
        evidence,
        raw: value.filter(|_| sendable).cloned(),
        trimmed: inspection.trimmed().cloned(),
    }
}

/// First 5 hex digits of HMAC-SHA256(uid, key): 20 bits notice a change and confirm no guess.
#[must_use]
pub fn fingerprint(uid: &str, key: &str) -> String {
    let salt = hmac::Key::new(hmac::HMAC_SHA256, uid.as_bytes());
    let tag = hmac::sign(&salt, key.as_bytes());
    let mut hex: String = tag.as_ref().iter().take(3).map(|byte| format!("{byte:02x}")).collect();
    hex.truncate(5);
    hex
}

/// The defects as evidence names them. A gateway's own key may have any shape; the direct path's must be Claude's.
fn defects(inspection: &Inspection, anthropic: bool, sendable: bool) -> Vec<KeyDefect> {
    let mut defects: Vec<KeyDefect> = inspection
        .defects
        .iter()
        .filter_map(|defect| match defect {
            key::KeyDefect::Empty => Some(KeyDefect::Empty),
            key::KeyDefect::Placeholder => Some(KeyDefect::Placeholder),
            key::KeyDefect::Newline | key::KeyDefect::CarriageReturn => Some(KeyDefect::TrailingNewline),
            key::KeyDefect::LeadingBlank | key::KeyDefect::TrailingBlank => Some(KeyDefect::Blanks),
            key::KeyDefect::ByteOrderMark => Some(KeyDefect::ByteOrderMark),
            key::KeyDefect::Quoted => Some(KeyDefect::Quoted),
            key::KeyDefect::BearerPrefix => Some(KeyDefect::BearerPrefix),
            key::KeyDefect::DoubleBase64 => Some(KeyDefect::DoubleBase64),
            key::KeyDefect::InnerBlank | key::KeyDefect::ControlByte => Some(KeyDefect::InnerControl),
            key::KeyDefect::NonAscii => Some(KeyDefect::NotAHeaderValue),
            key::KeyDefect::AdminKey => Some(KeyDefect::WrongKind),
            key::KeyDefect::OtherVendor => anthropic.then_some(KeyDefect::WrongKind),
        })
        .collect();
    let foreign = anthropic && inspection.kind == KeyKind::Foreign && defects.is_empty();
    if foreign {
        defects.push(KeyDefect::WrongKind);
    }
    if !sendable && defects.is_empty() {
        defects.push(KeyDefect::NotAHeaderValue);
    }
    defects.sort_unstable();
    defects.dedup();
    defects
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::report::plan::AuthHeader;
    use rstest::rstest;

    const GOOD: &str =
        "sk-ant-api03-aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789aBcDeFgHiJkLmNoPqRsAA";

    fn inspected(value: &str, anthropic: bool) -> Key {
        let credential = Credential {
            secret: "K".into(),
            auth_header: AuthHeader::XApiKey,
            anthropic,
        };
        inspect(&credential, "uid", Some(&SecretString::from(value)))
    }

    #[test]
    fn a_good_key_has_no_defect_and_a_fingerprint_that_depends_on_the_salt() {
        let key = inspected(GOOD, true);
        assert_eq!((key.evidence.kind, key.evidence.defects.len()), (KeyKind::ApiKey, 0));
        assert_eq!(key.evidence.fingerprint.len(), 5);
        assert_ne!(fingerprint("uid", GOOD), fingerprint("other", GOOD));
        assert!(key.raw.is_some() && key.trimmed.is_none());
    }

    #[rstest]
    #[case::newline("\n", KeyDefect::TrailingNewline, false)]
    #[case::windows("\r\n", KeyDefect::TrailingNewline, false)]
    #[case::blank(" ", KeyDefect::Blanks, true)]
    fn a_repairable_key_is_tried_trimmed_and_sent_raw_only_if_a_header_can_carry_it(
        #[case] tail: &str,
        #[case] defect: KeyDefect,
        #[case] sendable: bool,
    ) {
        let key = inspected(&format!("{GOOD}{tail}"), true);
        assert_eq!(key.evidence.defects, [defect]);
        assert_eq!(key.raw.is_some(), sendable);
        assert_eq!(key.trimmed.unwrap().expose_secret(), GOOD);
    }

    #[test]
    fn only_the_direct_path_must_have_an_anthropic_key() {
        assert_eq!(inspected("virtual-key-1", false).evidence.defects, []);
        assert_eq!(
            inspected("virtual-key-1", true).evidence.defects,
            [KeyDefect::WrongKind]
        );
        assert_eq!(inspected("", false).evidence.defects, [KeyDefect::Empty]);
        assert!(inspected("", false).raw.is_none());
    }
}
