//! Runs `claudeprobe check` against a hostile server as gateway and as control, in bounded memory, and checks its output.

use std::path::Path;
use std::process::{Command, Stdio};

use claudeprobe::standin::tls::Authority;
use claudeprobe::standin::{Config, Standin, TEST_KEY};
use futures::future::join_all;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::server::{Server, Step};

/// Seconds after which a process that does not end by itself is ended, with exit code 124: a failure, not a measure of time.
const HUNG: u32 = 240;
/// Data segment of the process in KiB, which the kernel enforces: heap and stacks. Half of what a probe pod has.
const MEMORY_KIB: u32 = 64 * 1024;
/// Largest output in bytes, whatever a server sends.
const MOST_OUTPUT: usize = 32 * 1024;
/// Processes at once that wait for nothing to come.
static WAITING: Semaphore = Semaphore::const_new(16);
/// Processes at once that read what comes.
static READING: Semaphore = Semaphore::const_new(4);

/// Allowed verdicts: codes of the gateway, and codes of the control when that is the hostile one. A verdict without a code is
/// given by its state.
pub type Expected = (&'static [&'static str], &'static [&'static str]);

/// Something answers, and it is not the Claude API.
pub const FOREIGN: Expected = (&["WrongRoute"], &["WrongRoute"]);
/// The same with a status that only a gateway gives.
pub const NOT_CLAUDE: Expected = (&["WrongRoute"], &["WrongRoute", "DirectPathUnreachable"]);
/// No end within our own time.
pub const SILENT: Expected = (&["NoReply"], &["NoReply"]);
/// No end within the bytes that the prober reads, of a stream that began as Claude's: no finding claims more.
pub const TOO_LONG: Expected = (&["Inconclusive", "NoReply"], &["Degraded", "NoReply"]);
/// FIN or RST before an answer: which of the two, a closing server cannot choose when bytes are left unread.
pub const HUNG_UP: Expected = (
    &["GatewayConnectFailed", "ConnectionReset"],
    &["DirectPathUnreachable", "ConnectionReset"],
);
pub const NO_TLS: Expected = (&["GatewayTlsFailure"], &["DirectPathUnreachable"]);
pub const UNAVAILABLE: Expected = (
    &["GatewayUnavailable", "UpstreamUnreachable"],
    &["DirectPathUnreachable"],
);
pub const CUT: Expected = (
    &["StreamCut", "ConnectionReset"],
    &["StreamCut", "ConnectionReset", "Degraded"],
);
/// A clean end of nothing.
pub const EMPTY: Expected = (
    &["StreamTruncationMasked", "StreamCut", "WrongRoute"],
    &["StreamCut", "WrongRoute"],
);
/// A beginning of an answer and an end of the connection, together: how much of the answer is seen before, the sockets decide. So with an
/// answer that came before the question.
pub const UNASKED: Expected = (
    &[
        "StreamTruncationMasked",
        "WrongRoute",
        "StreamCut",
        "GatewayConnectFailed",
        "ConnectionReset",
    ],
    &[
        "WrongRoute",
        "StreamCut",
        "DirectPathUnreachable",
        "ConnectionReset",
        "Degraded",
    ],
);
/// An `error` event in a shape that is not Claude's.
pub const MADE_UP: Expected = (
    &["StreamErrorSynthesised", "GatewayUnavailable"],
    &["StreamCut", "Degraded"],
);
/// An `error` event in Claude's own shape: on the control it is taken for Claude's.
pub const MADE_UP_SHAPE: Expected = (
    &["StreamErrorSynthesised", "GatewayUnavailable"],
    &["UpstreamStreamError", "DirectPathUnreachable"],
);
/// Limit headers of Claude's on a foreign body.
pub const LIMITED: Expected = (
    &["Inconclusive", "RateLimited", "GatewayRateLimited", "ErrorBodyReplaced"],
    &["Degraded", "RateLimited"],
);
/// Odd, and an answer all the same: it lacks what Claude adds.
pub const HARMLESS: Expected = (
    &[
        "ResponseHeadersRewritten",
        "BetaHeaderStripped",
        "BodyRewritten",
        "VersionHeaderRewritten",
    ],
    &["Healthy"],
);

