//! The bytes of each exchange: the frozen request, and the forwarding checks, each of which differs from it in one
//! thing.
//!
//! The same plan gives the same bytes on every path except `Host`, the credential and what a path declares. A
//! forwarding check has a defect that Claude itself rejects, so that it costs nothing where it arrives as sent; where
//! it does not, it requests one token or only counts.

use std::path::PathBuf;

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHORIZATION, USER_AGENT,
};
use http::{Method, Request};
use http_body_util::Full;
use secrecy::{ExposeSecret, SecretString};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::secrets::Secrets;
use super::target::{Route, SetupError};
use crate::claude::request::{self, COUNT_TOKENS_PATH, MESSAGES_PATH, MessageRequest};
use crate::claude::{headers, request::with_bulk};
use crate::report::evidence::ExchangeKind;
use crate::report::evidence::exchange_kind::Endpoint;
use crate::report::plan::{self, FrozenRequest, PathPlan, Plan};
use crate::version;

/// The smallest integer above 0 that no double holds: read as one, it becomes its neighbour.
pub const ODD_NUMBER: u64 = (1 << 53) + 1;
/// An API version that never was.
pub const BOGUS_VERSION: &str = "1999-01-01";
const DEFAULT_BODY: usize = 2 * 1024 * 1024;
const DEFAULT_HEADER: usize = 32 * 1024;
const DEFAULT_LONG_TOKENS: u32 = 4096;
/// Patterns of web application firewalls: script, SQL, path traversal, shell. Harmless as text.
const ATTACK_PROMPT: &str = "<script>alert(document.cookie)</script> ' OR '1'='1' UNION SELECT password FROM users -- \
    ../../../../etc/passwd ; cat /etc/shadow | bash -i >& /dev/tcp/127.0.0.1/4444";
const BENIGN_PROMPT: &str = "Please list three colours that go well together in a kitchen with wooden floors and say in a \
    few words why they do, without mentioning any brand of paint or furniture at all.";

/// What the reading of a reply needs from its request.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The endpoint counts tokens and answers no message.
    pub counts: bool,
    /// The request wants an event stream.
    pub stream: bool,
    /// `anthropic-version` as sent.
    pub version: String,
    /// `anthropic-beta` values as sent.
    pub betas: Vec<String>,
    /// Name of the unknown field that was sent.
    pub field: Option<String>,
    /// Name of the unknown field that was sent right after it, if any.
    pub second_field: Option<String>,
    /// The number that was sent where Claude quotes what it rejects.
    pub number: Option<u64>,
    /// The requested model.
    pub model: String,
    /// Values of the path's own headers that have the form of Claude's ids: a reply that has one repeats it.
    pub ids: Vec<String>,
}

