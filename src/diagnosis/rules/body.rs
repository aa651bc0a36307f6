//! What becomes of bodies, as far as answers show it: tokens that the prompt was counted with, and the answer's own bytes.

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

/// The same prompt costs another number of input tokens: something was added or taken away. There is no tolerance: the same bytes for
/// the same model are counted alike, each time.
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
        // A gateway may count by itself, and otherwise than Claude: then nothing of Claude's is on the reply.
        .filter(|(ours, _)| bears_claudes_marks(ours))
        .and_then(|(ours, theirs)| counts(path, &pair, ours, theirs));
    let differs = |counts: Option<Counts>| counts.filter(|counts| counts.differ());
    let (counts, confidence) = match (differs(billed), differs(free)) {
        (Some(billed), Some(free)) if billed.added() == free.added() => (billed, Confidence::Certain),
        (Some(billed), _) => {
            // The number may be the gateway's own where it wrote the whole answer.
            let relayed = path.main().is_some_and(bears_claudes_marks);
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
        BodyKind::OtherJson => Some("is JSON of another shape than Claude's"),
        BodyKind::Html | BodyKind::Other => Some("is of another kind than Claude's"),
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
            format!("the answer bears Claude's ids, and {instead}"),
        )
        .hop("gateway")
        .severity(Severity::Error)
        .advise("Claude answered, and the gateway changes the answer's body: take out the filter, template or limit on responses that drops it, or adds and renames its fields."),
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

/// Whether anything on the answer is Claude's beyond its words: a header, or the random padding of its events.
fn bears_claudes_marks(answer: &Exchange) -> bool {
    let traits = [ReplyTraits::REQUEST_ID, ReplyTraits::RATE_LIMITS, ReplyTraits::ACCOUNT];
    let padded = answer.stream.as_ref().is_some_and(|stream| stream.padded == Some(true));
    padded || traits.into_iter().any(|mark| answer.traits.has(mark))
}

/// A relay that reads and writes JSON anew harms nobody by that alone. It shows in what Claude's own has by chance or by our choice:
/// blanks in the events of an answer, and the order of a request's fields.
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
        // A gateway that checks bodies may write the same of what it never forwards: only with Claude's id it is Claude's.
        let ids = refused.traits.has(ReplyTraits::REQUEST_ID) || refused.traits.has(ReplyTraits::INNER_REQUEST_ID);
        (ids && of.provenance(refused).says(ErrorClass::ExtraInputs)).then_some(refused.echo)
    };
    let answer = (padded(pair.direct), padded(path)) == (Some(true), Some(false));
    let request = (order(pair.direct), order(path)) == (Some(Echo::Exact), Some(Echo::NotFirst));
    let told = [
        (
            answer,
            "the events of the answer have lost the blanks that Claude puts before their last brace, as they have on the direct path: their JSON was read and written anew",
        ),
        (
            request,
            "of two unknown fields Claude complains of the second, and on the direct path of the first: the JSON of requests is written anew, in another order or without the first",
        ),
    ];
    let evidence: Vec<&str> = told
        .into_iter()
        .filter_map(|(seen, told)| seen.then_some(told))
        .collect();
    if evidence.is_empty() {
        return vec![];
    }
    vec![
        finding(Code::BodyRewritten, path.name(), Confidence::Likely, evidence.join("; "))
            .hop("gateway")
            .severity(Severity::Information)
            .advise("Nothing is lost by it alone; if clients miss fields, see changed numbers or miss Claude's prompt cache, use the gateway's pass-through mode."),
    ]
}
