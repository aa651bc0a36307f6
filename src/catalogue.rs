//! The closed vocabulary of a diagnosis: layers, severities, conditions, and the catalogue of findings.
//!
//! A finding is declared in one place ([`findings`]); everything else is a query of its declaration: the resource's schema
//! (`accept`), the diagnosis, the labels of metrics, the alert rules, `explain` and the documentation. The catalogue also knows
//! the settings of each gateway product. It does not know how a finding is made: that is a rule of the diagnosis.

pub mod client_error;
mod findings;
mod hints;
mod product;
pub mod runbook;

pub use client_error::ClientError;
pub use findings::{CATALOGUE, Code};
pub use product::Product;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the cause sits: who has to act.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, strum::IntoStaticStr,
)]
pub enum Layer {
    /// A key, a header, a route, a limit or a timer.
    Configuration,
    /// Rate, spend, concurrency.
    Quota,
    /// DNS, TCP, TLS, egress.
    Network,
    /// Claude itself.
    Upstream,
}

/// How bad a finding is for the requests that take this path.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, strum::IntoStaticStr,
)]
pub enum Severity {
    /// Shown, never makes a verdict.
    Information,
    /// The request works, but something will break: makes a verdict `Degraded`.
    Warning,
    /// The request fails: makes a verdict `Failing`.
    Error,
}

/// How sure a finding is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, strum::IntoStaticStr,
)]
pub enum Confidence {
    /// Fits the evidence, and so do other causes.
    Possible,
    /// Other causes would be unusual.
    Likely,
    /// The evidence admits no other known cause.
    Certain,
}

/// The conditions of a `ClaudeProbe`, `True` is good.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, strum::IntoStaticStr,
)]
pub enum ConditionType {
    /// The operator can act on the spec.
    Ready,
    /// Probe pods start, run and report.
    ProberOperational,
    /// The direct path answers.
    DirectPathHealthy,
    /// Every gateway answers the frozen request completely.
    GatewayPathHealthy,
    /// No key in use is older than its Secret, rejected, or malformed.
    CredentialsFresh,
    /// Requests reach Claude as sent, and replies come back as Claude sends them.
    HeadersPreserved,
    /// Streams arrive complete and as they are produced.
    StreamIntact,
    /// No rate, spend or concurrency limit is reached.
    QuotaAvailable,
}

impl Layer {
    /// The layer's name, as in status, metrics and documentation.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl Severity {
    /// The severity's name, as in status and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl Confidence {
    /// The confidence's name, as in status.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl ConditionType {
    /// The condition's name, as in status and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// All condition types, in the order in which they are shown.
    pub const ALL: [ConditionType; 8] = [
        Self::Ready,
        Self::ProberOperational,
        Self::DirectPathHealthy,
        Self::GatewayPathHealthy,
        Self::CredentialsFresh,
        Self::HeadersPreserved,
        Self::StreamIntact,
        Self::QuotaAvailable,
    ];
}

/// The declaration of a finding, with its runbook.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The code.
    pub code: Code,
    /// Where the cause sits.
    pub layer: Layer,
    /// How bad it is.
    pub severity: Severity,
    /// The condition that it makes `False`. `GatewayPathHealthy` and `DirectPathHealthy` follow from whether the path's frozen
    /// request was answered, and are not declared.
    pub condition: Option<ConditionType>,
    /// How it relates to other findings and paths.
    pub relations: &'static [Relation],
    /// What is wrong: one line of at most 70 characters without a full stop, to be put after the name of a path.
    pub title: &'static str,
    /// What to do, in general terms. Rules sharpen it by the evidence.
    pub advice: &'static str,
    /// The client-visible errors that it causes, each with what distinguishes this finding from others with the same error.
    pub client_errors: &'static [(ClientError, &'static str)],
    /// What has happened.
    pub meaning: &'static str,
    /// The evidence that it takes, and when it is less sure or not reported.
    pub evidence: &'static str,
    /// Commands that confirm it by hand, each with what its output contains if the finding is right, in parts separated by ` · `;
    /// empty if that depends on the cluster. They are for bash with the functions of [`runbook::SHELL_SETUP`].
    pub confirm: &'static [(&'static str, &'static str)],
    /// The settings that decide it, product by product.
    pub product_hints: &'static [ProductHint],
}

/// A product and the setting of it that decides over a finding.
pub type ProductHint = (Product, &'static str);

/// How a finding relates to other findings and paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// It is what another fault looks like from outside: it gives way to any finding on its path that is a cause.
    Symptom,
    /// It can be the one reason for which every path fails without a gateway being at fault.
    Shared,
    /// It gives way to this cause on the same path, although it is no symptom.
    GivesWayTo(Code),
    /// It explains a failed request only on a path whose connection was made.
    NeedsConnection,
    /// It is read from the status and the text of a gateway's reply. Where Claude fails on the direct path in the same run, that
    /// failure may be behind the reply, and this is only possible.
    ReadFromReply,
}

