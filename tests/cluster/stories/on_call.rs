//! From `helm install` to the fix, as an on-call engineer sees it: the alert, the dashboards, `kubectl describe`, `explain` and the status page name
//! the same cause.
//!
//! With a real Prometheus that scrapes the operator's pods, and a take-over while the alert fires. Inhibition by Alertmanager is shown in
//! tests/alerts/live.rs. `CLAUDEPROBE_TEST_OUTPUTS=FOLDER` keeps the output there: the documents quote such a run.

use std::path::{Path, PathBuf};
use std::process::Command;

use claudeprobe::standin::tls::Authority;
use serde_json::Value;

use crate::kit::daemon::{free_port, service, wait_for_service};
use crate::kit::nginx::Nginx;
use crate::kit::operator::{both, leader, status_page};
use crate::kit::prometheus::{CLUSTER, Prometheus, short};
use crate::kit::standin::{KEY, NEW_KEY, PASS};
use crate::kit::story::Story;
use crate::kit::{apply, eventually, kubectl, try_kubectl};
use crate::queries::{View, data, questions};

const SYSTEM: &str = "claudeprobe-system";
const PROBE: &str = "assistants";
const STALE: &str = "ClaudeCredentialStale assistants GatewayStaleCredential edge";

#[test]
fn from_helm_install_to_the_fix_all_name_the_same_cause() {
    let outputs = Outputs::default();
    outputs.keep("helm-install.txt", &install());
    let prometheus = Prometheus::start();

    let story = Story::new("oncall", &[KEY]).about(PROBE);
    let secure = secure_gateway(&story);
    let mut gateway = Nginx::start(&story.namespace, "ai-gateway", &secure.server, &with_key(&story, KEY));
    beside(&story, &secure);
    apply(&example(&story, &gateway));
    let before = story.first_run();
    assert_eq!(before.verdict("state"), "Healthy", "{before}");
    prometheus.fires(&[], &[]);

    // The key is rotated; the gateway keeps the old one. Two runs agree, and the condition changes.
    story.store_key(NEW_KEY);
    story.claude.set_keys(&[NEW_KEY]);
    gateway.configure(&secure.server, &with_key(&story, NEW_KEY));
    story.run();
    let broken = story.run();
    assert!(broken.condition("GatewayPathHealthy").starts_with("False/"), "{broken}");
    let firing = prometheus.fires(&[STALE], &[]);

    let shown = [
        ("alert.json", alert(&firing, &story)),
        (
            "dashboard-probe.json",
            panel(
                &prometheus,
                &story,
                "claudeprobe / One probe: Findings of the last run (A)",
            ),
        ),
        (
            "dashboard-overview.json",
            panel(&prometheus, &story, "claudeprobe / All probes: All probes (cause)"),
        ),
        (
            "get.txt",
            kubectl(&["get", "claudeprobes", "--namespace", &story.namespace]),
        ),
        ("describe.txt", story.describe()),
        (
            "explain.txt",
            claudeprobe(&["explain", &format!("{}/{PROBE}", story.namespace)]),
        ),
        ("list.txt", claudeprobe(&["list", "--namespace", &story.namespace])),
        ("status-page.html", page("/")),
        (
            "status-page-probe.html",
            page(&format!("/probes/{}/{PROBE}", story.namespace)),
        ),
    ];
    for (name, text) in &shown {
        outputs.keep(name, text);
        assert!(
            text.contains("GatewayStaleCredential") && text.contains("edge"),
            "{name} names another cause:\n{text}"
        );
        assert!(!text.contains(KEY) && !text.contains(NEW_KEY), "{name} shows a key");
    }

    another_leads(&prometheus);
    all_panels_have_data(&prometheus, &story);
    prometheus.bridges_no_more();

    gateway.restart();
    story.run();
    let fixed = story.run();
    assert!(fixed.condition("GatewayPathHealthy").starts_with("True/"), "{fixed}");
    prometheus.fires(&[], &[STALE]);
}

/// What the status page shows of the probe. The standby learns of a run a moment later.
fn page(path: &str) -> String {
    eventually("the status page shows the cause", || match status_page(path) {
        (200, text) if text.contains("GatewayStaleCredential") => Ok(text),
        other => Err(format!("{other:?}")),
    })
}

