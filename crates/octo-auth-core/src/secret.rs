//! Secrets: text that shows itself to nobody.
//!
//! A [`Secret`] prints as `Secret(***)`, has no `Display` and no `Serialize`, compares in constant time and is
//! wiped when dropped. [`Secret::expose`] is the only way out, and easy to search for.

use std::fmt;
use std::hint::black_box;

use zeroize::Zeroizing;

/// A client secret, token, code or password.
#[derive(Clone)]
pub struct Secret(Zeroizing<Box<str>>);

impl Secret {
    /// Wraps a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        let mut text = Zeroizing::new(text.into());
        // Memory that is too large would be given back unwiped.
        let is_exact = text.capacity() == text.len();
        Self(Zeroizing::new(if is_exact { std::mem::take(&mut *text).into() } else { text.as_str().into() }))
    }

    /// Shows the text. Whatever is done with it, it must not be printed, logged or kept.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

/// Compares in a time that tells nothing about where they differ.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        same_secret(self.expose(), other.expose())
    }
}

impl Eq for Secret {}

/// Whether two texts are the same, in a time that depends on their lengths alone.
pub(crate) fn same_secret(left: &str, right: &str) -> bool {
    let pairs = left.bytes().zip(right.bytes());
    // The black box keeps the compiler from ending at the first difference.
    let differences = pairs.fold(0, |found, (left, right)| black_box(found | (left ^ right)));
    left.len() == right.len() && differences == 0
}
