//! Which hop holds which key, which hop requires it, and what the gateway makes of it.

use claudeprobe::catalogue::Code;
use claudeprobe::standin::{ErrorName, Fault, KeyState, Rule};

use crate::case::Case;
use crate::envoy::Envoy;
use crate::front::{Certificate, Front, haproxy, nginx};
use crate::proof::Observation::{ArrivesNot, Calls, Header, NoHeader, BodyHas, Status};
use crate::proof::{direct, through};

/// Claude's own rejection, relayed.
const UNKNOWN_KEY: [crate::proof::Observation; 3] = [Status(401), BodyHas("invalid x-api-key"), Header("request-id", "req_")];

const OVERWRITES: Envoy = Envoy {
    beside: r#"request_headers_to_add: [{header: {key: x-api-key, value: "{old}"}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}]"#,
    ..Envoy::PLAIN
};
const REMOVES: Envoy = Envoy {
    beside: "request_headers_to_remove: [x-api-key, authorization]",
    ..Envoy::PLAIN
};
/// What Envoy Gateway renders for an API-key policy on x-api-key with `sanitize: true`.
const SANITIZES: Envoy = Envoy {
    filters: &[
        r#"{name: key, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuth, credentials: [{key: "{key}", client: team}], key_sources: [{header: x-api-key}], forwarding: {header: x-client-id, hide_credentials: true}}}"#,
    ],
    ..Envoy::PLAIN
};
/// The same policy without `sanitize`: right for clients that send x-api-key.
const KNOWS_ONE_AUTH_HEADER: Envoy = Envoy {
    filters: &[
        r#"{name: key, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuth, credentials: [{key: "{key}", client: team}], key_sources: [{header: x-api-key}]}}"#,
    ],
    ..Envoy::PLAIN
};
/// The same policy without our key on its list.
const ASKS_FOR_ITS_OWN_KEY: Envoy = Envoy {
    filters: &[
        r#"{name: key, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuth, credentials: [{key: gw-client-key, client: team}], key_sources: [{header: x-api-key}]}}"#,
    ],
    ..Envoy::PLAIN
};
/// What Istio renders for a RequestAuthentication with an AuthorizationPolicy that requires it.
const ASKS_FOR_A_JWT: Envoy = Envoy {
    filters: &[
        r#"{name: jwt, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication, providers: {p: {issuer: corp, local_jwks: {inline_string: '{"keys":[{"kty":"RSA","kid":"k1","alg":"RS256","use":"sig","e":"AQAB","n":"vRng42Z2Wcu3DPOYvO5H5qIJB4Yh5sEI_GAQA5qV3_yxydaj9-HVRJTnuZ7d1Uat6BW6gWOe8NPvyfloPRoprtHmNe0tgXvJMhNZByaXBJtbCqTJeaW1uA1VWZGMcrEG4YD4u_4h9oUTKdQO_ycBPJrpQx8LHHoFHQU17tf_tpyO4FsQIbiyFIs4egTkpkegNSFf4AWNtY3AjeyoZSJVHTVXj_p7_LxhyqpUsrpqgaArUGA-WOohZTLo9EQCodkW6UO_oqHkTG_OKM9E02TFu6-E3jFdB99NxJW-Dj9vVdjbdxnrfq11NVO1NjMjXKqqiDiXa67OByrIT8JP1t02Jw"}]}'}}}, rules: [{match: {prefix: /}, requires: {provider_name: p}}]}}"#,
    ],
    ..Envoy::PLAIN
};

