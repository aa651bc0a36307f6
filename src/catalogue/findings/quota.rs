//! Findings about limits: the gateway's and Claude's.

use super::super::{ClientError, Code, ConditionType, Entry, Layer, Relation, Severity, hints};

pub const GATEWAY_RATE_LIMITED: Entry = Entry {
    code: Code::GatewayRateLimited,
    layer: Layer::Quota,
    severity: Severity::Error,
    condition: Some(ConditionType::QuotaAvailable),
    relations: &[Relation::ReadFromReply],
    title: "the gateway's own rate limit is reached",
    advice: "Raise the gateway's limit for this client.",
    client_errors: &[
        (ClientError::GatewayTooMany, "while Claude answers with headroom"),
        (ClientError::GatewayError, "503: the default status of some limiters"),
    ],
    meaning: "The gateway counts requests, tokens or money itself, and this client exceeds its limit.",
    evidence: "A rejection by the gateway with a text about a rate or a budget. A 429 of unknown origin counts only \
        if the same key has headroom on the direct path at that moment. If Claude limits the same key in the same \
        run, RateLimited is the better explanation.",
    confirm: &[
        ("ask \"$G\" -H \"$key\"", "429 · no request-id"),
        ("ask \"$D\" -H \"$key\"", "200"),
    ],
    product_hints: hints::RATE,
};

pub const GATEWAY_COOLDOWN: Entry = Entry {
    code: Code::GatewayCooldown,
    layer: Layer::Configuration,
    severity: Severity::Error,
    condition: Some(ConditionType::QuotaAvailable),
    relations: &[Relation::Symptom],
    title: "the gateway rejects requests because of earlier errors",
    advice: "Find the error before the cooldown first, then tune the gateway's cooldown.",
    client_errors: &[(
        ClientError::GatewayTooMany,
        "right after other errors; “try again in … seconds”",
    )],
    meaning: "The gateway takes an upstream out of use for a while because of earlier errors, and returns 429. This \
        is a symptom: the first error is the cause.",
    evidence: "A text about a cooldown, or another rejection by the gateway on the same connection right after an \
        error. Alone it shows only that the cause is hidden.",
    confirm: &[
        ("ask \"$G\" -H \"$key\"", "429 · no request-id"),
        ("ask \"$D\" -H \"$key\"", "200"),
    ],
    product_hints: hints::BREAKER,
};

pub const GATEWAY_CONCURRENCY_LIMITED: Entry = Entry {
    code: Code::GatewayConcurrencyLimited,
    layer: Layer::Quota,
    severity: Severity::Error,
    condition: Some(ConditionType::QuotaAvailable),
    relations: &[],
    title: "the gateway's concurrency limit is reached",
    advice: "Raise the gateway's limit on concurrent requests.",
    client_errors: &[
        (ClientError::GatewayTooMany, "only with several requests at once"),
        (
            ClientError::GatewayError,
            "503 “overflow”, only with several requests at once",
        ),
    ],
    meaning: "The gateway accepts fewer concurrent requests than its clients send. A stream counts for as long as it \
        lasts.",
    evidence: "A text about overflow. Or the gateway rejects some of several parallel requests and answers a single \
        one, while the direct path answers them all (opt-in: exchanges.parallel).",
    confirm: &[
        (
            "for i in 1 2 3 4; do ask \"$G\" -H \"$key\" & done; wait",
            "429 · no retry-after",
        ),
        ("ask \"$G\" -H \"$key\"", "200"),
    ],
    product_hints: hints::CONCURRENCY,
};

pub const CIRCUIT_BREAKER_OPEN: Entry = Entry {
    code: Code::CircuitBreakerOpen,
    layer: Layer::Configuration,
    severity: Severity::Error,
    condition: None,
    relations: &[Relation::Symptom],
    title: "a circuit breaker of the gateway is open",
    advice: "Find the error that opened the breaker first. Then configure the breaker so that a 429 does not count as \
        a failure.",
    client_errors: &[(ClientError::GatewayError, "503 at once, right after other errors")],
    meaning: "A circuit breaker of the gateway is open. This is a symptom: the error that opened it is the cause.",
    evidence: "A text about a breaker, or a 503 by the gateway on the same connection right after another error.",
    confirm: &[
        ("ask \"$G\" -H \"$key\"", "503 · no request-id"),
        ("ask \"$D\" -H \"$key\"", "200"),
    ],
    product_hints: hints::BREAKER,
};

pub const RATE_LIMITED: Entry = Entry {
    code: Code::RateLimited,
    layer: Layer::Quota,
    severity: Severity::Error,
    condition: Some(ConditionType::QuotaAvailable),
    relations: &[Relation::Shared],
    title: "Claude's rate limit is reached",
    advice: "Send less per minute, or request a higher limit.",
    client_errors: &[(ClientError::RateLimit, "on every path with this organisation's keys")],
    meaning: "The organisation or workspace has used up its requests or tokens per minute for this model class. All \
        clients with its keys are affected.",
    evidence: "Claude's own 429. The finding names the limit, its size and the wait. One path is enough.",
    confirm: &[(
        "ask \"$D\" -H \"$key\"",
        "429 · retry-after · rate_limit_error · request-id: req_",
    )],
    product_hints: &[],
};

pub const ACCELERATION_LIMITED: Entry = Entry {
    code: Code::AccelerationLimited,
    layer: Layer::Quota,
    severity: Severity::Error,
    condition: Some(ConditionType::QuotaAvailable),
    relations: &[Relation::Shared],
    title: "Claude's limit on the growth of usage is reached",
    advice: "Raise the load more slowly.",
    client_errors: &[(ClientError::Ramp, "while usage grows steeply")],
    meaning: "Usage grows faster than Claude allows, below the limits themselves.",
    evidence: "Claude's own 429 that names the increase.",
    confirm: &[("ask \"$D\" -H \"$key\"", "429 · usage increase rate · request-id: req_")],
    product_hints: &[],
};

pub const CONCURRENCY_LIMITED: Entry = Entry {
    code: Code::ConcurrencyLimited,
    layer: Layer::Quota,
    severity: Severity::Error,
    condition: Some(ConditionType::QuotaAvailable),
    relations: &[Relation::Shared],
    title: "Claude's limit on concurrent connections is reached",
    advice: "Use a connection pool or a queue, so that fewer requests are in flight.",
    client_errors: &[(ClientError::Connections, "with many requests in flight")],
    meaning: "Too many requests of this organisation are in flight at once.",
    evidence: "Claude's own 429 that names concurrent connections.",
    confirm: &[(
        "ask \"$D\" -H \"$key\"",
        "429 · concurrent connections · request-id: req_",
    )],
    product_hints: &[],
};

pub const QUOTA_EXHAUSTED: Entry = Entry {
    code: Code::QuotaExhausted,
    layer: Layer::Quota,
    severity: Severity::Error,
    condition: Some(ConditionType::QuotaAvailable),
    relations: &[Relation::Shared],
    title: "the spend limit or credit is used up, and retries do not help",
    advice: "Raise the spend limit or buy credit in the Claude Console.",
    client_errors: &[
        (ClientError::CreditTooLow, "prepaid credit is used up"),
        (ClientError::Billing, "a payment failed"),
        (
            ClientError::SpendLimit,
            "the month's spend limit is reached; the message has the date",
        ),
    ],
    meaning: "Money stops the requests, not the rate: spend limit, credit or billing. Retries do not help.",
    evidence: "Claude's own error text or error code, or a 429 without `retry-after` that names usage limits.",
    confirm: &[("ask \"$D\" -H \"$key\"", "429 · usage limits · no retry-after")],
    product_hints: &[],
};
