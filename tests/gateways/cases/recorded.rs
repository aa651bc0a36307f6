//! Replies that no program of the suite produces: their recorded bytes are played back.

use claudeprobe::catalogue::Code;

use crate::case::Case;
use crate::front::Front;
use crate::proof::Observation::{Calls, Complete, Ends, Header, BodyHas, Status};
use crate::wire::End;
use crate::proof::through;

/// An AI gateway that cools its deployment down after errors, in Claude's shape.
const COOLDOWN: &str = "HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\ncontent-length: 165\r\n\r\n\
{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"No deployments available for selected model, Try again in 30 seconds. Passed model=claude-haiku-4-5.\"}}";

/// What an AI gateway sends when its upstream breaks off in the middle of a stream: an error event of its own, and a clean end.
const MADE_UP: &str = r#"event: message_start
data: {"type":"message_start","message":{"id":"msg_01XFDUDYJgAACzvnptvVoYEL","type":"message","role":"assistant","content":[],"model":"claude-haiku-4-5-20251001","stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":13,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"1\n2"}}

event: error
data: {"type": "error", "error": {"type": "api_error", "message": "Response payload is not completed: <TransferEncodingError: 400, message='Not enough data to satisfy transfer length header.'>"}}

"#;

/// The head of a stream of this length in one chunk.
fn stream(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nserver: uvicorn\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    )
}

cases! {
    a_gateway_cools_down: Case::new(Front::Recorded(COOLDOWN.into())).recorded("the earlier error that led to it is hours ago")
        .proof(through(&[Status(429), BodyHas("No deployments available"), Calls(0)]))
        .failing(Code::GatewayCooldown);

    a_gateway_makes_up_an_error_event: Case::new(Front::Recorded(stream(MADE_UP))).recorded("reverse proxies make up no events")
        .proof(through(&[Status(200), Header("content-type", "event-stream"), Complete(false), BodyHas("event: error"), Ends(End::Framed)]))
        .failing(Code::StreamErrorSynthesised);
    idle_connections_are_forgotten: Case::new(Front::Forgets).recorded("a NAT is no program; its socket's bytes and reset are played")
        .spec("exchanges: {reuseIdle: 2s}")
        .proof(through(&[Status(200), Complete(true)])).proof(through(&[Ends(End::Reset)]).again_after(2_000))
        .degraded(Code::ConnectionReset, "edge");
}
