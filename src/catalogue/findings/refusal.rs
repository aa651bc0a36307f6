//! Findings about requests that a gateway rejects for their size or content, or by policy.

use super::super::{ClientError, Code, Entry, Layer, Relation, Severity, hints};

pub const GATEWAY_BODY_LIMIT: Entry = Entry {
    code: Code::GatewayBodyLimit,
    layer: Layer::Configuration,
    severity: Severity::Warning,
    condition: None,
    relations: &[],
    title: "the gateway's body size limit is below Claude's",
    advice: "Raise the gateway's body size limit to at least 32 MiB.",
    client_errors: &[
        (
            ClientError::GatewayTooLarge,
            "for long conversations; Claude's own limit is 32 MB",
        ),
        (ClientError::Dropped, "for long conversations"),
    ],
    meaning: "The gateway accepts smaller bodies than Claude. Clients see it as a conversation that is too long.",
    evidence: "The gateway rejects a large body that the direct path accepts, and it accepts the same request without \
        the padding. The padding is whitespace inside the JSON and costs no tokens. Claude's own 413 rules out the \
        gateway.",
    confirm: &[
        (
            "{ printf '{'; head -c 2097152 /dev/zero | tr '\\0' ' '; echo \"$ASK}\"; } >big.json; post \"$G/v1/messages/count_tokens\" @big.json -H \"$key\"",
            "413 · no request-id",
        ),
        ("post \"$D/v1/messages/count_tokens\" @big.json -H \"$key\"", "200"),
    ],
    product_hints: hints::BODY_SIZE,
};

pub const GATEWAY_HEADER_LIMIT: Entry = Entry {
    code: Code::GatewayHeaderLimit,
    layer: Layer::Configuration,
    severity: Severity::Warning,
    condition: None,
    relations: &[],
    title: "the gateway's header size limit is below Claude's",
    advice: "Enlarge the gateway's request header buffers.",
    client_errors: &[(
        ClientError::HeadersTooLarge,
        "with many betas, cookies or tracing headers",
    )],
    meaning: "The gateway accepts smaller request headers than Claude.",
    evidence: "The gateway rejects a request with a header of 32 KiB that the direct path accepts, and it accepts the \
        same request without that header.",
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
    product_hints: hints::HEADER_SIZE,
};

pub const WAF_BLOCKED: Entry = Entry {
    code: Code::WafBlocked,
    layer: Layer::Configuration,
    severity: Severity::Error,
    condition: None,
    relations: &[],
    title: "a web application firewall on the path blocks the prompt",
    advice: "Exempt this route from the firewall's rules for request bodies.",
    client_errors: &[
        (
            ClientError::GatewayForbidden,
            "for some prompts: those with markup, shell commands or SQL",
        ),
        (ClientError::Dropped, "for some prompts"),
    ],
    meaning: "A web application firewall classifies prompts as attacks.",
    evidence: "The gateway rejects a prompt that looks like an attack and accepts its harmless twin (opt-in: \
        exchanges.attackPrompt). The direct path gets only the twin. If the gateway rejects both, the finding is \
        GatewayPolicyDenied. A page of Claude's own edge is EdgeBlocked.",
    confirm: &[
        (
            "post \"$G/v1/messages/count_tokens\" '{\"model\":\"claude-haiku-4-5\",\"messages\":[{\"role\":\"user\",\"content\":\"cat /etc/passwd; <script>alert(1)</script> union select\"}]}' -H \"$key\"",
            "403 · no request-id",
        ),
        ("count \"$G\" -H \"$key\"", "200"),
    ],
    product_hints: hints::FIREWALL,
};

pub const GATEWAY_POLICY_DENIED: Entry = Entry {
    code: Code::GatewayPolicyDenied,
    layer: Layer::Configuration,
    severity: Severity::Error,
    condition: None,
    relations: &[Relation::GivesWayTo(Code::CredentialMalformed), Relation::ReadFromReply],
    title: "a gateway policy denies the request",
    advice: "Allow this client in the gateway's access policy. If an external authoriser decides, check that it is \
        up.",
    client_errors: &[(ClientError::GatewayForbidden, "for every prompt and every key")],
    meaning: "A gateway rule denies this client, or the gateway's external authoriser does not answer (an empty 403).",
    evidence: "The gateway itself returns a 4xx to the frozen request, and neither the key nor the prompt makes a \
        difference. If the gateway is known to rewrite Claude's errors, PermissionDenied fits as well, and the \
        confidence of both is Possible.",
    confirm: &[
        ("count \"$G\" -H \"$key\"", "403 · no request-id"),
        ("count \"$G\" -H 'x-api-key: nonsense'", "403 · no request-id"),
        ("count \"$D\" -H \"$key\"", "200"),
    ],
    product_hints: hints::POLICY,
};
