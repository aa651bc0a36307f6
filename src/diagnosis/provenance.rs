//! Who made this error reply: Claude, Claude's edge, a gateway that relays and rewrites, a gateway itself, or unknown.
//!
//! Uses reply traits, shape, and what else is known of the path ([`RelayProfile`]). Never decides from one header
//! alone: genuine replies can have `via`, gateways can add nothing, and an imitated envelope differs from a genuine one
//! only in its ids. Wording only raises the confidence of what shape and traits already show. Names no product and no
//! fault.

use crate::catalogue::Confidence;
use crate::claude::error::ErrorClass;
use crate::report::evidence::{Echo, Exchange, GatewayErrorKind, Product, ReplyTraits};

/// Who made a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Claude, relayed unchanged as far as the evidence shows.
    Claude,
    /// The edge in front of Claude.
    ClaudeEdge,
    /// Claude's answer inside or behind a reply that a gateway rewrote.
    Relayed,
    /// The gateway itself.
    Gateway,
    /// The evidence does not show it.
    Unknown,
}

/// The origin of a reply, its class in Claude's vocabulary, and how sure that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// Who.
    pub origin: Origin,
    /// What, the quoted inner error before the outer one. For [`Origin::Unknown`] and [`Origin::Gateway`] a wording
    /// only.
    pub class: ErrorClass,
    /// How sure.
    pub confidence: Confidence,
}

impl Provenance {
    /// Whether Claude or its edge decided this, whichever hop relayed it.
    #[must_use]
    pub fn from_upstream(self) -> bool {
        matches!(self.origin, Origin::Claude | Origin::ClaudeEdge | Origin::Relayed)
    }

    /// Whether this is upstream's decision, of this class.
    #[must_use]
    pub fn is_upstreams(self, class: ErrorClass) -> bool {
        self.from_upstream() && self.class == class
    }
}

/// How a path relays, as its other replies show. Absence of evidence is `false`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RelayProfile {
    /// An error came through with Claude's ids.
    pub error_ids: bool,
    /// A success came through with Claude's `request-id`.
    pub success_ids: bool,
    /// A success came without.
    pub success_bare: bool,
    /// An error without ids quoted a value that only upstream validates.
    pub relays_bare: bool,
    /// Where the direct path shows Claude's error, this one shows the same status with a body of its own.
    pub masks: bool,
    /// The server error that even a GET gets, which Claude rejects with another status on the control in the same run.
    pub fails_a_get: Option<u16>,
    /// Upstream's replies on this path have `cf-ray`.
    pub cf_ray: bool,
    /// This is the control: a reply in Claude's shape counts as Claude's by declaration.
    pub control: bool,
    /// This is the control, its host is api.anthropic.com, and a public CA vouches for it.
    pub first_party: bool,
}

impl RelayProfile {
    /// The profile that these replies show.
    #[must_use]
    pub fn observe<'a>(replies: impl Iterator<Item = &'a Exchange>) -> Self {
        let mut relay_profile = Self::default();
        for reply in replies {
            // Made-up ids show nothing of Claude's.
            let odd = reply.traits.has(ReplyTraits::ID_ODD);
            let id = reply.traits.has(ReplyTraits::REQUEST_ID) && !odd;
            if reply.is_success() {
                relay_profile.success_ids |= id;
                relay_profile.success_bare |= !id;
                relay_profile.cf_ray |= reply.traits.has(ReplyTraits::CF_RAY);
            } else if reply.status >= 400 && reply.traits.has(ReplyTraits::ENVELOPE) {
                let any = id || (reply.traits.has(ReplyTraits::BODY_REQUEST_ID) && !odd);
                relay_profile.error_ids |= any;
                relay_profile.relays_bare |= !any && quotes_a_header(reply);
                relay_profile.cf_ray |= any && reply.traits.has(ReplyTraits::CF_RAY);
            }
        }
        relay_profile
    }

    /// Whether a Claude-shaped error without an id cannot be Claude's on this path. Gateways that rewrite errors keep
    /// the headers of successes: for upstream errors only other errors count.
    fn ids_expected(self, reply: &Exchange) -> bool {
        let by_success = self.success_ids && !self.success_bare && reply.status < 500;
        !self.relays_bare && (self.error_ids || by_success)
    }
}

