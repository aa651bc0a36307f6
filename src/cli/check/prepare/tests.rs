//! From a command line to a plan, and the messages of invalid ones.

use super::*;
use crate::report::evidence::ExchangeKind as Kind;
use crate::report::plan::AuthHeader;

fn args(words: &str) -> Args {
    Args::from_words(words.split_whitespace()).unwrap()
}

fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

const KEY: (&str, &str) = ("ANTHROPIC_API_KEY", "sk-ant-api03-main");

fn key_of(prepared: &Prepared, path: usize) -> Option<String> {
    use secrecy::ExposeSecret as _;
    let credential = prepared.plan.paths[path].credential.as_ref()?;
    let secret = prepared.secrets.get(&credential.secret)?;
    Some(secret.expose_secret().to_owned())
}

#[test]
fn one_gateway_and_a_key_are_enough() {
    let prepared = prepare(&args("--gateway http://edge:8080/"), &environment(&[KEY])).unwrap();
    let paths = &prepared.plan.paths;
    assert_eq!(
        (paths[0].name.as_str(), paths[0].url.as_str()),
        ("direct", "https://api.anthropic.com")
    );
    assert_eq!(
        (paths[1].name.as_str(), paths[1].url.as_str()),
        ("gateway", "http://edge:8080")
    );
    assert_eq!(key_of(&prepared, 0), key_of(&prepared, 1));
    let kinds: Vec<Kind> = paths[1].exchanges.iter().map(|exchange| exchange.kind).collect();
    assert!(
        kinds.contains(&Kind::BogusBeta) && !kinds.contains(&Kind::OtherForm),
        "{kinds:?}"
    );
    // 90 s to measure, plus the time to report.
    assert_eq!(prepared.plan.run_timeout_ms, 105_000);
}

#[test]
fn deep_adds_every_harmless_exchange() {
    let prepared = prepare(&args("--gateway http://edge --deep"), &environment(&[KEY])).unwrap();
    let kinds: Vec<Kind> = prepared.plan.paths[1]
        .exchanges
        .iter()
        .map(|exchange| exchange.kind)
        .collect();
    for kind in [
        Kind::OtherForm,
        Kind::BigBody,
        Kind::LargeHeader,
        Kind::NestedField,
        Kind::MetadataField,
        Kind::ToolField,
        Kind::Number,
        Kind::BadKey,
    ] {
        assert!(kinds.contains(&kind), "{kind:?} in {kinds:?}");
    }
    for kind in [Kind::Parallel, Kind::AttackPrompt, Kind::Long] {
        assert!(!kinds.contains(&kind), "{kind:?} only on request");
    }
    let words = "--gateway http://edge --parallel 4 --waf";
    let prepared = prepare(&args(words), &environment(&[KEY])).unwrap();
    let kinds: Vec<Kind> = prepared.plan.paths[1]
        .exchanges
        .iter()
        .map(|exchange| exchange.kind)
        .collect();
    assert!(
        kinds.contains(&Kind::Parallel) && kinds.contains(&Kind::AttackPrompt),
        "{kinds:?}"
    );
}

#[test]
fn a_gateway_may_have_its_own_name_key_and_auth_header() {
    let words = "--gateway my-edge=http://edge:1 --gateway http://other/x=y --auth-header authorization";
    let own = ("CLAUDEPROBE_CREDENTIAL_MY_EDGE", "virtual");
    let prepared = prepare(&args(words), &environment(&[KEY, own])).unwrap();
    let names: Vec<&str> = prepared.plan.paths.iter().map(|path| path.name.as_str()).collect();
    assert_eq!(names, ["direct", "my-edge", "gateway-2"]);
    assert_eq!(key_of(&prepared, 1).as_deref(), Some("virtual"));
    assert_eq!(key_of(&prepared, 2).as_deref(), Some(KEY.1));
    let auth_header = &prepared.plan.paths[1].credential.as_ref().unwrap().auth_header;
    assert_eq!(*auth_header, AuthHeader::Authorization);
}

#[test]
fn the_old_flag_of_the_auth_header_and_its_old_value_are_accepted() {
    for words in ["--carrier bearer", "--auth-header bearer", "--carrier authorization"] {
        let prepared = prepare(&args(&format!("--gateway http://edge:1 {words}")), &environment(&[KEY])).unwrap();
        let credential = prepared.plan.paths[0].credential.as_ref().unwrap();
        assert_eq!(credential.auth_header, AuthHeader::Authorization, "{words}");
    }
}

