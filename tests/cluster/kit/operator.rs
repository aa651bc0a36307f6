//! The operator's pods: which one leads, what it exports, and its end.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{eventually, kubectl, try_kubectl};

const NAMESPACE: &str = "claudeprobe-system";

/// A pod of the operator.
#[derive(Clone, Debug)]
pub struct Replica {
    pub name: String,
    uid: String,
}

/// All that run and are ready.
pub fn replicas() -> Vec<Replica> {
    let pods: Value = serde_json::from_str(&kubectl(&[
        "get",
        "pods",
        "-n",
        NAMESPACE,
        "-l",
        "app.kubernetes.io/component=operator",
        "-o",
        "json",
    ]))
    .unwrap();
    let ready = |pod: &&Value| {
        pod["metadata"]["deletionTimestamp"].is_null()
            && pod["status"]["conditions"]
                .as_array()
                .into_iter()
                .flatten()
                .any(|c| c["type"] == "Ready" && c["status"] == "True")
    };
    let replica = |pod: &Value| Replica {
        name: pod["metadata"]["name"].as_str().unwrap().to_owned(),
        uid: pod["metadata"]["uid"].as_str().unwrap().to_owned(),
    };
    pods["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(ready)
        .map(replica)
        .collect()
}

/// Both replicas, ready.
pub fn both() -> Vec<Replica> {
    eventually("two replicas are ready", || {
        let found = replicas();
        if found.len() == 2 {
            Ok(found)
        } else {
            Err(format!("{found:?}"))
        }
    })
}

/// The pod that holds the Lease, if it is ready.
pub fn leader() -> Replica {
    eventually("a ready replica holds the Lease", || {
        let holder = try_kubectl(&[
            "get",
            "leases",
            "-n",
            NAMESPACE,
            "-o",
            "jsonpath={.items[*].spec.holderIdentity}",
        ])?;
        let found = replicas()
            .into_iter()
            .find(|replica| holder.split(' ').any(|h| h.starts_with(&replica.name)));
        found.ok_or_else(|| format!("holder: {holder:?}, replicas: {:?}", replicas()))
    })
}

impl Replica {
    /// `/metrics` of this pod.
    pub fn metrics(&self) -> Result<String, String> {
        try_kubectl(&[
            "get",
            "--raw",
            &format!("/api/v1/namespaces/{NAMESPACE}/pods/{}:8080/proxy/metrics", self.name),
        ])
    }

    /// SIGKILL to the operator's process; the kubelet starts its container again.
    pub fn kill(&self) {
        let process = self.process().unwrap_or_else(|| panic!("{} has no process", self.name));
        assert!(
            Command::new("kill")
                .args(["-KILL", &process.to_string()])
                .status()
                .unwrap()
                .success()
        );
    }

    /// The id of the operator's process: the one in this pod's control group that runs our program.
    fn process(&self) -> Option<u32> {
        let in_pod = |process: &u32| {
            let read = |file: &str| fs::read_to_string(format!("/proc/{process}/{file}")).unwrap_or_default();
            read("cgroup").contains(&self.uid) && read("cmdline").starts_with("/claudeprobe\0operator")
        };
        fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok())
            .find(in_pod)
    }
}

/// The status page at `path`, as a user opens it: through `kubectl port-forward`.
pub fn status_page(path: &str) -> (u16, String) {
    let mut forward = super::in_node()
        .args([
            "port-forward",
            "--namespace",
            NAMESPACE,
            "deployment/claudeprobe-operator",
            ":8090",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(forward.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    // Forwarding from 127.0.0.1:41235 -> 8090
    let address = line.split(' ').nth(2).map(str::to_owned);
    let answer = address.map(|address| super::http("GET", &address, path, ""));
    forward.kill().unwrap();
    forward.wait().unwrap();
    answer.unwrap_or_else(|| panic!("kubectl port-forward prints {line:?}"))
}

/// The leader's `/metrics`: lines that begin with `name` and hold all of `labels`.
pub fn series(name: &str, labels: &[&str]) -> Vec<String> {
    let metrics = eventually("the leader exports metrics", || leader().metrics());
    let matches = |line: &&str| {
        line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))
            && labels.iter().all(|label| line.contains(label))
    };
    metrics.lines().filter(matches).map(str::to_owned).collect()
}
