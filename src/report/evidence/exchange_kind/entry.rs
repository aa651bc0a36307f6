//! The properties of a kind of exchange.

use std::time::Duration;

use crate::claude::error::ErrorClass;
use crate::report::evidence::reply_traits::Echo;

/// Second samples on one path of a deep run at most.
pub const SECOND_SAMPLES: u64 = 4;
/// Significant bits of times and sizes that rules measure by: an error below 0.1 %.
pub const DIGITS: u32 = 11;
/// Significant bits of the times of a refusal, which are only shown: an error below 13 %.
const SHOWN: u32 = 4;

/// One kind of exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number in the termination message, below 32. Never given to another kind: operator and probe pods may be of
    /// different releases for a while.
    pub code: u32,
    /// Its number in the measured probe set, empty for what that set does not have.
    pub number: &'static str,
    /// What is sent.
    pub sends: &'static str,
    /// What the reply shows.
    pub shows: &'static str,
    /// What it costs.
    pub cost: Cost,
    /// What it has in common with others.
    pub family: Family,
    /// The key that it carries.
    pub key: Key,
    /// Where it goes.
    pub endpoint: Endpoint,
    /// The form of the answer that it requests.
    pub form: Form,
    /// How many requests it is, and how they follow each other.
    pub manner: Manner,
    /// Longest time for it, where that is less than what is left of the run.
    pub at_most: Option<Duration>,
    /// What puts it into a run.
    pub planned: Planned,
    /// It is sent over budget, too.
    pub over_budget: bool,
    /// Only a path that leads to Claude gets it: another backend's reply shows nothing.
    pub claude_only: bool,
    /// A person who waits for the result gets it only with `check --deep`.
    pub deep_in_check: bool,
    /// When one sample of it cannot decide.
    pub second_sample: SecondSample,
    /// It shows something even where the frozen request got a server error or no reply: whether anything comes through
    /// at all.
    pub useful_after_failure: bool,
    /// Where it has a field that does not exist: all of these are read by one rule.
    pub unknown_field: Option<&'static str>,
    /// What Claude answers where everything works.
    pub usual: Usual,
    /// Significant bits of its times.
    pub digits: u32,
    /// Its result is kept in the status until a later one refutes it.
    pub kept: bool,
    /// A gateway that checks requests has no reason of its own to refuse it. What a gateway is not asked to let pass
    /// shows nothing of how it relays: the reply of any other counts only for the rule that it is sent for.
    pub well_formed: bool,
    /// Both a gateway and the control get its reply from Claude where everything works, with headers that can be
    /// compared.
    pub comparable: bool,
    /// Every run with such requests sends it to Claude, which names in its own words what it refuses: a gateway that
    /// replaces the bodies of Claude's errors does so for each of these.
    pub complaint: bool,
}

/// What an exchange costs where everything works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// An answer of the frozen request's length.
    Answer,
    /// An answer of the long request's length.
    LongAnswer,
    /// Nothing: Claude counts or refuses it. Where a gateway swallows what makes Claude refuse, and does not count, one
    /// token.
    Nothing,
}

/// What kinds have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// The frozen request itself, at first and again.
    Frozen,
    /// Another request that is answered with a message.
    Message,
    /// A request without a defect that generates nothing.
    Free,
    /// A request with one defect, or of one content, that shows what a gateway does with it.
    Check,
    /// A large request. A gateway may refuse it for its size.
    Size,
    /// A request that shows who authenticates.
    Key,
}

/// The key of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// The path's own, in the form that is known to work.
    Own,
    /// The path's own without its repairable defects.
    Trimmed,
    /// The path's own in the other auth header.
    OtherHeader,
    /// None.
    Absent,
    /// One that does not exist.
    Invalid,
}

/// Where a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// To messages.
    Messages,
    /// To count_tokens.
    CountTokens,
    /// To count_tokens where the path serves that, else to messages.
    CountTokensWhereServed,
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The frozen request's form.
    AsFrozen,
    /// The form that the frozen request does not request.
    Other,
    /// An event stream.
    Stream,
    /// One JSON body.
    Whole,
}

/// How the requests of one exchange follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// One request.
    Once,
    /// Several at once, each on its own connection.
    AtOnce,
    /// One, an idle time, and another one on the same connection.
    AfterIdle,
}

/// What puts an exchange into a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planned {
    /// Every run has it on every path, unless only what costs no tokens may be sent. No plan lists it.
    EachRun,
    /// The prober sends it by itself. No plan lists it.
    Reaction(Cause),
    /// The period of the requests that concern headers and body; over budget every run.
    WithChecks,
    /// The same period, where the probe opted into it.
    Opted(Opt),
    /// The long request's own period.
    LongRequest,
    /// A run in which the frozen request fails, on the failed path and on the control.
    AfterFailure,
    /// A change of spec or key, or a refusal of the key.
    WhoAuthenticates,
}

