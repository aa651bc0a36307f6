//! From a command line to what will be sent: the checked probe, its plan, the keys out of the environment, the files.
//!
//! Sends nothing and reads no clock.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kube::api::ObjectMeta;
use secrecy::SecretString;

use super::args::{Args, MAIN_KEY, NamedUrl, credential_variable, secret_variable};
use super::file;
use crate::cli::exit::Failure;
use crate::plan::{CredentialChecks, ForwardingCheckChoice, PodNeeds, PodPlan, Settings, leave_out_deep, plan};
use crate::probe::Secrets;
use crate::probe::order::timeout_to_measure;
use crate::report::plan::{Header, HeaderValue, Plan};
use crate::resource::spec::{ClaudeProbe, KeyRef};
use crate::resource::validated::{PodGroup, Probe, SpecFault};

/// Variable that stands in for any Secret key that has no variable of its own.
const FALLBACK: &str = "ANTHROPIC_API_KEY";

/// Everything that a check needs.
#[derive(Debug)]
pub struct Prepared {
    /// The probe, checked.
    pub probe: Probe,
    /// What will be sent.
    pub plan: Plan,
    /// The keys that the plan names.
    pub secrets: Secrets,
    /// The keys come from variables of the command line's own, not from Secrets of a file.
    pub from_flags: bool,
    /// The directory of the files that the plan names; removed with this value.
    _files: Option<Files>,
}

/// Values by the name of an environment variable, from the caller's environment.
pub trait Environment {
    /// The variable's value, if it is set and not empty.
    ///
    /// # Errors
    /// When it is not UTF-8.
    fn get(&self, name: &str) -> Result<Option<String>, Failure>;
}

/// The process's environment.
#[derive(Clone, Copy, Debug)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn get(&self, name: &str) -> Result<Option<String>, Failure> {
        match std::env::var(name) {
            Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(Failure::usage(format!("{name} holds bytes that are not UTF-8")))
            }
        }
    }
}

impl Environment for BTreeMap<String, String> {
    fn get(&self, name: &str) -> Result<Option<String>, Failure> {
        Ok(BTreeMap::get(self, name).filter(|value| !value.is_empty()).cloned())
    }
}

/// Reads the file or the flags, checks them by the resource's own rules, and plans.
///
/// # Errors
/// Usage: everything that is wrong with the flags, the file or the environment, as sentences.
pub fn prepare(args: &Args, environment: &dyn Environment) -> Result<Prepared, Failure> {
    let (mut resource, config) = match &args.file {
        Some(path) => {
            let read = file::read(path)?;
            (read.probe, read.config)
        }
        None => (from_flags(args, environment)?, BTreeMap::new()),
    };
    args.opt_in(&mut resource.spec);
    resource.metadata.namespace.get_or_insert_with(|| "check".into());
    let probe = Probe::parse(&resource).map_err(|faults| Failure::usage(explain(args, &faults)))?;
    let files_root = std::env::temp_dir().join(format!("claudeprobe-{}-{}", std::process::id(), salt()));
    let PodPlan { mut plan, needs } = plan_here(&probe, args, &files_root);
    let files = Files::write(&files_root, &needs, &config)?;
    if let Some(ca) = &args.ca_file {
        trust(&mut plan, ca)?;
    }
    let secrets = secrets(&plan, &needs, args, environment)?;
    Ok(Prepared {
        probe,
        plan,
        secrets,
        from_flags: args.file.is_none(),
        _files: files,
    })
}

fn from_flags(args: &Args, environment: &dyn Environment) -> Result<ClaudeProbe, Failure> {
    // Asked first, because `spec` cannot fail on a variable that is not UTF-8.
    let mut set = vec![MAIN_KEY.1.to_owned()];
    set.extend(
        args.named_gateways()
            .iter()
            .map(|NamedUrl { name, .. }| credential_variable(name)),
    );
    let mut present = Vec::new();
    for name in set {
        // A plan can be explained without a key.
        let assumed = args.explain_plan && name == MAIN_KEY.1;
        if environment.get(&name)?.is_some() || assumed {
            present.push(name);
        }
    }
    Ok(ClaudeProbe {
        metadata: ObjectMeta {
            name: Some("check".into()),
            ..ObjectMeta::default()
        },
        spec: args.spec(|name| present.iter().any(|known| known == name))?,
        status: None,
    })
}

/// One plan for all paths: here there is one place to send from, whatever placement says.
fn plan_here(probe: &Probe, args: &Args, files_root: &Path) -> PodPlan {
    let everything = PodGroup {
        own: None,
        placement: probe.pods.first().map(|pod| pod.placement.clone()).unwrap_or_default(),
        paths: (0..probe.paths.len()).collect(),
    };
    let choice = ForwardingCheckChoice {
        headers: true,
        credential: CredentialChecks::AuthFailed,
        zero_token_only: false,
        deep: args.deep,
        long: false,
        buffered: false,
    };
    let settings = Settings {
        files_root: files_root.to_string_lossy().into_owned(),
        ..Settings::default()
    };
    let mut pod = plan(probe, &everything, "check", choice, &settings);
    pod.plan.mesh = false;
    pod.plan.uid = salt();
    pod.plan.run_timeout_ms = u64::try_from(timeout_to_measure(args.timeout).as_millis()).unwrap_or(u64::MAX);
    if !args.deep {
        // What costs tokens or seconds is left to `--deep`; what was asked for by name stays.
        leave_out_deep(&mut pod.plan);
    }
    pod
}

