//! AI gateways other than LiteLLM: Claude Code Router and Portkey's. Both have keys of their own and rewrite requests and errors, each
//! in its own way.

use claudeprobe::catalogue::Code;
use claudeprobe::standin::{ErrorName, Fault, Page, Rule};

use crate::case::Case;
use crate::front::{Front, nginx_server};
use crate::proof::Observation::{Arrives, Calls, Complete, Lasts, NoHeader, BodyHas, Status};
use crate::proof::{Proof, direct, through};
use crate::others::{Kind, Other, ROUTER_KEY};
use crate::stage::{OLD_KEY, OTHER_KEY};

const CLAUDE: &str = r#""api_base_url": "http://{claude}/v1/messages", "api_key": "{other}", "models": ["claude-haiku-4-5"]"#;
const KEY: Option<&str> = Some("x-api-key: router-key-0001");

/// Clients have the router's key, and the router has one of another organisation.
fn router(provider: &'static str) -> Case {
    Case::new(Front::Other(Other { kind: Kind::Router, lines: provider }))
        .gateway(", credential: {secretKeyRef: {name: router, key: key}}, expectAccount: Any")
        .secret("router", ROUTER_KEY)
}

/// An error of Claude for the router alone.
fn for_the_router(name: ErrorName) -> Rule {
    Rule::always(Fault::Error(name)).for_key(OTHER_KEY)
}

const PORTKEY: Front = Front::Other(Other { kind: Kind::Portkey, lines: "claude.invalid" });

/// Headers of the client configure Portkey's upstream: host and further fields.
fn portkey(host: &str, fields: &str) -> Case {
    let to = format!("{{name: x-portkey-provider, value: anthropic}}, {{name: x-portkey-custom-host, value: 'http://{host}/v1'}}");
    Case::new(PORTKEY).gateway(&format!(", headers: [{to}{fields}]"))
}

/// A valid value of anthropic-beta, instead of Portkey's own, which Claude rejects.
const KNOWN_BETA: &str = ", {name: x-portkey-anthropic-beta, value: files-api-2025-04-14}";

/// nginx sets them for every client, with fields of a Portkey configuration.
macro_rules! configured {
    ($key:literal, $fields:literal) => {
        Case::new(PORTKEY).whole().behind(nginx_server(concat!(
            "location / { proxy_http_version 1.1; proxy_set_header x-portkey-config '{\"provider\":\"anthropic\",\"custom_host\":\"http://{claude}/v1\",\"anthropic_beta\":\"files-api-2025-04-14\",\"api_key\":\"",
            $key, "\"", $fields, "}'; proxy_pass http://{portkey}; }"
        )))
    };
}

/// A request as such a client sends it.
fn through_portkey(observations: &[crate::proof::Observation]) -> Proof {
    through(observations).whole().with("x-portkey-provider: anthropic")
}

const TO_CLAUDE: &str = "x-portkey-custom-host: http://{claude}/v1";
const BETA: &str = "x-portkey-anthropic-beta: files-api-2025-04-14";

