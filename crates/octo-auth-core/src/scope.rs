//! Scopes: an ordered list of words (RFC 6749 section 3.3).

use std::fmt;

use crate::error::RequestError;

/// A list of scopes, each a word of RFC 6749 section 3.3; order kept, repetitions dropped.
///
/// Two lists are equal when they hold the same words in the same order; use [`Scopes::same_set`] to compare
/// what they allow.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scopes(Vec<String>);

impl Scopes {
    /// No scope at all.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Splits a text at white space: `" officernd.api.write"` is the one scope `officernd.api.write`.
    ///
    /// # Errors
    ///
    /// [`RequestError::ScopeMalformed`] for a word with a character RFC 6749 section 3.3 does not allow.
    pub fn parse(text: &str) -> Result<Self, RequestError> {
        let mut scopes = Self::none();
        for (index, word) in text.split_ascii_whitespace().enumerate() {
            if !is_scope(word) {
                return Err(RequestError::ScopeMalformed { position: index + 1 });
            }
            scopes.push(word);
        }
        Ok(scopes)
    }

    /// The scopes of a list of texts, each of which may hold several.
    ///
    /// # Errors
    ///
    /// As [`Scopes::parse`].
    pub fn from_list<S: AsRef<str>>(texts: impl IntoIterator<Item = S>) -> Result<Self, RequestError> {
        let joined: Vec<String> = texts.into_iter().map(|text| text.as_ref().to_owned()).collect();
        Self::parse(&joined.join(" "))
    }

    /// Whether there is no scope.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The scopes in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether a scope is in the list.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.0.iter().any(|own| own == scope)
    }

    /// Whether both lists hold the same scopes, in whatever order.
    #[must_use]
    pub fn same_set(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.covers(other)
    }

    /// Whether every scope of the other list is in this one.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        other.iter().all(|scope| self.contains(scope))
    }

    /// Adds a word that is a scope and not in the list yet.
    pub(crate) fn push(&mut self, word: &str) {
        if !self.contains(word) {
            self.0.push(word.to_owned());
        }
    }
}

/// Whether a word is a scope token: visible ASCII without `"` and `\`.
fn is_scope(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

/// The scopes joined by one space, as they are sent.
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}
