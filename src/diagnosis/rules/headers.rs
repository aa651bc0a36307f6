//! Whether `anthropic-beta`, `anthropic-version` and the body arrive as they were sent.
//!
//! Forwarding checks carry a value that Claude must refuse: what refuses it, and how the value comes back in the complaint, shows what
//! arrived. A 200 instead means that it did not arrive as sent; why (dropped, filtered, overwritten) stays open. The control
//! must have refused the same value.

use super::rule::PathRule;
use crate::catalogue::{Code, Confidence, Severity};
use crate::claude::error::ErrorClass;
use crate::diagnosis::finding::{Sharpen as _, finding};
use crate::diagnosis::provenance::Origin;
use crate::diagnosis::say;
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

/// Accepted through the gateway, refused on the control (so `Likely`), or refused by nobody that we can compare with.
fn swallowed(view: &View<'_>, path: &PathView<'_>, kind: ExchangeKind) -> Option<(Confidence, String)> {
    let complaint = kind.entry().usual.error;
    let reply = path
        .known(kind)
        .filter(|reply| path.complete(reply) && !reply.is_stored())?;
    let direct = view.direct().and_then(|direct| Some((direct, direct.known(kind)?)));
    let pair = view.pair(path)?;
    let (confidence, theirs) = match direct {
        _ if !path.speaks_claude() => return None,
        Some((direct, theirs)) if direct.provenance(theirs).says(complaint) && pair.direct_unaltered() => {
            (Confidence::Likely, format!("; direct: {}", say::reply(theirs)))
        }
        _ => return None,
    };
    Some((confidence, format!("{}{theirs}", say::head(reply))))
}

/// Without a control the same observation is a reading.
fn swallowed_alone(view: &View<'_>, path: &PathView<'_>, kind: ExchangeKind) -> Option<(Confidence, String)> {
    let reply = path
        .known(kind)
        .filter(|reply| path.complete(reply) && !reply.is_stored())?;
    (view.direct().is_none() && !path.case.is_direct() && path.speaks_claude()).then(|| {
        (
            Confidence::Possible,
            format!("{}; there is no control", say::head(reply)),
        )
    })
}

/// Complaint of Claude's in which our value comes back changed.
fn changed(path: &PathView<'_>, reply: &Exchange, complaint: ErrorClass) -> bool {
    path.provenance(reply).says(complaint)
        && matches!(reply.echo, Echo::Duplicated | Echo::WithOthers | Echo::OnlyOthers)
}

fn echo(reply: &Exchange) -> &'static str {
    match reply.echo {
        Echo::Duplicated => "our value comes back twice",
        Echo::WithOthers => "our value comes back with others that we did not send",
        Echo::OnlyOthers => "another value than ours comes back",
        Echo::Exact => "our value comes back as sent",
        Echo::NotFirst => "of our values another comes first",
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
        let evidence = format!("unknown beta value: {}; {}", say::reply(reply), echo(reply));
        return vec![warn(path, finding(code, path.name(), confidence, evidence))];
    }
    swallowed(view, path, kind)
        .or_else(|| swallowed_alone(view, path, kind))
        .map(|(confidence, text)| {
            let evidence = format!(
                "an anthropic-beta value that does not exist: {text}: dropped, filtered or overwritten on the way"
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
        changed(path, reply, ErrorClass::VersionInvalid) || path.provenance(reply).says(ErrorClass::VersionRequired)
    });
    if let Some(reply) = complaint {
        let how = if reply.error == ErrorClass::VersionRequired {
            "it does not arrive"
        } else {
            echo(reply)
        };
        let evidence = format!("unknown version: {}; {how}", say::reply(reply));
        return vec![warn(path, version(path, reply, Confidence::Certain, evidence))];
    }
    swallowed(view, path, kind)
        .or_else(|| swallowed_alone(view, path, kind))
        .map(|(confidence, text)| {
            let evidence = format!(
                "a version that does not exist: {text}: the gateway sends one of its own, which works today and breaks the next SDK"
            );
            warn(path, finding(Code::VersionHeaderRewritten, path.name(), confidence, evidence))
        })
        .into_iter()
        .collect()
}

