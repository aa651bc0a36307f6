//! Tables as text: columns as wide as their widest cell, numbers to the right, colours outside the padding.

use std::fmt::Write as _;

use super::output::{Paint, Tone};
use crate::view::{Cell, Table};

/// The table as text, each line ended; empty without rows.
#[must_use]
pub fn text(table: &Table, paint: Paint) -> String {
    let columns = table.columns();
    let shown: Vec<Column<'_>> = columns
        .iter()
        .map(|column| {
            let widths = table.rows().iter().map(|row| row[column.index].text.chars().count());
            Column {
                index: column.index,
                heading: column.heading,
                numeric: column.numeric,
                width: widths.max().unwrap_or(0).max(column.heading.chars().count()),
            }
        })
        .collect();
    let mut text = String::new();
    if table.rows().is_empty() {
        return text;
    }
    for line in std::iter::once(None).chain(table.rows().iter().map(Some)) {
        let mut out = String::new();
        for (place, column) in shown.iter().enumerate() {
            let heading = Cell::toned(column.heading, Tone::Faint);
            let cell = line.map_or(&heading, |row| &row[column.index]);
            let last = place + 1 == shown.len();
            column.write(&mut out, cell, last, paint);
        }
        // Without colours a padded empty last column would leave blanks behind.
        text.push_str(out.trim_end());
        text.push('\n');
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
    fn write(&self, out: &mut String, cell: &Cell, last: bool, paint: Paint) {
        let fill = self.width.saturating_sub(cell.text.chars().count());
        let text = match cell.tone {
            Some(tone) => paint.paint(tone, &cell.text).to_string(),
            None => cell.text.clone(),
        };
        let (before, after) = if self.numeric { (fill, 0) } else { (0, fill) };
        let gap = if last { 0 } else { after + 2 };
        let _ = write!(out, "{:before$}{text}{:gap$}", "", "");
    }
}

/// `text` broken at blanks into lines of at most `width` characters, each after `indent` blanks.
#[must_use]
pub fn wrap(text: &str, width: usize, indent: usize) -> String {
    let room = width.saturating_sub(indent).max(20);
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

    #[test]
    fn text_is_wrapped_behind_its_indent_and_no_word_is_lost() {
        let text = wrap("one two three four five six seven", 24, 4);
        assert_eq!(text, "one two three four\n    five six seven");
    }
}
