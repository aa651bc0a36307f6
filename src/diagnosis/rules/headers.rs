//! Whether `anthropic-beta`, `anthropic-version` and the body arrive as they were sent.
//!
//! A forwarding check has a value that Claude must reject: the rejection, and how it quotes the value, show what
//! arrived. A 200 instead means that the value did not arrive as sent; why (dropped, filtered, overwritten) stays open.
//! The control must have rejected the same value.

use super::rule::PathRule;
use crate::catalogue::{Code, Confidence, Severity};
use crate::claude::error::ErrorClass;
use crate::diagnosis::describe;
use crate::diagnosis::finding::{Sharpen as _, finding};
use crate::diagnosis::provenance::Origin;
use crate::diagnosis::view::{PathView, View};
use crate::report::evidence::{Echo, Exchange, ExchangeKind};
use crate::resource::status::Finding;

/// The rules of this file.
pub(super) const RULES: &[PathRule] = &[
    beta_forwarding_check,
    version_forwarding_check,
    body_forwarding_check,
    frozen,
];

/// Accepted through the gateway and rejected on the control (so `Likely`); `None` where the control shows no rejection.
fn swallowed(view: &View<'_>, path: &PathView<'_>, kind: ExchangeKind) -> Option<(Confidence, String)> {
    let complaint = kind.entry().usual.error;
    let reply = path
        .known(kind)
        .filter(|reply| path.complete(reply) && !reply.is_stored())?;
    let direct = view.direct().and_then(|direct| Some((direct, direct.known(kind)?)));
    let pair = view.pair(path)?;
    let (confidence, theirs) = match direct {
        _ if !path.speaks_claude() => return None,
        Some((direct, theirs)) if direct.provenance(theirs).is_upstreams(complaint) && pair.direct_unaltered() => {
            (Confidence::Likely, format!("; direct: {}", describe::reply(theirs)))
        }
        _ => return None,
    };
    Some((confidence, format!("{}{theirs}", describe::head(reply))))
}

/// Without a control the same observation is a reading.
fn swallowed_alone(view: &View<'_>, path: &PathView<'_>, kind: ExchangeKind) -> Option<(Confidence, String)> {
    let reply = path
        .known(kind)
        .filter(|reply| path.complete(reply) && !reply.is_stored())?;
    (view.direct().is_none() && !path.case.is_direct() && path.speaks_claude()).then(|| {
        (
            Confidence::Possible,
            format!("{}; there is no control", describe::head(reply)),
        )
    })
}

/// An error of Claude's that quotes our value changed.
fn changed(path: &PathView<'_>, reply: &Exchange, complaint: ErrorClass) -> bool {
    path.provenance(reply).is_upstreams(complaint)
        && matches!(reply.echo, Echo::Duplicated | Echo::WithOthers | Echo::OnlyOthers)
}

fn echo(reply: &Exchange) -> &'static str {
    match reply.echo {
        Echo::Duplicated => "the error quotes the value twice",
        Echo::WithOthers => "the error quotes the value together with others that the probe did not send",
        Echo::OnlyOthers => "the error quotes another value than the one that was sent",
        Echo::Exact => "the error quotes the value as sent",
        Echo::NotFirst => "the error quotes another of the sent values first",
        Echo::None => "",
    }
}

/// `anthropic-beta`, by forwarding check.
fn beta_forwarding_check(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let kind = ExchangeKind::BogusBeta;
    if path.case.is_direct() {
        return vec![];
    }
    if let Some(reply) = path
        .known(kind)
        .filter(|reply| changed(path, reply, ErrorClass::BetaUnexpected))
    {
        let (code, confidence) = match reply.echo {
            Echo::Duplicated => return vec![],
            _ => (Code::BetaHeaderInjected, Confidence::Certain),
        };
        let evidence = format!(
            "unknown anthropic-beta value: {}; {}",
            describe::reply(reply),
            echo(reply)
        );
        return vec![warn(path, finding(code, path.name(), confidence, evidence))];
    }
    swallowed(view, path, kind)
        .or_else(|| swallowed_alone(view, path, kind))
        .map(|(confidence, text)| {
            let evidence = format!(
                "an unknown anthropic-beta value: {text}. The value is dropped, filtered or overwritten before Claude"
            );
            warn(
                path,
                finding(Code::BetaHeaderStripped, path.name(), confidence, evidence),
            )
        })
        .into_iter()
        .collect()
}

