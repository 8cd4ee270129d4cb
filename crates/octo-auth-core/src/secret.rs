//! Secrets: text that is never shown.
//!
//! A [`Secret`] prints as `Secret(***)`, has no `Display` and no `Serialize`, compares in constant time and is
//! wiped when dropped. [`Secret::expose`] is the only way out, and easy to search for.

use std::fmt;
use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use zeroize::Zeroizing;

/// A client secret, token, code or password. Its clones share one text.
#[derive(Clone)]
pub struct Secret {
    text: SharedText,
    /// Where it begins in the text: a token may share it with the header that carries it.
    from: usize,
}

/// A text that is wiped when the last clone is dropped.
#[derive(Clone)]
struct SharedText(Arc<Zeroizing<Box<str>>>);

impl Secret {
    /// Wraps a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self::after("", &Zeroizing::new(text.into()))
    }

    /// Wraps a text so that [`Secret::whole`] has something before it.
    pub(crate) fn after(before: &str, text: &str) -> Self {
        // Room for both, so that no half-written copy is left behind by growing.
        let mut whole = String::with_capacity(before.len() + text.len());
        whole.push_str(before);
        whole.push_str(text);
        Self { text: SharedText(Arc::new(Zeroizing::new(whole.into_boxed_str()))), from: before.len() }
    }

    /// Returns the text with what stands before it, not copied.
    pub(crate) fn whole(&self) -> Bytes {
        Bytes::from_owner(self.text.clone())
    }

    /// Shows the text. Whatever is done with it, it must not be printed, logged or kept.
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
