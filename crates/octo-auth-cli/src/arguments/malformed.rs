//! The error of an argument's value that cannot be parsed.

use std::error::Error;
use std::fmt;

/// The problem of a value, without the value itself: it may contain a secret that was typed in the wrong place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Malformed(pub(crate) &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Malformed {}
