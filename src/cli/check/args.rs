//! The command line of `check`, and its spec: the same resource as in the cluster, checked by the same rules.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args as ClapArgs, ValueEnum};

use crate::cli::exit::Failure;
use crate::resource::go_duration;
use crate::resource::spec::{
    self, AuthHeaderKind, ClaudeProbeSpec, Credential, DirectPath, Empty, ForwardingChecks, GatewayPath, KeyRef,
    OptInExchanges, PathOptions, Request, Schedule,
};

/// Claude itself.
pub const CLAUDE: &str = "https://api.anthropic.com";
/// The key reference of `ANTHROPIC_API_KEY` where no file names Secrets: the environment stands for one.
pub const MAIN_KEY: (&str, &str) = ("env", "ANTHROPIC_API_KEY");

const EXAMPLES: &str = "\
The key is read from ANTHROPIC_API_KEY, a gateway's own key from CLAUDEPROBE_CREDENTIAL_<NAME>: the gateway's name in upper case, \
with _ for every other character. With --file, the value of key KEY in Secret NAME is read from CLAUDEPROBE_SECRET_<NAME>_<KEY>, or \
from ANTHROPIC_API_KEY.

Exit code: 0 Healthy, 1 Degraded, 2 Failing, 3 Inconclusive, 4 Unknown, 64 wrong usage.

Examples:
  claudeprobe check --gateway https://ai-gateway.example.com
  claudeprobe check --deep --gateway edge=http://edge:8080 \\
    --gateway mesh=http://mesh:8080/anthropic
  claudeprobe check --no-direct --gateway http://ai-gateway.gateways.svc:8080 -o json
  claudeprobe check -f probe.yaml --explain-plan";

/// Compares gateways with the direct path, once, from this machine; needs no cluster
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
#[allow(clippy::struct_excessive_bools)] // flags of a command line
pub struct Args {
    /// Gateway under test: base URL as in ANTHROPIC_BASE_URL, with a name of your choice. Repeatable
    #[arg(
        long = "gateway",
        value_name = "[NAME=]URL",
        required_unless_present = "file",
        conflicts_with = "file"
    )]
    pub gateways: Vec<String>,
    /// Control: base URL of the Claude API
    #[arg(long, value_name = "URL", default_value = CLAUDE, conflicts_with_all = ["file", "no_direct"])]
    pub direct: String,
    /// Send nothing by the direct path. Without this control, fewer causes can be distinguished
    #[arg(long, conflicts_with = "file")]
    pub no_direct: bool,
    /// Take request, paths and keys from a `ClaudeProbe` in this YAML or JSON file (`-` for standard input)
    #[arg(short, long, value_name = "PROBE.yaml")]
    pub file: Option<PathBuf>,
    /// Send every harmless exchange: the non-streaming form, a 2 MiB body, a 32 KiB header, every forwarding check.
    /// Costs one more answer per path
    #[arg(long)]
    pub deep: bool,
    /// Send N requests at once on each path. Finds concurrency limits; other users of the key may get 429
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(2..=32))]
    pub parallel: Option<i32>,
    /// Send an attack-looking prompt through the gateways. May raise an alarm or block this address
    #[arg(long)]
    pub waf: bool,
    /// Model
    #[arg(long, value_name = "MODEL", conflicts_with = "file")]
    pub model: Option<String>,
    /// Prompt
    #[arg(long, value_name = "TEXT", conflicts_with = "file")]
    pub prompt: Option<String>,
    /// Maximum output tokens per request
    #[arg(long, value_name = "N", conflicts_with = "file")]
    pub max_tokens: Option<i32>,
    /// Request one message instead of an event stream
    #[arg(long, conflicts_with = "file")]
    pub no_stream: bool,
    /// Value of the anthropic-beta header. Repeatable
    #[arg(long = "beta", value_name = "VALUE", conflicts_with = "file")]
    pub betas: Vec<String>,
    /// Value of the anthropic-version header
    #[arg(long, value_name = "DATE", conflicts_with = "file")]
    pub api_version: Option<String>,
    /// Request header that holds the key
    #[arg(long, value_name = "HEADER", alias = "carrier", value_parser = auth_header(), default_value = "x-api-key", conflicts_with = "file")]
    pub auth_header: AuthHeaderKind,
    /// Send no key through gateways that have none of their own: they add it
    #[arg(long, conflicts_with = "file")]
    pub keyless: bool,
    /// Additional root certificates for all paths, PEM
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Forward proxy of the direct path
    #[arg(long, value_name = "URL", conflicts_with_all = ["file", "no_direct"])]
    pub proxy: Option<String>,
    /// Time limit. The result covers what was seen until then
    #[arg(long, value_name = "DURATION", default_value = "90s", value_parser = duration)]
    pub timeout: Duration,
    /// Output format
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
    /// Repeat every DURATION until interrupted; text output has one line per check
    #[arg(long, value_name = "DURATION", value_parser = duration, num_args = 0..=1, default_missing_value = "1m")]
    pub watch: Option<Duration>,
    /// Print the plan and its cost: exchanges, order, purpose, tokens. Sends nothing, needs no key
    #[arg(long)]
    pub explain_plan: bool,
}

