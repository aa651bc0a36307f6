//! What each finding looks like to a user, and how to confirm it by hand. For the documentation only.
//!
//! Commands use `$G` (the gateway's base URL), `$D` (`https://api.anthropic.com`), `$K` (the key) and `ask`, which stands for
//! `curl -sS -D- -H 'content-type: application/json' -H 'anthropic-version: 2023-06-01' --data-binary @body.json`.

use super::Code;

/// A finding as people meet it.
#[derive(Clone, Copy, Debug)]
pub struct ByHand {
    /// What an SDK or Claude Code shows.
    pub seen: &'static str,
    /// How to confirm it without this software.
    pub confirm: &'static str,
}

impl Code {
    /// What this finding looks like to a user, and how to confirm it by hand.
    #[must_use]
    pub const fn by_hand(self) -> ByHand {
        let (seen, confirm) = self.texts();
        ByHand { seen, confirm }
    }

    #[allow(
        clippy::too_many_lines,
        reason = "a table: one line per group of codes, and no code without one"
    )]
    const fn texts(self) -> (&'static str, &'static str) {
        match self {
            Self::GatewayStaleCredential => (
                "AuthenticationError 401 “invalid x-api-key”, although the Secret holds a good key.",
                "`ask -H 'x-api-key: nonsense' $G/v1/messages` and the same without any key: both say “invalid”, not “required”. `ask -H \"x-api-key: $K\" $D/v1/messages` is answered.",
            ),
            Self::CredentialRejected | Self::AccountDisabled => (
                "AuthenticationError 401, or 400 “This organization has been disabled”, on every path.",
                "`ask -H \"x-api-key: $K\" $D/v1/messages` gives the same error with a `request-id`.",
            ),
            Self::CredentialStripped => (
                "AuthenticationError 401 “x-api-key header is required”, although the client sends one.",
                "`ask -H \"x-api-key: $K\" $G/v1/messages` says “required”; the same to `$D` is answered.",
            ),
            Self::CredentialAltered => (
                "AuthenticationError 401 “invalid x-api-key” only through the gateway.",
                "With `$K` through `$G`: “invalid”; without a key: “required”; `$K` to `$D`: answered.",
            ),
            Self::GatewayAuthRefused => (
                "401 or 403 without a `request-id`, often HTML or another JSON: PermissionDeniedError or AuthenticationError with an odd text.",
                "`ask -H \"x-api-key: $K\" $G/v1/messages`: the reply has no `request-id: req_…`; look for `www-authenticate`.",
            ),
            Self::CredentialCarrierMismatch => (
                "401 after an SDK upgrade (since October 2026 SDKs send the key as `authorization: Bearer`), or only with older SDKs.",
                "`ask -H \"x-api-key: $K\" $G/v1/messages` and `ask -H \"authorization: Bearer $K\" $G/v1/messages`: one is answered, one is not.",
            ),
            Self::OriginHeaderForwarded => (
                "AuthenticationError 401 “CORS requests are not allowed for this Organization”.",
                "`ask -H \"x-api-key: $K\" $G/v1/messages` says so, although curl sends no Origin.",
            ),
            Self::CredentialMalformed => (
                "APIConnectionError “Connection error.” at once (the client refuses to send the header), or 401.",
                "`kubectl get secret NAME -o jsonpath='{.data.KEY}' | base64 -d | xxd | tail -2`: look for 0a, 20, ef bb bf, or a value that begins `c2stYW50`.",
            ),
            Self::BetaHeaderStripped | Self::BetaHeaderInjected => (
                "BadRequestError 400 “… Extra inputs are not permitted” or “Unexpected value(s) … for the `anthropic-beta` header”.",
                "`ask -H \"x-api-key: $K\" -H 'anthropic-beta: no-such-beta' $G/v1/messages/count_tokens`: Claude must answer 400 and name exactly that value.",
            ),
            Self::VersionHeaderRewritten => (
                "BadRequestError 400 “anthropic-version: … is not a valid version” or “header is required”; or nothing yet.",
                "The same with `-H 'anthropic-version: 1999-01-01'`: Claude must answer 400 and quote exactly that date.",
            ),
            Self::BodyRewritten => (
                "BadRequestError 400 about a field that the client did not send, or missing features.",
                "Add `\"zz_probe\": 1` to the body of a count_tokens call: Claude must answer 400 “zz_probe: Extra inputs are not permitted”. Compare `input_tokens` on both paths.",
            ),
            Self::GatewayBodyLimit | Self::GatewayHeaderLimit => (
                "413 or 400/431 without a `request-id`, only for long conversations or many headers.",
                "Send a body of 2 MiB (blanks inside the JSON) or a header of 32 KiB to `$G` and to `$D`.",
            ),
            Self::WafBlocked | Self::GatewayPolicyDenied => (
                "PermissionDeniedError 403 without a `request-id`, for some prompts or for all.",
                "Send the refused prompt and a harmless one to `$G`: if only one is refused, content decides, else a policy.",
            ),
            Self::EgressAddressRefused | Self::EdgeBlocked => (
                "PermissionDeniedError 403 “Request not allowed”, or an HTML page with a `cf-ray`.",
                "`curl -sS -D- $D/v1/messages` from the gateway's own pod or node.",
            ),
            Self::ForwardProxyRefused => (
                "APIConnectionError “Connection error.”; curl: “CONNECT tunnel failed, response 403” or 407.",
                "`curl -v -x $PROXY $D/` and read the proxy's status line.",
            ),
            Self::UpstreamUnreachable
            | Self::UpstreamConnectTimeout
            | Self::UpstreamDnsFailure
            | Self::UpstreamTlsFailure
            | Self::GatewayUnavailable
            | Self::CircuitBreakerOpen => (
                "InternalServerError 502, 503 or 504 without a `request-id`.",
                "From the gateway's pod: `curl -sv --connect-timeout 5 $D/`; then the gateway's error log at the time of the request.",
            ),
            Self::FirstByteTimeout => (
                "504 or 408 after the same time, or “Request timed out”, for slow answers without streaming.",
                "`time ask -H \"x-api-key: $K\" $G/v1/messages` with a long answer, twice: the same time; `$D` takes longer and answers.",
            ),
            Self::StreamIdleTimeout | Self::StreamDurationCap | Self::StreamCut => (
                "The stream stops: “peer closed connection without sending complete message body”, “terminated”, curl 18.",
                "`ask -N -H \"x-api-key: $K\" $G/v1/messages | while read -r l; do echo \"$(date +%T) $l\"; done` with `\"stream\": true`: note when it ends.",
            ),
            Self::NoReply => (
                "“Request timed out.” after the client's own limit.",
                "`ask -m 60 -H \"x-api-key: $K\" $G/v1/messages`: nothing; look for the request in the gateway's access log.",
            ),
            Self::UpstreamStreamError => (
                "An `error` event inside the stream, or the same cut on every path.",
                "The same stream from `$D`: it ends the same way, or its `error` event carries a `request_id`.",
            ),
            Self::ConnectionReset => (
                "“Connection reset by peer”, “Connection error.”; often after an idle time of minutes.",
                "`ask` to `$G` on a connection that rested: curl 56. Capture on the client: who sent the RST?",
            ),
            Self::StreamTruncationMasked => (
                "Half an answer and no error: `stop_reason` is null.",
                "`ask -N … $G/v1/messages` with `\"stream\": true`: curl ends with 0, and no `event: message_stop` came.",
            ),
            Self::StreamErrorSynthesised => (
                "An `error` event of type api_error without a `request_id`.",
                "The same stream from `$D` completes; the gateway's log says what ended its upstream connection.",
            ),
            Self::StreamBuffered | Self::StreamCompressed | Self::StreamCollapsed => (
                "Nothing for a long time, then the whole answer at once.",
                "`ask -N …` with `\"stream\": true` through both paths, each line with its time (see StreamCut).",
            ),
            Self::GatewayRateLimited | Self::GatewayCooldown | Self::GatewayConcurrencyLimited => (
                "RateLimitError 429 (or 503) without a `request-id`.",
                "`ask -H \"x-api-key: $K\" $D/v1/messages` at the same moment is answered, with `anthropic-ratelimit-*-remaining` above 0.",
            ),
            Self::RateLimited | Self::AccelerationLimited | Self::ConcurrencyLimited | Self::QuotaExhausted => (
                "RateLimitError 429, or 400/402 about spend, credit or billing, with a `request-id`.",
                "`ask -H \"x-api-key: $K\" $D/v1/messages`: read `retry-after`, `anthropic-ratelimit-*` and the message. Without `retry-after` waiting does not help.",
            ),
            Self::PermissionDenied | Self::ModelNotFound | Self::ModelRetiring | Self::ModelSubstituted => (
                "PermissionDeniedError 403, NotFoundError 404 “model: …”, or another `model` in the answer.",
                "`curl -sS -H \"x-api-key: $K\" -H 'anthropic-version: 2023-06-01' $D/v1/models` lists what this key may use.",
            ),
            Self::UpstreamOverloaded | Self::UpstreamError => (
                "OverloadedError 529 or InternalServerError 500 with a `request-id`.",
                "`ask -H \"x-api-key: $K\" $D/v1/messages` several times, and status.claude.com.",
            ),
            Self::DirectPathIntercepted
            | Self::GatewayTlsFailure
            | Self::ClientCertificateRequired
            | Self::CertificateExpiring => (
                "APIConnectionError “CERTIFICATE_VERIFY_FAILED”, “unable to get local issuer certificate”.",
                "`openssl s_client -connect HOST:443 -servername HOST </dev/null | openssl x509 -noout -issuer -dates -ext subjectAltName`.",
            ),
            Self::DirectPathUnreachable | Self::EgressDown | Self::GatewayDnsFailure | Self::GatewayConnectFailed => (
                "APIConnectionError “Connection error.”.",
                "From a pod in the same namespace: `getent hosts HOST; curl -sv --connect-timeout 5 https://HOST/`.",
            ),
            Self::WrongRoute => (
                "NotFoundError 404, “API returned an empty or malformed response (HTTP 200)”, or a redirect.",
                "`curl -sS -D- $G/v1/messages` (GET): Claude answers 405 with a `request-id`, whatever the key.",
            ),
            Self::HiddenRetries => (
                "Higher bills than requests; slow errors.",
                "Count `POST /v1/messages` in the gateway's upstream log for one client request.",
            ),
            Self::StatusRewritten | Self::ErrorBodyReplaced | Self::ResponseHeadersRewritten => (
                "SDKs raise the wrong class of error, retry when they should not, or lose the request id.",
                "`ask` with `-H 'anthropic-version: 1999-01-01'` on both paths: status, headers and body must be the same.",
            ),
            Self::DifferentAccount | Self::DifferentBackend => (
                "Other limits and other bills than expected.",
                "Compare `anthropic-organization-id` and `anthropic-workspace-id` of both paths' answers.",
            ),
            Self::ResponseCached => (
                "The same answer, the same `msg_…` id twice.",
                "Send the same request twice through `$G`: `request-id` and `id` must differ; look for `age` and `x-cache`.",
            ),
            Self::RequestInvalid => (
                "BadRequestError 400 with a `request-id` on every path.",
                "The same to `$D`: the message names the field.",
            ),
            Self::WorkloadStaleCredential => (
                "401 in some pods only.",
                "`kubectl exec POD -- sh -c 'printf %s \"$ANTHROPIC_API_KEY\" | sha256sum'` against the Secret's value.",
            ),
            Self::GatewayLatency => (
                "Slow first tokens.",
                "`curl -o /dev/null -w '%{time_starttransfer}\\n'` on count_tokens through both paths, a dozen times, alternating.",
            ),
            Self::ClockSkew => (
                "“certificate is not yet valid”, tokens that expire at once.",
                "`curl -sI $G/ | grep -i ^date; date -u`.",
            ),
        }
    }
}
