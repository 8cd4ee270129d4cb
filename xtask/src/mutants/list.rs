//! The mutants of some files, with the names of cargo-mutants.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// One small defect: a replacement of the text at a position of a file.
#[derive(Debug)]
pub(super) struct Mutant {
    /// The name without line and column, which change with each edit.
    pub(super) name: String,
    /// The path below the workspace.
    pub(super) file: String,
    pub(super) line: u64,
    /// The kind of defect, in the words of cargo-mutants, such as `FnValue`.
    pub(super) genre: String,
    /// The bytes of the file that are replaced.
    pub(super) place: Range<usize>,
    pub(super) replacement: String,
}

/// Lists the mutants of files of the core, given as patterns below its `src`.
///
/// # Errors
///
/// Returns an error if cargo-mutants is not installed or fails.
pub(super) fn read(root: &Path, files: &[&str]) -> Result<Vec<Mutant>> {
    let output = crate::cargo()
        .args(["mutants", "--list", "--json", "--no-config", "--package", super::CORE])
        .args(files.iter().map(|file| format!("--file={}/src/{file}", super::FOLDER)))
        .current_dir(root)
        .output()
        .context("cannot run cargo mutants")?;
    ensure!(output.status.success(), "cargo mutants failed; it needs `cargo install cargo-mutants`");
    let listed: Vec<Value> = serde_json::from_slice(&output.stdout).context("the list is no JSON")?;
    let mut texts = BTreeMap::new();
    let mut mutants = Vec::new();
    for mutant in &listed {
        let file = text(mutant, "file")?;
        if !texts.contains_key(file) {
            let source =
                fs::read_to_string(root.join(file)).with_context(|| format!("cannot read {file}"))?;
            texts.insert(file.to_owned(), source);
        }
        mutants.push(Mutant::new(mutant, file, &texts[file])?);
    }
    Ok(mutants)
}

impl Mutant {
    fn new(listed: &Value, file: &str, source: &str) -> Result<Self> {
        let name = text(listed, "name")?;
        let at = |end: &str| {
            let (line, column) = (&listed["span"][end]["line"], &listed["span"][end]["column"]);
            line.as_u64().zip(column.as_u64()).with_context(|| format!("{name} has no place"))
        };
        let ((first, start), (last, end)) = (at("start")?, at("end")?);
        Ok(Self {
            name: name.replacen(&format!(":{first}:{start}:"), ":", 1),
            file: file.to_owned(),
            line: first,
            genre: text(listed, "genre")?.to_owned(),
            place: offset(source, first, start)?..offset(source, last, end)?,
            replacement: text(listed, "replacement")?.to_owned(),
        })
    }
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} of {}", self.line, self.name)
    }
}

fn text<'a>(mutant: &'a Value, name: &str) -> Result<&'a str> {
    mutant[name].as_str().with_context(|| format!("a mutant has no {name}"))
}

/// Returns the byte offset of a line and a column, both counted from 1, the column in characters.
fn offset(source: &str, line: u64, column: u64) -> Result<usize> {
    let (line, column) = (usize::try_from(line)?, usize::try_from(column)?);
    let before: usize = source.split_inclusive('\n').take(line - 1).map(str::len).sum();
    Ok(before + source[before..].chars().take(column - 1).map(char::len_utf8).sum::<usize>())
}
