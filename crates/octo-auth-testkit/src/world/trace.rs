//! What a world writes down of what happens.

use octo_auth_core::{Job, State, Verdict};

use crate::StoredRecord;

/// How much of what happens is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trace {
    /// Everything: the trace grows with each event.
    #[default]
    All,
    /// So many lines, the last ones.
    Last(usize),
    /// Nothing: no line is even made, which is what long simulations want.
    None,
}

/// The lines that are kept.
#[derive(Debug, Default)]
pub(super) struct Lines {
    kept: Trace,
    lines: Vec<String>,
}

impl Lines {
    /// Keeps another amount from now on.
    pub(super) fn keep(&mut self, kept: Trace) {
        self.kept = kept;
        self.lines.drain(..self.surplus());
    }

    /// Adds a line, which is made only if it is kept.
    pub(super) fn note(&mut self, line: impl FnOnce() -> String) {
        match self.kept {
            Trace::None => return,
            Trace::All => {}
            // Seldom enough that a line costs no more than one.
            Trace::Last(most) if self.lines.len() < most.saturating_mul(2).max(64) => {}
            Trace::Last(_) => drop(self.lines.drain(..self.surplus())),
        }
        self.lines.push(line());
    }

    /// The lines, oldest first.
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

/// What is carried; of what is written, its content too.
pub(super) fn carried(job: &Job) -> String {
    match job {
        Job::Save(save) => format!("{job:?}: {:?}", StoredRecord::read(save.content())),
        _ => format!("{job:?}"),
    }
}

/// What a caller was told, in a line without secrets.
pub(super) fn told(verdict: &Verdict, row: State) -> String {
    match verdict {
        Verdict::Use(token) => format!("{row}: use {:?}", token.generation()),
        Verdict::UseAndRun(token, _) => format!("{row}: use {:?} and run", token.generation()),
        Verdict::Run(_) => format!("{row}: run"),
        Verdict::Wait { until } => format!("{row}: wait until {until:?}"),
        Verdict::GiveUp(failure) => format!("{row}: give up, {failure}"),
    }
}
