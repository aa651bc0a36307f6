//! A stand-in Claude API of a story's own: the program under test, started with `standin`, behind Service `claude`.

use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::daemon::{Daemon, free_port, service, wait_for_service};
use super::{NODE_IP, http};

/// A key in the form of genuine ones. It opens nothing: a stand-in alone knows it.
pub const KEY: &str =
    "sk-ant-api03-story0000000000000000000000000000000000000000000000000000000000000000000000000000000000001AA";
/// Its successor.
pub const NEW_KEY: &str =
    "sk-ant-api03-story0000000000000000000000000000000000000000000000000000000000000000000000000000000000002AA";
/// Lines of an nginx location that pass everything on as it comes: for `Standin::pass`.
pub const PASS: &str = "proxy_http_version 1.1; proxy_buffering off;";

/// A running stand-in.
#[derive(Debug)]
pub struct Standin {
    _daemon: Daemon,
    _folder: TempDir,
    control: u16,
    /// Its port on the node.
    pub port: u16,
    /// The Service's URL.
    pub url: String,
}

impl Standin {
    /// Starts one that knows `keys` behind Service `claude` of `namespace`.
    pub fn start(namespace: &str, keys: &[&str]) -> Self {
        let (port, control) = (free_port(), free_port());
        service(namespace, "claude", 80, port);
        let mut command = Command::new(env!("CARGO_BIN_EXE_claudeprobe"));
        command.args([
            "standin",
            "--listen",
            &format!("0.0.0.0:{port}"),
            "--control",
            &format!("{NODE_IP}:{control}"),
        ]);
        for key in keys {
            command.args(["--key", key]);
        }
        let folder = tempfile::tempdir().unwrap();
        let daemon = Daemon::start(&mut command, &folder.path().join("log"), &[port, control]);
        wait_for_service(namespace, "claude", 80);
        Self {
            _daemon: daemon,
            _folder: folder,
            control,
            port,
            url: format!("http://claude.{namespace}.svc"),
        }
    }

    /// Lines of an nginx location: these, then the way to this stand-in.
    pub fn pass(&self, lines: &str) -> String {
        format!("{lines}\nproxy_pass http://{NODE_IP}:{};", self.port)
    }

    /// From now on these keys are valid, and no other.
    pub fn set_keys(&self, keys: &[&str]) {
        let keys: Vec<Value> = keys.iter().map(|key| json!({"key": key})).collect();
        self.control("PUT", "/_standin/keys", &json!(keys));
    }

    /// From now on this goes wrong: a rule as the control endpoint takes it.
    pub fn fault(&self, rule: &Value) {
        self.control("POST", "/_standin/faults", rule);
    }

    /// Nothing goes wrong any more.
    pub fn clear(&self) {
        self.control("DELETE", "/_standin/faults", &Value::Null);
    }

    /// The requests that have arrived, in their order: `method`, `target`, `headers`, `body`, …
    pub fn requests(&self) -> Vec<Value> {
        serde_json::from_str(&self.control("GET", "/_standin/requests", &Value::Null)).unwrap()
    }

    fn control(&self, method: &str, path: &str, body: &Value) -> String {
        let (status, reply) = http(method, &format!("{NODE_IP}:{}", self.control), path, &body.to_string());
        assert!((200..300).contains(&status), "{method} {path} {body}: {status} {reply}");
        reply
    }
}
