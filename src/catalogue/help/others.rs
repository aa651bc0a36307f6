//! Findings about workloads, time and certificates.

use super::{Help, Sight, knobs};

pub const WORKLOAD: Help = Help {
    sights: &[(Sight::KeyRefused, "in some pods only, since the key changed")],
    meaning: "Pods took the key from the Secret at their start (env, envFrom, subPath) and hold the one from before the rotation.",
    evidence: "The key's fingerprint changed after the container's start. Plain volume mounts are updated by the kubelet and are not accused; a start in the interval of the change is a reading only.",
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
    knobs: knobs::NONE,
};

pub const LATENCY: Help = Help {
    sights: &[(Sight::SlowStart, "through the gateway, whatever the model")],
    meaning: "The gateway itself adds time: load, placement in another zone or region, a slow authoriser or guard rail.",
    evidence: "The median of at least 12 paired differences of a free request is above 250 ms and above the threshold (thresholds.gatewayLatencyPercent). A slow model is slow on both paths and cancels out.",
    confirm: &[
        (
            "for i in 1 2 3; do count \"$G\" -H \"$key\" -o /dev/null -w '%{time_starttransfer}s\\n'; done",
            "s",
        ),
        (
            "for i in 1 2 3; do count \"$D\" -H \"$key\" -o /dev/null -w '%{time_starttransfer}s\\n'; done",
            "s",
        ),
    ],
    knobs: knobs::NONE,
};

pub const CERTIFICATE: Help = Help {
    sights: &[(Sight::NothingYet, "on the day: TLS fails for everybody")],
    meaning: "The gateway's certificate ends within thresholds.certificateExpiryDays.",
    evidence: "The date in the certificate that the handshake showed. Claude's own is not yours to renew and is left out.",
    confirm: &[(
        "openssl s_client -connect GATEWAY:443 -servername GATEWAY </dev/null | openssl x509 -noout -enddate",
        "",
    )],
    knobs: knobs::SERVER_CERTIFICATE,
};

pub const CLOCK: Help = Help {
    sights: &[
        (Sight::Untrusted, "“certificate is not yet valid”"),
        (Sight::NothingYet, "tokens expire at once, logs do not fit together"),
    ],
    meaning: "The node's clock and that of the peer differ by more than a minute.",
    evidence: "The Date header against the node's clock. An answer from a cache has an old date and is left out.",
    confirm: &[("curl -sS -i \"$G/\" | grep -i '^date'; date -u", "ate:")],
    knobs: knobs::NONE,
};
