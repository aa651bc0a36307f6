//! Tables as text: columns as wide as their widest cell, numbers to the right, colours outside the padding.
//!
//! A table that is wider than the terminal turns, loses the columns that it can spare, or has its widest column wrapped, in this order;
//! one that is still too wide becomes a block of lines per row.

use std::fmt::Write as _;

use super::output::{Paint, Tone};
use crate::view::{Cell, Table};

/// Narrower than this no column is wrapped.
const NARROWEST: usize = 20;
/// Blanks between two columns.
const GAP: usize = 2;

/// The table as text, each line ended; empty without rows.
#[must_use]
pub fn text(table: &Table, paint: Paint) -> String {
    if table.rows().is_empty() {
        return String::new();
    }
    let room = paint.room().unwrap_or(usize::MAX);
    let mut columns = columns(table);
    if total(&columns) <= room {
        return grid(table, &columns, paint);
    }
    if table.may_turn() {
        let turned = table.turned();
        let columns = self::columns(&turned);
        if total(&columns) <= room {
            return grid(&turned, &columns, paint);
        }
    }
    for spare in table.spare() {
        columns.retain(|column| column.heading != *spare);
        if total(&columns) <= room {
            return grid(table, &columns, paint);
        }
    }
    let excess = total(&columns) - room;
    let widest = columns
        .iter_mut()
        .filter(|column| !column.numeric)
        .max_by_key(|column| column.width);
    match widest.filter(|column| column.width >= excess + NARROWEST.max(column.heading.len())) {
        Some(column) => {
            column.width -= excess;
            grid(table, &columns, paint)
        }
        None => blocks(table, room, paint),
    }
}

fn columns(table: &Table) -> Vec<Column<'_>> {
    let shown = table.columns();
    let width = |index: usize| {
        table
            .rows()
            .iter()
            .map(move |row| row[index].text.chars().count())
            .max()
    };
    shown
        .iter()
        .map(|column| Column {
            index: column.index,
            heading: column.heading,
            numeric: column.numeric,
            width: width(column.index).unwrap_or(0).max(column.heading.chars().count()),
        })
        .collect()
}

/// Width of a line.
fn total(columns: &[Column<'_>]) -> usize {
    let gaps = GAP * columns.len().saturating_sub(1);
    columns.iter().map(|column| column.width).sum::<usize>() + gaps
}

/// Lines of cells; a cell that is wider than its column goes on in the next line.
fn grid(table: &Table, columns: &[Column<'_>], paint: Paint) -> String {
    let mut text = String::new();
    for row in std::iter::once(None).chain(table.rows().iter().map(Some)) {
        let cells: Vec<(Vec<String>, Option<Tone>)> = columns
            .iter()
            .map(|column| match row {
                None => (vec![column.heading.to_owned()], Some(Tone::Faint)),
                Some(row) => (lines(&row[column.index].text, column.width), row[column.index].tone),
            })
            .collect();
        let height = cells.iter().map(|(lines, _)| lines.len()).max().unwrap_or(1);
        for line in 0..height {
            let mut out = String::new();
            for (place, (column, (lines, tone))) in columns.iter().zip(&cells).enumerate() {
                let cell = lines.get(line).map_or("", String::as_str);
                column.write(&mut out, cell, *tone, place + 1 == columns.len(), paint);
            }
            // Without colours a padded empty last column would leave blanks behind.
            text.push_str(out.trim_end());
            text.push('\n');
        }
    }
    text
}

/// A row after the other, each a heading with its first cell and a line for every other that is not empty.
fn blocks(table: &Table, room: usize, paint: Paint) -> String {
    let columns = columns(table);
    let label = columns
        .iter()
        .skip(1)
        .map(|column| column.heading.chars().count())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for row in table.rows() {
        for (place, column) in columns.iter().enumerate() {
            let Cell { text: cell, tone } = &row[column.index];
            if cell.is_empty() {
                continue;
            }
            let (indent, label) = if place == 0 {
                (0, column.heading.chars().count())
            } else {
                (2, label)
            };
            let heading = paint.paint(Tone::Faint, column.heading);
            let cell = wrap(cell, room, indent + label + GAP);
            let cell = match tone {
                Some(tone) => paint.paint(*tone, cell).to_string(),
                None => cell,
            };
            let _ = writeln!(text, "{:indent$}{heading:label$}  {cell}", "");
        }
    }
    text
}

struct Column<'a> {
    index: usize,
    heading: &'a str,
    width: usize,
    numeric: bool,
}

impl Column<'_> {
    fn write(&self, out: &mut String, cell: &str, tone: Option<Tone>, last: bool, paint: Paint) {
        let fill = self.width.saturating_sub(cell.chars().count());
        let text = match tone {
            Some(tone) => paint.paint(tone, cell).to_string(),
            None => cell.to_owned(),
        };
        let (before, after) = if self.numeric { (fill, 0) } else { (0, fill) };
        let gap = if last { 0 } else { after + GAP };
        let _ = write!(out, "{:before$}{text}{:gap$}", "", "");
    }
}

