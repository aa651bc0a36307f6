//! A gateway's name with two addresses, one of which is broken: the finding has the rate, and never claims all.
//!
//! Names are the system's to resolve, as for a workload: the program runs in a mount namespace whose /etc/hosts has them.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

use claudeprobe::standin::{Config, Standin, TEST_KEY};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const ONE: Ipv4Addr = Ipv4Addr::new(127, 0, 7, 2);
const OTHER: Ipv4Addr = Ipv4Addr::new(127, 0, 7, 3);

/// A check of `gateway.test`, which has both addresses.
async fn check(direct: &Standin, port: u16) -> Value {
    let directory = tempfile::tempdir().unwrap();
    let hosts = directory.path().join("hosts");
    std::fs::write(&hosts, format!("{ONE} gateway.test\n{OTHER} gateway.test\n")).unwrap();
    let mut command = Command::new("unshare");
    command
        .args([
            "--mount",
            "sh",
            "-c",
            "mount --bind \"$1\" /etc/hosts && shift && exec \"$@\"",
            "sh",
        ])
        .arg(&hosts)
        .arg(env!("CARGO_BIN_EXE_claudeprobe"))
        .args(["check", "-o", "json", "--direct", &direct.url()])
        .args(["--gateway", &format!("edge=http://gateway.test:{port}")])
        .env("ANTHROPIC_API_KEY", TEST_KEY);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

/// Claude at one of the addresses, on a port that is free at the other.
async fn at(address: Ipv4Addr) -> Standin {
    let listen = SocketAddr::from((address, 0));
    let config = Config {
        listen,
        ..Config::default()
    };
    Standin::start(config).await.unwrap()
}

/// Answers every request at this address with 503.
async fn broken(address: SocketAddr) {
    let listener = TcpListener::bind(address).await.unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = vec![0; 64 * 1024];
                while socket.read(&mut request).await.is_ok_and(|read| read > 0) {
                    let reply =
                        "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\ncontent-type: text/plain\r\n\r\ndown";
                    let _ = socket.write_all(reply.as_bytes()).await;
                }
            });
        }
    });
}

fn evidence(report: &Value) -> String {
    report["findings"][0]["evidence"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

// The resolver chooses which of the two comes first: each is broken once, so that one of the checks meets the broken one.

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_addresses_that_answers_errors_has_its_rate() {
    let direct = at(Ipv4Addr::LOCALHOST).await;
    let mut states = Vec::new();
    for (good, bad) in [(ONE, OTHER), (OTHER, ONE)] {
        let claude = at(good).await;
        let port = claude.address().port();
        broken(SocketAddr::from((bad, port))).await;
        let report = check(&direct, port).await;
        let state = report["verdict"]["state"].as_str().unwrap().to_owned();
        if state == "Failing" {
            assert_eq!(report["verdict"]["path"], "edge", "{report:#}");
            // Twice on the connection to the broken one, and once at the other.
            assert!(
                evidence(&report).contains("2 of 3 tries fail: only some replicas"),
                "{report:#}"
            );
            assert_eq!(report["findings"][0]["confidence"], "Likely", "{report:#}");
            assert!(claude.requests().iter().any(|request| request.target == "/v1/messages"));
        }
        states.push(state);
    }
    states.sort();
    assert_eq!(states, ["Failing", "Healthy"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_addresses_that_takes_no_connection_is_a_warning_with_its_rate() {
    let direct = at(Ipv4Addr::LOCALHOST).await;
    let mut verdicts = Vec::new();
    for good in [ONE, OTHER] {
        let claude = at(good).await;
        let report = check(&direct, claude.address().port()).await;
        let verdict = &report["verdict"];
        if verdict["code"] != "" {
            assert!(
                evidence(&report).contains("1 of 2 addresses accepted no connection"),
                "{report:#}"
            );
        }
        verdicts.push(format!("{} {}", verdict["state"], verdict["code"]));
    }
    verdicts.sort();
    assert_eq!(verdicts, [r#""Degraded" "GatewayConnectFailed""#, r#""Healthy" """#]);
}
