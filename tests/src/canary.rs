//! Marked secrets, and the search for them in whatever a value shows of itself.

use std::error::Error;
use std::fmt::Debug;

/// The beginning of every marked secret; nothing else in the tests contains it.
pub const MARK: &str = "cAnArY";

/// A secret of its own for each kind of credential.
#[must_use]
pub fn marked(kind: &str) -> String {
    format!("{MARK}.{kind}")
}

/// What an error shows: `Display`, `Debug` in both forms, and the same of every cause.
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

/// What a value shows by `Debug`, in both forms.
pub fn shown<T: Debug + ?Sized>(value: &T) -> String {
    format!("{value:?}\n{value:#?}\n")
}

/// The lines of a text in which a marked secret stands.
#[must_use]
pub fn hits(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.contains(MARK)).collect()
}
