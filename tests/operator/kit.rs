//! What the tests share: the API server, namespaces, probes, and the operator as a process.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use claudeprobe::resource::spec::ClaudeProbe;
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};

/// Longest wait for anything: the machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Waits until `attempt` returns a value; panics with the last error after the timeout.
pub async fn eventually<T>(what: &str, mut attempt: impl AsyncFnMut() -> Result<T, String>) -> T {
    let began = Instant::now();
    loop {
        match attempt().await {
            Ok(value) => return value,
            Err(seen) if began.elapsed() > PATIENCE => panic!("{what}: not within {PATIENCE:?}; last seen: {seen}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// A client of the API server that KUBECONFIG names, with the CRD installed.
pub async fn connect() -> Client {
    // Another test may have installed it first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::try_default()
        .await
        .expect("tests/run crd runs this inside an API server's namespace");
    let definition: CustomResourceDefinition =
        serde_json::from_value(claudeprobe::resource::crd::definition().unwrap()).unwrap();
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    let params = PatchParams::apply("tests").force();
    api.patch(&definition.name_any(), &params, &Patch::Apply(&definition))
        .await
        .unwrap();
    let probes: Api<ClaudeProbe> = Api::all(client.clone());
    eventually("the CRD is served", async || {
        probes
            .list(&Default::default())
            .await
            .map(drop)
            .map_err(|error| error.to_string())
    })
    .await;
    client
}

/// A namespace of its own for a test, with the service account that a controller manager would make.
pub async fn namespace(client: &Client, test: &str) -> String {
    let name = format!("{test}-{:x}", jiff::Timestamp::now().as_microsecond());
    let meta = |name: &str| ObjectMeta {
        name: Some(name.to_owned()),
        ..ObjectMeta::default()
    };
    let create = PostParams::default();
    Api::<Namespace>::all(client.clone())
        .create(
            &create,
            &Namespace {
                metadata: meta(&name),
                ..Namespace::default()
            },
        )
        .await
        .unwrap();
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), &name);
    accounts
        .create(
            &create,
            &ServiceAccount {
                metadata: meta("default"),
                ..ServiceAccount::default()
            },
        )
        .await
        .unwrap();
    name
}

/// A probe of two paths; `more` replaces fields of its spec.
pub async fn probe(client: &Client, namespace: &str, more: Value) -> Api<ClaudeProbe> {
    let mut spec = json!({
        "schedule": {"every": "1h"},
        "credential": {"secretKeyRef": {"name": "claude-key", "key": "api-key"}},
        "direct": {"url": "https://api.anthropic.com"},
        "gateways": [{"name": "edge", "url": "http://ai-gateway:8080"}],
    });
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let probe: ClaudeProbe = serde_json::from_value(json!({
        "apiVersion": "claudeprobe.dev/v1alpha1", "kind": "ClaudeProbe", "metadata": {"name": "assistants"}, "spec": spec,
    }))
    .unwrap();
    let api: Api<ClaudeProbe> = Api::namespaced(client.clone(), namespace);
    api.create(&PostParams::default(), &probe).await.unwrap();
    api
}

/// Asks for a run.
pub async fn run_now(api: &Api<ClaudeProbe>, value: &str) {
    let patch = json!({"metadata": {"annotations": {"claudeprobe.dev/run-now": value}}});
    api.patch("assistants", &PatchParams::default(), &Patch::Merge(patch))
        .await
        .unwrap();
}

/// Waits until the run that this value asked for has ended.
pub async fn ran(api: &Api<ClaudeProbe>, value: &str) -> ClaudeProbe {
    eventually(&format!("the run {value} has ended"), async || {
        let probe = api.get("assistants").await.map_err(|error| error.to_string())?;
        let status = probe.status.clone().unwrap_or_default();
        if status.last_handled_run_now.as_deref() == Some(value) {
            Ok(probe)
        } else {
            Err(format!("{:?}", status.last_run))
        }
    })
    .await
}

/// The operator as a process of its own.
pub struct Operator {
    child: Child,
    address: SocketAddr,
    /// Where it serves the status page.
    #[allow(dead_code)] // not the benchmark's
    pub status_page: SocketAddr,
}

impl Operator {
    /// Starts it for these namespaces, separated by commas, with the Lease in the first; `env` has further variables.
    pub fn start(namespace: &str, name: &str, env: &[(&str, &str)]) -> Self {
        let program = std::env::var("CLAUDEPROBE").unwrap_or_else(|_| env!("CARGO_BIN_EXE_claudeprobe").to_owned());
        let mut child = Command::new(program)
            .args([
                "operator",
                "--image",
                "claudeprobe:test",
                "--listen",
                "127.0.0.1:0",
                "--log-format",
                "json",
                "--lease-duration",
                "9s",
            ])
            .args([
                "--namespaces",
                namespace,
                "--pod-namespace",
                namespace.split(',').next().unwrap(),
                "--pod-name",
                name,
            ])
            .env("CLAUDEPROBE_STATUS_PAGE", "127.0.0.1:0")
            .envs(env.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (address, status_page) = loop {
            let line = lines.next().expect("it logs its address").unwrap();
            let entry: Value = serde_json::from_str(&line).unwrap_or_default();
            if let Some(listen) = entry["listen"].as_str() {
                let page = entry["status_page"].as_str().unwrap_or_default();
                break (listen.parse().unwrap(), page.parse().unwrap());
            }
        };
        // The pipe must not fill; a failed test prints the log.
        let name = name.to_owned();
        std::thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .for_each(|line| eprintln!("[{name}] {line}"))
        });
        Self {
            child,
            address,
            status_page,
        }
    }

    /// What it answers at this path.
    pub async fn get(&self, path: &str) -> Result<String, String> {
        let url = format!("http://{}{path}", self.address);
        let answer = reqwest::get(url).await.map_err(|error| error.to_string())?;
        answer
            .error_for_status()
            .map_err(|error| error.to_string())?
            .text()
            .await
            .map_err(|error| error.to_string())
    }

    /// The value of a metric's line that begins so.
    pub async fn metric(&self, line: &str) -> Option<f64> {
        let text = self.get("/metrics").await.ok()?;
        let found = text.lines().find(|found| found.starts_with(line))?;
        found.rsplit(' ').next()?.parse().ok()
    }

    /// Its resident memory now, KiB.
    #[allow(dead_code)] // the benchmark's
    pub fn resident_kib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Waits until it has ended by itself.
    pub async fn ended(&mut self) {
        eventually("the operator ends by itself", async || match self.child.try_wait() {
            Ok(Some(_)) => Ok(()),
            other => Err(format!("{other:?}")),
        })
        .await;
    }

    /// Asks it to stop, and waits for that.
    pub async fn stop(&mut self) {
        Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        self.ended().await;
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
