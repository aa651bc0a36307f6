//! LiteLLM: two instances that the cases share, because one takes 15 s to start.
//!
//! Claude's address is part of its configuration, and each case has a Claude of its own: an instance leads to a relay, and the
//! case that holds the instance sets the target of the relay. A case selects a configuration by the model that
//! it asks for.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use claudeprobe::standin::TEST_KEY;

use crate::program::{self, Program, Start};
use crate::stage::{OLD_KEY, write};

/// An instance and its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Litellm {
    /// Accepts every client, and never cools a deployment down.
    Open,
    /// Requires its own key, and cools a deployment down after one failure.
    Strict,
}

/// The key that [`Litellm::Strict`] asks for.
pub const MASTER_KEY: &str = "sk-litellm-master-0001";

/// A right key, or the fault that the model stands for.
const OPEN: &str = r#"model_list:
- {model_name: claude-haiku-4-5, litellm_params: {model: anthropic/claude-haiku-4-5, api_key: "{key}", api_base: "http://{relay}"}}
# The key before the rotation.
- {model_name: claude-sonnet-4-5, litellm_params: {model: anthropic/claude-sonnet-4-5, api_key: "{old}", api_base: "http://{relay}"}}
# A line end after the key.
- {model_name: claude-opus-4-5, litellm_params: {model: anthropic/claude-opus-4-5, api_key: "{key}\n", api_base: "http://{relay}"}}
# Nothing listens here.
- {model_name: claude-sonnet-4-6, litellm_params: {model: anthropic/claude-sonnet-4-6, api_key: "{key}", api_base: "http://{closed}"}}
# No such name.
- {model_name: claude-opus-4-6, litellm_params: {model: anthropic/claude-opus-4-6, api_key: "{key}", api_base: "http://claude.invalid"}}
# Little patience.
- {model_name: claude-haiku-5-5, litellm_params: {model: anthropic/claude-haiku-5-5, api_key: "{key}", api_base: "http://{relay}", timeout: 2, stream_timeout: 2}}
# One request in each minute of the clock.
- {model_name: claude-sonnet-5-5, litellm_params: {model: anthropic/claude-sonnet-5-5, api_key: "{key}", api_base: "http://{relay}", rpm: 1}}
# For the first request, which belongs to no case.
- {model_name: warm, litellm_params: {model: anthropic/warm, api_key: "{key}", api_base: "http://{closed}"}}
router_settings: {num_retries: 0, disable_cooldowns: true, optional_pre_call_checks: [enforce_model_rate_limits]}
litellm_settings: {num_retries: 0}
"#;

/// Nothing listens for the second model.
const STRICT: &str = r#"model_list:
- {model_name: claude-haiku-4-5, litellm_params: {model: anthropic/claude-haiku-4-5, api_key: "{key}", api_base: "http://{relay}"}}
- {model_name: claude-sonnet-4-6, litellm_params: {model: anthropic/claude-sonnet-4-6, api_key: "{key}", api_base: "http://{closed}"}}
- {model_name: warm, litellm_params: {model: anthropic/warm, api_key: "{key}", api_base: "http://{closed}"}}
general_settings: {master_key: "{master}"}
router_settings: {num_retries: 0, allowed_fails: 0, cooldown_time: 300}
litellm_settings: {num_retries: 0}
"#;

/// A started instance and its relay.
struct Instance {
    program: Program,
    relay: Relay,
}

/// An instance, held by one case until it is dropped.
pub struct Lease {
    instance: MutexGuard<'static, Instance>,
}

/// Starts the instance if it does not run, waits until no other case holds it, and leads it to this Claude.
pub fn lease(which: Litellm, claude: SocketAddr) -> Lease {
    static INSTANCES: [OnceLock<Mutex<Instance>>; 2] = [OnceLock::new(), OnceLock::new()];
    let instance = INSTANCES[which as usize].get_or_init(|| Mutex::new(start(which)));
    // A failed case leaves nothing behind that affects another.
    let instance = instance.lock().unwrap_or_else(PoisonError::into_inner);
    instance.relay.lead_to(Some(claude));
    Lease { instance }
}

impl Lease {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.instance.program.address
    }

    /// The end of its log.
    pub fn log(&self) -> String {
        self.instance.program.log()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.instance.relay.lead_to(None);
    }
}

