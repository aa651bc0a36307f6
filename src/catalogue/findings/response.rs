//! Findings about what a gateway does to replies, and whose replies they are.

use super::super::{ClientError, Code, ConditionType, Entry, Layer, Relation, Severity, hints};

pub const WRONG_ROUTE: Entry = Entry {
    code: Code::WrongRoute,
    layer: Layer::Configuration,
    severity: Severity::Error,
    condition: None,
    relations: &[],
    title: "the path does not lead to the Claude API",
    advice: "Correct the base URL. Clients append /v1/messages to it.",
    client_errors: &[
        (ClientError::GatewayNotFound, "for every model"),
        (ClientError::NoMessage, "a login page, a default backend"),
        (
            ClientError::Refused,
            "Python and Claude Code follow a redirect and fail there",
        ),
    ],
    meaning: "The base URL does not lead to the Claude API. The path or prefix is wrong, /v1 appears twice, or a \
        login page or a default backend answers.",
    evidence: "A redirect, a 2xx that is no answer of Claude's, or a 404 by the gateway. Claude's own 404 or 405 for \
        the path counts if the direct path works. A 404 about a model is ModelNotFound.",
    confirm: &[
        ("curl -sS -i \"$G/v1/messages\"", "404"),
        ("curl -sS -i \"$D/v1/messages\"", "405 · request-id: req_"),
    ],
    product_hints: hints::ROUTE,
};

pub const HIDDEN_RETRIES: Entry = Entry {
    code: Code::HiddenRetries,
    layer: Layer::Configuration,
    severity: Severity::Warning,
    condition: None,
    relations: &[],
    title: "the gateway retries requests without the client's knowledge",
    advice: "Disable retries of POST in the gateway.",
    client_errors: &[
        (ClientError::OtherAnswer, "more tokens are billed than clients sent"),
        (ClientError::SlowStart, "errors come after a multiple of the usual time"),
    ],
    meaning: "The gateway sends a failed request again by itself. Each attempt can be billed, and SDKs retry on top \
        of it.",
    evidence: "A response header that counts the gateway's attempts. Attempts without such a header are not visible \
        from outside.",
    confirm: &[("ask \"$G\" -H \"$key\"", "attempt")],
    product_hints: hints::RETRIES,
};

pub const STATUS_REWRITTEN: Entry = Entry {
    code: Code::StatusRewritten,
    layer: Layer::Configuration,
    severity: Severity::Warning,
    condition: Some(ConditionType::HeadersPreserved),
    relations: &[Relation::Symptom],
    title: "the gateway changes the status of Claude's replies",
    advice: "Configure the gateway to pass the status of errors through. SDKs decide by the status whether to retry.",
    client_errors: &[
        (
            ClientError::GatewayError,
            "for what was a 429 or 529: SDKs retry what they should not, or the reverse",
        ),
        (ClientError::NoMessage, "an error under status 200"),
    ],
    meaning: "The gateway gives Claude's replies another status. SDKs choose the exception and the retries by the \
        status.",
    evidence: "An error that is Claude's by its ids or text, under a status that Claude does not give it. Claude \
        itself sends “Overloaded” as 500 at times, so that alone is no proof. A complete answer under an error \
        status and an error under status 200 count as well (errors).",
    confirm: &[
        (
            "version='anthropic-version: 1999-01-01' count \"$G\" -H \"$key\"",
            "500 · is not a valid version",
        ),
        (
            "version='anthropic-version: 1999-01-01' count \"$D\" -H \"$key\"",
            "400 · is not a valid version",
        ),
    ],
    product_hints: hints::ERRORS,
};

pub const ERROR_BODY_REPLACED: Entry = Entry {
    code: Code::ErrorBodyReplaced,
    layer: Layer::Configuration,
    severity: Severity::Warning,
    condition: Some(ConditionType::HeadersPreserved),
    relations: &[Relation::Symptom],
    title: "the gateway replaces Claude's error bodies",
    advice: "Configure the gateway to pass error bodies through (proxy_intercept_errors off).",
    client_errors: &[
        (ClientError::GatewayError, "with Claude's status and the gateway's text"),
        (ClientError::GatewayUnauthorized, "with Claude's `request-id`"),
    ],
    meaning: "The gateway replaces the body of Claude's error with one of its own. Type, message and request id are \
        lost.",
    evidence: "Claude's ids beside a body that is not Claude's. Or three forwarding checks get Claude's errors on the \
        direct path, and the same status with another body here.",
    confirm: &[
        (
            "version='anthropic-version: 1999-01-01' count \"$G\" -H \"$key\"",
            "400 · no is not a valid version",
        ),
        (
            "version='anthropic-version: 1999-01-01' count \"$D\" -H \"$key\"",
            "400 · is not a valid version",
        ),
    ],
    product_hints: hints::ERRORS,
};

