//! What a look at the server of a store finds.

/// How bad a finding is. The worst comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// Rotating refresh tokens are lost here sooner or later, or nothing works.
    Refused,
    /// It works, with a limit that the text states.
    Warning,
    /// It is as it must be.
    Fine,
}

/// What a look at the server of a store found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The stable word for what was looked at, such as `isolation`.
    pub code: &'static str,
    /// What was found and what to do about it, for people.
    pub text: String,
}

impl Finding {
    /// Tokens are lost here.
    #[must_use]
    pub fn refused(code: &'static str, text: String) -> Self {
        Self { severity: Severity::Refused, code, text }
    }

    /// It works, with a limit.
    #[must_use]
    pub fn warning(code: &'static str, text: String) -> Self {
        Self { severity: Severity::Warning, code, text }
    }

    /// It is as it must be.
    #[must_use]
    pub fn fine(code: &'static str, text: String) -> Self {
        Self { severity: Severity::Fine, code, text }
    }
}
