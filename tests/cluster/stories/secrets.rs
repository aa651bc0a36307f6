//! No secret leaves its place, and each right has its limits.

use crate::kit::audit;
use crate::kit::nginx::Nginx;
use crate::kit::standin::{KEY, PASS};
use crate::kit::story::Story;
use crate::kit::{apply, kubectl, try_apply, try_kubectl};

const OPERATOR: &str = "system:serviceaccount:claudeprobe-system:claudeprobe-operator";

#[test]
fn a_gateway_that_echoes_everything_back_does_not_get_the_key_shown() {
    let story = Story::new("echo", &[KEY]);
    // Every header and the body come back, in an error and in headers, as a debugging gateway does.
    let echo = "default_type application/json; add_header x-echo \"$http_x_api_key\" always; \
                return 500 '{\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"got key $http_x_api_key auth $http_authorization\"}}';";
    let gateway = Nginx::start(&story.namespace, "gateway", "", echo);
    story.probe(&gateway.url, "");
    let status = story.first_run();
    assert_ne!(status.verdict("state"), "Healthy");
    let pod = story.kubectl(&["get", "pods", "-o", "name"]);
    let shown = [
        story.kubectl(&["get", "claudeprobe", "p", "-o", "yaml"]),
        story.kubectl(&["get", "pods", "-o", "yaml"]),
        story.kubectl(&["logs", pod.trim()]),
        story.kubectl(&["get", "events", "-o", "yaml"]),
        story.describe(),
        crate::kit::operator::leader().metrics().unwrap(),
    ];
    for text in &shown {
        assert!(!text.contains(KEY), "{text}");
        assert!(!text.contains(&KEY[..40]), "not its beginning either: {text}");
    }
}

#[test]
fn dollars_arrive_byte_for_byte() {
    let story = Story::new("dollars", &[KEY]);
    let gateway = Nginx::start(&story.namespace, "gateway", "", &story.claude.pass(PASS));
    // The kubelet expands $(NAME) in what it passes to a container, and makes $ of $$.
    let prompt = "x $(CLAUDEPROBE_SECRET_0) $$ $(HOME) y";
    story.probe(
        &format!("{}/a$(CLAUDEPROBE_SECRET_0)b", gateway.url),
        &format!("  request:\n    prompt: \"{prompt}\"\n    headers: [{{name: x-story, value: \"$(CLAUDEPROBE_SECRET_0)$$\"}}]\n"),
    );
    story.first_run();
    let seen = story.claude.requests();
    let by_gateway = seen
        .iter()
        .find(|request| request["target"].as_str().unwrap().starts_with("/a"))
        .expect("a request through the gateway");
    assert_eq!(by_gateway["target"], "/a$(CLAUDEPROBE_SECRET_0)b/v1/messages");
    let body: serde_json::Value = serde_json::from_str(by_gateway["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["messages"][0]["content"], prompt);
    let headers = by_gateway["headers"].as_array().unwrap();
    assert!(
        headers.contains(&serde_json::json!(["x-story", "$(CLAUDEPROBE_SECRET_0)$$"])),
        "{headers:?}"
    );
}

#[test]
fn the_operator_reads_no_secret_and_starts_only_pods_of_probes() {
    let story = Story::new("deputy", &[KEY]);
    let pod = |name: &str, owner: &str, image: &str, more: &str| {
        format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: {name}, namespace: {}{owner}}}, spec: {{automountServiceAccountToken: false{more}, \
             containers: [{{name: c, image: \"{image}\", securityContext: {{allowPrivilegeEscalation: false}}}}]}}}}",
            story.namespace
        )
    };
    let owned = ", ownerReferences: [{apiVersion: claudeprobe.dev/v1alpha1, kind: ClaudeProbe, name: p, uid: none, controller: true}]";
    let own_image = kubectl(&[
        "get",
        "deployment",
        "-n",
        "claudeprobe-system",
        "claudeprobe-operator",
        "-o",
        "jsonpath={.spec.template.spec.containers[0].image}",
    ]);
    for (name, manifest, message) in [
        (
            "foreign",
            pod("foreign", "", &own_image, ""),
            "only pods whose controller is a ClaudeProbe",
        ),
        (
            "image",
            pod("image", owned, "docker.io/library/other:1", ""),
            "only pods of its own image",
        ),
        (
            "host",
            pod("host", owned, &own_image, ", hostNetwork: true"),
            "may not create pods in the node's namespaces",
        ),
        (
            "volume",
            pod(
                "volume",
                owned,
                &own_image,
                ", volumes: [{name: v, hostPath: {path: /}}]",
            ),
            "may mount only ConfigMaps",
        ),
    ] {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, manifest).unwrap();
        let refusal = try_kubectl(&["create", "--as", OPERATOR, "-f", file.path().to_str().unwrap()]).unwrap_err();
        assert!(refusal.contains(message), "{name}: {refusal}");
    }
    assert_eq!(
        try_kubectl(&["auth", "can-i", "get", "secrets", "-A", "--as", OPERATOR]).unwrap_err(),
        ""
    );
    apply(&pod("bystander", "", "claudeprobe.local/pause:1", ""));
    let refusal = story
        .try_kubectl(&["delete", "pod", "bystander", "--as", OPERATOR])
        .unwrap_err();
    assert!(
        refusal.contains("only pods whose controller is a ClaudeProbe"),
        "{refusal}"
    );

    let reads = audit::since(audit::start());
    let secret = reads
        .iter()
        .find(|entry| entry.by_operator() && entry.what().ends_with(" secrets"));
    assert!(secret.is_none(), "{secret:?}");
}

#[test]
fn a_user_without_read_access_to_secrets_cannot_write_a_probe() {
    let story = Story::new("requester", &[KEY]);
    let namespace = &story.namespace;
    apply(&format!(
        "{{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {{name: probes, namespace: {namespace}}}, \
         rules: [{{apiGroups: [claudeprobe.dev], resources: [claudeprobes], verbs: ['*']}}]}}\n---\n\
         {{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {{name: probes, namespace: {namespace}}}, \
         roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: probes}}, subjects: [{{kind: User, name: eve}}]}}\n"
    ));
    story.probe("http://gateway.invalid:1", "  suspend: true\n");
    let patch =
        |patch: &str| story.try_kubectl(&["patch", "claudeprobe", "p", "--as", "eve", "--type=merge", "-p", patch]);
    let refusal = patch(r#"{"spec": {"historyLimit": 3}}"#).unwrap_err();
    assert!(refusal.contains("eve must be allowed to get secrets"), "{refusal}");
    patch(r#"{"metadata": {"annotations": {"note": "free"}}}"#).unwrap();
    // An editor of the namespace may write probes: the roles aggregate.
    kubectl(&[
        "create",
        "rolebinding",
        "-n",
        namespace,
        "editors",
        "--clusterrole=edit",
        "--user=adam",
    ]);
    crate::kit::eventually("an editor may", || {
        story.try_kubectl(&[
            "patch",
            "claudeprobe",
            "p",
            "--as",
            "adam",
            "--type=merge",
            "-p",
            r#"{"spec": {"historyLimit": 4}}"#,
        ])
    });
    assert!(
        try_apply("{apiVersion: claudeprobe.dev/v1alpha1, kind: ClaudeProbe, metadata: {name: x}, spec: {}}").is_err()
    );
}
