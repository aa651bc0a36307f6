//! What the API server rejects before anything is stored, as CEL. Each message names the fix; the field stands before it.
//!
//! One function per rule set; the fields name them. Everything that a rule looks at is bounded in the schema, or the API
//! server's cost limit refuses the definition. CEL fails with an internal error where an operand is malformed: rules that
//! compare durations look at their syntax first. [`crate::resource::validated`] checks the same and more for files.

use serde_json::{Value, json};

/// Go's duration syntax without sign and sub-millisecond units; at most two numbers of six digits fit in 16 characters, so that
/// CEL's `duration()` cannot overflow on what matches.
const DURATION: &str = r"^([0-9]{1,6}(\.[0-9]{1,6})?(h|m|s|ms))+$";
pub(super) const DNS_LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
/// RFC 9110 §5.6.2.
const TOKEN: &str = r"^[-!#$%&*+.^_`|~0-9A-Za-z]+$";

pub(super) fn rule(rule: impl Into<String>, message: &str) -> Value {
    json!({"rule": rule.into(), "message": message})
}

pub(super) fn rule_at(field: &str, rule: impl Into<String>, message: &str) -> Value {
    json!({"rule": rule.into(), "message": message, "fieldPath": field})
}

fn is_duration(operand: &str) -> String {
    format!("{operand}.matches(r'{DURATION}')")
}

/// A duration between two others. `bounds` is what a person reads.
pub(super) fn duration(least: &str, most: &str, message: &str) -> Value {
    let syntax = is_duration("self");
    json!([
        rule(&syntax, "must be a duration such as 90s, 5m or 1h30m (24h for a day)"),
        rule(
            format!("!{syntax} || (duration(self) >= duration('{least}') && duration(self) <= duration('{most}'))"),
            message,
        ),
    ])
}

/// A duration that is 0s (off) or between two others.
pub(super) fn duration_or_off(least: &str, most: &str, message: &str) -> Value {
    let syntax = is_duration("self");
    json!([
        rule(&syntax, "must be a duration such as 90s, 5m or 1h30m (24h for a day)"),
        rule(
            format!(
                "!{syntax} || duration(self) == duration('0s') || \
                 (duration(self) >= duration('{least}') && duration(self) <= duration('{most}'))"
            ),
            message,
        ),
    ])
}

pub(super) fn name() -> Value {
    json!([rule(
        "self.metadata.name.size() <= 52",
        "metadata.name must have at most 52 characters: it is part of pod names",
    )])
}

pub(super) fn spec() -> Value {
    let (timeout, every) = (is_duration("self.runTimeout"), is_duration("self.schedule.every"));
    json!([
        rule_at(
            ".runTimeout",
            format!(
                "!has(self.runTimeout) || !has(self.schedule.every) || !{timeout} || !{every} || \
                 duration(self.runTimeout) < duration(self.schedule.every)"
            ),
            "must be shorter than schedule.every: one run at a time",
        ),
        rule(
            "has(self.credential) || ((!has(self.direct) || has(self.direct.credential)) && \
             self.gateways.all(g, has(g.credential)))",
            "every path must have a credential: set spec.credential, or credential on each path (`none: {}` sends no key)",
        ),
        rule_at(
            ".gateways",
            "has(self.direct) || self.gateways.all(g, !has(g.expectAccount) || g.expectAccount != 'Same')",
            "expectAccount must not be Same without spec.direct: set spec.direct, or remove expectAccount",
        ),
        rule_at(
            ".gateways",
            "!has(self.request.headers) || self.gateways.all(g, !has(g.headers) || g.headers.all(h, \
             !self.request.headers.exists(r, r.name.lowerAscii() == h.name.lowerAscii())))",
            "a gateway's header must not be in request.headers too: remove one of the two",
        ),
        rule_at(
            ".direct",
            "!has(self.request.headers) || !has(self.direct) || !has(self.direct.headers) || self.direct.headers.all(h, \
             !self.request.headers.exists(r, r.name.lowerAscii() == h.name.lowerAscii()))",
            "a header of direct must not be in request.headers too: remove one of the two",
        ),
    ])
}

