//! What a run saw beyond the evidence: the full report on standard output, for readers of a pod's log.
//!
//! Redacted where it is made. No answer's text is in it: bodies are given by type, size and digest.

use http::Request;
use ring::digest;
use serde::Serialize;

use super::connect::Notes;
use super::link::Received;
use super::redact::Redactor;
use crate::report::evidence::{EventKind, ExchangeKind, Outcome};
use crate::text::bounded;
use crate::text::plain::plain;

/// Headers, reads and events kept of one exchange.
const MOST: usize = 128;
/// Bytes of an error, or of a certificate's names.
const MAX_WORDS: usize = 512;

/// An error in words. It may quote what the other side sent: a proxy's status line, the names of a certificate.
#[must_use]
pub fn words(error: &str, redactor: &Redactor) -> String {
    bounded(&plain(&redactor.redact(error)), MAX_WORDS)
}

/// What one path showed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PathDetails {
    /// Path name.
    pub path: String,
    /// Addresses of the first hop.
    pub addresses: Vec<String>,
    /// Subject and issuer of its certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// Why it could not be reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// One entry per exchange, in the evidence's order.
    pub exchanges: Vec<ExchangeDetails>,
}

impl PathDetails {
    /// Nothing yet.
    #[must_use]
    pub fn new(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            ..Self::default()
        }
    }

    /// Notes what reaching the first hop showed.
    pub fn connected(&mut self, notes: &Notes, error: Option<String>) {
        self.addresses = notes.addresses.iter().map(ToString::to_string).collect();
        self.certificate = notes
            .certificate
            .as_deref()
            .map(|names| bounded(&plain(names), MAX_WORDS));
        self.error = error;
    }
}

/// What one exchange sent and got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExchangeDetails {
    /// What it was for.
    pub kind: ExchangeKind,
    /// Request line.
    pub request: String,
    /// Request headers, credentials redacted.
    pub request_headers: Vec<(String, String)>,
    /// How it ended.
    pub outcome: Outcome,
    /// Final status, 0 when none came.
    pub status: u16,
    /// Response headers, redacted.
    pub headers: Vec<(String, String)>,
    /// Bytes of the body, after transfer coding.
    pub body_bytes: usize,
    /// First 16 hex digits of the body's SHA-256.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_sha256: Option<String>,
    /// When bytes of the body came: milliseconds, and bytes so far.
    pub reads: Vec<(u32, usize)>,
    /// When events came.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<(u32, EventKind)>,
    /// How the other side ended the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// The transport's error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl ExchangeDetails {
    /// The request's part.
    #[must_use]
    pub fn of<B>(kind: ExchangeKind, request: &Request<B>, redactor: &Redactor) -> Self {
        Self {
            kind,
            request: redactor.redact(&format!("{} {}", request.method(), request.uri())),
            request_headers: shown(request.headers(), redactor),
            outcome: Outcome::NoReply,
            status: 0,
            headers: Vec::new(),
            body_bytes: 0,
            body_sha256: None,
            reads: Vec::new(),
            events: Vec::new(),
            end: None,
            error: None,
        }
    }

    /// Adds the response's part.
    pub fn received(&mut self, received: &Received, events: &[(u32, EventKind)], redactor: &Redactor) {
        self.outcome = received.outcome;
        if let Some(head) = &received.head {
            self.status = head.status;
            self.headers = shown(&head.headers, redactor);
        }
        self.body_bytes = received.body.len();
        self.body_sha256 = (!received.body.is_empty()).then(|| sha256(&received.body));
        self.reads = received
            .chunks
            .iter()
            .take(MOST)
            .map(|chunk| (chunk.at_ms, chunk.end))
            .collect();
        self.events = events.iter().take(MOST).copied().collect();
        self.end = received.end.map(|end| format!("{end:?}"));
        self.error = received.error.as_deref().map(|error| words(error, redactor));
    }
}

fn shown(headers: &http::HeaderMap, redactor: &Redactor) -> Vec<(String, String)> {
    let show = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        let text = if value.is_sensitive() {
            super::redact::MASK.to_owned()
        } else {
            let text = String::from_utf8_lossy(value.as_bytes());
            bounded(&plain(&redactor.redact(&text)), 256)
        };
        (name.as_str().to_owned(), text)
    };
    headers.iter().take(MOST).map(show).collect()
}

fn sha256(bytes: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA256, bytes);
    hash.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
