//! The result of a check.

use std::fmt;

use serde_json::{Value, json};

use crate::failure::{Exit, Failure, shown};

/// The result of a check: a word, the finding, and the remedy.
pub(crate) struct Finding {
    check: &'static str,
    result: FindingKind,
    detail: String,
    remedy: Option<String>,
}

enum FindingKind {
    Sound,
    Doubtful,
    Failed(Exit),
    Skipped,
}

impl Finding {
    pub(crate) fn sound(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, result: FindingKind::Sound, detail: detail.into(), remedy: None }
    }

    pub(crate) fn skipped(check: &'static str, why: impl Into<String>) -> Self {
        Self { check, result: FindingKind::Skipped, detail: why.into(), remedy: None }
    }

    pub(crate) fn doubtful(
        check: &'static str,
        detail: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { check, result: FindingKind::Doubtful, detail: detail.into(), remedy: Some(remedy.into()) }
    }

    pub(crate) fn failed(check: &'static str, failure: &Failure) -> Self {
        let remedy = failure.remedy().map(str::to_owned);
        Self { check, result: FindingKind::Failed(failure.exit()), detail: failure.in_one_line(), remedy }
    }

    /// Returns the exit code of a failed check.
    pub(crate) fn exit(&self) -> Option<Exit> {
        match self.result {
            FindingKind::Failed(exit) => Some(exit),
            FindingKind::Sound | FindingKind::Doubtful | FindingKind::Skipped => None,
        }
    }

    fn word(&self) -> &'static str {
        match self.result {
            FindingKind::Sound => "ok",
            FindingKind::Doubtful => "warning",
            FindingKind::Failed(_) => "failed",
            FindingKind::Skipped => "skipped",
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({"check": self.check, "result": self.word(), "detail": self.detail, "remedy": self.remedy})
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<8} {:<14} {}", self.word(), self.check, shown(&self.detail))?;
        match &self.remedy {
            Some(remedy) => write!(f, "\n{:<23} what to do: {}", "", shown(remedy)),
            None => Ok(()),
        }
    }
}
