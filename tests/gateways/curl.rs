//! The same request by `curl`, which speaks HTTP/2.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::wire::{End, Seen};

/// What stands between the reply and what `curl` adds.
const MARK: &str = "\n@@";

/// Sends it; `roots` is a file. The reads of the body are not separate.
pub fn ask(url: &str, roots: &str, headers: &[String], body: &str) -> Seen {
    let started = Instant::now();
    let version = if url.starts_with("https") {
        "--http2"
    } else {
        "--http2-prior-knowledge"
    };
    let mut command = Command::new("curl");
    command.args([
        "-sS",
        "-i",
        "--noproxy",
        "*",
        version,
        "--cacert",
        roots,
        "--max-time",
        "20",
    ]);
    command.args(["-H", "expect:", "--data-binary", "@-"]);
    command
        .arg("-w")
        .arg(format!("{MARK}%{{http_version}} %{{time_starttransfer}}"));
    for header in headers {
        command.arg("-H").arg(header);
    }
    let mut child = command
        .arg(url)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("curl: {error}"));
    child.stdin.take().unwrap().write_all(body.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let trouble = String::from_utf8_lossy(&output.stderr).into_owned();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (reply, added) = text.rsplit_once(MARK).unwrap_or((&text, ""));
    let (version, first) = added.split_once(' ').unwrap_or_default();
    let mut seen = Seen::unreachable(trouble.clone());
    seen.total = started.elapsed();
    if version == "0" || reply.is_empty() {
        return seen;
    }
    let (head, body) = reply.split_once("\r\n\r\n").unwrap_or((reply, ""));
    seen.version = version.to_owned();
    seen.head = head.to_owned();
    seen.status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or(0);
    seen.body = body.as_bytes().to_vec();
    seen.first_body = Duration::from_secs_f64(first.parse().unwrap_or(0.0));
    seen.end = match output.status.code() {
        Some(0) => End::Framed,
        // The stream was reset: HTTP/2 has no other signal for a body that ends too soon.
        Some(92) => End::Reset,
        _ => End::Fin,
    };
    seen
}
