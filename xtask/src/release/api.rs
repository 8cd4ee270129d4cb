//! The public API of each published crate as a committed text, and what a difference means to users.

mod judge;
mod text;

use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use cargo_metadata::Package;

use judge::Change;
pub(crate) use judge::Weight;

use super::workspace::Workspace;

/// The folder of the texts, and of the changes accepted since the last release.
pub(crate) const FOLDER: &str = "xtask/release/api";
const ACCEPTED: &str = "xtask/release/api/accepted.txt";

/// The result of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compared {
    AsBefore,
    Differs,
    /// Nothing was compared, as the output says.
    Skipped,
}

/// Compares each crate with its text, or writes the texts for a reason.
pub(crate) fn run(root: &Path, accept: Option<&str>) -> Result<Compared> {
    ensure!(accept.is_none_or(|reason| !reason.trim().is_empty()), "say why: --accept \"the reason\"");
    if !text::is_possible()? {
        println!("skipped: this rustdoc writes another form of JSON than the one that is read here");
        return Ok(Compared::Skipped);
    }
    let workspace = Workspace::read(root)?;
    let mut compared = Compared::AsBefore;
    for package in workspace.crates.iter().filter(|package| has_library(package)) {
        let now = text::read(&workspace, package)?;
        let path = path(root, package);
        let changes = match fs::read_to_string(&path) {
            Ok(before) => judge::changes(&before, &now),
            Err(error) if error.kind() == ErrorKind::NotFound && accept.is_some() => Vec::new(),
            Err(error) => {
                let remedy = "if the crate is new, write its text with --accept";
                return Err(error).with_context(|| format!("cannot read {}: {remedy}", path.display()));
            }
        };
        for change in &changes {
            println!("{}: {change}", package.name);
        }
        match accept {
            Some(reason) => {
                fs::create_dir_all(root.join(FOLDER))?;
                fs::write(&path, now).with_context(|| format!("cannot write {}", path.display()))?;
                note(root, package, &changes, reason)?;
            }
            None if changes.is_empty() => {}
            None => compared = Compared::Differs,
        }
    }
    if compared == Compared::Differs {
        println!("if that is meant: cargo xtask api --accept \"the reason\"");
    }
    Ok(compared)
}

fn has_library(package: &Package) -> bool {
    package.targets.iter().any(cargo_metadata::Target::is_lib)
}

fn path(root: &Path, package: &Package) -> PathBuf {
    root.join(FOLDER).join(format!("{}.txt", package.name))
}

/// Adds the accepted changes to the list against which the next release is checked.
fn note(root: &Path, package: &Package, changes: &[Change], reason: &str) -> Result<()> {
    let Some(heaviest) = changes.iter().map(|change| change.weight).max() else { return Ok(()) };
    let mut list = accepted(root)?;
    writeln!(list, "{} {}: {}", heaviest.word(), package.name, reason.trim())?;
    fs::write(root.join(ACCEPTED), list).context("cannot write the list of accepted changes")
}

fn accepted(root: &Path) -> Result<String> {
    match fs::read_to_string(root.join(ACCEPTED)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        list => list.with_context(|| format!("cannot read {ACCEPTED}")),
    }
}

/// Returns the crates whose API has changed since the last release, each with its most severe change.
pub(crate) fn since_release(root: &Path) -> Result<Vec<(String, Weight)>> {
    let list = accepted(root)?;
    let read = |line: &str| {
        let (weight, rest) = line.split_once(' ')?;
        Some((rest.split_once(':')?.0.to_owned(), Weight::of(weight)?))
    };
    list.lines()
        .map(|line| read(line).with_context(|| format!("{ACCEPTED} has a line of no known form: {line}")))
        .collect()
}

/// Returns the list of accepted changes, which a release empties, if it is not empty.
pub(crate) fn emptied(root: &Path) -> Result<Option<(PathBuf, String)>> {
    Ok((!accepted(root)?.is_empty()).then(|| (root.join(ACCEPTED), String::new())))
}

#[cfg(test)]
mod tests;
