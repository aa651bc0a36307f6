//! Whether request and response bodies are relayed unchanged, as far as answers show it: input tokens, echoes, and the
//! answer's own bytes. Never sees a body: the evidence has counts and classes only.

use super::rule::PathRule;
use crate::catalogue::{Code, Confidence, Severity};
use crate::claude::error::ErrorClass;
use crate::diagnosis::comparison::Pair;
use crate::diagnosis::finding::{Sharpen as _, finding};
use crate::diagnosis::view::{PathView, View};
use crate::report::evidence::{BodyKind, Echo, Exchange, ExchangeKind, Outcome, ReplyTraits};
use crate::resource::status::Finding;

/// The rules of this file.
pub(super) const RULES: &[PathRule] = &[prompt, reserialised, answer];

/// Input tokens of the same request on the gateway and on the control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counts {
    ours: u32,
    theirs: u32,
}

impl Counts {
    fn differ(self) -> bool {
        self.ours != self.theirs
    }

    fn added(self) -> i64 {
        i64::from(self.ours) - i64::from(self.theirs)
    }
}

/// The same prompt costs another number of input tokens: a hop added or removed something. There is no tolerance:
/// Claude counts the same bytes for the same model alike, each time.
fn prompt(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let Some(pair) = view
        .pair(path)
        .filter(|pair| pair.direct_unaltered() && pair.same_model())
    else {
        return vec![];
    };
    let billed = path.main().zip(pair.direct.main()).and_then(|(ours, theirs)| {
        let right = |exchange: &Exchange| exchange.model_matches == Some(true);
        (right(ours) && right(theirs)).then(|| counts(path, &pair, ours, theirs))?
    });
    let free = path
        .known(ExchangeKind::CountTokens)
        .zip(pair.direct.known(ExchangeKind::CountTokens))
        // A gateway may count tokens by itself, and differently: then the reply has no trait of Claude's.
        .filter(|(ours, _)| has_claudes_traits(ours))
        .and_then(|(ours, theirs)| counts(path, &pair, ours, theirs));
    let differs = |counts: Option<Counts>| counts.filter(|counts| counts.differ());
    let (counts, confidence) = match (differs(billed), differs(free)) {
        (Some(billed), Some(free)) if billed.added() == free.added() => (billed, Confidence::Certain),
        (Some(billed), _) => {
            // The number may be the gateway's own where it wrote the whole answer.
            let relayed = path.main().is_some_and(has_claudes_traits);
            (
                billed,
                if relayed {
                    Confidence::Likely
                } else {
                    Confidence::Possible
                },
            )
        }
        (None, Some(free)) => (free, Confidence::Likely),
        (None, None) => return vec![],
    };
    vec![
        finding(
            Code::BodyRewritten,
            path.name(),
            confidence,
            format!(
                "the same request has {} input tokens here and {} on the direct path",
                counts.ours, counts.theirs
            ),
        )
        .hop("gateway → Claude")
        .advise("The gateway adds to or removes from the prompt (system prompt, tools, guard rails): use its pass-through mode if that is not meant."),
    ]
}

/// Nothing, or something else, where Claude's own answer must be: its ids and its account's numbers stand on the reply.
pub(super) fn is_claudes_changed(reply: &Exchange) -> bool {
    let traits = reply.traits;
    reply.status == 200
        && reply.outcome == Outcome::Answered
        && reply.stream.is_none()
        && what_it_is_instead(reply.body).is_some()
        && traits.has(ReplyTraits::REQUEST_ID)
        && !traits.has(ReplyTraits::ID_ODD)
        && (traits.has(ReplyTraits::ACCOUNT) || traits.has(ReplyTraits::RATE_LIMITS))
}

fn what_it_is_instead(body: BodyKind) -> Option<&'static str> {
    match body {
        BodyKind::OtherJson => Some("is JSON of a shape that is not Claude's"),
        BodyKind::Html | BodyKind::Other => Some("has a content type that is not Claude's"),
        BodyKind::Empty => Some("has an empty body"),
        BodyKind::Unknown | BodyKind::AsAsked | BodyKind::MessageNotStream => None,
    }
}

