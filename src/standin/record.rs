//! The log of received requests: shows tests how a gateway changed a request.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

/// Requests that are kept.
const KEPT: usize = 2_000;
/// Bytes of a body that are kept.
const BODY_KEPT: usize = 256 << 10;

/// A request as it arrived, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recorded {
    /// Its number, from 1.
    pub sequence: u64,
    /// When its head had arrived.
    pub at: jiff::Timestamp,
    /// The connection it came on, from 1.
    pub connection: u64,
    /// Address of the peer.
    pub peer: String,
    /// `HTTP/1.1`, `HTTP/2.0`.
    pub version: String,
    /// Server name of the TLS handshake; absent without TLS or name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// Method.
    pub method: String,
    /// Path and query as received.
    pub target: String,
    /// Headers in their order; names in lower case, bytes outside UTF-8 replaced.
    pub headers: Vec<(String, String)>,
    /// Length of the body in bytes.
    pub body_bytes: usize,
    /// SHA-256 of the body, hexadecimal.
    pub body_sha256: String,
    /// The body as text, at most its first 256 KiB, bytes outside UTF-8 replaced.
    pub body: String,
    /// The reply, as far as it got.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply: Option<Replied>,
}

impl Recorded {
    /// All values of a header, in their order.
    pub fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(have, _)| have.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// How a reply ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Still going on.
    Running,
    /// Sent whole.
    Complete,
    /// Cut by a fault.
    Cut,
    /// The client went away first.
    ClientGone,
}

/// A reply.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Replied {
    /// HTTP status.
    pub status: u16,
    /// `request-id`; the edge gives none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Events sent, of a stream.
    pub events: usize,
    /// How it ended.
    pub ended: Ended,
}

/// The log.
#[derive(Debug, Default)]
pub(super) struct Log {
    inner: Mutex<(u64, VecDeque<Recorded>)>,
}

impl Log {
    /// Adds a request and numbers it.
    pub fn add(&self, mut request: Recorded) -> u64 {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.0 += 1;
        request.sequence = inner.0;
        inner.1.push_back(request);
        if inner.1.len() > KEPT {
            inner.1.pop_front();
        }
        inner.0
    }

    /// Notes the reply, or its progress.
    pub fn replied(&self, sequence: u64, change: impl FnOnce(&mut Option<Replied>)) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(request) = inner.1.iter_mut().rev().find(|request| request.sequence == sequence) {
            change(&mut request.reply);
        }
    }

    /// The requests after a number.
    pub fn since(&self, sequence: u64) -> Vec<Recorded> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner
            .1
            .iter()
            .filter(|request| request.sequence > sequence)
            .cloned()
            .collect()
    }

    /// Forgets all; numbers go on.
    pub fn clear(&self) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).1.clear();
    }
}

/// Body as the log keeps it: length, digest, text.
pub(super) fn body_of(bytes: &[u8]) -> (usize, String, String) {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    let kept = bytes.get(..BODY_KEPT).unwrap_or(bytes);
    (
        bytes.len(),
        super::ids::encode_hex(digest.as_ref()),
        String::from_utf8_lossy(kept).into_owned(),
    )
}
