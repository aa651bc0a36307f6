//! The six conditions that runs decide: the statuses of one run by itself. The rule by which they change is in
//! `publish`. No message is longer than [`LONGEST_OF_CONDITION`].

mod publish;

use super::condition::{DECIDED_BY_RUNS, Reason, Status};
use super::finding::{concerns, counts};
use super::message::LONGEST_OF_CONDITION;
use super::view::{PathView, State, View};
use crate::catalogue::{Code, ConditionType, Confidence, Severity};
use crate::report::evidence::ExchangeKind;
use crate::resource::status::Finding;
use crate::text::shortened;

pub(super) use publish::publish;

/// A condition as this run alone has it.
#[derive(Clone, Debug)]
pub(super) struct Own {
    kind: ConditionType,
    status: Status,
    reason: Reason,
    message: String,
    /// It rests on failures that were repeated, or on no failure.
    confirmed: bool,
}

/// This run's own conditions.
pub(super) fn own(view: &View<'_>, findings: &[Finding]) -> Vec<Own> {
    DECIDED_BY_RUNS
        .into_iter()
        .map(|kind| {
            let (status, reason, message) = match kind {
                ConditionType::DirectPathHealthy => direct(view, findings),
                ConditionType::GatewayPathHealthy => gateways(view, findings),
                kind => topic(view, findings, kind),
            };
            Own {
                kind,
                status,
                reason,
                message: shortened(&message, LONGEST_OF_CONDITION),
                confirmed: status != Status::False || is_confirmed(view, kind),
            }
        })
        .collect()
}

/// Whether a path that this condition is about failed in every try of this run, or none failed.
fn is_confirmed(view: &View<'_>, kind: ConditionType) -> bool {
    let direct = kind == ConditionType::DirectPathHealthy;
    let about = view.paths.iter().filter(|path| path.case.is_direct() == direct);
    let mut failed = about.filter(|path| path.state() == State::Failed).peekable();
    let recovered = |path: &PathView<'_>| path.attempts().iter().any(|attempt| path.complete(attempt));
    failed.peek().is_none() || failed.any(|path| !recovered(path))
}

/// One letter per condition.
pub(super) fn letters(own: &[Own]) -> String {
    own.iter().map(|condition| condition.status.letter()).collect()
}

type Judged = (Status, Reason, String);

/// A finding in a condition's message.
fn sentence(finding: &Finding) -> String {
    let on = if finding.path.is_empty() {
        "all paths"
    } else {
        &finding.path
    };
    let hop = finding.hop.as_ref().map_or_else(String::new, |hop| format!(" [{hop}]"));
    format!("{on}{hop}: {}.", finding.code.entry().title)
}

fn direct(view: &View<'_>, findings: &[Finding]) -> Judged {
    match view.direct() {
        None => (
            Status::Unknown,
            Reason::NotConfigured,
            "The probe has no direct path, so gateways are judged without a control.".to_owned(),
        ),
        Some(probed) => path(view, findings, probed),
    }
}

/// Gateways aggregate False > Unknown > True.
fn gateways(view: &View<'_>, findings: &[Finding]) -> Judged {
    if let Some(code) = shared_cause(view, findings) {
        return (
            Status::Unknown,
            Reason::SharedCause(code),
            format!("Every path fails for the same reason outside the gateways: {code}."),
        );
    }
    let mut judged: Vec<Judged> = view.gateways().map(|probed| path(view, findings, probed)).collect();
    judged.sort_by_key(|(status, _, _)| *status);
    let count = judged.len();
    match judged.into_iter().next() {
        Some((Status::True, reason, _)) if count > 1 => (
            Status::True,
            reason,
            format!("All {count} gateways answered the frozen request completely."),
        ),
        Some(worst) => worst,
        None => (
            Status::Unknown,
            Reason::NotConfigured,
            "The probe has no gateway.".to_owned(),
        ),
    }
}

/// One path's health: whether its frozen request was answered, and which finding explains a failure.
fn path(view: &View<'_>, findings: &[Finding], probed: &PathView<'_>) -> Judged {
    let name = probed.name();
    let on_path = || findings.iter().filter(|finding| concerns(finding, name));
    match probed.state() {
        State::Complete => {
            if on_path().any(|finding| finding.code == Code::ResponseCached && finding.confidence >= Confidence::Likely)
            {
                return (
                    Status::Unknown,
                    Reason::AnsweredFromCache,
                    format!("{name} answered from a cache, so its health is not known."),
                );
            }
            (
                Status::True,
                Reason::Answered,
                format!("{name} answered the frozen request completely."),
            )
        }
        State::NotSent if !view.case.evidence.complete => incomplete(),
        State::NotSent => (
            Status::Unknown,
            Reason::NotProbed,
            match probed.reach().unusable() {
                Some(why) => format!("Nothing was sent on {name}: {why}."),
                None => format!("The frozen request was not sent on {name}."),
            },
        ),
        State::Failed => {
            if let Some(cause) = on_path().find(|finding| counts(finding) && finding.severity == Severity::Error) {
                return (Status::False, Reason::Finding(cause.code), sentence(cause));
            }
            if let Some(cause) = on_path().find(|finding| counts(finding)) {
                return (Status::False, Reason::Finding(cause.code), sentence(cause));
            }
            if on_path().any(|finding| finding.accepted) {
                return (
                    Status::Unknown,
                    Reason::AcceptedFinding,
                    format!("{name} fails, and the spec accepts the cause in `accept`."),
                );
            }
            if !view.case.evidence.complete {
                return incomplete();
            }
            let seen = probed
                .main()
                .map_or_else(|| "no reply".to_owned(), super::describe::head);
            (
                Status::False,
                Reason::NotExplained,
                format!("{name} fails without a known cause: {seen}."),
            )
        }
    }
}

