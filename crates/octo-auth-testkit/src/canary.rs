//! Marked secrets, and a search for them in the texts of a value or an error.

use std::error::Error;
use std::fmt::Debug;

/// The prefix of each marked secret. No other text contains it.
pub const MARK: &str = "cAnArY";

/// Returns a marked secret for a kind of credential, such as `refresh-token`.
#[must_use]
pub fn marked(kind: &str) -> String {
    format!("{MARK}.{kind}")
}

/// Returns all texts of an error and of its causes: `Display`, and both forms of `Debug`.
#[must_use]
pub fn shown_by_error(error: &(dyn Error + 'static)) -> String {
    let mut shown = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        shown.push_str(&format!("{error}\n{error:?}\n{error:#?}\n"));
        next = error.source();
    }
    shown
}

/// Returns both `Debug` texts of a value.
pub fn shown<T: Debug + ?Sized>(value: &T) -> String {
    format!("{value:?}\n{value:#?}\n")
}

/// Returns the lines of a text that contain a marked secret.
#[must_use]
pub fn hits(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.contains(MARK)).collect()
}
