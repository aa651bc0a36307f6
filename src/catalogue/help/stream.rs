//! Findings about timers and streams.

use super::{Help, Sight, knobs};

pub const FIRST_BYTE: Help = Help {
    sights: &[(
        Sight::GatewayTimeout,
        "for long prompts or without streaming; short ones pass",
    )],
    meaning: "The gateway gives up before Claude's first byte: models that think, long prompts, and answers without streaming take longer than its timer.",
    evidence: "An own error after a wait, while the direct path needed at least 0.8 of that time. Certain with two waits within 5 %. If the direct path was fast, the gateway did not reach Claude at all.",
    confirm: &[
        ("time ask \"$G\" -H \"$key\"", "504 · no request-id"),
        ("time ask \"$D\" -H \"$key\"", "200"),
    ],
    knobs: knobs::FIRST_BYTE,
};

pub const IDLE: Help = Help {
    sights: &[(Sight::Cut, "after the same silence, whenever a model pauses")],
    meaning: "The gateway closes a stream that is silent for longer than its idle timer. Pings count as bytes only where nothing buffers them.",
    evidence: "Two cuts after the same silence within 5 % (certain), or one cut while the direct path is silent as long and goes on (likely). Needs a direct path that completes.",
    confirm: &[
        ("stream \"$G\" -H \"$key\"", "curl 18 · no message_stop"),
        ("stream \"$D\" -H \"$key\"", "message_stop · curl 0"),
    ],
    knobs: knobs::IDLE,
};

pub const TOTAL: Help = Help {
    sights: &[(
        Sight::Cut,
        "at the same second of every long answer, while text is still coming",
    )],
    meaning: "A timer bounds the whole request, streams included. Short answers pass, long ones are cut in the middle of a word.",
    evidence: "Two cuts at the same time after the request, with events flowing, while the direct path goes on beyond it. One cut counts only at a round number of seconds (likely).",
    confirm: &[
        ("stream \"$G\" -H \"$key\"", "curl 18 · no message_stop"),
        ("stream \"$D\" -H \"$key\"", "message_stop · curl 0"),
    ],
    knobs: knobs::TOTAL,
};

pub const CUT: Help = Help {
    sights: &[(Sight::Cut, "at no constant time; often several clients at once")],
    meaning: "The stream breaks between Claude and the client: a gateway that reloads, scales down or crashes, a node that goes away.",
    evidence: "A stream without message_stop and without its proper end on one path only, at no time that repeats, or always at the same time and the same event, which a timer and a limit on size explain alike. If the direct path is cut as well, Claude is the better guess.",
    confirm: &[
        ("stream \"$G\" -H \"$key\"", "curl 18 · no message_stop"),
        ("stream \"$D\" -H \"$key\"", "message_stop · curl 0"),
    ],
    knobs: knobs::DRAIN,
};

pub const MASKED: Help = Help {
    sights: &[(Sight::HalfAnswer, "now and then")],
    meaning: "The stream broke behind the gateway, and the gateway ended it as if it were complete. Most clients do not notice.",
    evidence: "The HTTP framing ends properly and no message_stop came. An answer of HTTP/1.0 has no framing to end, and is not accused for it.",
    confirm: &[
        ("stream \"$G\" -H \"$key\"", "curl 0 · no message_stop"),
        ("stream \"$D\" -H \"$key\"", "message_stop · curl 0"),
    ],
    knobs: knobs::BUFFERING,
};

pub const SYNTHESISED: Help = Help {
    sights: &[(Sight::ErrorEvent, "of type api_error, without a `request_id`")],
    meaning: "The gateway's connection to Claude broke, and it wrote an error event of its own into the stream.",
    evidence: "An error event without a request id while the direct path completes. With an id, or on both paths, it is Claude's.",
    confirm: &[
        ("stream \"$G\" -H \"$key\"", "event: error · no \"request_id\""),
        ("stream \"$D\" -H \"$key\"", "message_stop · curl 0"),
    ],
    knobs: knobs::IDLE,
};

pub const BUFFERED: Help = Help {
    sights: &[(Sight::AllAtOnce, "also with `accept-encoding: identity`")],
    meaning: "The gateway collects the stream before it passes it on. Users wait, and idle timers further on strike.",
    evidence: "The events come in a burst where the direct path's spread over at least a second and ten reads; or the stream has a content-length. Two pairs of streams must show it, of one run or of two: a single one may be odd by chance. A slow model is slow on both paths. Not said where the answer is too short to show it, nor without a direct path.",
    confirm: &[
        ("stream \"$G\" -H \"$key\" | grep -c '^0s data'", "0"),
        ("stream \"$D\" -H \"$key\" | grep '^[01]s data'", "message_start"),
    ],
    knobs: knobs::BUFFERING,
};

pub const COMPRESSED: Help = Help {
    sights: &[(Sight::AllAtOnce, "only for clients that accept gzip")],
    meaning: "The gateway compresses the stream and does not flush after each event.",
    evidence: "As StreamBuffered, and the held-back stream is compressed. A compressed stream that flushes is fine.",
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
    knobs: knobs::COMPRESSION,
};

pub const COLLAPSED: Help = Help {
    sights: &[
        (Sight::AllAtOnce, "and clients of streams find no event"),
        (Sight::HalfAnswer, "the stream is empty"),
    ],
    meaning: "A stream was asked for, and one JSON message came: something reads the whole answer (content inspection, data loss prevention, an adapter).",
    evidence: "A complete message where the frozen request asked for a stream, and the direct path streams. Silent for a saved body whose wish is not known.",
    confirm: &[
        ("stream \"$G\" -H \"$key\"", "\"type\":\"message\" · no event:"),
        ("stream \"$D\" -H \"$key\"", "message_stop"),
    ],
    knobs: knobs::BUFFERING,
};
