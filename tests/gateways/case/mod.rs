//! One case: a gateway between the prober and Claude, a fault, the proof of it, and the verdict that it must get.

mod describe;
mod expect;
mod play;

use std::time::Duration;

use claudeprobe::catalogue::Code;
use claudeprobe::diagnosis::Context;
use claudeprobe::resource::status::VerdictState;
use claudeprobe::standin::{Config, Key, Rule, TEST_KEY};

pub use expect::{Expect, attributes, layer_name};

use crate::front::Front;
use crate::look::Look;
use crate::stage::OTHER_KEY;

/// A case of the register.
#[derive(Clone, Copy)]
pub struct Named {
    /// Its name, a sentence.
    pub name: &'static str,
    /// The module that it is in.
    pub module: &'static str,
    /// Makes it.
    pub make: fn() -> Case,
}

/// A case.
#[derive(Clone, Debug)]
pub struct Case {
    fronts: Vec<Front>,
    standin: Config,
    standin_tls: bool,
    faults: Vec<Rule>,
    request: String,
    auth_header: &'static str,
    key: String,
    direct: Option<String>,
    direct_url: &'static str,
    gateway: String,
    gateway_url: &'static str,
    spec: String,
    secrets: Vec<(&'static str, String)>,
    deep: bool,
    long: bool,
    runs: usize,
    context: Option<fn(&mut Context)>,
    time: Duration,
    looks: Vec<Look>,
    expect: Option<Expect>,
    rows: Vec<u8>,
    unrun: Option<&'static str>,
}

impl Case {
    /// A case with this gateway; what is not said is as it should be.
    pub fn new(front: Front) -> Self {
        let mut other = Key::new(OTHER_KEY);
        other.organization = "0d9fbd3c-3a52-4b4b-8a55-66a1b3f2a0c2".into();
        other.workspace = "wrkspc_01other1tHerOtherOtherOthe".into();
        Self {
            fronts: vec![front],
            standin: Config {
                keys: vec![Key::new(TEST_KEY), other],
                ..Config::default()
            },
            standin_tls: false,
            faults: Vec::new(),
            request: String::new(),
            auth_header: "XApiKey",
            key: TEST_KEY.into(),
            direct: Some(String::new()),
            direct_url: "{claude_url}",
            gateway: String::new(),
            gateway_url: "",
            spec: String::new(),
            secrets: Vec::new(),
            deep: false,
            long: false,
            runs: 1,
            context: None,
            time: Duration::from_secs(40),
            looks: Vec::new(),
            expect: None,
            rows: Vec::new(),
            unrun: None,
        }
    }

    /// Another gateway in front of those so far; it finds the one behind it as `{gateway_address}`.
    pub fn behind(mut self, front: Front) -> Self {
        self.fronts.push(front);
        self
    }

    /// Claude's pace: milliseconds between two events.
    pub fn pace(mut self, ms: u64) -> Self {
        self.standin.pace = Duration::from_millis(ms);
        self
    }

    /// Claude's first byte comes so many milliseconds after the request.
    pub fn first_byte(mut self, ms: u64) -> Self {
        self.standin.first_byte = Duration::from_millis(ms);
        self
    }

    /// Tokens in one event of the stream.
    pub fn tokens_per_delta(mut self, tokens: usize) -> Self {
        self.standin.tokens_per_delta = tokens;
        self
    }

    /// Changes the first key's account.
    pub fn account(mut self, change: impl FnOnce(&mut Key)) -> Self {
        change(&mut self.standin.keys[0]);
        self
    }

    /// Claude speaks TLS, with a certificate of the test authority.
    pub fn claude_https(mut self) -> Self {
        self.standin_tls = true;
        self
    }

    /// Claude has this fault.
    pub fn fault(mut self, rule: Rule) -> Self {
        self.faults.push(rule);
        self
    }

    /// Fields of the frozen request, flow style.
    pub fn request(mut self, fields: &str) -> Self {
        self.request.push_str(fields);
        self
    }

    /// No stream.
    pub fn whole(self) -> Self {
        self.request(", stream: false")
    }

    /// The key goes as `Authorization: Bearer`.
    pub fn bearer(mut self) -> Self {
        self.auth_header = "Authorization";
        self
    }

    /// The probe's key.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = key.into();
        self
    }

    /// Fields of the gateway besides name and URL, flow style.
    pub fn gateway(mut self, fields: &str) -> Self {
        self.gateway.push_str(fields);
        self
    }

    /// Another URL of the gateway.
    pub fn gateway_url(mut self, url: &'static str) -> Self {
        self.gateway_url = url;
        self
    }

    /// Fields of the direct path, flow style.
    pub fn direct(mut self, fields: &str) -> Self {
        self.direct = Some(fields.to_owned());
        self
    }

    /// Another URL of the direct path.
    pub fn direct_url(mut self, url: &'static str) -> Self {
        self.direct_url = url;
        self
    }