/// `helm install` with the chart's defaults, on a node without an operator; returns its output.
fn install() -> String {
    let helm = std::env::var("CLAUDEPROBE_TEST_HELM").expect("CLAUDEPROBE_TEST_HELM is set by tests/run");
    let homes = tempfile::tempdir().unwrap();
    let helm = |arguments: &[&str]| {
        let mut command = Command::new(&helm);
        command
            .args(["--namespace", SYSTEM])
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"));
        for (variable, folder) in [
            ("HELM_CACHE_HOME", "cache"),
            ("HELM_CONFIG_HOME", "config"),
            ("HELM_DATA_HOME", "data"),
        ] {
            command.env(variable, homes.path().join(folder));
        }
        output_of(&mut command)
    };
    // Of an earlier run on a kept node, or of tests/cluster/deploy.
    helm(&["uninstall", "claudeprobe", "--ignore-not-found", "--wait"]);
    if try_kubectl(&["get", "deployment", "claudeprobe-operator", "--namespace", SYSTEM]).is_ok() {
        kubectl(&["delete", "--ignore-not-found", "-f", "deploy", "-f", "crds"]);
    }
    let notes = helm(&[
        "install",
        "claudeprobe",
        "charts/claudeprobe",
        "--create-namespace",
        "--wait",
        "--timeout",
        "3m",
    ]);
    assert!(
        notes.contains("Dashboards are in ConfigMap claudeprobe-dashboards"),
        "{notes}"
    );
    let found = kubectl(&[
        "get",
        "configmaps",
        "--namespace",
        SYSTEM,
        "--selector",
        "grafana_dashboard=1",
        "--output",
        "name",
    ]);
    assert_eq!(found.trim(), "configmap/claudeprobe-dashboards");
    notes
}

