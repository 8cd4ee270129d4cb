//! The effects of a release, and the reasons that prevent it.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use cargo_metadata::semver::Version;

use super::api::{self, Weight};
use super::workspace::Workspace;
use super::{changelog, version};

/// A release, ready to be written.
pub(crate) struct Plan {
    pub(crate) version: Version,
    /// The crates in order of publication.
    order: Vec<String>,
    /// The files that change, each with its new text.
    edits: Vec<(PathBuf, String)>,
    /// The changes, from the changelog.
    entry: String,
    /// The problems to fix first, each with its remedy.
    pub(crate) refusals: Vec<String>,
}

impl Plan {
    /// Plans the release of a version, or of the current one.
    pub(crate) fn new(workspace: &Workspace, wanted: Option<&Version>) -> Result<Self> {
        let current = workspace.version();
        let version = wanted
            .or(current)
            .context("the crates have different versions: say with --version which one they are to have")?;
        let mut refusals = Vec::new();
        if wanted.is_none() {
            refusals.extend(workspace.mismatches());
        }
        if let Some(current) = current.filter(|current| *current > version) {
            refusals
                .push(format!("{version} is older than {current}: choose a later version with --version"));
        }
        let changed = api::since_release(&workspace.root)?;
        if let Some(current) = current.filter(|current| is_compatible(current, version))
            && let Some((name, _)) = changed.iter().find(|(_, weight)| *weight == Weight::Breaking)
            && has_tag(workspace, current)?
        {
            refusals.push(format!(
                "the API of {name} has changed so that code may build no longer: choose a version with --version that \
                 is not compatible with {current}"
            ));
        }
        let tag = tag(version);
        if has_tag(workspace, version)? {
            refusals.push(format!(
                "the tag {tag} exists: choose a later version with --version, or remove the tag if nothing was published"
            ));
        }
        let mut edits = version::edits(workspace, version)?;
        let path = workspace.root.join("CHANGELOG.md");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        // The date of the last commit, so that two runs write the same.
        let day = git(&workspace.root, &["log", "-1", "--format=%cs"])?;
        let entry = match changelog::release(&text, version, &day) {
            Ok(released) => {
                edits.push((path, released.text));
                released.entry
            }
            Err(refusal) => {
                refusals.push(refusal.to_string());
                String::new()
            }
        };
        for (name, _) in changed.iter().filter(|(name, _)| !entry.is_empty() && !entry.contains(name)) {
            refusals.push(format!(
                "CHANGELOG.md does not name {name}, whose API has changed: say there what is new"
            ));
        }
        edits.extend(api::emptied(&workspace.root)?);
        let order = workspace.crates.iter().map(|package| package.name.to_string()).collect();
        Ok(Self { version: version.clone(), order, edits, entry, refusals })
    }

    /// Writes the manifests, the changelog and the lock file.
    ///
    /// # Errors
    ///
    /// Returns an error if something prevents the release; nothing is written then.
    pub(crate) fn write(&self, root: &Path) -> Result<()> {
        ensure!(self.refusals.is_empty(), "nothing was written, see the refusals above");
        version::write(root, &self.edits)
    }

    /// Returns the message of the tag.
    fn message(&self) -> String {
        format!("octo-auth {}\n\n{}\n", self.version, self.entry)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "version {}, published in this order:", self.version)?;
        for (index, name) in self.order.iter().enumerate() {
            writeln!(f, "  {:>2}. {name}", index + 1)?;
        }
        writeln!(f, "{} files change", self.edits.len())?;
        writeln!(f, "tag {} with {} lines of message", tag(&self.version), self.message().lines().count())?;
        for refusal in &self.refusals {
            writeln!(f, "refused: {refusal}")?;
        }
        Ok(())
    }
}

/// Whether code that requires one version accepts the other.
fn is_compatible(one: &Version, other: &Version) -> bool {
    one.major == other.major && (one.major != 0 || one.minor == other.minor)
}

fn has_tag(workspace: &Workspace, version: &Version) -> Result<bool> {
    Ok(!git(&workspace.root, &["tag", "--list", &tag(version)])?.is_empty())
}

