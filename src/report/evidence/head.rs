//! The head of an answer, header by header, as it departs from the one that Claude is known to send.
//!
//! The list of headers is closed: those of a genuine answer. A departure is no fault by itself (Claude may send another
//! head one day); what counts is that a gateway's answer departs where the control's does not.

use serde::{Deserialize, Serialize};
use strum::FromRepr;

/// A header of Claude's answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, FromRepr)]
#[repr(u8)]
pub enum ReplyHeader {
    /// `request-id`.
    RequestId = 0,
    /// `anthropic-ratelimit-requests-*`.
    RequestLimits = 1,
    /// `anthropic-ratelimit-tokens-*`.
    TokenLimits = 2,
    /// `anthropic-ratelimit-input-tokens-*`.
    InputTokenLimits = 3,
    /// `anthropic-ratelimit-output-tokens-*`.
    OutputTokenLimits = 4,
    /// `anthropic-organization-id`.
    OrganizationId = 5,
    /// `anthropic-workspace-id`.
    WorkspaceId = 6,
    /// `traceresponse`.
    TraceResponse = 7,
    /// `strict-transport-security`.
    StrictTransportSecurity = 8,
    /// `content-security-policy`.
    ContentSecurityPolicy = 9,
    /// `x-robots-tag`.
    RobotsTag = 10,
    /// `cf-ray`.
    CfRay = 11,
    /// `cf-cache-status`.
    CfCacheStatus = 12,
    /// `server`.
    Server = 13,
    /// `date`.
    Date = 14,
    /// `vary`.
    Vary = 15,
    /// `cache-control`.
    CacheControl = 16,
    /// `content-type`.
    ContentType = 17,
}

impl ReplyHeader {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::RequestId,
        Self::RequestLimits,
        Self::TokenLimits,
        Self::InputTokenLimits,
        Self::OutputTokenLimits,
        Self::OrganizationId,
        Self::WorkspaceId,
        Self::TraceResponse,
        Self::StrictTransportSecurity,
        Self::ContentSecurityPolicy,
        Self::RobotsTag,
        Self::CfRay,
        Self::CfCacheStatus,
        Self::Server,
        Self::Date,
        Self::Vary,
        Self::CacheControl,
        Self::ContentType,
    ];

    /// Its name in lower case; a group's ends with `-`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RequestId => "request-id",
            Self::RequestLimits => "anthropic-ratelimit-requests-",
            Self::TokenLimits => "anthropic-ratelimit-tokens-",
            Self::InputTokenLimits => "anthropic-ratelimit-input-tokens-",
            Self::OutputTokenLimits => "anthropic-ratelimit-output-tokens-",
            Self::OrganizationId => "anthropic-organization-id",
            Self::WorkspaceId => "anthropic-workspace-id",
            Self::TraceResponse => "traceresponse",
            Self::StrictTransportSecurity => "strict-transport-security",
            Self::ContentSecurityPolicy => "content-security-policy",
            Self::RobotsTag => "x-robots-tag",
            Self::CfRay => "cf-ray",
            Self::CfCacheStatus => "cf-cache-status",
            Self::Server => "server",
            Self::Date => "date",
            Self::Vary => "vary",
            Self::CacheControl => "cache-control",
            Self::ContentType => "content-type",
        }
    }

    /// Whether this is one of the groups that count a rate limit.
    #[must_use]
    pub const fn is_limit(self) -> bool {
        matches!(
            self,
            Self::RequestLimits | Self::TokenLimits | Self::InputTokenLimits | Self::OutputTokenLimits
        )
    }
}

/// How a header of an answer departs from Claude's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Departure {
    /// It is not there.
    Absent,
    /// It has another value than Claude's usual one; 4 bits of that value's digest.
    Value(u8),
    /// It stands on several lines.
    Repeated,
    /// One line has several values where there is one: lines that a hop joined.
    Merged,
}

/// How the names of an answer's headers are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, FromRepr)]
#[repr(u8)]
pub enum Spelling {
    /// Not seen, or HTTP/2, where all names are in lower case.
    #[default]
    Unknown = 0,
    /// Some with capitals and some without, as Claude's.
    Mixed = 1,
    /// All in lower case.
    Lower = 2,
    /// All with capitals, as some libraries write them.
    Capital = 3,
}

/// The head of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeadEvidence {
    /// How names are written.
    pub spelling: Spelling,
    /// Headers that depart from Claude's usual head, in the order of [`ReplyHeader::ALL`], each at most once.
    pub departures: Vec<(ReplyHeader, Departure)>,
    /// Names that Claude's answers do not have, framing left out; 15 stands for more.
    pub foreign: u8,
}

impl HeadEvidence {
    /// How this header departs from Claude's, if it does.
    #[must_use]
    pub fn departure(&self, header: ReplyHeader) -> Option<Departure> {
        let found = self.departures.iter().find(|(of, _)| *of == header);
        found.map(|(_, departure)| *departure)
    }
}
