//! What may be written in `charts/dashboards/*.yaml`.
//!
//! Knows nothing of Grafana's JSON: that is [`crate::render`]'s.

use std::collections::BTreeMap;

use serde::Deserialize;

/// One dashboard.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dashboard {
    /// Stable: addresses of dashboards are made of it.
    pub uid: String,
    /// Title.
    pub title: String,
    /// What it answers, one sentence.
    pub about: String,
    /// Label matchers, in place of the dots wherever a query says `{...}`.
    pub series: String,
    /// What the user chooses, besides the data source.
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
    /// Several at once, or all.
    #[serde(default)]
    pub several: bool,
    /// What it is, one sentence.
    pub says: String,
}

/// Panels under a heading.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Heading.
    pub title: String,
    /// From left to right, in as many lines as they need.
    pub panels: Vec<Panel>,
}

/// How a panel shows its values. Tables, stats and bar gauges show the present, or the whole of the time shown; the others the course.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Big numbers or words.
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
    /// As Grafana names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stat => "stat",
            Self::Bargauge => "bargauge",
            Self::Table => "table",
            Self::Timeseries => "timeseries",
            Self::StateTimeline => "state-timeline",
        }
    }

    /// Asks for one moment.
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
    /// What it answers: the description behind the `i`, and in docs/dashboard.md.
    pub says: String,
    /// The alert whose run-book says what to do when this looks bad.
    pub alert: Option<String>,
    /// Grafana's name of the unit. Tables have it by column, and words (`values`) have none.
    pub unit: Option<String>,
    /// Digits behind the point.
    pub decimals: Option<u32>,
    /// Lower end of the axis.
    pub min: Option<f64>,
    /// Upper end of the axis.
    pub max: Option<f64>,
    /// From which value on it has which colour of shared.yaml, the lowest first.
    #[serde(default)]
    pub thresholds: Vec<(f64, String)>,
    /// Words in place of numbers: one of `values` in shared.yaml.
    pub values: Option<String>,
    /// Colours by the series' name: one of `series` in shared.yaml.
    pub colours: Option<String>,
    /// What stands there when there is no series.
    pub none: Option<String>,
    /// Series on top of each other.
    #[serde(default)]
    pub stack: bool,
    /// Of a table.
    #[serde(default)]
    pub columns: Vec<Column>,
    /// The column by whose value a table is sorted, the highest first.
    pub sort: Option<String>,
    /// What it asks.
    pub queries: Vec<Query>,
}

const fn height() -> u32 {
    8
}

/// A column of a table: a label, or the value of one of the queries. What is not listed is not shown.
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
    /// Words in place of numbers: one of `values` in shared.yaml.
    pub values: Option<String>,
    /// What it is, where the heading does not say it.
    pub says: Option<String>,
    /// Leads to the dashboard of the probe.
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
    /// `PromQL`; `{...}` as the dashboard's `series` says.
    pub expr: String,
    /// How a series is called.
    pub legend: Option<String>,
}

/// What the dashboards have in common.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shared {
    /// Grafana's names of the colours.
    pub colours: BTreeMap<String, String>,
    /// Colours of series by their name.
    pub series: BTreeMap<String, BTreeMap<String, String>>,
    /// From, to, text (empty: the number itself), colour.
    pub values: BTreeMap<String, Vec<(i64, i64, String, String)>>,
}
