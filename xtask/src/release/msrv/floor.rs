//! A copy of the crates whose lock file names the oldest version that each manifest allows of each direct dependency.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use cargo_metadata::Package;
use toml_edit::{Array, Item, Table, value};

use super::super::rehearsal::tree;
use super::super::version::read;
use super::super::workspace::Workspace;

/// Copies the workspace with nothing but these crates, and without what only their tests need. Returns the folder.
///
/// # Errors
///
/// Returns an error if cargo finds no versions: a dependency needs a later one than a manifest names.
pub(super) fn copy(workspace: &Workspace, crates: &[&Package]) -> Result<PathBuf> {
    let folder = workspace.target.join("msrv-floor");
    tree::empty(&workspace.target, &["msrv-floor"])?;
    tree::copy(&workspace.root, &folder)?;
    let mut members = Array::new();
    for package in crates {
        let manifest = package.manifest_path.strip_prefix(&workspace.root);
        let manifest = manifest.context("a crate is outside the workspace")?;
        members.push(manifest.parent().context("a manifest is in no folder")?.as_str());
        edit(&folder.join(manifest), drop_tests)?;
    }
    edit(&folder.join("Cargo.toml"), |table| {
        if let Some(workspace) = table.get_mut("workspace").and_then(Item::as_table_mut) {
            workspace.insert("members", value(members));
        }
    })?;
    let mut cargo = crate::cargo();
    cargo.args(["-Zdirect-minimal-versions", "generate-lockfile", "--quiet"]).current_dir(&folder);
    // Only with this does a stable cargo have the option.
    let status = cargo.env("RUSTC_BOOTSTRAP", "1").status().context("cannot run cargo")?;
    ensure!(
        status.success(),
        "the oldest allowed dependencies do not fit together: raise the requirement that cargo names, in Cargo.toml"
    );
    Ok(folder)
}

fn edit(path: &Path, change: impl FnOnce(&mut Table)) -> Result<()> {
    let (_, mut document) = read(path)?;
    change(document.as_table_mut());
    fs::write(path, document.to_string()).with_context(|| format!("cannot write {}", path.display()))
}

/// Removes the development dependencies: cargo would hold the oldest versions of those against the others.
fn drop_tests(manifest: &mut Table) {
    const TESTS: &str = "dev-dependencies";
    manifest.remove(TESTS);
    let Some(targets) = manifest.get_mut("target").and_then(Item::as_table_like_mut) else { return };
    for (_, target) in targets.iter_mut() {
        if let Some(target) = target.as_table_like_mut() {
            target.remove(TESTS);
        }
    }
}
