//! `claudeprobe standin`: a stand-in Claude API for tests, demonstrations and staging systems.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use super::exit::{Exit, Failure};
use super::output;
use crate::resource::go_duration;
use crate::standin::tls::{Authority, Identity};
use crate::standin::{Config, Key, Rule, Standin, TEST_KEY};
use crate::telemetry::chain;

const EXAMPLES: &str = "\
Examples:
  claudeprobe standin --listen 127.0.0.1:8080 --control 127.0.0.1:8081
      Then, with any Claude client:
        ANTHROPIC_BASE_URL=http://127.0.0.1:8080 ANTHROPIC_API_KEY=<the key it prints>
  curl -d '{\"times\": 1, \"fault\": {\"error\": \"rate_limit_requests\"}}' \\
    http://127.0.0.1:8081/_standin/faults
      Rate-limits the next call. Other faults: {\"edge\": \"forbidden\"}, {\"delay\": {\"ms\": 3000}}, \
{\"silence\": {\"after_events\": 6, \"ms\": 65000}}, {\"cut\": {\"after_events\": 6, \"how\": \"reset\"}}, \"hang\", …
  curl -X PUT -d '[{\"key\": \"sk-ant-api03-new\"}]' \\
    http://127.0.0.1:8081/_standin/keys
      Rotates the key: the stand-in rejects the old one from now on.
  curl http://127.0.0.1:8081/_standin/requests
      Shows what arrived, headers and bodies. Set `pace`, list and delete `faults` in the same way.";

/// Runs a stand-in for the Claude API, with faults on request
///
/// It answers as the API does, down to headers, error texts and the bytes of streams, checks what the API checks, and
/// counts rate limits. It needs no network and costs nothing. Faults are set on the control endpoint.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Address of the API; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Address of the control endpoint, which shows all requests to every client [default: none]
    #[arg(long, value_name = "ADDRESS")]
    control: Option<SocketAddr>,
    /// Valid key. Repeatable [default: a test key, printed at the start]
    #[arg(long = "key", value_name = "KEY")]
    keys: Vec<String>,
    /// Keys with their accounts and limits, and faults, from a YAML or JSON file: {keys: […], faults: […]}
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Time between two events of a stream
    #[arg(long, value_name = "DURATION", default_value = "60ms", value_parser = duration)]
    pace: Duration,
    /// Time before the first byte of a message
    #[arg(long, value_name = "DURATION", default_value = "200ms", value_parser = duration)]
    first_byte: Duration,
    /// Serve HTTPS under an authority made now, and write its ca.pem, and the server's tls.crt and tls.key, into DIR
    #[arg(long, value_name = "DIR", conflicts_with_all = ["tls_cert", "tls_key"])]
    tls_self_signed: Option<PathBuf>,
    /// Name or address in the generated certificate. Repeatable [default: localhost and 127.0.0.1]
    #[arg(long = "tls-name", value_name = "NAME", requires = "tls_self_signed")]
    tls_names: Vec<String>,
    /// Serve HTTPS with this certificate chain (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The chain's private key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Write the addresses as JSON into FILE once all of them listen: {"api": URL, "control": URL or null, "key": KEY}
    #[arg(long, value_name = "FILE")]
    address_file: Option<PathBuf>,
}

fn duration(text: &str) -> Result<Duration, go_duration::DurationError> {
    go_duration::parse(text)
}

/// The file of `--config`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    keys: Vec<Key>,
    #[serde(default)]
    faults: Vec<Rule>,
}

/// Serves until interrupted.
///
/// # Errors
/// An address that is taken, a file that cannot be read or used.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::runtime(format!("the asynchronous runtime cannot start: {error}")))?;
    runtime.block_on(serve(args))
}