/// The auth headers of a flag. `bearer` is the old name of `authorization`.
fn auth_header() -> impl TypedValueParser<Value = AuthHeaderKind> {
    let values = [
        PossibleValue::new("x-api-key").help("x-api-key: KEY, as SDKs before 2.0"),
        PossibleValue::new("authorization")
            .alias("bearer")
            .help("authorization: Bearer KEY, as SDKs from 2.0"),
    ];
    PossibleValuesParser::new(values).map(|value| match value.as_str() {
        "x-api-key" => AuthHeaderKind::XApiKey,
        _ => AuthHeaderKind::Authorization,
    })
}

/// Output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Text for people
    Text,
    /// JSON, with a schemaVersion
    Json,
    /// The same as YAML
    Yaml,
}

/// Reads a duration of at least a second for a flag.
pub(in crate::cli) fn duration(text: &str) -> Result<Duration, String> {
    match go_duration::parse(text) {
        Ok(duration) if duration < Duration::from_secs(1) => Err("must be at least 1s".into()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(error.to_string()),
    }
}

/// A gateway as it was given on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedUrl {
    /// Its name.
    pub name: String,
    /// Its base URL.
    pub url: String,
}

#[derive(Debug, clap::Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

impl Args {
    /// The arguments that these words give, for a check from inside a program.
    ///
    /// # Errors
    /// Usage, as the command line would say it.
    pub fn from_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, Failure> {
        let line = std::iter::once("check").chain(words);
        let parsed = <Line as clap::Parser>::try_parse_from(line);
        parsed
            .map(|line| line.args)
            .map_err(|error| Failure::usage(error.to_string()))
    }

    /// The gateways with their names: those given, `gateway` for a single unnamed one, else `gateway-1`, `gateway-2`,
    /// ….
    #[must_use]
    pub fn named_gateways(&self) -> Vec<NamedUrl> {
        let only = self.gateways.len() == 1;
        let named = self.gateways.iter().enumerate().map(|(index, given)| {
            // A URL may hold `=` too; before a name's `=` there is never a `:` or `/`.
            let name = given.split_once('=').filter(|(name, _)| !name.contains([':', '/']));
            let (name, url) = match name {
                Some((name, url)) => (name.to_owned(), url),
                None if only => ("gateway".to_owned(), given.as_str()),
                None => (format!("gateway-{}", index + 1), given.as_str()),
            };
            NamedUrl {
                name,
                url: url.trim_end_matches('/').to_owned(),
            }
        });
        named.collect()
    }

