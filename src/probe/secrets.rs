//! The secrets that a run holds: environment variable name → value, given by the caller of the run.
//!
//! A map and not the process's environment, so that runs in one process (tests, `check`, `demo`) do not see each
//! other's.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::SecretString;

use crate::report::plan::Plan;

/// Secrets by the name of the environment variable that the plan refers to.
#[derive(Clone, Default)]
pub struct Secrets(BTreeMap<String, SecretString>);

impl Secrets {
    /// No secrets.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a secret, replacing one of the same name.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.insert(name, SecretString::from(value.into()));
        self
    }

    /// Adds a secret, replacing one of the same name.
    pub fn insert(&mut self, name: &str, value: SecretString) {
        self.0.insert(name.to_owned(), value);
    }

    /// The secret of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&SecretString> {
        self.0.get(name)
    }

    /// All values.
    pub fn values(&self) -> impl Iterator<Item = &SecretString> {
        self.0.values()
    }

    /// The secrets that the plan names, looked up by `lookup` (the process's environment in a probe pod). What the
    /// lookup does not know is left out: the exchanges that need it report so.
    pub fn collect(plan: &Plan, lookup: impl Fn(&str) -> Option<String>) -> Self {
        let mut secrets = Self::default();
        for name in Self::names(plan) {
            if let Some(value) = lookup(name) {
                secrets.insert(name, SecretString::from(value));
            }
        }
        secrets
    }

    /// The names of all variables that the plan refers to.
    #[must_use]
    pub fn names(plan: &Plan) -> Vec<&str> {
        let headers = plan
            .request
            .headers
            .iter()
            .chain(plan.paths.iter().flat_map(|path| path.headers.iter()));
        let from_headers = headers.filter_map(|header| header.secret().map(String::as_str));
        let from_paths = plan.paths.iter().flat_map(|path| {
            let key = path.credential.as_ref().map(|credential| credential.secret.as_str());
            let proxy = path.proxy.as_ref().and_then(|proxy| proxy.credential.as_ref());
            let pairs = proxy.into_iter().chain(path.tls.client_certificate.as_ref());
            let pairs = pairs.flat_map(|(first, second)| [first.as_str(), second.as_str()]);
            key.into_iter().chain(pairs).collect::<Vec<_>>()
        });
        from_headers.chain(from_paths).collect()
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({:?})", self.0.keys().collect::<Vec<_>>())
    }
}