fn start(which: Litellm) -> Instance {
    let relay = Relay::start();
    let directory = program::directory();
    let own = directory.path().to_string_lossy().into_owned();
    let text = match which {
        Litellm::Open => OPEN,
        Litellm::Strict => STRICT,
    };
    let config = directory.path().join("litellm.yaml");
    let text = [
        ("{relay}", relay.address.to_string()),
        ("{closed}", crate::peers::closed().to_string()),
        ("{key}", TEST_KEY.to_owned()),
        ("{old}", OLD_KEY.to_owned()),
        ("{master}", MASTER_KEY.to_owned()),
    ]
    .iter()
    .fold(text.to_owned(), |text, (name, value)| text.replace(name, value));
    write(&config, &text);
    let address = program::address();
    // Nothing drops what lives as long as the process: the shell ends the program when its standard input ends.
    let script = "dir=$1; shift; \"$@\" & program=$!; cat; kill $program; wait $program; rm -rf \"$dir\"";
    let environment = [
        "LITELLM_LOCAL_MODEL_COST_MAP=True".to_owned(),
        // The cases that ask for no key of its own mean it.
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY=true".to_owned(),
        // What the pass-through route uses.
        format!("ANTHROPIC_API_KEY={TEST_KEY}"),
        format!("ANTHROPIC_API_BASE=http://{}", relay.address),
    ];
    let program = program::find_cached("litellm-1.106.2/bin/litellm");
    let arguments = [
        "-c".to_owned(),
        script.to_owned(),
        "sh".to_owned(),
        own,
        "env".to_owned(),
    ]
    .into_iter()
    .chain(environment)
    .chain([program.to_string_lossy().into_owned(), "--config".to_owned()])
    .chain([config.to_string_lossy().into_owned(), "--telemetry".to_owned()])
    .chain(["False".to_owned(), "--host".to_owned(), address.ip().to_string()])
    .chain(["--port".to_owned(), address.port().to_string()])
    .collect();
    let start = Start {
        name: "litellm",
        program: program::find("sh"),
        arguments,
        address,
        directory,
    };
    let program = start.run();
    warm(address).unwrap();
    Instance { program, relay }
}

/// The first request loads much of it and takes seconds: no case must wait for that.
fn warm(address: SocketAddr) -> io::Result<()> {
    const BODY: &str = r#"{"model":"warm","max_tokens":1,"messages":[{"role":"user","content":"."}]}"#;
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(program::START))?;
    let length = BODY.len();
    write!(
        stream,
        "POST /v1/messages HTTP/1.1\r\nhost: {address}\r\nx-api-key: {MASTER_KEY}\r\nanthropic-version: 2023-06-01\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{BODY}"
    )?;
    stream.read_to_end(&mut Vec::new()).map(|_| ())
}

/// Forwards connections to its current target.
struct Relay {
    address: SocketAddr,
    lines: Arc<Mutex<Lines>>,
}

/// Where a relay leads, and the connections that are open.
#[derive(Default)]
struct Lines {
    to: Option<SocketAddr>,
    open: Vec<TcpStream>,
}

impl Relay {
    fn start() -> Self {
        let address = program::address();
        let listener = TcpListener::bind(address).unwrap();
        let lines = Arc::<Mutex<Lines>>::default();
        let known = Arc::clone(&lines);
        thread::spawn(move || {
            for inner in listener.incoming().flatten() {
                let mut lines = known.lock().unwrap();
                let outer = lines.to.and_then(|to| TcpStream::connect(to).ok());
                if let Some(outer) = outer.filter(|outer| join(&inner, outer).is_ok()) {
                    lines.open.extend([inner, outer]);
                }
            }
        });
        Self { address, lines }
    }

    /// Closes the open connections and sets another target.
    fn lead_to(&self, to: Option<SocketAddr>) {
        let mut lines = self.lines.lock().unwrap();
        lines.to = to;
        for line in lines.open.drain(..) {
            let _ = line.shutdown(Shutdown::Both);
        }
    }
}

/// Copies in both directions until one side ends, which ends the other.
fn join(inner: &TcpStream, outer: &TcpStream) -> io::Result<()> {
    for (from, to) in [(inner, outer), (outer, inner)] {
        from.set_nodelay(true)?;
        let (mut from, mut to) = (from.try_clone()?, to.try_clone()?);
        thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            while let Ok(length @ 1..) = from.read(&mut buffer) {
                if to.write_all(&buffer[..length]).is_err() {
                    break;
                }
            }
            let _ = to.shutdown(Shutdown::Both);
        });
    }
    Ok(())
}