    /// The spec that this command line stands for. `has` says whether an environment variable is set.
    ///
    /// # Errors
    /// When no key is given and none of `--keyless` and own keys makes it unnecessary.
    pub fn spec(&self, has: impl Fn(&str) -> bool) -> Result<ClaudeProbeSpec, Failure> {
        let main_key = has(MAIN_KEY.1).then(|| self.credential(MAIN_KEY.0, MAIN_KEY.1));
        let gateways = self.named_gateways();
        let mut paths = Vec::new();
        for NamedUrl { name, url } in gateways {
            let own = credential_variable(&name);
            let credential = if has(&own) {
                Some(self.credential(MAIN_KEY.0, &own))
            } else if self.keyless {
                Some(Credential {
                    none: Some(Empty {}),
                    ..Credential::default()
                })
            } else if main_key.is_none() {
                return Err(Failure::usage(format!(
                    "no key for gateway {name:?}: set ANTHROPIC_API_KEY, or {own} for this gateway only; if the gateway adds the key, give --keyless"
                )));
            } else {
                None
            };
            paths.push(gateway(name, url, credential));
        }
        if main_key.is_none() && !self.no_direct {
            return Err(Failure::usage(
                "no key for the direct path: set ANTHROPIC_API_KEY, or give --no-direct to run without a control",
            ));
        }
        let mut spec = ClaudeProbeSpec {
            schedule: Schedule {
                // Not used here; a spec must have one that its timeout fits into.
                every: Some("24h".into()),
                ..Schedule::default()
            },
            starting_deadline: None,
            suspend: false,
            run_timeout: None,
            request: self.request(),
            credential: main_key,
            direct: (!self.no_direct).then(|| self.direct_path()),
            gateways: paths,
            forwarding_checks: ForwardingChecks::default(),
            exchanges: OptInExchanges::default(),
            thresholds: spec::Thresholds::default(),
            budget: None,
            placement: spec::Placement::default(),
            workloads: Vec::new(),
            history_limit: 0,
        };
        self.opt_in(&mut spec);
        Ok(spec)
    }

    /// Adds to a spec what `--parallel` and `--waf` ask for.
    pub fn opt_in(&self, spec: &mut ClaudeProbeSpec) {
        if self.parallel.is_some() {
            spec.exchanges.parallel = self.parallel;
        }
        spec.exchanges.attack_prompt |= self.waf;
    }

    fn request(&self) -> Request {
        let default = Request::default();
        Request {
            model: self.model.clone().unwrap_or(default.model),
            api_version: self.api_version.clone().unwrap_or(default.api_version),
            betas: self.betas.clone(),
            stream: !self.no_stream,
            max_tokens: self.max_tokens.unwrap_or(default.max_tokens),
            prompt: self.prompt.clone().unwrap_or(default.prompt),
            ..default
        }
    }

    fn direct_path(&self) -> DirectPath {
        let proxy = self.proxy.as_ref().map(|url| spec::Proxy {
            url: url.clone(),
            credential_secret_ref: None,
        });
        DirectPath {
            url: self.direct.trim_end_matches('/').to_owned(),
            options: PathOptions {
                proxy,
                ..PathOptions::default()
            },
        }
    }

    fn credential(&self, name: &str, key: &str) -> Credential {
        Credential {
            secret_key_ref: Some(KeyRef {
                name: name.to_owned(),
                key: key.to_owned(),
            }),
            auth_header: self.auth_header,
            ..Credential::default()
        }
    }
}

fn gateway(name: String, url: String, credential: Option<Credential>) -> GatewayPath {
    GatewayPath {
        name,
        url,
        upstream: spec::Upstream::Auto,
        expect_account: None,
        accept: Vec::new(),
        workload: None,
        options: PathOptions {
            credential,
            ..PathOptions::default()
        },
    }
}

/// The variable that holds a gateway's own key.
#[must_use]
pub fn credential_variable(gateway: &str) -> String {
    format!("CLAUDEPROBE_CREDENTIAL_{}", shouted(gateway))
}

/// The variable that holds a Secret's key.
#[must_use]
pub fn secret_variable(secret: &str, key: &str) -> String {
    format!("CLAUDEPROBE_SECRET_{}_{}", shouted(secret), shouted(key))
}

fn shouted(text: &str) -> String {
    let chars = text.chars().map(|c| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    });
    chars.collect()
}
