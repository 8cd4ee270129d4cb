//! Checkers of other projects. Each runs where it is installed in the version whose options are known here.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result};

use super::api::{self, Weight};
use super::plan::git;

/// The checkers: the subcommand of cargo, the version, and the value that the checker has beyond ours.
const CHECKERS: [(&str, &str, &str); 2] =
    [("deny", "0.20", "advisories"), ("semver-checks", "0.51", "further rules about compatible APIs")];

/// The result of a checker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checked {
    Passed,
    Failed,
    /// Nothing was checked, as the output says.
    Skipped,
}

/// Checks the dependencies for advisories.
pub(crate) fn advisories(root: &Path) -> Result<Checked> {
    run(root, "deny", &["check", "advisories"])
}

/// Compares the APIs with those of the last tag. A breaking change that was accepted since then may be there.
pub(crate) fn compatibility(root: &Path) -> Result<Checked> {
    let tags = git(root, &["tag", "--list", "--merged", "HEAD", "--sort=-version:refname", "v*"])?;
    let Some(last) = tags.lines().next() else {
        println!("skipped: there is no tag of a release to compare with");
        return Ok(Checked::Skipped);
    };
    let is_broken = api::since_release(root)?.iter().any(|(_, weight)| *weight == Weight::Breaking);
    let kind = if is_broken { "major" } else { "minor" };
    run(
        root,
        "semver-checks",
        &["check-release", "--workspace", "--baseline-rev", last, "--release-type", kind],
    )
}

/// Runs a checker of the table.
fn run(root: &Path, name: &str, arguments: &[&str]) -> Result<Checked> {
    let entry = CHECKERS.iter().find(|(known, ..)| *known == name);
    let (_, version, worth) = entry.with_context(|| format!("cargo-{name} is not in the table"))?;
    let output = crate::cargo().args([name, "--version"]).stderr(Stdio::null()).output();
    let said = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    if let Some(lack) = lack(name, version, said.trim()) {
        println!("skipped: {worth} need {lack}");
        return Ok(Checked::Skipped);
    }
    let status = crate::cargo().arg(name).args(arguments).current_dir(root).status();
    let has_passed = status.with_context(|| format!("cannot run cargo {name}"))?.success();
    Ok(if has_passed { Checked::Passed } else { Checked::Failed })
}

/// Returns what is needed instead of the checker that gave this version, or gave none.
fn lack(name: &str, version: &str, said: &str) -> Option<String> {
    let is_known = said.starts_with(&format!("cargo-{name} {version}."));
    let here = if said.is_empty() { "it is not here".to_owned() } else { format!("{said} is here") };
    (!is_known)
        .then(|| format!("cargo-{name} {version}, but {here} (`cargo install cargo-{name}@{version}`)"))
}

#[cfg(test)]
mod tests {
    use super::lack;

    #[test]
    fn only_the_version_of_the_table_is_run_and_another_or_none_is_named() {
        assert_eq!(lack("deny", "0.20", "cargo-deny 0.20.2"), None);
        let none = "cargo-deny 0.20, but it is not here (`cargo install cargo-deny@0.20`)";
        assert_eq!(lack("deny", "0.20", "").as_deref(), Some(none));
        let other = "cargo-deny 0.20, but cargo-deny 0.2.1 is here (`cargo install cargo-deny@0.20`)";
        assert_eq!(lack("deny", "0.20", "cargo-deny 0.2.1").as_deref(), Some(other));
    }
}
