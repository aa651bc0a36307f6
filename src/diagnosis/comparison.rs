//! What two paths have in common, and what one may be held against the other for.
//!
//! A rule names the facets that it needs and is silent without them: with another key nothing is said about credentials,
//! with another account nothing about quota, with another backend nothing about headers and ids, on an intercepted control
//! nothing about headers, bodies, streams and timing.

use super::view::{Leg, View};
use crate::report::evidence::same_account;

/// A gateway beside the control.
pub(super) struct Pair<'v, 'a> {
    /// The control.
    pub direct: &'v Leg<'a>,
    gateway: &'v Leg<'a>,
}

impl<'v, 'a> Pair<'v, 'a> {
    /// The gateway with the control; `None` without a control or for the control itself.
    pub fn of(view: &'v View<'a>, gateway: &'v Leg<'a>) -> Option<Self> {
        let direct = view.direct()?;
        (!gateway.path.is_direct()).then_some(Self { direct, gateway })
    }

    /// Both use the same Secret's key, and the run saw the same fingerprint where it saw both.
    pub fn same_key(&self) -> bool {
        let named = self.direct.path.key_ref.is_some() && self.direct.path.key_ref == self.gateway.path.key_ref;
        let seen = match (self.direct.key(), self.gateway.key()) {
            (Some(direct), Some(gateway)) => direct.fingerprint == gateway.fingerprint,
            _ => true,
        };
        named && seen
    }

    /// Whether Claude named the same organisation and workspace on both; `None` when it did not name it on both.
    pub fn same_account(&self) -> Option<bool> {
        let account = |leg: &Leg<'_>| {
            let judged = leg.main().and_then(|main| main.account);
            judged.or_else(|| leg.exchanges().filter_map(|exchange| exchange.account).min())
        };
        same_account(account(self.direct)?, account(self.gateway)?)
    }

    /// Both lead to the Claude API.
    pub fn same_backend(&self) -> bool {
        self.gateway.speaks_claude()
    }

    /// The same model is asked for on both.
    pub fn same_model(&self) -> bool {
        self.direct.path.model == self.gateway.path.model
    }

    /// The control answered the frozen request completely, and may be held against the gateway in matters of credential,
    /// quota and upstream.
    pub fn direct_works(&self) -> bool {
        self.direct.is_complete()
    }

    /// The control may be held against the gateway in matters of headers, body, stream and timing, too.
    pub fn direct_unaltered(&self) -> bool {
        !self.direct.intercepted() && self.same_backend()
    }
}

/// Whether two times are the same but for noise: 5 %, at least 60 ms.
pub(super) fn same_time(a: u32, b: u32) -> bool {
    let slack = (a.max(b) / 20).max(60);
    a.abs_diff(b) <= slack
}
