//! A fault for each finding: those of the demo, and the rest.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;

use axum::http::StatusCode;
use claudeprobe::catalogue::Code;
use claudeprobe::demo::gateway::{Answer, Behaviour, Edit};
use claudeprobe::demo::scenario::{OLD_KEY, Scenario, Setup, all};
use claudeprobe::demo::stage::Stage;
use claudeprobe::standin::tls::Authority;
use claudeprobe::standin::{Config, Ending, ErrorName, Fault as Wrong, Page, Route, Rule, Standin, TEST_KEY};

use crate::gateway::AlteringGateway;

/// A fault that is set up; the variables of the document.
#[derive(Clone)]
pub struct Fault {
    pub gateway: String,
    pub direct: String,
    pub key: String,
    pub proxy: String,
    /// Servers that live as long as the fault.
    _kept: Arc<(Option<Stage>, Vec<Standin>)>,
}

impl Fault {
    fn new(gateway: String, direct: String, standins: Vec<Standin>) -> Self {
        Self {
            gateway,
            direct,
            key: TEST_KEY.into(),
            proxy: String::new(),
            _kept: Arc::new((None, standins)),
        }
    }
}

/// The fault of this finding; `None` if there is none yet.
pub async fn set(code: Code) -> Option<Fault> {
    if let Some(scenario) = all().into_iter().find(|scenario| scenario.expect.code == Some(code)) {
        return Some(staged(scenario).await);
    }
    if let Some(gateway) = altering(code) {
        return Some(behind(gateway).await);
    }
    if let Some(wrong) = claudes(code) {
        let mut scenario = healthy();
        scenario.claude.push(Rule::always(wrong));
        return Some(staged(scenario).await);
    }
    if let Some(answer) = answer(code) {
        let mut scenario = healthy();
        scenario.gateway = Setup::Up(Behaviour {
            answer: Some(answer),
            ..Behaviour::default()
        });
        return Some(staged(scenario).await);
    }
    let mut scenario = healthy();
    let edit = |edit| {
        Setup::Up(Behaviour {
            edits: vec![edit],
            ..Behaviour::default()
        })
    };
    match code {
        Code::OriginHeaderForwarded => scenario.gateway = edit(Edit::Set("origin", "https://chat.example".into())),
        Code::BetaHeaderInjected => scenario.gateway = edit(Edit::Set("anthropic-beta", "retired-2023-01-01".into())),
        Code::CredentialMalformed => scenario.key = Some(format!("{TEST_KEY}\n")),
        Code::StreamCut => {
            scenario.behind = Some(vec![Rule::always(Wrong::Cut {
                after_events: 8,
                how: Ending::Fin,
            })]);
        }
        Code::EgressDown => {
            scenario.gateway = Setup::UpstreamDown;
            scenario.no_control = true;
        }
        Code::ConnectionReset => return Some(resets().await),
        Code::GatewayTlsFailure | Code::DirectPathIntercepted => return Some(untrusted().await),
        Code::ForwardProxyRefused => return Some(refusing_proxy().await),
        // No fault is necessary: the commands show what to compare.
        Code::DifferentAccount | Code::ModelRetiring | Code::GatewayLatency | Code::ClockSkew => {}
        _ => return None,
    }
    Some(staged(scenario).await)
}

fn healthy() -> Scenario {
    all()
        .into_iter()
        .find(|scenario| scenario.expect.code.is_none())
        .unwrap()
}

async fn staged(mut scenario: Scenario) -> Fault {
    // A key can list models that it may not use.
    for rule in &mut scenario.claude {
        rule.route = Route::Messages;
    }
    let stage = Stage::set(&scenario).await.unwrap();
    Fault {
        gateway: stage.gateway.clone(),
        direct: stage.direct.clone(),
        key: stage.key.clone(),
        proxy: String::new(),
        _kept: Arc::new((Some(stage), Vec::new())),
    }
}

async fn behind(gateway: AlteringGateway) -> Fault {
    let claude = standin(None).await;
    let url = claude.url();
    Fault::new(gateway.open(url.clone()).await, url, vec![claude])
}

async fn standin(wrong: Option<Wrong>) -> Standin {
    let standin = Standin::start(Config {
        control: None,
        ..Config::default()
    })
    .await
    .unwrap();
    if let Some(wrong) = wrong {
        standin.set_fault(Rule::always(wrong));
    }
    standin
}

/// Claude's own errors.
fn claudes(code: Code) -> Option<Wrong> {
    Some(match code {
        Code::AccelerationLimited => Wrong::Error(ErrorName::Acceleration),
        Code::AccountDisabled => Wrong::Error(ErrorName::OrganizationDisabled),
        Code::UpstreamError => Wrong::Error(ErrorName::Internal),
        Code::ModelNotFound => Wrong::Error(ErrorName::ModelNotFound),
        Code::EdgeBlocked => Wrong::Edge(Page::Challenge),
        Code::UpstreamStreamError => Wrong::StreamError {
            after_events: 6,
            error: ErrorName::Overloaded,
        },
        // The request itself is wrong, whatever Claude is asked.
        Code::RequestInvalid => Wrong::Delay { ms: 0 },
        _ => return None,
    })
}