/// `anthropic-version`, by forwarding check.
fn version_forwarding_check(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let kind = ExchangeKind::BogusVersion;
    if path.case.is_direct() {
        return vec![];
    }
    let complaint = path.known(kind).filter(|reply| {
        changed(path, reply, ErrorClass::VersionInvalid)
            || path.provenance(reply).is_upstreams(ErrorClass::VersionRequired)
    });
    if let Some(reply) = complaint {
        let how = if reply.error == ErrorClass::VersionRequired {
            "it does not arrive"
        } else {
            echo(reply)
        };
        let evidence = format!("unknown anthropic-version: {}; {how}", describe::reply(reply));
        return vec![warn(path, version(path, reply, Confidence::Certain, evidence))];
    }
    swallowed(view, path, kind)
        .or_else(|| swallowed_alone(view, path, kind))
        .map(|(confidence, text)| {
            let evidence = format!(
                "an unknown anthropic-version: {text}. The gateway sends a value of its own, which can break later SDKs"
            );
            warn(
                path,
                finding(Code::VersionHeaderRewritten, path.name(), confidence, evidence),
            )
        })
        .into_iter()
        .collect()
}

fn version(path: &PathView<'_>, reply: &Exchange, confidence: Confidence, evidence: String) -> Finding {
    let found = finding(Code::VersionHeaderRewritten, path.name(), confidence, evidence).hop("gateway → Claude");
    match (reply.error, reply.echo) {
        (ErrorClass::VersionRequired, _) => found.advise("Configure the gateway to forward anthropic-version."),
        (_, Echo::Duplicated | Echo::WithOthers) => found.advise(
            "The gateway appends its own anthropic-version to the client's. Set the header only when the request has none.",
        ),
        _ => found,
    }
}

/// What only a forwarding check shows is a warning: the frozen request works, or fails for another reason.
fn warn(_: &PathView<'_>, finding: Finding) -> Finding {
    finding.hop("gateway → Claude").severity(Severity::Warning)
}

/// The body, by forwarding check: Claude must reject a field that does not exist, wherever it is.
fn body_forwarding_check(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let lost = ExchangeKind::all().filter_map(|kind| {
        let place = kind.entry().unknown_field?;
        let seen = swallowed(view, path, kind).or_else(|| swallowed_alone(view, path, kind))?;
        Some((place, seen))
    });
    let (places, seen): (Vec<&str>, Vec<(Confidence, String)>) = lost.unzip();
    // How sure it is depends on the control alone, and so is the same everywhere.
    let Some((confidence, text)) = seen.into_iter().next() else {
        return number_forwarding_check(view, path).into_iter().collect();
    };
    let evidence = format!(
        "an unknown field does not arrive at Claude ({}): {text}",
        places.join(", ")
    );
    vec![warn(
        path,
        finding(Code::BodyRewritten, path.name(), confidence, evidence),
    )]
}

/// A number, by forwarding check: Claude quotes the sent number on the direct path, and here another one or none at
/// all. A gateway that checks bodies may reject it by itself, which does not show what it forwards.
fn number_forwarding_check(view: &View<'_>, path: &PathView<'_>) -> Option<Finding> {
    let (kind, class) = (ExchangeKind::Number, ErrorClass::InvalidRequest);
    let pair = view
        .pair(path)
        .filter(|pair| pair.direct_unaltered() && path.speaks_claude())?;
    let theirs = pair.direct.known(kind).filter(|theirs| theirs.echo == Echo::Exact)?;
    if !pair.direct.provenance(theirs).is_upstreams(class) {
        return None;
    }
    let quoted = path.known(kind).filter(|reply| changed(path, reply, class));
    let (confidence, text) = match quoted {
        Some(reply) => {
            let confidence = match path.provenance(reply).origin {
                Origin::Claude => Confidence::Certain,
                _ => Confidence::Likely,
            };
            (
                confidence,
                format!("{}; {}; direct: as sent", describe::reply(reply), echo(reply)),
            )
        }
        None => swallowed(view, path, kind)?,
    };
    let evidence = format!("an integer above 2^53 does not arrive at Claude as sent: {text}");
    let found = finding(Code::BodyRewritten, path.name(), confidence, evidence)
        .advise("The gateway parses JSON numbers as doubles and re-serialises them. Configure it to forward the body's bytes, or use a parser that keeps integers.");
    Some(warn(path, found))
}

