//! One case: a gateway between the prober and Claude, a fault, the proof of it, and the verdict that it must get.

use std::time::{Duration, Instant};

use claudeprobe::catalogue::{Code, Confidence, Layer, Severity};
use claudeprobe::diagnosis::{Case as Diagnosed, Context, Diagnosis, PathCase, Request, Thresholds, diagnose};
use claudeprobe::plan::{CanaryChoice, CredentialCanaries, PodPlan, Settings, plan};
use claudeprobe::probe::{self, FullReport, Secrets};
use claudeprobe::report::evidence::{Exchange, ExchangeKind, Marks};
use claudeprobe::resource::spec::ClaudeProbe;
use claudeprobe::resource::status::{Finding, VerdictState};
use claudeprobe::resource::validated::{PodGroup, Probe};
use claudeprobe::standin::tls::Identity;
use claudeprobe::standin::{Config, Key, Rule, Standin, TEST_KEY};

use crate::accuracy;
use crate::certificates::authority;
use crate::front::Front;
use crate::look::Look;
use crate::stage::{OLD_KEY, OTHER_KEY, Stage, write};

/// The verdict that a case must get.
#[derive(Clone, Debug)]
pub struct Expect {
    /// Its state.
    pub state: VerdictState,
    /// Its code, and the layer that the catalogue gives it.
    pub code: Option<Code>,
    /// Its path.
    pub path: &'static str,
    /// Findings that must be there besides, `(code, path)`.
    pub also: Vec<(Code, &'static str)>,
    /// Findings that may be there besides: true of this set-up, but not what the case is about.
    pub may: Vec<Code>,
}

/// A case.
#[derive(Clone, Debug)]
pub struct Case {
    fronts: Vec<Front>,
    standin: Config,
    standin_tls: bool,
    faults: Vec<Rule>,
    request: String,
    carrier: &'static str,
    key: String,
    direct: Option<String>,
    direct_url: &'static str,
    gateway: String,
    gateway_url: &'static str,
    spec: String,
    secrets: Vec<(&'static str, String)>,
    deep: bool,
    time: Duration,
    looks: Vec<Look>,
    expect: Option<Expect>,
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
            carrier: "XApiKey",
            key: TEST_KEY.into(),
            direct: Some(String::new()),
            direct_url: "{claude_url}",
            gateway: String::new(),
            gateway_url: "",
            spec: String::new(),
            secrets: Vec::new(),
            deep: false,
            time: Duration::from_secs(40),
            looks: Vec::new(),
            expect: None,
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
        self.carrier = "Bearer";
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
            may: Vec::new(),
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

    /// This may be found besides.
    pub fn may(mut self, code: Code) -> Self {
        self.expect.as_mut().unwrap().may.push(code);
        self
    }

    /// Plays the case.
    ///
    /// # Panics
    /// When the fault is not on the wire, or the verdict is another one.
    pub fn run(self, name: &str) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(self.play(name));
    }

    async fn play(mut self, name: &str) {
        if self.standin_tls {
            let names = ["127.0.0.1".to_owned(), "api.anthropic.test".to_owned()];
            let (chain, key) = authority().issue(&names, true);
            let identity = Identity::from_pem(&chain, &key, Some(authority().pem.clone()));
            self.standin.tls = Some(identity.unwrap());
        }
        let standin = Standin::start(self.standin.clone()).await.unwrap();
        for fault in &self.faults {
            standin.set_fault(fault.clone());
        }
        let mut stage = Stage::new(&standin, &self.texts()).await;
        let mut programs = Vec::new();
        for front in &self.fronts {
            programs.extend(front.start(&mut stage));
        }
        let scheme = if self.fronts.last().is_some_and(Front::is_https) {
            "https"
        } else {
            "http"
        };
        let gateway = match self.gateway_url {
            "" => stage.fill(&format!("{scheme}://{{gateway_address}}")),
            url => stage.fill(url),
        };
        stage.name("gateway", gateway);
        stage.name("direct", stage.fill(self.direct_url));
        let logs = || -> String { programs.iter().map(crate::program::Program::log).collect() };
        for look in &self.looks {
            look.check(&stage, &standin, self.carrier == "Bearer").await;
        }
        // As if nothing had been looked at.
        standin.clear_requests();
        standin.clear_faults();
        for fault in &self.faults {
            standin.set_fault(fault.clone());
        }
        let probe = self.probe(&stage);
        let started = Instant::now();
        let (report, diagnosis) = self.measure(&stage, &probe).await;
        let expect = self.expect.clone().unwrap();
        let wrong = compare(&expect, &diagnosis);
        let front = self.fronts.last().map_or("none", Front::name);
        accuracy::note(
            name,
            front,
            &expect,
            &diagnosis,
            &report,
            started.elapsed(),
            wrong.is_empty(),
        );
        assert!(
            wrong.is_empty(),
            "{}\n\n{}\n{}",
            wrong.join("\n"),
            describe(&report, &diagnosis),
            logs()
        );
    }

    fn texts(&self) -> Vec<&str> {
        let mut texts: Vec<&str> = self.fronts.iter().flat_map(Front::texts).collect();
        texts.extend(self.looks.iter().flat_map(Look::texts));
        texts.extend([self.direct_url, self.gateway_url, &self.gateway, &self.spec]);
        texts.extend(self.direct.as_deref());
        texts
    }

