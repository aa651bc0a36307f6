//! Faults on request: which, for which requests, and how often.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::edge::Page;
use super::error_name::ErrorName;
use super::errors::Stage;

/// How a connection ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The framing ends properly, the message does not.
    Clean,
    /// FIN without the end of the framing.
    Fin,
    /// RST.
    Reset,
    /// FIN in the middle of a chunk (and of an event).
    MidChunk,
}

/// A 200 that is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Garbage {
    /// No byte.
    Empty,
    /// A login page.
    Html,
    /// JSON of another API.
    OtherJson,
    /// Bytes that are no text.
    Binary,
    /// An event stream whose events are no JSON.
    MalformedEvents,
}

/// What shall go wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// An error of the catalogue, at the place among the checks where the real one is made.
    Error(ErrorName),
    /// An error of one's own in the genuine envelope, after authentication.
    CustomError {
        /// HTTP status.
        status: u16,
        /// `error.type`.
        r#type: String,
        /// `error.message`.
        message: String,
        /// `error.details.error_code`.
        #[serde(default)]
        code: Option<String>,
        /// Seconds in `retry-after`.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// A page or error of the edge, before anything else.
    Edge(Page),
    /// The reply's first byte comes so much later.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// No reply, the connection stays open.
    Hang,
    /// The connection ends before a byte of the reply ([`Ending::Clean`] and [`Ending::MidChunk`] act as `fin`).
    Close(Ending),
    /// The stream's pace.
    Pace {
        /// Milliseconds between two events.
        ms: u64,
    },
    /// The stream falls silent for a while, then goes on.
    Silence {
        /// Events before it.
        after_events: usize,
        /// Milliseconds.
        ms: u64,
        /// Milliseconds between pings meanwhile; none if absent.
        #[serde(default)]
        ping_every_ms: Option<u64>,
    },
    /// The stream (or the whole message's body, in its middle) is cut.
    Cut {
        /// Events before it.
        after_events: usize,
        /// How the connection ends.
        how: Ending,
    },
    /// An `error` event inside the stream, then its proper end.
    StreamError {
        /// Events before it.
        after_events: usize,
        /// Which error.
        error: ErrorName,
    },
    /// A redirect.
    Redirect {
        /// 301, 302, 303, 307 or 308.
        status: u16,
        /// Value of `location`.
        location: String,
    },
    /// A 200 that is no answer.
    Garbage(Garbage),
    /// Replies lack these headers.
    OmitHeaders(
        /// Names, any case.
        Vec<String>,
    ),
}

/// Where among the checks a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Before the origin.
    Edge,
    /// While the credential is checked.
    Authentication,
    /// After credential, version and betas.
    Account,
    /// While the answer is made.
    Answer,
    /// When the reply leaves.
    Reply,
}

impl Fault {
    pub(super) fn phase(&self) -> Phase {
        match self {
            Self::Edge(_) | Self::Hang | Self::Close(_) | Self::Redirect { .. } | Self::Garbage(_) => Phase::Edge,
            Self::Error(name) => {
                let quoted = super::errors::Quoted {
                    organization: "",
                    model: "",
                    limits: super::config::Limits::default(),
                };
                match super::errors::ApiError::named(*name, quoted).stage {
                    Stage::Authentication => Phase::Authentication,
                    Stage::Account | Stage::Limit => Phase::Account,
                    Stage::Origin => Phase::Answer,
                }
            }
            Self::CustomError { .. } => Phase::Account,
            Self::Delay { .. }
            | Self::Pace { .. }
            | Self::Silence { .. }
            | Self::Cut { .. }
            | Self::StreamError { .. } => Phase::Answer,
            Self::OmitHeaders(_) => Phase::Reply,
        }
    }
}

/// The endpoints that a rule can be bound to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// All of them.
    #[default]
    Any,
    /// `/v1/messages`
    Messages,
    /// `/v1/messages/count_tokens`
    CountTokens,
    /// `/v1/models…`
    Models,
    /// Everything else.
    Other,
}

/// A fault, for whom and how often.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Only for calls with this credential; absent: for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Only on this endpoint.
    #[serde(default)]
    pub route: Route,
    /// Only for calls that ask for a stream (`true`) or do not (`false`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// Leaves so many matching calls alone first.
    #[serde(default)]
    pub skip: u32,
    /// Strikes so often, then is gone; absent: until cleared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// What goes wrong.
    pub fault: Fault,
}

impl Rule {
    /// A fault for every call until cleared.
    #[must_use]
    pub fn always(fault: Fault) -> Self {
        Self {
            key: None,
            route: Route::Any,
            stream: None,
            skip: 0,
            times: None,
            fault,
        }
    }

    /// A fault for the next matching call.
    #[must_use]
    pub fn once(fault: Fault) -> Self {
        Self {
            times: Some(1),
            ..Self::always(fault)
        }
    }

    /// The same for calls with this credential only.
    #[must_use]
    pub fn for_key(self, key: impl Into<String>) -> Self {
        Self {
            key: Some(key.into()),
            ..self
        }
    }

