//! The operator's status page against a real API server: what it shows to which reader.

use std::path::Path;

use claudeprobe::standin::tls::Authority;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::Client;
use kube::api::{Api, DeleteParams, PostParams};
use serde_json::json;

use crate::kit::{Operator, connect, eventually, namespace, probe, ran, run_now};
use crate::{SHORT, kubelet};

/// A reader with a browser of a few lines.
struct Reader {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

/// What came back.
#[derive(Debug)]
struct Page {
    status: u16,
    challenge: bool,
    text: String,
}

impl Reader {
    async fn opens(&self, path: &str) -> Page {
        let mut request = self.http.get(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.unwrap();
        let policy = answer.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        Page {
            status: answer.status().as_u16(),
            challenge: answer.headers().contains_key("www-authenticate"),
            text: answer.text().await.unwrap(),
        }
    }

    /// Retries until the page matches: watches and cached rights take a moment.
    async fn sees(&self, path: &str, what: &str, is: impl Fn(&Page) -> bool) -> Page {
        eventually(what, async || {
            let page = self.opens(path).await;
            if is(&page) { Ok(page) } else { Err(format!("{page:?}")) }
        })
        .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_replicas_show_the_result_of_a_run_and_which_of_them_leads() {
    let client = connect().await;
    let ns = namespace(&client, "page").await;
    kubelet::start(client.clone(), SHORT);
    let first = Operator::start(&ns, "one", &[]);
    let api = probe(&client, &ns, json!({})).await;
    run_now(&api, "a").await;
    ran(&api, "a").await;
    let second = Operator::start(&ns, "two", &[]);
    let reader = |operator: &Operator| Reader {
        http: reqwest::Client::new(),
        base: format!("http://{}", operator.status_page),
        token: None,
    };
    let (one, two) = (reader(&first), reader(&second));
    let page = one
        .sees("/", "the leader shows the verdict", |page| {
            page.text.contains("Healthy</span>")
        })
        .await;
    assert!(
        page.text.contains("Replica one leads") && page.text.contains("assistants"),
        "{page:?}"
    );
    two.sees("/", "the standby shows it, with a notice", |page| {
        page.text.contains("This replica is on standby") && page.text.contains("assistants")
    })
    .await;
    let path = format!("/probes/{ns}/assistants");
    let page = one.opens(&path).await;
    for part in [
        "Paths compared",
        "Answered",
        "GatewayPathHealthy",
        "Time to first byte",
        "200",
    ] {
        assert!(page.text.contains(part), "{part}: {page:?}");
    }
    // Another run is another point, on both.
    let before = [points(&one.opens(&path).await), points(&two.opens(&path).await)];
    run_now(&api, "b").await;
    ran(&api, "b").await;
    for (reader, before) in [&one, &two].into_iter().zip(before) {
        reader.sees(&path, "the line grows", |page| points(page) > before).await;
    }
    api.delete("assistants", &DeleteParams::default()).await.unwrap();
    let gone = one.sees(&path, "it is gone", |page| page.status == 404).await;
    assert!(
        gone.text.contains("The operator watches no ClaudeProbe assistants"),
        "{gone:?}"
    );
    assert_eq!(one.opens("/nowhere").await.status, 404);
    assert_eq!(one.opens("/?state=odd").await.status, 400);
}

/// Runs in the lines of latency.
fn points(page: &Page) -> Option<u32> {
    let (_, rest) = page.text.split_once(" ms over ")?;
    rest.split(' ').next()?.parse().ok()
}

/// A ServiceAccount in `namespace` with the role `view` for probes there, and a token of it.
async fn viewer(client: &Client, namespace: &str, name: &str, may_view: bool, audiences: &[&str]) -> String {
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
    let account = serde_json::from_value(json!({"metadata": {"name": name}})).unwrap();
    // A second token is of the same account.
    let _ = accounts.create(&PostParams::default(), &account).await;
    if may_view {
        crate::commands::user_roles(client).await;
        let binding: RoleBinding = serde_json::from_value(json!({
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "claudeprobe-view"},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
        }))
        .unwrap();
        let bindings: Api<RoleBinding> = Api::namespaced(client.clone(), namespace);
        bindings.create(&PostParams::default(), &binding).await.unwrap();
    }
    let request = TokenRequest {
        spec: TokenRequestSpec {
            audiences: audiences.iter().map(ToString::to_string).collect(),
            ..TokenRequestSpec::default()
        },
        ..TokenRequest::default()
    };
    let params = PostParams::default();
    let issued = accounts.create_token_request(name, &params, &request).await.unwrap();
    issued.status.unwrap().token
}

/// A certificate for 127.0.0.1 as a Secret is mounted, and the authority that a reader trusts.
fn certificate(folder: &Path) -> reqwest::Certificate {
    let authority = Authority::new("status page").unwrap();
    let identity = authority.issue(&["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(folder.join("tls.crt"), identity.chain_pem()).unwrap();
    std::fs::write(folder.join("tls.key"), identity.key_pem()).unwrap();
    reqwest::Certificate::from_pem(authority.ca_pem().as_bytes()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reachable_page_shows_each_reader_only_what_rbac_allows() {
    let client = connect().await;
    let (ours, theirs) = (
        namespace(&client, "page-ours").await,
        namespace(&client, "page-theirs").await,
    );
    probe(&client, &ours, json!({"suspend": true})).await;
    probe(&client, &theirs, json!({"suspend": true})).await;
    let folder = tempfile::tempdir().unwrap();
    let authority = certificate(folder.path());
    let both = format!("{ours},{theirs}");
    let operator = Operator::start(
        &both,
        "one",
        &[
            ("CLAUDEPROBE_STATUS_PAGE", "0.0.0.0:0"),
            ("CLAUDEPROBE_STATUS_PAGE_TLS", folder.path().to_str().unwrap()),
            ("CLAUDEPROBE_STATUS_PAGE_AUDIENCE", "status-page"),
        ],
    );
    let http = reqwest::Client::builder()
        .add_root_certificate(authority)
        .build()
        .unwrap();
    let port = operator.status_page.port();
    let with = |token: Option<String>| Reader {
        http: http.clone(),
        base: format!("https://127.0.0.1:{port}"),
        token,
    };
    let viewer_token = viewer(&client, &ours, "viewer", true, &["status-page"]).await;
    let viewer_of_ours = with(Some(viewer_token.clone()));
    let page = viewer_of_ours
        .sees("/", "the viewer sees the probe", |page| {
            page.text.contains(&format!("/probes/{ours}/assistants"))
        })
        .await;
    assert!(
        !page.text.contains(&theirs),
        "not even the other namespace's name: {page:?}"
    );
    assert!(
        page.text.contains(&format!("as system:serviceaccount:{ours}:viewer")),
        "{page:?}"
    );
    assert!(!page.text.contains(&viewer_token));
    assert_eq!(
        viewer_of_ours.opens(&format!("/probes/{ours}/assistants")).await.status,
        200
    );
    for name in ["assistants", "none"] {
        let refused = viewer_of_ours.opens(&format!("/probes/{theirs}/{name}")).await;
        assert_eq!(refused.status, 403, "whether or not it is there: {refused:?}");
        assert!(
            refused.text.contains("Request the role claudeprobe-view there"),
            "{refused:?}"
        );
    }

    let stranger = with(Some(viewer(&client, &ours, "stranger", false, &["status-page"]).await));
    let page = stranger.opens("/").await;
    assert!(
        page.status == 200 && page.text.contains("no ClaudeProbe in the namespaces that you may list"),
        "{page:?}"
    );
    assert!(!page.text.contains(&format!("/probes/{ours}")), "{page:?}");
    assert_eq!(stranger.opens(&format!("/probes/{ours}/assistants")).await.status, 403);

    // Without a token, with an unknown one, with one for another audience.
    let elsewhere = viewer(&client, &ours, "viewer", false, &[]).await;
    for token in [None, Some("none.of.ours".to_owned()), Some(elsewhere)] {
        let page = with(token).opens("/").await;
        assert!(page.status == 401 && page.challenge, "{page:?}");
        assert!(
            page.text.contains("Authorization: Bearer")
                && !page.text.contains("assistants")
                && !page.text.contains("Replica"),
            "{page:?}"
        );
    }

    // No answer in clear text.
    let plain = reqwest::get(format!("http://127.0.0.1:{port}/")).await;
    assert!(plain.is_err() || plain.unwrap().status().is_client_error(), "TLS only");
}
