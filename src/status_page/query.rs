//! What a reader asks the overview for, out of the URL's query.

use serde::Deserialize;
use url::form_urlencoded::Serializer;

use super::Row;
use crate::resource::status::VerdictState;
use crate::text::plain::plain;

/// Seconds between two loads that a reader may choose.
pub const REFRESH: [u32; 3] = [10, 30, 300];
/// Probes per page.
const PER_PAGE: usize = 200;

/// The states, the worst first.
pub const STATES: [VerdictState; 5] = [
    VerdictState::Failing,
    VerdictState::Inconclusive,
    VerdictState::Unknown,
    VerdictState::Degraded,
    VerdictState::Healthy,
];

/// The query as it came.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Raw {
    namespace: String,
    state: String,
    page: String,
    refresh: String,
}

/// Which probes, and how often anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Of this namespace only; empty for all.
    pub namespace: String,
    /// Of this state only.
    pub state: Option<VerdictState>,
    /// From 1 on.
    pub page: usize,
    /// Seconds; 0: only when the reader loads it.
    pub refresh: u32,
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// A sentence that names the field and what it takes.
    pub fn parse(raw: &Raw) -> Result<Self, String> {
        let state = match raw.state.as_str() {
            "" => None,
            text => Some(
                STATES
                    .into_iter()
                    .find(|state| format!("{state:?}").eq_ignore_ascii_case(text))
                    .ok_or("state is one of Failing, Inconclusive, Unknown, Degraded, Healthy.")?,
            ),
        };
        let page = match raw.page.as_str() {
            "" => 1,
            text => text
                .parse()
                .ok()
                .filter(|page| *page > 0)
                .ok_or("page is a number from 1 on.")?,
        };
        let refresh = match raw.refresh.as_str() {
            "" | "0" => 0,
            text => text
                .parse()
                .ok()
                .filter(|seconds| REFRESH.contains(seconds))
                .ok_or("refresh is 0, 10, 30 or 300 seconds.")?,
        };
        Ok(Self {
            namespace: plain(&raw.namespace),
            state,
            page,
            refresh,
        })
    }

    /// Whether a probe is asked for.
    #[must_use]
    pub fn takes(&self, row: &Row) -> bool {
        self.in_namespace(row) && self.state.is_none_or(|state| state == row.listed.verdict.state)
    }

    /// Whether a probe is in the namespace that is asked for.
    #[must_use]
    pub fn in_namespace(&self, row: &Row) -> bool {
        self.namespace.is_empty() || self.namespace == row.listed.namespace
    }

    /// The rows of this page, and how many pages there are.
    #[must_use]
    pub fn cut<'a, 'b>(&self, rows: &'b [&'a Row]) -> (&'b [&'a Row], usize) {
        let pages = rows.len().div_ceil(PER_PAGE).max(1);
        let page = rows.chunks(PER_PAGE).nth(self.page - 1).unwrap_or_default();
        (page, pages)
    }

    /// The same with another state, from its first page on.
    #[must_use]
    pub fn with_state(&self, state: Option<VerdictState>) -> Self {
        Self {
            state,
            page: 1,
            ..self.clone()
        }
    }

    /// The same on another page.
    #[must_use]
    pub fn with_page(&self, page: usize) -> Self {
        Self { page, ..self.clone() }
    }

    /// The overview's URL that says this.
    #[must_use]
    pub fn link(&self) -> String {
        let mut query = Serializer::new(String::new());
        if !self.namespace.is_empty() {
            query.append_pair("namespace", &self.namespace);
        }
        if let Some(state) = self.state {
            query.append_pair("state", &format!("{state:?}"));
        }
        if self.page > 1 {
            query.append_pair("page", &self.page.to_string());
        }
        if self.refresh > 0 {
            query.append_pair("refresh", &self.refresh.to_string());
        }
        match query.finish() {
            query if query.is_empty() => "/".to_owned(),
            query => format!("/?{query}"),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn raw(state: &str, page: &str, refresh: &str) -> Raw {
        Raw {
            namespace: "a b".into(),
            state: state.into(),
            page: page.into(),
            refresh: refresh.into(),
        }
    }

    #[test]
    fn what_is_read_is_what_a_link_says() {
        let query = Query::parse(&raw("failing", "2", "30")).unwrap();
        assert_eq!(query.link(), "/?namespace=a+b&state=Failing&page=2&refresh=30");
        assert_eq!(query.with_state(None).link(), "/?namespace=a+b&refresh=30");
        assert_eq!(Query::parse(&Raw::default()).unwrap().link(), "/");
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (raw, named) in [
            (raw("odd", "", ""), "state"),
            (raw("", "0", ""), "page"),
            (raw("", "", "1"), "refresh"),
        ] {
            assert!(Query::parse(&raw).unwrap_err().starts_with(named));
        }
    }
}
