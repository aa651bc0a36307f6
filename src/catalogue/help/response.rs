//! Findings about what gateways do to answers, and whose answers they are.

use super::{Help, Sight, knobs};

pub const WRONG_ROUTE: Help = Help {
    sights: &[
        (Sight::GatewayNotFound, "for every model"),
        (Sight::NoMessage, "a login page, a default backend"),
        (
            Sight::Refused,
            "Python and Claude Code follow a redirect, and fail there",
        ),
    ],
    meaning: "The base URL leads somewhere else than the Claude API: a wrong path or prefix, /v1 twice, a login page, a default backend.",
    evidence: "A redirect, a 2xx that is no answer, or a 404 made by the gateway; Claude's own 404 or 405 for the path counts while the direct path works. A 404 about a model is ModelNotFound.",
    confirm: &[
        ("curl -sS -i \"$G/v1/messages\"", "404"),
        ("curl -sS -i \"$D/v1/messages\"", "405 · request-id: req_"),
    ],
    knobs: knobs::ROUTE,
};

pub const RETRIES: Help = Help {
    sights: &[
        (Sight::OtherAnswer, "more tokens are billed than clients sent"),
        (Sight::SlowStart, "errors come after a multiple of the usual time"),
    ],
    meaning: "The gateway sends a failed request again by itself: every try may be billed, and SDKs retry on top of it.",
    evidence: "A header of the reply that counts the gateway's tries. Tries that nobody counts cannot be seen from outside.",
    confirm: &[("ask \"$G\" -H \"$key\"", "attempt")],
    knobs: knobs::RETRIES,
};

pub const STATUS: Help = Help {
    sights: &[
        (
            Sight::GatewayError,
            "for what was a 429 or 529: SDKs retry what they should not, or the reverse",
        ),
        (Sight::NoMessage, "an error under status 200"),
    ],
    meaning: "The gateway gives Claude's errors another status. SDKs choose class and retries by the status.",
    evidence: "An error that is Claude's by its ids or words, under a status that Claude does not give it. Claude itself was seen to send “Overloaded” as 500, so that alone is no proof.",
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
    knobs: knobs::ERRORS,
};

pub const ERROR_BODY: Help = Help {
    sights: &[
        (Sight::GatewayError, "with Claude's status and the gateway's words"),
        (Sight::GatewayUnauthorized, "with Claude's `request-id`"),
    ],
    meaning: "The gateway puts a body of its own in the place of Claude's error: type, message and request id are lost.",
    evidence: "Claude's ids beside a body that is not Claude's; or the same defect gets Claude's complaint on the direct path and another body with the same status here.",
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
    knobs: knobs::ERRORS,
};

pub const HEADERS: Help = Help {
    sights: &[(
        Sight::NothingYet,
        "no request id for support, no `retry-after`, no rate-limit headers to pace by",
    )],
    meaning: "Good answers lose headers that clients use.",
    evidence: "The direct path's answer to the same request has request-id or anthropic-ratelimit-*, this path's has not. Rate limits are compared only with the same key.",
    confirm: &[
        ("ask \"$G\" -H \"$key\"", "200 · no request-id"),
        ("ask \"$D\" -H \"$key\"", "200 · request-id: req_"),
    ],
    knobs: knobs::RESPONSE_HEADERS,
};

pub const ACCOUNT: Help = Help {
    sights: &[
        (Sight::OtherAnswer, "on another bill"),
        (Sight::RateLimit, "of an organisation that is not yours"),
    ],
    meaning: "The gateway uses a key of another organisation or workspace: its limits, bills and data rules apply.",
    evidence: "anthropic-organization-id or anthropic-workspace-id of both paths' answers differ, and the spec says they should be the same (expectAccount).",
    confirm: &[
        ("ask \"$G\" -H \"$key\"", "anthropic-organization-id"),
        ("ask \"$D\" -H \"$key\"", "anthropic-organization-id"),
    ],
    knobs: knobs::PROVIDER_KEY,
};

pub const BACKEND: Help = Help {
    sights: &[(Sight::OtherAnswer, "other limits, betas and models")],
    meaning: "Behind the gateway stands a cloud platform, not the Claude API.",
    evidence: "Answers bear a cloud platform's marks and none of Claude's. Header and id rules are silent then; say it with upstream.",
    confirm: &[
        ("ask \"$G\" -H \"$key\"", "200 · x-amz · no anthropic-organization-id"),
        ("ask \"$D\" -H \"$key\"", "200 · anthropic-organization-id"),
    ],
    knobs: knobs::NONE,
};

pub const MODEL: Help = Help {
    sights: &[(Sight::OtherAnswer, "another `model` in the answer")],
    meaning: "The gateway maps the model's name to another one, or fell back to it.",
    evidence: "The answer names another model than was asked for, and the direct path's does not. An alias that Claude resolves to its dated name is the same model.",
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
    knobs: knobs::MODEL,
};

pub const CACHED: Help = Help {
    sights: &[(
        Sight::OtherAnswer,
        "the same answer again, at once, with the same `msg_…` id",
    )],
    meaning: "A cache answers, not Claude. It says nothing about the health of the path.",
    evidence: "Headers of a cache (age, a hit) on the answer to the frozen request.",
    confirm: &[
        ("ask \"$G\" -H \"$key\"", "age:"),
        ("ask \"$D\" -H \"$key\"", "200 · no age:"),
    ],
    knobs: knobs::CACHE,
};
