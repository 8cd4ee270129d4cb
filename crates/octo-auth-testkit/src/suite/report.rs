//! The result of a suite.

use std::fmt;

/// The result of a suite: the names of all checks, and the failures.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[must_use]
pub struct SuiteReport {
    checks: Vec<&'static str>,
    failures: Vec<Failure>,
}

/// A check that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The name of the check, such as `a_redirect_is_not_followed`.
    pub check: &'static str,
    /// What was found instead. It contains no secrets except those that the suite itself created.
    pub what: String,
}

impl SuiteReport {
    /// Returns the names of all checks, in the order in which they ran.
    #[must_use]
    pub fn checks(&self) -> &[&'static str] {
        &self.checks
    }

    /// Returns the failed checks, in the same order.
    #[must_use]
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    pub(crate) fn add(&mut self, check: &'static str, found: Result<(), String>) {
        self.checks.push(check);
        self.failures.extend(found.err().map(|what| Failure { check, what }));
    }
}

/// Writes one line for each failure, then the counts.
impl fmt::Display for SuiteReport {
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
