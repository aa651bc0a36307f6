//! The exchanges of a plan, and that nothing it references is missing.

use super::*;
use crate::report::evidence::exchange_kind::Endpoint;
use crate::resource::spec::ClaudeProbe;

const FULL: &str = "
metadata: {name: assistants, namespace: ai, uid: u-1}
spec:
  schedule: {every: 5m}
  credential: {secretKeyRef: {name: claude-key, key: api-key}}
  request:
    headers:
    - {name: X-Team, value: a}
    - {name: x-tenant, valueFrom: {secretKeyRef: {name: tenant, key: id}}}
  direct:
    url: https://api.anthropic.com
    proxy: {url: 'http://proxy:3128', credentialSecretRef: {name: proxy}}
  gateways:
  - name: edge
    url: https://edge/team/
    tls: {caConfigMapKeyRef: {name: ca, key: ca.crt}, clientCertificateSecretRef: {name: client}}
  - name: bedrock
    url: http://bedrock
    upstream: Bedrock
    credential: {none: {}}
    placement: {mesh: true}
  exchanges: {parallel: 4, bodyBytes: 2048, attackPrompt: true, reuseIdle: 70s}
";

fn probe() -> Probe {
    Probe::parse(&serde_saphyr::from_str::<ClaudeProbe>(FULL).unwrap()).unwrap()
}

fn kinds(path: &PathPlan) -> Vec<ExchangeKind> {
    path.exchanges.iter().map(|exchange| exchange.kind).collect()
}

fn shared(choice: ForwardingCheckChoice) -> PodPlan {
    let probe = probe();
    plan(&probe, &probe.pods[0], "s1", choice, &Settings::default())
}

const DUE: ForwardingCheckChoice = ForwardingCheckChoice {
    headers: true,
    credential: CredentialChecks::Always,
    zero_token_only: false,
    deep: false,
    long: false,
    buffered: false,
};

#[test]
fn an_ordinary_run_plans_only_what_a_failure_would_need() {
    let PodPlan { plan, .. } = shared(ForwardingCheckChoice::default());
    assert_eq!(plan.paths.len(), 2);
    for path in &plan.paths {
        let asked: Vec<_> = path.exchanges.iter().map(|it| (it.kind, it.when)).collect();
        assert_eq!(
            asked,
            [
                (ExchangeKind::Route, When::Failed),
                (ExchangeKind::OtherAuthHeader, When::AuthFailed),
                (ExchangeKind::NoKey, When::AuthFailed),
                (ExchangeKind::BadKey, When::AuthFailed),
            ]
        );
    }
}

#[test]
fn a_forwarding_check_run_also_sends_what_was_opted_into() {
    let PodPlan { plan, .. } = shared(DUE);
    let direct = kinds(&plan.paths[0]);
    let gateway = kinds(&plan.paths[1]);
    for kind in [
        ExchangeKind::BogusBeta,
        ExchangeKind::OtherForm,
        ExchangeKind::BigBody,
        ExchangeKind::Parallel,
        ExchangeKind::AttackPrompt,
        ExchangeKind::ReuseIdle,
    ] {
        assert!(direct.contains(&kind) && gateway.contains(&kind), "{kind:?}");
    }
    assert!(gateway.contains(&ExchangeKind::BenignPrompt) && !direct.contains(&ExchangeKind::BenignPrompt));
    let body = plan.paths[1]
        .exchanges
        .iter()
        .find(|it| it.kind == ExchangeKind::BigBody);
    assert_eq!(body.unwrap().amount, 2048);
}

#[test]
fn over_budget_nothing_is_sent_that_generates_tokens() {
    let choice = ForwardingCheckChoice {
        zero_token_only: true,
        ..DUE
    };
    let PodPlan { plan, .. } = shared(choice);
    assert!(plan.zero_token_only);
    assert_eq!(reservation(&probe(), choice), 0);
    for path in &plan.paths {
        assert!(!path.exchanges.is_empty() || !path.anthropic);
        for kind in kinds(path) {
            // Where a gateway loses what Claude rejects, counting bills nothing, and a message is answered.
            let never_answered = kind.entry().endpoint != Endpoint::Messages;
            assert!(!kind.is_billed() && never_answered && !kind.is_about_key(), "{kind:?}");
        }
    }
}

