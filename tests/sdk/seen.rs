//! The catalogue quotes what the SDKs show: each SDK meets each fault, and its error is compared.

use std::any::Any;

use claudeprobe::catalogue::ClientError;
use claudeprobe::catalogue::client_error::Quotes;
use claudeprobe::demo::gateway::{Answer, Behaviour, Gateway};
use claudeprobe::standin::tls::Authority;
use claudeprobe::standin::{Config, Ending, ErrorName, Fault, Page, Rule, Standin, TEST_KEY};
use http::StatusCode;
use serde_json::json;

/// What answers at the client's base URL.
enum Place {
    Claude(Fault),
    Gateway(u16, &'static str),
    Url(String),
    UnknownCa,
}

/// Where a client meets it, and with which key; `None` where the clients of this test cannot.
fn place(error: ClientError) -> Option<(Place, String)> {
    let refused = |message: &str| Fault::CustomError {
        status: 400,
        r#type: "invalid_request_error".into(),
        message: message.into(),
        code: None,
        retry_after: None,
    };
    let cut = |how| Fault::Cut { after_events: 6, how };
    let place = match error {
        ClientError::FieldRefused => Place::Claude(refused("context_management: Extra inputs are not permitted")),
        ClientError::BetaRefused => Place::Claude(refused("Unexpected value(s) `x` for the `anthropic-beta` header.")),
        ClientError::VersionRefused => Place::Claude(Fault::Error(ErrorName::VersionRequired)),
        ClientError::OrganizationDisabled => Place::Claude(Fault::Error(ErrorName::OrganizationDisabled)),
        ClientError::CreditTooLow => Place::Claude(Fault::Error(ErrorName::CreditExhausted)),
        ClientError::Billing => Place::Claude(Fault::Error(ErrorName::Billing)),
        ClientError::KeyMissing => Place::Claude(Fault::Error(ErrorName::KeyRequired)),
        ClientError::KeyRefused => return Some((Place::Claude(Fault::Delay { ms: 0 }), "sk-ant-api03-older".into())),
        ClientError::OriginRefused => Place::Claude(Fault::Error(ErrorName::CorsDenied)),
        ClientError::OauthUnsupported => Place::Claude(Fault::Error(ErrorName::OauthUnsupported)),
        ClientError::GatewayUnauthorized => Place::Gateway(401, "<h1>401 Authorization Required</h1>"),
        ClientError::PermissionRefused => Place::Claude(Fault::Error(ErrorName::Permission)),
        ClientError::AddressRefused => Place::Claude(Fault::Edge(Page::Forbidden)),
        ClientError::EdgePage => Place::Claude(Fault::Edge(Page::Challenge)),
        ClientError::GatewayForbidden => Place::Gateway(403, "<h1>403 Forbidden</h1>"),
        ClientError::ModelUnknown => Place::Claude(Fault::Error(ErrorName::ModelNotFound)),
        ClientError::GatewayNotFound => Place::Gateway(404, "<h1>404 Not Found</h1>"),
        ClientError::NoMessage => Place::Gateway(200, "<h1>Sign in</h1>"),
        ClientError::GatewayTooLarge => Place::Gateway(413, "<h1>413 Request Entity Too Large</h1>"),
        ClientError::HeadersTooLarge => Place::Gateway(431, ""),
        ClientError::RateLimit => Place::Claude(Fault::Error(ErrorName::RateLimitRequests)),
        ClientError::Connections => Place::Claude(Fault::Error(ErrorName::Concurrency)),
        ClientError::Ramp => Place::Claude(Fault::Error(ErrorName::Acceleration)),
        ClientError::SpendLimit => Place::Claude(Fault::Error(ErrorName::SpendLimitEnforced)),
        ClientError::GatewayTooMany => Place::Gateway(429, "local_rate_limited"),
        ClientError::GatewayTimeout => Place::Gateway(504, "<h1>504 Gateway Time-out</h1>"),
        ClientError::GatewayError => Place::Gateway(502, "<h1>502 Bad Gateway</h1>"),
        ClientError::InternalError => Place::Claude(Fault::Error(ErrorName::Internal)),
        ClientError::Overloaded => Place::Claude(Fault::Error(ErrorName::Overloaded)),
        ClientError::Refused => {
            let closed = std::net::TcpListener::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap();
            Place::Url(format!("http://{closed}"))
        }
        ClientError::NameUnknown => Place::Url("http://gateway.invalid".into()),
        ClientError::Untrusted => Place::UnknownCa,
        ClientError::Dropped => Place::Claude(Fault::Close(Ending::Reset)),
        ClientError::IllegalKey => return Some((Place::Claude(Fault::Delay { ms: 0 }), format!("{TEST_KEY}\n"))),
        ClientError::Silence => Place::Claude(Fault::Hang),
        ClientError::Cut => Place::Claude(cut(Ending::Fin)),
        ClientError::HalfAnswer => Place::Claude(cut(Ending::Clean)),
        ClientError::ErrorEvent => Place::Claude(Fault::StreamError {
            after_events: 5,
            error: ErrorName::Overloaded,
        }),
        // A proxy of the environment would be every other request's, too.
        ClientError::ProxyRefused => return None,
        ClientError::AllAtOnce | ClientError::SlowStart | ClientError::OtherAnswer | ClientError::NothingYet => {
            return None;
        }
    };
    Some((place, TEST_KEY.to_owned()))
}

/// The base URL, and what answers there for as long as it is kept.
async fn start(place: Place) -> (String, Box<dyn Any>) {
    let plain = || Config {
        control: None,
        ..Config::default()
    };
    match place {
        Place::Url(url) => (url, Box::new(())),
        Place::Claude(fault) => {
            let standin = Standin::start(plain()).await.unwrap();
            standin.set_fault(Rule::always(fault));
            (standin.url(), Box::new(standin))
        }
        Place::UnknownCa => {
            let authority = Authority::new("an unknown CA").unwrap();
            let tls = Some(authority.issue(&["127.0.0.1".to_owned()]).unwrap());
            let standin = Standin::start(Config { tls, ..plain() }).await.unwrap();
            (standin.url(), Box::new(standin))
        }
        Place::Gateway(status, body) => {
            let answer = Answer {
                status: StatusCode::from_u16(status).unwrap(),
                headers: Vec::new(),
                content_type: "text/html",
                body,
            };
            let behaviour = Behaviour {
                answer: Some(answer),
                ..Behaviour::default()
            };
            let gateway = Gateway::start(([127, 0, 0, 1], 1).into(), behaviour).await.unwrap();
            (gateway.url(), Box::new(gateway))
        }
    }
}

/// Whether `shown` matches the quote: `…` matches anything, a remark about an answer matches an answer.
fn is_quote(quote: &str, shown: &str) -> bool {
    if let Some(remark) = quote.strip_prefix("(answered") {
        return !remark.is_empty() && shown.starts_with("(answered");
    }
    let mut parts = quote.split('…');
    let begins = parts.next().unwrap_or_default();
    let Some(mut rest) = shown.strip_prefix(begins) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    for part in &parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.is_empty() || parts.last().is_some_and(|last| last.is_empty())
}

/// The quote of one client; of the classes before a stroke the newest major's is the first, the older one's the last.
fn quote(quotes: Quotes, sdk: &str) -> String {
    if sdk == "node" {
        return quotes.typescript.to_owned();
    }
    match quotes.python.split_once(": ") {
        Some((classes, text)) if classes.contains('|') => {
            let class = match sdk {
                "python-1" => classes.rsplit('|').next(),
                _ => classes.split('|').next(),
            };
            format!("{}: {text}", class.unwrap_or_default())
        }
        _ => quotes.python.to_owned(),
    }
}

/// Runs `sdk` against every fault and compares its errors.
pub async fn shows_what_the_catalogue_quotes(sdk: &'static str) {
    let mut running = Vec::new();
    let mut cases = Vec::new();
    for error in ClientError::ALL {
        let Some((place, key)) = place(*error) else { continue };
        let (base, kept) = start(place).await;
        running.push(kept);
        let how = match error {
            ClientError::HalfAnswer => "helper",
            ClientError::Cut | ClientError::ErrorEvent => "stream",
            _ => "message",
        };
        cases.push(json!({"name": error.name(), "base": base, "key": key, "how": how}));
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("cases.json");
    std::fs::write(&file, serde_json::to_vec(&cases).unwrap()).unwrap();
    let mut run = std::process::Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sdk/run"));
    run.args([sdk, "see"]).arg(&file).stdin(std::process::Stdio::null());
    let output = tokio::task::spawn_blocking(move || run.output())
        .await
        .unwrap()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let shown: serde_json::Value = serde_json::from_str(text.lines().last().unwrap_or_default())
        .unwrap_or_else(|error| panic!("{sdk}: {error}: {text}{}", String::from_utf8_lossy(&output.stderr)));
    let mut wrong = Vec::new();
    for error in ClientError::ALL.iter().filter(|error| place(**error).is_some()) {
        let (quote, shown) = (
            quote(error.quotes().unwrap(), sdk),
            shown[error.name()].as_str().unwrap(),
        );
        if !is_quote(&quote, shown) {
            wrong.push(format!("{}: catalogue: {quote}\n  {sdk}: {shown}", error.name()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
