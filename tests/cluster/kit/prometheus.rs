//! A real Prometheus on the node that scrapes each of the operator's pods, with the chart's alerts.
//!
//! It finds the pods by the name of a headless Service: Debian's build knows no discovery by Kubernetes' API.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::daemon::{Daemon, free_port};
use super::{NODE_IP, apply, eventually, http};
use crate::shortened::shortened;

/// What bridges a restart of the operator: longer than a take-over, which takes the Lease's 15 s and a little.
const BRIDGE: &str = "45s";

/// The label that all series get, as in a Prometheus that sees several clusters.
pub const CLUSTER: &str = "here";

/// A running Prometheus.
#[derive(Debug)]
pub struct Prometheus {
    _daemon: Daemon,
    home: TempDir,
    address: String,
}

impl Prometheus {
    /// Starts one that scrapes and evaluates rules every second.
    pub fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        let port = free_port();
        write_rules(home.path(), BRIDGE);
        apply(
            "{apiVersion: v1, kind: Service, metadata: {name: operator-pods, namespace: claudeprobe-system}, \
             spec: {clusterIP: None, selector: {app.kubernetes.io/component: operator}, ports: [{name: http, port: 8080}]}}",
        );
        std::fs::write(
            at("prometheus.yml"),
            "global: {scrape_interval: 1s, evaluation_interval: 1s}\n\
             rule_files: [rules.yml]\n\
             scrape_configs:\n\
             - job_name: claudeprobe\n  honor_labels: true\n  \
               dns_sd_configs: [{names: [operator-pods.claudeprobe-system.svc.cluster.local], type: A, port: 8080, refresh_interval: 1s}]\n  \
               relabel_configs: [{target_label: cluster, replacement: CLUSTER}]\n"
                .replace("CLUSTER", CLUSTER),
        )
        .unwrap();
        let mut command = Command::new("prometheus");
        command.args([
            format!("--config.file={}", at("prometheus.yml").display()),
            format!("--storage.tsdb.path={}", at("data").display()),
            format!("--web.listen-address=0.0.0.0:{port}"),
            "--web.enable-lifecycle".to_owned(),
        ]);
        let daemon = Daemon::start(&mut command, &at("log"), &[port]);
        Self {
            _daemon: daemon,
            home,
            address: format!("{NODE_IP}:{port}"),
        }
    }

    /// Removes the bridge, because no restart follows: alerts resolve sooner. Firing alerts keep firing.
    pub fn bridges_no_more(&self) {
        write_rules(self.home.path(), "3s");
        let (status, body) = http("POST", &self.address, "/-/reload", "");
        assert_eq!(status, 200, "{body}");
    }

    /// The response of its HTTP API.
    pub fn ask(&self, url: &str) -> Value {
        let (_, body) = http("GET", &self.address, url, "");
        serde_json::from_str(&body).unwrap_or_default()
    }

    /// The result of a query, now.
    pub fn query(&self, expr: &str) -> Vec<Value> {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("query", expr)
            .finish();
        let answer = self.ask(&format!("/api/v1/query?{query}"));
        let result = answer["data"]["result"].as_array();
        result.unwrap_or_else(|| panic!("{expr}: {answer}")).clone()
    }

    /// The alerts that fire now.
    pub fn firing(&self) -> Vec<Value> {
        let answer = self.ask("/api/v1/alerts");
        let alerts = answer["data"]["alerts"].as_array().cloned().unwrap_or_default();
        alerts.into_iter().filter(|alert| alert["state"] == "firing").collect()
    }

    /// Waits until exactly these alerts fire. Until then only `passing` may fire in addition.
    pub fn fires(&self, wanted: &[&str], passing: &[&str]) -> Vec<Value> {
        let wanted: BTreeSet<String> = wanted.iter().map(|alert| (*alert).to_owned()).collect();
        eventually(&format!("{wanted:?} fire"), || {
            let firing = self.firing();
            let names: BTreeSet<String> = firing.iter().map(short).collect();
            let strange = names
                .iter()
                .find(|name| !wanted.contains(*name) && !passing.contains(&name.as_str()));
            assert!(strange.is_none(), "{strange:?} fires while waiting for {wanted:?}");
            if names == wanted {
                Ok(firing)
            } else {
                Err(format!("{names:?}"))
            }
        })
    }
}

fn write_rules(home: &Path, bridge: &str) {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/claudeprobe/files/alerts.yaml");
    let text = shortened(&std::fs::read_to_string(rules).unwrap(), bridge);
    std::fs::write(home.join("rules.yml"), text).unwrap();
}

/// An alert as `name probe code path`.
pub fn short(alert: &Value) -> String {
    let label = |name: &str| alert["labels"][name].as_str().unwrap_or("-").to_owned();
    ["alertname", "probe", "code", "path"].map(label).join(" ")
}
