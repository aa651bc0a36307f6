//! Evidence in a few words, for tests: replies as Claude, its edge and gateways make them, and paths that show them.

use super::{Case, Context, Diagnosis, PathCase, Request, Role, diagnose};
use crate::catalogue::Code;
use crate::claude::error::ErrorClass;
use crate::report::evidence::{
    BodyKind, EventKind, Exchange, ExchangeKind, Handshake, KeyEvidence, KeyKind, Outcome, PathEvidence, Reach,
    ReplyTraits, RunEvidence, StreamEvidence, Trust,
};
use crate::resource::status::{Finding, FoundOn};

pub(super) type K = ExchangeKind;

/// A run under construction.
#[derive(Clone, Debug)]
pub(super) struct Story {
    pub request: Request,
    pub paths: Vec<PathCase>,
    pub evidence: RunEvidence,
    pub context: Context,
}

/// One path under construction.
pub(super) struct On<'s> {
    pub path: &'s mut PathCase,
    pub evidence: &'s mut PathEvidence,
}

impl Story {
    /// A control and one gateway `edge`, both with the Secret's key, both reached, nothing sent yet. The request wants
    /// streams.
    pub fn new() -> Self {
        let mut story = Self::without_direct();
        story.add("direct", Role::Direct);
        story.paths.rotate_right(1);
        story.evidence.paths.rotate_right(1);
        story
    }

    /// As [`Story::new`], and both answer.
    pub fn healthy() -> Self {
        let mut story = Self::new();
        story.on("direct").frozen(stream());
        story.on("edge").frozen(stream());
        story
    }

    /// Only the gateway.
    pub fn without_direct() -> Self {
        let mut story = Self {
            request: Request {
                model: "claude-haiku-4-5".into(),
                api_version: "2023-06-01".into(),
                stream: true,
                ..Request::default()
            },
            paths: vec![],
            evidence: RunEvidence {
                slot: "s".into(),
                started_at_ms: 1_800_000_000_000,
                duration_ms: 2_000,
                complete: true,
                ..RunEvidence::default()
            },
            context: Context {
                now_ms: 1_800_000_002_000,
                ..Context::default()
            },
        };
        story.add("edge", Role::Gateway);
        story
    }

    /// Adds a path.
    pub fn add(&mut self, name: &str, role: Role) {
        self.paths.push(PathCase {
            name: name.into(),
            role,
            host: format!("{name}.example:443"),
            https: true,
            key_ref: Some("claude-key/api-key".into()),
            expect_same_account: true,
            ..PathCase::default()
        });
        self.evidence.paths.push(PathEvidence {
            path: name.into(),
            key: Some(KeyEvidence {
                fingerprint: "0a1b2".into(),
                kind: KeyKind::ApiKey,
                defects: vec![],
            }),
            handshake: Handshake {
                outcome: Reach::Connected,
                trust: Trust::Public,
                ..Handshake::default()
            },
            ..PathEvidence::default()
        });
    }

    /// The path of this name.
    pub fn on(&mut self, name: &str) -> On<'_> {
        On {
            path: self.paths.iter_mut().find(|path| path.name == name).unwrap(),
            evidence: self
                .evidence
                .paths
                .iter_mut()
                .find(|probed| probed.path == name)
                .unwrap(),
        }
    }

    /// Diagnoses, and checks the limits of all messages.
    pub fn diagnose(&self) -> Diagnosis {
        let diagnosis = diagnose(&Case {
            request: self.request.clone(),
            paths: self.paths.clone(),
            evidence: &self.evidence,
            context: self.context.clone(),
        });
        assert_messages_fit(&diagnosis);
        diagnosis
    }

    /// `State Code@path` of the verdict, the part that tests compare.
    pub fn verdict(&self) -> String {
        headline(&self.diagnose())
    }
}

/// A finding of an earlier run.
pub(super) fn found(code: Code, path: &str) -> FoundOn {
    FoundOn {
        code,
        path: path.into(),
    }
}