/// Claude rejects the frozen request for something in its headers or body, on this gateway and not on the control.
fn frozen(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let Some((reply, provenance)) = path.trouble().filter(|_| !path.case.is_direct()) else {
        return vec![];
    };
    if !provenance.from_upstream() || !path.speaks_claude() {
        return vec![];
    }
    let accepted = view
        .pair(path)
        .is_some_and(|pair| pair.direct_works() && pair.direct_unaltered());
    let direct = view
        .pair(path)
        .filter(|_| accepted)
        .and_then(|pair| pair.direct.main())
        .map_or_else(String::new, |theirs| format!("; direct: {}", describe::head(theirs)));
    let echo = echo(reply);
    let evidence = format!(
        "{}{}{echo}{direct}",
        describe::reply(reply),
        if echo.is_empty() { "" } else { "; " }
    );
    let Some((code, confidence)) = lost(path, reply, provenance.class, accepted, view) else {
        return vec![];
    };
    let found = match code {
        Code::VersionHeaderRewritten => version(path, reply, confidence, evidence),
        code => finding(code, path.name(), confidence, evidence).hop("gateway → Claude"),
    };
    vec![found.severity(Severity::Error)]
}

/// What was lost or added, by Claude's error. `accepted`: Claude accepted the identical request on the control.
fn lost(
    path: &PathView<'_>,
    reply: &Exchange,
    class: ErrorClass,
    accepted: bool,
    view: &View<'_>,
) -> Option<(Code, Confidence)> {
    let certain_with_control = |code| {
        Some((
            code,
            if accepted {
                Confidence::Certain
            } else {
                Confidence::Possible
            },
        ))
    };
    let likely_with_control = |code| {
        Some((
            code,
            if accepted {
                Confidence::Likely
            } else {
                Confidence::Possible
            },
        ))
    };
    let request = &view.case.request;
    match class {
        // We never send an Origin.
        ErrorClass::CorsDenied if accepted => Some((Code::OriginHeaderForwarded, Confidence::Certain)),
        ErrorClass::CorsDenied => Some((Code::OriginHeaderForwarded, Confidence::Possible)),
        // We always send a version, and so its loss needs no control; and a changed echo shows by itself that it was
        // changed.
        ErrorClass::VersionRequired if view.direct().is_none() => {
            Some((Code::VersionHeaderRewritten, Confidence::Likely))
        }
        ErrorClass::VersionRequired => certain_with_control(Code::VersionHeaderRewritten),
        ErrorClass::VersionInvalid if matches!(reply.echo, Echo::Duplicated | Echo::WithOthers | Echo::OnlyOthers) => {
            Some((Code::VersionHeaderRewritten, Confidence::Certain))
        }
        ErrorClass::VersionInvalid => likely_with_control(Code::VersionHeaderRewritten),
        ErrorClass::OauthUnsupported => likely_with_control(Code::BetaHeaderStripped),
        ErrorClass::BetaUnexpected
            if matches!(reply.echo, Echo::WithOthers | Echo::OnlyOthers) || request.betas.is_empty() =>
        {
            Some((Code::BetaHeaderInjected, Confidence::Certain))
        }
        ErrorClass::BetaUnexpected => likely_with_control(Code::RequestInvalid),
        ErrorClass::ExtraInputs if !request.betas.is_empty() => {
            Some((Code::BetaHeaderStripped, beta_lost(path, accepted)))
        }
        ErrorClass::WorkspaceRequired => likely_with_control(Code::RequestInvalid),
        ErrorClass::ExtraInputs | ErrorClass::InvalidJson | ErrorClass::InvalidRequest | ErrorClass::PromptTooLong => {
            likely_with_control(Code::BodyRewritten)
        }
        _ => None,
    }
}

/// How sure it is that a beta value of the frozen request itself is lost: by the control, and independently by the
/// forwarding check.
fn beta_lost(path: &PathView<'_>, accepted: bool) -> Confidence {
    let swallowed = path
        .known(ExchangeKind::BogusBeta)
        .is_some_and(|forwarding_check| path.complete(forwarding_check) && !forwarding_check.is_stored());
    match (accepted, swallowed) {
        (true, true) => Confidence::Certain,
        (false, false) => Confidence::Possible,
        _ => Confidence::Likely,
    }
}
