//! Plain tables: columns as wide as their widest cell, numbers to the right, colours outside the padding.

use std::fmt::Write as _;

use super::output::{Paint, Tone};

/// A cell: its text, and how it speaks to the eye.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    text: String,
    tone: Option<Tone>,
}

impl Cell {
    /// A cell of this tone.
    #[must_use]
    pub fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Self {
            text: text.into(),
            tone: Some(tone),
        }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self {
            text: text.into(),
            tone: None,
        }
    }
}

/// Rows under headings. A column whose cells are all empty is left out.
#[derive(Clone, Debug, Default)]
pub struct Table {
    headings: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table with these headings.
    #[must_use]
    pub fn new<H: AsRef<str>>(headings: &[H]) -> Self {
        Self {
            headings: headings.iter().map(|heading| heading.as_ref().to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row, one cell per heading.
    pub fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// The table as text, each line ended.
    #[must_use]
    pub fn render(&self, paint: Paint) -> String {
        let shown: Vec<Column<'_>> = (0..self.headings.len())
            .filter_map(|index| self.column(index))
            .collect();
        let mut text = String::new();
        for line in std::iter::once(None).chain(self.rows.iter().map(Some)) {
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

    fn column(&self, index: usize) -> Option<Column<'_>> {
        let cells: Vec<&str> = self
            .rows
            .iter()
            .filter_map(|row| row.get(index))
            .map(|cell| cell.text.as_str())
            .collect();
        if cells.len() < self.rows.len() || cells.iter().all(|text| text.is_empty()) {
            return None;
        }
        let heading = self.headings[index].as_str();
        let widest = cells.iter().map(|text| text.chars().count()).max().unwrap_or(0);
        Some(Column {
            index,
            heading,
            width: widest.max(heading.chars().count()),
            numeric: cells
                .iter()
                .all(|text| text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-'))),
        })
    }
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
            table.render(Paint::PLAIN),
            "PATH     TOTAL\ndirect   0.120\na       11.000\n"
        );
    }

    #[test]
    fn text_is_wrapped_behind_its_indent_and_no_word_is_lost() {
        let text = wrap("one two three four five six seven", 24, 4);
        assert_eq!(text, "one two three four\n    five six seven");
    }
}
