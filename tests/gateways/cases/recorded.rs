//! What no program of the suite can be made to do: the bytes of such a reply are played back.

use claudeprobe::catalogue::Code;

use crate::case::Case;
use crate::front::Front;
use crate::look::Sight::{Calls, Says, Status};
use crate::look::through;

/// An AI gateway that gave up on its deployment after errors, in Claude's shape.
const COOLDOWN: &str = "HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\ncontent-length: 165\r\n\r\n\
{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"No deployments available for selected model, Try again in 30 seconds. Passed model=claude-haiku-4-5.\"}}";

cases! {
    a_gateway_cools_down: Case::new(Front::Recorded(COOLDOWN)).recorded("the earlier error that led to it is hours ago")
        .look(through(&[Status(429), Says("No deployments available"), Calls(0)]))
        .failing(Code::GatewayCooldown);
}
