//! The prober's own bounds on time and memory: nothing that a server does makes a run longer or larger than this.

use std::time::Duration;

/// Bounds of one exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Name resolution.
    pub dns: Duration,
    /// A TCP connection to one address (half of it when there are several).
    pub connect: Duration,
    /// The forward proxy's answer to CONNECT.
    pub proxy: Duration,
    /// Looking up a target that a proxy will resolve.
    pub proxy_lookup: Duration,
    /// The TLS handshake.
    pub tls: Duration,
    /// Bytes of a response head.
    pub head_bytes: usize,
    /// Bytes of a body that are read before giving up on it.
    pub body_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            dns: Duration::from_secs(10),
            connect: Duration::from_secs(10),
            proxy: Duration::from_secs(15),
            proxy_lookup: Duration::from_millis(500),
            tls: Duration::from_secs(10),
            head_bytes: 128 * 1024,
            // A Messages reply of the largest output is well below; memory stays bounded whatever comes.
            body_bytes: 4 * 1024 * 1024,
        }
    }
}

impl Limits {
    /// For an exchange that generates nothing: its replies are short, and so are Claude's errors.
    #[must_use]
    pub fn of_forwarding_check(self) -> Self {
        Self {
            body_bytes: 256 * 1024,
            ..self
        }
    }

    /// The same, with no phase longer than `remaining`.
    #[must_use]
    pub fn within(self, remaining: Duration) -> Self {
        Self {
            dns: self.dns.min(remaining),
            connect: self.connect.min(remaining),
            proxy: self.proxy.min(remaining),
            proxy_lookup: self.proxy_lookup.min(remaining),
            tls: self.tls.min(remaining),
            ..self
        }
    }
}
