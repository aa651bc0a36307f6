//! Parts that several pages share: tags of states, cells, tables, points.

use maud::{Markup, html};

use crate::resource::status::VerdictState;
use crate::view::finding::Point;
use crate::view::{Cell, Column, Table, Tone, tone};

/// The name of a tone in the style sheet.
fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Warning => "warning",
        Tone::Bad => "bad",
        Tone::Undecided => "unsure",
        Tone::Strong | Tone::Faint => "faint",
    }
}

/// A word on a coloured background with its own shape: colour is not the only difference.
pub fn tag(text: &str, tone: Tone) -> Markup {
    let shape = match tone {
        Tone::Good => "M5 0a5 5 0 1 0 0 10A5 5 0 1 0 5 0z",
        Tone::Warning => "M5 0 10 9.5H0z",
        Tone::Bad => "M1.6 0 5 3.4 8.4 0 10 1.6 6.6 5 10 8.4 8.4 10 5 6.6 1.6 10 0 8.4 3.4 5 0 1.6z",
        Tone::Undecided => "M5 0 10 5 5 10 0 5z",
        Tone::Strong | Tone::Faint => "M0 4h10v2H0z",
    };
    html! {
        span class={ "tag " (class(tone)) } {
            svg viewBox="0 0 10 10" aria-hidden="true" focusable="false" { path d=(shape) {} }
            (text)
        }
    }
}

/// A verdict's state.
pub fn state(state: VerdictState) -> Markup {
    tag(state.name(), tone(state))
}

/// A cell's text with its tone.
pub fn text(cell: &Cell) -> Markup {
    match cell.tone {
        Some(tone) => html! { span class={ "tone-" (class(tone)) } { (cell.text) } },
        None => html! { (cell.text) },
    }
}

/// Labelled texts on a panel.
pub fn points(points: &[Point]) -> Markup {
    html! { div.panel { (bare_points(points)) } }
}

/// Labelled texts.
pub fn bare_points(points: &[Point]) -> Markup {
    html! {
        dl.points {
            @for point in points {
                div.change[point.label == "change"] {
                    dt { (label(point.label)) }
                    dd { (point.text) }
                }
            }
        }
    }
}

fn label(label: &str) -> &str {
    match label {
        "" => "Verdict",
        "what" => "What",
        "hop" => "Hop",
        "seen" => "Evidence",
        "change" => "Fix",
        "since" => "Since",
        "changed" => "Last change",
        "when" => "When",
        "next" => "To decide",
        other => other,
    }
}

/// A table of the view with row headers, and its own scroll bar if it does not fit.
pub fn table(caption: &str, table: &Table, headings: &[(&str, &str)], tagged: &[&str]) -> Markup {
    let columns = table.columns();
    let named = |heading: &'_ str| {
        let known = headings.iter().find(|(from, _)| *from == heading);
        known.map_or_else(|| heading.to_owned(), |(_, to)| (*to).to_owned())
    };
    html! {
        div.panel.scroll role="region" aria-label=(caption) tabindex="0" {
            table.plain {
                thead { tr { @for column in &columns { th.number[column.numeric] scope="col" { (named(column.heading)) } } } }
                tbody {
                    @for row in table.rows() {
                        tr { @for (place, column) in columns.iter().enumerate() { (shown(place, column, row, tagged)) } }
                    }
                }
            }
        }
    }
}

fn shown(place: usize, column: &Column<'_>, row: &[Cell], tagged: &[&str]) -> Markup {
    let cell = &row[column.index];
    let inside = match cell.tone {
        Some(tone) if tagged.contains(&column.heading) => tag(&cell.text, tone),
        _ => text(cell),
    };
    html! {
        @if place == 0 { th scope="row" { (inside) } } @else { td.number[column.numeric] { (inside) } }
    }
}