/// The origin of this reply. Meant for replies with an error status or an error body; a success is Claude's when it has
/// an id, else unknown.
#[must_use]
pub fn of(reply: &Exchange, relay_profile: RelayProfile) -> Provenance {
    let class = if reply.inner_error == ErrorClass::None {
        reply.error
    } else {
        reply.inner_error
    };
    let restated = reply
        .is_answer_restated()
        .then_some((Origin::Relayed, Confidence::Likely));
    let (origin, confidence) = restated
        .or_else(|| edge(reply, relay_profile))
        .or_else(|| begun(reply))
        .or_else(|| with_ids(reply, relay_profile))
        .unwrap_or_else(|| without_ids(reply, relay_profile));
    // The same error for a request that Claude rejects with another one shows that the gateway did not forward it.
    let (origin, confidence) = match origin {
        Origin::Unknown if relay_profile.fails_a_get == Some(reply.status) => (Origin::Gateway, Confidence::Likely),
        _ => (origin, confidence),
    };
    Provenance {
        origin,
        class,
        confidence,
    }
}

/// Replies of an edge: they have no id even when genuine.
fn edge(reply: &Exchange, relay_profile: RelayProfile) -> Option<(Origin, Confidence)> {
    let traits = reply.traits;
    let cloudflare = traits.has(ReplyTraits::CF_RAY) || traits.has(ReplyTraits::SERVER_CLOUDFLARE);
    if traits.has(ReplyTraits::EDGE_PAGE) {
        return Some((Origin::ClaudeEdge, Confidence::Certain));
    }
    if traits.has(ReplyTraits::FOREIGN_EDGE_PAGE) {
        return Some((Origin::Gateway, Confidence::Certain));
    }
    if traits.has(ReplyTraits::EDGE_FORBIDDEN) {
        return Some(match (cloudflare, relay_profile.cf_ray) {
            (true, _) => (Origin::ClaudeEdge, Confidence::Certain),
            (false, false) => (Origin::ClaudeEdge, Confidence::Likely),
            // Upstream's replies have a ray here, and this one does not: imitated, or stripped.
            (false, true) => (Origin::Unknown, Confidence::Possible),
        });
    }
    // Claude's edge rejects bodies above 32 MB in a shape of its own, without an id and without the envelope's outer
    // type.
    if reply.error == ErrorClass::TooLarge && !has_id(traits) && !traits.has(ReplyTraits::ENVELOPE) {
        let whole = traits.has(ReplyTraits::CF_RAY) && traits.has(ReplyTraits::SERVER_CLOUDFLARE);
        return match (whole || relay_profile.control, cloudflare) {
            (true, _) => Some((Origin::ClaudeEdge, Confidence::Likely)),
            (false, true) => Some((Origin::Unknown, Confidence::Possible)),
            (false, false) => None,
        };
    }
    let page = traits.has(ReplyTraits::HTML) || traits.has(ReplyTraits::CHALLENGE);
    // A hop wrapped a page of another's. Its origin is open, unless it names its host.
    let edges = matches!(reply.error, ErrorClass::EdgeChallenge | ErrorClass::EdgeUnavailable);
    if traits.has(ReplyTraits::WRAPPED_PAGE) && !has_id(traits) && (edges || matches!(reply.status, 400..=500)) {
        return Some((Origin::Unknown, Confidence::Possible));
    }
    if cloudflare && page && !has_id(traits) {
        // The owner of the zone is not known: many gateways sit behind the same provider.
        return Some(if relay_profile.first_party {
            (Origin::ClaudeEdge, Confidence::Certain)
        } else {
            (Origin::Unknown, Confidence::Possible)
        });
    }
    None
}