fn version(path: &PathView<'_>, reply: &Exchange, confidence: Confidence, evidence: String) -> Finding {
    let found = finding(Code::VersionHeaderRewritten, path.name(), confidence, evidence).hop("gateway → Claude");
    match (reply.error, reply.echo) {
        (ErrorClass::VersionRequired, _) => found.advise("Let the gateway forward anthropic-version."),
        (_, Echo::Duplicated | Echo::WithOthers) => found.advise(
            "The gateway adds anthropic-version to the client's: set it only when it is absent, do not append.",
        ),
        _ => found,
    }
}

/// What only a forwarding check met is a warning; the frozen request works, or fails for another reason.
fn warn(_: &PathView<'_>, finding: Finding) -> Finding {
    finding.hop("gateway → Claude").severity(Severity::Warning)
}

/// The body, by forwarding check: a field that does not exist must be refused, wherever it is.
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
    let evidence = format!("an unknown field does not arrive {}: {text}", places.join(", nor "));
    vec![warn(
        path,
        finding(Code::BodyRewritten, path.name(), confidence, evidence),
    )]
}

/// A number, by forwarding check: Claude quotes on the direct path the one that was sent, and here another, or sees nothing to refuse. A gateway
/// that checks bodies may refuse it by itself, which says nothing of what it forwards.
fn number_forwarding_check(view: &View<'_>, path: &PathView<'_>) -> Option<Finding> {
    let (kind, class) = (ExchangeKind::Number, ErrorClass::InvalidRequest);
    let pair = view
        .pair(path)
        .filter(|pair| pair.direct_unaltered() && path.speaks_claude())?;
    let theirs = pair.direct.known(kind).filter(|theirs| theirs.echo == Echo::Exact)?;
    if !pair.direct.provenance(theirs).says(class) {
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
                format!("{}; {}; direct: as sent", say::reply(reply), echo(reply)),
            )
        }
        None => swallowed(view, path, kind)?,
    };
    let evidence = format!("an integer above 2^53 does not arrive as sent: {text}");
    let found = finding(Code::BodyRewritten, path.name(), confidence, evidence)
        .advise("The gateway reads JSON numbers as doubles and writes them anew: let it forward the body's bytes, or use a parser that keeps integers.");
    Some(warn(path, found))
}

/// Claude refuses the frozen request for something in its headers or body, on this gateway and not on the control.
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
        .map_or_else(String::new, |theirs| format!("; direct: {}", say::head(theirs)));
    let echo = echo(reply);
    let evidence = format!(
        "{}{}{echo}{direct}",
        say::reply(reply),
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

/// What was lost or added, by Claude's complaint. `accepted`: the control got the very same request through.
fn lost(
    path: &PathView<'_>,
    reply: &Exchange,
    class: ErrorClass,
    accepted: bool,
    view: &View<'_>,
) -> Option<(Code, Confidence)> {
    let convicted = |code| {
        Some((
            code,
            if accepted {
                Confidence::Certain
            } else {
                Confidence::Possible
            },
        ))
    };
    let likely = |code| {
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
        // We always send a version, and so its loss needs no control; and a changed echo says by itself that it was changed.
        ErrorClass::VersionRequired if view.direct().is_none() => {
            Some((Code::VersionHeaderRewritten, Confidence::Likely))
        }
        ErrorClass::VersionRequired => convicted(Code::VersionHeaderRewritten),
        ErrorClass::VersionInvalid if matches!(reply.echo, Echo::Duplicated | Echo::WithOthers | Echo::OnlyOthers) => {
            Some((Code::VersionHeaderRewritten, Confidence::Certain))
        }
        ErrorClass::VersionInvalid => likely(Code::VersionHeaderRewritten),
        ErrorClass::OauthUnsupported => likely(Code::BetaHeaderStripped),
        ErrorClass::BetaUnexpected
            if matches!(reply.echo, Echo::WithOthers | Echo::OnlyOthers) || request.betas.is_empty() =>
        {
            Some((Code::BetaHeaderInjected, Confidence::Certain))
        }
        ErrorClass::BetaUnexpected => likely(Code::RequestInvalid),
        ErrorClass::ExtraInputs if !request.betas.is_empty() => {
            Some((Code::BetaHeaderStripped, beta_lost(path, accepted)))
        }
        ErrorClass::WorkspaceRequired => likely(Code::RequestInvalid),
        ErrorClass::ExtraInputs | ErrorClass::InvalidJson | ErrorClass::InvalidRequest | ErrorClass::PromptTooLong => {
            likely(Code::BodyRewritten)
        }
        _ => None,
    }
}

/// How sure it is that a beta value of the frozen request itself is lost: the control says so, and the forwarding check independently.
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
