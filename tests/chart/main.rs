//! The Helm chart on a real API server: Helm rejects bad values, and the server accepts every object of every variant.
//!
//! `tests/run crd` runs this in the network namespace of an API server, with helm and kubectl on
//! the PATH. `tests/cluster/stories` install the chart.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../crd/kubectl.rs"]
#[allow(dead_code)]
mod kubectl;

use std::process::Command;
use std::sync::LazyLock;

use kubectl::{Answer, kubectl, kubectl_with};
use serde_json::Value;

const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/charts/claudeprobe");
/// Warns about every pod template that the restricted Pod Security Standard rejects.
const NAMESPACE: &str = "chart";

fn helm(arguments: &[&str]) -> Answer {
    let output = Command::new("helm")
        .args(arguments)
        .output()
        .expect("helm is missing: run this by tests/run crd");
    Answer {
        good: output.status.success(),
        output: String::from_utf8(output.stdout).unwrap(),
        errors: String::from_utf8(output.stderr).unwrap().trim_end().to_owned(),
    }
}

fn render(values: &[&str]) -> Answer {
    let mut arguments = vec![
        "template",
        "claudeprobe",
        CHART,
        "--namespace",
        NAMESPACE,
        "--kube-version",
        "1.31.0",
    ];
    for value in values {
        arguments.extend(["--set-json", value]);
    }
    helm(&arguments)
}

/// Manifest and notes of an installation, with the kinds of this server. It uses its own names and skips the CRD, because
/// deploy/ is already applied on this server.
fn install_dry_run(values: &[&str]) -> String {
    let mut arguments = vec![
        "install",
        "another",
        CHART,
        "--namespace",
        NAMESPACE,
        "--dry-run=server",
        "--set-json",
        "crd.install=false",
    ];
    for value in values {
        arguments.extend(["--set-json", value]);
    }
    helm(&arguments).expect_good()
}

fn namespace() {
    static ONCE: LazyLock<()> = LazyLock::new(|| {
        let labels = "pod-security.kubernetes.io/warn: restricted";
        let manifest =
            format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: {NAMESPACE}, labels: {{{labels}}}}}}}");
        kubectl_with(&manifest, &["apply", "--server-side", "-f", "-"]).expect_good();
    });
    LazyLock::force(&ONCE);
}

#[test]
fn helm_lint_reports_no_error() {
    let answer = helm(&["lint", "--strict", "--kube-version", "1.31.0", CHART]);
    assert!(answer.good, "{answer:?}");
}

