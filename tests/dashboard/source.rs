//! The schema of `charts/dashboards/*.yaml`.
//!
//! Does not know Grafana's JSON: [`crate::render`] does.

use std::collections::BTreeMap;

use serde::Deserialize;

/// One dashboard.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dashboard {
    /// Stable: URLs of dashboards contain it.
    pub uid: String,
    /// Title.
    pub title: String,
    /// The question that it answers, one sentence.
    pub description: String,
    /// Label matchers, replace the dots of `{...}` in queries.
    pub series: String,
    /// The user's choices, in addition to the data source.
    pub variables: Vec<Variable>,
    /// Rows, from the top.
    pub rows: Vec<Row>,
}

/// A choice among the values of a label.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// Name, and the label's name.
    pub name: String,
    /// The series whose label it is.
    pub values: String,
    /// Allows several values, or all.
    #[serde(default)]
    pub multiple: bool,
    /// Its meaning, one sentence.
    pub description: String,
}

/// Panels under a heading.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Heading.
    pub title: String,
    /// From left to right, wrapped into as many lines as necessary.
    pub panels: Vec<Panel>,
}

/// How a panel shows its values. Tables, stats and bar gauges show one value for now or for the time range; the others
/// show the course.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Large numbers or words.
    Stat,
    /// Bars.
    Bargauge,
    /// Rows and columns.
    Table,
    /// Lines.
    Timeseries,
    /// Bands of words.
    StateTimeline,
}

impl Kind {
    /// Grafana's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stat => "stat",
            Self::Bargauge => "bargauge",
            Self::Table => "table",
            Self::Timeseries => "timeseries",
            Self::StateTimeline => "state-timeline",
        }
    }

    /// Queries one moment.
    pub const fn is_instant(self) -> bool {
        matches!(self, Self::Stat | Self::Bargauge | Self::Table)
    }
}

/// One panel.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Panel {
    /// Title.
    pub title: String,
    /// How it shows its values.
    pub kind: Kind,
    /// Of 24.
    pub width: u32,
    /// In units of Grafana's grid.
    #[serde(default = "height")]
    pub height: u32,
    /// The question that it answers: the description behind the `i`, and in docs/dashboard.md.
    pub description: String,
    /// The alert whose runbook describes the fix for a bad value.
    pub alert: Option<String>,
    /// Grafana's name of the unit. Tables have units per column, and words (`values`) have none.
    pub unit: Option<String>,
    /// Decimal places.
    pub decimals: Option<u32>,
    /// Lower end of the axis.
    pub min: Option<f64>,
    /// Upper end of the axis.
    pub max: Option<f64>,
    /// Lower bound and colour of shared.yaml, the lowest first.
    #[serde(default)]
    pub thresholds: Vec<(f64, String)>,
    /// Words instead of numbers: one of `values` in shared.yaml.
    pub values: Option<String>,
    /// Colours by series name: one of `series` in shared.yaml.
    pub colours: Option<String>,
    /// Text for a result without series.
    pub empty: Option<String>,
    /// Stacks the series.
    #[serde(default)]
    pub stack: bool,
    /// Columns of a table.
    #[serde(default)]
    pub columns: Vec<Column>,
    /// The column that sorts a table, the highest value first.
    pub sort: Option<String>,
    /// The queries.
    pub queries: Vec<Query>,
}

const fn height() -> u32 {
    8
}

/// A column of a table: a label, or the value of one of the queries. Columns that are not listed are hidden.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Heading.
    pub name: String,
    /// The label's name.
    pub label: Option<String>,
    /// The query's `ref`, `A` for the only one.
    pub value: Option<String>,
    /// Grafana's name of the unit.
    pub unit: Option<String>,
    /// Words instead of numbers: one of `values` in shared.yaml.
    pub values: Option<String>,
    /// Its meaning, where the heading is not enough.
    pub description: Option<String>,
    /// Links to the dashboard of the probe.
    #[serde(default)]
    pub to_probe: bool,
}

/// A query.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// Name within the panel. Default: A, B, …
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// `PromQL`; the dashboard's `series` replaces `{...}`.
    pub expr: String,
    /// Name of a series.
    pub legend: Option<String>,
}

/// Shared by all dashboards.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shared {
    /// Grafana's names of the colours.
    pub colours: BTreeMap<String, String>,
    /// Colours of series by name.
    pub series: BTreeMap<String, BTreeMap<String, String>>,
    /// From, to, text (empty: the number itself), colour.
    pub values: BTreeMap<String, Vec<(i64, i64, String, String)>>,
}
