//! One story's stage: a namespace, a stand-in Claude API behind a Service, a Secret with its key, and the probe.

use serde_json::Value;

use super::standin::Standin;
use super::{apply, eventually, kubectl, try_kubectl};

/// The stage of a story.
#[derive(Debug)]
pub struct Story {
    pub namespace: String,
    pub claude: Standin,
    /// The probe's name.
    pub probe: &'static str,
    runs: std::cell::Cell<u32>,
}

impl Story {
    /// A namespace of this name with a stand-in that knows `keys`; Secret `claude-key` holds the first of them.
    pub fn new(name: &str, keys: &[&str]) -> Self {
        let namespace = format!("story-{name}");
        // Of an earlier run on a kept node.
        kubectl(&["delete", "namespace", &namespace, "--ignore-not-found", "--timeout=60s"]);
        apply(&format!(
            "{{apiVersion: v1, kind: Namespace, metadata: {{name: {namespace}}}}}"
        ));
        let claude = Standin::start(&namespace, keys);
        let story = Self {
            namespace,
            claude,
            probe: "p",
            runs: std::cell::Cell::new(0),
        };
        story.store_key(keys[0]);
        story
    }

    /// Puts `key` into the Secret that the probe uses.
    pub fn store_key(&self, key: &str) {
        apply(&format!(
            "{{apiVersion: v1, kind: Secret, metadata: {{name: claude-key, namespace: {}}}, stringData: {{api-key: {}}}}}",
            self.namespace,
            serde_json::to_string(key).unwrap()
        ));
    }

    /// A story about a probe of this name, not `p`.
    pub fn about(self, probe: &'static str) -> Self {
        Self { probe, ..self }
    }

    /// The probe: the stand-in as direct path, `gateway` as the gateway `edge`; `more` is further YAML of the spec, indented by two.
    pub fn probe(&self, gateway: &str, more: &str) {
        apply(&format!(
            "apiVersion: claudeprobe.dev/v1alpha1\nkind: ClaudeProbe\nmetadata: {{name: {}, namespace: {}}}\nspec:\n  \
             schedule: {{every: 1h}}\n  credential: {{secretKeyRef: {{name: claude-key, key: api-key}}}}\n  direct: {{url: {}}}\n  \
             gateways: [{{name: edge, url: {gateway}}}]\n{more}",
            self.probe, self.namespace, self.claude.url
        ));
    }

    /// `kubectl` in this namespace.
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        kubectl(&[&["--namespace", &self.namespace], arguments].concat())
    }

    /// `kubectl` in this namespace, or its error.
    pub fn try_kubectl(&self, arguments: &[&str]) -> Result<String, String> {
        try_kubectl(&[&["--namespace", &self.namespace], arguments].concat())
    }

    /// The probe's status now.
    pub fn status(&self) -> Result<Status, String> {
        let text = self.try_kubectl(&["get", "claudeprobe", self.probe, "-o", "json"])?;
        let object: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        Ok(Status(object["status"].clone()))
    }

    /// The status when `is` holds.
    pub fn status_when(&self, what: &str, is: impl Fn(&Status) -> bool) -> Status {
        eventually(what, || {
            let status = self.status()?;
            if is(&status) {
                Ok(status)
            } else {
                let pods = self.try_kubectl(&["get", "pods", "-o", "wide"]).unwrap_or_default();
                Err(format!("{status}{pods}"))
            }
        })
    }

    /// The status once the first run, that of the applied generation, has ended.
    pub fn first_run(&self) -> Status {
        self.status_when("the first run has ended", |status| {
            !status.0["lastRun"]["finishedAt"].is_null()
        })
    }

    /// Asks for a run and gives the status once that run has ended.
    pub fn run(&self) -> Status {
        let value = self.ask_for_run();
        self.status_when("the run that was asked for has ended", |status| {
            status.0["lastHandledRunNow"] == value.as_str()
                && status.slot().starts_with('r')
                && !status.0["lastRun"]["finishedAt"].is_null()
        })
    }

    /// Writes a new value of `run-now`, and gives it.
    pub fn ask_for_run(&self) -> String {
        self.runs.set(self.runs.get() + 1);
        let value = format!("run-{}", self.runs.get());
        self.kubectl(&[
            "annotate",
            "--overwrite",
            "claudeprobe",
            self.probe,
            &format!("claudeprobe.dev/run-now={value}"),
        ]);
        value
    }

    /// The output of `kubectl describe`.
    pub fn describe(&self) -> String {
        self.kubectl(&["describe", "claudeprobe", self.probe])
    }

    /// The Events about the probe: reason and how often.
    pub fn events(&self) -> Vec<(String, i64)> {
        let list: Value = serde_json::from_str(&self.kubectl(&["get", "events.events.k8s.io", "-o", "json"])).unwrap();
        let ours = list["items"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|event| event["regarding"]["kind"] == "ClaudeProbe");
        let line = |event: &Value| {
            let count = event["series"]["count"].as_i64().unwrap_or(1);
            (event["reason"].as_str().unwrap_or_default().to_owned(), count)
        };
        ours.map(line).collect()
    }
}

/// The status of a probe, as JSON.
#[derive(Clone, Debug)]
pub struct Status(pub Value);

impl Status {
    /// A field of the verdict: `state`, `code`, `layer`, `path`, `message`, `advice`, `since`.
    pub fn verdict(&self, field: &str) -> &str {
        self.0["verdict"][field].as_str().unwrap_or_default()
    }

    /// Slot of the last run.
    pub fn slot(&self) -> &str {
        self.0["lastRun"]["slot"].as_str().unwrap_or_default()
    }

    /// `status/reason` of a condition: `True/Verified`.
    pub fn condition(&self, kind: &str) -> String {
        let conditions = self.0["conditions"].as_array();
        let found = conditions
            .into_iter()
            .flatten()
            .find(|condition| condition["type"] == kind);
        found.map_or_else(String::new, |c| {
            format!(
                "{}/{}",
                c["status"].as_str().unwrap_or_default(),
                c["reason"].as_str().unwrap_or_default()
            )
        })
    }

    /// The message of a condition.
    pub fn message(&self, kind: &str) -> &str {
        let conditions = self.0["conditions"].as_array();
        let found = conditions
            .into_iter()
            .flatten()
            .find(|condition| condition["type"] == kind);
        found
            .and_then(|condition| condition["message"].as_str())
            .unwrap_or_default()
    }

    /// Codes of all findings.
    pub fn codes(&self) -> Vec<&str> {
        self.0["findings"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|finding| finding["code"].as_str())
            .collect()
    }
}

impl std::fmt::Display for Status {
    /// For the message of a failed story: all but the paths' details.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |name: &str| self.0[name].as_array().cloned().unwrap_or_default();
        writeln!(
            f,
            "\nverdict {:#}\nlast run {}, asked {}",
            self.0["verdict"], self.0["lastRun"], self.0["lastHandledRunNow"]
        )?;
        for condition in list("conditions") {
            let kind = condition["type"].as_str().unwrap_or_default();
            writeln!(f, "{kind} {}: {}", self.condition(kind), self.message(kind))?;
        }
        for finding in list("findings") {
            writeln!(f, "{} on {}: {}", finding["code"], finding["path"], finding["evidence"])?;
        }
        for path in list("paths") {
            writeln!(f, "{}: {} {}", path["name"], path["status"], path["outcome"])?;
        }
        Ok(())
    }
}
