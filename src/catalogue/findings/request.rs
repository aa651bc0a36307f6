//! Findings about what a gateway does to headers and bodies of requests.

use super::super::{ClientError, Code, ConditionType, Entry, Layer, Relation, Severity, hints};

pub const ORIGIN_HEADER_FORWARDED: Entry = Entry {
    code: Code::OriginHeaderForwarded,
    layer: Layer::Configuration,
    severity: Severity::Error,
    condition: Some(ConditionType::HeadersPreserved),
    relations: &[],
    title: "the gateway adds or forwards an Origin header",
    advice: "Remove origin and sec-fetch-* from requests to Claude.",
    client_errors: &[(ClientError::OriginRefused, "although no browser is involved")],
    meaning: "Claude treats a request with an Origin header as a browser's. The gateway adds the header, or forwards \
        the one of a web front end.",
    evidence: "Claude's CORS error in reply to a request that was sent without Origin. It is certain if the direct \
        path accepts the same request, and possible otherwise.",
    confirm: &[
        ("ask \"$G\" -H \"$key\"", "401 · CORS requests"),
        ("ask \"$D\" -H \"$key\"", "200"),
    ],
    product_hints: hints::REQUEST_HEADERS,
};

pub const BETA_HEADER_STRIPPED: Entry = Entry {
    code: Code::BetaHeaderStripped,
    layer: Layer::Configuration,
    severity: Severity::Warning,
    condition: Some(ConditionType::HeadersPreserved),
    relations: &[],
    title: "the anthropic-beta header does not reach Claude as sent",
    advice: "Configure the gateway to forward anthropic-beta unchanged.",
    client_errors: &[
        (ClientError::FieldRefused, "for a field that belongs to a beta"),
        (ClientError::OauthUnsupported, "with a Bearer token of a subscription"),
        (ClientError::NothingYet, "betas are off without an error"),
    ],
    meaning: "The gateway drops, filters or overwrites `anthropic-beta`. Beta features fail, and Claude rejects the \
        fields that belong to them.",
    evidence: "A forwarding check sends a beta value that does not exist, and Claude must reject it by name. If the \
        direct path gets that error and this path gets an answer, the value does not reach Claude (likely, a \
        warning). It is certain if Claude also rejects a beta field of the frozen request here and accepts it on the \
        direct path. Other backends are not checked.",
    confirm: &[
        ("count \"$G\" -H \"$key\" -H 'anthropic-beta: no-such-beta'", "200"),
        (
            "count \"$D\" -H \"$key\" -H 'anthropic-beta: no-such-beta'",
            "400 · no-such-beta",
        ),
    ],
    product_hints: hints::REQUEST_HEADERS,
};

pub const BETA_HEADER_INJECTED: Entry = Entry {
    code: Code::BetaHeaderInjected,
    layer: Layer::Configuration,
    severity: Severity::Error,
    condition: Some(ConditionType::HeadersPreserved),
    relations: &[],
    title: "the gateway adds values to anthropic-beta",
    advice: "Remove the value that the gateway adds to anthropic-beta.",
    client_errors: &[(ClientError::BetaRefused, "for a value that the client did not send")],
    meaning: "The gateway adds a beta value of its own, and Claude does not support that value.",
    evidence: "Claude's error names a beta value that the probe did not send.",
    confirm: &[
        ("count \"$G\" -H \"$key\"", "400 · anthropic-beta"),
        ("count \"$D\" -H \"$key\"", "200"),
    ],
    product_hints: hints::REQUEST_HEADERS,
};

