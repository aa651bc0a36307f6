//! Errors of Claude itself and of its edge: overload, internal errors, permission, invalid requests, models.

use super::rule::PathRule;
use super::shot::direct_trouble;
use crate::catalogue::{Code, Confidence};
use crate::claude::error::ErrorClass;
use crate::claude::model;
use crate::diagnosis::describe;
use crate::diagnosis::finding::{Sharpen as _, finding};
use crate::diagnosis::provenance::Origin;
use crate::diagnosis::trouble::{code, unnamed_page};
use crate::diagnosis::view::{PathView, View};
use crate::report::evidence::GatewayErrorKind;
use crate::resource::status::Finding;

/// The rules of this file.
pub(super) const RULES: &[PathRule] = &[
    claudes_error,
    unnamed_edge,
    request_invalid,
    model_not_found,
    model_retiring,
];

/// An error of Claude or its edge is attributed on one path alone; a 200 on the other does not rule it out.
fn claudes_error(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let Some((reply, provenance)) = path.trouble() else {
        return vec![];
    };
    if !provenance.from_upstream() || reply.stream.is_some() {
        return vec![];
    }
    let Some(code) = code(reply, provenance) else {
        return vec![];
    };
    let evidence = format!("{}{}", describe::reply(reply), beside(view, path));
    let found = finding(
        code,
        path.name(),
        provenance.confidence.max(Confidence::Likely),
        evidence,
    );
    vec![if code == Code::EgressAddressRefused && !path.case.is_direct() {
        found.hop("gateway → Claude")
    } else {
        found
    }]
}

fn beside(view: &View<'_>, path: &PathView<'_>) -> String {
    view.pair(path)
        .and_then(|pair| pair.direct.main())
        .map_or_else(String::new, |direct| format!("; direct: {}", describe::head(direct)))
}

/// A page of an unknown Cloudflare zone: on both paths it is Claude's edge, on one path it is only a reading.
fn unnamed_edge(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let Some((reply, provenance)) = path.trouble() else {
        return vec![];
    };
    let Some(code) = unnamed_page(reply, provenance) else {
        return vec![];
    };
    let everywhere = view.paths.len() > 1
        && view.paths.iter().all(|other| {
            other
                .trouble()
                .is_some_and(|(theirs, made)| theirs.status == reply.status && unnamed_page(theirs, made).is_some())
                || other.hides.is_some()
        });
    let confidence = if everywhere {
        Confidence::Likely
    } else {
        Confidence::Possible
    };
    let mut found = vec![finding(code, path.name(), confidence, describe::reply(reply))];
    if !everywhere && !path.case.is_direct() {
        let own = if reply.status == 403 {
            Code::GatewayPolicyDenied
        } else {
            Code::GatewayUnavailable
        };
        found.push(finding(own, path.name(), Confidence::Possible, describe::reply(reply)));
    }
    found
}

/// Claude rejects the request as such: on the control the probe's own request is invalid; on a gateway alone other
/// rules apply.
fn request_invalid(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let Some((reply, provenance)) = path.trouble() else {
        return vec![];
    };
    let about_request = matches!(
        provenance.class,
        ErrorClass::VersionRequired
            | ErrorClass::VersionInvalid
            | ErrorClass::BetaUnexpected
            | ErrorClass::WorkspaceRequired
            | ErrorClass::TooLarge
            | ErrorClass::PromptTooLong
            | ErrorClass::InvalidJson
            | ErrorClass::ExtraInputs
            | ErrorClass::InvalidRequest
            | ErrorClass::CorsDenied
    );
    if !provenance.from_upstream() || !about_request {
        return vec![];
    }
    let direct_too =
        path.case.is_direct() || direct_trouble(view).is_some_and(|(_, direct)| direct.class == provenance.class);
    if !direct_too {
        return vec![];
    }
    vec![finding(
        Code::RequestInvalid,
        path.name(),
        provenance.confidence.max(Confidence::Likely),
        describe::reply(reply),
    )]
}

/// The model is unknown, to Claude or to the gateway.
fn model_not_found(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let Some((reply, provenance)) = path.trouble() else {
        return vec![];
    };
    let model = path.case.model.as_deref().unwrap_or(&view.case.request.model);
    let evidence = format!("model {model}: {}{}", describe::reply(reply), beside(view, path));
    let direct_knows = view
        .pair(path)
        .is_some_and(|pair| pair.direct_works() && pair.same_model());
    if provenance.is_upstreams(ErrorClass::ModelNotFound) {
        let found = finding(
            Code::ModelNotFound,
            path.name(),
            provenance.confidence.max(Confidence::Likely),
            evidence,
        );
        return vec![if direct_knows {
            found.advise("Claude knows this model on the direct path. Correct the gateway's model mapping, or give its key access to the model.")
        } else {
            found
        }];
    }
    let by_gateway = provenance.origin == Origin::Gateway
        && (reply.error_kind == GatewayErrorKind::UnknownModel || provenance.class == ErrorClass::ModelNotFound);
    let by_unknown = provenance.origin == Origin::Unknown && provenance.class == ErrorClass::ModelNotFound;
    if path.case.is_direct() || !(by_gateway || by_unknown) {
        return vec![];
    }
    // Of any origin: the model is not available on this path.
    vec![
        finding(Code::ModelNotFound, path.name(), Confidence::Likely, evidence).advise(
            "The gateway does not know this model. Add it to the gateway's model list, or set model on this path.",
        ),
    ]
}

/// Anthropic has announced that the requested model will be retired soon.
fn model_retiring(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let model = path.case.model.as_deref().unwrap_or(&view.case.request.model);
    let Some(day) = model::retires(model).filter(|_| path.speaks_claude() && path.is_complete()) else {
        return vec![];
    };
    let left = day.days_after(view.case.context.now_ms);
    if !(0..=model::NOTICE_DAYS).contains(&left) {
        return vec![];
    }
    vec![finding(
        Code::ModelRetiring,
        path.name(),
        Confidence::Likely,
        format!("{model} is retired on {day}, in {left} days; requests for it then get a 404"),
    )]
}