/// A hop's own text for a server error, with the headers of an answer: Claude sends the remaining limits with answers
/// and with its limits, hardly with an error of its own. A gateway that buffers an answer and does not get all of it
/// replies like this.
fn begun(reply: &Exchange) -> Option<(Origin, Confidence)> {
    let traits = reply.traits;
    let left = reply.headroom.is_some_and(|left| {
        let shares = [left.requests, left.input_tokens, left.output_tokens, left.tokens];
        shares.iter().flatten().all(|share| *share > 0)
    });
    let own = !traits.has(ReplyTraits::ENVELOPE) && !quotes(reply) && !is_only_claudes(reply) && foreign_body(traits);
    let counts = traits.has(ReplyTraits::RATE_LIMITS) && left && reply.retry_after_s.is_none();
    if !(own && counts && reply.status >= 500) {
        return None;
    }
    match reply.status {
        529 => None,
        // No status of Claude's.
        502 => Some((Origin::Gateway, Confidence::Likely)),
        _ => Some((Origin::Unknown, Confidence::Possible)),
    }
}

fn has_id(traits: ReplyTraits) -> bool {
    traits.has(ReplyTraits::REQUEST_ID)
        || traits.has(ReplyTraits::BODY_REQUEST_ID)
        || traits.has(ReplyTraits::INNER_REQUEST_ID)
}

/// How many of Claude's traits other than the id a reply has. `cf-ray` and `server: cloudflare` count as one: many
/// gateways sit behind the same provider.
fn support(traits: ReplyTraits) -> usize {
    let cloudflare = traits.has(ReplyTraits::CF_RAY) || traits.has(ReplyTraits::SERVER_CLOUDFLARE);
    let others = [
        ReplyTraits::ACCOUNT,
        ReplyTraits::RATE_LIMITS,
        ReplyTraits::SHOULD_RETRY,
    ];
    usize::from(cloudflare) + others.into_iter().filter(|flag| traits.has(*flag)).count()
}

/// Replies with an id of Claude's. An id alone is no proof: gateways mint `req_…` too, and copy earlier ones. So an id
/// that has not Claude's form, or came before, needs other traits of Claude's, and so does one on a foreign body.
fn with_ids(reply: &Exchange, relay_profile: RelayProfile) -> Option<(Origin, Confidence)> {
    let traits = reply.traits;
    let envelope = traits.has(ReplyTraits::ENVELOPE) && !traits.has(ReplyTraits::EXTRA_KEYS);
    let (header, body) = (
        traits.has(ReplyTraits::REQUEST_ID),
        traits.has(ReplyTraits::BODY_REQUEST_ID),
    );
    let agree = traits.has(ReplyTraits::IDS_AGREE);
    let support = support(traits);
    if !header && !body && !quotes(reply) {
        return None;
    }
    if reply.is_success() && header {
        return Some((Origin::Claude, Confidence::Likely));
    }
    // The reply quotes an error of Claude's, in any envelope.
    if quotes(reply) && !(envelope && agree) {
        let sure = traits.has(ReplyTraits::INNER_REQUEST_ID);
        return Some((
            Origin::Relayed,
            if sure { Confidence::Certain } else { Confidence::Likely },
        ));
    }
    let copied = traits.has(ReplyTraits::ID_SEEN) && !agree;
    if (traits.has(ReplyTraits::ID_ODD) && !relay_profile.control) || copied {
        return match support {
            0 => None,
            1 => Some((Origin::Unknown, Confidence::Possible)),
            _ => Some((Origin::Relayed, Confidence::Likely)),
        };
    }
    let rays_missing = relay_profile.cf_ray && !traits.has(ReplyTraits::CF_RAY);
    Some(match (header, body, envelope) {
        // Made anew around the id, or an answer of Claude's that was stored before.
        (true, true, true) if agree && (rays_missing || traits.has(ReplyTraits::ID_SEEN)) => {
            (Origin::Relayed, Confidence::Likely)
        }
        (true, true, true) if agree => (Origin::Claude, Confidence::Certain),
        // Text about a connection to an upstream, with the headers of a reply that had begun: made by a hop before the
        // last.
        (true, false, true) if describes_its_upstream(reply) || quotes_upstream(reply) => {
            (Origin::Gateway, Confidence::Likely)
        }
        // The body's id may be null on a genuine reply.
        (true, false, true) if support > 0 => (Origin::Claude, Confidence::Certain),
        (true, false, true) => (Origin::Claude, Confidence::Likely),
        (_, true, true) => (Origin::Relayed, Confidence::Likely),
        _ if support > 0 || traits.has(ReplyTraits::ENVELOPE) => (Origin::Relayed, Confidence::Likely),
        _ => (Origin::Unknown, Confidence::Possible),
    })
}

