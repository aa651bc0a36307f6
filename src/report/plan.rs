//! The plan of one run, as JSON in one environment variable.
//!
//! The kubelet expands `$(VAR)` in environment values, so [`Plan::to_env`] writes every `$` as `\u0024`. Keys are never
//! in a plan: it names the environment variable that holds one.

use serde::{Deserialize, Serialize};

use super::evidence::ExchangeKind;
use crate::claude::client;
pub use crate::claude::client::{AuthHeader, HeaderValue, HttpVersion};

/// A key, in the environment variable of this name.
pub type Credential = client::Credential<String>;
/// An extra header; a secret is the name of an environment variable.
pub type Header = client::Header<String>;
/// A forward proxy; a secret is the name of an environment variable.
pub type Proxy = client::Proxy<String>;
/// TLS settings: the path of a file, and names of environment variables.
pub type Tls = client::Tls<String>;

/// Name of the environment variable that holds the plan.
pub const PLAN_ENV: &str = "CLAUDEPROBE_PLAN";
/// Largest plan that a pod may have, bytes of its environment value.
pub const PLAN_MAX_BYTES: usize = 64 * 1024;
/// Version of the plan's format that this build writes and reads.
pub const PLAN_VERSION: u32 = 2;

/// One run on one or more paths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// [`PLAN_VERSION`].
    pub version: u32,
    /// `namespace/name` of the probe, or `check`.
    pub probe: String,
    /// The probe's UID: salt of key fingerprints. A random one for `check`.
    pub uid: String,
    /// The slot that this run fills.
    pub slot: String,
    /// The prober reports and exits 15 s before this much time has passed, milliseconds.
    pub run_timeout_ms: u64,
    /// Limit of the long request on each path, milliseconds; 0 = what is left of the run. Part of `run_timeout_ms`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub long_timeout_ms: u64,
    /// The frozen request, the same on every path.
    pub request: FrozenRequest,
    /// The paths: the control first if there is one, then gateways in the resource's order.
    pub paths: Vec<PathPlan>,
    /// Networks that the prober does not connect to, in addition to metadata addresses, CIDR notation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refuse_networks: Vec<String>,
    /// A sidecar terminates our connections: wait for it, and label TCP and TLS times.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mesh: bool,
    /// Over budget: send nothing that generates tokens, so not the frozen request either.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub zero_token_only: bool,
    /// An exchange that cannot decide, because a gateway broke it or answered otherwise than the control, is sent once
    /// more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub second_samples: bool,
    /// A stream that looks buffered through a gateway is requested once more, on the gateway and on the control.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub second_pair: bool,
}

/// The request that is sent byte for byte the same on every path of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FrozenRequest {
    /// The requested model (also needed with a saved body, to build forwarding checks).
    pub model: String,
    /// `anthropic-version`.
    pub api_version: String,
    /// `anthropic-beta` values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub betas: Vec<String>,
    /// Extra request headers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
    /// Whether the request wants an event stream.
    pub stream: bool,
    /// Upper bound of output tokens.
    pub max_tokens: u32,
    /// The user's prompt, unless `body_file` is set.
    pub prompt: String,
    /// A file whose bytes are the body, unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_file: Option<String>,
}

/// One path of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PathPlan {
    /// `direct` or the gateway's name.
    pub name: String,
    /// Base URL, without a final slash; `/v1/messages` is appended.
    pub url: String,
    /// Where the key comes from and how it is sent; `None` sends none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<Credential>,
    /// Another model name on this path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Extra request headers of this path only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
    /// Forward proxy to reach the path through, by CONNECT (or absolute-form for http URLs).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Proxy>,
    /// TLS settings.
    #[serde(default, skip_serializing_if = "Tls::is_default")]
    pub tls: Tls,
    /// HTTP version.
    #[serde(default)]
    pub http_version: HttpVersion,
    /// Exchanges other than handshake and frozen request, in any order: the prober orders them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<ExchangePlan>,
    /// Whether the path leads to the Claude API itself: forwarding checks that only Claude answers make sense.
    pub anthropic: bool,
}

