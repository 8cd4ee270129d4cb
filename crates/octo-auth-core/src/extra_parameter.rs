//! Extra parameters of token requests: `audience`, `resource` (RFC 8707) or a vendor's own.
//!
//! The rule kept here: a name is shown, with what cannot be seen in it escaped; a value may be a secret and never is.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use crate::printable::Printable;
use crate::secret::Secret;

/// A name and a value. Two are the same, and in order, as their texts are.
#[derive(Debug, Clone)]
pub(crate) struct ExtraParameter {
    pub(crate) name: String,
    pub(crate) value: Secret,
}

impl ExtraParameter {
    /// The name and the value as they are sent.
    pub(crate) fn texts(&self) -> (&str, &str) {
        (&self.name, self.value.expose())
    }
}

/// Shows the name alone.
impl fmt::Display for ExtraParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printable(&self.name).fmt(f)
    }
}

impl PartialEq for ExtraParameter {
    fn eq(&self, other: &Self) -> bool {
        self.texts() == other.texts()
    }
}

impl Eq for ExtraParameter {}

impl PartialOrd for ExtraParameter {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ExtraParameter {
    fn cmp(&self, other: &Self) -> Ordering {
        self.texts().cmp(&other.texts())
    }
}

impl Hash for ExtraParameter {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.texts().hash(state);
    }
}