/// One hostile behaviour and the allowed verdicts.
pub struct Case {
    pub name: &'static str,
    pub script: Vec<Step>,
    /// `http`, unless TLS is a part of it.
    pub scheme: &'static str,
    /// Speaks HTTP/2 from the start.
    pub http2: bool,
    pub expected: Expected,
}

impl Case {
    pub fn new(name: &'static str, script: Vec<Step>, expected: Expected) -> Self {
        Self {
            name,
            script,
            scheme: "http",
            http2: false,
            expected,
        }
    }

    /// The prober's own limit, and the queue for it. What ends by itself or by our bounds on bytes has time, however slow this
    /// machine is now; what never ends has little.
    fn limit(&self) -> (&'static str, &'static Semaphore) {
        if self.expected == SILENT || self.expected == NO_TLS {
            ("8s", &WAITING)
        } else {
            ("90s", &READING)
        }
    }
}

/// The output of a check.
pub struct CheckOutput {
    pub exit: Option<i32>,
    pub text: String,
    pub errors: String,
}

impl CheckOutput {
    fn json(&self) -> Result<Value, String> {
        serde_json::from_str(&self.text)
            .map_err(|error| format!("{error}: exit {:?}, stderr {}", self.exit, self.errors))
    }
}

/// Which path a hostile server stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Gateway,
    Direct,
}

/// Where the tests run.
pub struct Place {
    pub authority: Authority,
    directory: tempfile::TempDir,
    claude: Standin,
}

impl Place {
    pub async fn new() -> Self {
        let authority = Authority::new("test CA").unwrap();
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("ca.pem"), authority.ca_pem()).unwrap();
        let claude = Standin::start(Config::default()).await.unwrap();
        Self {
            authority,
            directory,
            claude,
        }
    }

    fn ca(&self) -> String {
        self.directory.path().join("ca.pem").display().to_string()
    }

    /// The probe of this case as a file: only there the HTTP version of a path can be set.
    fn probe(&self, case: &Case, url: &str, role: Role) -> String {
        let version = if case.http2 { "Http2" } else { "Http1" };
        let odd = format!("url: '{url}', httpVersion: {version}");
        let plain = format!("url: '{}'", self.claude.url());
        let (direct, gateway) = match role {
            Role::Gateway => (plain, odd),
            Role::Direct => (odd, plain),
        };
        format!(
            "apiVersion: claudeprobe.dev/v1alpha1\nkind: ClaudeProbe\nmetadata: {{name: p}}\nspec:\n  schedule: {{every: 5m}}\n  \
             credential: {{secretKeyRef: {{name: claude-key, key: api-key}}}}\n  direct: {{{direct}}}\n  gateways:\n  - {{name: edge, {gateway}}}\n"
        )
    }

    /// One check, in this output form.
    pub async fn check(&self, case: &Case, role: Role, form: &str) -> (CheckOutput, usize) {
        let server = Server::start(case.script.clone(), &self.authority).await;
        let url = format!("{}://{}", case.scheme, server.address);
        let file = self
            .directory
            .path()
            .join(format!("{:?}-{form}-{}.yaml", role, server.address.port()));
        std::fs::write(&file, self.probe(case, &url, role)).unwrap();
        let (limit, queue) = case.limit();
        let slot = queue.acquire().await.unwrap();
        let result = run(&file, &self.ca(), form, limit).await;
        drop(slot);
        (result, server.requests())
    }
}

