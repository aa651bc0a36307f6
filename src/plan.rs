//! From a checked probe to the plan and the needs of one pod of a run: pure, the same for the operator's pods and `check -f`.
//!
//! Knows which exchanges a run asks for, not when they are due (the operator's slots decide) and not how they are sent. A plan
//! never lists what the prober does by itself in reaction to what came back: [`ExchangeKind::Repeat`], [`ExchangeKind::Confirm`],
//! [`ExchangeKind::TrimmedKey`]; nor [`ExchangeKind::Frozen`], which every path gets unless only zero-token exchanges may run.

pub mod explain;

use std::time::Duration;

use crate::report::evidence::ExchangeKind;
use crate::report::evidence::exchange_kind::{Entry, Key, Opt, Planned};
use crate::report::plan::{ExchangePlan, FrozenRequest, Header, PLAN_VERSION, PathPlan, Plan, Tls, When};
use crate::resource::spec::KeyRef;
use crate::resource::validated::{self, Body, LongRequest, Path, PodGroup, Probe, estimate};

/// Size of the big body of a deep run, bytes.
const DEEP_BODY: u64 = 2 * 1024 * 1024;
/// Size of the large header of a deep run, bytes.
const DEEP_HEADER: u64 = 32 * 1024;
/// What forwarding checks ask where the body of the frozen request is a saved one, which they cannot change.
const FORWARDING_CHECK_PROMPT: &str = "Count from 1 to 20.";

/// What a run does in addition to the frozen request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ForwardingCheckChoice {
    /// The forwarding checks that concern headers and body are due, and with them the other form of the frozen request and what the
    /// probe opted into. Says nothing where the probe switched them off.
    pub headers: bool,
    /// When those that concern the credential are sent.
    pub credential: CredentialChecks,
    /// Over budget: nothing that generates tokens.
    pub zero_token_only: bool,
    /// Everything of a run with forwarding checks whatever is due, and a 2 MiB body and a 32 KiB header.
    pub deep: bool,
    /// The long request is due.
    pub long: bool,
    /// The run before saw a buffered stream: that counts as the second pair of streams, and none is sent.
    pub buffered: bool,
}

/// When the forwarding checks that concern the credential are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CredentialChecks {
    /// In this run: after a change of spec or key.
    Always,
    /// Only on a path whose frozen request failed with 401 or 403, or with Claude's 401 quoted under another status.
    #[default]
    AuthFailed,
    /// Not in this run.
    Never,
}

/// What the operator or the command line sets for all probes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Networks that the prober does not connect to, in addition to metadata addresses, CIDR notation.
    pub refuse_networks: Vec<String>,
    /// Directory that holds what comes from ConfigMaps, without a final slash.
    pub files_root: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            refuse_networks: Vec::new(),
            files_root: "/etc/claudeprobe".into(),
        }
    }
}

/// One pod of a run: its prober's plan, and what the pod must give it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodPlan {
    /// What the prober does.
    pub plan: Plan,
    /// What it finds in its environment and its files.
    pub needs: PodNeeds,
}

/// What a plan refers to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodNeeds {
    /// Secret values, one variable for each key that is used. A missing one keeps the pod from starting, and is named so.
    pub secrets: Vec<SecretVariable>,
    /// ConfigMap values, one directory for each key that is used. Optional volumes: the prober reports which file is missing.
    pub files: Vec<ConfigFile>,
}

/// An environment variable that comes from a Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretVariable {
    /// Its name, unique in the pod.
    pub variable: String,
    /// Where its value is.
    pub secret: KeyRef,
}

/// A file that comes from a ConfigMap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFile {
    /// Name of the volume, unique in the pod, a DNS label.
    pub volume: String,
    /// Where its content is, `data` or `binaryData`.
    pub config_map: KeyRef,
    /// Directory that the volume is mounted at.
    pub directory: String,
    /// Name of the file in it.
    pub file: String,
}