#[test]
fn a_missing_key_names_the_variable_and_the_way_out() {
    let said = |words: &str, pairs: &[(&str, &str)]| {
        let failure = prepare(&args(words), &environment(pairs)).unwrap_err();
        assert_eq!(failure.exit.0, 64);
        failure.message
    };
    let message = said("--gateway a=http://edge", &[]);
    assert!(
        message.contains("CLAUDEPROBE_CREDENTIAL_A") && message.contains("--keyless"),
        "{message}"
    );
    let message = said("--gateway a=http://edge --keyless", &[]);
    assert!(message.contains("--no-direct"), "{message}");
    let prepared = prepare(
        &args("--gateway a=http://edge --keyless --no-direct"),
        &environment(&[]),
    )
    .unwrap();
    assert!(prepared.plan.paths[0].credential.is_none() && prepared.plan.paths.len() == 1);
}

#[test]
fn faults_name_the_flag() {
    for (words, flag) in [
        ("--gateway http://edge/v1", "--gateway gateway: "),
        ("--gateway edge=ftp://edge", "--gateway edge: "),
        ("--gateway direct=http://edge", "--gateway direct: "),
        ("--gateway http://edge --direct nonsense", "--direct: "),
        ("--gateway http://edge --max-tokens 0", "--max-tokens: "),
        ("--gateway http://edge --proxy http://user:secret@proxy", "--proxy: "),
    ] {
        let failure = prepare(&args(words), &environment(&[KEY])).unwrap_err();
        assert!(failure.message.starts_with(flag), "{:?} for {words}", failure.message);
        assert!(!failure.message.contains("secret@"), "{}", failure.message);
        assert_eq!(failure.exit.0, 64);
    }
}

#[test]
fn invalid_values_are_rejected_by_the_parser() {
    for words in [
        "",
        "--gateway http://a --parallel 1",
        "--gateway http://a --timeout soon",
        "--gateway http://a -o xml",
        "--gateway http://a -f probe.yaml",
        "--direct http://a",
    ] {
        assert!(
            Args::from_words(words.split_whitespace()).is_err(),
            "{words:?} is accepted"
        );
    }
}

#[test]
fn the_api_key_never_stands_in_for_the_secret_of_a_header() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("probe.yaml");
    let text = "
apiVersion: claudeprobe.dev/v1alpha1
kind: ClaudeProbe
metadata: {name: p}
spec:
  schedule: {every: 5m}
  credential: {secretKeyRef: {name: claude-key, key: api-key}}
  request: {headers: [{name: x-tenant, valueFrom: {secretKeyRef: {name: tenant, key: id}}}]}
  gateways: [{name: edge, url: 'http://edge'}]
";
    std::fs::write(&path, text).unwrap();
    let args = args(&format!("-f {}", path.display()));
    let failure = prepare(&args, &environment(&[KEY])).unwrap_err();
    assert_eq!(
        failure.message,
        "variables are missing in the environment:\n  CLAUDEPROBE_SECRET_TENANT_ID: key id of Secret tenant"
    );
}

#[test]
fn a_file_takes_keys_from_variables_named_after_its_secrets() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("probe.yaml");
    let text = "
apiVersion: claudeprobe.dev/v1alpha1
kind: ClaudeProbe
metadata: {name: p}
spec:
  schedule: {every: 5m}
  credential: {secretKeyRef: {name: claude-key, key: api-key}}
  direct: {url: 'https://api.anthropic.com'}
  gateways:
  - {name: edge, url: 'http://edge', credential: {secretKeyRef: {name: edge.key, key: token}}}
  - {name: inner, url: 'https://inner', tls: {caConfigMapKeyRef: {name: ca, key: ca.pem}}}
---
kind: ConfigMap
metadata: {name: ca}
data: {ca.pem: PEM}
";
    std::fs::write(&path, text).unwrap();
    let args = args(&format!("-f {}", path.display()));
    let failure = prepare(&args, &environment(&[])).unwrap_err();
    assert!(
        failure
            .message
            .contains("CLAUDEPROBE_SECRET_CLAUDE_KEY_API_KEY: key api-key of Secret claude-key"),
        "{}",
        failure.message
    );
    let own = ("CLAUDEPROBE_SECRET_EDGE_KEY_TOKEN", "virtual");
    let prepared = prepare(&args, &environment(&[KEY, own])).unwrap();
    assert_eq!(key_of(&prepared, 0).as_deref(), Some(KEY.1));
    assert_eq!(key_of(&prepared, 1).as_deref(), Some("virtual"));
    let ca = prepared.plan.paths[2].tls.ca.clone().unwrap();
    assert_eq!(std::fs::read_to_string(&ca).unwrap(), "PEM");
    drop(prepared);
    assert!(!Path::new(&ca).exists(), "the files go with the check");
}