/// A random salt of key fingerprints: those of two checks are not comparable, and need not be.
fn salt() -> String {
    use std::hash::{BuildHasher, RandomState};
    // Each RandomState has keys of its own.
    format!(
        "{:016x}{:016x}",
        RandomState::new().hash_one(0),
        RandomState::new().hash_one(1)
    )
}

fn trust(plan: &mut Plan, ca: &Path) -> Result<(), Failure> {
    // Read here, so that a wrong name is an error of usage and not of every path.
    std::fs::metadata(ca)
        .map_err(|error| Failure::usage(format!("--ca-file {} cannot be read: {error}", ca.display())))?;
    for path in &mut plan.paths {
        path.tls.ca.get_or_insert_with(|| ca.to_string_lossy().into_owned());
    }
    Ok(())
}

fn secrets(plan: &Plan, needs: &PodNeeds, args: &Args, environment: &dyn Environment) -> Result<Secrets, Failure> {
    let mut secrets = Secrets::new();
    let mut missing = Vec::new();
    for need in &needs.secrets {
        let KeyRef { name, key } = &need.secret;
        let own = if args.file.is_some() {
            secret_variable(name, key)
        } else {
            key.clone()
        };
        let value = match environment.get(&own)? {
            Some(value) => Some(value),
            // Never for a header, a proxy's password or a certificate: they would carry the API key to others.
            None if args.file.is_some() && is_credential(plan, &need.variable) => environment.get(FALLBACK)?,
            None => None,
        };
        match value {
            Some(value) => secrets.insert(&need.variable, SecretString::from(value)),
            None => missing.push(format!("\n  {own}: key {key} of Secret {name}")),
        }
    }
    if missing.is_empty() || args.explain_plan {
        Ok(secrets)
    } else {
        Err(Failure::usage(format!(
            "variables are missing in the environment:{}",
            missing.concat()
        )))
    }
}

/// Whether a path sends this variable as its key, and nothing sends it otherwise.
fn is_credential(plan: &Plan, variable: &str) -> bool {
    let sends = |headers: &[Header]| {
        let mut values = headers.iter().map(|header| &header.value);
        values.any(|value| matches!(value, HeaderValue::Secret(name) if name == variable))
    };
    let mut credentials = plan.paths.iter().filter_map(|path| path.credential.as_ref());
    credentials.any(|credential| credential.secret == variable)
        && !sends(&plan.request.headers)
        && !plan.paths.iter().any(|path| sends(&path.headers))
}

/// Faults with the flag's name where a flag gave the field.
fn explain(args: &Args, faults: &[SpecFault]) -> String {
    if args.file.is_some() {
        return file::list(faults);
    }
    let names: Vec<String> = args.named_gateways().into_iter().map(|gateway| gateway.name).collect();
    let faults: Vec<SpecFault> = faults
        .iter()
        .map(|fault| SpecFault {
            field: flag(&fault.field, &names),
            message: fault.message.clone(),
        })
        .collect();
    file::list(&faults)
}

fn flag(field: &str, gateways: &[String]) -> String {
    let known = match field.strip_prefix("spec.").unwrap_or(field) {
        "direct.url" => "--direct",
        "direct.proxy.url" => "--proxy",
        "request.model" => "--model",
        "request.prompt" => "--prompt",
        "request.maxTokens" => "--max-tokens",
        "request.apiVersion" => "--api-version",
        "exchanges.parallel" => "--parallel",
        "gateways" => "--gateway",
        field if field.starts_with("request.betas") => "--beta",
        field => {
            let index = field.strip_prefix("gateways[").and_then(|rest| rest.split(']').next());
            let name = index.and_then(|index| gateways.get(index.parse::<usize>().ok()?));
            return name.map_or_else(|| field.to_owned(), |name| format!("--gateway {name}"));
        }
    };
    known.to_owned()
}

/// A private directory with the contents of ConfigMaps; removed when dropped.
#[derive(Debug)]
struct Files(PathBuf);

impl Files {
    fn write(root: &Path, needs: &PodNeeds, config: &BTreeMap<KeyRef, Vec<u8>>) -> Result<Option<Self>, Failure> {
        if needs.files.is_empty() {
            return Ok(None);
        }
        let files = Self(root.to_owned());
        for need in &needs.files {
            let KeyRef { name, key } = &need.config_map;
            let contents = config.get(&need.config_map).ok_or_else(|| {
                Failure::usage(format!(
                    "ConfigMap {name} with key {key} is missing in the file: add it as a second document"
                ))
            })?;
            let directory = Path::new(&need.directory);
            std::fs::create_dir_all(directory)
                .and_then(|()| std::fs::write(directory.join(&need.file), contents))
                .map_err(|error| Failure::runtime(format!("{} cannot be written: {error}", directory.display())))?;
        }
        Ok(Some(files))
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        // Nothing secret is in it: ConfigMaps only.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
