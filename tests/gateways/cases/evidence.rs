//! The origin of a reply, and what gateways do to response headers.

use claudeprobe::catalogue::Code;
use claudeprobe::standin::{ErrorName, Fault, Page, Rule};

use crate::case::Case;
use crate::envoy::{Envoy, lua, replaces_in_requests};
use crate::front::{Front, haproxy, nginx, nginx_server};
use crate::proof::Observation::{Complete, Header, NoHeader, BodyHas, Status};
use crate::proof::{direct, through};
use crate::stage::OTHER_KEY;

/// A whole message with an unknown field inside its turn.
const NESTED: &str =
    r#"{"model":"claude-haiku-4-5","max_tokens":1,"messages":[{"role":"user","content":".","zz_probe_1":1}]}"#;

/// The same inside its tool.
const TOOL: &str = r#"{"model":"claude-haiku-4-5","max_tokens":1,"tools":[{"name":"probe","input_schema":{"type":"object"},"zz_probe_1":1}],"messages":[{"role":"user","content":"."}]}"#;

/// A whole message with two unknown fields.
const TWO_FIELDS: &str = r#"{"zz_probe_2":1,"zz_probe_1":1,"model":"claude-haiku-4-5","max_tokens":1,"messages":[{"role":"user","content":"."}]}"#;

/// A whole message with an unknown field beside its turns.
const UNKNOWN: &str =
    r#"{"model":"claude-haiku-4-5","max_tokens":1,"messages":[{"role":"user","content":"."}],"zz_probe_1":1}"#;

