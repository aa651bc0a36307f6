//! Grafana's JSON of a dashboard.
//!
//! This module defines the appearance of each kind of panel, once. The source of a dashboard defines its content.

use serde_json::{Map, Value, json};

use crate::source::{Column, Dashboard, Kind, Panel, Shared, Variable};

/// Schema version of Grafana 10.4. Newer versions of Grafana migrate it when they load the dashboard.
const SCHEMA: u32 = 39;
/// No step is shorter: the chart's scrape interval. Grafana makes `$__rate_interval` four of these.
const MIN_STEP: &str = "30s";
const WHOLE_WIDTH: u32 = 24;

/// The JSON of a dashboard.
pub fn dashboard(source: &Dashboard, shared: &Shared) -> Value {
    let variables: Vec<Value> = std::iter::once(data_source())
        .chain(source.variables.iter().map(variable))
        .collect();
    json!({
        "uid": source.uid,
        "title": source.title,
        "description": source.description,
        "tags": ["claudeprobe"],
        "schemaVersion": SCHEMA,
        "editable": true,
        "graphTooltip": 1,
        "timezone": "browser",
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "1m",
        "links": [{
            "type": "dashboards", "title": "claudeprobe", "tags": ["claudeprobe"], "icon": "external link", "tooltip": "",
            "asDropdown": false, "targetBlank": false, "includeVars": true, "keepTime": true,
        }],
        "annotations": {"list": []},
        "templating": {"list": variables},
        "panels": panels(source, shared),
    })
}

fn data_source() -> Value {
    json!({"type": "datasource", "name": "datasource", "label": "Data source", "query": "prometheus", "refresh": 1, "hide": 0})
}

fn prometheus() -> Value {
    json!({"type": "prometheus", "uid": "${datasource}"})
}