/// A cell in lines of at most `width` characters, broken at blanks; what indents it stays.
fn lines(text: &str, width: usize) -> Vec<String> {
    if text.chars().count() <= width {
        return vec![text.to_owned()];
    }
    wrap(text, width, 0).lines().map(str::to_owned).collect()
}

/// `text` broken at blanks into lines of at most `width` characters, each after `indent` blanks.
#[must_use]
pub fn wrap(text: &str, width: usize, indent: usize) -> String {
    let room = width.saturating_sub(indent).max(NARROWEST);
    let mut lines: Vec<String> = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > room {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    let pad = " ".repeat(indent);
    lines.join(&format!("\n{pad}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_empty_ones_are_left_out() {
        let mut table = Table::new(&["PATH", "TLS", "TOTAL"]);
        table.row(vec!["direct".into(), "".into(), "0.120".into()]);
        table.row(vec!["a".into(), "".into(), "11.000".into()]);
        assert_eq!(
            text(&table, Paint::PLAIN),
            "PATH     TOTAL\ndirect   0.120\na       11.000\n"
        );
        assert_eq!(text(&Table::new(&["PATH"]), Paint::PLAIN), "");
    }

    fn wide() -> Table {
        let mut table = Table::new(&["PATH", "TLS", "WHAT"]).dropping(&["TLS"]);
        table.row(vec![
            "direct".into(),
            "0.120".into(),
            "one two three four five six".into(),
        ]);
        table.row(vec!["edge".into(), "11.000".into(), "seven".into()]);
        table
    }

    #[test]
    fn a_table_that_is_too_wide_turns_or_drops_columns_or_wraps_its_widest() {
        let at = |table: &Table, room| text(table, Paint::PLAIN.within(room));
        assert_eq!(at(&wide(), 80), text(&wide(), Paint::PLAIN));
        assert_eq!(
            at(&wide(), 36),
            "PATH    WHAT\ndirect  one two three four five six\nedge    seven\n"
        );
        assert_eq!(
            at(&wide(), 28),
            "PATH    WHAT\ndirect  one two three four\n        five six\nedge    seven\n"
        );
        let mut rows = Table::new(&["PATH", "FIRST BYTE", "FIRST TOKEN"]).turning();
        rows.row(vec!["edge".into(), "0.120".into(), "0.130".into()]);
        assert_eq!(
            at(&rows, 20),
            "PATH          edge\nFIRST BYTE   0.120\nFIRST TOKEN  0.130\n"
        );
        assert_eq!(
            at(&wide(), 12),
            "PATH  direct\n  TLS   0.120\n  WHAT  one two three four\n        five six\nPATH  edge\n  TLS   11.000\n  WHAT  seven\n"
        );
    }

    proptest::proptest! {
        #[test]
        fn no_line_is_wider_than_the_terminal_and_no_first_cell_is_lost(
            cells in proptest::collection::vec(proptest::collection::vec("[a-z]{1,9}( [a-z]{1,9}){0,6}", 4), 1..5),
            turning: bool,
            room in 60usize..200,
        ) {
            let mut table = Table::new(&["ONE", "TWO", "THREE", "FOUR"]).dropping(&["THREE"]);
            if turning {
                table = table.turning();
            }
            for row in &cells {
                table.row(row.iter().map(|cell| cell.as_str().into()).collect());
            }
            let text = text(&table, Paint::PLAIN.within(room));
            for line in text.lines() {
                proptest::prop_assert!(line.chars().count() <= room, "{room}: {line}");
            }
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            let shown = words(&text);
            for row in &cells {
                proptest::prop_assert!(words(&row[0]).iter().all(|word| shown.contains(word)), "{text}");
            }
        }
    }

    #[test]
    fn text_is_wrapped_behind_its_indent_and_no_word_is_lost() {
        let text = wrap("one two three four five six seven", 24, 4);
        assert_eq!(text, "one two three four\n    five six seven");
    }
}
