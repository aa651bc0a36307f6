//! Findings about the key: which one reaches Claude, and who rejects it.

use super::super::{ClientError, Code, ConditionType, Entry, Layer, Relation, Severity, hints};

pub const GATEWAY_STALE_CREDENTIAL: Entry = Entry {
    code: Code::GatewayStaleCredential,
    layer: Layer::Configuration,
    severity: Severity::Error,
    condition: Some(ConditionType::CredentialsFresh),
    relations: &[],
    title: "the gateway sends Claude an old or wrong key of its own",
    advice: "Restart the gateway so that it reads its Secret again. To rotate without a restart, mount the key as a \
        file or add a reloader.",
    client_errors: &[(
        ClientError::KeyRefused,
        "only through the gateway, with any key and with none",
    )],
    meaning: "The gateway replaces the client's key with a key of its own, and Claude rejects that key. Most often it \
        is the key from before a rotation, which the gateway read once at startup.",
    evidence: "Claude answers “invalid” to three requests on one path: the frozen request, one with a random key, and \
        one without a key. The advice calls the key “stale” if the key in the Secret changed or works on the direct \
        path, and “wrong” otherwise. If Claude answers “required” to the request without a key, the finding is \
        CredentialAltered. Without the two extra requests the confidence is Possible.",
    confirm: &[
        ("ask \"$G\" -H 'x-api-key: nonsense'", "401 · invalid x-api-key"),
        ("ask \"$G\"", "401 · invalid x-api-key"),
        ("ask \"$D\" -H \"$key\"", "200"),
    ],
    product_hints: hints::PROVIDER_KEY,
};

pub const CREDENTIAL_REJECTED: Entry = Entry {
    code: Code::CredentialRejected,
    layer: Layer::Configuration,
    severity: Severity::Error,
    condition: Some(ConditionType::CredentialsFresh),
    relations: &[Relation::Shared, Relation::GivesWayTo(Code::CredentialMalformed)],
    title: "Claude rejects the key in the Secret",
    advice: "Create a new key in the Claude Console and put it into the Secret. Then restart the workloads that use \
        the old key.",
    client_errors: &[(ClientError::KeyRefused, "on the direct path too")],
    meaning: "The key in the Secret is revoked, expired or deleted, or belongs to another organisation.",
    evidence: "Claude's own 401 on the direct path. Through a gateway it takes more, because the 401 could be about a \
        key of the gateway's own: the direct path or a second gateway gets the same 401 with the same key, or Claude \
        calls the forwarded key expired or revoked. If Claude accepts the same key elsewhere in the same run, the \
        confidence is Possible.",
    confirm: &[(
        "ask \"$D\" -H \"$key\"",
        "401 · authentication_error · request-id: req_",
    )],
    product_hints: &[],
};

pub const CREDENTIAL_STRIPPED: Entry = Entry {
    code: Code::CredentialStripped,
    layer: Layer::Configuration,
    severity: Severity::Error,
    condition: Some(ConditionType::CredentialsFresh),
    relations: &[Relation::GivesWayTo(Code::CredentialMalformed)],
    title: "the gateway drops the credential",
    advice: "Configure the gateway to forward x-api-key and authorization to Claude.",
    client_errors: &[
        (
            ClientError::KeyMissing,
            "although the client sends a key, and only through the gateway",
        ),
        (ClientError::GatewayForbidden, "if the gateway rewrites errors"),
    ],
    meaning: "The credential does not reach Claude. The gateway removes it, consumes it for its own authentication, \
        or forwards only the other auth header.",
    evidence: "Claude's own “x-api-key header is required”. A request with the key in the other auth header shows \
        whether that header reaches Claude. If the path sends no key on purpose, the advice is to let the gateway \
        add one.",
    confirm: &[
        ("ask \"$G\" -H \"$key\"", "401 · x-api-key header is required"),
        ("ask \"$D\" -H \"$key\"", "200"),
    ],
    product_hints: hints::REQUEST_HEADERS,
};

pub const CREDENTIAL_ALTERED: Entry = Entry {
    code: Code::CredentialAltered,
    layer: Layer::Configuration,
    severity: Severity::Error,
    condition: Some(ConditionType::CredentialsFresh),
    relations: &[Relation::GivesWayTo(Code::CredentialMalformed)],
    title: "the key that reaches Claude is not the key that was sent",
    advice: "Find the gateway rule that sets or rewrites x-api-key or authorization, and remove it.",
    client_errors: &[(
        ClientError::KeyRefused,
        "only through the gateway; a request without a key gets “required”",
    )],
    meaning: "Claude receives a key, but not the one that was sent. It has a prefix (Bearer twice), is trimmed, moved \
        to another header, or is a virtual key that only the gateway knows.",
    evidence: "Claude answers “invalid” to the probe's key and “required” to a request without a key, and the direct \
        path accepts the same key. Without the direct path it is likely only for a key that is not Anthropic's. \
        Otherwise CredentialRejected fits as well, and the confidence of both is Possible.",
    confirm: &[
        ("ask \"$G\" -H \"$key\"", "401 · invalid x-api-key"),
        ("ask \"$G\"", "401 · x-api-key header is required"),
        ("ask \"$D\" -H \"$key\"", "200"),
    ],
    product_hints: hints::REQUEST_HEADERS,
};