fn variable(variable: &Variable) -> Value {
    let Variable {
        name,
        values,
        multiple,
        description,
    } = variable;
    let query = format!("label_values({values}, {name})");
    let mut json = json!({
        "type": "query", "name": name, "label": capital(name), "description": description, "datasource": prometheus(), "definition": query,
        "query": {"query": query, "refId": name}, "refresh": 2, "sort": 1, "hide": 0, "multi": multiple, "includeAll": multiple,
    });
    if *multiple {
        json["allValue"] = json!(".*");
        json["current"] = json!({"selected": true, "text": ["All"], "value": ["$__all"]});
    }
    json
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Rows and panels with their positions.
fn panels(source: &Dashboard, shared: &Shared) -> Vec<Value> {
    let mut all = Vec::new();
    let mut y = 0;
    for row in &source.rows {
        all.push(json!({
            "type": "row", "id": all.len() + 1, "title": row.title, "collapsed": false, "panels": [],
            "gridPos": {"x": 0, "y": y, "w": WHOLE_WIDTH, "h": 1},
        }));
        y += 1;
        let (mut x, mut tallest) = (0, 0);
        for of_row in &row.panels {
            if x + of_row.width > WHOLE_WIDTH {
                (x, y, tallest) = (0, y + tallest, 0);
            }
            let mut json = panel(of_row, source, shared);
            json["id"] = json!(all.len() + 1);
            json["gridPos"] = json!({"x": x, "y": y, "w": of_row.width, "h": of_row.height});
            all.push(json);
            x += of_row.width;
            tallest = tallest.max(of_row.height);
        }
        y += tallest;
    }
    all
}

fn panel(panel: &Panel, source: &Dashboard, shared: &Shared) -> Value {
    let mut json = json!({
        "type": panel.kind.name(),
        "title": panel.title,
        "description": description(panel),
        "datasource": prometheus(),
        "targets": targets(panel, source),
        "options": options(panel),
        "fieldConfig": {"defaults": defaults(panel, shared), "overrides": overrides(panel, shared)},
    });
    if !panel.kind.is_instant() {
        json["interval"] = json!(MIN_STEP);
    }
    if panel.kind == Kind::Table {
        json["transformations"] = transformations(panel);
    }
    json
}

/// With the runbook. The chart puts `alerts.runbookBase` before `docs/`.
fn description(panel: &Panel) -> String {
    let text = panel.description.trim();
    match &panel.alert {
        Some(alert) => format!("{text} Runbook: docs/alerts.md#{}", alert.to_lowercase()),
        None => text.to_owned(),
    }
}

fn references(panel: &Panel) -> impl Iterator<Item = String> {
    let letters = 'A'..='Z';
    let named = panel.queries.iter().zip(letters);
    named.map(|(query, letter)| query.reference.clone().unwrap_or_else(|| letter.to_string()))
}

fn targets(panel: &Panel, source: &Dashboard) -> Vec<Value> {
    let queries = panel.queries.iter().zip(references(panel));
    let target = |(query, reference): (&crate::source::Query, String)| {
        let instant = panel.kind.is_instant();
        let mut json = json!({
            "refId": reference, "datasource": prometheus(), "expr": query.expr.trim().replace("{...", &format!("{{{}", source.series)),
            "editorMode": "code", "instant": instant, "range": !instant,
            "format": if panel.kind == Kind::Table { "table" } else { "time_series" },
        });
        if let Some(legend) = &query.legend {
            json["legendFormat"] = json!(legend);
        }
        json
    };
    queries.map(target).collect()
}

fn options(panel: &Panel) -> Value {
    let legend = json!({"showLegend": true, "displayMode": "list", "placement": "bottom", "calcs": []});
    let tooltip = json!({"mode": "multi", "sort": "desc"});
    let reduce = json!({"calcs": ["lastNotNull"], "fields": "", "values": false});
    match panel.kind {
        Kind::Stat => json!({
            "graphMode": "none", "colorMode": if panel.values.is_some() { "background" } else { "value" }, "justifyMode": "auto", "textMode": "auto",
            "wideLayout": true, "showPercentChange": false, "percentChangeColorMode": "standard", "orientation": "auto", "reduceOptions": reduce,
        }),
        Kind::Bargauge => json!({
            "displayMode": "basic", "valueMode": "color", "namePlacement": "auto", "showUnfilled": true, "sizing": "auto", "minVizWidth": 8,
            "minVizHeight": 16, "maxVizHeight": 300, "legend": {"showLegend": false, "displayMode": "list", "placement": "bottom", "calcs": []},
            "orientation": "horizontal", "reduceOptions": reduce,
        }),
        Kind::Table => {
            let sort = panel
                .sort
                .iter()
                .map(|column| json!({"displayName": column, "desc": true}));
            json!({"frameIndex": 0, "showHeader": true, "cellHeight": "sm", "sortBy": sort.collect::<Vec<_>>()})
        }
        Kind::Timeseries => json!({"legend": legend, "tooltip": tooltip}),
        Kind::StateTimeline => json!({
            "showValue": "auto", "rowHeight": 0.9, "mergeValues": true, "alignValue": "left", "tooltip": tooltip,
            "legend": {"showLegend": false, "displayMode": "list", "placement": "bottom", "calcs": []},
        }),
    }
}

fn defaults(panel: &Panel, shared: &Shared) -> Value {
    let plain = panel.thresholds.is_empty() && panel.values.is_none();
    let by_series = matches!(panel.kind, Kind::Timeseries | Kind::Bargauge);
    let mode = match () {
        () if panel.kind == Kind::Timeseries || (by_series && plain) => json!({"mode": "palette-classic-by-name"}),
        () if plain => json!({"mode": "fixed", "fixedColor": "text"}),
        () => json!({"mode": "thresholds"}),
    };
    let mut json = json!({"color": mode, "thresholds": thresholds(panel, shared)});
    let known = [
        ("unit", panel.unit.as_ref().map(|unit| json!(unit))),
        ("decimals", panel.decimals.map(|digits| json!(digits))),
        ("min", panel.min.map(|end| json!(end))),
        ("max", panel.max.map(|end| json!(end))),
        ("noValue", panel.empty.as_ref().map(|text| json!(text))),
        ("mappings", panel.values.as_ref().map(|name| mappings(name, shared))),
        ("custom", custom(panel)),
    ];
    for (name, value) in known {
        if let Some(value) = value {
            json[name] = value;
        }
    }
    json
}

fn thresholds(panel: &Panel, shared: &Shared) -> Value {
    let steps = panel.thresholds.iter().enumerate().map(|(number, (from, colour))| {
        // The first has no lower end.
        let from = if number == 0 { Value::Null } else { json!(from) };
        json!({"value": from, "color": colour_of(colour, shared)})
    });
    let mut steps: Vec<Value> = steps.collect();
    if steps.is_empty() {
        steps.push(json!({"value": null, "color": "text"}));
    }
    json!({"mode": "absolute", "steps": steps})
}

fn custom(panel: &Panel) -> Option<Value> {
    match panel.kind {
        // A value holds until the next run.
        Kind::Timeseries => Some(json!({
            "drawStyle": "line", "lineInterpolation": "stepAfter", "lineWidth": 1, "fillOpacity": if panel.stack { 40 } else { 8 },
            "gradientMode": "none", "showPoints": "never", "spanNulls": false, "axisPlacement": "auto",
            "stacking": {"mode": if panel.stack { "normal" } else { "none" }, "group": "A"},
            "thresholdsStyle": {"mode": if panel.thresholds.is_empty() { "off" } else { "dashed" }},
        })),
        Kind::StateTimeline => Some(json!({"lineWidth": 0, "fillOpacity": 80, "spanNulls": false})),
        Kind::Table => Some(json!({"align": "auto", "inspect": false})),
        Kind::Stat | Kind::Bargauge => None,
    }
}

fn mappings(name: &str, shared: &Shared) -> Value {
    let known = shared
        .values
        .get(name)
        .unwrap_or_else(|| panic!("shared.yaml has no values `{name}`"));
    let mapping = |(index, (from, to, text, colour)): (usize, &(i64, i64, String, String))| {
        let mut result = json!({"index": index, "color": colour_of(colour, shared)});
        if !text.is_empty() {
            result["text"] = json!(text);
        }
        json!({"type": "range", "options": {"from": from, "to": to, "result": result}})
    };
    known.iter().enumerate().map(mapping).collect()
}

fn colour_of<'a>(name: &str, shared: &'a Shared) -> &'a str {
    shared
        .colours
        .get(name)
        .unwrap_or_else(|| panic!("shared.yaml has no colour `{name}`"))
}