    /// No direct path.
    pub fn no_direct(mut self) -> Self {
        self.direct = None;
        self
    }

    /// Lines of the spec.
    pub fn spec(mut self, lines: &str) -> Self {
        self.spec = format!("{}\n  {lines}", self.spec);
        self
    }

    /// A Secret (its key is `key`).
    pub fn secret(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.secrets.push((name, value.into()));
        self
    }

    /// All exchanges.
    pub fn deep(mut self) -> Self {
        self.deep = true;
        self
    }

    /// The run reports within so many seconds.
    pub fn time(mut self, seconds: u64) -> Self {
        self.time = Duration::from_secs(seconds);
        self
    }

    /// First this must be seen on the wire.
    pub fn look(mut self, look: Look) -> Self {
        self.looks.push(look);
        self
    }

    fn verdict(mut self, state: VerdictState, code: Option<Code>, path: &'static str) -> Self {
        self.expect = Some(Expect {
            state,
            code,
            path,
            also: Vec::new(),
            evidence: Vec::new(),
            truth: None,
        });
        self
    }

    /// The gateway's path fails, for this reason.
    pub fn failing(self, code: Code) -> Self {
        self.verdict(VerdictState::Failing, Some(code), "edge")
    }

    /// All paths fail, for this reason.
    pub fn failing_everywhere(self, code: Code) -> Self {
        self.verdict(VerdictState::Failing, Some(code), "")
    }

    /// It works, but for this.
    pub fn degraded(self, code: Code, path: &'static str) -> Self {
        self.verdict(VerdictState::Degraded, Some(code), path)
    }

    /// The gateway's path fails, and nobody can know why.
    pub fn inconclusive(self) -> Self {
        self.verdict(VerdictState::Inconclusive, None, "edge")
    }

    /// Nothing is wrong.
    pub fn healthy(self) -> Self {
        self.verdict(VerdictState::Healthy, None, "")
    }

    /// This must be found besides.
    pub fn also(mut self, code: Code, path: &'static str) -> Self {
        self.expect.as_mut().unwrap().also.push((code, path));
        self
    }

    /// The evidence of this finding has this in it.
    pub fn told_by(mut self, code: Code, evidence: &'static str) -> Self {
        self.expect.as_mut().unwrap().evidence.push((code, evidence));
        self
    }

    /// What is really wrong, where nobody can tell it from what comes back, and why nobody can.
    pub fn really(mut self, code: Code, because: &'static str) -> Self {
        self.expect.as_mut().unwrap().truth = Some((code, because));
        self
    }

    /// The rows of the decision table that this is about, where they do not follow from the code.
    pub fn rows(mut self, rows: &[u8]) -> Self {
        self.rows = rows.to_vec();
        self
    }

    /// The long request is due.
    pub fn long(mut self) -> Self {
        self.long = true;
        self
    }

    /// So many runs, as the operator makes them; the last one is judged.
    pub fn runs(mut self, runs: usize) -> Self {
        self.runs = runs;
        self
    }

    /// What the operator knows besides the run.
    pub fn context(mut self, change: fn(&mut Context)) -> Self {
        self.context = Some(change);
        self
    }

    /// No program can be made to do this, for this reason: the first hop plays back recorded bytes.
    pub fn recorded(mut self, because: &'static str) -> Self {
        self.unrun = Some(because);
        self
    }

    /// The verdict that it must get.
    pub fn expected(&self) -> &Expect {
        self.expect.as_ref().unwrap()
    }

    /// The rows of the decision table that it is about.
    pub fn table_rows(&self) -> Vec<u8> {
        if self.rows.is_empty() {
            self.expected()
                .codes()
                .into_iter()
                .flat_map(crate::table::rows_of)
                .copied()
                .collect()
        } else {
            self.rows.clone()
        }
    }

    /// The program that the prober meets first.
    pub fn gateway_name(&self) -> &'static str {
        self.fronts.last().map_or("none", Front::name)
    }

    /// Why no gateway program can be made to do this, if so.
    pub fn why_recorded(&self) -> Option<&'static str> {
        self.unrun
    }

    /// Whether something is seen on the wire before the prober runs.
    pub fn is_proven(&self) -> bool {
        !self.looks.is_empty()
    }

    /// Whether the control is missing, out of reach, or opened on the way.
    pub fn has_no_control(&self) -> bool {
        let expected = self.expected().codes();
        let no_control = [
            Code::DirectPathUnreachable,
            Code::DirectPathIntercepted,
            Code::EgressDown,
        ];
        let refused = self.expected().path == "direct" && expected.contains(&Code::ForwardProxyRefused);
        self.direct.is_none() || refused || expected.iter().any(|code| no_control.contains(code))
    }

    /// Whether nothing but the usual exchanges is sent.
    pub fn is_shallow(&self) -> bool {
        !self.deep && !self.long && self.runs == 1 && !self.spec.contains("exchanges")
    }
}
