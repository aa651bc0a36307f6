//! No usable control: a finding needs a reply that proves it by itself.

use claudeprobe::catalogue::Code;
use claudeprobe::standin::{ErrorName, Fault, Rule};

use crate::case::Case;
use crate::envoy::Envoy;
use crate::front::{Front, haproxy, nginx, nginx_server};
use crate::proof::Observation::{ArrivesNot, Calls, Complete, Header, BodyHas, Status};
use crate::proof::through;

cases! {
    an_old_key_without_control: Case::new(nginx("proxy_set_header x-api-key {old};")).no_direct()
        .proof(through(&[Status(401), BodyHas("invalid x-api-key")]))
        .failing(Code::GatewayStaleCredential);
    a_stripped_key_without_control: Case::new(haproxy("http-request del-header x-api-key\n    http-request del-header authorization", "")).no_direct()
        .proof(through(&[Status(401), BodyHas("x-api-key header is required"), ArrivesNot("x-api-key")]))
        .failing(Code::CredentialStripped);
    a_refused_key_without_control: Case::new(nginx("")).no_direct().key(crate::stage::OLD_KEY)
        .proof(through(&[Status(401), BodyHas("invalid x-api-key")]).key(Some("x-api-key: {old}")))
        .inconclusive();
    a_rate_limit_of_claudes_without_control: Case::new(nginx("")).no_direct()
        .fault(Rule::always(Fault::Error(ErrorName::RateLimitRequests)))
        .proof(through(&[Status(429), Header("request-id", "req_")]))
        .failing(Code::RateLimited);
    an_overload_without_control: Case::new(Front::Envoy(Envoy::PLAIN)).no_direct()
        .fault(Rule::always(Fault::Error(ErrorName::Overloaded)))
        .proof(through(&[Status(529)]))
        .failing(Code::UpstreamOverloaded);
    a_password_without_control: Case::new(nginx("auth_basic gateway; auth_basic_user_file {dir}/htpasswd;")).no_direct()
        .proof(through(&[Status(401), Header("www-authenticate", "Basic"), Calls(0)]))
        .failing(Code::GatewayAuthRefused);
    an_old_key_with_a_dead_control: Case::new(haproxy("http-request set-header x-api-key {old}", "")).direct_url("http://{closed}")
        .proof(through(&[Status(401), BodyHas("invalid x-api-key")]))
        .failing(Code::GatewayStaleCredential).also(Code::DirectPathUnreachable, "direct");
    a_slow_gateway_without_control: Case::new(nginx("proxy_read_timeout 1s;")).no_direct().first_byte(2500)
        .proof(through(&[Status(504)]))
        .failing(Code::GatewayUnavailable);
    buffering_without_control_is_not_named: Case::new(nginx_server("location / { proxy_pass {claude_url}; }")).no_direct().pace(70)
        .proof(through(&[Status(200), Complete(true)]))
        .healthy();
}