cases! {
    nginx_injects_an_old_key: Case::new(nginx("proxy_set_header x-api-key {old};"))
        .proof(through(&UNKNOWN_KEY)).proof(direct(&[Status(200)]))
        .failing(Code::GatewayStaleCredential);
    nginx_injects_an_old_key_over_https: Case::new(nginx("proxy_set_header x-api-key {old};").https(Certificate::Good))
        .gateway(", tls: {caConfigMapKeyRef: {name: ca, key: ca.crt}}").whole()
        .proof(through(&UNKNOWN_KEY).whole())
        .failing(Code::GatewayStaleCredential);
    nginx_injects_an_old_key_whatever_the_client_carries: Case::new(nginx(
            "proxy_set_header x-api-key {old}; proxy_set_header Authorization \"\";"))
        .bearer()
        .proof(through(&UNKNOWN_KEY))
        .failing(Code::GatewayStaleCredential);
    nginx_injects_an_old_bearer_token: Case::new(nginx(
            "proxy_set_header Authorization \"Bearer {old}\"; proxy_set_header x-api-key \"\";"))
        .bearer().request(", apiVersion: '2026-10-21'")
        .proof(through(&[Status(401), Header("request-id", "req_")]).with("anthropic-version: 2026-10-21"))
        .failing(Code::GatewayStaleCredential);
    haproxy_injects_an_old_key: Case::new(haproxy("http-request set-header x-api-key {old}", ""))
        .proof(through(&UNKNOWN_KEY))
        .failing(Code::GatewayStaleCredential);
    haproxy_injects_an_old_key_over_https: Case::new(haproxy("http-request set-header x-api-key {old}", "").https(Certificate::Good))
        .gateway(", tls: {caConfigMapKeyRef: {name: ca, key: ca.crt}}")
        .proof(through(&UNKNOWN_KEY))
        .failing(Code::GatewayStaleCredential);
    envoy_injects_an_old_key: Case::new(Front::Envoy(OVERWRITES))
        .proof(through(&UNKNOWN_KEY))
        .failing(Code::GatewayStaleCredential);
    a_gateway_with_an_old_key_and_clients_with_keys_of_its_own: Case::new(nginx("proxy_set_header x-api-key {old};"))
        .gateway(", credential: {secretKeyRef: {name: virtual, key: key}}").secret("virtual", "vk-team-a")
        .proof(through(&UNKNOWN_KEY))
        .failing(Code::GatewayStaleCredential);

    nginx_strips_every_credential: Case::new(nginx("proxy_set_header x-api-key \"\"; proxy_set_header Authorization \"\";"))
        .proof(through(&[Status(401), BodyHas("x-api-key header is required"), ArrivesNot("x-api-key")]))
        .failing(Code::CredentialStripped);
    nginx_strips_every_credential_of_bearer_clients: Case::new(nginx(
            "proxy_set_header x-api-key \"\"; proxy_set_header Authorization \"\";"))
        .bearer().whole()
        .proof(through(&[Status(401), BodyHas("x-api-key header is required"), ArrivesNot("authorization")]).whole())
        .failing(Code::CredentialStripped);
    haproxy_strips_every_credential: Case::new(haproxy(
            "http-request del-header x-api-key\n    http-request del-header authorization", ""))
        .proof(through(&[Status(401), BodyHas("x-api-key header is required")]))
        .failing(Code::CredentialStripped);
    envoy_strips_every_credential: Case::new(Front::Envoy(REMOVES))
        .proof(through(&[Status(401), BodyHas("x-api-key header is required")]))
        .failing(Code::CredentialStripped);
    envoy_checks_the_key_and_does_not_pass_it_on: Case::new(Front::Envoy(SANITIZES))
        .proof(through(&[Status(401), BodyHas("x-api-key header is required"), ArrivesNot("x-api-key")]))
        .failing(Code::CredentialStripped);

    nginx_alters_the_key: Case::new(nginx("proxy_set_header x-api-key $tagged;")
            .http("map $http_x_api_key $tagged { \"\" \"\"; default \"$http_x_api_key-team\"; }"))
        .proof(through(&UNKNOWN_KEY))
        .failing(Code::CredentialAltered);
    haproxy_alters_the_key: Case::new(haproxy("http-request replace-header x-api-key (.*)AA \\1", ""))
        .proof(through(&UNKNOWN_KEY))
        .failing(Code::CredentialAltered);

    nginx_drops_authorization_only: Case::new(nginx("proxy_set_header Authorization \"\";"))
        .bearer()
        .proof(through(&[Status(401), BodyHas("x-api-key header is required"), ArrivesNot("authorization")]))
        .proof(through(&[Status(200)]).key(Some("x-api-key:  {key}")))
        .failing(Code::CredentialStripped);
    nginx_drops_x_api_key_only: Case::new(nginx("proxy_set_header x-api-key \"\";"))
        .request(", apiVersion: '2026-10-21'")
        .proof(through(&[Status(401), BodyHas("x-api-key header is required")]).with("anthropic-version: 2026-10-21"))
        .proof(through(&[Status(200)]).with("anthropic-version: 2026-10-21").key(Some("authorization: Bearer {key}")))
        .failing(Code::CredentialStripped);
    haproxy_drops_authorization_only: Case::new(haproxy("http-request del-header authorization", ""))
        .bearer().whole()
        .proof(through(&[Status(401), BodyHas("x-api-key header is required")]).whole())
        .failing(Code::CredentialStripped);

    envoy_knows_the_key_as_x_api_key_only: Case::new(Front::Envoy(KNOWS_ONE_AUTH_HEADER))
        .bearer()
        .proof(through(&[Status(401), BodyHas("Client authentication failed."), Calls(0)]))
        .proof(through(&[Status(200)]).key(Some("x-api-key:  {key}")))
        .failing(Code::CredentialCarrierMismatch);
    nginx_knows_the_key_as_authorization_only: Case::new(nginx("if ($http_authorization = \"\") { return 401; }"))
        .proof(through(&[Status(401), NoHeader("request-id"), Calls(0)]))
        .proof(through(&[Status(200)]).key(Some("authorization: Bearer {key}")))
        .failing(Code::CredentialCarrierMismatch);

    nginx_asks_for_a_password: Case::new(nginx("auth_basic gateway; auth_basic_user_file {dir}/htpasswd;"))
        .proof(through(&[Status(401), Header("www-authenticate", "Basic"), Calls(0)]))
        .failing(Code::GatewayAuthRefused);
    nginx_asks_an_authoriser_that_says_no: Case::new(crate::front::nginx_server(
            "location / { auth_request /who; proxy_pass {claude_url}; } location = /who { internal; return 401; }"))
        .proof(through(&[Status(401), NoHeader("request-id"), Calls(0)]))
        .failing(Code::GatewayAuthRefused);
    haproxy_asks_for_a_password: Case::new(Front::Haproxy {
            defaults: "userlist people\n    user claude insecure-password secret".into(),
            frontend: "http-request auth realm gateway unless { http_auth(people) }".into(),
            backend: "server claude {claude}".into(), tls: None })
        .proof(through(&[Status(401), Header("www-authenticate", "Basic"), Calls(0)]))
        .failing(Code::GatewayAuthRefused);
    haproxy_refuses_with_401: Case::new(haproxy("http-request deny deny_status 401", ""))
        .proof(through(&[Status(401), Calls(0)]))
        .failing(Code::GatewayAuthRefused);
    envoy_asks_for_a_key_of_its_own: Case::new(Front::Envoy(ASKS_FOR_ITS_OWN_KEY))
        .proof(through(&[Status(401), BodyHas("Client authentication failed."), Calls(0)]))
        .failing(Code::GatewayAuthRefused);
    envoy_asks_for_a_jwt: Case::new(Front::Envoy(ASKS_FOR_A_JWT))
        .proof(through(&[Status(401), BodyHas("Jwt is missing"), Calls(0)]))
        .failing(Code::GatewayAuthRefused);
    envoy_takes_the_bearer_key_for_a_jwt: Case::new(Front::Envoy(ASKS_FOR_A_JWT))
        .bearer()
        .proof(through(&[Status(401), BodyHas("Jwt is not in the form"), Calls(0)]))
        .failing(Code::GatewayAuthRefused);

    a_deleted_key_is_refused_on_both_paths: Case::new(nginx("")).key(crate::stage::OLD_KEY)
        .proof(through(&UNKNOWN_KEY).key(Some("x-api-key: {old}")))
        .proof(direct(&UNKNOWN_KEY).key(Some("x-api-key: {old}")))
        .failing_everywhere(Code::CredentialRejected);
    a_deleted_key_is_refused_on_both_paths_behind_haproxy: Case::new(haproxy("", "")).key(crate::stage::OLD_KEY).bearer().whole()
        .proof(through(&[Status(401), BodyHas("nvalid")]).whole().key(Some("authorization: Bearer {old}")))
        .failing_everywhere(Code::CredentialRejected);
    an_expired_key_is_refused_on_both_paths: Case::new(nginx("")).account(|key| key.state = KeyState::Expired)
        .proof(through(&[Status(401), Header("request-id", "req_")]))
        .failing_everywhere(Code::CredentialRejected);
    a_key_of_a_revoked_workspace_behind_envoy: Case::new(Front::Envoy(Envoy::PLAIN)).account(|key| key.state = KeyState::WorkspaceRevoked)
        .proof(through(&[Status(401), Header("request-id", "req_")]))
        .failing_everywhere(Code::CredentialRejected);

    a_key_with_a_line_end: Case::new(nginx("")).key(format!("{}\n", claudeprobe::standin::TEST_KEY))
        .proof(through(&[Status(200)]))
        .failing_everywhere(Code::CredentialMalformed);
    a_key_in_quotes: Case::new(nginx("")).key(format!("\"{}\"", claudeprobe::standin::TEST_KEY))
        .proof(through(&UNKNOWN_KEY).key(Some("x-api-key: \"{key}\"")))
        .failing_everywhere(Code::CredentialMalformed);
    a_key_in_base64_twice_behind_haproxy: Case::new(haproxy("", ""))
        .key(base64::Engine::encode(&base64::engine::general_purpose::STANDARD, claudeprobe::standin::TEST_KEY))
        .proof(through(&UNKNOWN_KEY).key(Some("x-api-key: c2stYW50LWFwaTAz")))
        .failing_everywhere(Code::CredentialMalformed).rows(&["key-encoded-twice"]);
    a_placeholder_for_a_key: Case::new(haproxy("", "")).key("changeme")
        .proof(through(&UNKNOWN_KEY).key(Some("x-api-key: changeme")))
        .failing_everywhere(Code::CredentialMalformed);

    claude_refuses_the_model_to_this_key: Case::new(nginx(""))
        .fault(Rule::always(Fault::Error(ErrorName::Permission)))
        .proof(through(&[Status(403), BodyHas("permission_error"), Header("request-id", "req_")]))
        .failing_everywhere(Code::PermissionDenied);
    claude_refuses_the_model_to_the_gateways_key: Case::new(haproxy("http-request set-header x-api-key {other}", ""))
        .gateway(", expectAccount: Any")
        .fault(Rule::always(Fault::Error(ErrorName::Permission)).for_key(crate::stage::OTHER_KEY))
        .proof(through(&[Status(403), BodyHas("permission_error"), Header("request-id", "req_")]))
        .failing(Code::PermissionDenied);
    claude_has_disabled_the_organisation: Case::new(nginx(""))
        .fault(Rule::always(Fault::Error(ErrorName::OrganizationDisabled)))
        .proof(through(&[Status(400), BodyHas("This organization has been disabled.")]))
        .failing_everywhere(Code::AccountDisabled);
}