/// Whether an attribution, `Code@path`, is a buffered stream.
pub(super) fn is_buffering(attribution: &str) -> bool {
    ["StreamBuffered@", "StreamCompressed@"]
        .iter()
        .any(|code| attribution.starts_with(code))
}

/// The limits of every message: one line, bounded, without evidence or advice.
pub(super) fn assert_messages_fit(diagnosis: &Diagnosis) {
    let verdict = &diagnosis.verdict;
    let message = &verdict.message;
    assert!(message.len() <= 200, "{} bytes: {message}", message.len());
    assert!(
        verdict.advice.is_empty() || !message.contains(&verdict.advice),
        "{message}"
    );
    let mut texts = vec![message];
    for condition in &diagnosis.conditions {
        let message = &condition.message;
        assert!(message.len() <= 160, "{} bytes: {message}", message.len());
        texts.push(message);
    }
    for text in texts {
        assert!(
            !text.is_empty() && !text.contains('\n') && !text.ends_with('…'),
            "{text}"
        );
    }
}

/// The evidence of all findings.
pub(super) fn evidence(diagnosis: &Diagnosis) -> String {
    let all: Vec<&str> = diagnosis
        .findings
        .iter()
        .map(|finding| finding.evidence.as_str())
        .collect();
    all.join("; ")
}

/// `State Code@path` of a verdict.
pub(super) fn headline(diagnosis: &Diagnosis) -> String {
    let verdict = &diagnosis.verdict;
    format!("{:?} {}@{}", verdict.state, verdict.code, verdict.path)
}

/// Findings that attribute a failure: `Code@path` of at least `Likely`, sorted.
pub(super) fn attributions(findings: &[Finding]) -> Vec<String> {
    let mut names: Vec<String> = findings
        .iter()
        .filter(|finding| finding.confidence >= crate::catalogue::Confidence::Likely)
        .map(|finding| format!("{}@{}", finding.code, finding.path))
        .collect();
    names.sort();
    names
}

impl On<'_> {
    /// The frozen request's reply.
    pub fn frozen(self, reply: Exchange) -> Self {
        self.reply(K::Frozen, reply)
    }

    /// The reply to an exchange of this kind.
    pub fn reply(self, kind: K, reply: Exchange) -> Self {
        self.evidence.exchanges.push(Exchange { kind, ..reply });
        self
    }

    /// Claude rejects the path's key with the first, a random one as invalid, and answers no key with the second.
    pub fn key_rejected(self, ours: ErrorClass, none: ErrorClass) -> Self {
        self.frozen(claude(401, ours))
            .reply(K::BadKey, claude(401, ErrorClass::KeyInvalid))
            .reply(K::NoKey, claude(401, none))
    }

    /// The key is a gateway's own.
    pub fn virtual_key(self) -> Self {
        self.path.key_ref = Some("gateway-key/key".into());
        self.path.expect_same_account = false;
        if let Some(key) = &mut self.evidence.key {
            key.kind = KeyKind::Foreign;
            key.fingerprint = "fffff".into();
        }
        self
    }

    /// The connection to the first hop ended so, and nothing was sent.
    pub fn unreached(self, reach: Reach) -> Self {
        self.evidence.handshake.outcome = reach;
        self
    }
}

/// An answered exchange with this status.
pub(super) fn reply(status: u16) -> Exchange {
    Exchange {
        status,
        first_byte_ms: Some(120),
        total_ms: Some(125),
        ..Exchange::new(K::Frozen, Outcome::Answered)
    }
}

/// Claude's traits on any reply.
pub(super) fn genuine() -> ReplyTraits {
    ReplyTraits::REQUEST_ID
        .with(ReplyTraits::CF_RAY)
        .with(ReplyTraits::SERVER_CLOUDFLARE)
}

/// A complete message or token count of Claude's.
pub(super) fn ok() -> Exchange {
    Exchange {
        traits: genuine().with(ReplyTraits::RATE_LIMITS).with(ReplyTraits::ACCOUNT),
        body: BodyKind::AsAsked,
        request_id: Some("req_011CeCGmC8uwD58unxgBN8Qx".into()),
        account: Some(7),
        model_matches: Some(true),
        ..reply(200)
    }
}

