//! The findings of a check of a store's server.

/// The severity of a finding. The worst comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// Rotating refresh tokens will be lost sooner or later, or nothing works.
    Refused,
    /// The store works, with a limit that the text states.
    Warning,
    /// All is as it must be.
    Fine,
}

/// A finding of a check of a store's server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The severity.
    pub severity: Severity,
    /// The stable word for the property that was checked, such as `isolation`.
    pub code: &'static str,
    /// The finding and its remedy, as text for people.
    pub text: String,
}

impl Finding {
    /// Returns a finding of [`Severity::Refused`].
    #[must_use]
    pub fn refused(code: &'static str, text: String) -> Self {
        Self { severity: Severity::Refused, code, text }
    }

    /// Returns a finding of [`Severity::Warning`].
    #[must_use]
    pub fn warning(code: &'static str, text: String) -> Self {
        Self { severity: Severity::Warning, code, text }
    }

    /// Returns a finding of [`Severity::Fine`].
    #[must_use]
    pub fn fine(code: &'static str, text: String) -> Self {
        Self { severity: Severity::Fine, code, text }
    }
}