pub(super) fn schedule() -> Value {
    json!([
        rule(
            "has(self.every) != has(self.cron)",
            "must have exactly one of every and cron"
        ),
        rule_at(
            ".timeZone",
            "!has(self.timeZone) || has(self.cron)",
            "must be unset unless cron is set",
        ),
    ])
}

pub(super) fn cron() -> Value {
    const FIELDS: &str = r"^[^ ]+( +[^ ]+){4}$";
    // What is left for the operator to find, and to report in `Ready`: ranges that run backwards, days that no month has.
    const NUMBERS: [&str; 5] = [
        "[0-5]?[0-9]",
        "([01]?[0-9]|2[0-3])",
        "(0?[1-9]|[12][0-9]|3[01])",
        "(0?[1-9]|1[0-2]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)",
        "(0?[0-7]|sun|mon|tue|wed|thu|fri|sat)",
    ];
    let fields = NUMBERS.map(|number| {
        let entry = format!(r"((\*|{number}-{number})(/0?[1-9][0-9]?)?|{number})");
        format!("{entry}(,{entry})*")
    });
    json!([
        rule(
            format!("self.matches(r'{FIELDS}')"),
            "must have five fields: minute, hour, day of month, month, day of week, such as `*/5 * * * *`",
        ),
        rule(
            format!(
                "!self.matches(r'{FIELDS}') || self.lowerAscii().matches(r'^{}$')",
                fields.join(" +")
            ),
            "must be a cron expression of numbers in range, month and weekday names, *, lists, ranges and steps of * or a range; L, W, # and ? are not supported",
        ),
    ])
}

pub(super) fn time_zone() -> Value {
    json!([rule(
        "self.matches('^[A-Za-z]') && self != 'Local' && timestamp('2026-01-01T00:00:00Z').getHours(self) >= 0",
        "must be an IANA time zone such as Europe/Berlin",
    )])
}

pub(super) fn request() -> Value {
    json!([rule(
        "!has(self.bodyFrom) || (self.prompt == 'Count from 1 to 20.' && self.maxTokens == 64)",
        "prompt and maxTokens must be unset where bodyFrom is set",
    )])
}

pub(super) fn api_version() -> Value {
    json!([rule(
        "self.matches(r'^[0-9]{4}-[0-9]{2}-[0-9]{2}$')",
        "must be a date such as 2023-06-01",
    )])
}

pub(super) fn betas() -> Value {
    json!([rule(
        "self.all(b, b.matches(r'^[A-Za-z0-9][-A-Za-z0-9._]*$'))",
        "must be beta names such as context-1m-2025-08-07, one per entry",
    )])
}

pub(super) fn model() -> Value {
    json!([rule(
        "self.matches(r'^[A-Za-z0-9][-A-Za-z0-9._:/@]*$')",
        "must be a model name such as claude-haiku-4-5: letters, digits and . _ : / @ -",
    )])
}

pub(super) fn header_list() -> Value {
    json!([rule(
        "self.all(h, self.exists_one(o, o.name.lowerAscii() == h.name.lowerAscii()))",
        "header names must be unique (upper and lower case are the same)",
    )])
}

/// What may be a secret is judged from the object above it: newer API servers print the value of a refused string, and not
/// that of an object.
pub(super) fn header() -> Value {
    json!([
        rule(
            "has(self.value) != has(self.valueFrom)",
            "must have exactly one of value and valueFrom",
        ),
        rule_at(
            ".value",
            "!has(self.value) || !self.value.contains('sk-ant-')",
            "must not be an API key: put the key into a Secret and use valueFrom.secretKeyRef",
        ),
    ])
}

pub(super) fn header_name() -> Value {
    json!([
        rule(
            format!("self.matches(r'{TOKEN}')"),
            "must be a header name such as x-team"
        ),
        rule(
            "!(self.lowerAscii() in ['x-api-key', 'authorization', 'proxy-authorization', 'cookie'])",
            "must not be set here: use credential, or proxy.credentialSecretRef",
        ),
        rule(
            "self.lowerAscii() != 'anthropic-version'",
            "must not be set here: use request.apiVersion"
        ),
        rule(
            "self.lowerAscii() != 'anthropic-beta'",
            "must not be set here: use request.betas"
        ),
        rule(
            "self.lowerAscii() != 'host'",
            "must not be set here: use the url of the path"
        ),
        rule(
            "!(self.lowerAscii() in ['content-length', 'content-type', 'content-encoding', 'transfer-encoding', \
             'accept-encoding', 'connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'upgrade', 'expect', \
             'http2-settings', 'user-agent', 'accept'])",
            "must not be set here: the prober sets it",
        ),
    ])
}