pub(crate) fn tag(version: &Version) -> String {
    format!("v{version}")
}

pub(crate) fn git(root: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new("git").args(arguments).current_dir(root).output().context("cannot run git")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "git {} failed: {}", arguments.join(" "), said.trim());
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use cargo_metadata::semver::Version;

    use super::Plan;
    use crate::release::fixture::Fixture;
    use crate::release::workspace::Workspace;

    fn plan(fixture: &Fixture, version: Option<&Version>) -> Plan {
        Plan::new(&Workspace::read(fixture.root()).unwrap(), version).unwrap()
    }

    #[test]
    fn a_plan_writes_nothing_and_its_writing_gives_a_workspace_of_the_new_version() {
        let fixture = Fixture::new();
        let before = fixture.text("Cargo.toml");
        let plan = plan(&fixture, Some(&Version::new(0, 2, 0)));
        assert_eq!(plan.refusals, Vec::<String>::new());
        assert_eq!(fixture.text("Cargo.toml"), before);
        plan.write(fixture.root()).unwrap();
        assert!(fixture.text("CHANGELOG.md").contains("## 0.2.0 - 20"));
        assert!(fixture.text("Cargo.lock").contains("0.2.0"));
        let workspace = Workspace::read(fixture.root()).unwrap();
        assert_eq!(workspace.version(), Some(&Version::new(0, 2, 0)));
        assert_eq!(plan.message(), "octo-auth 0.2.0\n\n- sample-zero: a number\n");
    }

    #[test]
    fn a_tag_that_exists_refuses_the_release() {
        let fixture = Fixture::new();
        fixture.git(&["tag", "v0.1.0"]);
        let refusals = plan(&fixture, None).refusals;
        assert!(refusals[0].starts_with("the tag v0.1.0 exists: choose a later version"), "{refusals:?}");
        assert!(plan(&fixture, Some(&Version::new(0, 1, 1))).refusals.is_empty());
    }

    #[test]
    fn a_breaking_change_of_the_api_needs_an_incompatible_version_and_a_word_in_the_changelog() {
        let fixture = Fixture::new();
        fixture.git(&["tag", "v0.1.0"]);
        fixture.write("xtask/release/api/accepted.txt", "breaking sample-middle: it was wrong\n");
        let refusals = plan(&fixture, Some(&Version::new(0, 1, 1))).refusals;
        assert!(refusals[0].starts_with("the API of sample-middle has changed"), "{refusals:?}");
        assert!(refusals[1].starts_with("CHANGELOG.md does not name sample-middle"), "{refusals:?}");
        fixture.append("CHANGELOG.md", "- sample-middle: another\n");
        let plan = plan(&fixture, Some(&Version::new(0, 2, 0)));
        assert_eq!(plan.refusals, Vec::<String>::new());
        plan.write(fixture.root()).unwrap();
        assert_eq!(fixture.text("xtask/release/api/accepted.txt"), "");
    }

    #[test]
    fn a_mismatch_an_empty_changelog_and_an_older_version_refuse_the_release_and_nothing_is_written() {
        let fixture = Fixture::new();
        fixture.replace("CHANGELOG.md", "- sample-zero: a number\n", "");
        fixture.replace(
            "Cargo.toml",
            "\"sample-zero\", version = \"0.1.0\"",
            "\"sample-zero\", version = \"0.1\"",
        );
        let plan = plan(&fixture, None);
        assert_eq!(plan.refusals.len(), 2, "{:?}", plan.refusals);
        assert!(plan.refusals[0].contains("requires sample-zero in version `^0.1`"), "{:?}", plan.refusals);
        assert!(plan.refusals[1].contains("nothing under `## Unreleased`"), "{:?}", plan.refusals);
        assert!(plan.write(fixture.root()).is_err());
        let older = self::plan(&fixture, Some(&Version::new(0, 0, 9))).refusals;
        assert!(older[0].contains("0.0.9 is older than 0.1.0"), "{older:?}");
    }
}
