//! The trace of a world.

use octo_auth_core::{Job, State, Verdict};

use crate::StoredRecord;

/// How much of the trace is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trace {
    /// All lines. The trace grows with each event.
    #[default]
    All,
    /// The last lines, up to this number.
    Last(usize),
    /// No line. Lines are not even formatted, which suits long simulations.
    None,
}

/// The kept lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    kept: Trace,
    lines: Vec<String>,
}

impl Lines {
    /// Sets how much is kept from now on.
    pub(super) fn keep(&mut self, kept: Trace) {
        self.kept = kept;
        self.lines.drain(..self.surplus());
    }

    /// Adds a line. It is formatted only if it is kept.
    pub(super) fn note(&mut self, line: impl FnOnce() -> String) {
        match self.kept {
            Trace::None => return,
            Trace::All => {}
            // Rare enough that the amortized cost of a line is constant.
            Trace::Last(most) if self.lines.len() < most.saturating_mul(2).max(64) => {}
            Trace::Last(_) => drop(self.lines.drain(..self.surplus())),
        }
        self.lines.push(line());
    }

    /// Returns the lines, oldest first.
    pub(super) fn all(&self) -> &[String] {
        &self.lines[self.surplus()..]
    }

    fn surplus(&self) -> usize {
        match self.kept {
            Trace::All => 0,
            Trace::Last(most) => self.lines.len().saturating_sub(most),
            Trace::None => self.lines.len(),
        }
    }
}

/// Describes a job. For a write, this includes its content.
pub(super) fn carried(job: &Job) -> String {
    match job {
        Job::Save(save) => format!("{job:?}: {:?}", StoredRecord::read(save.content())),
        _ => format!("{job:?}"),
    }
}

/// Describes an answer to a caller in one line, without secrets.
pub(super) fn told(verdict: &Verdict, row: State) -> String {
    match verdict {
        Verdict::Use(token) => format!("{row}: use {:?}", token.generation()),
        Verdict::UseAndRun(token, _) => format!("{row}: use {:?} and run", token.generation()),
        Verdict::Run(_) => format!("{row}: run"),
        Verdict::Wait { until } => format!("{row}: wait until {until:?}"),
        Verdict::GiveUp(failure) => format!("{row}: give up, {failure}"),
    }
}
