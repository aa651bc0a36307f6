//! What two paths have in common, and so in which respects a rule may compare them.
//!
//! A rule names the facets that it needs and gives no finding without them: with another key none about credentials,
//! with another account none about quota, with another backend none about headers and ids, with an intercepted control
//! none about headers, bodies, streams and timing.

use super::path::PathView;
use crate::report::evidence::{Departure, HeadEvidence, ReplyHeader, Spelling, same_account};

/// A gateway beside the control.
pub(super) struct Pair<'v, 'a> {
    /// The control.
    pub direct: &'v PathView<'a>,
    gateway: &'v PathView<'a>,
}

impl<'v, 'a> Pair<'v, 'a> {
    /// A gateway and the control of its case.
    pub fn new(direct: &'v PathView<'a>, gateway: &'v PathView<'a>) -> Self {
        Self { direct, gateway }
    }

    /// Both use the same Secret's key, and the run saw the same fingerprint where it saw both.
    pub fn same_key(&self) -> bool {
        let named = self.direct.case.key_ref.is_some() && self.direct.case.key_ref == self.gateway.case.key_ref;
        let seen = match (self.direct.key(), self.gateway.key()) {
            (Some(direct), Some(gateway)) => direct.fingerprint == gateway.fingerprint,
            _ => true,
        };
        named && seen
    }

    /// Whether Claude named the same organisation and workspace on both; `None` when it did not name it on both.
    pub fn same_account(&self) -> Option<bool> {
        let account = |path: &PathView<'_>| {
            let judged = path.main().and_then(|main| main.account);
            judged.or_else(|| path.exchanges().filter_map(|exchange| exchange.account).min())
        };
        same_account(account(self.direct)?, account(self.gateway)?)
    }

    /// Both lead to the Claude API.
    pub fn same_backend(&self) -> bool {
        self.gateway.speaks_claude()
    }

    /// The same model is requested on both.
    pub fn same_model(&self) -> bool {
        self.direct.case.model == self.gateway.case.model
    }

    /// The control answered the frozen request completely, so that a gateway is comparable with it in credential, quota
    /// and upstream.
    pub fn direct_works(&self) -> bool {
        self.direct.is_complete()
    }

    /// A gateway is comparable with the control in headers, body, stream and timing, too.
    pub fn direct_unaltered(&self) -> bool {
        !self.direct.intercepted() && self.same_backend()
    }
}

/// How the head of a gateway's answer differs from the control's, in closed classes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct HeadDifference {
    /// The control's answer has it, the gateway's has not.
    pub dropped: Vec<ReplyHeader>,
    /// Both have it, with different values where Claude's is always the same.
    pub changed: Vec<ReplyHeader>,
    /// One line on the gateway with values that stand apart, or alone, on the control.
    pub merged: Vec<ReplyHeader>,
    /// Several lines on the gateway and one on the control.
    pub repeated: Vec<ReplyHeader>,
    /// So many names more than on the control that Claude's answers do not have; 0 when they are fewer.
    pub added: u8,
    /// How the gateway writes names, where the control's are written otherwise.
    pub recased: Option<Spelling>,
}

impl HeadDifference {
    /// The gateway's head beside the control's. What departs from Claude's usual head on both is no difference.
    pub fn between(direct: &HeadEvidence, gateway: &HeadEvidence) -> Self {
        let mut found = Self {
            added: gateway.foreign.saturating_sub(direct.foreign),
            ..Self::default()
        };
        for header in ReplyHeader::ALL {
            let (theirs, ours) = (direct.departure(header), gateway.departure(header));
            if theirs == ours || theirs == Some(Departure::Absent) {
                continue;
            }
            match ours {
                Some(Departure::Absent) => found.dropped.push(header),
                Some(Departure::Merged) => found.merged.push(header),
                Some(Departure::Repeated) => found.repeated.push(header),
                Some(Departure::Value(_)) => found.changed.push(header),
                // As Claude usually writes it; the control's own departs, so whose was changed is open.
                None => {}
            }
        }
        let seen = |head: &HeadEvidence| head.spelling != Spelling::Unknown;
        found.recased =
            (seen(direct) && seen(gateway) && direct.spelling != gateway.spelling).then_some(gateway.spelling);
        found
    }

    /// Whether anything differs but what every proxy writes in its own way: `server`, the spelling of names, names of
    /// its own.
    pub fn concerns_claudes_headers(&self) -> bool {
        [&self.dropped, &self.changed, &self.merged, &self.repeated]
            .into_iter()
            .flatten()
            .any(|header| *header != ReplyHeader::Server)
    }
}

/// Whether two times are the same but for noise: 5 %, at least 60 ms.
pub(super) fn same_time(a: u32, b: u32) -> bool {
    let slack = (a.max(b) / 20).max(60);
    a.abs_diff(b) <= slack
}
