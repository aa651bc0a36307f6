//! The only place that writes to standard output and standard error: terminals, colours, closed pipes.

use std::fmt::{self, Display};
use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};

use super::exit::Failure;
pub use crate::view::Tone;

/// Where a command's text goes, and whether it may be coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint {
    colours: bool,
}

impl Paint {
    /// Never coloured.
    pub const PLAIN: Paint = Paint { colours: false };

    /// Coloured if standard output is a terminal and the environment does not forbid it (<https://no-color.org>).
    #[must_use]
    pub fn for_stdout() -> Self {
        let forbidden = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            colours: !forbidden && io::stdout().is_terminal(),
        }
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
        Tone::Unsure => AnsiColor::Magenta.on_default().bold(),
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
        let text = format!("{:<4}|", Paint { colours: true }.paint(Tone::Strong, "a"));
        assert_eq!(text, "\u{1b}[1ma   \u{1b}[0m|");
    }
}