/// A filter that wraps errors into a string of its own JSON, under another status, as many AI gateways do.
const QUOTES_ERRORS: Envoy = Envoy {
    filters: &[
        lua!(r#"function envoy_on_response(handle)\n if handle:headers():get(':status') == '200' then return end\n local body = handle:body()\n local quoted = string.gsub(body:getBytes(0, body:length()), '\"', '\\\\\"')\n handle:headers():replace('content-length', body:setBytes('{\"detail\":\"upstream said: ' .. quoted .. '\"}'))\n handle:headers():replace(':status', '500')\n handle:headers():remove('request-id')\n handle:headers():remove('cf-ray')\nend"#),
    ],
    ..Envoy::PLAIN
};
/// The same for pages: an error in Claude's shape around the page, under its status, as AI gateways do that know one shape only.
const WRAPS_PAGES: Envoy = Envoy {
    filters: &[
        lua!(r#"function envoy_on_response(handle)\n if handle:headers():get(':status') == '200' then return end\n local body = handle:body()\n local page = string.gsub(string.gsub(body:getBytes(0, body:length()), '\"', '\\\\\"'), '%c+', ' ')\n handle:headers():replace('content-type', 'application/json')\n handle:headers():replace('content-length', body:setBytes('{\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"upstream: ' .. page .. '\"}}'))\n for _, name in ipairs({'cf-ray', 'cf-mitigated', 'server'}) do handle:headers():remove(name) end\nend"#),
    ],
    ..Envoy::PLAIN
};
/// The same with only the first hundred bytes of the upstream's body.
const CUTS_ERRORS: Envoy = Envoy {
    filters: &[
        lua!(r#"function envoy_on_response(handle)\n if handle:headers():get(':status') == '200' then return end\n local body = handle:body()\n local quoted = string.gsub(body:getBytes(0, 70), '\"', '\\\\\"')\n handle:headers():replace('content-length', body:setBytes('{\"detail\":\"upstream said: ' .. quoted .. '...\"}'))\n handle:headers():replace(':status', '500')\n handle:headers():remove('request-id')\nend"#),
    ],
    ..Envoy::PLAIN
};

/// A filter that drops the bodies of answers, as limits on responses do.
const EMPTIES_ANSWERS: Envoy = Envoy {
    filters: &[
        lua!(r#"function envoy_on_response(handle)\n if handle:headers():get(':status') ~= '200' then return end\n local body = handle:body()\n handle:headers():replace('content-length', body:setBytes(''))\nend"#),
    ],
    ..Envoy::PLAIN
};
/// A filter that writes a page over answers, under their headers, as servers do that buffer an answer and lose the rest of it.
const WRITES_A_PAGE: Envoy = Envoy {
    filters: &[
        lua!(r#"function envoy_on_response(handle)\n if handle:headers():get('anthropic-ratelimit-requests-limit') == nil then return end\n local body = handle:body()\n handle:headers():replace('content-length', body:setBytes('<html><h1>Bad Gateway</h1></html>'))\n handle:headers():replace('content-type', 'text/html')\n handle:headers():replace(':status', '502')\nend"#),
    ],
    ..Envoy::PLAIN
};

/// A filter that writes a system prompt into every body, as AI gateways with guard rails do.
const ADDS_A_PROMPT: Envoy = Envoy {
    filters: &[
        replaces_in_requests!(r#"'^{', '{\"system\":\"You are a polite assistant of Example Corp and never speak of prices.\",', 1"#),
    ],
    ..Envoy::PLAIN
};
/// A filter that rejects bodies with unknown fields, with the message of a common library and in Claude's shape.
const CHECKS_BODIES: Envoy = Envoy {
    filters: &[
        lua!(r#"function envoy_on_request(handle)\n local body = handle:body()\n local field = string.match(body:getBytes(0, body:length()), 'zz_probe_[%w]+')\n if field then handle:respond({[':status'] = '400', ['content-type'] = 'application/json'}, '{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"' .. field .. ': Extra inputs are not permitted\"}}') end\nend"#),
    ],
    ..Envoy::PLAIN
};
/// The same, in a shape of its own and with another status.
const CHECKS_BODIES_ITS_OWN_WAY: Envoy = Envoy {
    filters: &[
        lua!(r#"function envoy_on_request(handle)\n local body = handle:body()\n if string.find(body:getBytes(0, body:length()), 'zz_probe_', 1, true) then handle:respond({[':status'] = '422', ['content-type'] = 'application/json'}, '{\"detail\":\"extra fields not permitted\"}') end\nend"#),
    ],
    ..Envoy::PLAIN
};
/// A filter that drops unknown fields inside a turn, and keeps those at the top.
const FILTERS_TURNS: Envoy = Envoy {
    filters: &[
        replaces_in_requests!(r#"'(\"content\":\"[^\"]*\"),\"zz_probe_[^,}]*', '%1'"#),
    ],
    ..Envoy::PLAIN
};
/// The same for tools.
const FILTERS_TOOLS: Envoy = Envoy {
    filters: &[
        replaces_in_requests!(r#"'(\"tools\":%[{[^%]]-),\"zz_probe_[^,}%]]*', '%1'"#),
    ],
    ..Envoy::PLAIN
};
/// A filter that leaves fields in alphabetical order, as programs do that keep them in a sorted map. It knows two fields.
const SORTS_FIELDS: Envoy = Envoy {
    filters: &[
        replaces_in_requests!(r#"'^{(\"zz_probe[^,]*),(\"zz_probe[^,]*)', '{%2,%1'"#),
    ],
    ..Envoy::PLAIN
};
/// A filter that writes the events of an answer anew.
const WRITES_EVENTS_ANEW: Envoy = Envoy {
    filters: &[
        lua!(r#"function envoy_on_response(handle)\n for chunk in handle:bodyChunks() do\n local text = chunk:getBytes(0, chunk:length())\n local changed = string.gsub(text, ' +}\\n', '}\\n')\n chunk:setBytes(changed)\n end\nend"#),
    ],
    ..Envoy::PLAIN
};

cases! {
    haproxy_calls_every_answer_a_failure: Case::new(haproxy("", "http-response set-status 502"))
        .proof(direct(&[Status(200)])).proof(through(&[Status(502), Header("request-id", "req_"), BodyHas("message_stop")]))
        .failing(Code::StatusRewritten);
    haproxy_calls_an_answer_a_failure_and_there_is_no_control: Case::new(haproxy("", "http-response set-status 529")).no_direct().whole()
        .proof(through(&[Status(529), BodyHas("end_turn")]).whole())
        .failing(Code::StatusRewritten);
    nginx_renames_a_field_of_answers: Case::new(nginx(
            r#"proxy_set_header accept-encoding identity; sub_filter_types application/json; sub_filter '"role":"assistant"' '"by":"assistant"';"#)).whole()
        .proof(direct(&[Status(200), BodyHas("\"role\":\"assistant\"")]).whole())
        .proof(through(&[Status(200), BodyHas("\"by\":\"assistant\""), Header("request-id", "req_")]).whole())
        .failing(Code::BodyRewritten);
    envoy_empties_answers: Case::new(Front::Envoy(EMPTIES_ANSWERS)).whole()
        .proof(through(&[Status(200), Header("request-id", "req_"), Header("content-length", "0")]).whole())
        .failing(Code::BodyRewritten);
    envoy_writes_a_page_under_an_answers_headers: Case::new(Front::Envoy(WRITES_A_PAGE)).whole()
        .proof(through(&[Status(502), Header("request-id", "req_"), BodyHas("Bad Gateway")]).whole())
        .failing(Code::GatewayUnavailable);
    envoy_adds_a_system_prompt: Case::new(Front::Envoy(ADDS_A_PROMPT))
        .proof(through(&[Status(200)]))
        .degraded(Code::BodyRewritten, "edge");
    envoy_drops_fields_inside_turns: Case::new(Front::Envoy(FILTERS_TURNS)).deep()
        .proof(direct(&[Status(400), BodyHas("messages.0.zz_probe_1: Extra inputs are not permitted")]).body(NESTED.into()))
        .proof(through(&[Status(200)]).body(NESTED.into()))
        // A filter that reads whole bodies has a limit on them, too.
        .degraded(Code::GatewayBodyLimit, "edge").also(Code::BodyRewritten, "edge")
        .with_evidence(Code::BodyRewritten, "an unknown field does not arrive at Claude (in messages):");
    envoy_writes_requests_anew_in_another_order: Case::new(Front::Envoy(SORTS_FIELDS))
        .proof(direct(&[Status(400), BodyHas("zz_probe_2: Extra inputs are not permitted")]).body(TWO_FIELDS.into()))
        .proof(through(&[Status(400), BodyHas("zz_probe_1: Extra inputs are not permitted")]).body(TWO_FIELDS.into()))
        .healthy().with_evidence(Code::BodyRewritten, "in another order");
    envoy_keeps_what_it_knows_of_tools: Case::new(Front::Envoy(FILTERS_TOOLS)).deep()
        .proof(direct(&[Status(400), BodyHas("tools.0.custom.zz_probe_1: Extra inputs are not permitted")]).body(TOOL.into()))
        .proof(through(&[Status(200)]).body(TOOL.into()))
        .degraded(Code::GatewayBodyLimit, "edge").also(Code::BodyRewritten, "edge")
        .with_evidence(Code::BodyRewritten, "an unknown field does not arrive at Claude (in tools):");
    envoy_refuses_unknown_fields_in_claudes_shape: Case::new(Front::Envoy(CHECKS_BODIES))
        .proof(direct(&[Status(400), Header("request-id", "req_")]).body(UNKNOWN.into()))
        .proof(through(&[Status(400), BodyHas("Extra inputs are not permitted"), NoHeader("request-id")]).body(UNKNOWN.into()))
        .proof(through(&[Status(200)])).healthy();
    envoy_refuses_unknown_fields_in_its_own_way: Case::new(Front::Envoy(CHECKS_BODIES_ITS_OWN_WAY)).deep()
        .proof(through(&[Status(422), BodyHas("extra fields not permitted")]).body(UNKNOWN.into()))
        .proof(through(&[Status(200)]))
        // A filter that reads whole bodies has a limit on them, too, and answers 413.
        .degraded(Code::GatewayBodyLimit, "edge");
    envoy_writes_events_anew: Case::new(Front::Envoy(WRITES_EVENTS_ANEW))
        .proof(through(&[Status(200), Complete(true)])).healthy();
    nginx_imitates_claudes_error_with_made_up_ids: Case::new(nginx_server(
            r#"location = /v1/messages { default_type application/json; add_header request-id req_$request_id always; return 529 '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_$request_id"}'; } location / { proxy_http_version 1.1; proxy_pass {claude_url}; }"#))
        .proof(through(&[Status(529), BodyHas("overloaded_error"), Header("request-id", "req_")]))
        .failing(Code::GatewayUnavailable);
    envoy_quotes_claudes_error_in_a_string_under_another_status: Case::new(Front::Envoy(QUOTES_ERRORS))
        .fault(Rule::always(Fault::Error(ErrorName::Overloaded)))
        .proof(direct(&[Status(529)])).proof(through(&[Status(500), BodyHas("upstream said"), NoHeader("request-id")]))
        .failing_everywhere(Code::UpstreamOverloaded)
        .also(Code::StatusRewritten, "edge").also(Code::ErrorBodyReplaced, "edge");
    envoy_cuts_what_it_quotes: Case::new(Front::Envoy(CUTS_ERRORS))
        .fault(Rule::always(Fault::Error(ErrorName::Overloaded)))
        .proof(direct(&[Status(529)])).proof(through(&[Status(500), BodyHas("upstream said"), BodyHas("..."), NoHeader("request-id")]))
        .failing_everywhere(Code::UpstreamOverloaded)
        .also(Code::StatusRewritten, "edge").also(Code::ErrorBodyReplaced, "edge");

    envoy_wraps_the_page_of_claudes_edge_on_every_path: Case::new(Front::Envoy(WRAPS_PAGES))
        .fault(Rule::always(Fault::Edge(Page::Challenge)))
        .proof(direct(&[Status(403), BodyHas("Just a moment"), Header("cf-mitigated", "challenge")]))
        .proof(through(&[Status(403), BodyHas("api_error"), BodyHas("Just a moment"), NoHeader("cf-ray")]))
        .failing_everywhere(Code::EdgeBlocked);
    envoy_wraps_a_page_that_names_claudes_host: Case::new(Front::Envoy(Envoy {
            beside: "request_headers_to_add: [{header: {key: x-api-key, value: '{other}'}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}]", ..WRAPS_PAGES }))
        .gateway(", expectAccount: Any").fault(Rule::always(Fault::Edge(Page::Error520)).for_key(OTHER_KEY))
        .proof(direct(&[Status(200)])).proof(through(&[Status(520), BodyHas("api_error"), BodyHas("api.anthropic.com | 520"), NoHeader("cf-ray")]))
        .failing(Code::UpstreamError);
    envoy_wraps_a_page_that_claudes_edge_shows_it_alone: Case::new(Front::Envoy(Envoy {
            beside: "request_headers_to_add: [{header: {key: x-api-key, value: '{other}'}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}]", ..WRAPS_PAGES }))
        .gateway(", expectAccount: Any").fault(Rule::always(Fault::Edge(Page::Challenge)).for_key(OTHER_KEY))
        .proof(direct(&[Status(200)])).proof(through(&[Status(403), BodyHas("api_error"), BodyHas("Just a moment"), NoHeader("cf-ray")]))
        .inconclusive().really(Code::EdgeBlocked, "whose zone shows the page cannot be told: many gateways sit behind the same provider");

    nginx_drops_headers_that_no_client_uses: Case::new(nginx("proxy_hide_header traceresponse; proxy_hide_header strict-transport-security; add_header X-Gateway one;"))
        .proof(direct(&[Status(200), Header("traceresponse", "00-")])).proof(through(&[Status(200), NoHeader("traceresponse")]))
        .healthy();
    nginx_adds_the_request_id_a_second_time: Case::new(nginx("add_header request-id $request_id always;"))
        .proof(through(&[Status(200), Header("request-id", "")]))
        .degraded(Code::ResponseHeadersRewritten, "edge");
    haproxy_drops_the_request_id_of_errors: Case::new(haproxy("http-response del-header request-id if { status ge 400 }", ""))
        .proof(through(&[Status(200), Header("request-id", "req_")]))
        .proof(through(&[Status(400), NoHeader("request-id")]).with("anthropic-beta: bogus-2099-01-01"))
        .degraded(Code::ResponseHeadersRewritten, "edge");
    nginx_glues_a_suffix_to_the_key_even_where_there_is_none: Case::new(nginx("proxy_set_header x-api-key \"$http_x_api_key-old\";"))
        .proof(through(&[Status(401), BodyHas("invalid x-api-key")])).proof(through(&[Status(401), BodyHas("invalid x-api-key")]).key(None))
        .failing(Code::GatewayStaleCredential)
        .really(Code::CredentialAltered, "Claude says the same of a wrong key that the gateway stores; the advice names both readings");
}