/// Plans one pod of a run.
#[must_use]
pub fn plan(probe: &Probe, pod: &PodGroup, slot: &str, choice: ForwardingCheckChoice, settings: &Settings) -> PodPlan {
    let mut needs = Needs {
        needs: PodNeeds::default(),
        root: &settings.files_root,
    };
    let request = frozen(&probe.request, &mut needs);
    let paths = pod
        .paths
        .iter()
        .filter_map(|index| probe.paths.get(*index))
        .map(|path| path_plan(probe, path, choice, &mut needs))
        .collect();
    let plan = Plan {
        version: PLAN_VERSION,
        probe: format!("{}/{}", probe.namespace, probe.name),
        uid: probe.uid.clone(),
        slot: slot.to_owned(),
        run_timeout_ms: milliseconds(run_timeout(probe, choice)),
        long_timeout_ms: long(probe, choice).map_or(0, |long| milliseconds(long.timeout)),
        request,
        paths,
        refuse_networks: settings.refuse_networks.clone(),
        mesh: pod.placement.mesh,
        zero_token_only: choice.zero_token_only,
        second_samples: choice.deep,
        second_pair: !choice.buffered,
    };
    PodPlan {
        plan,
        needs: needs.needs,
    }
}

/// How long a run of this choice may take: the long request has its own limit on each path, on top of what else is sent. Paths
/// that share a key take turns.
#[must_use]
pub fn run_timeout(probe: &Probe, choice: ForwardingCheckChoice) -> Duration {
    let turns = probe.pods.iter().map(|pod| pod.paths.len()).max().unwrap_or(1);
    let turns = u32::try_from(turns).unwrap_or(u32::MAX);
    long(probe, choice).map_or(probe.run_timeout, |long| {
        probe.run_timeout.saturating_add(long.timeout.saturating_mul(turns))
    })
}

/// The long request, where this run sends it.
fn long(probe: &Probe, choice: ForwardingCheckChoice) -> Option<&LongRequest> {
    let long = probe.exchanges.long.as_ref();
    long.filter(|_| choice.long && !choice.zero_token_only)
}

/// Tokens to reserve for a run of this choice, on all its paths.
#[must_use]
pub fn reservation(probe: &Probe, choice: ForwardingCheckChoice) -> u64 {
    if choice.zero_token_only {
        return 0;
    }
    let tokens = estimate(probe);
    tokens.run
        + if header_checks(probe, choice) {
            tokens.forwarding_checks
        } else {
            0
        }
        + if choice.long { tokens.long } else { 0 }
}

fn header_checks(probe: &Probe, choice: ForwardingCheckChoice) -> bool {
    choice.deep || (choice.headers && probe.forwarding_checks.headers && probe.forwarding_checks.every.is_some())
}

fn path_plan(probe: &Probe, path: &Path, choice: ForwardingCheckChoice, needs: &mut Needs<'_>) -> PathPlan {
    PathPlan {
        name: path.name.clone(),
        url: path.url.as_str().to_owned(),
        credential: path.credential.as_ref().map(|it| it.map(|key| needs.secret(key))),
        model: path.model.clone(),
        headers: headers(&path.headers, needs),
        proxy: path.proxy.as_ref().map(|it| it.map(|key| needs.secret(key))),
        tls: Tls {
            ca: path.tls.ca.as_ref().map(|ca| needs.file(ca)),
            ..path.tls.map(|_| String::new(), |key| needs.secret(key))
        },
        http_version: path.http_version,
        exchanges: exchanges(probe, path, choice),
        anthropic: path.leads_to_claude(),
    }
}

/// The exchanges of a path other than the frozen request and the prober's own reactions.
fn exchanges(probe: &Probe, path: &Path, choice: ForwardingCheckChoice) -> Vec<ExchangePlan> {
    ExchangeKind::all()
        .filter_map(|kind| {
            let entry = kind.entry();
            let allowed = entry.over_budget || !choice.zero_token_only;
            let answers = path.leads_to_claude() || !entry.claude_only;
            let (when, amount) = due(entry, probe, path, choice).filter(|_| allowed && answers)?;
            Some(ExchangePlan { kind, when, amount })
        })
        .collect()
}

