//! The overview's filter, from the URL's query.

use serde::Deserialize;
use url::form_urlencoded::Serializer;

use super::Row;
use crate::resource::status::VerdictState;
use crate::text::plain::plain;

/// Reload intervals to choose from, in seconds.
pub const REFRESH: [u32; 3] = [10, 30, 300];
/// Probes per page.
const PER_PAGE: usize = 200;

/// The states, worst first.
pub const STATES: [VerdictState; 5] = [
    VerdictState::Failing,
    VerdictState::Inconclusive,
    VerdictState::Unknown,
    VerdictState::Degraded,
    VerdictState::Healthy,
];

/// The unparsed query.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Raw {
    namespace: String,
    state: String,
    page: String,
    refresh: String,
}

/// Filter, page and reload interval.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Only this namespace; empty: all.
    pub namespace: String,
    /// Only this state.
    pub state: Option<VerdictState>,
    /// Starts at 1.
    pub page: usize,
    /// Reload interval in seconds; 0: none.
    pub refresh: u32,
}

impl Query {
    /// Parses a query.
    ///
    /// # Errors
    /// A sentence that names the field and its valid values.
    pub fn parse(raw: &Raw) -> Result<Self, String> {
        let state = match raw.state.as_str() {
            "" => None,
            text => Some(
                STATES
                    .into_iter()
                    .find(|state| format!("{state:?}").eq_ignore_ascii_case(text))
                    .ok_or("state must be one of Failing, Inconclusive, Unknown, Degraded, Healthy.")?,
            ),
        };
        let page = match raw.page.as_str() {
            "" => 1,
            text => text
                .parse()
                .ok()
                .filter(|page| *page > 0)
                .ok_or("page must be a number, at least 1.")?,
        };
        let refresh = match raw.refresh.as_str() {
            "" | "0" => 0,
            text => text
                .parse()
                .ok()
                .filter(|seconds| REFRESH.contains(seconds))
                .ok_or("refresh must be 0, 10, 30 or 300 (seconds).")?,
        };
        Ok(Self {
            namespace: plain(&raw.namespace),
            state,
            page,
            refresh,
        })
    }

    /// Whether a probe matches the filter.
    #[must_use]
    pub fn matches(&self, row: &Row) -> bool {
        self.in_namespace(row) && self.state.is_none_or(|state| state == row.listed.verdict.state)
    }

    /// Whether a probe matches the namespace of the filter.
    #[must_use]
    pub fn in_namespace(&self, row: &Row) -> bool {
        self.namespace.is_empty() || self.namespace == row.listed.namespace
    }

    /// The rows of this page, and the number of pages.
    #[must_use]
    pub fn paginate<'a, 'b>(&self, rows: &'b [&'a Row]) -> (&'b [&'a Row], usize) {
        let pages = rows.len().div_ceil(PER_PAGE).max(1);
        let page = rows.chunks(PER_PAGE).nth(self.page - 1).unwrap_or_default();
        (page, pages)
    }

    /// The same query for another state, at its first page.
    #[must_use]
    pub fn with_state(&self, state: Option<VerdictState>) -> Self {
        Self {
            state,
            page: 1,
            ..self.clone()
        }
    }

    /// The same query for another page.
    #[must_use]
    pub fn with_page(&self, page: usize) -> Self {
        Self { page, ..self.clone() }
    }

    /// The overview's URL for this query.
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
    fn a_link_round_trips_the_query() {
        let query = Query::parse(&raw("failing", "2", "30")).unwrap();
        assert_eq!(query.link(), "/?namespace=a+b&state=Failing&page=2&refresh=30");
        assert_eq!(query.with_state(None).link(), "/?namespace=a+b&refresh=30");
        assert_eq!(Query::parse(&Raw::default()).unwrap().link(), "/");
    }

    #[test]
    fn an_error_names_the_invalid_field() {
        for (raw, named) in [
            (raw("odd", "", ""), "state"),
            (raw("", "0", ""), "page"),
            (raw("", "", "1"), "refresh"),
        ] {
            assert!(Query::parse(&raw).unwrap_err().starts_with(named));
        }
    }
}
