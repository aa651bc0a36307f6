//! Tables as values: headings and rows of cells, each with its tone, and how they adapt to little room. Terminal and
//! HTML each render them in their own way.

/// The meaning of a text's colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// Works with a problem.
    Warning,
    /// Broken.
    Bad,
    /// Undecided.
    Undecided,
    /// A heading.
    Strong,
    /// Less important.
    Faint,
}

/// A cell: its text and its tone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The text.
    pub text: String,
    /// Its tone, where it is more than text.
    pub tone: Option<Tone>,
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

/// Rows under headings. A column whose cells are all empty is not shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    headings: Vec<String>,
    rows: Vec<Vec<Cell>>,
    spare: Vec<&'static str>,
    turns: bool,
}

/// A column that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column<'a> {
    /// Its place in each row.
    pub index: usize,
    /// Its heading.
    pub heading: &'a str,
    /// All cells are numbers: they belong to the right.
    pub numeric: bool,
}

impl Table {
    /// A table with these headings.
    #[must_use]
    pub fn new<H: AsRef<str>>(headings: &[H]) -> Self {
        Self {
            headings: headings.iter().map(|heading| heading.as_ref().to_owned()).collect(),
            ..Self::default()
        }
    }

    /// Where room is short, these columns go, the first of them first.
    #[must_use]
    pub fn dropping(mut self, headings: &[&'static str]) -> Self {
        self.spare = headings.to_vec();
        self
    }

    /// Where room is short, rows become columns, if that is narrower.
    #[must_use]
    pub fn turning(mut self) -> Self {
        self.turns = true;
        self
    }

    /// Headings of the columns that go first where room is short.
    #[must_use]
    pub fn spare(&self) -> &[&'static str] {
        &self.spare
    }

    /// Whether rows may become columns where room is short.
    #[must_use]
    pub fn may_turn(&self) -> bool {
        self.turns
    }

    /// Adds a row, one cell per heading.
    pub fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// The rows, top to bottom.
    #[must_use]
    pub fn rows(&self) -> &[Vec<Cell>] {
        &self.rows
    }

    /// The columns that have something to show.
    #[must_use]
    pub fn columns(&self) -> Vec<Column<'_>> {
        (0..self.headings.len())
            .filter_map(|index| self.column(index))
            .collect()
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
        Some(Column {
            index,
            heading: self.headings[index].as_str(),
            numeric: cells
                .iter()
                .all(|text| text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-'))),
        })
    }

    /// Rows as columns: what stood under each other stands side by side. Columns without anything to show are gone.
    #[must_use]
    pub fn turned(&self) -> Self {
        let columns = self.columns();
        let Some((first, others)) = columns.split_first() else {
            return Self::default();
        };
        let heading = |row: &Vec<Cell>| row[first.index].text.clone();
        let headings = std::iter::once(first.heading.to_owned()).chain(self.rows.iter().map(heading));
        let rows = others.iter().map(|column| {
            let cells = self.rows.iter().map(|row| row[column.index].clone());
            std::iter::once(column.heading.into()).chain(cells).collect()
        });
        Self {
            headings: headings.collect(),
            rows: rows.collect(),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turned_table_has_a_column_per_row_and_lacks_what_was_empty() {
        let mut table = Table::new(&["PATH", "TLS", "TOTAL"]);
        table.row(vec!["direct".into(), "".into(), "0.120".into()]);
        table.row(vec!["edge".into(), "".into(), "11.000".into()]);
        let turned = table.turned();
        let headings: Vec<&str> = turned.columns().iter().map(|column| column.heading).collect();
        assert_eq!(headings, ["PATH", "direct", "edge"]);
        assert_eq!(
            turned.rows(),
            [vec![Cell::from("TOTAL"), "0.120".into(), "11.000".into()]]
        );
        assert_eq!(Table::new(&["PATH"]).turned(), Table::default());
    }
}
