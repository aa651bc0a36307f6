//! A client of few lines on a raw socket: what the prober will see, seen without the prober.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

/// A response as it came over the wire.
#[derive(Debug)]
pub struct Seen {
    /// Status line, headers and body as text, chunk sizes included.
    pub raw: String,
    /// When each read came, after the request was sent.
    pub reads: Vec<Duration>,
    /// When the connection ended.
    pub end: Duration,
    /// It ended by a reset.
    pub reset: bool,
}

impl Seen {
    pub fn status(&self) -> u16 {
        self.raw.get(9..12).and_then(|code| code.parse().ok()).unwrap_or(0)
    }

    pub fn has(&self, text: &str) -> bool {
        self.raw.contains(text)
    }

    /// Whether the chunked body has its terminator.
    pub fn terminated(&self) -> bool {
        self.raw.ends_with("0\r\n\r\n")
    }

    /// Time from the first to the last bytes of the body and head.
    pub fn spread(&self) -> Duration {
        match (self.reads.first(), self.reads.last()) {
            (Some(first), Some(last)) => *last - *first,
            _ => Duration::ZERO,
        }
    }
}

/// The request that all cases send: a stream with this key.
pub fn stream_request(key: &str) -> Vec<(String, String)> {
    vec![
        ("x-api-key".into(), key.into()),
        ("anthropic-version".into(), "2023-06-01".into()),
    ]
}

/// Posts a streaming request with these headers, on a connection of its own, and reads to its end.
pub async fn post(address: SocketAddr, path: &str, headers: &[(String, String)]) -> Seen {
    let body = r#"{"model":"claude-haiku-4-5","max_tokens":64,"stream":true,"messages":[{"role":"user","content":"Count from 1 to 20."}]}"#;
    let mut head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(body.as_bytes()).await.unwrap();
    let started = Instant::now();
    let mut seen = Seen {
        raw: String::new(),
        reads: Vec::new(),
        end: Duration::ZERO,
        reset: false,
    };
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match timeout(Duration::from_secs(60), socket.read(&mut buffer)).await.expect("an end") {
            Ok(0) => break,
            Ok(read) => {
                seen.reads.push(started.elapsed());
                seen.raw.push_str(&String::from_utf8_lossy(&buffer[..read]));
            }
            Err(error) => {
                seen.reset = error.kind() == std::io::ErrorKind::ConnectionReset;
                break;
            }
        }
    }
    seen.end = started.elapsed();
    seen
}