pub const GATEWAY_AUTH_REFUSED: Entry = Entry {
    code: Code::GatewayAuthRefused,
    layer: Layer::Configuration,
    severity: Severity::Error,
    condition: Some(ConditionType::CredentialsFresh),
    relations: &[Relation::GivesWayTo(Code::CredentialMalformed), Relation::ReadFromReply],
    title: "the gateway's own authentication rejects the credential",
    advice: "Give the client the credential that the gateway expects, or exempt this route from the gateway's \
        authentication.",
    client_errors: &[
        (ClientError::GatewayUnauthorized, "for every request with this key"),
        (
            ClientError::GatewayForbidden,
            "with this key; a random key gets a different reply",
        ),
    ],
    meaning: "The gateway authenticates clients itself and rejects this one. The request does not reach Claude.",
    evidence: "The reply has no request id of Claude's and has traits that only an authentication check leaves: \
        `www-authenticate`, or an error text of its own. Without those traits, a request with a random key must get \
        the same 401. If the gateway is known to rewrite Claude's errors, the confidence is Possible.",
    confirm: &[
        ("ask \"$G\" -H \"$key\"", "401 · no request-id"),
        ("ask \"$G\" -H 'x-api-key: nonsense'", "401 · no request-id"),
        ("ask \"$D\" -H \"$key\"", "200 · request-id: req_"),
    ],
    product_hints: hints::AUTHENTICATION,
};

pub const CREDENTIAL_CARRIER_MISMATCH: Entry = Entry {
    code: Code::CredentialCarrierMismatch,
    layer: Layer::Configuration,
    severity: Severity::Error,
    condition: Some(ConditionType::CredentialsFresh),
    relations: &[],
    title: "the gateway accepts only one of the two auth headers",
    advice: "Configure the gateway to accept both auth headers, or configure clients to send the one that works.",
    client_errors: &[
        (ClientError::KeyMissing, "after an SDK upgrade, or only with older SDKs"),
        (ClientError::KeyRefused, "after an SDK upgrade, or only with older SDKs"),
        (
            ClientError::GatewayUnauthorized,
            "after an SDK upgrade (“Jwt is not in the form …”), or only with older SDKs",
        ),
    ],
    meaning: "SDKs since October 2026 send the key as `authorization: Bearer`, older ones as `x-api-key`. The gateway \
        handles only one of the two.",
    evidence: "The same key is accepted in one auth header and rejected in the other, while the direct path accepts \
        both. It is a warning if the auth header of the frozen request works.",
    confirm: &[
        ("ask \"$G\" -H \"$key\"", "200"),
        ("ask \"$G\" -H \"authorization: Bearer $K\"", "401"),
        ("ask \"$D\" -H \"authorization: Bearer $K\"", "200"),
    ],
    product_hints: hints::AUTHENTICATION,
};

pub const CREDENTIAL_MALFORMED: Entry = Entry {
    code: Code::CredentialMalformed,
    layer: Layer::Configuration,
    severity: Severity::Error,
    condition: Some(ConditionType::CredentialsFresh),
    relations: &[Relation::Shared, Relation::NeedsConnection],
    title: "the key in the Secret is malformed",
    advice: "Write the key without a newline, spaces or quotes: printf %s \"$KEY\" | kubectl create secret generic \
        NAME --from-file=KEY=/dev/stdin.",
    client_errors: &[
        (
            ClientError::IllegalKey,
            "the Secret has a trailing newline or space; the traceback shows the key",
        ),
        (
            ClientError::KeyRefused,
            "a byte order mark, quotes, double base64, a placeholder, an admin key",
        ),
    ],
    meaning: "The Secret does not hold the bare key. It has a trailing newline (`echo` instead of `printf`), spaces, \
        quotes or a byte order mark, is base64-encoded twice, or holds a placeholder or another kind of key.",
    evidence: "The prober checks the key's bytes before it sends anything, and also tries the trimmed key. If the key \
        works anyway, the finding is a warning that names the clients that fail on it. On the direct path the key \
        must look like an Anthropic key; a gateway's own key need not.",
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
    product_hints: &[],
};

pub const WORKLOAD_STALE_CREDENTIAL: Entry = Entry {
    code: Code::WorkloadStaleCredential,
    layer: Layer::Configuration,
    severity: Severity::Warning,
    condition: Some(ConditionType::CredentialsFresh),
    relations: &[],
    title: "workloads still use the previous key",
    advice: "Restart the workloads that read the key before it changed.",
    client_errors: &[(ClientError::KeyRefused, "in some pods only, since the key changed")],
    meaning: "Pods read the key from the Secret at startup (env, envFrom, subPath) and still hold the key from before \
        the rotation.",
    evidence: "The key's fingerprint changed after the container started. The kubelet updates plain volume mounts, so \
        pods that use them are not reported. If the container started in the interval in which the key changed, the \
        confidence is Possible.",
    confirm: &[
        (
            "kubectl exec POD -- sh -c 'printf %s \"$ANTHROPIC_API_KEY\" | sha256sum'",
            "",
        ),
        (
            "kubectl get secret NAME -o jsonpath='{.data.KEY}' | base64 -d | sha256sum",
            "",
        ),
    ],
    product_hints: &[],
};