/// An error of Claude's, or its id, quoted inside another reply.
fn quotes(reply: &Exchange) -> bool {
    reply.traits.has(ReplyTraits::INNER_REQUEST_ID) || reply.inner_error != ErrorClass::None
}

/// Replies without any id: the relay profile and the body's shape decide, or the origin stays unknown.
fn without_ids(reply: &Exchange, relay_profile: RelayProfile) -> (Origin, Confidence) {
    let traits = reply.traits;
    if traits.has(ReplyTraits::ENVELOPE) {
        return match () {
            () if relay_profile.control => (Origin::Claude, Confidence::Likely),
            // The text of Claude's edge, which gives no id, in an envelope that it does not make.
            () if traits.has(ReplyTraits::CLAUDE_WORDS) && reply.error == ErrorClass::None => {
                (Origin::Unknown, Confidence::Possible)
            }
            () if relay_profile.relays_bare && !is_general(reply) => (Origin::Relayed, Confidence::Likely),
            // A hop that mints ids imitates the status, too, and so does one whose type is not the status's.
            () if is_only_claudes(reply) || (is_claudes_529(reply) && !traits.has(ReplyTraits::ID_ODD)) => {
                (Origin::Relayed, Confidence::Likely)
            }
            // Nor is that a status of Claude's.
            () if reply.status == 502 => (Origin::Gateway, Confidence::Likely),
            // Claude's envelope never has other keys, and its errors no vendor's headers of their own accord.
            () if has_own_traits(reply) => (Origin::Gateway, Confidence::Likely),
            () if relay_profile.ids_expected(reply) => (Origin::Gateway, Confidence::Likely),
            () => (Origin::Unknown, Confidence::Possible),
        };
    }
    if reply.status < 400 && !traits.has(ReplyTraits::REDIRECT) {
        return (Origin::Unknown, Confidence::Possible);
    }
    // Claude's limit and account headers stay even where a hop wrote the body; 529 is a status that only Claude uses. A
    // gateway may use Claude's limit headers for its own limits: those alone are no evidence.
    let accounts = [ReplyTraits::RATE_LIMITS, ReplyTraits::ACCOUNT]
        .into_iter()
        .filter(|flag| traits.has(*flag))
        .count();
    if accounts == 2 || reply.status == 529 {
        return (Origin::Relayed, Confidence::Likely);
    }
    if accounts == 1 {
        return (Origin::Unknown, Confidence::Possible);
    }
    if relay_profile.first_party {
        return (Origin::ClaudeEdge, Confidence::Likely);
    }
    if is_only_claudes(reply) {
        return (Origin::Relayed, Confidence::Likely);
    }
    let claude_answers_so = matches!(reply.status, 400..=500);
    // A gateway that replaces all errors, or quotes Claude's text: it may be Claude's decision.
    if (relay_profile.masks || traits.has(ReplyTraits::CLAUDE_WORDS)) && claude_answers_so {
        return (Origin::Unknown, Confidence::Possible);
    }
    // A body of its own around a type of Claude's: the cause stays open, unless the text names it.
    let claudes_trouble = matches!(
        reply.error,
        ErrorClass::Internal | ErrorClass::Timeout | ErrorClass::Overloaded
    );
    if reply.error_kind == GatewayErrorKind::UpstreamRefused && claude_answers_so
        || claudes_trouble && !is_worded(reply)
    {
        return (Origin::Unknown, Confidence::Possible);
    }
    if foreign_body(traits) {
        let sure = relay_profile.error_ids || traits.has(ReplyTraits::WWW_AUTHENTICATE) || is_worded(reply);
        let confidence = if sure { Confidence::Certain } else { Confidence::Likely };
        return (Origin::Gateway, confidence);
    }
    (Origin::Unknown, Confidence::Possible)
}

/// Whether the class is no more than its type, in text that is not known as Claude's. A gateway that replaces all
/// errors in Claude's shape does so with its own errors, too, and with those of hops behind it.
fn is_general(reply: &Exchange) -> bool {
    let by_type = matches!(
        reply.error,
        ErrorClass::None
            | ErrorClass::Unauthenticated
            | ErrorClass::Permission
            | ErrorClass::Throttled
            | ErrorClass::Internal
            | ErrorClass::Timeout
    );
    by_type && reply.echo == Echo::None && !reply.traits.has(ReplyTraits::CLAUDE_WORDS)
}