/// Which credential a request has.
#[derive(Clone, Copy, Debug)]
pub enum SentKey<'k> {
    /// None.
    Nothing,
    /// This value in the path's auth header.
    Own(&'k SecretString),
    /// This value in the other auth header.
    Other(&'k SecretString),
}

/// Composes the requests of a run.
#[derive(Debug)]
pub struct Composer {
    request: FrozenRequest,
    saved_body: Option<Bytes>,
    nonce: String,
}

/// A path's part of every request: its headers, resolved.
#[derive(Clone, Debug)]
pub struct PathRequest {
    auth_header: plan::AuthHeader,
    headers: HeaderMap,
    model: String,
    own_model: bool,
    /// The control: it is never sent a prompt that resembles an attack.
    pub(super) is_control: bool,
}

impl Composer {
    /// Reads what the plan refers to. `nonce` makes the forwarding checks of this run unique.
    ///
    /// # Errors
    /// The saved body cannot be read.
    pub fn new(plan: &Plan, nonce: String) -> Result<Self, SetupError> {
        let saved_body = match &plan.request.body_file {
            None => None,
            Some(file) => {
                let missing = |source| SetupError::File {
                    field: "request.bodyFrom".to_owned(),
                    file: PathBuf::from(file),
                    source,
                };
                Some(Bytes::from(std::fs::read(file).map_err(missing)?))
            }
        };
        Ok(Self {
            request: plan.request.clone(),
            saved_body,
            nonce,
        })
    }

    /// A key that does not exist, of the form of Claude's.
    #[must_use]
    pub fn bad_key(&self) -> SecretString {
        SecretString::from(format!("sk-ant-probe-{}", self.nonce))
    }

    /// Resolves a path's headers.
    ///
    /// # Errors
    /// A header that cannot be sent, or whose variable is not set.
    pub fn path(&self, path: &PathPlan, secrets: &Secrets) -> Result<PathRequest, SetupError> {
        let mut headers = HeaderMap::new();
        for header in self.request.headers.iter().chain(&path.headers) {
            let invalid = |reason: &str| SetupError::Header {
                name: header.name.clone(),
                reason: reason.to_owned(),
            };
            let name =
                HeaderName::try_from(header.name.as_str()).map_err(|_| invalid("the name is not a header name"))?;
            let value = match &header.value {
                plan::HeaderValue::Value(text) => HeaderValue::from_str(text),
                plan::HeaderValue::Secret(variable) => {
                    let field = format!("header {}", header.name);
                    let secret = secrets.get(variable);
                    let secret = secret.ok_or(SetupError::Variable {
                        field,
                        name: variable.clone(),
                    })?;
                    HeaderValue::from_str(secret.expose_secret().trim_end_matches(['\r', '\n']))
                }
            };
            headers.insert(
                name,
                value.map_err(|_| invalid("the value has bytes that are not allowed in a header"))?,
            );
        }
        let auth_header = path
            .credential
            .as_ref()
            .map(|credential| credential.auth_header.clone());
        Ok(PathRequest {
            auth_header: auth_header.unwrap_or_default(),
            headers,
            model: path.model.clone().unwrap_or_else(|| self.request.model.clone()),
            own_model: path.model.is_some(),
            is_control: path.name == "direct",
        })
    }

    /// Whether the frozen request wants a stream.
    #[must_use]
    pub fn streams(&self) -> bool {
        let saved = self
            .saved_object()
            .and_then(|body| body.get("stream").and_then(Value::as_bool));
        match &self.saved_body {
            Some(_) => saved.unwrap_or(false),
            None => self.request.stream,
        }
    }

    /// The request of an exchange. `counting`: whether this path is known to serve `count_tokens`, where forwarding
    /// checks are free. `None` when the saved body does not allow this exchange.
    #[must_use]
    pub fn compose(
        &self,
        kind: ExchangeKind,
        probed: &PathRequest,
        route: &Route,
        carried: SentKey<'_>,
        counting: bool,
        amount: u64,
    ) -> Option<(Request<Full<Bytes>>, Asked)> {
        let mut asked = Asked {
            version: self.request.api_version.clone(),
            betas: self.request.betas.clone(),
            model: probed.model.clone(),
            ids: probed
                .headers
                .values()
                .filter_map(|value| value.to_str().ok())
                .filter(|value| headers::is_request_id(value))
                .map(str::to_owned)
                .collect(),
            ..Asked::default()
        };
        let body = self.body(kind, probed, counting, amount, &mut asked)?;
        match kind {
            ExchangeKind::BogusBeta => asked.betas.push(format!("probe-{}-2099-01-01", self.nonce)),
            ExchangeKind::BogusVersion => BOGUS_VERSION.clone_into(&mut asked.version),
            _ => {}
        }
        let path = if asked.counts { COUNT_TOKENS_PATH } else { MESSAGES_PATH };
        let mut request = self.head(path, probed, route, &asked)?;
        if kind == ExchangeKind::Route {
            *request.method_mut() = Method::GET;
            request.headers_mut().remove(CONTENT_TYPE);
        }
        if kind == ExchangeKind::LargeHeader {
            let bytes = usize::try_from(amount)
                .ok()
                .filter(|&bytes| bytes > 0)
                .unwrap_or(DEFAULT_HEADER);
            let filler = HeaderValue::from_bytes(&vec![b'a'; bytes]).ok()?;
            request.headers_mut().insert("x-claudeprobe-filler", filler);
        }
        carry(request.headers_mut(), &probed.auth_header, carried)?;
        Some((request.map(|()| Full::new(body)), asked))
    }

    /// Request line and headers, without credential.
    fn head(&self, path: &str, probed: &PathRequest, route: &Route, asked: &Asked) -> Option<Request<()>> {
        let path = format!("{}{path}", route.prefix);
        let target = if route.absolute_form() {
            format!("http://{}{path}", route.host_header)
        } else {
            path
        };
        let mut request = Request::builder().method(Method::POST).uri(target).body(()).ok()?;
        let out = request.headers_mut();
        out.insert(HOST, HeaderValue::from_str(&route.host_header).ok()?);
        out.insert(USER_AGENT, HeaderValue::from_static(version::USER_AGENT));
        // As the SDKs send them, stream or not.
        out.insert(ACCEPT, HeaderValue::from_static("application/json"));
        out.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        out.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        out.insert(headers::VERSION, HeaderValue::from_str(&asked.version).ok()?);
        if !asked.betas.is_empty() {
            out.insert(headers::BETA, HeaderValue::from_str(&asked.betas.join(",")).ok()?);
        }
        // A tunnel's proxy got it with CONNECT.
        let proxy = route.proxy.as_ref().filter(|_| route.absolute_form());
        if let Some(authorization) = proxy.and_then(|proxy| proxy.authorization.clone()) {
            out.insert(PROXY_AUTHORIZATION, authorization);
        }
        for (name, value) in &probed.headers {
            out.insert(name, value.clone());
        }
        Some(request)
    }

    /// The body of an exchange: that of the frozen request or of the plain one, with one difference at most. A new kind
    /// does not compile until it has one.
    fn body(
        &self,
        kind: ExchangeKind,
        path: &PathRequest,
        counting: bool,
        amount: u64,
        asked: &mut Asked,
    ) -> Option<Bytes> {
        use ExchangeKind as Kind;
        let entry = kind.entry();
        asked.stream = entry.form.is_stream(self.streams());
        asked.counts = match entry.endpoint {
            Endpoint::Messages => false,
            Endpoint::CountTokens => true,
            Endpoint::CountTokensWhereServed => counting,
        };
        let field = format!("zz_probe_{}", self.nonce);
        let plain = || self.plain(path, asked.counts);
        let body = match kind {
            Kind::Frozen | Kind::Repeat | Kind::Confirm | Kind::TrimmedKey | Kind::Parallel => {
                return Some(self.frozen_body(path));
            }
            Kind::OtherForm => return self.other_form(path),
            Kind::Long => return Some(long(path, amount)),
            Kind::Route => return Some(Bytes::new()),
            // What differs is the head, the key or nothing.
            Kind::CountTokens
            | Kind::ReuseIdle
            | Kind::BogusVersion
            | Kind::BogusBeta
            | Kind::OtherAuthHeader
            | Kind::NoKey
            | Kind::BadKey => return Some(Bytes::from(plain())),
            // Two, and not in alphabetical order: Claude names the one that comes first when they arrive.
            Kind::UnknownField => {
                let first = format!("{field}_first");
                let both = with_unknown(&with_unknown(&plain(), &field)?, &first)?;
                (asked.field, asked.second_field) = (Some(first), Some(field));
                return Some(Bytes::from(both));
            }
            Kind::NestedField => nested(&plain(), &field)?,
            Kind::MetadataField => in_metadata(&plain(), &field)?,
            Kind::ToolField => in_tool(&plain(), &field)?,
            Kind::Number => {
                asked.number = Some(ODD_NUMBER);
                return numbered(&plain()).map(Bytes::from);
            }
            Kind::BigBody => {
                let bytes = usize::try_from(amount)
                    .ok()
                    .filter(|&bytes| bytes > 0)
                    .unwrap_or(DEFAULT_BODY);
                with_bulk(&with_unknown(&plain(), &field)?, bytes).ok()?
            }
            // Free on count_tokens; elsewhere they have a field that Claude rejects.
            Kind::LargeHeader | Kind::AttackPrompt | Kind::BenignPrompt => {
                let body = match kind {
                    Kind::LargeHeader => plain(),
                    Kind::AttackPrompt if !path.is_control => prompt_body(path, ATTACK_PROMPT, asked.counts),
                    _ => prompt_body(path, BENIGN_PROMPT, asked.counts),
                };
                if asked.counts {
                    return Some(Bytes::from(body));
                }
                with_unknown(&body, &field)?
            }
        };
        asked.field = Some(field);
        Some(Bytes::from(body))
    }

    /// The bytes of the frozen request: those of a saved body are sent as they are, unless the path has its own model.
    fn frozen_body(&self, path: &PathRequest) -> Bytes {
        match (&self.saved_body, path.own_model) {
            (Some(bytes), false) => bytes.clone(),
            (Some(bytes), true) => self.saved_object().map_or_else(
                || bytes.clone(),
                |mut body| {
                    body.insert("model".to_owned(), Value::String(path.model.clone()));
                    Bytes::from(Value::Object(body).to_string())
                },
            ),
            (None, _) => Bytes::from(self.message(path, self.request.stream, self.request.max_tokens)),
        }
    }

    fn message(&self, path: &PathRequest, stream: bool, max_tokens: u32) -> Vec<u8> {
        MessageRequest {
            model: &path.model,
            max_tokens,
            stream,
            prompt: &self.request.prompt,
        }
        .body()
    }

    fn other_form(&self, path: &PathRequest) -> Option<Bytes> {
        if self.saved_body.is_none() {
            return Some(Bytes::from(self.message(
                path,
                !self.request.stream,
                self.request.max_tokens,
            )));
        }
        let mut body: Map<String, Value> = serde_json::from_slice(&self.frozen_body(path)).ok()?;
        body.insert("stream".to_owned(), Value::Bool(!self.streams()));
        Some(Bytes::from(Value::Object(body).to_string()))
    }

    /// The body without a defect: that of the positive control, or the smallest message.
    fn plain(&self, path: &PathRequest, counts: bool) -> Vec<u8> {
        if counts {
            return self.count_body(path);
        }
        MessageRequest {
            model: &path.model,
            max_tokens: 1,
            stream: false,
            prompt: ".",
        }
        .body()
    }

    fn count_body(&self, path: &PathRequest) -> Vec<u8> {
        let own = MessageRequest {
            model: &path.model,
            max_tokens: 1,
            stream: false,
            prompt: &self.request.prompt,
        };
        match &self.saved_body {
            None => own.count_tokens_body(),
            // A saved body that is no JSON can still be sent, but not counted.
            Some(_) => request::count_tokens_from(&self.frozen_body(path))
                .unwrap_or_else(|_| MessageRequest { prompt: ".", ..own }.count_tokens_body()),
        }
    }

    fn saved_object(&self) -> Option<Map<String, Value>> {
        serde_json::from_slice(self.saved_body.as_ref()?).ok()
    }
}

/// The long request.
fn long(path: &PathRequest, amount: u64) -> Bytes {
    let max_tokens = u32::try_from(amount)
        .ok()
        .filter(|&tokens| tokens > 0)
        .unwrap_or(DEFAULT_LONG_TOKENS);
    let request = MessageRequest {
        model: &path.model,
        max_tokens,
        stream: true,
        prompt: &long_prompt(max_tokens),
    };
    Bytes::from(request.body())
}

/// Asks for more than `max_tokens` allow: a number and its line end are at least one token.
fn long_prompt(max_tokens: u32) -> String {
    format!("Count from 1 to {max_tokens}, one number per line, without leaving any out.")
}

fn prompt_body(path: &PathRequest, prompt: &str, counts: bool) -> Vec<u8> {
    let request = MessageRequest {
        model: &path.model,
        max_tokens: 1,
        stream: false,
        prompt,
    };
    if counts {
        request.count_tokens_body()
    } else {
        request.body()
    }
}

/// The body with an unknown field in front.
fn with_unknown(body: &[u8], field: &str) -> Option<Vec<u8>> {
    let value = RawValue::from_string("1".to_owned()).ok()?;
    request::with_field(body, field, &value).ok()
}

/// The body with the unknown field inside its first message.
fn nested(body: &[u8], field: &str) -> Option<Vec<u8>> {
    let mut value: Value = serde_json::from_slice(body).ok()?;
    let message = value.get_mut("messages")?.get_mut(0)?.as_object_mut()?;
    message.insert(field.to_owned(), Value::from(1));
    serde_json::to_vec(&value).ok()
}

/// The body with the unknown field inside `metadata`, beside the one field that exists there: what rebuilds it has
/// something to keep.
fn in_metadata(body: &[u8], field: &str) -> Option<Vec<u8>> {
    let mut value: Value = serde_json::from_slice(body).ok()?;
    let metadata = json!({"user_id": "claudeprobe", field: 1});
    value.as_object_mut()?.insert("metadata".to_owned(), metadata);
    serde_json::to_vec(&value).ok()
}

/// The body with the unknown field inside its first tool; one of its own where it has none.
fn in_tool(body: &[u8], field: &str) -> Option<Vec<u8>> {
    let mut value: Value = serde_json::from_slice(body).ok()?;
    let tools = value.as_object_mut()?.entry("tools");
    let tools = tools.or_insert_with(|| json!([{"name": "probe", "input_schema": {"type": "object"}}]));
    let tool = tools.get_mut(0)?.as_object_mut()?;
    tool.insert(field.to_owned(), Value::from(1));
    serde_json::to_vec(&value).ok()
}

/// The body with a number in place of the type of its first message's only content. No model answers it, whatever
/// becomes of the number: a content without a type that exists is none.
fn numbered(body: &[u8]) -> Option<Vec<u8>> {
    let mut value: Value = serde_json::from_slice(body).ok()?;
    let message = value.get_mut("messages")?.get_mut(0)?.as_object_mut()?;
    message.insert("content".to_owned(), json!([{"type": ODD_NUMBER, "text": "."}]));
    serde_json::to_vec(&value).ok()
}

/// Adds the credential.
fn carry(headers: &mut HeaderMap, auth_header: &plan::AuthHeader, carried: SentKey<'_>) -> Option<()> {
    let (name, value) = match carried {
        SentKey::Nothing => return Some(()),
        SentKey::Own(key) => auth_header.with_key(key),
        SentKey::Other(key) => auth_header.other().with_key(key),
    }
    .ok()?;
    headers.insert(name, value);
    Some(())
}
