//! How long a path took in the last runs.

/// A path's last runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trend {
    /// The path.
    pub path: String,
    /// One value per run, the newest last.
    pub runs: Vec<Measured>,
}

/// The measurement of a run on a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measured {
    /// Milliseconds to the first byte of a complete answer.
    Answered(u32),
    /// No complete answer.
    Failed,
    /// The run sent no frozen request, or has no report.
    Unasked,
}

/// A trend in figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// The newest answer's milliseconds.
    pub last: u32,
    /// Median.
    pub median: u32,
    /// The fastest.
    pub least: u32,
    /// The slowest.
    pub most: u32,
}

impl Trend {
    /// Runs without a complete answer.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.runs.iter().filter(|run| **run == Measured::Failed).count()
    }

    /// The figures of the answers, where there are any.
    #[must_use]
    pub fn figures(&self) -> Option<Figures> {
        let answered = |run: &Measured| match run {
            Measured::Answered(ms) => Some(*ms),
            Measured::Failed | Measured::Unasked => None,
        };
        let mut answers: Vec<u32> = self.runs.iter().filter_map(answered).collect();
        let last = *answers.last()?;
        answers.sort_unstable();
        Some(Figures {
            last,
            median: *answers.get(answers.len() / 2)?,
            least: *answers.first()?,
            most: *answers.last()?,
        })
    }

    /// The trend in words, for screen readers.
    #[must_use]
    pub fn spoken(&self) -> String {
        let failed = self.failed();
        let runs = match self.runs.len() {
            1 => "1 run".to_owned(),
            many => format!("{many} runs"),
        };
        let path = &self.path;
        match (self.figures(), failed) {
            (None, 0) => format!("{path}: not measured in {runs}"),
            (None, _) => format!("{path}: no complete answer in {failed} of {runs}"),
            (Some(figures), _) => {
                let Figures {
                    last,
                    median,
                    least,
                    most,
                } = figures;
                let failed = match failed {
                    0 => String::new(),
                    failed => format!(", {failed} without a complete answer"),
                };
                format!("{path}: last {last} ms, median {median} ms, {least} to {most} ms over {runs}{failed}")
            }
        }
    }
}