/// A complete stream of Claude's: 30 events over 2.4 s.
pub(super) fn stream() -> Exchange {
    Exchange {
        stream: Some(StreamEvidence {
            events: 30,
            pings: 1,
            bytes: 4_000,
            reads: 28,
            first_event_ms: Some(400),
            first_token_ms: Some(420),
            last_event_ms: Some(2_800),
            end_ms: 2_805,
            max_gap_ms: 110,
            message_stop: true,
            framing_complete: true,
            last_event: EventKind::MessageStop,
            padded: Some(true),
            ..StreamEvidence::default()
        }),
        first_byte_ms: Some(390),
        total_ms: Some(2_805),
        ..ok()
    }
}

/// An error of Claude's, as it comes.
pub(super) fn claude(status: u16, class: ErrorClass) -> Exchange {
    Exchange {
        traits: genuine()
            .with(ReplyTraits::ENVELOPE)
            .with(ReplyTraits::BODY_REQUEST_ID)
            .with(ReplyTraits::IDS_AGREE),
        error: class,
        request_id: Some("req_011CeCGmDjaWkq37Sf5iU7so".into()),
        ..reply(status)
    }
}

/// An error in Claude's shape and words, without any id.
pub(super) fn lookalike(status: u16, class: ErrorClass) -> Exchange {
    Exchange {
        traits: ReplyTraits::ENVELOPE,
        error: class,
        ..reply(status)
    }
}

/// An error in Claude's shape with made-up ids.
pub(super) fn minted(status: u16, class: ErrorClass) -> Exchange {
    let ids = ReplyTraits::REQUEST_ID
        .with(ReplyTraits::BODY_REQUEST_ID)
        .with(ReplyTraits::IDS_AGREE);
    Exchange {
        traits: ReplyTraits::ENVELOPE.with(ids).with(ReplyTraits::ID_ODD),
        error: class,
        ..reply(status)
    }
}

/// An error page of a gateway that we do not know: HTML, no ids, no known words.
pub(super) fn page(status: u16) -> Exchange {
    Exchange {
        traits: ReplyTraits::HTML,
        ..reply(status)
    }
}

/// A stream that Claude began and that ended without `message_stop`: `events` events, the last at `last` ms, the end at
/// `end`.
pub(super) fn cut(outcome: Outcome, events: u32, last: u32, end: u32) -> Exchange {
    let whole = stream();
    Exchange {
        outcome,
        total_ms: Some(end),
        stream: Some(StreamEvidence {
            events,
            pings: 0,
            bytes: events * 120,
            reads: events,
            first_event_ms: (events > 0).then_some(400),
            first_token_ms: (events > 2).then_some(420),
            last_event_ms: (events > 0).then_some(last),
            end_ms: end,
            max_gap_ms: 110,
            message_stop: false,
            framing_complete: outcome == Outcome::Answered,
            last_event: EventKind::BlockDelta,
            padded: None,
            ..StreamEvidence::default()
        }),
        ..whole
    }
}

/// A complete stream of Claude's with a silence of `gap` ms in it.
pub(super) fn slow_stream(gap: u32) -> Exchange {
    changed(stream(), |stream| {
        stream.max_gap_ms = gap;
        stream.last_event_ms = Some(2_800 + gap);
        stream.end_ms = 2_805 + gap;
    })
}

/// A stream with something about it changed.
pub(super) fn changed(mut exchange: Exchange, change: impl FnOnce(&mut StreamEvidence)) -> Exchange {
    change(exchange.stream.as_mut().unwrap());
    exchange
}

/// A reply whose first byte came after `ms`.
pub(super) fn after(ms: u32, reply: Exchange) -> Exchange {
    Exchange {
        first_byte_ms: Some(ms),
        total_ms: Some(ms + 5),
        ..reply
    }
}

/// An exchange that ended so before any response head.
pub(super) fn nothing(outcome: Outcome) -> Exchange {
    Exchange::new(K::Frozen, outcome)
}
