//! Standard output and standard error.
//!
//! The rule of this module: a closed output, such as a pipe to `head`, is not an error; writing stops without a panic.
//! `anstream` removes colours for outputs that do not support them.

use std::fmt::Display;
use std::io::{ErrorKind, IsTerminal, Write};

use crate::failure::{Exit, Failure};

/// The widest line of running text, in columns.
pub(crate) const WIDEST: usize = 100;

/// The narrowest width. Below it, overlong lines are easier to read than lines of single words.
const NARROWEST: usize = 40;

/// The output of results, line by line.
pub(crate) struct Output {
    stream: Box<dyn Write>,
    reader_has_left: bool,
    width: usize,
}

impl Output {
    /// Returns standard output, with colours only on a terminal and never with `NO_COLOR`.
    pub(crate) fn standard() -> Self {
        let columns = std::env::var("COLUMNS").ok().filter(|_| std::io::stdout().is_terminal());
        let stream = Box::new(anstream::stdout());
        Self { stream, reader_has_left: false, width: width(columns.as_deref()) }
    }

    /// Writes a line at once.
    ///
    /// # Errors
    ///
    /// Returns a [`Failure`] if the line cannot be written. A closed output is not a failure.
    pub(crate) fn line(&mut self, text: impl Display) -> Result<(), Failure> {
        if self.reader_has_left {
            return Ok(());
        }
        match writeln!(self.stream, "{text}").and_then(|()| self.stream.flush()) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.reader_has_left = true;
                Ok(())
            }
            Err(error) => Err(Failure::new(Exit::Configuration, "standard output cannot be written to")
                .because_of(Some(&error))
                .with_remedy("look where standard output goes: it may be closed, or its disk full")),
        }
    }

    /// Returns the width of running text in columns: the width of the terminal by `COLUMNS`, at most [`WIDEST`].
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Whether the reader of the output has closed it.
    pub(crate) fn reader_has_left(&self) -> bool {
        self.reader_has_left
    }
}

fn width(columns: Option<&str>) -> usize {
    columns.and_then(|text| text.trim().parse().ok()).unwrap_or(WIDEST).clamp(NARROWEST, WIDEST)
}

/// Writes a line to standard error. If that fails too, the error is ignored.
pub(crate) fn tell(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_as_wide_as_a_narrow_terminal_and_never_wider_than_the_widest_line() {
        for (columns, expected) in
            [(None, 100), (Some("72"), 72), (Some("200"), 100), (Some("3"), 40), (Some("wide"), 100)]
        {
            assert_eq!(width(columns), expected, "{columns:?}");
        }
    }
}