/// The output of a command that must succeed.
fn output_of(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

/// The program's output for a user who may view the namespace. Its exit code is the verdict's.
fn claudeprobe(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_claudeprobe"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.stderr.is_empty(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn with_key(story: &Story, key: &str) -> String {
    format!("proxy_set_header x-api-key {key};\n{}", story.claude.pass(PASS))
}

/// The example as it stands, with the addresses of this stage.
fn example(story: &Story, gateway: &Nginx) -> String {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/simple.yaml")).unwrap();
    let adapted = text
        .replace("https://api.anthropic.com", &story.claude.url)
        .replace("http://ai-gateway.gateways.svc:8080", &gateway.url)
        .replace(
            "name: assistants",
            &format!("name: assistants\n  namespace: {}", story.namespace),
        );
    assert!(
        adapted.contains(&story.claude.url) && adapted.contains(&gateway.url),
        "{adapted}"
    );
    adapted
}

/// A gateway with a certificate, so that there is one to expire.
struct Secure {
    port: u16,
    ca: String,
    /// Its server block, for an nginx that has another server already.
    server: String,
    /// Its certificate and key.
    _folder: tempfile::TempDir,
}

fn secure_gateway(story: &Story) -> Secure {
    // Another test may have installed it first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let authority = Authority::new("the story's CA").unwrap();
    let identity = authority.issue(&[format!("secure.{}.svc", story.namespace)]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (chain, key, port) = (
        folder.path().join("tls.crt"),
        folder.path().join("tls.key"),
        free_port(),
    );
    std::fs::write(&chain, identity.chain_pem()).unwrap();
    std::fs::write(&key, identity.key_pem()).unwrap();
    Secure {
        port,
        ca: authority.ca_pem().to_owned(),
        server: format!(
            "server {{ listen {port} ssl; ssl_certificate {}; ssl_certificate_key {}; location / {{ {} }} }}",
            chain.display(),
            key.display(),
            story.claude.pass(PASS)
        ),
        _folder: folder,
    }
}

/// Two more probes, on which nothing is wrong: one runs by its schedule, through TLS, and one is suspended.
fn beside(story: &Story, secure: &Secure) {
    service(&story.namespace, "secure", 443, secure.port);
    wait_for_service(&story.namespace, "secure", 443);
    let Story { namespace, claude, .. } = story;
    let ca = serde_json::to_string(&secure.ca).unwrap();
    let probe = |name: &str, spec: &str| {
        format!(
            "---\napiVersion: claudeprobe.dev/v1alpha1\nkind: ClaudeProbe\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec:\n  \
             credential: {{secretKeyRef: {{name: claude-key, key: api-key}}}}\n  direct: {{url: {}}}\n  {spec}\n",
            claude.url
        )
    };
    apply(&format!(
        "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: corp-ca, namespace: {namespace}}}, data: {{ca.crt: {ca}}}}}\n{}{}",
        probe(
            "secure",
            &format!(
                "schedule: {{every: 30s}}\n  gateways: [{{name: edge, url: \"https://secure.{namespace}.svc\", tls: {{caConfigMapKeyRef: {{name: corp-ca, key: ca.crt}}}}}}]"
            )
        ),
        probe(
            "paused",
            "schedule: {every: 5m}\n  suspend: true\n  gateways: [{name: edge, url: \"http://127.0.0.1:9\"}]"
        ),
    ));
}

/// The alert's annotations as the on-call engineer sees them.
fn alert(firing: &[Value], story: &Story) -> String {
    let alert = firing.iter().find(|alert| short(alert) == STALE).unwrap();
    let label = |name: &str| alert["labels"][name].as_str().unwrap_or_default().to_owned();
    assert_eq!(["severity", "layer"].map(label), ["critical", "Configuration"]);
    let namespace = &story.namespace;
    let begins =
        format!("GatewayStaleCredential on path edge at ai-gateway.{namespace}.svc:8080, probe {namespace}/{PROBE}:");
    let description = alert["annotations"]["description"].as_str().unwrap();
    assert!(description.starts_with(&begins), "{description}");
    serde_json::to_string_pretty(alert).unwrap()
}

fn view<'a>(namespaces: &'a [&'a str], probe: &'a str) -> View<'a> {
    View {
        cluster: CLUSTER,
        namespaces,
        probe,
        paths: None,
        until: jiff::Timestamp::now().as_second().unsigned_abs(),
        range: 300,
    }
}

/// What one query of a panel returns.
fn panel(prometheus: &Prometheus, story: &Story, of: &str) -> String {
    let namespaces = [story.namespace.as_str()];
    let all = questions(view(&namespaces, PROBE));
    let question = all.into_iter().find(|question| question.of == of);
    let answer = prometheus.ask(&question.unwrap_or_else(|| panic!("no query {of}")).url);
    serde_json::to_string_pretty(&answer["data"]["result"]).unwrap()
}

/// Every query of every panel returns data, for one of the probes at least.
fn all_panels_have_data(prometheus: &Prometheus, story: &Story) {
    let namespaces = [story.namespace.as_str(), "default"];
    eventually("all panels have data", || {
        let asked = [PROBE, "secure"].map(|probe| questions(view(&namespaces, probe)));
        let silent = asked[0].iter().zip(&asked[1]).filter_map(|(one, other)| {
            let answers = [one, other].map(|question| data(&prometheus.ask(&question.url)));
            answers
                .iter()
                .all(Result::is_err)
                .then(|| format!("{}: {answers:?}", one.of))
        });
        let silent: Vec<String> = silent.collect();
        if silent.is_empty() {
            Ok(())
        } else {
            Err(silent.join("\n"))
        }
    });
}

/// The leader's pod is deleted while the alert fires. The next leader's metrics keep the alert: it neither resolves nor starts again, and
/// no other alert fires.
fn another_leads(prometheus: &Prometheus) {
    both();
    let old = leader();
    let address = kubectl(&[
        "get",
        "pod",
        "--namespace",
        SYSTEM,
        &old.name,
        "--output",
        "jsonpath={.status.podIP}",
    ]);
    kubectl(&[
        "delete",
        "pod",
        "--namespace",
        SYSTEM,
        &old.name,
        "--grace-period=0",
        "--force",
    ]);
    let cause = format!(
        "claudeprobe_condition_cause{{type=\"GatewayPathHealthy\",code=\"GatewayStaleCredential\",instance!=\"{address}:8080\"}}"
    );
    eventually("Prometheus has the cause from another replica", || {
        let firing: Vec<String> = prometheus.firing().iter().map(short).collect();
        assert_eq!(firing, [STALE], "during the take-over");
        if prometheus.query(&cause).is_empty() {
            Err(String::new())
        } else {
            Ok(())
        }
    });
    assert_ne!(leader().name, old.name);
    // The value is the start time: a restarted alert would have another one.
    let begun = prometheus.query("changes(ALERTS_FOR_STATE{alertname=\"ClaudeCredentialStale\"}[5m])");
    assert_eq!(begun.len(), 1, "{begun:?}");
    assert_eq!(begun[0]["value"][1], "0", "the alert began anew");
}

/// The folder for the output, if any.
struct Outputs(Option<PathBuf>);

impl Default for Outputs {
    fn default() -> Self {
        Self(std::env::var_os("CLAUDEPROBE_TEST_OUTPUTS").map(PathBuf::from))
    }
}

impl Outputs {
    fn keep(&self, name: &str, text: &str) {
        let Some(folder) = &self.0 else { return };
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join(name), text).unwrap();
    }
}
