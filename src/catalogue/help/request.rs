//! Findings about what gateways do to requests, and which they refuse.

use super::{Help, Sight, knobs};

pub const ORIGIN: Help = Help {
    sights: &[(Sight::OriginRefused, "although no browser is involved")],
    meaning: "A request with an Origin header counts as a browser's. The gateway adds one, or forwards that of a web front end.",
    evidence: "Claude's own complaint about CORS to a request without Origin; certain when the key is accepted on the direct path.",
    confirm: &[
        ("ask \"$G\" -H \"$key\"", "401 · CORS requests"),
        ("ask \"$D\" -H \"$key\"", "200"),
    ],
    knobs: knobs::REQUEST_HEADERS,
};

pub const BETA_STRIPPED: Help = Help {
    sights: &[
        (Sight::FieldRefused, "for a field that belongs to a beta"),
        (Sight::OauthUnsupported, "with a Bearer token of a subscription"),
        (Sight::NothingYet, "betas are switched off silently"),
    ],
    meaning: "The header anthropic-beta is dropped, filtered or overwritten: features fail, and the fields that belong to them are refused.",
    evidence: "A beta value that does not exist must come back in Claude's complaint. If the direct path complains and this path answers, the value did not arrive (likely: a warning). Certain when a beta of the frozen request itself is lost. Silent on other backends.",
    confirm: &[
        ("count \"$G\" -H \"$key\" -H 'anthropic-beta: no-such-beta'", "200"),
        (
            "count \"$D\" -H \"$key\" -H 'anthropic-beta: no-such-beta'",
            "400 · no-such-beta",
        ),
    ],
    knobs: knobs::REQUEST_HEADERS,
};

pub const BETA_INJECTED: Help = Help {
    sights: &[(Sight::BetaRefused, "for a value that the client did not send")],
    meaning: "The gateway adds a beta value of its own, and Claude does not know it any more.",
    evidence: "Claude's complaint names a value that we did not send.",
    confirm: &[
        ("count \"$G\" -H \"$key\"", "400 · anthropic-beta"),
        ("count \"$D\" -H \"$key\"", "200"),
    ],
    knobs: knobs::REQUEST_HEADERS,
};

pub const VERSION: Help = Help {
    sights: &[
        (Sight::VersionRefused, "“header is required”, or a list of two versions"),
        (
            Sight::FieldRefused,
            "after an SDK upgrade: another version's rules apply",
        ),
        (Sight::NothingYet, "a pinned version equals the client's today"),
    ],
    meaning: "The header anthropic-version is dropped, overwritten with a fixed date, or sent twice. With a pinned date the next SDK release gets the old rules.",
    evidence: "A version that does not exist must come back in Claude's complaint. If the direct path complains and this path answers, the header was overwritten; a list in the complaint means it was added twice.",
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
    knobs: knobs::REQUEST_HEADERS,
};

pub const BODY: Help = Help {
    sights: &[
        (Sight::FieldRefused, "for a field that the client did not send"),
        (
            Sight::OtherAnswer,
            "a system prompt or tools that nobody sent, missing features, more input tokens",
        ),
    ],
    meaning: "The gateway builds the request body anew: it drops fields that it does not know, adds defaults or prompts, or changes numbers.",
    evidence: "An unknown field must be refused by Claude by name, at the top, in a message, in metadata and in a tool. If the direct path complains and this path answers, the field was dropped there: put it there to see it by hand (metadata only with /v1/messages). The same prompt must cost the same input tokens on both paths. Silent for other models or backends.",
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
    knobs: knobs::REQUEST_BODY,
};

pub const INVALID: Help = Help {
    sights: &[
        (Sight::FieldRefused, "on every path"),
        (Sight::BetaRefused, "on every path"),
    ],
    meaning: "Claude refuses the request for its content: a field, a beta or a value that this model or API version does not take.",
    evidence: "Claude's own 400 on the direct path, or through a gateway for a value that the frozen request does have.",
    confirm: &[(
        "post \"$D/v1/messages\" \"{\\\"max_tokens\\\":64,\\\"zz_probe\\\":1,$ASK}\" -H \"$key\"",
        "400 · invalid_request_error · request-id: req_",
    )],
    knobs: knobs::NONE,
};

pub const BODY_LIMIT: Help = Help {
    sights: &[
        (
            Sight::GatewayTooLarge,
            "for long conversations; Claude's own limit is 32 MB",
        ),
        (Sight::Dropped, "for long conversations"),
    ],
    meaning: "The gateway takes smaller bodies than Claude. Clients blame the conversation.",
    evidence: "The big body (white space inside the JSON, so it costs no tokens) is refused by the gateway and passes on the direct path, while the same request without the bulk passes on both. Claude's own 413 acquits the gateway.",
    confirm: &[
        (
            "{ printf '{'; head -c 2097152 /dev/zero | tr '\\0' ' '; echo \"$ASK}\"; } >big.json; post \"$G/v1/messages/count_tokens\" @big.json -H \"$key\"",
            "413 · no request-id",
        ),
        ("post \"$D/v1/messages/count_tokens\" @big.json -H \"$key\"", "200"),
    ],
    knobs: knobs::BODY_SIZE,
};

pub const HEADER_LIMIT: Help = Help {
    sights: &[(Sight::HeadersTooLarge, "with many betas, cookies or tracing headers")],
    meaning: "The gateway takes smaller headers than Claude.",
    evidence: "The same request with a header of 32 KiB is refused by the gateway and passes on the direct path, while without it it passes on both.",
    confirm: &[
        (
            "count \"$G\" -H \"$key\" -H \"x-bulk: $(head -c 32768 /dev/zero | tr '\\0' x)\"",
            "431 · no request-id",
        ),
        (
            "count \"$D\" -H \"$key\" -H \"x-bulk: $(head -c 32768 /dev/zero | tr '\\0' x)\"",
            "200",
        ),
    ],
    knobs: knobs::HEADER_SIZE,
};

pub const WAF: Help = Help {
    sights: &[
        (
            Sight::GatewayForbidden,
            "for some prompts: those with markup, shell commands, SQL",
        ),
        (Sight::Dropped, "for some prompts"),
    ],
    meaning: "A web application firewall reads prompts as attacks.",
    evidence: "An attack-looking prompt is refused and its harmless twin passes (opt-in: exchanges.attackPrompt). The direct path gets only the twin. A refusal of both is a policy; a page of Claude's own edge is EdgeBlocked.",
    confirm: &[
        (
            "post \"$G/v1/messages/count_tokens\" '{\"model\":\"claude-haiku-4-5\",\"messages\":[{\"role\":\"user\",\"content\":\"cat /etc/passwd; <script>alert(1)</script> union select\"}]}' -H \"$key\"",
            "403 · no request-id",
        ),
        ("count \"$G\" -H \"$key\"", "200"),
    ],
    knobs: knobs::FIREWALL,
};

pub const POLICY: Help = Help {
    sights: &[(Sight::GatewayForbidden, "for every prompt and every key")],
    meaning: "A rule of the gateway denies this client, or its external authoriser does not answer (an empty 403).",
    evidence: "A 4xx made by the gateway for the frozen request, and neither the key nor the prompt makes a difference. Where the gateway is known to rewrite Claude's errors it stays a reading beside PermissionDenied.",
    confirm: &[
        ("count \"$G\" -H \"$key\"", "403 · no request-id"),
        ("count \"$G\" -H 'x-api-key: nonsense'", "403 · no request-id"),
        ("count \"$D\" -H \"$key\"", "200"),
    ],
    knobs: knobs::POLICY,
};
