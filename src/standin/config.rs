//! A stand-in's configuration: addresses, keys and their accounts, models, pace.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The key that is valid when none is configured. It has a genuine key's shape and opens nothing anywhere.
pub const TEST_KEY: &str =
    "sk-ant-api03-standin00000000000000000000000000000000000000000000000000000000000000000000000000000000000000AA";

/// How to start a stand-in.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the API listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where the control endpoint listens; `None`: only the handle controls.
    pub control: Option<SocketAddr>,
    /// HTTPS on the API's port; `None`: HTTP.
    pub tls: Option<super::tls::Identity>,
    /// The keys that are valid, and whose they are.
    pub keys: Vec<Key>,
    /// Time between two events of a stream.
    pub pace: Duration,
    /// Time from the request to the first byte of the reply of a billed call.
    pub first_byte: Duration,
    /// Whether the answer's chunks flow as genuine ones do: several tokens in one `content_block_delta`.
    pub tokens_per_delta: usize,
}

impl Default for Config {
    /// Plain HTTP on free loopback ports, one key, no waiting: for tests in the same process.
    fn default() -> Self {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            listen: loopback,
            control: Some(loopback),
            tls: None,
            keys: vec![Key::new(TEST_KEY)],
            pace: Duration::ZERO,
            first_byte: Duration::ZERO,
            tokens_per_delta: 2,
        }
    }
}

/// What has become of a credential.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// Accepted.
    #[default]
    Active,
    /// 401 `Credential is invalid`: its lifetime is over.
    Expired,
    /// 401 `Organization access has been revoked`.
    OrganizationRevoked,
    /// 401 `Workspace access has been revoked`.
    WorkspaceRevoked,
}

/// A credential and the account behind it. Keys of the same organisation share its limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// The credential: an API key, or an OAuth access token (`sk-ant-oat…`, accepted as Bearer only).
    pub key: String,
    /// Organisation, a UUID.
    #[serde(default = "default_organization")]
    pub organization: String,
    /// Workspace, `wrkspc_…`.
    #[serde(default = "default_workspace")]
    pub workspace: String,
    /// What has become of it.
    #[serde(default)]
    pub state: KeyState,
    /// Each call must name a workspace (`anthropic-workspace-id`), as organisation-wide keys must.
    #[serde(default)]
    pub needs_workspace: bool,
    /// Model ids that this key may use; empty: all.
    #[serde(default)]
    pub models: Vec<String>,
    /// Limits per minute of the organisation.
    #[serde(default)]
    pub limits: Limits,
}

impl Key {
    /// An active key of the default organisation, with wide limits.
    #[must_use]
    pub fn new(key: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            organization: default_organization(),
            workspace: default_workspace(),
            state: KeyState::Active,
            needs_workspace: false,
            models: Vec::new(),
            limits: Limits::default(),
        }
    }
}

fn default_organization() -> String {
    "6bba1ce2-7b1c-4b1d-9a8e-3f0c6a3b2d11".to_owned()
}

fn default_workspace() -> String {
    "wrkspc_01MZW3YzUeytZsFc9LHFxP78".to_owned()
}

/// Limits of an organisation, per model class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Requests per minute.
    pub requests: u64,
    /// Input tokens per minute.
    pub input_tokens: u64,
    /// Output tokens per minute.
    pub output_tokens: u64,
    /// Requests of token counting per minute; a pool of its own.
    pub count_requests: u64,
    /// Calls at the same time; `None`: no limit.
    pub concurrency: Option<u32>,
    /// Whether replies show the limits: those of some organisations do not.
    pub headers: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests: 10_000,
            input_tokens: 10_000_000,
            output_tokens: 2_000_000,
            count_requests: 2_000,
            concurrency: None,
            headers: true,
        }
    }
}