fn overrides(panel: &Panel, shared: &Shared) -> Vec<Value> {
    let of = |name: &str, properties: Vec<Value>| json!({"matcher": {"id": "byName", "options": name}, "properties": properties});
    let fixed = |colour: &str| json!({"id": "color", "value": {"mode": "fixed", "fixedColor": colour}});
    let mut all = Vec::new();
    if let Some(name) = &panel.colours {
        let known = shared
            .series
            .get(name)
            .unwrap_or_else(|| panic!("shared.yaml has no series `{name}`"));
        all.extend(
            known
                .iter()
                .map(|(series, colour)| of(series, vec![fixed(colour_of(colour, shared))])),
        );
    }
    let columns = panel.columns.iter().map(|column| (column, properties(column, shared)));
    all.extend(
        columns
            .filter(|(_, properties)| !properties.is_empty())
            .map(|(column, properties)| of(&column.name, properties)),
    );
    if panel.kind == Kind::Timeseries {
        // The control looks the same in all panels: grey and dashed.
        let dashed = json!({"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [8, 6]}});
        all.push(of("direct", vec![fixed(colour_of("unknown", shared)), dashed]));
    }
    all
}

fn properties(column: &Column, shared: &Shared) -> Vec<Value> {
    const TO_PROBE: &str = "/d/claudeprobe-probe?${datasource:queryparam}&${cluster:queryparam}&var-namespace=${__data.fields.namespace}\
                            &var-probe=${__data.fields.probe}&${__url_time_range}";
    let mut all = Vec::new();
    let mut put = |id: &str, value: Value| all.push(json!({"id": id, "value": value}));
    if let Some(unit) = &column.unit {
        put("unit", json!(unit));
    }
    if let Some(name) = &column.values {
        put("mappings", mappings(name, shared));
        put(
            "custom.cellOptions",
            json!({"type": "color-background", "mode": "basic"}),
        );
    }
    if let Some(description) = &column.description {
        put("description", json!(description));
    }
    if column.to_probe {
        put("links", json!([{"title": "Show this probe", "url": TO_PROBE}]));
    }
    all
}

/// All queries in one table, with the listed columns in their order.
fn transformations(panel: &Panel) -> Value {
    // Grafana's name of a single value; several values carry the name of their query.
    let value = |reference: &str| match panel.queries.len() {
        1 => "Value".to_owned(),
        _ => format!("Value #{reference}"),
    };
    let shown = panel.columns.iter().map(|column| match (&column.label, &column.value) {
        (Some(label), None) => (label.clone(), &column.name),
        (None, Some(reference)) => (value(reference), &column.name),
        _ => panic!("a column is a label or a value: {column:?}"),
    });
    let shown: Vec<(String, &String)> = shown.collect();
    let hidden = references(panel)
        .map(|reference| value(&reference))
        .chain(["Time".to_owned()]);
    let hidden = hidden.filter(|field| shown.iter().all(|(known, _)| known != field));
    let map = |pairs: &mut dyn Iterator<Item = (String, Value)>| pairs.collect::<Map<_, _>>();
    json!([
        {"id": "merge", "options": {}},
        {"id": "organize", "options": {
            "excludeByName": map(&mut hidden.map(|field| (field, json!(true)))),
            "indexByName": map(&mut shown.iter().enumerate().map(|(index, (field, _))| (field.clone(), json!(index)))),
            "renameByName": map(&mut shown.iter().map(|(field, name)| (field.clone(), json!(name)))),
        }},
    ])
}
