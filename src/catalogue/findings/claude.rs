//! Findings about Claude itself. They hold on whichever path the reply came.

use super::super::{ClientError, Code, ConditionType, Entry, Layer, Relation, Severity, hints};

pub const PERMISSION_DENIED: Entry = Entry {
    code: Code::PermissionDenied,
    layer: Layer::Configuration,
    severity: Severity::Error,
    condition: Some(ConditionType::CredentialsFresh),
    relations: &[Relation::Shared],
    title: "Claude denies this key the model or feature",
    advice: "Give the key's workspace access to the model or feature.",
    client_errors: &[(ClientError::PermissionRefused, "on every path with this key")],
    meaning: "The key is valid, and its workspace may not use this model or feature.",
    evidence: "Claude's own 403 with its ids. The edge's “Request not allowed” is EgressAddressRefused, and a \
        gateway's 403 is GatewayPolicyDenied.",
    confirm: &[
        ("ask \"$D\" -H \"$key\"", "403 · permission_error · request-id: req_"),
        ("curl -sS -H \"$key\" -H \"$version\" \"$D/v1/models\"", "claude-"),
    ],
    product_hints: &[],
};

pub const ACCOUNT_DISABLED: Entry = Entry {
    code: Code::AccountDisabled,
    layer: Layer::Configuration,
    severity: Severity::Error,
    condition: Some(ConditionType::CredentialsFresh),
    relations: &[Relation::Shared],
    title: "the organisation is disabled",
    advice: "Contact Anthropic's support.",
    client_errors: &[(
        ClientError::OrganizationDisabled,
        "on every path with this organisation's keys",
    )],
    meaning: "The organisation that the key belongs to is disabled.",
    evidence: "Claude's own error text.",
    confirm: &[(
        "ask \"$D\" -H \"$key\"",
        "400 · organization has been disabled · request-id: req_",
    )],
    product_hints: &[],
};

pub const UPSTREAM_OVERLOADED: Entry = Entry {
    code: Code::UpstreamOverloaded,
    layer: Layer::Upstream,
    severity: Severity::Error,
    condition: None,
    relations: &[Relation::Shared],
    title: "Claude is overloaded",
    advice: "Retry with backoff, and check Claude's status page.",
    client_errors: &[(
        ClientError::Overloaded,
        "with a `request-id`, on every path sooner or later",
    )],
    meaning: "Claude has more work than capacity. It passes.",
    evidence: "Claude's own 529 or overloaded_error, with whatever status a gateway gives it. One path is enough: a \
        200 on another path does not rule it out.",
    confirm: &[("ask \"$D\" -H \"$key\"", "529 · overloaded_error · request-id: req_")],
    product_hints: &[],
};

pub const UPSTREAM_ERROR: Entry = Entry {
    code: Code::UpstreamError,
    layer: Layer::Upstream,
    severity: Severity::Error,
    condition: None,
    relations: &[Relation::Shared],
    title: "Claude returns an internal error",
    advice: "Retry with backoff, and check Claude's status page. Give support the request id.",
    client_errors: &[
        (ClientError::InternalError, "on every path sooner or later"),
        (
            ClientError::GatewayError,
            "an error page of the edge that names api.anthropic.com",
        ),
    ],
    meaning: "Claude fails internally, or its edge cannot reach it.",
    evidence: "Claude's own 5xx with its ids, or an error page of the edge that names Claude's host. A page of the \
        same provider that names another host is the gateway's.",
    confirm: &[("ask \"$D\" -H \"$key\"", "500 · api_error · request-id: req_")],
    product_hints: &[],
};

pub const UPSTREAM_STREAM_ERROR: Entry = Entry {
    code: Code::UpstreamStreamError,
    layer: Layer::Upstream,
    severity: Severity::Error,
    condition: Some(ConditionType::StreamIntact),
    relations: &[Relation::Shared],
    title: "Claude ends the stream with an error",
    advice: "Retry with backoff, and check Claude's status page.",
    client_errors: &[
        (ClientError::ErrorEvent, "with a `request_id`, or on every path"),
        (ClientError::Cut, "at the same place on every path"),
    ],
    meaning: "Claude ends a stream that has begun, because of overload or an internal error.",
    evidence: "An error event that carries a genuine request id, or the same early end on both paths.",
    confirm: &[(
        "stream \"$D\" -H \"$key\"",
        "event: error · overloaded_error · \"request_id\":\"req_",
    )],
    product_hints: &[],
};

pub const EDGE_BLOCKED: Entry = Entry {
    code: Code::EdgeBlocked,
    layer: Layer::Upstream,
    severity: Severity::Error,
    condition: None,
    relations: &[Relation::Shared],
    title: "the firewall at Claude's edge blocks the request",
    advice: "Give support the ray id and the shape of the prompt.",
    client_errors: &[(ClientError::EdgePage, "for some prompts, or from some addresses")],
    meaning: "The firewall at Claude's edge rejects the request. The prompt looks like an attack, or the firewall \
        wants a browser to solve a challenge.",
    evidence: "A page with the edge's headers that names Claude's host, or that comes on a direct path to \
        api.anthropic.com with a public certificate. Elsewhere the page can be another zone's. It is likely then if \
        every path gets it, and possible otherwise.",
    confirm: &[("ask \"$D\" -H \"$key\"", "403 · cf-ray · no request-id")],
    product_hints: &[],
};

pub const MODEL_NOT_FOUND: Entry = Entry {
    code: Code::ModelNotFound,
    layer: Layer::Configuration,
    severity: Severity::Error,
    condition: None,
    relations: &[Relation::Shared],
    title: "the model is unknown, retired or not allowed for this key",
    advice: "Correct the model, or the gateway's model list.",
    client_errors: &[
        (ClientError::ModelUnknown, "on this path, or on all"),
        (ClientError::GatewayNotFound, "the gateway's own list does not have it"),
    ],
    meaning: "The model is misspelt, retired, not allowed for this key, or missing in the gateway's own list.",
    evidence: "Claude's own 404 that names the model, or a gateway's error about an unknown model. If the direct path \
        answers for the same model, the advice names the gateway's mapping or key.",
    confirm: &[
        ("ask \"$D\" -H \"$key\"", "404 · not_found_error · model:"),
        ("curl -sS -H \"$key\" -H \"$version\" \"$D/v1/models\"", "claude-"),
    ],
    product_hints: hints::MODEL,
};

pub const MODEL_RETIRING: Entry = Entry {
    code: Code::ModelRetiring,
    layer: Layer::Configuration,
    severity: Severity::Warning,
    condition: None,
    relations: &[],
    title: "the model will be retired soon",
    advice: "Move to the model's successor.",
    client_errors: &[(ClientError::NothingYet, "on the day of its retirement: 404 “model: …”")],
    meaning: "Claude stops serving this model on a known date.",
    evidence: "The path answers, and the model's announced retirement is at most 60 days away. The dates come with \
        this version of claudeprobe. The models endpoint has them too, and is not read.",
    confirm: &[(
        "curl -sS -H \"$key\" -H \"$version\" \"$D/v1/models/claude-haiku-4-5\"",
        "retires_at",
    )],
    product_hints: hints::MODEL,
};