    fn probe(&self, stage: &Stage) -> Probe {
        let mut text = format!(
            "metadata: {{name: case, namespace: ai}}
spec:
  schedule: {{every: 5m}}
  credential: {{secretKeyRef: {{name: claude, key: key}}, carrier: {}}}
  request: {{maxTokens: 64{}}}
  gateways: [{{name: edge, url: '{{gateway}}'{}}}]{}
",
            self.carrier, self.request, self.gateway, self.spec
        );
        if let Some(fields) = &self.direct {
            text += &format!("  direct: {{url: '{{direct}}'{fields}}}\n");
        }
        let text = stage.fill(&text);
        let object: ClaudeProbe = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        Probe::parse(&object).unwrap_or_else(|faults| panic!("{faults:?}\n{text}"))
    }

    async fn measure(&self, stage: &Stage, probe: &Probe) -> (FullReport, Diagnosis) {
        let everything = PodGroup {
            own: None,
            placement: probe.pods[0].placement.clone(),
            paths: (0..probe.paths.len()).collect(),
        };
        let choice = CanaryChoice {
            headers: true,
            credential: CredentialCanaries::AuthFailed,
            deep: self.deep,
            ..CanaryChoice::default()
        };
        let settings = Settings {
            files_root: stage.directory.path().join("files").to_string_lossy().into_owned(),
            ..Settings::default()
        };
        let PodPlan { mut plan, needs } = plan(probe, &everything, "case", choice, &settings);
        plan.uid = "3f0a5c1e-0000-4000-8000-000000000001".into();
        plan.run_timeout_ms = u64::try_from(self.time.as_millis()).unwrap();
        if !self.deep {
            // As `claudeprobe check` does.
            for leg in &mut plan.legs {
                leg.exchanges
                    .retain(|exchange| !matches!(exchange.kind, ExchangeKind::OtherForm | ExchangeKind::NestedField));
            }
        }
        for file in &needs.files {
            std::fs::create_dir_all(&file.directory).unwrap();
            write(
                &std::path::Path::new(&file.directory).join(&file.file),
                &authority().pem,
            );
        }
        let mut secrets = Secrets::new();
        for need in &needs.secrets {
            let value = match need.secret.name.as_str() {
                "claude" => self.key.clone(),
                "old" => OLD_KEY.to_owned(),
                "other" => OTHER_KEY.to_owned(),
                name => {
                    let known = self.secrets.iter().find(|(known, _)| *known == name);
                    known
                        .unwrap_or_else(|| panic!("the case has no secret `{name}`"))
                        .1
                        .clone()
                }
            };
            secrets = secrets.with(&need.variable, value);
        }
        let report = probe::run(&plan, &secrets, &|_| {}).await.unwrap();
        let now_ms = report.evidence.started_at_ms + i64::from(report.evidence.duration_ms);
        let diagnosis = diagnose(&Diagnosed {
            request: Request::of(probe),
            paths: PathCase::all(probe),
            evidence: &report.evidence,
            context: Context {
                now_ms,
                thresholds: Thresholds::of(probe),
                ..Context::default()
            },
        });
        (report, diagnosis)
    }
}

/// What is wrong with a diagnosis.
fn compare(expect: &Expect, diagnosis: &Diagnosis) -> Vec<String> {
    let mut wrong = Vec::new();
    let verdict = &diagnosis.verdict;
    let code = expect.code.map(Code::name).unwrap_or_default();
    let layer = expect
        .code
        .map(|code| layer_name(code.entry().layer))
        .unwrap_or_default();
    let found = (
        verdict.state,
        verdict.code.as_str(),
        verdict.layer.as_str(),
        verdict.path.as_str(),
    );
    let wanted = (expect.state, code, layer.as_str(), expect.path);
    if found != wanted {
        wrong.push(format!("the verdict is {found:?}, not {wanted:?}"));
    }
    for (code, path) in &expect.also {
        let is_there = |finding: &Finding| finding.code == *code && finding.path == *path;
        if !diagnosis.findings.iter().any(is_there) {
            wrong.push(format!("{code} on `{path}` is not found"));
        }
    }
    for finding in diagnosis.findings.iter().filter(|finding| accuses(finding)) {
        let named = expect.code == Some(finding.code)
            || expect.also.iter().any(|(code, _)| *code == finding.code)
            || expect.may.contains(&finding.code);
        if !named {
            wrong.push(format!("a false accusation: {} on `{}`", finding.code, finding.path));
        }
    }
    wrong
}

/// Whether a finding says that somebody is at fault.
pub fn accuses(finding: &Finding) -> bool {
    finding.severity >= Severity::Warning && finding.confidence >= Confidence::Likely
}

/// The layer as verdicts write it.
fn layer_name(layer: Layer) -> String {
    format!("{layer:?}")
}

fn describe(report: &FullReport, diagnosis: &Diagnosis) -> String {
    let mut text = format!("{}\n", diagnosis.verdict.message);
    for finding in &diagnosis.findings {
        text += &format!(
            "  {} on `{}` ({:?}, {:?}): {}\n",
            finding.code, finding.path, finding.severity, finding.confidence, finding.evidence
        );
    }
    for leg in &report.evidence.legs {
        text += &format!("{}: {:?}, skipped {:?}\n", leg.path, leg.handshake.outcome, leg.skipped);
        for exchange in &leg.exchanges {
            text += &format!("  {}\n", line(exchange));
        }
    }
    text
}

/// An exchange without what was not observed.
fn line(exchange: &Exchange) -> String {
    let text = format!("{exchange:?}");
    let marks: Vec<&str> = Marks::ALL
        .iter()
        .filter(|(_, mark)| exchange.marks.has(*mark))
        .map(|(name, _)| *name)
        .collect();
    let fields = text.trim_start_matches("Exchange { ").split(", ");
    let told: Vec<&str> = fields
        .filter(|field| !field.ends_with(": None") && !field.starts_with("marks:") && !field.contains("_id: Some"))
        .collect();
    format!("{} [{}]", told.join(", "), marks.join(" "))
}
