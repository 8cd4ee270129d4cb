//! The published crates of a workspace, in order of publication.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use cargo_metadata::semver::{Version, VersionReq};
use cargo_metadata::{Dependency, DependencyKind, MetadataCommand, Package};

/// A workspace, as described by its manifests.
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    /// The target folder of cargo.
    pub(crate) target: PathBuf,
    /// The published crates; each comes after its dependencies.
    pub(crate) crates: Vec<Package>,
    /// The manifests of all crates, published or not.
    pub(crate) manifests: Vec<PathBuf>,
}

impl Workspace {
    /// Reads the manifests below a folder.
    ///
    /// # Errors
    ///
    /// Returns an error if cargo cannot read them, if published crates depend on each other in a circle, or if one
    /// depends on an unpublished crate.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let metadata = MetadataCommand::new().current_dir(root).no_deps().exec();
        let metadata = metadata.context("cargo cannot read the workspace")?;
        let target = metadata.target_directory.clone().into_std_path_buf();
        let manifests =
            metadata.packages.iter().map(|package| package.manifest_path.clone().into_std_path_buf());
        let manifests = manifests.collect();
        let (published, private): (Vec<_>, Vec<_>) =
            metadata.packages.into_iter().partition(|package| package.publish != Some(Vec::new()));
        for package in &published {
            let is_private =
                |own: &&Dependency| is_kept(own) && private.iter().any(|other| *other.name == *own.name);
            if let Some(own) = package.dependencies.iter().find(is_private) {
                bail!(
                    "{} depends on {}, which is not published: publish that too, or remove the dependency",
                    package.name,
                    own.name
                );
            }
        }
        Ok(Self { root: root.to_owned(), target, crates: in_order(published)?, manifests })
    }

    /// Returns the version that all crates share, if they do.
    pub(crate) fn version(&self) -> Option<&Version> {
        let first = &self.crates.first()?.version;
        self.crates.iter().all(|package| package.version == *first).then_some(first)
    }

    pub(crate) fn names(&self) -> BTreeSet<&str> {
        self.crates.iter().map(|package| package.name.as_str()).collect()
    }

    /// Returns the inconsistent versions of the crates and of their dependencies on each other, each with its remedy.
    pub(crate) fn mismatches(&self) -> Vec<String> {
        let mut found = Vec::new();
        let Some(first) = self.crates.first() else {
            return vec![
                "the workspace has no crate to publish: remove `publish = false` from one".to_owned(),
            ];
        };
        for package in self.crates.iter().filter(|package| package.version != first.version) {
            found.push(format!(
                "{} has version {}, but {} has {}: write `version.workspace = true` into both",
                package.name, package.version, first.name, first.version
            ));
        }
        let names = self.names();
        for package in &self.crates {
            for own in
                package.dependencies.iter().filter(|own| is_kept(own) && names.contains(own.name.as_str()))
            {
                let Some(other) = self.crates.iter().find(|other| *other.name == *own.name) else { continue };
                let wanted = VersionReq::parse(&other.version.to_string());
                if wanted.as_ref().ok() != Some(&own.req) {
                    found.push(format!(
                        "{} requires {} in version `{}`, which has {}: give `--write` to set it",
                        package.name, own.name, own.req, other.version
                    ));
                }
            }
        }
        found
    }
}

/// Whether a dependency is part of the published manifest: cargo drops a development dependency that has only a path.
fn is_kept(dependency: &Dependency) -> bool {
    dependency.kind != DependencyKind::Development || dependency.req != VersionReq::STAR
}

/// Sorts the crates so that each comes after its dependencies, and otherwise by name.
fn in_order(mut left: Vec<Package>) -> Result<Vec<Package>> {
    left.sort_by(|one, other| one.name.cmp(&other.name));
    let mut ordered: Vec<Package> = Vec::new();
    while !left.is_empty() {
        let waits = |package: &Package| {
            let mut kept = package.dependencies.iter().filter(|own| is_kept(own));
            kept.any(|own| left.iter().any(|other| *other.name == *own.name))
        };
        let Some(next) = left.iter().position(|package| !waits(package)) else {
            let names: Vec<_> = left.iter().map(|package| package.name.as_str()).collect();
            bail!(
                "no order of publication: {} depend on each other in a circle; a development dependency without a \
                 version does not count, as cargo drops it",
                names.join(", ")
            );
        };
        ordered.push(left.remove(next));
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use super::Workspace;
    use crate::release::fixture::Fixture;

    #[test]
    fn a_crate_is_published_after_those_it_depends_on_whatever_their_names() {
        let fixture = Fixture::new();
        let workspace = Workspace::read(fixture.root()).unwrap();
        let names: Vec<_> = workspace.crates.iter().map(|package| package.name.as_str()).collect();
        assert_eq!(names, ["sample-zero", "sample-middle", "sample-app"]);
        assert!(workspace.mismatches().is_empty(), "{:?}", workspace.mismatches());
    }

    #[test]
    fn a_circle_is_refused_unless_one_side_is_a_development_dependency_by_path() {
        let fixture = Fixture::new();
        let by_path = "[dev-dependencies]\nsample-app = { path = \"../sample-app\" }\n";
        fixture.append("sample-zero/Cargo.toml", by_path);
        assert!(Workspace::read(fixture.root()).is_ok());
        fixture.replace(
            "sample-zero/Cargo.toml",
            "path = \"../sample-app\"",
            "path = \"../sample-app\", version = \"0.1.0\"",
        );
        let error = Workspace::read(fixture.root()).err().unwrap().to_string();
        assert!(error.contains("circle") && error.contains("sample-zero"), "{error}");
    }

    #[test]
    fn a_dependency_on_a_crate_that_is_not_published_is_refused() {
        let fixture = Fixture::new();
        fixture.replace("sample-zero/Cargo.toml", "[package]", "[package]\npublish = false");
        let error = Workspace::read(fixture.root()).err().unwrap().to_string();
        assert!(error.contains("sample-zero, which is not published"), "{error}");
    }

    #[test]
    fn versions_that_do_not_fit_are_named_with_the_remedy() {
        let fixture = Fixture::new();
        fixture.replace("sample-zero/Cargo.toml", "version.workspace = true", "version = \"0.1.7\"");
        let found = Workspace::read(fixture.root()).unwrap().mismatches();
        assert!(found[0].contains("sample-middle has version 0.1.0, but sample-zero has 0.1.7"), "{found:?}");
        assert!(
            found.iter().any(|text| text.contains("requires sample-zero in version `^0.1.0`")),
            "{found:?}"
        );
    }
}
