//! What the stories use: `kubectl`, waiting, daemons on the node.

pub mod audit;
pub mod daemon;
pub mod nginx;
pub mod operator;
pub mod prometheus;
pub mod standin;
pub mod story;

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The node's address, the same in every instance: `tests/cluster/lib.sh`.
pub const NODE_IP: &str = "172.20.0.1";

/// Long enough for a pod to be scheduled, started and read on a machine that does other things too.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// `kubectl` of the node. Never the machine's, which may have another cluster.
fn in_node() -> Command {
    assert!(
        std::env::var_os("CLAUDEPROBE_TEST_NODE").is_some(),
        "this program runs inside a node: `tests/run cluster` brings one up and sets CLAUDEPROBE_TEST_NODE"
    );
    Command::new("kubectl")
}

/// The output of `kubectl`; ends the test when it fails.
pub fn kubectl(arguments: &[&str]) -> String {
    try_kubectl(arguments).unwrap_or_else(|error| panic!("kubectl {}: {error}", arguments.join(" ")))
}

/// The output of `kubectl`, or its error.
pub fn try_kubectl(arguments: &[&str]) -> Result<String, String> {
    let output = in_node()
        .args(arguments)
        .output()
        .expect("kubectl is on PATH: this program runs by `tests/cluster/node exec`, see tests/run");
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stderr))
    }
}

/// `kubectl apply` of these manifests; ends the test when they are rejected.
pub fn apply(manifests: &str) {
    try_apply(manifests).unwrap_or_else(|error| panic!("kubectl apply: {error}\n{manifests}"));
}

/// `kubectl apply` of these manifests, or the API server's error.
pub fn try_apply(manifests: &str) -> Result<String, String> {
    let mut child = in_node()
        .args(["apply", "--filename", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("kubectl starts");
    child.stdin.take().unwrap().write_all(manifests.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stderr))
    }
}

/// Retries until the answer is `Ok` and returns it; ends the test with the last error after the timeout.
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Result<T, String>) -> T {
    let started = Instant::now();
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(complaint) if started.elapsed() > PATIENCE => {
                panic!("not so after {} s: {what}\n{complaint}", PATIENCE.as_secs())
            }
            Err(_) => std::thread::sleep(Duration::from_millis(250)),
        }
    }
}

/// One plain HTTP/1.0 exchange: status and body.
pub fn http(method: &str, host: &str, path: &str, body: &str) -> (u16, String) {
    let mut connection = std::net::TcpStream::connect(host).unwrap_or_else(|error| panic!("{host}: {error}"));
    let length = body.len();
    write!(
        connection,
        "{method} {path} HTTP/1.0\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut reply = String::new();
    std::io::Read::read_to_string(&mut connection, &mut reply).unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap_or((&reply, ""));
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or(0);
    (status, body.to_owned())
}