/// The program itself, with a limit on its memory that the kernel keeps.
async fn run(file: &Path, ca: &str, form: &str, limit: &str) -> CheckOutput {
    let mut command = Command::new("/bin/sh");
    command
        .args([
            "-c",
            &format!("ulimit -d {MEMORY_KIB} && exec timeout {HUNG} \"$@\""),
            "sh",
        ])
        .arg(env!("CARGO_BIN_EXE_claudeprobe"))
        .args(["check", "--timeout", limit, "--ca-file", ca, "-o", form, "-f"])
        .arg(file)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("CLAUDEPROBE_SECRET_CLAUDE_KEY_API_KEY", TEST_KEY)
        .stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().unwrap();
    CheckOutput {
        exit: output.status.code(),
        text: String::from_utf8(output.stdout).expect("UTF-8"),
        errors: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// Runs the cases on both paths, all at once; panics with every deviation.
pub async fn all(cases: Vec<Case>) {
    let place = Place::new().await;
    let one = |case: Case| {
        let place = &place;
        async move {
            let (gateway, direct) =
                futures::join!(judge(place, &case, Role::Gateway), judge(place, &case, Role::Direct));
            [gateway, direct].into_iter().flatten().collect::<Vec<_>>()
        }
    };
    let complaints = join_all(cases.into_iter().map(one)).await.concat();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

async fn judge(place: &Place, case: &Case, role: Role) -> Vec<String> {
    let (result, requests) = place.check(case, role, "json").await;
    let mut wrong = match result.json() {
        Ok(report) => verdict(&report, case, role),
        Err(error) => vec![error],
    };
    if result.text.len() > MOST_OUTPUT || !result.errors.is_empty() {
        wrong.push(format!(
            "{} bytes of result, stderr {}",
            result.text.len(),
            result.errors
        ));
    }
    if requests > 24 {
        wrong.push(format!("{requests} requests"));
    }
    wrong.extend(unprintable(&result.text));
    if result.text.contains(TEST_KEY) {
        wrong.push("the key".to_owned());
    }
    wrong
        .iter()
        .map(|wrong| format!("{} as {role:?}: {wrong}", case.name))
        .collect()
}

/// Characters that a terminal interprets: controls, and letters that change the direction of text.
pub fn unprintable(text: &str) -> Option<String> {
    let obeyed = |letter: char| {
        (letter.is_control() && letter != '\n')
            || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
    };
    text.chars()
        .find(|&letter| obeyed(letter))
        .map(|letter| format!("{letter:?} in the result"))
}

/// The deviations of a verdict.
fn verdict(report: &Value, case: &Case, role: Role) -> Vec<String> {
    let (state, code) = (text(&report["verdict"]["state"]), text(&report["verdict"]["code"]));
    let expected = match role {
        Role::Gateway => case.expected.0,
        Role::Direct => case.expected.1,
    };
    let mut wrong = Vec::new();
    let named = if code.is_empty() { state } else { code };
    if !expected.contains(&named) {
        wrong.push(format!("{state} {code}"));
    }
    let states: &[&str] = match role {
        _ if case.expected == HARMLESS => &["Healthy", "Degraded"],
        Role::Gateway => &["Failing", "Inconclusive"],
        // The gateways answer: only the control is odd.
        Role::Direct => &["Degraded"],
    };
    if !states.contains(&state) {
        wrong.push(format!("state {state}"));
    }
    let (odd, innocent) = match role {
        Role::Gateway => ("edge", "direct"),
        Role::Direct => ("direct", "edge"),
    };
    for finding in report["findings"].as_array().into_iter().flatten() {
        let (path, code) = (text(&finding["path"]), text(&finding["code"]));
        if finding["severity"] == "Information" {
            continue;
        }
        let accuses_claude = text(&finding["layer"]) == "Upstream" && !expected.contains(&code);
        if path == innocent || accuses_claude {
            wrong.push(format!("blames {path} for {code}: {}", finding["evidence"]));
        }
        if path == odd && !expected.contains(&code) {
            wrong.push(format!("also {code} on {path}: {}", finding["evidence"]));
        }
    }
    if !wrong.is_empty() {
        wrong.push(format!("message: {}", report["verdict"]["message"]));
    }
    wrong
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
