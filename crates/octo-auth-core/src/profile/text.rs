//! Text and lists that can stand in a constant.

use std::borrow::Cow;

/// Text of a document: borrowed in the built-in ones, owned in those a user reads or builds.
pub type Text = Cow<'static, str>;

/// A list of a document.
pub type List<T> = Cow<'static, [T]>;

/// The list of a document that leaves it out.
#[cfg(feature = "toml")]
pub(super) fn nothing<T: Clone>() -> List<T> {
    Cow::Borrowed(&[])
}
