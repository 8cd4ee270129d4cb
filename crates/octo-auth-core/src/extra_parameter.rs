//! Extra parameters of token requests: `audience`, `resource` (RFC 8707) or a vendor's own.
//!
//! A name is shown, with invisible characters escaped. A value may be a secret and is never shown.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use crate::printable::Printable;
use crate::secret::Secret;

/// A name and a value. They are compared and ordered by their texts.
#[derive(Debug, Clone)]
pub(crate) struct ExtraParameter {
    pub(crate) name: String,
    pub(crate) value: Secret,
}

impl ExtraParameter {
    /// Returns the name and the value as they are sent.
    pub(crate) fn texts(&self) -> (&str, &str) {
        (&self.name, self.value.expose())
    }
}

/// Shows only the name.
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