/// The gateway's own errors.
fn answer(code: Code) -> Option<Answer> {
    let (status, body) = match code {
        Code::UpstreamConnectTimeout => (504, "<h1>504 Gateway Time-out</h1>"),
        Code::UpstreamDnsFailure => (502, "dial tcp: lookup api.anthropic.com: no such host"),
        Code::UpstreamTlsFailure => (502, "x509: certificate signed by unknown authority"),
        Code::GatewayUnavailable | Code::CircuitBreakerOpen => (503, "circuit breaker is open"),
        Code::GatewayCooldown => (
            429,
            "No deployments available for selected model, Try again in 30 seconds.",
        ),
        Code::ClientCertificateRequired => (400, "<title>400 No required SSL certificate was sent</title>"),
        _ => return None,
    };
    Some(Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers: Vec::new(),
        content_type: "text/html",
        body,
    })
}

/// What the gateway does to requests and answers.
fn altering(code: Code) -> Option<AlteringGateway> {
    let mut gateway = AlteringGateway::default();
    match code {
        Code::CredentialAltered => {
            gateway.request = |request| {
                if request.headers.contains_key("x-api-key") {
                    request.set("x-api-key", OLD_KEY);
                }
            };
        }
        Code::CredentialCarrierMismatch => {
            gateway.refuse = |request| {
                let bearer = request.headers.contains_key("authorization");
                bearer.then_some((
                    401,
                    "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections",
                ))
            };
        }
        Code::BodyRewritten => gateway.request = |request| request.replace("\"zz_probe\":1,", ""),
        Code::GatewayBodyLimit => {
            gateway.refuse = |request| (request.body.len() > 1 << 20).then_some((413, "413 Request Entity Too Large"));
        }
        Code::GatewayHeaderLimit => {
            gateway.refuse = |request| {
                let long = request.headers.values().any(|value| value.len() > 16 << 10);
                long.then_some((431, ""))
            };
        }
        Code::WafBlocked => {
            gateway.refuse = |request| request.text().contains("<script>").then_some((403, "403 Forbidden"));
        }
        Code::GatewayConcurrencyLimited => gateway.places = 1,
        Code::StreamErrorSynthesised => {
            gateway.answer = |answer| {
                let whole = answer.text();
                let begun = whole.split("event: content_block_stop").next().unwrap_or_default();
                answer.body = format!("{begun}event: error\ndata: {{\"type\":\"error\",\"error\":{{\"type\":\"api_error\",\"message\":\"payload is not completed\"}}}}\n\n").into_bytes();
            };
        }
        Code::StreamCompressed => {
            gateway.answer = |answer| {
                let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                gzip.write_all(&answer.body).unwrap();
                answer.body = gzip.finish().unwrap();
                answer.set("content-encoding", "gzip");
            };
        }
        Code::StreamCollapsed => gateway.request = |request| request.replace("\"stream\":true,", ""),
        Code::HiddenRetries => gateway.answer = |answer| answer.set("x-envoy-attempt-count", "3"),
        Code::StatusRewritten => gateway.answer = |answer| answer.status = StatusCode::INTERNAL_SERVER_ERROR,
        Code::ErrorBodyReplaced => gateway.answer = |answer| answer.body = b"something went wrong".to_vec(),
        Code::ResponseHeadersRewritten => gateway.answer = |answer| drop(answer.headers.remove("request-id")),
        Code::DifferentBackend => {
            gateway.answer = |answer| {
                answer.headers.remove("request-id");
                answer.headers.remove("anthropic-organization-id");
                answer.set("x-amzn-requestid", "0ae83b1c-51b4-4c0a-9f0e-1f9b8f6f4c11");
            };
        }
        Code::ModelSubstituted => gateway.answer = |answer| answer.replace("claude-haiku-4-5", "claude-sonnet-4-5"),
        Code::ResponseCached => gateway.answer = |answer| answer.set("age", "812"),
        _ => return None,
    }
    Some(gateway)
}

/// A first hop that resets every connection.
async fn resets() -> Fault {
    let (claude, first_hop) = (standin(None).await, standin(Some(Wrong::Close(Ending::Reset))).await);
    Fault::new(first_hop.url(), claude.url(), vec![claude, first_hop])
}

/// TLS with a certificate of an unknown CA.
async fn untrusted() -> Fault {
    let authority = Authority::new("an unknown CA").unwrap();
    let claude = Standin::start(Config {
        control: None,
        tls: Some(authority.issue(&["127.0.0.1".to_owned()]).unwrap()),
        ..Config::default()
    })
    .await
    .unwrap();
    Fault::new(claude.url(), claude.url(), vec![claude])
}

/// A forward proxy that refuses every tunnel: no request reaches a server behind it.
async fn refusing_proxy() -> Fault {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        while let Ok((mut client, _)) = listener.accept() {
            let _ = client.read(&mut [0; 4096]);
            let _ = client.write_all(
                b"HTTP/1.1 403 Forbidden\r\nx-squid-error: ERR_ACCESS_DENIED 0\r\ncontent-length: 0\r\n\r\n",
            );
        }
    });
    let mut fault = Fault::new(String::new(), "https://claude.invalid".into(), Vec::new());
    fault.proxy = proxy;
    fault
}