/// An exchange of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExchangePlan {
    /// Which.
    pub kind: ExchangeKind,
    /// When it is sent.
    #[serde(default)]
    pub when: When,
    /// Bytes for size exchanges, connections for parallel ones, seconds for idle reuse, most output tokens for the long
    /// request; 0 = the exchange's default.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub amount: u64,
}

/// When a planned exchange is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum When {
    /// In this run, whatever the frozen request gave (after it, and only if it may still be conclusive).
    #[default]
    Always,
    /// Only when the frozen request on this path failed with 401 or 403, or with Claude's 401 quoted under another
    /// status.
    AuthFailed,
    /// Only when the frozen request on this path got a server's error or no reply; on the control, when it was answered
    /// and on another path it was not.
    Failed,
}

// serde's `skip_serializing_if` passes a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(amount: &u64) -> bool {
    *amount == 0
}

/// Why a plan cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// It is larger than a pod may have.
    #[error(
        "the plan needs {bytes} bytes, and the limit is {PLAN_MAX_BYTES}. Shorten the prompt or the headers, or put the body into a ConfigMap (request.bodyFrom)"
    )]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// It is not JSON of this shape.
    #[error("the plan cannot be read: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It is of another version.
    #[error(
        "the plan has version {found}, and this prober reads version {PLAN_VERSION}. Use the operator and the probe image of the same release"
    )]
    Version {
        /// The version found.
        found: u32,
    },
}

impl Plan {
    /// The plan as an environment value: JSON in which every `$` is written `\u0024`, so that the kubelet expands
    /// nothing.
    ///
    /// # Errors
    /// [`PlanError::TooLarge`] above [`PLAN_MAX_BYTES`].
    pub fn to_env(&self) -> Result<String, PlanError> {
        // In JSON text a `$` occurs only inside strings, where the escape means the same.
        let value = serde_json::to_string(self)?.replace('$', "\\u0024");
        if value.len() > PLAN_MAX_BYTES {
            return Err(PlanError::TooLarge { bytes: value.len() });
        }
        Ok(value)
    }

    /// Reads a plan back.
    ///
    /// # Errors
    /// Malformed JSON, unknown fields, or another version.
    pub fn from_env(value: &str) -> Result<Self, PlanError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let found = serde_json::from_str::<Versioned>(value)?.version;
        if found != PLAN_VERSION {
            return Err(PlanError::Version { found });
        }
        Ok(serde_json::from_str(value)?)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan {
            version: PLAN_VERSION,
            probe: "ai/assistants".into(),
            uid: "u".into(),
            slot: "g1".into(),
            run_timeout_ms: 180_000,
            long_timeout_ms: 0,
            request: FrozenRequest {
                model: "claude-haiku-4-5".into(),
                api_version: "2023-06-01".into(),
                betas: vec![],
                headers: vec![Header {
                    name: "x-team".into(),
                    value: HeaderValue::Value("$(API_KEY) $$".into()),
                }],
                stream: true,
                max_tokens: 64,
                prompt: "costs $5, $(API_KEY), $$(API_KEY)".into(),
                body_file: None,
            },
            paths: vec![],
            refuse_networks: vec![],
            mesh: false,
            zero_token_only: false,
            second_samples: false,
            second_pair: true,
        }
    }

    #[test]
    fn no_dollar_is_left_for_the_kubelet_to_expand_and_all_come_back() {
        let value = plan().to_env().unwrap();
        assert!(!value.contains('$'));
        assert_eq!(Plan::from_env(&value).unwrap(), plan());
    }

    #[test]
    fn another_version_is_named() {
        let value = plan().to_env().unwrap().replace("\"version\":2", "\"version\":9");
        assert!(Plan::from_env(&value).unwrap_err().to_string().contains("version 9"));
    }
}