#[test]
fn forwarding_checks_that_are_switched_off_stay_off() {
    let mut probe = probe();
    probe.forwarding_checks.every = None;
    let PodPlan { plan, .. } = plan(&probe, &probe.pods[0], "s1", DUE, &Settings::default());
    assert!(plan.paths.iter().all(|path| path.exchanges.is_empty()));
}

#[test]
fn another_backend_and_a_path_without_a_key_get_only_conclusive_exchanges() {
    let probe = probe();
    let PodPlan { plan, needs } = plan(&probe, &probe.pods[1], "s1", DUE, &Settings::default());
    assert!(plan.mesh);
    let path = &plan.paths[0];
    assert!(!path.anthropic && path.credential.is_none());
    let kinds = kinds(path);
    assert!(!kinds.contains(&ExchangeKind::BogusBeta));
    assert!(!kinds.contains(&ExchangeKind::NoKey) && kinds.contains(&ExchangeKind::BadKey));
    assert_eq!(needs.secrets.len(), 1, "the request's header only");
}

#[test]
fn each_key_has_one_variable_and_each_file_one_volume() {
    let PodPlan { plan, needs } = shared(DUE);
    let secrets: Vec<_> = needs
        .secrets
        .iter()
        .map(|it| format!("{}={}/{}", it.variable, it.secret.name, it.secret.key))
        .collect();
    assert_eq!(
        secrets,
        [
            "CLAUDEPROBE_SECRET_0=tenant/id",
            "CLAUDEPROBE_SECRET_1=claude-key/api-key",
            "CLAUDEPROBE_SECRET_2=proxy/username",
            "CLAUDEPROBE_SECRET_3=proxy/password",
            "CLAUDEPROBE_SECRET_4=client/tls.crt",
            "CLAUDEPROBE_SECRET_5=client/tls.key",
        ]
    );
    assert_eq!(plan.paths[0].credential, plan.paths[1].credential);
    assert_eq!(plan.paths[1].tls.ca.as_deref(), Some("/etc/claudeprobe/file-0/content"));
    assert_eq!(needs.files[0].directory, "/etc/claudeprobe/file-0");
    assert_eq!(plan.paths[1].url, "https://edge/team");
}

#[test]
fn a_plan_survives_its_own_wire_form() {
    let PodPlan { plan, .. } = shared(DUE);
    assert_eq!(Plan::from_env(&plan.to_env().unwrap()).unwrap(), plan);
}

#[test]
fn a_run_reserves_what_it_may_use() {
    let tokens = estimate(&probe());
    assert_eq!(reservation(&probe(), ForwardingCheckChoice::default()), tokens.run);
    assert_eq!(reservation(&probe(), DUE), tokens.run + tokens.forwarding_checks);
}

#[test]
fn the_long_request_has_its_own_time_on_each_path_and_its_own_tokens() {
    let mut probe = probe();
    probe.exchanges.long = Some(LongRequest {
        every: Duration::from_secs(86_400),
        at_least: Duration::from_secs(60),
        max_tokens: 4_000,
        timeout: Duration::from_secs(300),
    });
    let choice = ForwardingCheckChoice { long: true, ..DUE };
    // Two paths in the larger pod take turns.
    assert_eq!(
        run_timeout(&probe, choice),
        probe.run_timeout + Duration::from_secs(600)
    );
    assert_eq!(run_timeout(&probe, DUE), probe.run_timeout);
    let PodPlan { plan, .. } = plan(&probe, &probe.pods[0], "s1", choice, &Settings::default());
    assert_eq!(plan.long_timeout_ms, 300_000);
    let long = |path: &PathPlan| {
        path.exchanges
            .iter()
            .find(|it| it.kind == ExchangeKind::Long)
            .map(|it| it.amount)
    };
    assert!(plan.paths.iter().all(|path| long(path) == Some(4_000)));
    let tokens = estimate(&probe);
    assert_eq!(tokens.long_one.output, 4_000);
    assert_eq!(
        reservation(&probe, choice),
        tokens.run + tokens.forwarding_checks + tokens.long
    );
    let broke = ForwardingCheckChoice {
        zero_token_only: true,
        ..choice
    };
    assert_eq!(
        (run_timeout(&probe, broke), reservation(&probe, broke)),
        (probe.run_timeout, 0)
    );
}