/// What makes the prober send an exchange by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The key has a line end or blanks around it, and does not work as it is.
    BlanksAroundKey,
    /// The frozen request fails, or its stream looks buffered.
    Failure,
    /// The frozen request gets 429.
    Limit,
}

/// A field of the probe by which it opts into an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opt {
    /// `exchanges.headerBytes`.
    HeaderBytes,
    /// `exchanges.bodyBytes`.
    BodyBytes,
    /// `exchanges.attackPrompt`.
    AttackPrompt,
    /// `exchanges.attackPrompt`, on gateways only.
    AttackTwin,
    /// `exchanges.parallel`.
    Parallel,
    /// `exchanges.reuseIdle`.
    ReuseIdle,
}

/// When one sample of an exchange cannot decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondSample {
    /// It is not sent twice: it is a rejected key, costs much, or may raise an alarm.
    Never,
    /// The gateway broke it. What is refused for its size is refused for its size; a broken connection may have another
    /// reason.
    IfBroken,
    /// The gateway broke it, or answered otherwise than the control.
    IfBrokenOrDifferent,
}

/// The usual reply to an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usual {
    /// HTTP status.
    pub status: u16,
    /// Class of the error.
    pub error: ErrorClass,
    /// How the value that was sent comes back.
    pub echo: Echo,
}

impl Form {
    /// Whether it requests an event stream, where `frozen` is whether the frozen request does.
    #[must_use]
    pub fn is_stream(self, frozen: bool) -> bool {
        match self {
            Self::AsFrozen => frozen,
            Self::Other => !frozen,
            Self::Stream => true,
            Self::Whole => false,
        }
    }
}

impl Manner {
    /// How many requests one exchange is, of which so many were asked for at once.
    #[must_use]
    pub fn requests(self, at_once: u64) -> u64 {
        match self {
            Self::Once => 1,
            Self::AtOnce => at_once.max(2),
            Self::AfterIdle => 2,
        }
    }
}

/// Longest time for an exchange that generates nothing.
pub(super) const QUICK: Option<Duration> = Some(Duration::from_secs(30));
/// Longest time for the GET after a failure: Claude refuses it at once, and a slow gateway has been waited for before.
pub(super) const AT_ONCE: Option<Duration> = Some(Duration::from_secs(5));

pub(super) const ANSWERED: Usual = Usual {
    status: 200,
    error: ErrorClass::None,
    echo: Echo::None,
};

/// What Claude refuses in words that repeat what was sent.
pub(super) const fn complaint(error: ErrorClass) -> Usual {
    let (status, echo) = (400, Echo::Exact);
    Usual { status, error, echo }
}

pub(super) const fn refusal(status: u16, error: ErrorClass) -> Usual {
    let echo = Echo::None;
    Usual { status, error, echo }
}

/// The frozen request at another time.
pub(super) const FROZEN: Entry = Entry {
    code: u32::MAX,
    number: "",
    sends: "",
    shows: "",
    cost: Cost::Answer,
    family: Family::Frozen,
    key: Key::Own,
    endpoint: Endpoint::Messages,
    form: Form::AsFrozen,
    manner: Manner::Once,
    at_most: None,
    planned: Planned::EachRun,
    over_budget: false,
    claude_only: false,
    deep_in_check: false,
    second_sample: SecondSample::Never,
    useful_after_failure: false,
    unknown_field: None,
    usual: ANSWERED,
    digits: DIGITS,
    kept: false,
    well_formed: true,
    comparable: false,
    complaint: false,
};

/// A request with one defect.
pub(super) const CHECK: Entry = Entry {
    number: "P7",
    cost: Cost::Nothing,
    family: Family::Check,
    endpoint: Endpoint::CountTokensWhereServed,
    form: Form::Whole,
    at_most: QUICK,
    planned: Planned::WithChecks,
    over_budget: true,
    claude_only: true,
    second_sample: SecondSample::IfBrokenOrDifferent,
    usual: complaint(ErrorClass::ExtraInputs),
    digits: SHOWN,
    kept: true,
    ..FROZEN
};

/// A large request: rejected or counted, never answered.
pub(super) const SIZE: Entry = Entry {
    family: Family::Size,
    claude_only: false,
    second_sample: SecondSample::IfBroken,
    ..CHECK
};

/// A prompt of a certain content.
pub(super) const PROMPT: Entry = Entry {
    number: "P14",
    planned: Planned::Opted(Opt::AttackPrompt),
    over_budget: false,
    claude_only: false,
    second_sample: SecondSample::Never,
    usual: ANSWERED,
    ..CHECK
};

/// A request that shows who authenticates. Without the frozen request's reply it shows nothing.
pub(super) const KEY: Entry = Entry {
    number: "P3",
    family: Family::Key,
    planned: Planned::WhoAuthenticates,
    over_budget: false,
    claude_only: false,
    second_sample: SecondSample::Never,
    comparable: true,
    ..CHECK
};
