//! What a suite has found, as a value.

use std::fmt;

/// What came of a suite: which checks there were, and which failed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[must_use]
pub struct Report {
    checks: Vec<&'static str>,
    failures: Vec<Failure>,
}

/// A check that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The check's name, such as `a_redirect_is_not_followed`.
    pub check: &'static str,
    /// What was found instead. It holds no secret but those the suite made up.
    pub what: String,
}

impl Report {
    /// The names of all checks, in the order in which they were made.
    #[must_use]
    pub fn checks(&self) -> &[&'static str] {
        &self.checks
    }

    /// The checks that failed, in the same order.
    #[must_use]
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    pub(crate) fn add(&mut self, check: &'static str, found: Result<(), String>) {
        self.checks.push(check);
        self.failures.extend(found.err().map(|what| Failure { check, what }));
    }
}

/// A line for each failure, then the count.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failure in &self.failures {
            writeln!(f, "{failure}")?;
        }
        write!(f, "{} checks, {} failed", self.checks.len(), self.failures.len())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check, self.what)
    }
}
