//! Texts and lists that can be used in a constant.

use std::borrow::Cow;

/// A text of a document: borrowed in the built-in ones, owned in those that a user reads or builds.
pub type Text = Cow<'static, str>;

/// A list of a document.
pub type List<T> = Cow<'static, [T]>;

/// Returns an empty list, for a document that leaves it out.
#[cfg(feature = "toml")]
pub(super) fn nothing<T: Clone>() -> List<T> {
    Cow::Borrowed(&[])
}
