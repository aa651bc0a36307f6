//! Findings about timers and streams.

use super::super::{ClientError, Code, ConditionType, Entry, Layer, Relation, Severity, hints};

pub const FIRST_BYTE_TIMEOUT: Entry = Entry {
    code: Code::FirstByteTimeout,
    layer: Layer::Configuration,
    severity: Severity::Error,
    condition: Some(ConditionType::StreamIntact),
    relations: &[],
    title: "a timer of the gateway ends the wait for the first byte",
    advice: "Raise the gateway's read or route timeout above the model's slowest first byte, and use streaming.",
    client_errors: &[(
        ClientError::GatewayTimeout,
        "for long prompts or without streaming; short requests pass",
    )],
    meaning: "The gateway gives up before Claude's first byte. Thinking models, long prompts and answers without \
        streaming take longer than its timer.",
    evidence: "The gateway's own error after a wait, while the direct path needs at least 80 % of that wait. It is \
        certain with two waits within 5 % of each other. If the direct path is fast, the gateway did not reach \
        Claude at all.",
    confirm: &[
        ("time ask \"$G\" -H \"$key\"", "504 · no request-id"),
        ("time ask \"$D\" -H \"$key\"", "200"),
    ],
    product_hints: hints::FIRST_BYTE,
};

pub const STREAM_IDLE_TIMEOUT: Entry = Entry {
    code: Code::StreamIdleTimeout,
    layer: Layer::Configuration,
    severity: Severity::Error,
    condition: Some(ConditionType::StreamIntact),
    relations: &[],
    title: "an idle timer of the gateway cuts the stream",
    advice: "Raise the gateway's read or idle timeout.",
    client_errors: &[(ClientError::Cut, "after the same silence, whenever a model pauses")],
    meaning: "The gateway closes a stream that is silent for longer than its idle timer. Pings keep the stream alive \
        only if no hop buffers them.",
    evidence: "Two cuts after the same silence, within 5 % (certain), or one cut while the direct path is silent for \
        as long and continues (likely). The direct path must complete.",
    confirm: &[
        ("stream \"$G\" -H \"$key\"", "curl 18 · no message_stop"),
        ("stream \"$D\" -H \"$key\"", "message_stop · curl 0"),
    ],
    product_hints: hints::IDLE,
};

pub const STREAM_DURATION_CAP: Entry = Entry {
    code: Code::StreamDurationCap,
    layer: Layer::Configuration,
    severity: Severity::Error,
    condition: Some(ConditionType::StreamIntact),
    relations: &[],
    title: "a total timer of the gateway cuts the stream",
    advice: "Disable the gateway's total request timeout for streams, and bound them by an idle timeout.",
    client_errors: &[(
        ClientError::Cut,
        "at the same second of every long answer, while text still arrives",
    )],
    meaning: "A timer bounds the whole request, streams included. Short answers pass, long ones are cut in the middle \
        of a word.",
    evidence: "Two cuts at the same time after the request, while events flow and the direct path continues beyond \
        that time. A single cut counts only at a round number of seconds (likely).",
    confirm: &[
        ("stream \"$G\" -H \"$key\"", "curl 18 · no message_stop"),
        ("stream \"$D\" -H \"$key\"", "message_stop · curl 0"),
    ],
    product_hints: hints::TOTAL,
};

pub const STREAM_CUT: Entry = Entry {
    code: Code::StreamCut,
    layer: Layer::Network,
    severity: Severity::Error,
    condition: Some(ConditionType::StreamIntact),
    relations: &[Relation::Symptom],
    title: "the stream is cut, and no timer explains it",
    advice: "Could be a restart, a reload or a scale-down of the gateway. To decide: compare the time of the cut with \
        the gateway's events, and let the gateway drain streams.",
    client_errors: &[(
        ClientError::Cut,
        "at no constant time, and often for several clients at once",
    )],
    meaning: "The stream breaks between Claude and the client: the gateway reloads, scales down or crashes, or a node \
        goes away.",
    evidence: "A stream on one path ends without message_stop and without its proper end, at no time that repeats. Or \
        it always ends at the same time and the same event, which a timer and a size limit explain equally well. If \
        the direct path is cut too, the finding is UpstreamStreamError.",
    confirm: &[
        ("stream \"$G\" -H \"$key\"", "curl 18 · no message_stop"),
        ("stream \"$D\" -H \"$key\"", "message_stop · curl 0"),
    ],
    product_hints: hints::DRAIN,
};

