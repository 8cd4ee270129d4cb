//! Scopes: an ordered list of words (RFC 6749 section 3.3).

use std::collections::BTreeSet;
use std::fmt;

use crate::error::RequestError;

/// The number of scopes up to which each one is compared with each other one.
const FEW: usize = 32;

/// A list of scopes, each a scope token of RFC 6749 section 3.3. The order is kept, and duplicates are
/// dropped.
///
/// Two lists are equal if they contain the same scopes in the same order. Use [`Scopes::same_set`] to ignore
/// the order.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Scopes(String);

impl Scopes {
    /// Returns an empty list.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Splits a text at white space: `" officernd.api.write"` is the single scope `officernd.api.write`.
    ///
    /// # Errors
    ///
    /// [`RequestError::ScopeMalformed`] if a scope contains a character that RFC 6749 section 3.3 does not
    /// allow.
    pub fn parse(text: &str) -> Result<Self, RequestError> {
        let mut scopes = String::with_capacity(text.len());
        let words = || text.split_ascii_whitespace();
        // Comparing each with each is faster for few scopes, but too slow for many.
        let are_many = text.len() > 2 * FEW && words().nth(FEW).is_some();
        let mut known = BTreeSet::new();
        for (index, word) in words().enumerate() {
            if !is_scope(word) {
                return Err(RequestError::ScopeMalformed { position: index + 1 });
            }
            let is_new =
                if are_many { known.insert(word) } else { split(&scopes).all(|before| before != word) };
            if is_new {
                scopes.push_str(if scopes.is_empty() { "" } else { " " });
                scopes.push_str(word);
            }
        }
        Ok(Self(scopes))
    }

    /// Returns the scopes of a list of texts, each of which may contain several.
    ///
    /// # Errors
    ///
    /// As [`Scopes::parse`].
    pub fn from_list<S: AsRef<str>>(texts: impl IntoIterator<Item = S>) -> Result<Self, RequestError> {
        let joined: Vec<String> = texts.into_iter().map(|text| text.as_ref().to_owned()).collect();
        Self::parse(&joined.join(" "))
    }

    /// Returns whether the list is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the scopes in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        split(&self.0)
    }

    /// Returns whether a scope is in the list.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.iter().any(|own| own == scope)
    }

    /// Returns the scopes joined by one space.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether both lists contain the same scopes, in any order.
    #[must_use]
    pub fn same_set(&self, other: &Self) -> bool {
        self.covers(other) && other.covers(self)
    }

    /// Returns whether every scope of the other list is in this one.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self == other || other.iter().all(|scope| self.contains(scope))
    }
}

/// Returns the scopes of a text that separates them by one space.
fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ').filter(|word| !word.is_empty())
}

/// Returns whether a word is a scope token: visible ASCII without `"` and `\`.
fn is_scope(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

/// Writes the scopes joined by one space, as they are sent.
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scopes").field(&self.iter().collect::<Vec<_>>()).finish()
    }
}
