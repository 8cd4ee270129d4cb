//! House rules for every file that git tracks or would add, including whether the generated files are fresh.
//!
//! The rule of this module: a finding names the line, the problem and the remedy. The only exceptions are the generated
//! files and the file with the forbidden words.

mod dependencies;
mod effects;
mod error_index;
mod functions;
mod links;
mod manifests;
mod names;
mod prose;
mod waits;
mod words;

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{codegen, pictures, release};

/// The largest count of lines in a file.
const FILE_LINES: usize = 500;

/// One thing to change.
pub(crate) struct Finding {
    path: String,
    line: usize,
    text: String,
}

impl Finding {
    fn new(file: &File, line: usize, text: impl Into<String>) -> Self {
        Self { path: file.path.clone(), line, text: text.into() }
    }
}

/// A text file of the project.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Returns whether a tool writes the file; its size and words are not checked.
    fn is_generated(&self) -> bool {
        self.path.ends_with("Cargo.lock")
            || codegen::is_written(&self.path)
            || pictures::is_written(&self.path)
            || release::is_written(&self.path)
    }

    /// Returns whether the file contains only tests. A benchmark is not a test: it measures durations.
    fn is_test(&self) -> bool {
        let is_benchmark = self.path.starts_with("tests/benches/");
        (self.path.starts_with("tests/") && !is_benchmark) || self.path.contains("/tests/")
    }
}

/// Returns the lines at which a rule finds something in a text, for the tests of the rules.
#[cfg(test)]
fn lines_found(rule: fn(&File, &mut Vec<Finding>), path: &str, text: &str) -> Vec<usize> {
    let mut findings = Vec::new();
    rule(&File { path: path.to_owned(), text: text.to_owned() }, &mut findings);
    findings.into_iter().map(|finding| finding.line).collect()
}

/// Prints every finding. Returns whether there was none.
pub(crate) fn run(root: &Path) -> Result<bool> {
    let files = files(root)?;
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| !file.is_generated()) {
        size(file, &mut findings);
        names::check(file, &mut findings);
        words::check(file, &mut findings);
        prose::check(file, &mut findings);
        functions::check(file, &mut findings);
        effects::check(file, &mut findings);
        waits::check(file, &mut findings);
        manifests::check(file, &mut findings);
    }
    error_index::check(&files, &mut findings);
    links::check(&files, &mut findings);
    dependencies::check(root, &mut findings)?;
    stale(root, &mut findings)?;
    stale_pictures(root, &mut findings)?;
    for Finding { path, line, text } in &findings {
        println!("{path}:{line}: {text}");
    }
    println!("tidy: {} files, {} findings", files.len(), findings.len());
    Ok(findings.is_empty())
}

/// Reads the files that git tracks or would track; skips files that are not text.
pub(crate) fn files(root: &Path) -> Result<Vec<File>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("cannot run git")?;
    ensure!(
        output.status.success(),
        "git ls-files failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let names = String::from_utf8(output.stdout).context("git names a file that is not UTF-8")?;
    let paths = names.split('\0').filter(|path| !path.is_empty());
    let read =
        |path: &str| Some(File { path: path.to_owned(), text: fs::read_to_string(root.join(path)).ok()? });
    Ok(paths.filter_map(read).collect())
}

/// Reports the generated files that differ from what the profiles generate now.
fn stale(root: &Path, findings: &mut Vec<Finding>) -> Result<()> {
    for path in codegen::stale(root)? {
        let text = "the file is stale: run `cargo xtask codegen`".to_owned();
        findings.push(Finding { path: path.to_owned(), line: 1, text });
    }
    Ok(())
}

/// Reports the pictures that are not what the scenarios would give now.
fn stale_pictures(root: &Path, findings: &mut Vec<Finding>) -> Result<()> {
    for path in pictures::stale(root)? {
        let text = "the picture is stale: run `cargo xtask pictures`".to_owned();
        findings.push(Finding { path, line: 1, text });
    }
    Ok(())
}

fn size(file: &File, findings: &mut Vec<Finding>) {
    let lines = file.text.lines().count();
    if lines > FILE_LINES {
        let text = format!("the file has {lines} lines, {FILE_LINES} are allowed: split it by subject");
        findings.push(Finding::new(file, lines, text));
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{FILE_LINES, File, size, stale};
    use crate::codegen;

    #[test]
    fn only_the_one_generated_file_is_exempt_whatever_another_says_of_itself() {
        let head = "//! Generated by cargo xtask codegen from profiles/*.toml; do not edit.\n";
        let file = |path: &str| File { path: path.to_owned(), text: head.repeat(FILE_LINES + 1) };
        assert!(file(codegen::GENERATED).is_generated());
        let other = file("crates/octo-auth-core/src/profile/other.rs");
        assert!(!other.is_generated());
        let mut findings = Vec::new();
        size(&other, &mut findings);
        assert_eq!(findings.len(), 1);
    }

    #[test]
    fn a_stale_generated_file_is_found() {
        let root = crate::root();
        let copy = std::env::temp_dir().join(format!("octo-auth-tidy-{}", std::process::id()));
        for File { path, text } in super::files(&root).unwrap() {
            fs::create_dir_all(copy.join(&path).parent().unwrap()).unwrap();
            fs::write(copy.join(&path), text).unwrap();
        }
        codegen::run(&copy, false).unwrap();
        let mut fresh = Vec::new();
        stale(&copy, &mut fresh).unwrap();
        let generated = copy.join(codegen::GENERATED);
        fs::write(&generated, fs::read_to_string(&generated).unwrap() + "\n// by hand\n").unwrap();
        let mut found = Vec::new();
        stale(&copy, &mut found).unwrap();
        fs::remove_dir_all(&copy).unwrap();
        assert!(fresh.is_empty());
        assert_eq!(found.iter().map(|finding| &*finding.path).collect::<Vec<_>>(), [codegen::GENERATED]);
    }
}
