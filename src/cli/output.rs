//! The only place that writes to standard output and standard error: terminals, colours, closed pipes.

use std::fmt::{self, Display};
use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};

use super::exit::Failure;
pub use crate::view::Tone;

/// Widest running text, columns: longer lines are hard to read.
const WIDEST_TEXT: usize = 100;
/// A terminal that claims to be narrower is treated as this wide.
const NARROWEST: usize = 40;

/// How text looks where it goes: whether it may be coloured, and how wide it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint {
    colours: bool,
    /// Columns; `None` where lines may have any length.
    room: Option<usize>,
}

impl Paint {
    /// Never coloured, of any width.
    pub const PLAIN: Paint = Paint {
        colours: false,
        room: None,
    };

    /// Coloured if standard output is a terminal and the environment does not forbid it (<https://no-color.org>); as
    /// wide as `COLUMNS` or the terminal is, and of any width where it is neither.
    #[must_use]
    pub fn for_stdout() -> Self {
        let forbidden = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let stdout = io::stdout();
        let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        let measured = || terminal_size::terminal_size_of(&stdout).map(|(width, _)| usize::from(width.0));
        Self {
            colours: !forbidden && stdout.is_terminal(),
            room: said
                .or_else(measured)
                .filter(|columns| *columns > 0)
                .map(|columns| columns.max(NARROWEST)),
        }
    }

    /// The same in a terminal of so many columns.
    #[cfg(test)]
    #[must_use]
    pub fn within(self, columns: usize) -> Self {
        Self {
            room: Some(columns),
            ..self
        }
    }

    /// Columns that a table may take; `None` for any number.
    #[must_use]
    pub fn room(self) -> Option<usize> {
        self.room
    }

    /// Columns that running text may take.
    #[must_use]
    pub fn text_room(self) -> usize {
        self.room.unwrap_or(WIDEST_TEXT).min(WIDEST_TEXT)
    }

    /// `text` in this style.
    #[must_use]
    pub fn paint<T: Display>(self, tone: Tone, text: T) -> Painted<T> {
        let style = if self.colours { style(tone) } else { Style::new() };
        Painted { style, text }
    }
}

fn style(tone: Tone) -> Style {
    match tone {
        Tone::Good => AnsiColor::Green.on_default().bold(),
        Tone::Warning => AnsiColor::Yellow.on_default().bold(),
        Tone::Bad => AnsiColor::Red.on_default().bold(),
        Tone::Undecided => AnsiColor::Magenta.on_default().bold(),
        Tone::Strong => Style::new().bold(),
        Tone::Faint => Style::new().dimmed(),
    }
}

/// A text with its style, for `format!`. Width and alignment apply to the text, not to the escape codes.
pub struct Painted<T> {
    style: Style,
    text: T,
}

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.style.render())?;
        self.text.fmt(f)?;
        write!(f, "{}", self.style.render_reset())
    }
}

/// Writes a command's result to standard output.
///
/// # Errors
/// When standard output cannot be written. A reader that went away (`claudeprobe … | head`) is no error.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::runtime(format!("standard output cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes a line to standard error: a warning or an error, never a result. Nothing can be done when that fails.
pub fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// A line on standard error that is rewritten in place, only where standard error is a terminal.
pub struct Progress {
    shown: bool,
    live: bool,
}

impl Progress {
    /// Nothing shown yet.
    #[must_use]
    pub fn start() -> Self {
        Self {
            shown: false,
            live: io::stderr().is_terminal(),
        }
    }

    /// Replaces the line.
    pub fn show(&mut self, text: &str) {
        if self.live {
            self.shown = true;
            let mut err = io::stderr().lock();
            let _ = write!(err, "\r\u{1b}[2K{text}").and_then(|()| err.flush());
        }
    }

    /// Removes the line.
    pub fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            let mut err = io::stderr().lock();
            let _ = write!(err, "\r\u{1b}[2K").and_then(|()| err.flush());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_carries_no_escape_code_and_keeps_its_width() {
        assert_eq!(format!("{:<6}|", Paint::PLAIN.paint(Tone::Bad, "no")), "no    |");
    }

    #[test]
    fn colours_wrap_the_padded_text() {
        let text = format!(
            "{:<4}|",
            Paint {
                colours: true,
                room: None
            }
            .paint(Tone::Strong, "a")
        );
        assert_eq!(text, "\u{1b}[1ma   \u{1b}[0m|");
    }
}
