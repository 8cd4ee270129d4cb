//! Hostile inputs with required outcomes, run against octo-auth or against another library's command.
//!
//! A row contains an input and its required outcome. Every layer that can run a row does: the core alone, the machine
//! of a registration (with a store if the row is about one), both adapters over real sockets, and every API client that
//! they authorise. What a layer observes are *facts*; the judge compares them with the row's expectations. A row passes
//! if each expectation was judged by at least one layer and none was missed. An expectation or input that no layer
//! knows fails the row, so that no assertion is skipped silently.

mod allowlist;
mod answers;
mod callbacks;
mod clients;
mod command;
mod configuration;
#[cfg(unix)]
mod debugged;
mod facts;
#[cfg(unix)]
mod files;
mod input;
mod judge;
mod lifecycle;
#[cfg(unix)]
mod program;
mod resource;
mod row;
#[cfg(unix)]
mod signing_in;
mod stored;
mod stored_events;
mod stored_form;
mod wire;

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

pub use row::{Row, Unreadable};

use facts::Facts;
use wire::Sockets;

/// The result of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every expectation was met in every layer.
    Passed,
    /// At least one was not.
    Failed {
        /// The layer that failed.
        layer: &'static str,
        /// The difference.
        difference: String,
    },
    /// No layer can run the row yet.
    NotRun {
        /// The missing requirement.
        needs: &'static str,
    },
}

/// One row's verdict.
#[derive(Debug, Clone)]
pub struct RowVerdict {
    /// The row's id.
    pub id: String,
    /// The row's group.
    pub group: String,
    /// The result.
    pub verdict: Verdict,
}

/// The library under test.
pub struct Subject(Layers);

enum Layers {
    Own(Sockets),
    Command(PathBuf),
}

impl Subject {
    /// Returns octo-auth: the core, its machine, both adapters and their API clients.
    ///
    /// # Errors
    ///
    /// Returns an error if an adapter could not be set up on this machine.
    pub fn own() -> Result<Self, String> {
        Sockets::new().map(|sockets| Self(Layers::Own(sockets)))
    }

    /// Returns another library behind a command, which reads a row from its standard input and prints its facts.
    #[must_use]
    pub fn command(program: &Path) -> Self {
        Self(Layers::Command(program.to_owned()))
    }
}

/// Reads the rows of a file, or of every `.json` file of a folder, sorted by name.
///
/// # Errors
///
/// Returns [`Unreadable`] for a file that is missing, not JSON, or not an array of rows, and for a duplicate id.
pub fn load(path: &Path) -> Result<Vec<Row>, Unreadable> {
    row::load(path)
}

/// Runs one row.
#[must_use]
pub fn run(row: &Row, subject: &Subject) -> RowVerdict {
    let foreign_input = row.foreign_input().map(|key| format!("the input key {key} is not known"));
    let foreign_key = foreign_input
        .or_else(|| judge::foreign_expectation(row).map(|key| format!("the expectation {key} is not known")));
    let verdict = match foreign_key {
        Some(difference) => failed("runner", difference),
        None => match &subject.0 {
            // A panic ends its row, not the run.
            Layers::Own(sockets) => catch_unwind(AssertUnwindSafe(|| own(row, sockets)))
                .unwrap_or_else(|_| failed("core", "panicked, see above".to_owned())),
            Layers::Command(program) => foreign(row, program),
        },
    };
    RowVerdict { id: row.id.clone(), group: row.group.clone(), verdict }
}

