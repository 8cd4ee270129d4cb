//! [`Secret`]: text that is never shown.
//!
//! A [`Secret`] prints as `Secret(***)`, has no `Display` and no `Serialize`, compares in constant time and
//! is wiped when dropped. [`Secret::expose`] is the only way to read it, and easy to search for.

use std::fmt;
use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use zeroize::Zeroizing;

/// A client secret, token, code or password. Its clones share one text.
#[derive(Clone)]
pub struct Secret {
    text: SharedText,
    /// Where the secret begins in the text: a token may share the text with the header that carries it.
    from: usize,
}

/// A text that is wiped when the last clone is dropped.
#[derive(Clone)]
struct SharedText(Arc<Zeroizing<Box<str>>>);

impl Secret {
    /// Returns a secret of this text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self::after("", &Zeroizing::new(text.into()))
    }

    /// Returns a secret whose [`Secret::whole`] has a text before it.
    pub(crate) fn after(before: &str, text: &str) -> Self {
        // Reserve room for both, so that growing leaves no partial copy behind.
        let mut whole = String::with_capacity(before.len() + text.len());
        whole.push_str(before);
        whole.push_str(text);
        Self { text: SharedText(Arc::new(Zeroizing::new(whole.into_boxed_str()))), from: before.len() }
    }

    /// Returns the text with the text before it, without copying.
    pub(crate) fn whole(&self) -> Bytes {
        Bytes::from_owner(self.text.clone())
    }

    /// Returns the text. It must not be printed, logged or kept.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.text.0.get(self.from..).unwrap_or_default()
    }
}

impl AsRef<[u8]> for SharedText {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
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

/// Compares in a time that does not depend on where the texts differ.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        same_secret(self.expose(), other.expose())
    }
}

impl Eq for Secret {}

/// Returns whether two texts are equal, in a time that depends only on their lengths.
pub(crate) fn same_secret(left: &str, right: &str) -> bool {
    let pairs = left.bytes().zip(right.bytes());
    // The black box prevents the compiler from stopping at the first difference.
    let differences = pairs.fold(0, |found, (left, right)| black_box(found | (left ^ right)));
    left.len() == right.len() && differences == 0
}
