//! kubectl, as a user runs it.

use std::io::Write;
use std::process::{Command, Stdio};

/// The result of kubectl.
#[derive(Clone, Debug)]
pub struct Answer {
    /// It ended with 0.
    pub good: bool,
    /// Standard output.
    pub output: String,
    /// Standard error, without its last line end.
    pub errors: String,
}

impl Answer {
    /// Standard output of a call that must not fail.
    #[track_caller]
    pub fn expect_good(self) -> String {
        assert!(self.good, "{self:?}");
        self.output
    }
}

/// Runs kubectl.
pub fn kubectl(arguments: &[&str]) -> Answer {
    kubectl_with("", arguments)
}

/// Runs kubectl with `input` as its standard input.
pub fn kubectl_with(input: &str, arguments: &[&str]) -> Answer {
    let mut child = Command::new("kubectl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("kubectl is missing: run this by tests/run crd");
    // kubectl may end without reading: its error has the reason, not the broken pipe.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Answer {
        good: output.status.success(),
        output: String::from_utf8(output.stdout).unwrap(),
        errors: String::from_utf8(output.stderr).unwrap().trim_end().to_owned(),
    }
}

/// The server's version as `major.minor`.
pub fn server_version() -> String {
    let text = kubectl(&["version", "-o", "json"]).expect_good();
    let version: serde_json::Value = serde_json::from_str(&text).unwrap();
    let part = |name: &str| {
        version["serverVersion"][name]
            .as_str()
            .unwrap()
            .trim_end_matches('+')
            .to_owned()
    };
    format!("{}.{}", part("major"), part("minor"))
}
