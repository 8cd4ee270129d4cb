//! Why the value of an argument cannot be read.

use std::error::Error;
use std::fmt;

/// What is wrong with a value, without the value: it may hold a secret that was typed in the wrong place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Malformed(pub(crate) &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Malformed {}
