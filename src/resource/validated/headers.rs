//! Extra request headers and credentials: what a user may set, and what belongs to the prober.

use super::fault::Faults;
use crate::claude::client::{self, AuthHeader, HeaderValue};
use crate::resource::spec::{self, AuthHeaderKind, KeyRef};

/// Most headers of the request, and of one path.
pub const MAX_HEADERS: usize = 16;
/// Longest header value, characters.
pub const MAX_HEADER_VALUE: usize = 1024;

/// Names that a user may not set: credentials, framing, hop-by-hop, and what other fields of the resource set. Lower case.
pub const FORBIDDEN_HEADERS: [&str; 22] = [
    "x-api-key",
    "authorization",
    "proxy-authorization",
    "cookie",
    "host",
    "content-length",
    "content-type",
    "content-encoding",
    "transfer-encoding",
    "accept-encoding",
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "http2-settings",
    "user-agent",
    "accept",
    "anthropic-version",
    "anthropic-beta",
];

/// A key of a Secret and the header that holds it.
pub type Credential = client::Credential<KeyRef>;
/// An extra request header, literal or from a Secret.
pub type Header = client::Header<KeyRef>;

pub(super) fn headers(field: &str, headers: &[spec::Header], faults: &mut Faults) -> Vec<Header> {
    faults.check(
        headers.len() <= MAX_HEADERS,
        field,
        format!("must have at most {MAX_HEADERS} headers"),
    );
    let mut parsed: Vec<Header> = Vec::with_capacity(headers.len());
    for (index, header) in headers.iter().enumerate() {
        let field = format!("{field}[{index}]");
        if let Some(header) = one_header(&field, header, faults) {
            faults.check(
                !parsed.iter().any(|known| known.name == header.name),
                format!("{field}.name"),
                format!("{:?} must be set once", header.name),
            );
            parsed.push(header);
        }
    }
    parsed
}

fn one_header(field: &str, header: &spec::Header, faults: &mut Faults) -> Option<Header> {
    let name = header.name.to_ascii_lowercase();
    let name_field = format!("{field}.name");
    if !is_token(&name) {
        faults.add(name_field, format!("{name:?} must be a header name such as x-team"));
        return None;
    }
    if let Some(fix) = why_forbidden(&name) {
        faults.add(name_field, format!("{name:?} must not be set here: {fix}"));
        return None;
    }
    let value = match (&header.value, &header.value_from) {
        (Some(value), None) => {
            let value_field = format!("{field}.value");
            if value.contains("sk-ant-") {
                faults.add(
                    value_field,
                    "must not be an API key: put the key into a Secret and use valueFrom.secretKeyRef",
                );
                return None;
            }
            if !is_header_text(value) {
                faults.add(
                    value_field,
                    format!(
                        "must be 1 to {MAX_HEADER_VALUE} printable ASCII characters without blanks at its start or end"
                    ),
                );
                return None;
            }
            HeaderValue::Value(value.clone())
        }
        (None, Some(from)) => {
            key_ref(&format!("{field}.valueFrom.secretKeyRef"), &from.secret_key_ref, faults)?;
            HeaderValue::Secret(from.secret_key_ref.clone())
        }
        _ => {
            faults.add(field, "must have exactly one of value and valueFrom");
            return None;
        }
    };
    Some(Header { name, value })
}

fn why_forbidden(name: &str) -> Option<&'static str> {
    if !FORBIDDEN_HEADERS.contains(&name) {
        return None;
    }
    Some(match name {
        "x-api-key" | "authorization" | "proxy-authorization" | "cookie" => {
            "use credential, or proxy.credentialSecretRef"
        }
        "anthropic-version" => "use request.apiVersion",
        "anthropic-beta" => "use request.betas",
        "host" => "use the url of the path",
        _ => "the prober sets it",
    })
}

/// Reads a credential: `Ok(None)` sends none.
pub(super) fn credential(
    field: &str,
    credential: &spec::Credential,
    faults: &mut Faults,
) -> Option<Option<Credential>> {
    let secret = match (&credential.secret_key_ref, &credential.none) {
        (Some(secret), None) => secret,
        (None, Some(_)) => return Some(None),
        _ => {
            faults.add(field, "must have exactly one of secretKeyRef and none");
            return None;
        }
    };
    key_ref(&format!("{field}.secretKeyRef"), secret, faults)?;
    let name_field = format!("{field}.headerName");
    let auth_header = match (credential.auth_header, &credential.header_name) {
        (AuthHeaderKind::XApiKey, None) => AuthHeader::XApiKey,
        (AuthHeaderKind::Authorization, None) => AuthHeader::Authorization,
        (AuthHeaderKind::Custom, Some(name)) => AuthHeader::Custom(auth_header_name(&name_field, name, faults)?),
        (AuthHeaderKind::Custom, None) => {
            faults.add(name_field, "must be set where authHeader is Custom");
            return None;
        }
        (_, Some(_)) => {
            faults.add(name_field, "must be unset unless authHeader is Custom");
            return None;
        }
    };
    Some(Some(Credential {
        secret: secret.clone(),
        auth_header,
        anthropic: false,
    }))
}

fn auth_header_name(field: &str, name: &str, faults: &mut Faults) -> Option<String> {
    let name = name.to_ascii_lowercase();
    if !is_token(&name) {
        faults.add(field, format!("{name:?} must be a header name such as api-key"));
        return None;
    }
    if FORBIDDEN_HEADERS.contains(&name.as_str()) {
        let fix = match name.as_str() {
            "x-api-key" | "authorization" => {
                "must be another header: for this one set authHeader to XApiKey or Authorization"
            }
            _ => "must be a header that may hold a key, such as api-key",
        };
        faults.add(field, format!("{name:?} {fix}"));
        return None;
    }
    Some(name)
}

/// Checks the names of an object and of a key in it, as Kubernetes does.
pub(super) fn key_ref(field: &str, reference: &KeyRef, faults: &mut Faults) -> Option<()> {
    object_name(&format!("{field}.name"), &reference.name, faults)?;
    let key = &reference.key;
    let good = !key.is_empty()
        && key.len() <= 253
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    faults.check(
        good,
        format!("{field}.key"),
        format!("{key:?} must be a key of letters, digits, ., _ and -"),
    );
    good.then_some(())
}

/// Checks the name of an object (a DNS subdomain).
pub(super) fn object_name(field: &str, name: &str, faults: &mut Faults) -> Option<()> {
    let good = name.len() <= 253 && name.split('.').all(is_dns_label);
    faults.check(
        good,
        field,
        format!("{name:?} must be an object name of lower-case letters, digits, . and -"),
    );
    good.then_some(())
}

pub(super) fn is_dns_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= 63
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// A header name: RFC 9110 §5.6.2 `token`, without the apostrophe, which no header has.
fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&*+-.^_`|~".contains(&byte))
}

fn is_header_text(value: &str) -> bool {
    !value.is_empty()
        && value.len() <= MAX_HEADER_VALUE
        && value.trim() == value
        && value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}