fn incomplete() -> Judged {
    (
        Status::Unknown,
        Reason::ReportIncomplete,
        "The report arrived incomplete.".to_owned(),
    )
}

/// The one reason, not the gateways', for which every path fails.
fn shared_cause(view: &View<'_>, findings: &[Finding]) -> Option<Code> {
    let all_fail = !view.paths.is_empty() && view.paths.iter().all(|path| path.state() == State::Failed);
    let everywhere = |code: Code| {
        view.paths.iter().all(|path| {
            findings.iter().any(|finding| {
                finding.code == code
                    && counts(finding)
                    && finding.severity == Severity::Error
                    && concerns(finding, path.name())
            })
        })
    };
    if !all_fail {
        return None;
    }
    findings
        .iter()
        .map(|finding| finding.code)
        .find(|code| code.is_shareable() && everywhere(*code))
}

/// A condition about one subject: False when a finding falsifies it, True when something showed it, else Unknown.
fn topic(view: &View<'_>, findings: &[Finding], kind: ConditionType) -> Judged {
    let against = |finding: &&Finding| finding.code.entry().condition == Some(kind);
    if let Some(finding) = findings.iter().find(|finding| against(finding) && counts(finding)) {
        return (Status::False, Reason::Finding(finding.code), sentence(finding));
    }
    if !view.case.evidence.complete {
        return incomplete();
    }
    match kind {
        ConditionType::CredentialsFresh => every_path(
            view,
            Reason::Accepted,
            "Every path's credential was accepted.",
            "No reply shows whether the credential is accepted.",
        ),
        ConditionType::QuotaAvailable => every_path(
            view,
            Reason::Available,
            "No rate, spend or concurrency limit stopped a request.",
            "No request reached a limit check.",
        ),
        ConditionType::HeadersPreserved => headers(view),
        _ => stream(view),
    }
}

/// True when every path that reported answered, so that its credential and its quota did.
fn every_path(view: &View<'_>, good: Reason, yes: &str, no: &str) -> Judged {
    let reached = |path: &PathView<'_>| {
        path.exchanges()
            .any(|exchange| exchange.status == 200 && path.provenance(exchange).from_upstream())
            || path.is_complete()
    };
    if view.gateways().all(reached) && view.paths.iter().any(reached) {
        (Status::True, good, yes.to_owned())
    } else {
        (Status::Unknown, Reason::NotObserved, no.to_owned())
    }
}

fn headers(view: &View<'_>) -> Judged {
    let checked = |path: &PathView<'_>| {
        path.known(ExchangeKind::BogusBeta).is_some() && path.known(ExchangeKind::BogusVersion).is_some()
    };
    if view.gateways().next().is_some() && view.gateways().all(checked) {
        (
            Status::True,
            Reason::AsSent,
            "anthropic-beta and anthropic-version arrive at Claude as sent, according to the last forwarding checks."
                .to_owned(),
        )
    } else {
        (
            Status::Unknown,
            Reason::NotProbed,
            "No forwarding check has shown yet whether headers arrive at Claude as sent.".to_owned(),
        )
    }
}

/// The long request was answered in less time than the spec requires.
fn too_short(view: &View<'_>, verified_ms: u32) -> String {
    let sent = view.gateways().any(|path| path.now(ExchangeKind::Long).is_some());
    match view
        .case
        .request
        .long_at_least_ms
        .filter(|wanted| sent && verified_ms < *wanted)
    {
        Some(wanted) => format!(
            " The long request ended before {}: raise its maxTokens.",
            super::describe::seconds(wanted)
        ),
        None => String::new(),
    }
}

/// Short replies cannot show buffering.
fn buffering(view: &View<'_>) -> &'static str {
    let control = view.direct().into_iter().flat_map(PathView::exchanges);
    let mut streams = control.filter_map(|exchange| exchange.stream.as_ref()).peekable();
    if streams.peek().is_none() || streams.any(super::buffering::shows_buffering) {
        ""
    } else {
        " The reply is too short to show buffering."
    }
}

fn stream(view: &View<'_>) -> Judged {
    let verified: Vec<Option<(u32, u32)>> = view
        .gateways()
        .map(|path| {
            path.exchanges()
                .filter(|exchange| path.complete(exchange))
                .filter_map(|exchange| exchange.stream.as_ref())
                .map(|stream| (stream.end_ms, stream.bytes))
                .max()
        })
        .collect();
    let least = verified
        .iter()
        .copied()
        .collect::<Option<Vec<_>>>()
        .and_then(|all| all.into_iter().min());
    match least {
        Some((ms, bytes)) => (
            Status::True,
            Reason::Complete,
            format!(
                "Streams arrive complete, up to {} and {}.{}{}",
                super::describe::seconds(ms),
                super::describe::size(bytes),
                too_short(view, ms),
                buffering(view)
            ),
        ),
        None => (
            Status::Unknown,
            Reason::NotObserved,
            "Not every gateway has delivered a complete stream yet.".to_owned(),
        ),
    }
}
