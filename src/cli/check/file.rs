//! Reads a `ClaudeProbe` from a file, with the ConfigMaps in the same file.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use kube::CustomResourceExt as _;
use serde_json::Value;

use super::shape;
use crate::cli::exit::Failure;
use crate::resource::spec::{ClaudeProbe, KeyRef};
use crate::resource::validated::SpecFault;

/// Largest file that is read: a probe with a saved body of 1 MiB in base64 fits.
const MAX_BYTES: u64 = 4 * 1024 * 1024;
const API_VERSION: &str = "claudeprobe.dev/v1alpha1";

/// A probe, and the ConfigMaps of its file.
#[derive(Clone, Debug)]
pub struct ProbeFile {
    /// The probe.
    pub probe: ClaudeProbe,
    /// Contents of ConfigMap keys, data and binaryData.
    pub config: BTreeMap<KeyRef, Vec<u8>>,
}

/// Reads the file at `path`, or standard input for `-`.
///
/// # Errors
/// A sentence when the file cannot be read or is no YAML, holds not exactly one `ClaudeProbe`, or one that does not fit the
/// schema; then every fault has a line of its own.
pub fn read(path: &Path) -> Result<ProbeFile, Failure> {
    let name = if path == Path::new("-") {
        "standard input".into()
    } else {
        path.to_string_lossy()
    };
    let text = slurp(path).map_err(|error| Failure::usage(format!("{name} cannot be read: {error}")))?;
    parse(&text).map_err(|message| Failure::usage(format!("{name}: {message}")))
}

fn slurp(path: &Path) -> std::io::Result<String> {
    let source: Box<dyn std::io::Read> = if path == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(path)?)
    };
    let mut text = String::new();
    source.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(std::io::Error::other("it is larger than 4 MiB"));
    }
    Ok(text)
}

fn parse(text: &str) -> Result<ProbeFile, String> {
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(text).map_err(|error| format!("this is not YAML: {}", first_line(&error)))?;
    let (probes, others): (Vec<&Value>, Vec<&Value>) =
        documents.iter().partition(|document| document["kind"] == "ClaudeProbe");
    let document = match probes.as_slice() {
        [one] => *one,
        [] => return Err("contains no ClaudeProbe (kind: ClaudeProbe)".into()),
        several => {
            return Err(format!("contains {} ClaudeProbes; give a file with one", several.len()));
        }
    };
    if document["apiVersion"] != API_VERSION {
        return Err(format!("apiVersion must be {API_VERSION}"));
    }
    let faults = shape::faults(&document["spec"], &spec_schema()?, "spec");
    if !faults.is_empty() {
        return Err(list(&faults));
    }
    let probe = serde_json::from_value(document.clone()).map_err(|error| error.to_string())?;
    Ok(ProbeFile {
        probe,
        config: config_maps(&others)?,
    })
}

/// Faults for a person: in the sentence when there is one, else one per line.
#[must_use]
pub fn list(faults: &[SpecFault]) -> String {
    match faults {
        [one] => one.to_string(),
        several => {
            let lines: Vec<String> = several.iter().map(|fault| format!("\n  {fault}")).collect();
            format!("{} errors:{}", several.len(), lines.concat())
        }
    }
}

fn first_line(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}

fn spec_schema() -> Result<Value, String> {
    let crd = serde_json::to_value(ClaudeProbe::crd()).map_err(|error| error.to_string())?;
    let schema = crd.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec");
    schema
        .cloned()
        .ok_or_else(|| "this build has no schema of a ClaudeProbe".into())
}

fn config_maps(documents: &[&Value]) -> Result<BTreeMap<KeyRef, Vec<u8>>, String> {
    let mut contents = BTreeMap::new();
    for document in documents.iter().filter(|document| document["kind"] == "ConfigMap") {
        let name = document["metadata"]["name"].as_str().unwrap_or_default();
        let reference = |key: &str| KeyRef {
            name: name.to_owned(),
            key: key.to_owned(),
        };
        for (key, value) in document["data"].as_object().into_iter().flatten() {
            contents.insert(reference(key), value.as_str().unwrap_or_default().as_bytes().to_vec());
        }
        for (key, value) in document["binaryData"].as_object().into_iter().flatten() {
            // YAML folds long base64 over several lines.
            let text: String = value.as_str().unwrap_or_default().split_whitespace().collect();
            let bytes = BASE64
                .decode(text)
                .map_err(|error| format!("ConfigMap {name}: binaryData.{key} is not base64: {error}"))?;
            contents.insert(reference(key), bytes);
        }
    }
    Ok(contents)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const PROBE: &str = "\
apiVersion: claudeprobe.dev/v1alpha1
kind: ClaudeProbe
metadata: {name: p}
spec:
  schedule: {every: 5m}
  gateways: [{name: edge, url: 'http://edge'}]
";

    #[test]
    fn a_probe_is_read_with_the_config_maps_beside_it() {
        let text = format!(
            "{PROBE}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: ca}}\ndata: {{ca.pem: PEM}}\nbinaryData: {{b: aGk=}}\n"
        );
        let file = parse(&text).unwrap();
        assert_eq!(file.probe.spec.gateways[0].name, "edge");
        let contents: Vec<_> = file
            .config
            .values()
            .map(|bytes| String::from_utf8_lossy(bytes))
            .collect();
        assert_eq!(contents, ["hi", "PEM"]);
    }

    #[test]
    fn faults_of_a_file_are_sentences() {
        for (text, message) in [
            ("a: [", "this is not YAML"),
            ("kind: Pod", "contains no ClaudeProbe"),
            (&format!("{PROBE}---\n{PROBE}"), "contains 2 ClaudeProbes"),
            (&PROBE.replace("v1alpha1", "v9"), "apiVersion must be"),
            (
                &PROBE.replace("gateways", "gatewas"),
                "2 errors:\n  spec.gatewas: unknown field",
            ),
            (
                &PROBE.replace("'http://edge'", "7"),
                "spec.gateways[0].url: must be of type string",
            ),
        ] {
            let found = parse(text).unwrap_err();
            assert!(found.contains(message), "{found:?} lacks {message:?}");
        }
    }
}
