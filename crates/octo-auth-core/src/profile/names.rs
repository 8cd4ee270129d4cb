//! The member names of a token answer, collected once for each profile.
//!
//! An answer is read in one pass: one list has the names of the wanted members and those of error bodies.

use std::ops::Range;

use super::member_path::{self, Step};
use super::{Document, Text};

/// The use of a member of a token answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    AccessToken,
    RefreshToken,
    TokenType,
    ExpiresIn,
    ExpiresAt,
    RefreshIn,
    Scope,
    /// It is kept with the token.
    Kept,
    /// It occurs only in error bodies.
    Error,
}

/// The member names of a token answer, grouped by their use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    names: Vec<Text>,
    /// The positions where the names of each use begin, in the order of [`Use`].
    starts: [usize; Use::Error as usize + 1],
    /// The positions of all names that may begin an error, whatever their other use.
    of_errors: Vec<usize>,
}

impl Names {
    /// Collects the names of a document.
    pub(super) fn of(document: &Document) -> Self {
        let rules = &document.token_answer;
        let kept: Vec<Text> = rules.keep.iter().map(|member| member.name.clone()).collect();
        let lists: [&[Text]; Use::Error as usize] = [
            &rules.access_token,
            &rules.refresh_token,
            &rules.token_type,
            &rules.expires_in,
            &rules.expires_at,
            &rules.refresh_in,
            &rules.scope,
            &kept,
        ];
        let (mut names, mut starts) = (Vec::new(), [0; Use::Error as usize + 1]);
        for (list, end) in lists.iter().zip(&mut starts[1..]) {
            names.extend_from_slice(list);
            *end = names.len();
        }
        let codes = document.error_shapes.iter().filter_map(|shape| shape.code.as_deref());
        let first = |path| match member_path::first(path)? {
            (Step::Named(name), _) => Some(name),
            (Step::Any, _) => None,
        };
        let mut of_errors = Vec::new();
        for word in std::iter::once("error").chain(codes.filter_map(first)) {
            let place = names.iter().position(|own| own == word);
            of_errors.push(place.unwrap_or(names.len()));
            if place.is_none() {
                names.push(word.to_owned().into());
            }
        }
        Self { names, starts, of_errors }
    }

    /// Returns the number of names.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// Returns the position of a name; `None` if it is not listed.
    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|own| own == name)
    }

    /// Returns the positions of the names of one use, the documented name first.
    pub(crate) fn places(&self, of: Use) -> Range<usize> {
        let end = self.starts.get(of as usize + 1).copied().unwrap_or(self.names.len());
        self.starts[of as usize]..end
    }

    /// Returns the names of one use.
    pub(crate) fn texts(&self, of: Use) -> Vec<&str> {
        self.names[self.places(of)].iter().map(|name| &**name).collect()
    }

    /// Returns the positions of all names that may begin an error.
    pub(crate) fn of_errors(&self) -> &[usize] {
        &self.of_errors
    }
}