/// A status that only Claude uses, and only for overload.
fn is_claudes_529(reply: &Exchange) -> bool {
    reply.status == 529 && matches!(reply.error, ErrorClass::Overloaded | ErrorClass::None)
}

/// Claude's error about a header value of ours. Libraries that validate bodies return the same errors about bodies.
fn quotes_a_header(reply: &Exchange) -> bool {
    reply.echo != Echo::None && !matches!(reply.error, ErrorClass::ExtraInputs | ErrorClass::InvalidRequest)
}

/// Errors that only Claude returns: about a header value of ours, about Claude's own accounts and spend.
fn is_only_claudes(reply: &Exchange) -> bool {
    let limit_in_its_words = reply.traits.has(ReplyTraits::CLAUDE_WORDS)
        && matches!(
            reply.error,
            ErrorClass::RateLimit | ErrorClass::ConcurrencyLimit | ErrorClass::SpendLimitOwn | ErrorClass::Permission
        );
    let billing = reply.status == 402 && reply.error == ErrorClass::Billing;
    limit_in_its_words
        || billing
        || quotes_a_header(reply)
        || matches!(
            reply.error,
            ErrorClass::CreditExhausted
                | ErrorClass::SpendLimitEnforced
                | ErrorClass::AccelerationLimit
                | ErrorClass::OrganizationDisabled
                | ErrorClass::CorsDenied
                | ErrorClass::OauthUnsupported
        )
}

/// Traits that a reply in Claude's shape without an id has and Claude's never: extra keys together with a vendor's
/// header or text, or text about an upstream.
fn has_own_traits(reply: &Exchange) -> bool {
    let vendor = reply.traits.has(ReplyTraits::GATEWAY_HEADER) || is_worded(reply);
    let challenges =
        reply.traits.has(ReplyTraits::WWW_AUTHENTICATE) && (vendor || reply.error_kind != GatewayErrorKind::None);
    (reply.traits.has(ReplyTraits::EXTRA_KEYS) && vendor)
        || challenges
        || describes_its_upstream(reply)
        || quotes_upstream(reply)
}

/// Made by a product that always quotes upstream's error; without a quote the error is its own.
fn quotes_upstream(reply: &Exchange) -> bool {
    reply.product == Product::LiteLlm && reply.error_kind != GatewayErrorKind::None
}

/// Text about a connection to an upstream: the hop that wrote it is not the last.
fn describes_its_upstream(reply: &Exchange) -> bool {
    is_worded(reply)
        && matches!(
            reply.error_kind,
            GatewayErrorKind::ConnectFailed
                | GatewayErrorKind::ConnectTimeout
                | GatewayErrorKind::DnsFailure
                | GatewayErrorKind::TlsFailure
                | GatewayErrorKind::ClosedEarly
                | GatewayErrorKind::NoHealthyUpstream
                | GatewayErrorKind::Cooldown
        )
}

/// Whether the reply's text is a gateway's, and names more than its status.
#[must_use]
pub fn is_worded(reply: &Exchange) -> bool {
    !matches!(
        (reply.status, reply.error_kind),
        (_, GatewayErrorKind::None)
            | (401 | 407, GatewayErrorKind::AuthRequired)
            | (403, GatewayErrorKind::Denied)
            | (413, GatewayErrorKind::BodyTooLarge)
            | (429, GatewayErrorKind::RateLimited)
            | (431, GatewayErrorKind::HeaderTooLarge)
            | (504, GatewayErrorKind::ReplyTimeout)
            | (_, GatewayErrorKind::UpstreamRefused)
    )
}

/// A body that Claude itself never sends with an error, or a redirect, which it never sends at all.
fn foreign_body(traits: ReplyTraits) -> bool {
    [
        ReplyTraits::HTML,
        ReplyTraits::TEXT,
        ReplyTraits::EMPTY,
        ReplyTraits::OTHER_JSON,
        ReplyTraits::WWW_AUTHENTICATE,
        ReplyTraits::REDIRECT,
    ]
    .into_iter()
    .any(|flag| traits.has(flag))
}
