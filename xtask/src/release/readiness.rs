//! The conditions for sending anything to crates.io.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::comparison;
use super::plan::{git, tag};
use super::workspace::Workspace;

/// The variable from which cargo reads the token.
pub(crate) const TOKEN: &str = "CARGO_REGISTRY_TOKEN";

/// Returns the reasons that prevent publishing the workspace, each with its remedy.
pub(crate) fn refusals(workspace: &Workspace, has_token: bool) -> Result<Vec<String>> {
    let root = &workspace.root;
    let mut found = workspace.mismatches();
    if !has_token {
        found.push(format!(
            "{TOKEN} is not set: put the token of the registry there; it is read by cargo alone"
        ));
    }
    if !git(root, &["status", "--porcelain"])?.is_empty() {
        found.push("there are changes that are not committed: commit them, or remove them".to_owned());
    }
    let Some(version) = workspace.version() else { return Ok(found) };
    let changelog = fs::read_to_string(root.join("CHANGELOG.md")).context("cannot read CHANGELOG.md")?;
    if !changelog.contains(&format!("\n## {version} - ")) {
        found.push(format!(
            "CHANGELOG.md has no entry of {version}: run `cargo xtask release --version {version} --write` and commit"
        ));
    }
    found.extend(stale_comparison(root)?);
    let tag = tag(version);
    if !git(root, &["tag", "--list", &tag])?.is_empty() {
        let tagged = git(root, &["rev-list", "-1", &tag])?;
        if tagged != git(root, &["rev-parse", "HEAD"])? {
            found.push(format!(
                "the tag {tag} is on another commit: check that out, or choose a later version"
            ));
        }
    }
    Ok(found)
}

/// Returns why the README keeps a release back on the day of the last commit, if it does.
pub(super) fn stale_comparison(root: &Path) -> Result<Option<String>> {
    let readme = fs::read_to_string(root.join("README.md")).unwrap_or_default();
    Ok(comparison::refusal(&readme, &git(root, &["log", "-1", "--format=%cs"])?))
}

#[cfg(test)]
mod tests {
    use super::refusals;
    use crate::release::fixture::Fixture;
    use crate::release::workspace::Workspace;

    fn found(fixture: &Fixture, has_token: bool) -> Vec<String> {
        refusals(&Workspace::read(fixture.root()).unwrap(), has_token).unwrap()
    }

    #[test]
    fn nothing_is_published_without_token_entry_and_commit() {
        let fixture = Fixture::new();
        fixture.append("CHANGELOG.md", "\n");
        let found = found(&fixture, false);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].starts_with("CARGO_REGISTRY_TOKEN is not set"), "{found:?}");
        assert!(found[1].contains("not committed"), "{found:?}");
        assert!(found[2].contains("no entry of 0.1.0"), "{found:?}");
    }

    #[test]
    fn a_comparison_that_is_too_old_keeps_a_release_back() {
        let fixture = Fixture::new();
        fixture.write("README.md", "# A\n\nThis comparison is from their sources on 2020-01-01: b 1.0.\n");
        fixture.commit();
        let found = found(&fixture, true);
        assert!(found.iter().any(|refusal| refusal.contains("is from 2020-01-01")), "{found:?}");
    }

    #[test]
    fn a_committed_release_may_be_published_and_a_tag_elsewhere_refuses_it() {
        let fixture = Fixture::new();
        fixture.git(&[
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@example.com",
            "tag",
            "-a",
            "v0.1.0",
            "-m",
            "a",
        ]);
        fixture.replace("CHANGELOG.md", "## Unreleased\n", "## Unreleased\n\n## 0.1.0 - 2026-01-01\n");
        fixture.commit();
        let found_before = found(&fixture, true);
        assert_eq!(
            found_before,
            ["the tag v0.1.0 is on another commit: check that out, or choose a later version"]
        );
        fixture.git(&["tag", "-d", "v0.1.0"]);
        assert_eq!(found(&fixture, true), Vec::<String>::new());
    }
}
