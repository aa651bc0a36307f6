//! LiteLLM: it parses every request and every reply, swaps keys, counts, cools down, and writes errors anew.

use claudeprobe::catalogue::Code;
use claudeprobe::standin::{Ending, ErrorName, Fault, Rule};

use crate::case::Case;
use crate::front::Front;
use crate::litellm::{Litellm, MASTER_KEY};
use crate::proof::Observation::{Arrives, Calls, Complete, Ends, Header, Lasts, NoHeader, BodyHas, Status};
use crate::proof::{direct, through};
use crate::stage::OLD_KEY;
use crate::wire::End;

/// The route that parses the request.
fn open() -> Case {
    Case::new(Front::Litellm(Litellm::Open))
}

/// The route that parses less.
fn passed_through() -> Case {
    open().gateway_url("http://{gateway_address}/anthropic")
}

/// With the key that LiteLLM itself asks for.
fn strict() -> Case {
    Case::new(Front::Litellm(Litellm::Strict))
        .gateway(", credential: {secretKeyRef: {name: master, key: key}}")
        .secret("master", MASTER_KEY)
}

const WITH_MASTER_KEY: Option<&str> = Some("x-api-key: sk-litellm-master-0001");
const TEST_KEY: &str = claudeprobe::standin::TEST_KEY;

/// The stream ends in its middle.
fn cut() -> Rule {
    Rule::always(Fault::Cut {
        after_events: 6,
        how: Ending::Fin,
    })
}

/// A field that Claude rejects and LiteLLM drops.
const UNKNOWN_FIELD: &str =
    r#"{"model":"claude-haiku-4-5","max_tokens":1,"zz_probe":1,"messages":[{"role":"user","content":"."}]}"#;

/// The same inside of `metadata`.
const METADATA: &str = r#"{"model":"claude-haiku-4-5","max_tokens":1,"metadata":{"user_id":"u","zz_probe":1},"messages":[{"role":"user","content":"."}]}"#;