/// Runs a row in every layer of octo-auth that can run it.
fn own(row: &Row, sockets: &Sockets) -> Verdict {
    if let Some(needs) = row.belongs_to_later_work() {
        return Verdict::NotRun { needs };
    }
    if row.is_about_callbacks() {
        return callbacks::verdict(row);
    }
    let mut layers: Vec<(&'static str, Result<Facts, String>)> = Vec::new();
    if let Some(facts) = allowlist::observe(row) {
        return judge::verdict(row, vec![("core", facts)]);
    }
    #[cfg(unix)]
    if let Some(observed) = program::observe(row) {
        return match observed {
            Ok(facts) => judge::verdict(row, vec![("program", Ok(facts))]),
            Err(files::Lack::Needs(needs)) => Verdict::NotRun { needs },
            Err(files::Lack::Failed(problem)) => failed("program", problem),
        };
    }
    if let Some(facts) = configuration::observe(row) {
        return judge::verdict(row, vec![("core", facts)]);
    }
    #[cfg(unix)]
    if row.is_about_files() {
        return match files::observe(row) {
            Ok(facts) => judge::verdict(row, vec![("file store", Ok(facts))]),
            Err(files::Lack::Needs(needs)) => Verdict::NotRun { needs },
            Err(files::Lack::Failed(problem)) => failed("file store", problem),
        };
    }
    if row.is_about_stores() {
        return judge::verdict(row, stored::observe(row));
    }
    if let Some(facts) = answers::observe(row) {
        layers.push(("core", facts));
    }
    if let Some(facts) = resource::observe(row) {
        layers.push(("core", facts));
    }
    if let Some(facts) = lifecycle::observe(row) {
        layers.push(("machine", facts));
    }
    layers.extend(clients::observe(row));
    layers.extend(sockets.observe(row));
    judge::verdict(row, layers)
}

fn foreign(row: &Row, program: &Path) -> Verdict {
    match command::observe(row, program) {
        Ok(None) => Verdict::NotRun { needs: "an answer of the command" },
        Ok(Some(facts)) => judge::verdict(row, vec![("command", Ok(facts))]),
        Err(difference) => failed("command", difference),
    }
}

fn failed(layer: &'static str, difference: String) -> Verdict {
    Verdict::Failed { layer, difference }
}

impl RowVerdict {
    /// Returns the outcome as one line of JSON: `id`, `group`, `result`, `layer`, `difference`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let (result, layer, difference) = match &self.verdict {
            Verdict::Passed => ("passed", "", ""),
            Verdict::Failed { layer, difference } => ("failed", *layer, difference.as_str()),
            Verdict::NotRun { needs } => ("not run", "", *needs),
        };
        let (id, group) = (&self.id, &self.group);
        serde_json::json!({"id": id, "group": group, "result": result, "layer": layer, "difference": difference})
            .to_string()
    }
}

/// The count of all verdicts, by group.
#[derive(Debug, Default)]
pub struct Summary {
    groups: BTreeMap<String, [usize; 3]>,
    not_run: BTreeMap<&'static str, Vec<String>>,
}

impl Summary {
    /// Counts one more outcome.
    pub fn add(&mut self, outcome: &RowVerdict) {
        let counts = self.groups.entry(outcome.group.clone()).or_default();
        match &outcome.verdict {
            Verdict::Passed => counts[0] += 1,
            Verdict::Failed { .. } => counts[1] += 1,
            Verdict::NotRun { needs } => {
                counts[2] += 1;
                self.not_run.entry(needs).or_default().push(outcome.id.clone());
            }
        }
    }

    /// Returns how many rows passed, failed and were not run.
    #[must_use]
    pub fn totals(&self) -> [usize; 3] {
        self.groups
            .values()
            .fold([0; 3], |sum, counts| std::array::from_fn(|place| sum[place] + counts[place]))
    }

    /// Returns the summary as one line of JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        let [passed, failed, not_run] = self.totals();
        serde_json::json!({"rows": passed + failed + not_run, "passed": passed, "failed": failed, "not_run": not_run})
            .to_string()
    }
}

/// Formats a table of the groups, and the ids of the rows that were not run with their requirements.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<28} {:>7} {:>7} {:>8}", "group", "passed", "failed", "not run")?;
        for (group, [passed, failed, not_run]) in &self.groups {
            writeln!(f, "{group:<28} {passed:>7} {failed:>7} {not_run:>8}")?;
        }
        for (needs, ids) in &self.not_run {
            writeln!(f, "not run, as it needs {needs}: {}", ids.join(" "))?;
        }
        let [passed, failed, not_run] = self.totals();
        write!(f, "{passed} passed, {failed} failed, {not_run} not run")
    }
}
