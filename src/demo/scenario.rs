//! The demo's faults as data: the set-up, and the cause that a diagnosis must find.

use std::time::Duration;

use http::StatusCode;

use super::gateway::{Answer, Behaviour, Edit, Relay, Timer};
use crate::catalogue::Code;
use crate::resource::status::VerdictState;
use crate::standin::{Ending, ErrorName, Fault, Page, Rule};

/// A key that the stand-in does not know: what an old key is.
pub const OLD_KEY: &str = "sk-ant-api03-an-older-key-that-was-rotated-away-0000000000000000000000000000000000000000AA";

/// One fault of the demo.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Short name, for `--only`.
    pub name: &'static str,
    /// What is set up, for people.
    pub fault: &'static str,
    /// The key that the client holds, where it is not the good one.
    pub key: Option<String>,
    /// The gateway.
    pub gateway: Setup,
    /// What Claude does wrong on the direct path; and through the gateway, unless `behind` says otherwise.
    pub claude: Vec<Rule>,
    /// What Claude does wrong through the gateway only, as seen from another address.
    pub behind: Option<Vec<Rule>>,
    /// The direct path is blocked.
    pub no_control: bool,
    /// Time between two events of a stream.
    pub pace: Duration,
    /// Time to measure: what does not answer uses all of it.
    pub timeout: Duration,
    /// The verdict that is right.
    pub expect: Expected,
}

/// What stands at the gateway's URL.
#[derive(Clone, Debug)]
pub enum Setup {
    /// A gateway of this behaviour.
    Up(Behaviour),
    /// A faithful gateway whose upstream refuses connections.
    UpstreamDown,
    /// A port on which nothing listens.
    Down,
    /// A name that does not exist.
    NoSuchHost,
    /// A faithful gateway, and a base URL whose path leads nowhere.
    WrongPath,
}

/// The verdict that is right for a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// State.
    pub state: VerdictState,
    /// The finding, `None` for a healthy path.
    pub code: Option<Code>,
    /// The verdict's path.
    pub path: &'static str,
}

/// Name of the gateway's path.
pub const GATEWAY: &str = "gateway";

impl Scenario {
    fn new(name: &'static str, fault: &'static str, code: Code) -> Self {
        Self {
            name,
            fault,
            key: None,
            gateway: Setup::Up(Behaviour::default()),
            claude: Vec::new(),
            behind: None,
            no_control: false,
            pace: Duration::from_millis(5),
            timeout: Duration::from_secs(30),
            expect: Expected {
                state: VerdictState::Failing,
                code: Some(code),
                path: GATEWAY,
            },
        }
    }

    /// The gateway's behaviour, where that and Claude's are all that makes the fault: such faults take turns on one
    /// stage.
    #[must_use]
    pub fn behaviour(&self) -> Option<&Behaviour> {
        match &self.gateway {
            Setup::Up(behaviour) if self.key.is_none() && self.behind.is_none() && !self.no_control => Some(behaviour),
            _ => None,
        }
    }

    fn up(mut self, behaviour: Behaviour) -> Self {
        self.gateway = Setup::Up(behaviour);
        self
    }

    fn edits(self, edits: Vec<Edit>) -> Self {
        self.up(Behaviour {
            edits,
            ..Behaviour::default()
        })
    }

    fn answers(self, answer: Answer) -> Self {
        self.up(Behaviour {
            answer: Some(answer),
            ..Behaviour::default()
        })
    }

    fn relays(self, body: Relay) -> Self {
        self.up(Behaviour {
            body,
            ..Behaviour::default()
        })
    }

    fn setup(mut self, gateway: Setup) -> Self {
        self.gateway = gateway;
        self
    }

    fn claude(mut self, fault: Fault) -> Self {
        self.claude.push(Rule::always(fault));
        self
    }

    fn behind(mut self, fault: Fault) -> Self {
        self.behind = Some(vec![Rule::always(fault)]);
        self
    }

    fn pace(mut self, ms: u64) -> Self {
        self.pace = Duration::from_millis(ms);
        self
    }

    fn degraded(mut self) -> Self {
        self.expect.state = VerdictState::Degraded;
        self
    }

    fn on(mut self, path: &'static str) -> Self {
        self.expect.path = path;
        self
    }
}

/// All scenarios, in the order of the layers.
#[must_use]
pub fn all() -> Vec<Scenario> {
    let mut list = vec![healthy()];
    list.extend(credentials());
    list.extend(requests());
    list.extend(streams());
    list.extend(network());
    list.extend(quota());
    list.extend(upstream());
    list
}

fn healthy() -> Scenario {
    let mut healthy = Scenario::new(
        "healthy",
        "none: the gateway forwards everything",
        Code::GatewayUnavailable,
    );
    healthy.expect = Expected {
        state: VerdictState::Healthy,
        code: None,
        path: "",
    };
    healthy
}

fn credentials() -> Vec<Scenario> {
    let mut rejected = Scenario::new("rejected-key", "the key was revoked", Code::CredentialRejected).on("");
    rejected.key = Some(OLD_KEY.into());
    vec![
        Scenario::new(
            "stale-key",
            "the gateway injects a key from before the rotation",
            Code::GatewayStaleCredential,
        )
        .edits(vec![
            Edit::Remove("authorization"),
            Edit::Set("x-api-key", OLD_KEY.into()),
        ]),
        Scenario::new("stripped-key", "the gateway drops x-api-key", Code::CredentialStripped)
            .edits(vec![Edit::Remove("x-api-key"), Edit::Remove("authorization")]),
        rejected,
        Scenario::new(
            "gateway-auth",
            "the gateway requires a credential of its own",
            Code::GatewayAuthRefused,
        )
        .answers(Answer {
            status: StatusCode::UNAUTHORIZED,
            headers: vec![("www-authenticate", "Basic realm=\"gateway\"")],
            content_type: "text/html",
            body: "<html><body><h1>401 Authorization Required</h1></body></html>",
        }),
    ]
}