cases! {
    litellm_loses_headers_and_filters_requests: open()
        .proof(direct(&[Header("anthropic-ratelimit-requests-limit", "")]))
        .proof(through(&[Status(200), NoHeader("anthropic-ratelimit-requests-limit"), Complete(true)]))
        .proof(through(&[Status(400), Arrives("anthropic-beta", "no-such-beta")]).with("anthropic-beta: no-such-beta"))
        .proof(direct(&[Status(400)]).body(UNKNOWN_FIELD.into())).proof(through(&[Status(200)]).body(UNKNOWN_FIELD.into()))
        .degraded(Code::ResponseHeadersRewritten, "edge").also(Code::BodyRewritten, "edge").also(Code::ErrorBodyReplaced, "edge");
    litellm_loses_the_request_id_of_whole_messages: open().whole()
        .proof(direct(&[Header("request-id", "req_")]).whole())
        .proof(through(&[Status(200), NoHeader("request-id")]).whole())
        .degraded(Code::ResponseHeadersRewritten, "edge").also(Code::BodyRewritten, "edge").also(Code::ErrorBodyReplaced, "edge");
    litellm_for_bearer_clients: open().bearer()
        .proof(through(&[Status(200), Arrives("x-api-key", TEST_KEY)]))
        .degraded(Code::ResponseHeadersRewritten, "edge").also(Code::BodyRewritten, "edge").also(Code::ErrorBodyReplaced, "edge");
    litellm_whose_ways_are_accepted: open()
        .gateway(", accept: [ResponseHeadersRewritten, ErrorBodyReplaced, BodyRewritten]")
        .proof(through(&[Status(200), NoHeader("anthropic-ratelimit-requests-limit")]))
        .healthy().also(Code::ResponseHeadersRewritten, "edge").also(Code::ErrorBodyReplaced, "edge").also(Code::BodyRewritten, "edge");
    litellm_passes_through: passed_through()
        .proof(through(&[Status(200), Header("request-id", "req_"), Complete(true)]).key(None)).healthy();
    litellm_passes_through_to_slow_models: passed_through().first_byte(1200).pace(60)
        .proof(through(&[Status(200), Complete(true)])).healthy();

    litellm_drops_metadata_from_what_it_passes_through: passed_through().deep()
        .proof(direct(&[Status(400), BodyHas("metadata.zz_probe: Extra inputs are not permitted")]).body(METADATA.into()))
        .proof(through(&[Status(200)]).body(METADATA.into()).key(None))
        .degraded(Code::BodyRewritten, "edge").with_evidence(Code::BodyRewritten, "an unknown field does not arrive at Claude (in metadata):");
    litellm_keeps_what_it_knows_of_metadata: open().deep()
        .proof(through(&[Status(200)]).body(METADATA.into()))
        .degraded(Code::ResponseHeadersRewritten, "edge").also(Code::BodyRewritten, "edge").also(Code::ErrorBodyReplaced, "edge")
        .with_evidence(Code::BodyRewritten, "an unknown field does not arrive at Claude (at the top of the body, in metadata):");

    litellm_with_the_key_before_the_rotation: open().request(", model: claude-sonnet-4-5")
        .proof(direct(&[Status(200)]).model("claude-sonnet-4-5"))
        .proof(through(&[Status(401), BodyHas("AnthropicException"), Arrives("x-api-key", OLD_KEY)]).model("claude-sonnet-4-5"))
        .failing(Code::GatewayStaleCredential).also(Code::ErrorBodyReplaced, "edge");
    litellm_strips_the_line_end_of_its_key: open().request(", model: claude-opus-4-5")
        .proof(through(&[Status(200), Arrives("x-api-key", TEST_KEY)]).model("claude-opus-4-5"))
        .degraded(Code::ResponseHeadersRewritten, "edge").also(Code::BodyRewritten, "edge").also(Code::ErrorBodyReplaced, "edge");
    litellm_does_not_know_the_model: open().request(", model: claude-opus-5-5")
        .proof(direct(&[Status(200)]).model("claude-opus-5-5"))
        .proof(through(&[Status(400), BodyHas("Invalid model name"), Calls(0)]).model("claude-opus-5-5"))
        .failing(Code::ModelNotFound);
    litellm_answers_without_upstream_where_no_key_comes: Case::new(Front::Litellm(Litellm::Strict)).gateway(", credential: {none: {}}")
        .proof(through(&[Status(500), Calls(0)]).key(None))
        .failing(Code::GatewayUnavailable);
    litellm_does_not_know_the_key: Case::new(Front::Litellm(Litellm::Strict))
        .proof(through(&[Status(400), BodyHas("no_db_connection"), Calls(0)]))
        .failing(Code::GatewayAuthRefused);
    litellm_swaps_its_own_key: strict()
        .proof(through(&[Status(200), Arrives("x-api-key", TEST_KEY)]).key(WITH_MASTER_KEY))
        .degraded(Code::BodyRewritten, "edge").also(Code::ErrorBodyReplaced, "edge");
    litellm_at_another_path: open().gateway_url("http://{gateway_address}/claude")
        .proof(through(&[Status(404), BodyHas("Not Found"), Calls(0)]))
        .failing(Code::WrongRoute);

    litellm_cannot_connect: open().request(", model: claude-sonnet-4-6")
        .proof(direct(&[Status(200)]).model("claude-sonnet-4-6"))
        .proof(through(&[Status(500), BodyHas("Cannot connect to host"), Calls(0)]).model("claude-sonnet-4-6"))
        .failing(Code::UpstreamUnreachable);
    litellm_cannot_resolve: open().request(", model: claude-opus-4-6")
        .proof(through(&[Status(500), BodyHas("Cannot connect to host"), Calls(0)]).model("claude-opus-4-6"))
        .failing(Code::UpstreamDnsFailure);
    litellm_loses_patience: open().request(", model: claude-haiku-5-5, stream: false").first_byte(3000)
        .proof(direct(&[Status(200), Lasts(2900, 9000)]).model("claude-haiku-5-5"))
        .proof(through(&[Status(408), BodyHas("Timeout"), Lasts(1900, 2900)]).model("claude-haiku-5-5"))
        .failing(Code::FirstByteTimeout);

    litellm_turns_529_into_500: open().fault(Rule::always(Fault::Error(ErrorName::Overloaded)))
        .proof(direct(&[Status(529)])).proof(through(&[Status(500), BodyHas("overloaded_error"), BodyHas("litellm.InternalServerError")]))
        .failing_everywhere(Code::UpstreamOverloaded).also(Code::StatusRewritten, "edge").also(Code::ErrorBodyReplaced, "edge");
    litellm_turns_529_into_500_without_a_control: open().no_direct().fault(Rule::always(Fault::Error(ErrorName::Overloaded)))
        .proof(through(&[Status(500), BodyHas("overloaded_error")]))
        .failing(Code::UpstreamOverloaded).also(Code::StatusRewritten, "edge").also(Code::ErrorBodyReplaced, "edge");
    litellm_passes_529_through: passed_through().fault(Rule::always(Fault::Error(ErrorName::Overloaded)))
        .proof(through(&[Status(529), BodyHas("overloaded_error")]))
        .failing_everywhere(Code::UpstreamOverloaded);
    claudes_rate_limit_through_litellm: open().fault(Rule::always(Fault::Error(ErrorName::RateLimitRequests)))
        .proof(direct(&[Status(429), Header("retry-after", "")]))
        .proof(through(&[Status(429), NoHeader("retry-after"), BodyHas("requests per minute")]))
        .failing_everywhere(Code::RateLimited).also(Code::ErrorBodyReplaced, "edge");
    credit_is_used_up_behind_litellm: open().fault(Rule::always(Fault::Error(ErrorName::CreditExhausted)))
        .proof(through(&[Status(400), BodyHas("credit balance is too low")]))
        .failing_everywhere(Code::QuotaExhausted).also(Code::ErrorBodyReplaced, "edge");
    litellm_limits_requests: open().request(", model: claude-sonnet-5-5")
        .proof(through(&[Status(200)]).model("claude-sonnet-5-5").early_in_the_minute())
        .proof(through(&[Status(429), NoHeader("request-id"), BodyHas("RPM limit=1"), Calls(0)]).model("claude-sonnet-5-5"))
        .failing(Code::GatewayRateLimited);
    litellm_cools_down: strict().request(", model: claude-sonnet-4-6")
        .proof(through(&[Status(500), Calls(0)]).model("claude-sonnet-4-6").key(WITH_MASTER_KEY))
        .proof(through(&[Status(429), BodyHas("No deployments available"), Calls(0)]).model("claude-sonnet-4-6").key(WITH_MASTER_KEY))
        .failing(Code::GatewayCooldown);

    litellm_makes_an_event_of_a_cut: open().pace(60).fault(cut().for_key(TEST_KEY))
        .direct(", credential: {secretKeyRef: {name: other, key: key}}")
        .proof(direct(&[Status(200), Complete(true)]).key(Some("x-api-key: {other}")))
        .proof(through(&[Status(200), BodyHas("event: error"), Complete(false), Ends(End::Framed)]))
        .failing(Code::StreamErrorSynthesised).also(Code::ErrorBodyReplaced, "edge");
    litellm_makes_an_event_of_claudes_cut: open().pace(60).fault(cut())
        .proof(direct(&[Status(200), Complete(false), Ends(End::Fin)]))
        .proof(through(&[Status(200), BodyHas("event: error"), Complete(false), Ends(End::Framed)]))
        .failing_everywhere(Code::UpstreamStreamError).also(Code::ErrorBodyReplaced, "edge");
    litellm_passes_a_cut_through: passed_through().fault(cut())
        .proof(through(&[Status(200), Complete(false)]))
        .failing_everywhere(Code::UpstreamStreamError);
    litellm_passes_claudes_error_event: open()
        .fault(Rule::always(Fault::StreamError { after_events: 6, error: ErrorName::Overloaded }))
        .proof(through(&[Status(200), BodyHas("event: error"), BodyHas("req_")]))
        .failing_everywhere(Code::UpstreamStreamError).also(Code::ErrorBodyReplaced, "edge").also(Code::BodyRewritten, "edge");
}
