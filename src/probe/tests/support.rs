//! A server that plays a script on a raw socket, and a plan that leads to it.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::probe::{FullReport, Secrets, run};
use crate::report::evidence::Exchange;
use crate::report::plan::{
    AuthHeader, Credential, ExchangePlan, FrozenRequest, HttpVersion, PLAN_VERSION, PathPlan, Plan, Tls,
};

/// A key of the right shape.
pub const KEY: &str =
    "sk-ant-api03-aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789aBcDeFgHiJkLmNoPqRsAA";

/// One step of a script.
#[derive(Clone, Debug)]
pub enum Step {
    /// Sends bytes.
    Send(Vec<u8>),
    /// Waits.
    Wait(Duration),
    /// Sends the same bytes until the peer is gone.
    Flood(Vec<u8>),
    /// Ends by RST.
    Reset,
    /// Does nothing until the peer is gone.
    Hang,
}

/// Text to send.
pub fn send(text: &str) -> Step {
    Step::Send(text.as_bytes().to_vec())
}

/// A pause.
pub fn wait(ms: u64) -> Step {
    Step::Wait(Duration::from_millis(ms))
}

/// Serves every connection with the same script, which begins when a request head has been read; ends with FIN.
pub async fn serve(script: Vec<Step>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            tokio::spawn(play(socket, script.clone()));
        }
    });
    address
}

/// Reads a whole request: head and `content-length` bytes of body.
pub async fn read_request(socket: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = socket.read(&mut buffer).await.ok()?;
        if read == 0 {
            return None;
        }
        request.extend_from_slice(buffer.get(..read)?);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .and_then(|n| n.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return Some(text);
        }
    }
}

async fn play(mut socket: TcpStream, script: Vec<Step>) {
    if read_request(&mut socket).await.is_none() {
        return;
    }
    for step in script {
        let result = match step {
            Step::Send(bytes) => socket.write_all(&bytes).await,
            Step::Wait(time) => {
                tokio::time::sleep(time).await;
                Ok(())
            }
            Step::Flood(bytes) => loop {
                if let Err(error) = socket.write_all(&bytes).await {
                    break Err(error);
                }
            },
            Step::Reset => {
                socket.set_zero_linger().unwrap();
                return;
            }
            Step::Hang => {
                let mut rest = [0; 64];
                while socket.read(&mut rest).await.is_ok_and(|read| read > 0) {}
                return;
            }
        };
        if result.is_err() {
            return;
        }
    }
}

/// A path to this URL, with the key in `K`.
pub fn path(name: &str, url: &str) -> PathPlan {
    PathPlan {
        name: name.into(),
        url: url.into(),
        credential: Some(Credential {
            secret: "K".into(),
            auth_header: AuthHeader::XApiKey,
            anthropic: true,
        }),
        model: None,
        headers: vec![],
        proxy: None,
        tls: Tls::default(),
        http_version: HttpVersion::Http1,
        exchanges: vec![],
        anthropic: true,
    }
}

/// A plan with these paths.
pub fn plan(paths: Vec<PathPlan>, run_timeout_ms: u64) -> Plan {
    Plan {
        version: PLAN_VERSION,
        probe: "check".into(),
        uid: "uid".into(),
        slot: "g1".into(),
        run_timeout_ms,
        long_timeout_ms: 0,
        request: FrozenRequest {
            model: "claude-haiku-4-5".into(),
            api_version: "2023-06-01".into(),
            betas: vec![],
            headers: vec![],
            stream: true,
            max_tokens: 64,
            prompt: "Count from 1 to 20.".into(),
            body_file: None,
        },
        paths,
        refuse_networks: vec![],
        mesh: false,
        zero_token_only: false,
        second_samples: false,
        second_pair: true,
    }
}

/// Exchanges that are always sent.
pub fn exchanges(kinds: &[crate::report::evidence::ExchangeKind]) -> Vec<ExchangePlan> {
    let always = crate::report::plan::When::Always;
    kinds
        .iter()
        .map(|&kind| ExchangePlan {
            kind,
            when: always,
            amount: 0,
        })
        .collect()
}

/// The secrets of these plans.
pub fn secrets() -> Secrets {
    Secrets::new().with("K", KEY)
}

/// Runs a plan.
pub async fn probe(plan: &Plan) -> FullReport {
    run(plan, &secrets(), &|_| {}).await.unwrap()
}

/// The frozen request's exchange with a server that plays a script.
pub async fn frozen(script: Vec<Step>, run_timeout_ms: u64) -> Exchange {
    let address = serve(script).await;
    let report = probe(&plan(vec![path("edge", &format!("http://{address}"))], run_timeout_ms)).await;
    report.evidence.paths[0].frozen().unwrap().clone()
}

/// Events of a short message.
pub const EVENTS: [&str; 7] = [
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-haiku-4-5-20251001\",\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":15,\"output_tokens\":1}}  }\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"} }\n\n",
    "event: ping\ndata: {\"type\": \"ping\"}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"1 2\"}   }\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":9}}\n\n",
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
];

/// The text as one chunk of a chunked body.
pub fn chunk(text: &str) -> Step {
    send(&format!("{:x}\r\n{text}\r\n", text.len()))
}

/// Head of a chunked event stream.
pub const SSE_HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
