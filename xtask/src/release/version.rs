//! One version for all crates, written into every manifest that contains it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use cargo_metadata::semver::Version;
use toml_edit::{DocumentMut, Item, TableLike, value};

use super::workspace::Workspace;

/// The tables of a manifest that contain dependencies.
const TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// Returns the manifests that a new version changes, each with its new text.
pub(crate) fn edits(workspace: &Workspace, version: &Version) -> Result<Vec<(PathBuf, String)>> {
    let mut paths = workspace.manifests.clone();
    paths.push(workspace.root.join("Cargo.toml"));
    paths.sort();
    paths.dedup();
    let mut edits = Vec::new();
    for path in paths {
        let (before, mut document) = read(&path)?;
        set_package(document.as_table_mut(), version);
        each_dependency(&mut document, |name, dependency| {
            if workspace.names().contains(name) && dependency.get("version").is_some() {
                dependency.insert("version", value(version.to_string()));
            }
        });
        let after = document.to_string();
        if after != before {
            edits.push((path, after));
        }
    }
    Ok(edits)
}

/// Writes files, and updates the lock file.
pub(crate) fn write(root: &Path, edits: &[(PathBuf, String)]) -> Result<()> {
    for (path, text) in edits {
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let mut update = crate::cargo();
    update.args(["update", "--quiet", "--workspace", "--offline"]).current_dir(root);
    let status = update.status().context("cannot run cargo")?;
    ensure!(status.success(), "cargo could not bring Cargo.lock up to date");
    Ok(())
}

/// Reads a manifest as text, and as a document that keeps its layout when it is changed.
pub(crate) fn read(path: &Path) -> Result<(String, DocumentMut)> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let document = text.parse().with_context(|| format!("{} is not TOML", path.display()))?;
    Ok((text, document))
}

/// Calls `edit` with the name and the table of each dependency that is written as a table.
pub(crate) fn each_dependency(document: &mut DocumentMut, mut edit: impl FnMut(&str, &mut dyn TableLike)) {
    let root = document.as_table_mut();
    each_in(root, &mut edit);
    if let Some(workspace) = root.get_mut("workspace").and_then(Item::as_table_like_mut) {
        each_in(workspace, &mut edit);
    }
    let Some(targets) = root.get_mut("target").and_then(Item::as_table_like_mut) else { return };
    for (_, target) in targets.iter_mut() {
        if let Some(target) = target.as_table_like_mut() {
            each_in(target, &mut edit);
        }
    }
}

fn each_in(parent: &mut dyn TableLike, edit: &mut impl FnMut(&str, &mut dyn TableLike)) {
    for table in TABLES {
        let Some(table) = parent.get_mut(table).and_then(Item::as_table_like_mut) else { continue };
        for (key, item) in table.iter_mut() {
            if let Some(dependency) = item.as_table_like_mut() {
                let name = dependency.get("package").and_then(Item::as_str).unwrap_or(&key).to_owned();
                edit(&name, dependency);
            }
        }
    }
}

/// Sets the version if it is written here, not inherited.
fn set_package(root: &mut dyn TableLike, version: &Version) {
    let inherited = root.get_mut("workspace").and_then(|workspace| workspace.get_mut("package"));
    if let Some(package) = inherited.and_then(Item::as_table_like_mut) {
        set(package, version);
    }
    if let Some(package) = root.get_mut("package").and_then(Item::as_table_like_mut) {
        set(package, version);
    }
}

fn set(package: &mut dyn TableLike, version: &Version) {
    if let Some(old) = package.get_mut("version")
        && old.as_str().is_some_and(|old| old != version.to_string())
    {
        *old = value(version.to_string());
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use cargo_metadata::semver::Version;

    use super::edits;
    use crate::release::fixture::Fixture;
    use crate::release::workspace::Workspace;

    #[test]
    fn a_new_version_is_set_in_each_place_that_names_it_and_nothing_else_changes() {
        let fixture = Fixture::new();
        let before = fixture.text("Cargo.toml");
        let workspace = Workspace::read(fixture.root()).unwrap();
        for (path, text) in edits(&workspace, &Version::new(0, 2, 0)).unwrap() {
            fs::write(path, text).unwrap();
        }
        assert_eq!(fixture.text("Cargo.toml"), before.replace("\"0.1.0\"", "\"0.2.0\""));
        let workspace = Workspace::read(fixture.root()).unwrap();
        assert_eq!(workspace.version(), Some(&Version::new(0, 2, 0)));
        assert!(workspace.mismatches().is_empty(), "{:?}", workspace.mismatches());
    }

    #[test]
    fn the_version_that_is_there_changes_no_file() {
        let fixture = Fixture::new();
        let workspace = Workspace::read(fixture.root()).unwrap();
        assert!(edits(&workspace, &Version::new(0, 1, 0)).unwrap().is_empty());
    }
}