pub const RESPONSE_HEADERS_REWRITTEN: Entry = Entry {
    code: Code::ResponseHeadersRewritten,
    layer: Layer::Configuration,
    severity: Severity::Warning,
    condition: Some(ConditionType::HeadersPreserved),
    relations: &[],
    title: "the gateway changes the headers of Claude's replies",
    advice: "Configure the gateway to pass request-id, retry-after and anthropic-ratelimit-* through.",
    client_errors: &[(
        ClientError::NothingYet,
        "no request id for support, no `retry-after`, no rate-limit headers",
    )],
    meaning: "Replies lose headers that clients use.",
    evidence: "The direct path's reply to the same request has request-id, retry-after or anthropic-ratelimit-*, and \
        this path's reply has not. Rate limits are compared only with the same key. Other changes of Claude's \
        headers are information.",
    confirm: &[
        ("ask \"$G\" -H \"$key\"", "200 · no request-id"),
        ("ask \"$D\" -H \"$key\"", "200 · request-id: req_"),
    ],
    product_hints: hints::RESPONSE_HEADERS,
};

pub const DIFFERENT_ACCOUNT: Entry = Entry {
    code: Code::DifferentAccount,
    layer: Layer::Configuration,
    severity: Severity::Warning,
    condition: None,
    relations: &[],
    title: "the gateway uses another organisation or workspace",
    advice: "If that is intended, set expectAccount: Any. Otherwise correct the gateway's key.",
    client_errors: &[
        (ClientError::OtherAnswer, "on another bill"),
        (ClientError::RateLimit, "of an organisation that is not yours"),
    ],
    meaning: "The gateway uses a key of another organisation or workspace. Its limits, bills and data rules apply.",
    evidence: "anthropic-organization-id or anthropic-workspace-id differ between both paths' answers, and the spec \
        expects the same account (expectAccount).",
    confirm: &[
        ("ask \"$G\" -H \"$key\"", "anthropic-organization-id"),
        ("ask \"$D\" -H \"$key\"", "anthropic-organization-id"),
    ],
    product_hints: hints::PROVIDER_KEY,
};

pub const DIFFERENT_BACKEND: Entry = Entry {
    code: Code::DifferentBackend,
    layer: Layer::Configuration,
    severity: Severity::Information,
    condition: None,
    relations: &[],
    title: "the gateway uses a backend other than the Claude API",
    advice: "If that is intended, set upstream on this gateway.",
    client_errors: &[(ClientError::OtherAnswer, "other limits, betas and models")],
    meaning: "The gateway's backend is a cloud platform, not the Claude API.",
    evidence: "Answers carry headers of a cloud platform and none of Claude's. Rules about Claude's headers and ids \
        do not apply then. Declare the backend with upstream.",
    confirm: &[
        ("ask \"$G\" -H \"$key\"", "200 · x-amz · no anthropic-organization-id"),
        ("ask \"$D\" -H \"$key\"", "200 · anthropic-organization-id"),
    ],
    product_hints: &[],
};

pub const MODEL_SUBSTITUTED: Entry = Entry {
    code: Code::ModelSubstituted,
    layer: Layer::Configuration,
    severity: Severity::Warning,
    condition: None,
    relations: &[],
    title: "another model answers than the one requested",
    advice: "Correct the gateway's model mapping.",
    client_errors: &[(ClientError::OtherAnswer, "another `model` in the answer")],
    meaning: "The gateway maps the model's name to another one, or falls back to it.",
    evidence: "The answer names another model than the one requested, and the direct path's answer does not. A dated \
        name that Claude resolves an alias to is the same model.",
    confirm: &[
        (
            "ask \"$G\" -H \"$key\" | grep -o '\"model\":\"[^\"]*\"'",
            "no claude-haiku-4-5",
        ),
        (
            "ask \"$D\" -H \"$key\" | grep -o '\"model\":\"[^\"]*\"'",
            "claude-haiku-4-5",
        ),
    ],
    product_hints: hints::MODEL,
};

pub const RESPONSE_CACHED: Entry = Entry {
    code: Code::ResponseCached,
    layer: Layer::Configuration,
    severity: Severity::Warning,
    condition: None,
    relations: &[],
    title: "the answer comes from a cache",
    advice: "Exempt POST /v1/messages from caching. An answer from a cache does not show whether the path is healthy.",
    client_errors: &[(
        ClientError::OtherAnswer,
        "the same answer again, at once, with the same `msg_…` id",
    )],
    meaning: "A cache answers instead of Claude. The answer does not show whether the path is healthy.",
    evidence: "Cache headers on an answer (age, a hit), or the request id or message id of an earlier answer.",
    confirm: &[
        ("ask \"$G\" -H \"$key\"", "age:"),
        ("ask \"$D\" -H \"$key\"", "200 · no age:"),
    ],
    product_hints: hints::CACHE,
};