fn requests() -> Vec<Scenario> {
    vec![
        Scenario::new(
            "dropped-beta",
            "the gateway drops anthropic-beta",
            Code::BetaHeaderStripped,
        )
        .edits(vec![Edit::Remove("anthropic-beta")])
        .degraded(),
        Scenario::new(
            "pinned-version",
            "the gateway pins anthropic-version",
            Code::VersionHeaderRewritten,
        )
        .edits(vec![Edit::Set("anthropic-version", "2023-06-01".into())])
        .degraded(),
        Scenario::new(
            "policy",
            "the gateway's access policy denies the client",
            Code::GatewayPolicyDenied,
        )
        .answers(Answer {
            status: StatusCode::FORBIDDEN,
            headers: Vec::new(),
            content_type: "text/plain",
            body: "RBAC: access denied",
        }),
        Scenario::new(
            "wrong-route",
            "the base URL has a path without a route in the gateway",
            Code::WrongRoute,
        )
        .setup(Setup::WrongPath),
    ]
}

fn streams() -> Vec<Scenario> {
    let second = Duration::from_secs(1);
    let timed = |timer| Relay::Timed { timer, limit: second };
    // Claude thinks for two seconds in the middle of the answer.
    let silence = Fault::Silence {
        after_events: 6,
        ms: 2_000,
        ping_every_ms: None,
    };
    vec![
        Scenario::new(
            "idle-timer",
            "the gateway closes the stream after 1 s without an event",
            Code::StreamIdleTimeout,
        )
        .relays(timed(Timer::Idle))
        .claude(silence),
        Scenario::new(
            "total-timer",
            "the gateway closes the stream 1 s after its start",
            Code::StreamDurationCap,
        )
        .relays(timed(Timer::Total))
        .pace(150),
        Scenario::new(
            "masked-cut",
            "the gateway ends a broken stream as if it were complete",
            Code::StreamTruncationMasked,
        )
        .relays(Relay::EndsCleanly)
        .behind(Fault::Cut {
            after_events: 8,
            how: Ending::Fin,
        }),
        Scenario::new(
            "first-byte",
            "the gateway's first-byte timeout is 1 s, Claude needs 1.5 s",
            Code::FirstByteTimeout,
        )
        .up(Behaviour {
            first_byte: Some(second),
            ..Behaviour::default()
        })
        .claude(Fault::Delay { ms: 1_500 }),
        Scenario::new("buffering", "the gateway buffers the stream", Code::StreamBuffered)
            .relays(Relay::Buffered)
            .pace(120)
            .degraded(),
    ]
}

fn network() -> Vec<Scenario> {
    let mut blocked = Scenario::new(
        "no-egress",
        "the direct path is blocked, the gateway works",
        Code::DirectPathUnreachable,
    )
    .degraded()
    .on("direct");
    blocked.no_control = true;
    let mut silent = Scenario::new(
        "silent",
        "the gateway accepts the request and never replies",
        Code::NoReply,
    )
    .up(Behaviour {
        silent: true,
        ..Behaviour::default()
    });
    silent.timeout = Duration::from_secs(4);
    vec![
        Scenario::new(
            "upstream-down",
            "the gateway's upstream rejects connections",
            Code::UpstreamUnreachable,
        )
        .setup(Setup::UpstreamDown),
        Scenario::new(
            "gateway-down",
            "nothing listens at the gateway's address",
            Code::GatewayConnectFailed,
        )
        .setup(Setup::Down),
        Scenario::new(
            "no-such-host",
            "the gateway's name does not resolve",
            Code::GatewayDnsFailure,
        )
        .setup(Setup::NoSuchHost),
        silent,
        Scenario::new(
            "egress-address",
            "Claude's edge blocks the gateway's IP address",
            Code::EgressAddressRefused,
        )
        .behind(Fault::Edge(Page::Forbidden)),
        blocked,
    ]
}

fn quota() -> Vec<Scenario> {
    vec![
        Scenario::new(
            "gateway-limit",
            "the gateway's own rate limit",
            Code::GatewayRateLimited,
        )
        .answers(Answer {
            status: StatusCode::TOO_MANY_REQUESTS,
            headers: Vec::new(),
            content_type: "text/plain",
            body: "local_rate_limited",
        }),
        Scenario::new("rate-limit", "Claude's limit on requests per minute", Code::RateLimited)
            .claude(Fault::Error(ErrorName::RateLimitRequests))
            .on(""),
        Scenario::new(
            "spend-limit",
            "the organisation's spend limit is reached",
            Code::QuotaExhausted,
        )
        .claude(Fault::Error(ErrorName::SpendLimitEnforced))
        .on(""),
        Scenario::new(
            "concurrency",
            "too many connections at once for this key",
            Code::ConcurrencyLimited,
        )
        .claude(Fault::Error(ErrorName::Concurrency))
        .on(""),
    ]
}

fn upstream() -> Vec<Scenario> {
    vec![
        Scenario::new(
            "permission",
            "the key's workspace may not use the model",
            Code::PermissionDenied,
        )
        .claude(Fault::Error(ErrorName::Permission))
        .on(""),
        Scenario::new("overloaded", "Claude is overloaded", Code::UpstreamOverloaded)
            .claude(Fault::Error(ErrorName::Overloaded))
            .on(""),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_distinct_and_fit_a_table() {
        let names: BTreeSet<&str> = all().iter().map(|scenario| scenario.name).collect();
        assert_eq!(names.len(), all().len());
        assert!(names.iter().all(|name| name.len() <= 16));
    }
}