/// When an exchange is sent in a run of this choice, if it is, and its amount.
fn due(entry: Entry, probe: &Probe, path: &Path, choice: ForwardingCheckChoice) -> Option<(When, u64)> {
    let checks = header_checks(probe, choice);
    let always = |amount| (When::Always, amount);
    match entry.planned {
        Planned::EachRun | Planned::Reaction(_) => None,
        Planned::WithChecks => (checks || choice.zero_token_only).then_some(always(0)),
        Planned::Opted(opt) => opted(opt, probe, path, choice.deep).filter(|_| checks).map(always),
        Planned::LongRequest => long(probe, choice).map(|long| always(u64::from(long.max_tokens))),
        Planned::AfterFailure => (choice.deep || probe.forwarding_checks.every.is_some()).then_some((When::Failed, 0)),
        Planned::WhoAuthenticates => {
            // Where no key is sent, the frozen request is the one without a key, and there is none to move.
            let differs = path.credential.is_some() || entry.key == Key::Invalid;
            let when = credential_checks(probe, choice).filter(|_| differs)?;
            Some((when, 0))
        }
    }
}

/// The amount of an exchange that the probe opted into; a deep run has some by itself.
fn opted(opt: Opt, probe: &Probe, path: &Path, deep: bool) -> Option<u64> {
    let opted = &probe.exchanges;
    match opt {
        Opt::HeaderBytes => opted.header_bytes.or(deep.then_some(DEEP_HEADER)),
        Opt::BodyBytes => opted.body_bytes.or(deep.then_some(DEEP_BODY)),
        Opt::AttackPrompt => opted.attack_prompt.then_some(0),
        Opt::AttackTwin => (opted.attack_prompt && !path.direct).then_some(0),
        Opt::Parallel => opted.parallel.map(u64::from),
        Opt::ReuseIdle => opted.reuse_idle.map(|idle| idle.as_secs()),
    }
}

/// Leaves out of a plan what a person who waits for its result gets only by asking for it: what costs tokens or seconds. What was
/// opted into by name stays.
pub fn leave_out_deep(plan: &mut Plan) {
    for path in &mut plan.paths {
        path.exchanges.retain(|exchange| !exchange.kind.entry().deep_in_check);
    }
}

fn credential_checks(probe: &Probe, choice: ForwardingCheckChoice) -> Option<When> {
    if choice.zero_token_only {
        return None; // without the frozen request's reply they say nothing
    }
    if choice.deep {
        return Some(When::Always);
    }
    if !probe.forwarding_checks.credential || probe.forwarding_checks.every.is_none() {
        return None;
    }
    match choice.credential {
        CredentialChecks::Always => Some(When::Always),
        CredentialChecks::AuthFailed => Some(When::AuthFailed),
        CredentialChecks::Never => None,
    }
}

fn frozen(request: &validated::Request, needs: &mut Needs<'_>) -> FrozenRequest {
    let (prompt, body_file) = match &request.body {
        Body::Prompt(prompt) => (prompt.clone(), None),
        Body::Saved(reference) => (FORWARDING_CHECK_PROMPT.to_owned(), Some(needs.file(reference))),
    };
    FrozenRequest {
        model: request.model.clone(),
        api_version: request.api_version.clone(),
        betas: request.betas.clone(),
        headers: headers(&request.headers, needs),
        stream: request.stream,
        max_tokens: request.max_tokens,
        prompt,
        body_file,
    }
}

fn headers(headers: &[validated::Header], needs: &mut Needs<'_>) -> Vec<Header> {
    let resolved = headers.iter().map(|header| header.map(|key| needs.secret(key)));
    resolved.collect()
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Gives every Secret key and ConfigMap key that is used one variable or one file.
struct Needs<'a> {
    needs: PodNeeds,
    root: &'a str,
}

impl Needs<'_> {
    fn secret(&mut self, secret: &KeyRef) -> String {
        let known = &mut self.needs.secrets;
        if let Some(found) = known.iter().find(|found| found.secret == *secret) {
            return found.variable.clone();
        }
        let variable = format!("CLAUDEPROBE_SECRET_{}", known.len());
        known.push(SecretVariable {
            variable: variable.clone(),
            secret: secret.clone(),
        });
        variable
    }

    fn file(&mut self, config_map: &KeyRef) -> String {
        let known = &mut self.needs.files;
        let index = match known.iter().position(|found| found.config_map == *config_map) {
            Some(index) => index,
            None => {
                let volume = format!("file-{}", known.len());
                known.push(ConfigFile {
                    directory: format!("{}/{volume}", self.root),
                    volume,
                    config_map: config_map.clone(),
                    file: "content".into(),
                });
                known.len() - 1
            }
        };
        let found = &known[index];
        format!("{}/{}", found.directory, found.file)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;
