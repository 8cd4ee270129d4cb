//! Standard output and standard error.
//!
//! The rule kept here: a reader that has left, such as `head`, is no error; nothing more is written and nothing
//! panics. Colours are dropped where they do not belong by `anstream`.

use std::fmt::Display;
use std::io::{ErrorKind, Write};

use crate::failure::{Exit, Failure};

/// Where results go, a line at a time.
pub(crate) struct Output {
    stream: Box<dyn Write>,
    reader_has_left: bool,
}

impl Output {
    /// Standard output, with colours on a terminal only and never with `NO_COLOR`.
    pub(crate) fn standard() -> Self {
        Self { stream: Box::new(anstream::stdout()), reader_has_left: false }
    }

    /// Writes a line at once.
    ///
    /// # Errors
    ///
    /// A [`Failure`] if it cannot be written for another reason than that nobody reads any more.
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
                .because_of(Some(&error))),
        }
    }

    /// Whether whoever read the lines has left.
    pub(crate) fn reader_has_left(&self) -> bool {
        self.reader_has_left
    }
}

/// Writes a line to standard error; if that is closed too there is nobody to tell.
pub(crate) fn tell(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}
