//! Findings about the key and who checks it.

use super::{Help, Sight, knobs};

pub const STALE: Help = Help {
    sights: &[(
        Sight::KeyRefused,
        "only through the gateway, and the same with any key or none",
    )],
    meaning: "The gateway throws the client's key away and sends one of its own, which Claude does not know: most often the key from before a rotation, read once at start-up.",
    evidence: "Three replies on one path say “invalid”: to the frozen request, to a random key, and to no key at all. “Stale” is said only when the key changed or works on the direct path, else “wrong”. If no key gives “required”, it is CredentialAltered; without the two canaries it stays a reading.",
    confirm: &[
        ("ask \"$G\" -H 'x-api-key: nonsense'", "401 · invalid x-api-key"),
        ("ask \"$G\"", "401 · invalid x-api-key"),
        ("ask \"$D\" -H \"$key\"", "200"),
    ],
    knobs: knobs::PROVIDER_KEY,
};

pub const REJECTED: Help = Help {
    sights: &[(Sight::KeyRefused, "on the direct path, too")],
    meaning: "The key in the Secret is revoked, expired, deleted, or from another organisation.",
    evidence: "Claude's own 401 on the direct path; or through a gateway that is shown to pass keys on while the direct path is refused as well. A gateway alone is not enough: its 401 may be about a key of its own.",
    confirm: &[(
        "ask \"$D\" -H \"$key\"",
        "401 · authentication_error · request-id: req_",
    )],
    knobs: knobs::NONE,
};

pub const STRIPPED: Help = Help {
    sights: &[
        (
            Sight::KeyMissing,
            "although the client sends a key, and only through the gateway",
        ),
        (Sight::GatewayForbidden, "where the gateway rewrites errors"),
    ],
    meaning: "The credential does not reach Claude: the gateway removes it, consumes it for its own authentication, or passes only the other header on.",
    evidence: "Claude's own “x-api-key header is required” to a request that carried a key. The key in the other header tells whether one carrier survives. Silent where the path sends no key on purpose.",
    confirm: &[
        ("ask \"$G\" -H \"$key\"", "401 · x-api-key header is required"),
        ("ask \"$D\" -H \"$key\"", "200"),
    ],
    knobs: knobs::REQUEST_HEADERS,
};

pub const ALTERED: Help = Help {
    sights: &[(
        Sight::KeyRefused,
        "only through the gateway; without a key it says “required”",
    )],
    meaning: "A key arrives at Claude, but not the one that was sent: prefixed (Bearer twice), trimmed, moved, or a gateway's virtual key that was passed on.",
    evidence: "“invalid” to our key, “required” to none, and the same key is accepted on the direct path. Without a direct path that accepts it, CredentialRejected fits as well, and both stay readings.",
    confirm: &[
        ("ask \"$G\" -H \"$key\"", "401 · invalid x-api-key"),
        ("ask \"$G\"", "401 · x-api-key header is required"),
        ("ask \"$D\" -H \"$key\"", "200"),
    ],
    knobs: knobs::REQUEST_HEADERS,
};

pub const GATEWAY_AUTH: Help = Help {
    sights: &[
        (Sight::GatewayUnauthorized, "for every request with this key"),
        (
            Sight::GatewayForbidden,
            "with this key; another answer with a random one",
        ),
    ],
    meaning: "The gateway itself authenticates clients, and refuses this one. Claude was never asked.",
    evidence: "No request id of Claude's, and marks that only such a check leaves (www-authenticate, its own words); without those, a random key must get the same 401. A 401 from a gateway that is known to rewrite Claude's errors stays a reading.",
    confirm: &[
        ("ask \"$G\" -H \"$key\"", "401 · no request-id"),
        ("ask \"$G\" -H 'x-api-key: nonsense'", "401 · no request-id"),
        ("ask \"$D\" -H \"$key\"", "200 · request-id: req_"),
    ],
    knobs: knobs::AUTHENTICATION,
};

pub const CARRIER: Help = Help {
    sights: &[
        (Sight::KeyMissing, "after an SDK upgrade, or only with older SDKs"),
        (Sight::KeyRefused, "after an SDK upgrade, or only with older SDKs"),
        (
            Sight::GatewayUnauthorized,
            "after an SDK upgrade (“Jwt is not in the form …”), or only with older SDKs",
        ),
    ],
    meaning: "Since October 2026 SDKs send the key as authorization: Bearer, older ones as x-api-key. The gateway knows only one of the two.",
    evidence: "The same key is accepted in one header and refused in the other, while Claude takes both. A warning where the frozen request's own header works.",
    confirm: &[
        ("ask \"$G\" -H \"$key\"", "200"),
        ("ask \"$G\" -H \"authorization: Bearer $K\"", "401"),
        ("ask \"$D\" -H \"authorization: Bearer $K\"", "200"),
    ],
    knobs: knobs::AUTHENTICATION,
};

pub const MALFORMED: Help = Help {
    sights: &[
        (
            Sight::IllegalKey,
            "a line end or blank in the Secret; the traceback shows the key",
        ),
        (
            Sight::KeyRefused,
            "a byte order mark, quotes, base64 twice, a placeholder, an admin key",
        ),
    ],
    meaning: "The Secret does not hold what its author meant: a line end (echo instead of printf), blanks, quotes, a byte order mark, base64 twice, a placeholder, or another kind of key.",
    evidence: "The prober looks at the key's bytes before it sends it, and tries the trimmed key. A key that works nevertheless is a warning that says which clients trip over it. A gateway's own key need not look like Anthropic's; direct's must.",
    confirm: &[
        (
            "[[ $K =~ ^sk-ant-[A-Za-z0-9_-]+$ ]] && echo well-formed || echo malformed",
            "malformed",
        ),
        ("printf %s \"$K\" | od -c | tail -2", "\\n"),
        (
            "kubectl get secret NAME -o jsonpath='{.data.KEY}' | base64 -d | od -c | tail -2",
            "",
        ),
    ],
    knobs: knobs::NONE,
};