pub(super) fn header_value() -> Value {
    json!([rule(
        "self.matches('^[!-~]([ -~]*[!-~])?$')",
        "must be printable ASCII without blanks at its start or end",
    )])
}

pub(super) fn credential() -> Value {
    json!([
        rule(
            "has(self.secretKeyRef) != has(self.none)",
            "must have exactly one of secretKeyRef and none"
        ),
        rule_at(
            ".headerName",
            "self.authHeader != 'Custom' || has(self.headerName)",
            "must be set where authHeader is Custom",
        ),
        rule_at(
            ".headerName",
            "self.authHeader == 'Custom' || !has(self.headerName)",
            "must be unset unless authHeader is Custom",
        ),
    ])
}

pub(super) fn credential_header() -> Value {
    json!([
        rule(
            format!("self.matches(r'{TOKEN}')"),
            "must be a header name such as api-key"
        ),
        rule(
            "!(self.lowerAscii() in ['x-api-key', 'authorization'])",
            "must be another header: for this one set authHeader to XApiKey or Authorization",
        ),
        rule(
            "!(self.lowerAscii() in ['proxy-authorization', 'cookie', 'host', 'content-length', 'content-type', \
             'content-encoding', 'transfer-encoding', 'accept-encoding', 'connection', 'keep-alive', 'proxy-connection', \
             'te', 'trailer', 'upgrade', 'expect', 'http2-settings', 'user-agent', 'accept', 'anthropic-version', \
             'anthropic-beta'])",
            "must be a header that may hold a key, such as api-key",
        ),
    ])
}

pub(super) fn object_name() -> Value {
    json!([rule(
        format!(r"self.matches(r'^{DNS_LABEL}(\.{DNS_LABEL})*$')"),
        "must be an object name of lower-case letters, digits, . and -",
    )])
}

pub(super) fn object_key() -> Value {
    json!([rule(
        "self.matches(r'^[-._a-zA-Z0-9]+$')",
        "must be a key of letters, digits, ., _ and -",
    )])
}

pub(super) fn path_name() -> Value {
    json!([
        rule(
            format!("self.matches(r'^{DNS_LABEL}$')"),
            "must be lower-case letters, digits and -, such as edge",
        ),
        rule(
            "!(self in ['direct', 'all'])",
            "must not be direct or all: these names are reserved"
        ),
    ])
}

pub(super) fn long_request() -> Value {
    let timeout = is_duration("self.timeout");
    json!([rule_at(
        ".timeout",
        format!("!{timeout} || duration(self.timeout).getSeconds() > self.minSeconds"),
        "must be longer than minSeconds",
    )])
}

const LABEL_KEY: &str = r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$";
const LABEL_VALUE: &str = r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$";

fn label_rules() -> Vec<Value> {
    vec![
        rule(
            format!("self.all(k, k.matches(r'{LABEL_KEY}'))"),
            "keys must be label keys such as app or example.com/app",
        ),
        rule(
            format!("self.all(k, self[k].matches(r'{LABEL_VALUE}'))"),
            "values must be label values of at most 63 letters, digits, ., _ and -",
        ),
    ]
}

pub(super) fn labels() -> Value {
    label_rules().into()
}

pub(super) fn own_labels() -> Value {
    let mut rules = label_rules();
    rules.push(not_ours());
    rules.into()
}

pub(super) fn own_annotations() -> Value {
    json!([not_ours()])
}

fn not_ours() -> Value {
    rule(
        "self.all(k, !k.startsWith('claudeprobe.dev/'))",
        "must not set claudeprobe.dev/…: the operator owns these",
    )
}

pub(super) fn quantities() -> Value {
    json!([rule(
        r"self.all(k, self[k].matches(r'^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$'))",
        "values must be quantities such as 100m or 64Mi",
    )])
}