pub const VERSION_HEADER_REWRITTEN: Entry = Entry {
    code: Code::VersionHeaderRewritten,
    layer: Layer::Configuration,
    severity: Severity::Warning,
    condition: Some(ConditionType::HeadersPreserved),
    relations: &[],
    title: "anthropic-version does not reach Claude as sent",
    advice: "Configure the gateway to forward anthropic-version unchanged, and to set it only if the client sends \
        none.",
    client_errors: &[
        (
            ClientError::VersionRefused,
            "“header is required”, or a list of two versions",
        ),
        (
            ClientError::FieldRefused,
            "after an SDK upgrade: the rules of another version apply",
        ),
        (
            ClientError::NothingYet,
            "a pinned version that equals the client's version today",
        ),
    ],
    meaning: "The gateway drops `anthropic-version`, overwrites it with a fixed date, or sends it twice. With a fixed \
        date, the next SDK release gets the old behaviour.",
    evidence: "A forwarding check sends a version that does not exist, and Claude must reject it by name. If the \
        direct path gets that error and this path gets an answer, the gateway overwrites the header. If the error \
        lists several versions, the gateway adds a second header.",
    confirm: &[
        (
            "version='anthropic-version: 1999-01-01' count \"$G\" -H \"$key\"",
            "200",
        ),
        (
            "version='anthropic-version: 1999-01-01' count \"$D\" -H \"$key\"",
            "400 · 1999-01-01",
        ),
    ],
    product_hints: hints::REQUEST_HEADERS,
};

pub const BODY_REWRITTEN: Entry = Entry {
    code: Code::BodyRewritten,
    layer: Layer::Configuration,
    severity: Severity::Warning,
    condition: Some(ConditionType::HeadersPreserved),
    relations: &[],
    title: "the gateway changes request or response bodies",
    advice: "Use the gateway's pass-through mode, or disable the option that drops or adds fields.",
    client_errors: &[
        (ClientError::FieldRefused, "for a field that the client did not send"),
        (
            ClientError::OtherAnswer,
            "a system prompt or tools that no client sent, missing features, more input tokens",
        ),
    ],
    meaning: "The gateway rebuilds bodies. It drops unknown fields, adds defaults or prompts, or changes numbers. \
        Some gateways also rebuild Claude's answer.",
    evidence: "Forwarding checks put an unknown field at the top of the body, in a message, in metadata and in a \
        tool, and Claude must reject each by name. If the direct path gets that error and this path gets an answer, \
        the gateway drops the field there. An integer above 2^53 must arrive unchanged, and the same prompt must \
        cost the same number of input tokens on both paths. An answer with Claude's ids must have the shape of \
        Claude's answers. Other models and backends are not compared. To see a dropped field by hand, put it in the \
        same place (metadata only with /v1/messages).",
    confirm: &[
        (
            "post \"$G/v1/messages/count_tokens\" \"{\\\"zz_probe\\\":1,$ASK}\" -H \"$key\"",
            "200",
        ),
        (
            "post \"$D/v1/messages/count_tokens\" \"{\\\"zz_probe\\\":1,$ASK}\" -H \"$key\"",
            "400 · zz_probe: Extra inputs are not permitted",
        ),
    ],
    product_hints: hints::REQUEST_BODY,
};

pub const REQUEST_INVALID: Entry = Entry {
    code: Code::RequestInvalid,
    layer: Layer::Configuration,
    severity: Severity::Error,
    condition: None,
    relations: &[Relation::Shared],
    title: "Claude rejects the probe's request as invalid",
    advice: "Correct the probe's request (spec.request).",
    client_errors: &[
        (ClientError::FieldRefused, "on every path"),
        (ClientError::BetaRefused, "on every path"),
    ],
    meaning: "Claude rejects the content of the request: a field, a beta or a value that this model or API version \
        does not accept.",
    evidence: "Claude's own 400 on the direct path, or the same error on a gateway and on the direct path. On a \
        gateway alone it counts only if the error is about a beta value or a workspace header of the frozen request.",
    confirm: &[(
        "post \"$D/v1/messages\" \"{\\\"max_tokens\\\":64,\\\"zz_probe\\\":1,$ASK}\" -H \"$key\"",
        "400 · invalid_request_error · request-id: req_",
    )],
    product_hints: &[],
};