pub const STREAM_TRUNCATION_MASKED: Entry = Entry {
    code: Code::StreamTruncationMasked,
    layer: Layer::Configuration,
    severity: Severity::Error,
    condition: Some(ConditionType::StreamIntact),
    relations: &[Relation::Symptom],
    title: "the stream ends early and looks complete",
    advice: "Use HTTP/1.1 to the upstream (proxy_http_version 1.1), and check for message_stop in clients.",
    client_errors: &[(ClientError::HalfAnswer, "now and then")],
    meaning: "The stream breaks behind the gateway, and the gateway ends it as if it were complete. Most clients do \
        not notice.",
    evidence: "The HTTP framing ends properly, and message_stop is missing. An HTTP/1.0 answer has no framing to end, \
        and does not count.",
    confirm: &[
        ("stream \"$G\" -H \"$key\"", "curl 0 · no message_stop"),
        ("stream \"$D\" -H \"$key\"", "message_stop · curl 0"),
    ],
    product_hints: hints::BUFFERING,
};

pub const STREAM_ERROR_SYNTHESISED: Entry = Entry {
    code: Code::StreamErrorSynthesised,
    layer: Layer::Configuration,
    severity: Severity::Error,
    condition: Some(ConditionType::StreamIntact),
    relations: &[Relation::Symptom, Relation::ReadFromReply],
    title: "the gateway writes an error event of its own",
    advice: "To find the cause, look in the gateway's log for what ended its upstream connection.",
    client_errors: &[(ClientError::ErrorEvent, "of type api_error, without a `request_id`")],
    meaning: "The gateway's connection to Claude breaks, and the gateway writes an error event of its own into the \
        stream.",
    evidence: "An error event without a request id, while the direct path completes. With a request id, or on both \
        paths, the event is Claude's: UpstreamStreamError.",
    confirm: &[
        ("stream \"$G\" -H \"$key\"", "event: error · no \"request_id\""),
        ("stream \"$D\" -H \"$key\"", "message_stop · curl 0"),
    ],
    product_hints: hints::IDLE,
};

pub const STREAM_BUFFERED: Entry = Entry {
    code: Code::StreamBuffered,
    layer: Layer::Configuration,
    severity: Severity::Warning,
    condition: Some(ConditionType::StreamIntact),
    relations: &[],
    title: "the gateway buffers the stream",
    advice: "Disable response buffering for this route (proxy_buffering off), and use HTTP/1.1 to the upstream.",
    client_errors: &[(ClientError::AllAtOnce, "also with `accept-encoding: identity`")],
    meaning: "The gateway collects the stream before it forwards it. Users wait, and idle timers of later hops fire.",
    evidence: "The events arrive in a burst, while the direct path's events spread over at least 1 s and ten reads. \
        Or the stream has a content-length. Two pairs of streams must show it, in one run or in two, because a \
        single pair can differ by chance. A slow model is slow on both paths. Answers that are too short do not show \
        buffering. Without a direct path the confidence is Possible.",
    confirm: &[
        ("stream \"$G\" -H \"$key\" | grep -c '^0s data'", "0"),
        ("stream \"$D\" -H \"$key\" | grep '^[01]s data'", "message_start"),
    ],
    product_hints: hints::BUFFERING,
};

pub const STREAM_COMPRESSED: Entry = Entry {
    code: Code::StreamCompressed,
    layer: Layer::Configuration,
    severity: Severity::Warning,
    condition: Some(ConditionType::StreamIntact),
    relations: &[],
    title: "the gateway's compression delays the stream",
    advice: "Exclude text/event-stream from compression.",
    client_errors: &[(ClientError::AllAtOnce, "only for clients that accept gzip")],
    meaning: "The gateway compresses the stream and does not flush after each event.",
    evidence: "The same as for StreamBuffered, and the delayed stream is compressed. A compressed stream that is \
        flushed is fine.",
    confirm: &[
        (
            "stream \"$G\" -H \"$key\" -H 'accept-encoding: gzip' --compressed",
            "content-encoding: gzip",
        ),
        (
            "stream \"$D\" -H \"$key\" -H 'accept-encoding: gzip' --compressed",
            "message_stop",
        ),
    ],
    product_hints: hints::COMPRESSION,
};

pub const STREAM_COLLAPSED: Entry = Entry {
    code: Code::StreamCollapsed,
    layer: Layer::Configuration,
    severity: Severity::Error,
    condition: Some(ConditionType::StreamIntact),
    relations: &[],
    title: "the gateway returns one message instead of a stream",
    advice: "Configure the gateway to pass streams through, and exempt the route from content inspection.",
    client_errors: &[
        (ClientError::AllAtOnce, "and streaming clients find no event"),
        (ClientError::HalfAnswer, "the stream is empty"),
    ],
    meaning: "The client requests a stream and receives one JSON message. A component reads the whole answer first: \
        content inspection, data loss prevention, an adapter.",
    evidence: "A complete message in reply to a request for a stream. It is certain if the direct path streams. \
        Without a direct path it is likely, and only possible with a saved body, because it is not known whether \
        that body requests a stream.",
    confirm: &[
        ("stream \"$G\" -H \"$key\"", "\"type\":\"message\" · no event:"),
        ("stream \"$D\" -H \"$key\"", "message_stop"),
    ],
    product_hints: hints::BUFFERING,
};
