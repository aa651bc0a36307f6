//! Findings about limits: the gateway's and Claude's.

use super::{Help, Sight, knobs};

pub const GATEWAY_RATE: Help = Help {
    sights: &[
        (Sight::GatewayTooMany, "while Claude answers with headroom"),
        (Sight::GatewayError, "503: the default status of some limiters"),
    ],
    meaning: "The gateway counts requests, tokens or money itself, and this client is over.",
    evidence: "A refusal made by the gateway that is about rate or budget; a 429 of unknown making only where the same key has headroom on the direct path at that moment. If Claude limits the same key now, that is said beside it.",
    confirm: &[
        ("ask \"$G\" -H \"$key\"", "429 · no request-id"),
        ("ask \"$D\" -H \"$key\"", "200"),
    ],
    knobs: knobs::RATE,
};

pub const COOLDOWN: Help = Help {
    sights: &[(
        Sight::GatewayTooMany,
        "right after other errors; “try again in … seconds”",
    )],
    meaning: "The gateway keeps an upstream out of use for a while because of earlier errors, and says 429. It is a symptom: the first error is the cause.",
    evidence: "Words about a cooldown; or another refusal of the gateway's own on the same connection right after an error. Alone it says that the cause is hidden.",
    confirm: &[
        ("ask \"$G\" -H \"$key\"", "429 · no request-id"),
        ("ask \"$D\" -H \"$key\"", "200"),
    ],
    knobs: knobs::BREAKER,
};

pub const BREAKER: Help = Help {
    sights: &[(Sight::GatewayError, "503 at once, right after other errors")],
    meaning: "A circuit breaker of the gateway is open. It is a symptom: the error that opened it is the cause.",
    evidence: "Words about a breaker, or a 5xx of the gateway's own on the same connection right after another error.",
    confirm: &[
        ("ask \"$G\" -H \"$key\"", "503 · no request-id"),
        ("ask \"$D\" -H \"$key\"", "200"),
    ],
    knobs: knobs::BREAKER,
};

pub const GATEWAY_CONCURRENCY: Help = Help {
    sights: &[
        (Sight::GatewayTooMany, "only with several requests at once"),
        (
            Sight::GatewayError,
            "503 “overflow”, only with several requests at once",
        ),
    ],
    meaning: "The gateway takes fewer requests at once than its clients send. A stream counts for as long as it lasts.",
    evidence: "Words about overflow; or some of several parallel requests are refused by the gateway, one alone is answered, and the direct path takes them all (opt-in: exchanges.parallel).",
    confirm: &[
        (
            "for i in 1 2 3 4; do ask \"$G\" -H \"$key\" & done; wait",
            "429 · no retry-after",
        ),
        ("ask \"$G\" -H \"$key\"", "200"),
    ],
    knobs: knobs::CONCURRENCY,
};

pub const RATE: Help = Help {
    sights: &[(Sight::RateLimit, "on every path with this organisation's keys")],
    meaning: "The organisation or workspace used up its requests or tokens per minute for this model class. Everybody with its keys is affected.",
    evidence: "Claude's own 429; the finding names the limit, its size and when it resets. It convicts on one path alone.",
    confirm: &[(
        "ask \"$D\" -H \"$key\"",
        "429 · retry-after · rate_limit_error · request-id: req_",
    )],
    knobs: knobs::NONE,
};

pub const ACCELERATION: Help = Help {
    sights: &[(Sight::Ramp, "while use grows steeply")],
    meaning: "Use grows faster than Claude allows, below the limits themselves.",
    evidence: "Claude's own 429 that names the increase.",
    confirm: &[("ask \"$D\" -H \"$key\"", "429 · usage increase rate · request-id: req_")],
    knobs: knobs::NONE,
};

pub const CONCURRENCY: Help = Help {
    sights: &[(Sight::Connections, "with many requests in flight")],
    meaning: "Too many requests of this organisation are in flight at once.",
    evidence: "Claude's own 429 that names concurrent connections.",
    confirm: &[(
        "ask \"$D\" -H \"$key\"",
        "429 · concurrent connections · request-id: req_",
    )],
    knobs: knobs::NONE,
};

pub const EXHAUSTED: Help = Help {
    sights: &[
        (Sight::CreditTooLow, "prepaid credit is used up"),
        (Sight::Billing, "a payment failed"),
        (
            Sight::SpendLimit,
            "the month's spend limit is reached; the message has the date",
        ),
    ],
    meaning: "Money, not rate: spend limit, credit or billing. Retrying is useless.",
    evidence: "Claude's own words or error code; a 429 without retry-after that names usage limits.",
    confirm: &[("ask \"$D\" -H \"$key\"", "429 · usage limits · no retry-after")],
    knobs: knobs::NONE,
};
