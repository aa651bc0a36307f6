//! A stand-in for the Claude API: the same replies, headers, streams, checks and limits, and faults on request.
//!
//! For tests, demonstrations and staging systems. It is made from the vendor's documentation and recorded traffic, and
//! the vendor's own SDKs judge it (`tests/sdk`). It does not depend on this project's prober.
//!
//! ```text
//! serve ─► router ─► call: auth ─► parse ─► validate ─► limits ─► answer ─► flow ─► wire
//!            │                                                     (pace, silence, cut)
//!            ├─► record: the log         faults strike in router, call and flow
//!            └─► edge: replies of the content network
//! ```
//!
//! ```no_run
//! # async fn example() -> Result<(), claudeprobe::standin::StartError> {
//! use claudeprobe::standin::{Config, ErrorName, Fault, Rule, Standin};
//!
//! let claude = Standin::start(Config::default()).await?;
//! claude.set_fault(Rule::once(Fault::Error(ErrorName::Overloaded)));
//! // … call claude.url() …
//! assert_eq!(claude.requests().len(), 1);
//! # Ok(())
//! # }
//! ```

mod answer;
mod auth;
mod call;
mod config;
mod control;
mod edge;
mod error_name;
mod errors;
mod faults;
mod flow;
mod headers;
mod ids;
mod limits;
mod models;
mod parse;
mod record;
mod router;
mod serve;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
pub mod tls;
mod tokens;
mod validate;
mod wire;

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use config::{Config, Key, KeyState, Limits, TEST_KEY};
pub use edge::Page;
pub use error_name::ErrorName;
pub use faults::{Active, Ending, Fault, Garbage, Route, Rule};
pub use record::{Ended, Recorded, Replied};

use router::Shared;

/// Why a stand-in could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The keys contradict each other or have a wrong form.
    #[error("{0}")]
    Keys(String),
}

/// A running stand-in. Dropping it ends it, with all connections.
#[derive(Debug)]
pub struct Standin {
    api: SocketAddr,
    control: Option<SocketAddr>,
    ca_pem: Option<String>,
    https: bool,
    shared: Arc<Shared>,
    stop: CancellationToken,
}

impl Standin {
    /// Listens and serves on tasks of the current runtime.
    ///
    /// # Errors
    /// [`StartError`] when an address is taken or the keys are wrong.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        control::check_keys(&config.keys).map_err(StartError::Keys)?;
        let (listener, api) = listen(config.listen).await?;
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            keys: RwLock::new(config.keys),
            pace: RwLock::new((config.pace, config.first_byte)),
            tokens_per_delta: config.tokens_per_delta.max(1),
            rules: faults::Rules::default(),
            log: Arc::default(),
            meter: Arc::default(),
        });
        let mut control = None;
        if let Some(address) = config.control {
            let (listener, bound) = listen(address).await?;
            control = Some(bound);
            tokio::spawn(serve::control(
                listener,
                control::router(Arc::clone(&shared)),
                stop.clone(),
            ));
        }
        let ca_pem = config
            .tls
            .as_ref()
            .and_then(|identity| identity.ca_pem().map(str::to_owned));
        let https = config.tls.is_some();
        tokio::spawn(serve::api(listener, config.tls, Arc::clone(&shared), stop.clone()));
        Ok(Self {
            api,
            control,
            ca_pem,
            https,
            shared,
            stop,
        })
    }

    /// Where the API listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.api
    }

    /// The API's base URL, as a client would configure it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", if self.https { "https" } else { "http" }, self.api)
    }

    /// Where the control endpoint listens, if it does.
    #[must_use]
    pub fn control_address(&self) -> Option<SocketAddr> {
        self.control
    }

    /// The authority to trust, when the certificate was made here.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// Puts a rule in force and returns its number.
    pub fn set_fault(&self, rule: Rule) -> u64 {
        self.shared.rules.add(rule)
    }

    /// Removes all rules.
    pub fn clear_faults(&self) {
        self.shared.rules.remove(None);
    }

    /// Replaces the keys: those that are not among them are unknown from now on.
    ///
    /// # Errors
    /// [`StartError::Keys`]; the old keys stay then.
    pub fn set_keys(&self, keys: Vec<Key>) -> Result<(), StartError> {
        control::check_keys(&keys).map_err(StartError::Keys)?;
        *self.shared.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    /// Time between two events of a stream, and before the first byte of a billed reply.
    pub fn set_pace(&self, pace: Duration, first_byte: Duration) {
        *self.shared.pace.write().unwrap_or_else(PoisonError::into_inner) = (pace, first_byte);
    }

    /// The last requests (at most 2,000), the oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.log.since(0)
    }

    /// The requests after a number.
    #[must_use]
    pub fn requests_since(&self, sequence: u64) -> Vec<Recorded> {
        self.shared.log.since(sequence)
    }

    /// Forgets the requests; numbers go on.
    pub fn clear_requests(&self) {
        self.shared.log.clear();
    }
}

impl Drop for Standin {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}