/// Claude's answer comes in another shape than Claude's, or without its body.
fn answer(_: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let changed = |reply: &&Exchange| !path.case.is_direct() && !path.complete(reply) && is_claudes_changed(reply);
    let Some(instead) = path
        .main()
        .filter(changed)
        .and_then(|reply| what_it_is_instead(reply.body))
    else {
        return vec![];
    };
    vec![
        finding(
            Code::BodyRewritten,
            path.name(),
            Confidence::Likely,
            format!("the answer has Claude's ids, and {instead}"),
        )
        .hop("gateway")
        .severity(Severity::Error)
        .advise("Claude answered, and the gateway changes the answer's body. Remove the response filter, template or limit that drops the body or changes its fields."),
    ]
}

fn counts(path: &PathView<'_>, pair: &Pair<'_, '_>, ours: &Exchange, theirs: &Exchange) -> Option<Counts> {
    let answered = path.complete(ours) && pair.direct.complete(theirs) && ours.kind == theirs.kind;
    let counts = Counts {
        ours: ours.usage?.input,
        theirs: theirs.usage?.input,
    };
    // The control's count is Claude's only where its id stands beside it.
    let genuine = theirs.traits.has(ReplyTraits::REQUEST_ID);
    (answered && genuine && !path.is_cached() && counts.ours > 0 && counts.theirs > 0).then_some(counts)
}

/// Whether the answer has a trait of Claude's beyond its text: a header, or the random padding of its events.
fn has_claudes_traits(answer: &Exchange) -> bool {
    let traits = [ReplyTraits::REQUEST_ID, ReplyTraits::RATE_LIMITS, ReplyTraits::ACCOUNT];
    let padded = answer.stream.as_ref().is_some_and(|stream| stream.padded == Some(true));
    padded || traits.into_iter().any(|flag| answer.traits.has(flag))
}

/// A gateway re-serialises JSON, which alone is harmless. Two details of Claude's own form show it: blanks in the
/// events of an answer, and the order of a request's fields.
fn reserialised(view: &View<'_>, path: &PathView<'_>) -> Vec<Finding> {
    let Some(pair) = view.pair(path).filter(Pair::direct_unaltered) else {
        return vec![];
    };
    let padded = |of: &PathView<'_>| {
        let main = of.main().filter(|main| of.complete(main))?;
        main.stream.as_ref()?.padded
    };
    let order = |of: &PathView<'_>| {
        let refused = of.known(ExchangeKind::UnknownField)?;
        // A gateway that validates bodies may return the same error without forwarding: only with Claude's id it is
        // Claude's.
        let ids = refused.traits.has(ReplyTraits::REQUEST_ID) || refused.traits.has(ReplyTraits::INNER_REQUEST_ID);
        (ids && of.provenance(refused).is_upstreams(ErrorClass::ExtraInputs)).then_some(refused.echo)
    };
    let answer = (padded(pair.direct), padded(path)) == (Some(true), Some(false));
    let request = (order(pair.direct), order(path)) == (Some(Echo::Exact), Some(Echo::NotFirst));
    let signs = [
        (
            answer,
            "the answer's events lack the blanks before their last brace that Claude's have on the direct path: a hop re-serialises their JSON",
        ),
        (
            request,
            "of two unknown fields Claude rejects the second, and on the direct path the first: a hop re-serialises the JSON of requests, in another order or without the first field",
        ),
    ];
    let evidence: Vec<&str> = signs
        .into_iter()
        .filter_map(|(seen, sign)| seen.then_some(sign))
        .collect();
    if evidence.is_empty() {
        return vec![];
    }
    vec![
        finding(Code::BodyRewritten, path.name(), Confidence::Likely, evidence.join("; "))
            .hop("gateway")
            .severity(Severity::Information)
            .advise("Re-serialisation alone loses nothing. Use the gateway's pass-through mode when clients miss fields, see changed numbers or miss Claude's prompt cache."),
    ]
}
