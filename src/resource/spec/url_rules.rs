//! What the API server rejects in URLs and host names, as CEL; see [`super::rules`].

use serde_json::{Value, json};

use super::rules::{DNS_LABEL, rule, rule_at};

pub(super) fn url() -> Value {
    json!([
        rule(
            "self.matches('^[!-~]+$') && isURL(self) && url(self).getScheme() in ['http', 'https'] && \
             url(self).getHostname() != ''",
            "must be a URL that starts with http:// or https:// and names a host, such as https://api.anthropic.com",
        ),
        rule(
            "!self.contains('?') && !self.contains('#')",
            "must not have a query or a fragment: remove what follows the path",
        ),
        rule(
            "!self.lowerAscii().matches(r'/v1(/messages)?/*$')",
            "must not end in /v1 or /v1/messages: /v1/messages is appended to it, as to ANTHROPIC_BASE_URL",
        ),
        port(),
        plain_address(),
        metadata(),
    ])
}

fn port() -> Value {
    rule(
        "!self.matches('^[A-Za-z]+://[^/?#]*:(0+|[0-9]{6,}|[7-9][0-9]{4}|6[6-9][0-9]{3}|65[6-9][0-9]{2}|655[4-9][0-9]|6553[6-9])(/|$)')",
        "must have a port from 1 to 65535",
    )
}

/// On the object above the URL, for the same reason as in [`super::rules::header`].
pub(super) fn no_credentials_in_url() -> Value {
    json!([rule_at(
        ".url",
        "!self.url.matches('^[A-Za-z]+://[^/?#]*@')",
        "must not contain credentials: put them into a Secret, and name it in credential (proxy: credentialSecretRef)",
    )])
}

pub(super) fn proxy_url() -> Value {
    json!([
        rule(
            "self.matches('^[!-~]+$') && isURL(self) && self.lowerAscii().matches('^http://[^/?#:][^/?#]*/?$')",
            "must be http://host:port: the connection to a proxy is plain text, without a path",
        ),
        port(),
        plain_address(),
        metadata(),
    ])
}

/// The prober looks again after it resolved the name; this is for the mistake that is visible. On the text: CEL's cost
/// estimate takes a host that `url()` found for boundless.
fn metadata() -> Value {
    const ADDRESSES: [&str; 10] = [
        "169.254.",
        "168.63.129.16",
        "100.100.100.200",
        "192.0.0.192",
        "0.0.0.0",
        "[::ffff:169.254.",
        "[::ffff:a9fe:",
        "[64:ff9b::a9fe:",
        "[fd00:ec2:",
        "[::]",
    ];
    let addresses = ADDRESSES.map(|text| format!("^https?://{}", text.replace('.', r"\.").replace('[', r"\[")));
    let hosts = crate::resource::validated::METADATA_HOSTS.join("|").replace('.', r"\.");
    let others = [
        r"^https?://\[fe[89ab]".to_owned(),
        r"^https?://\[fd20:ce:".to_owned(),
        format!(r"^https?://({hosts})\.?(:|/|$)"),
    ];
    let pattern = [addresses.join("|"), others.join("|")].join("|");
    rule(
        format!("!self.lowerAscii().matches(r'{pattern}')"),
        "must not be a metadata or link-local address",
    )
}

/// 2852039166, 0xa9fea9fe and 0251.0376.43518 are spellings of a metadata address, which some resolvers take.
fn plain_address() -> Value {
    const OCTET: &str = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
    rule(
        format!(
            r"!self.lowerAscii().matches(r'^https?://([^/?#:]*\.)?([0-9]+|0x[0-9a-f]*)\.?(:|/|$)') || self.lowerAscii().matches(r'^https?://({OCTET}\.){{3}}{OCTET}\.?(:|/|$)')"
        ),
        "must have its IPv4 address as four decimal numbers, such as 10.1.2.3",
    )
}

pub(super) fn host_name() -> Value {
    json!([rule(
        format!(r"self.lowerAscii().matches(r'^{DNS_LABEL}(\.{DNS_LABEL})*$')"),
        "must be a host name such as gateway.example.com",
    )])
}