impl Code {
    /// The code's name, as in status, metrics and documentation.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The code with this name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// The declaration of this code.
    #[must_use]
    pub const fn entry(self) -> &'static Entry {
        CATALOGUE[self as usize]
    }

    /// Whether `cause` on the same path explains this one: a cause comes before its symptom.
    #[must_use]
    pub fn gives_way_to(self, cause: Code) -> bool {
        self.has(Relation::GivesWayTo(cause)) || (self.is_symptom() && !cause.is_symptom())
    }

    /// Whether this is what another fault looks like from outside.
    #[must_use]
    pub fn is_symptom(self) -> bool {
        self.has(Relation::Symptom)
    }

    /// Whether this can be the one reason for which every path fails without any gateway being at fault.
    #[must_use]
    pub fn is_shareable(self) -> bool {
        self.has(Relation::Shared)
    }

    /// Whether this explains a failed request only on a path whose connection was made.
    #[must_use]
    pub fn needs_connection(self) -> bool {
        self.has(Relation::NeedsConnection)
    }

    /// Whether this is read from the status and the text of a gateway's reply, which may hide a failure of Claude's own.
    #[must_use]
    pub fn is_read_from_reply(self) -> bool {
        self.has(Relation::ReadFromReply)
    }

    fn has(self, relation: Relation) -> bool {
        self.entry().relations.contains(&relation)
    }

    /// The alert that fires while a gateway fails for this cause, unless an alert of its own names the code.
    #[must_use]
    pub fn alert(self) -> &'static str {
        let entry = self.entry();
        let breaks_streams = entry.condition == Some(ConditionType::StreamIntact) && entry.severity == Severity::Error;
        match entry.layer {
            Layer::Quota => "ClaudeQuotaExhausted",
            // Claude's own failures have an alert for the whole cluster.
            Layer::Configuration | Layer::Network if breaks_streams => "ClaudeStreamBroken",
            _ => "ClaudeGatewayFailing",
        }
    }

    /// The page of this finding in the documentation, relative to the repository's root.
    #[must_use]
    pub fn page(self) -> String {
        format!("docs/findings/{self}.md")
    }
}

impl Entry {
    /// The setting of this product that decides over the finding, if it is known.
    #[must_use]
    pub fn product_hint(&self, product: Product) -> Option<&'static str> {
        self.product_hints
            .iter()
            .find(|(of, _)| *of == product)
            .map(|(_, hint)| *hint)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_is_found_by_its_name() {
        for entry in CATALOGUE {
            assert_eq!(Code::from_name(entry.code.name()), Some(entry.code));
        }
    }

    #[test]
    fn every_declaration_is_complete() {
        for entry in CATALOGUE {
            let code = entry.code;
            assert!(
                entry.title.chars().count() <= 70 && !entry.title.ends_with('.'),
                "{code}"
            );
            let sentences = [entry.advice, entry.meaning, entry.evidence];
            assert!(
                sentences.iter().all(|text| text.ends_with('.') && !text.contains("  ")),
                "{code}"
            );
            assert!(!entry.client_errors.is_empty() && !entry.confirm.is_empty(), "{code}");
            let products: BTreeSet<_> = entry.product_hints.iter().map(|(product, _)| product).collect();
            assert!(products.len() == entry.product_hints.len(), "{code}: a product twice");
            assert!(products.iter().all(|product| !product.name().is_empty()), "{code}");
        }
    }

    #[test]
    fn every_client_error_leads_to_a_finding() {
        let caused = CATALOGUE.iter().flat_map(|entry| entry.client_errors);
        let caused: BTreeSet<ClientError> = caused.map(|(error, _)| *error).collect();
        assert_eq!(caused, ClientError::ALL.iter().copied().collect());
    }

    #[test]
    fn causes_and_symptoms_are_in_order() {
        for entry in CATALOGUE {
            assert!(!entry.code.gives_way_to(entry.code), "{}", entry.code);
            assert!(
                !(entry.code.is_symptom() && entry.code.is_shareable()),
                "{}",
                entry.code
            );
            for cause in CATALOGUE.iter().filter(|cause| entry.code.gives_way_to(cause.code)) {
                assert!(
                    !cause.code.gives_way_to(entry.code),
                    "{} and {}",
                    entry.code,
                    cause.code
                );
            }
        }
    }
}