async fn serve(args: &Args) -> Result<Exit, Failure> {
    let file = args.config.as_deref().map(file).transpose()?.unwrap_or_default();
    let mut keys = file.keys;
    keys.extend(args.keys.iter().map(Key::new));
    if keys.is_empty() {
        keys.push(Key::new(TEST_KEY));
    }
    let first_key = keys.first().map(|key| key.key.clone());
    let config = Config {
        listen: args.listen,
        control: args.control,
        tls: identity(args)?,
        keys,
        pace: args.pace,
        first_byte: args.first_byte,
        ..Config::default()
    };
    let standin = Standin::start(config)
        .await
        .map_err(|error| Failure::usage(chain(&error)))?;
    for rule in file.faults {
        standin.set_fault(rule);
    }
    let control = standin
        .control_address()
        .map(|address| format!("http://{address}/_standin/"));
    let mut text = format!("api      {}\n", standin.url());
    if let Some(control) = &control {
        text.push_str(&format!("control  {control}\n"));
    }
    // A key from a file or the command line is its owner's to show.
    if args.keys.is_empty() && args.config.is_none() {
        text.push_str(&format!("key      {TEST_KEY}\n"));
    }
    output::print(&text)?;
    if let Some(path) = &args.address_file {
        let addresses = json!({"api": standin.url(), "control": control, "key": first_key}).to_string();
        write(path, &addresses, 0o600)?;
    }
    interrupted().await;
    drop(standin);
    Ok(Exit::OK)
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| Failure::usage(format!("{} cannot be read: {error}", path.display())))
}

/// Writes a temporary file and renames it: a waiting reader finds it complete. A file with a key is readable by its owner only.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), Failure> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let open = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(&beside);
    let written = open
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| std::fs::rename(&beside, path));
    written.map_err(|error| Failure::usage(format!("{} cannot be written: {error}", path.display())))
}

fn file(path: &Path) -> Result<File, Failure> {
    let text = read(path)?;
    let file: File = serde_saphyr::from_str(&text)
        .map_err(|error| Failure::usage(format!("{} cannot be used: {error}", path.display())))?;
    for (at, rule) in file.faults.iter().enumerate() {
        rule.validate()
            .map_err(|wrong| Failure::usage(format!("{}: faults[{at}].{wrong}", path.display())))?;
    }
    Ok(file)
}

fn identity(args: &Args) -> Result<Option<Identity>, Failure> {
    if let (Some(chain_file), Some(key_file)) = (&args.tls_cert, &args.tls_key) {
        let identity = Identity::from_pem(&read(chain_file)?, &read(key_file)?, None);
        return identity.map(Some).map_err(|error| Failure::usage(chain(&error)));
    }
    let Some(directory) = &args.tls_self_signed else {
        return Ok(None);
    };
    let names = match args.tls_names.as_slice() {
        [] => vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
        names => names.to_vec(),
    };
    let failed = |error: crate::standin::tls::TlsError| Failure::usage(chain(&error));
    let authority = Authority::new("claudeprobe stand-in CA").map_err(failed)?;
    let identity = authority.issue(&names).map_err(failed)?;
    std::fs::create_dir_all(directory)
        .map_err(|error| Failure::usage(format!("{} cannot be made: {error}", directory.display())))?;
    write(&directory.join("ca.pem"), authority.ca_pem(), 0o644)?;
    write(&directory.join("tls.crt"), identity.chain_pem(), 0o644)?;
    write(&directory.join("tls.key"), identity.key_pem(), 0o600)?;
    Ok(Some(identity))
}

/// Waits for SIGINT or SIGTERM.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_read_or_rejected_with_its_field() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("standin.yaml");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            file(&path)
        };
        let good = read("keys: [{key: k, limits: {requests: 5}}]\nfaults: [{times: 1, fault: {error: overloaded}}]\n")
            .unwrap();
        assert_eq!((good.keys[0].limits.requests, good.faults.len()), (5, 1));
        for (text, names) in [
            ("keys: [{kee: k}]", "kee"),
            ("faults: [{fault: {error: nonsense}}]", "nonsense"),
            ("faults: [{times: 0, fault: hang}]", "faults[0].times"),
        ] {
            let message = read(text).unwrap_err().message;
            assert!(message.contains(names) && message.contains("standin.yaml"), "{message}");
        }
        assert!(
            file(Path::new("/nonexistent"))
                .unwrap_err()
                .message
                .contains("cannot be read")
        );
    }
}