    /// The same on this endpoint only.
    #[must_use]
    pub fn on(self, route: Route) -> Self {
        Self { route, ..self }
    }

    /// What is wrong with it, naming the field.
    ///
    /// # Errors
    /// A sentence.
    pub fn validate(&self) -> Result<(), String> {
        match &self.fault {
            Fault::CustomError { status, .. } if !(400..=599).contains(status) => Err(format!(
                "fault.custom_error.status: {status} is no error, use 400 to 599"
            )),
            Fault::Redirect { status, .. } if !(300..=399).contains(status) => Err(format!(
                "fault.redirect.status: {status} is no redirect, use 300 to 399"
            )),
            Fault::Redirect { location, .. } if http::HeaderValue::from_str(location).is_err() => {
                Err("fault.redirect.location: has a byte that no header may carry".to_owned())
            }
            _ if self.times == Some(0) => Err("times: 0 never strikes; leave it out or use 1 or more".to_owned()),
            _ => Ok(()),
        }
    }
}

/// A rule in force.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Active {
    /// Its number, for removal.
    pub id: u64,
    /// How often it struck.
    pub struck: u32,
    /// The rule.
    #[serde(flatten)]
    pub rule: Rule,
}

/// A call, as rules match it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matched<'a> {
    pub key: Option<&'a str>,
    pub route: Route,
    pub stream: bool,
}

/// All rules in force, in the order of their setting.
#[derive(Debug, Default)]
pub(super) struct Rules {
    inner: Mutex<(u64, Vec<Active>)>,
}

impl Rules {
    pub fn add(&self, rule: Rule) -> u64 {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.0 += 1;
        let id = inner.0;
        inner.1.push(Active { id, struck: 0, rule });
        id
    }

    /// Removes one, or all.
    pub fn remove(&self, id: Option<u64>) -> usize {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let before = inner.1.len();
        inner.1.retain(|active| id.is_some_and(|id| id != active.id));
        before - inner.1.len()
    }

    pub fn list(&self) -> Vec<Active> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    /// The faults that strike this call in this phase; counts them.
    pub fn strike(&self, phase: Phase, call: Matched<'_>) -> Vec<Fault> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let mut faults = Vec::new();
        for active in &mut inner.1 {
            let rule = &mut active.rule;
            let fits = rule.fault.phase() == phase
                && rule.key.as_deref().is_none_or(|key| call.key == Some(key))
                && (rule.route == Route::Any || rule.route == call.route)
                && rule.stream.is_none_or(|stream| stream == call.stream);
            if !fits {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            if let Some(times) = &mut rule.times {
                *times = times.saturating_sub(1);
            }
            active.struck += 1;
            faults.push(rule.fault.clone());
        }
        inner.1.retain(|active| active.rule.times != Some(0));
        faults
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn call(key: &str) -> Matched<'_> {
        Matched {
            key: Some(key),
            route: Route::Messages,
            stream: true,
        }
    }

    #[test]
    fn a_rule_strikes_its_calls_so_often_and_is_gone() {
        let rules = Rules::default();
        let rule = Rule {
            skip: 1,
            times: Some(2),
            ..Rule::always(Fault::Delay { ms: 1 })
        }
        .for_key("a")
        .on(Route::Messages);
        rules.add(rule);
        assert!(rules.strike(Phase::Answer, call("b")).is_empty(), "another key");
        assert!(rules.strike(Phase::Edge, call("a")).is_empty(), "another phase");
        let struck: Vec<_> = (0..4).map(|_| rules.strike(Phase::Answer, call("a")).len()).collect();
        assert_eq!(struck, [0, 1, 1, 0]);
        assert!(rules.list().is_empty());
    }

    #[test]
    fn rules_are_written_as_a_person_would() {
        for text in [
            r#"{"fault":{"error":"rate_limit_requests"}}"#,
            r#"{"key":"k","route":"messages","times":1,"fault":{"cut":{"after_events":3,"how":"mid_chunk"}}}"#,
            r#"{"fault":{"edge":"forbidden"}}"#,
            r#"{"fault":"hang"}"#,
            r#"{"stream":true,"fault":{"silence":{"after_events":2,"ms":500}}}"#,
        ] {
            let rule: Rule = serde_json::from_str(text).unwrap();
            rule.validate().unwrap();
        }
        let wrong = serde_json::from_str::<Rule>(r#"{"fault":{"delay":{"seconds":1}}}"#)
            .unwrap_err()
            .to_string();
        assert!(wrong.contains("seconds"), "{wrong}");
        assert!(
            Rule {
                times: Some(0),
                ..Rule::always(Fault::Hang)
            }
            .validate()
            .is_err()
        );
    }

    #[test]
    fn an_error_strikes_where_the_real_one_is_made() {
        let phase = |name| Fault::Error(name).phase();
        assert_eq!(phase(ErrorName::KeyInvalid), Phase::Authentication);
        assert_eq!(phase(ErrorName::CreditExhausted), Phase::Account);
        assert_eq!(phase(ErrorName::Overloaded), Phase::Answer);
    }
}
