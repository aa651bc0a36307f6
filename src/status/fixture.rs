//! Probes for the tests of this module.

use crate::resource::spec::ClaudeProbe;
use crate::resource::validated::Probe;

/// A resource with two paths, every five minutes; `more` is further lines of the spec.
pub fn resource(more: &str) -> ClaudeProbe {
    let yaml = format!(
        "apiVersion: claudeprobe.dev/v1alpha1
kind: ClaudeProbe
metadata: {{name: assistants, namespace: ai, uid: 0b5e1e0e-6d5d-4d0a-9f3e-2f4f6a1c2d3e, generation: 1}}
spec:
  schedule: {{every: 5m}}
  credential: {{secretKeyRef: {{name: claude-key, key: api-key}}}}
  direct: {{url: 'https://api.anthropic.com'}}
  gateways:
  - {{name: edge, url: 'http://ai-gateway:8080'}}
  {more}
"
    );
    serde_saphyr::from_str(&yaml).unwrap()
}

/// The same, checked.
pub fn probe_with(more: &str) -> Probe {
    Probe::parse(&resource(more)).unwrap()
}