#[test]
fn bad_values_are_rejected_with_their_name() {
    let table = [
        ("operator.replicas=0", "replicas"),
        ("operator.replicas=\"two\"", "replicas"),
        ("operator.leaseDuration=\"soon\"", "leaseDuration"),
        ("operator.logFormat=\"xml\"", "logFormat"),
        ("operator.namespaces=\"ai\"", "namespaces"),
        ("operator.namespaces=[\"Not_A_Name\"]", "namespaces"),
        ("operator.namespaces=[\"ai\",\"ai\"]", "namespaces"),
        ("operator.refuseNetworks=[\"10.0.0.0\"]", "refuseNetworks"),
        ("operator.replicaCount=3", "replicaCount"),
        ("image.repository=\"\"", "repository"),
        ("image.tag=1", "tag"),
        ("image.digest=\"md5:abc\"", "digest"),
        ("image.pullPolicy=\"Sometimes\"", "pullPolicy"),
        ("imagePullSecrets=[\"name\"]", "imagePullSecrets"),
        ("serviceAccount={\"create\":false}", "name"),
        ("metrics.scrape=\"serviceMonitor\"", "scrape"),
        ("metrics.interval=\"often\"", "interval"),
        ("alerts.rule=true", "rule"),
        (
            "alerts.runbookBase=\"https://git.example.com/claudeprobe\"",
            "runbookBase",
        ),
        ("statusPage.address=\"8090\"", "address"),
        ("statusPage.address=\"0.0.0.0:8443\"", "tlsSecret"),
        ("statusPage.address=\"[::]:8443\"", "tlsSecret"),
        ("statusPage.tlsSecret=\"tls\"", "tlsSecret"),
        ("statusPage.audience=\"probes\"", "audience"),
        (
            "statusPage={\"address\":\"0.0.0.0:8443\",\"tlsSecret\":\"Upper\"}",
            "tlsSecret",
        ),
        ("service.port=0", "port"),
        ("crd.keep=\"yes\"", "keep"),
        ("commonLabels={\"team\":1}", "team"),
        ("fullnameOverride=\"Upper\"", "fullnameOverride"),
        ("unknown=1", "unknown"),
    ];
    let wrong: Vec<String> = table
        .iter()
        .filter_map(|(value, named)| {
            let answer = render(&[value]);
            (answer.good || !answer.errors.contains(named)).then(|| format!("{value}: {answer:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_server_accepts_every_variant_without_a_warning() {
    namespace();
    let everything = r#"operator={"namespaces":["default","kube-public"],"refuseNetworks":["10.0.0.0/8"],"nodeSelector":{"a":"b"},"podLabels":{"p":"l"},
        "podAnnotations":{"p":"a"},"priorityClassName":"system-cluster-critical","tolerations":[{"operator":"Exists"}],
        "affinity":{"nodeAffinity":{}},"topologySpreadConstraints":[{"maxSkew":2,"topologyKey":"zone","whenUnsatisfiable":"DoNotSchedule"}]}"#;
    let variants: [&[&str]; 8] = [
        &[],
        &[everything],
        &[
            "commonLabels={\"team\":\"ai\"}",
            "imagePullSecrets=[{\"name\":\"pull\"}]",
            "image={\"repository\":\"registry.example:5000/team/claudeprobe\",\"digest\":\"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}",
            "serviceAccount.annotations={\"a\":\"b\"}",
            "service.annotations={\"a\":\"b\"}",
            "dashboard={\"annotations\":{\"grafana_folder\":\"AI\"},\"namespace\":\"default\"}",
        ],
        &[
            "metrics.scrape=\"Annotations\"",
            "networkPolicy.from=[{\"namespaceSelector\":{}}]",
            "fullnameOverride=\"probes\"",
        ],
        &[
            "crd.install=false",
            "admissionPolicies.enabled=false",
            "rbac={\"create\":false,\"userRoles\":false}",
            "podDisruptionBudget.enabled=false",
            "networkPolicy.enabled=false",
            "dashboard.enabled=false",
        ],
        &["statusPage.address=\"off\""],
        &[EXPOSED],
        &["crd.keep=false", "serviceAccount={\"create\":false,\"name\":\"mine\"}"],
    ];
    for values in variants {
        accepted(&render(values).expect_good(), values);
    }
}

/// A status page that is not on loopback.
const EXPOSED: &str =
    r#"statusPage={"address":"0.0.0.0:8443","tlsSecret":"status-tls","audience":"probes","from":[{"podSelector":{}}]}"#;

#[test]
fn only_a_status_page_that_is_not_on_loopback_has_a_port_a_certificate_and_the_right_to_create_reviews() {
    let traits = [
        "tokenreviews",
        "subjectaccessreviews",
        "secretName: status-tls",
        "targetPort: status-page",
        "{name: status-page, containerPort: 8443}",
        "- {port: status-page}",
        "name: CLAUDEPROBE_STATUS_PAGE_AUDIENCE, value: \"probes\"",
    ];
    let with = render(&[EXPOSED]).expect_good();
    for mark in traits {
        assert!(with.contains(mark), "{mark}\n{with}");
    }
    let namespaced = render(&[EXPOSED, r#"operator.namespaces=["ai"]"#]).expect_good();
    assert!(
        namespaced.contains("tokenreviews") && namespaced.contains("subjectaccessreviews"),
        "{namespaced}"
    );
    for local in ["127.0.0.1:8090", "[::1]:8090", "off"] {
        let without = render(&[&format!("statusPage.address=\"{local}\"")]).expect_good();
        assert!(
            without.contains(&format!("{{name: CLAUDEPROBE_STATUS_PAGE, value: \"{local}\"}}")),
            "{without}"
        );
        for mark in traits {
            assert!(!without.contains(mark), "{mark} with {local}\n{without}");
        }
    }
}

/// Grafana's sidecar loads each key of a ConfigMap with its label as a file.
#[test]
fn dashboards_are_files_of_a_config_map_with_the_sidecars_label() {
    let dashboards = |values: &[&str]| {
        let manifest = render(values).expect_good();
        let documents = manifest
            .split("\n---\n")
            .map(|text| serde_saphyr::from_str::<Value>(text).unwrap());
        let mut found = documents
            .filter(|object| object["kind"] == "ConfigMap" && object["metadata"]["name"] == "claudeprobe-dashboards");
        let first = found.next();
        assert!(found.next().is_none());
        first
    };
    let object = dashboards(&[]).unwrap();
    assert_eq!(object["metadata"]["labels"]["grafana_dashboard"], "1");
    assert_eq!(object["metadata"]["namespace"], NAMESPACE);
    let files = object["data"].as_object().unwrap();
    let names: Vec<&String> = files.keys().collect();
    assert_eq!(
        names,
        [
            "claudeprobe-operator.json",
            "claudeprobe-overview.json",
            "claudeprobe-probe.json"
        ]
    );
    for (name, text) in files {
        let own = name.strip_prefix("claudeprobe-").unwrap();
        let file = std::fs::read_to_string(format!("{CHART}/files/dashboards/{own}")).unwrap();
        assert_eq!(text.as_str().unwrap(), file, "{name}");
    }

    let values = [
        "dashboard={\"labels\":{\"grafana_dashboard\":null,\"dashboards\":\"ai\"},\"annotations\":{\"grafana_folder\":\"AI\"},\"namespace\":\"grafana\"}",
        "alerts.runbookBase=\"https://git.example.com/claudeprobe/\"",
    ];
    let object = dashboards(&values).unwrap();
    assert_eq!(object["metadata"]["labels"]["dashboards"], "ai");
    assert!(object["metadata"]["labels"]["grafana_dashboard"].is_null());
    assert_eq!(object["metadata"]["annotations"]["grafana_folder"], "AI");
    assert_eq!(object["metadata"]["namespace"], "grafana");
    let text = object["data"]["claudeprobe-probe.json"].as_str().unwrap();
    assert!(
        text.contains("Runbook: https://git.example.com/claudeprobe/docs/alerts.md#claudequotalow"),
        "{text}"
    );
    assert!(!text.contains("Runbook: docs/"), "{text}");

    assert_eq!(dashboards(&["dashboard.enabled=false"]), None);
}

fn accepted(manifest: &str, values: &[&str]) {
    let answer = kubectl_with(
        manifest,
        &[
            "apply",
            "--server-side",
            "--force-conflicts",
            "--dry-run=server",
            "--validate=strict",
            "-f",
            "-",
        ],
    );
    assert!(answer.good && answer.errors.is_empty(), "{values:?}: {answer:?}");
}

#[test]
fn monitors_and_rules_are_installed_if_the_cluster_has_their_kinds_with_one_kind_of_scrape_at_a_time() {
    namespace();
    let definitions = std::env::var("CLAUDEPROBE_TEST_MONITORING_CRDS").expect("run this by tests/run crd");
    // A server that was kept from an earlier run has them already.
    kubectl(&["delete", "--ignore-not-found", "-f", &definitions]).expect_good();
    let without = install_dry_run(&[]);
    assert!(!without.contains("monitoring.coreos.com/v1"), "{without}");
    assert!(without.contains("this cluster has no ServiceMonitor kind"), "{without}");
    assert!(without.contains("this cluster has no PrometheusRule kind"), "{without}");

    kubectl(&["apply", "--server-side", "-f", &definitions]).expect_good();
    // The server serves a CRD a moment after it accepts it.
    for kind in ["servicemonitors", "podmonitors", "prometheusrules"] {
        let served = (0..300).any(|_| {
            let served = kubectl(&["get", kind]).good;
            if !served {
                std::thread::sleep(std::time::Duration::from_millis(200));
            }
            served
        });
        assert!(served, "the server does not serve {kind}");
    }
    let with = install_dry_run(&[]);
    assert!(!with.contains("this cluster has no"), "{with}");
    assert!(
        with.contains("Dashboards are in ConfigMap another-claudeprobe-dashboards"),
        "{with}"
    );
    for (scrape, kind, not) in [
        ("Auto", "kind: ServiceMonitor", "kind: PodMonitor"),
        ("ServiceMonitor", "kind: ServiceMonitor", "kind: PodMonitor"),
        ("PodMonitor", "kind: PodMonitor", "kind: ServiceMonitor"),
        ("Annotations", "prometheus.io/scrape", "Monitor\n"),
        ("None", "Prometheus does not scrape the operator", "Monitor\n"),
    ] {
        let printed = install_dry_run(&[&format!("metrics.scrape=\"{scrape}\"")]);
        assert!(printed.contains(kind) && !printed.contains(not), "{scrape}: {printed}");
    }
    let labels = [
        "metrics={\"scrape\":\"PodMonitor\",\"labels\":{\"release\":\"p\"}}",
        "alerts={\"rule\":\"Enabled\",\"labels\":{\"release\":\"p\"}}",
    ];
    accepted(&render(&labels).expect_good(), &labels);
    let service = ["metrics.scrape=\"ServiceMonitor\"", "alerts.rule=\"Enabled\""];
    accepted(&render(&service).expect_good(), &service);
}

/// Grants `user` exactly these rights in the namespace.
fn allow(user: &str, rules: &str) {
    let manifest = format!(
        "{{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {{name: {user}, namespace: {NAMESPACE}}}, rules: [{rules}]}}\n---\n\
         {{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {{name: {user}, namespace: {NAMESPACE}}}, \
         roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: {user}}}, subjects: [{{kind: User, name: {user}}}]}}\n"
    );
    kubectl_with(&manifest, &["apply", "--server-side", "-f", "-"]).expect_good();
}

/// Repeats until the answer is as expected: authorizer and policies receive changes through a watch.
fn until(what: &str, mut ask: impl FnMut() -> Answer, is: impl Fn(&Answer) -> bool) -> Answer {
    let mut answer = ask();
    for _ in 0..300 {
        if is(&answer) {
            return answer;
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
        answer = ask();
    }
    panic!("{what}: {answer:?}")
}

#[test]
fn the_policy_names_the_right_on_secrets_or_pods_that_an_author_of_probes_lacks() {
    namespace();
    kubectl(&[
        "apply",
        "--server-side",
        "-f",
        concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/20-admission.yaml"),
    ])
    .expect_good();
    let probes = "{apiGroups: [claudeprobe.dev], resources: [claudeprobes], verbs: ['*']}";
    let secrets = "{apiGroups: [''], resources: [secrets], verbs: [get]}";
    let pods = "{apiGroups: [''], resources: [pods], verbs: [create]}";
    allow("writes-only", probes);
    allow("reads-secrets", &format!("{probes}, {secrets}"));
    allow("starts-pods", &format!("{probes}, {pods}"));
    allow("does-both", &format!("{probes}, {secrets}, {pods}"));
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/simple.yaml");
    let create = |user: &str| {
        kubectl(&[
            "create",
            "--namespace",
            NAMESPACE,
            "--as",
            user,
            "--dry-run=server",
            "-f",
            example,
        ])
    };
    for (user, lacks) in [
        ("writes-only", "get secrets"),
        ("starts-pods", "get secrets"),
        ("reads-secrets", "create pods"),
    ] {
        let refusal = format!("{user} must be allowed to {lacks} in {NAMESPACE}");
        let answer = until(
            "the policy rejects",
            || create(user),
            |answer| answer.errors.contains(&refusal),
        );
        assert!(!answer.good, "{answer:?}");
    }
    until(
        "a user with both rights may write a probe",
        || create("does-both"),
        |answer| answer.good,
    );
}

#[test]
fn helm_accepts_every_value_in_the_documents() {
    let mut checked = 0;
    for file in [
        "README.md",
        "docs/install.md",
        "docs/gitops.md",
        "docs/security.md",
        "docs/troubleshooting.md",
    ] {
        let text = std::fs::read_to_string(format!("{}/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap_or_default();
        let words: Vec<&str> = text.split_whitespace().collect();
        for pair in words.windows(2) {
            let option = pair[0].trim_start_matches('`');
            if !option.starts_with("--set") {
                continue;
            }
            // As after the shell's quoting, without trailing Markdown.
            let value = pair[1]
                .trim_end_matches([',', '.', ';', ')'])
                .trim_end_matches('`')
                .replace('\'', "")
                .replace("REGISTRY", "registry.example.com");
            let answer = helm(&[
                "template",
                "claudeprobe",
                CHART,
                "--kube-version",
                "1.31.0",
                option,
                &value,
            ]);
            assert!(answer.good, "{file}: {option} {value}: {answer:?}");
            checked += 1;
        }
    }
    assert!(checked > 15, "only {checked} values are in the documents");
}