cases! {
    router_loses_headers: router(CLAUDE)
        .proof(through(&[Status(200), NoHeader("request-id"), Arrives("x-api-key", OTHER_KEY), Complete(true)]).key(KEY))
        .degraded(Code::ResponseHeadersRewritten, "edge").also(Code::ErrorBodyReplaced, "edge");
    router_for_bearer_clients_and_whole_messages: router(CLAUDE).bearer().whole()
        .proof(through(&[Status(200), NoHeader("request-id")]).whole().key(Some("authorization: Bearer router-key-0001")))
        .degraded(Code::ResponseHeadersRewritten, "edge").also(Code::ErrorBodyReplaced, "edge");
    router_whose_ways_are_accepted: router(CLAUDE).gateway(", accept: [ResponseHeadersRewritten, ErrorBodyReplaced]")
        .proof(through(&[Status(200), NoHeader("request-id")]).key(KEY))
        .healthy().also(Code::ResponseHeadersRewritten, "edge").also(Code::ErrorBodyReplaced, "edge");
    router_does_not_know_the_key: Case::new(Front::Other(Other { kind: Kind::Router, lines: CLAUDE }))
        .proof(through(&[Status(401), BodyHas("Invalid API key"), Calls(0)]))
        .failing(Code::GatewayAuthRefused);
    router_with_the_key_before_the_rotation: router(
            r#""api_base_url": "http://{claude}/v1/messages", "api_key": "{old}", "models": ["claude-haiku-4-5"]"#)
        .proof(through(&[Status(401), BodyHas("Error from provider"), Arrives("x-api-key", OLD_KEY)]).key(KEY))
        .failing(Code::GatewayStaleCredential).also(Code::ErrorBodyReplaced, "edge");
    router_cannot_connect_and_does_not_say_so: router(
            r#""api_base_url": "http://{closed}/v1/messages", "api_key": "{other}", "models": ["claude-haiku-4-5"]"#)
        .proof(through(&[Status(500), BodyHas("fetch failed"), Calls(0)]).key(KEY))
        .failing(Code::GatewayUnavailable)
        .really(Code::UpstreamUnreachable, "its HTTP client says `fetch failed` of a refusal, a missing name and failed TLS alike");
    router_asks_another_model: router(
            r#""api_base_url": "http://{claude}/v1/messages", "api_key": "{other}", "models": ["claude-sonnet-4-5"]"#)
        .proof(through(&[Status(200), BodyHas("claude-sonnet-4-5")]).key(KEY))
        .degraded(Code::ResponseHeadersRewritten, "edge").also(Code::ModelSubstituted, "edge").also(Code::ErrorBodyReplaced, "edge");
    router_asks_a_model_that_is_unknown: router(
            r#""api_base_url": "http://{claude}/v1/messages", "api_key": "{other}", "models": ["claude-none-1"]"#)
        .proof(through(&[Status(404), BodyHas("Error from provider"), BodyHas("claude-none-1")]).key(KEY))
        .failing(Code::ModelNotFound).also(Code::ErrorBodyReplaced, "edge");
    claude_is_overloaded_behind_the_router: router(CLAUDE).fault(Rule::always(Fault::Error(ErrorName::Overloaded)))
        .proof(direct(&[Status(529)])).proof(through(&[Status(529), BodyHas("Error from provider")]).key(KEY))
        .failing_everywhere(Code::UpstreamOverloaded).also(Code::ErrorBodyReplaced, "edge");
    claudes_limit_on_the_routers_key: router(CLAUDE).fault(for_the_router(ErrorName::RateLimitRequests))
        .proof(direct(&[Status(200)])).proof(through(&[Status(429), NoHeader("request-id"), BodyHas("Error from provider")]).key(KEY))
        .failing(Code::RateLimited).also(Code::ErrorBodyReplaced, "edge");
    the_routers_address_is_refused: router(CLAUDE).fault(Rule::always(Fault::Edge(Page::Forbidden)).for_key(OTHER_KEY))
        .proof(direct(&[Status(200)])).proof(through(&[Status(403), BodyHas("Request not allowed")]).key(KEY))
        .failing(Code::EgressAddressRefused).also(Code::ErrorBodyReplaced, "edge");

    portkey_adds_a_beta: portkey("{claude}", "").whole()
        .proof(through_portkey(&[Status(400), BodyHas("anthropic error: Unexpected value(s)")]).with(TO_CLAUDE))
        .failing(Code::BetaHeaderInjected).also(Code::ErrorBodyReplaced, "edge");
    portkey_filters_requests: portkey("{claude}", KNOWN_BETA).whole()
        .proof(through_portkey(&[Status(200)]).with(TO_CLAUDE).with(BETA))
        .proof(through_portkey(&[Status(200)]).with(TO_CLAUDE).with(BETA).with("anthropic-beta: no-such-beta"))
        .degraded(Code::BetaHeaderStripped, "edge").also(Code::BodyRewritten, "edge").also(Code::ErrorBodyReplaced, "edge");
    portkey_breaks_over_streams: portkey("{claude}", KNOWN_BETA)
        .proof(through(&[Status(500), BodyHas("Something went wrong")]).with("x-portkey-provider: anthropic").with(TO_CLAUDE).with(BETA))
        .failing(Code::GatewayUnavailable);
    portkey_cannot_resolve: portkey("claude.invalid", KNOWN_BETA).whole()
        .proof(through_portkey(&[Status(500), BodyHas("ENOTFOUND"), Calls(0)]).with("x-portkey-custom-host: http://claude.invalid/v1"))
        .failing(Code::UpstreamDnsFailure);
    portkey_loses_patience: portkey("{claude}", ", {name: x-portkey-request-timeout, value: '1500'}, {name: x-portkey-anthropic-beta, value: files-api-2025-04-14}").whole()
        .first_byte(3000)
        .proof(direct(&[Status(200), Lasts(2900, 9000)]).whole())
        .proof(through_portkey(&[Status(408), Lasts(1400, 2800)]).with(TO_CLAUDE).with(BETA).with("x-portkey-request-timeout: 1500"))
        .failing(Code::FirstByteTimeout);
    portkey_with_the_key_before_the_rotation: configured!("{old}", "")
        .proof(through(&[Status(401), BodyHas("anthropic error: invalid x-api-key"), Arrives("x-api-key", OLD_KEY)]).whole())
        .failing(Code::GatewayStaleCredential).also(Code::ErrorBodyReplaced, "edge");
    portkey_asks_a_model_that_is_unknown: configured!("{key}", ",\"override_params\":{\"model\":\"claude-none-1\"}")
        .proof(through(&[Status(404), BodyHas("anthropic error: model: claude-none-1")]).whole())
        .failing(Code::ModelNotFound).also(Code::ErrorBodyReplaced, "edge");
    portkeys_guard_rail_denies: configured!("{key}", ",\"input_guardrails\":[{\"default.contains\":{\"operator\":\"none\",\"words\":[\"Count\"]},\"deny\":true,\"id\":\"x\"}]")
        .proof(through(&[Status(446), Calls(0)]).whole())
        .failing(Code::GatewayPolicyDenied);
}
