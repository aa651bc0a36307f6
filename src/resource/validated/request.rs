//! The frozen request, checked.

use super::fault::Faults;
use super::headers::{self, Header};
use crate::resource::spec::{self, KeyRef};

/// The frozen request: the same bytes on every path of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Model that is asked; with a saved body the model of the zero-token exchanges.
    pub model: String,
    /// `anthropic-version`.
    pub api_version: String,
    /// `anthropic-beta` values, in order.
    pub betas: Vec<String>,
    /// Extra headers.
    pub headers: Vec<Header>,
    /// Whether an event stream is asked for.
    pub stream: bool,
    /// Most output tokens of one request.
    pub max_tokens: u32,
    /// What is sent.
    pub body: Body,
}

/// Where the body of the frozen request comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Made from model, limit and this prompt.
    Prompt(String),
    /// A saved body out of a ConfigMap, bytes unchanged.
    Saved(KeyRef),
}

pub(super) fn request(request: &spec::Request, faults: &mut Faults) -> Option<Request> {
    let before = faults.0.len();
    let defaults = spec::Request::default();
    model("spec.request.model", &request.model, faults);
    faults.check(
        is_date(&request.api_version),
        "spec.request.apiVersion",
        "must be a date such as 2023-06-01",
    );
    faults.check(
        request.betas.len() <= 16,
        "spec.request.betas",
        "must have at most 16 values",
    );
    for (index, beta) in request.betas.iter().enumerate() {
        faults.check(
            is_word(beta, "._-", 64),
            format!("spec.request.betas[{index}]"),
            "must be one beta name such as context-1m-2025-08-07: letters, digits, -, _ and .",
        );
        faults.check(
            !request.betas[..index].contains(beta),
            format!("spec.request.betas[{index}]"),
            format!("{beta:?} must be unique"),
        );
    }
    let headers = headers::headers("spec.request.headers", &request.headers, faults);
    faults.check(
        (1..=8192).contains(&request.max_tokens),
        "spec.request.maxTokens",
        "must be between 1 and 8192",
    );
    let body = match &request.body_from {
        None => {
            faults.check(
                !request.prompt.is_empty() && request.prompt.len() <= 32 * 1024,
                "spec.request.prompt",
                "must have 1 to 8192 characters: put a longer body into a ConfigMap and use bodyFrom",
            );
            Body::Prompt(request.prompt.clone())
        }
        Some(from) => {
            headers::key_ref(
                "spec.request.bodyFrom.configMapKeyRef",
                &from.config_map_key_ref,
                faults,
            );
            faults.check(
                request.prompt == defaults.prompt && request.max_tokens == defaults.max_tokens,
                "spec.request",
                "prompt and maxTokens must be unset where bodyFrom is set",
            );
            Body::Saved(from.config_map_key_ref.clone())
        }
    };
    (faults.0.len() == before).then(|| Request {
        model: request.model.clone(),
        api_version: request.api_version.clone(),
        betas: request.betas.clone(),
        headers,
        stream: request.stream,
        max_tokens: request.max_tokens.unsigned_abs(),
        body,
    })
}

/// Checks the name of a model.
pub(super) fn model(field: &str, model: &str, faults: &mut Faults) {
    faults.check(
        is_word(model, "._:/@-", 128),
        field,
        "must be a model name such as claude-haiku-4-5: letters, digits and . _ : / @ -",
    );
}

fn is_word(text: &str, also: &str, most: usize) -> bool {
    text.len() <= most
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(c))
}

fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 10
        && bytes.iter().enumerate().all(|(index, byte)| match index {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}
