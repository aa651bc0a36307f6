//! Plays a case: sets up, proves the fault, measures, diagnoses, compares.

use std::sync::OnceLock;
use std::time::Instant;

use claudeprobe::cli::check::history::History;
use claudeprobe::diagnosis::{Case as Diagnosed, Diagnosis, PathCase, Request, diagnose};
use claudeprobe::plan::{CredentialChecks, ForwardingCheckChoice, PodPlan, Settings, leave_out_deep, plan};
use claudeprobe::probe::{self, FullReport, Secrets};
use claudeprobe::resource::spec::ClaudeProbe;
use claudeprobe::resource::validated::{PodGroup, Probe};
use claudeprobe::standin::Standin;
use claudeprobe::standin::tls::Identity;

use super::Case;
use super::describe::describe;
use super::expect::compare;
use crate::accuracy::{self, Played};
use crate::certificates::{authority, inspector};
use crate::front::Front;
use crate::proof::Proof;
use crate::stage::{OLD_KEY, OTHER_KEY, Stage, write};

/// When the first run of a suite ends: on 1 August 2026, whatever today is, with months left to every model that the cases ask
/// for.
const TODAY: i64 = 1_785_542_400_000;

impl Case {
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
            let names = [
                "127.0.0.1".to_owned(),
                "api.anthropic.test".to_owned(),
                "api.anthropic.com".to_owned(),
            ];
            let (chain, key) = authority().issue(&names, 365);
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
        let logs = |stage: &Stage| -> String {
            let shared = stage.litellm.as_ref().map(crate::litellm::Lease::log);
            programs
                .iter()
                .map(crate::program::Program::log)
                .chain(shared)
                .collect()
        };
        for proof in &self.proofs {
            proof.check(&stage, &standin, self.auth_header == "Authorization").await;
        }
        // As if no proof had been taken.
        standin.clear_requests();
        standin.clear_faults();
        for fault in &self.faults {
            standin.set_fault(fault.clone());
        }
        let probe = self.probe(&stage);
        let started = Instant::now();
        let mut history = History::default();
        let (mut report, mut diagnosis) = self.measure(&stage, &probe, &history).await;
        for _ in 1..self.runs {
            history.remember(&report.evidence, &diagnosis, ended(&report));
            (report, diagnosis) = self.measure(&stage, &probe, &history).await;
        }
        let wrong = compare(self.expected(), &diagnosis);
        accuracy::note(
            name,
            &self,
            &Played {
                report: &report,
                diagnosis: &diagnosis,
                took: started.elapsed(),
                wrong: &wrong,
            },
        );
        assert!(
            wrong.is_empty(),
            "{}\n\n{}\n{}",
            wrong.join("\n"),
            describe(&report, &diagnosis),
            logs(&stage)
        );
    }

    fn texts(&self) -> Vec<&str> {
        let mut texts: Vec<&str> = self.fronts.iter().flat_map(Front::texts).collect();
        texts.extend(self.proofs.iter().flat_map(Proof::texts));
        texts.extend([self.direct_url, self.gateway_url, &self.gateway, &self.spec]);
        texts.extend(self.direct.as_deref());
        texts
    }

    fn probe(&self, stage: &Stage) -> Probe {
        let mut text = format!(
            "metadata: {{name: case, namespace: ai}}
spec:
  schedule: {{every: 5m}}
  credential: {{secretKeyRef: {{name: claude, key: key}}, authHeader: {}}}
  request: {{maxTokens: 64{}}}
  gateways: [{{name: edge, url: '{{gateway}}'{}}}]{}
",
            self.auth_header, self.request, self.gateway, self.spec
        );
        if let Some(fields) = &self.direct {
            text += &format!("  direct: {{url: '{{direct}}'{fields}}}\n");
        }
        let text = stage.fill(&text);
        let object: ClaudeProbe = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        Probe::parse(&object).unwrap_or_else(|faults| panic!("{faults:?}\n{text}"))
    }

    async fn measure(&self, stage: &Stage, probe: &Probe, history: &History) -> (FullReport, Diagnosis) {
        let everything = PodGroup {
            own: None,
            placement: probe.pods[0].placement.clone(),
            paths: (0..probe.paths.len()).collect(),
        };
        let choice = ForwardingCheckChoice {
            headers: true,
            credential: CredentialChecks::AuthFailed,
            deep: self.deep,
            long: self.long,
            ..ForwardingCheckChoice::default()
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
            leave_out_deep(&mut plan);
        }
        for file in &needs.files {
            std::fs::create_dir_all(&file.directory).unwrap();
            let roots = match file.config_map.name.as_str() {
                "inspector" => inspector(),
                _ => authority(),
            };
            write(&std::path::Path::new(&file.directory).join(&file.file), &roots.pem);
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
        let mut context = history.context(probe, ended(&report));
        if let Some(change) = self.context {
            change(&mut context);
        }
        let diagnosis = diagnose(&Diagnosed {
            request: Request::of(probe),
            paths: PathCase::all(probe),
            evidence: &report.evidence,
            context,
        });
        (report, diagnosis)
    }
}

/// When a run ended by the calendar of the cases, Unix milliseconds: as far from the other runs as it really was.
fn ended(report: &FullReport) -> i64 {
    static FIRST: OnceLock<i64> = OnceLock::new();
    let ended = report.evidence.started_at_ms + i64::from(report.evidence.duration_ms);
    TODAY + ended - FIRST.get_or_init(|| ended)
}
