//! A copy of the workspace, to be published or checked.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};
use toml_edit::value;

use crate::release::plan::git;
use crate::release::version::{each_dependency, read};
use crate::release::workspace::Workspace;

/// Removes folders of an earlier run.
pub(crate) fn empty(folder: &Path, names: &[&str]) -> Result<()> {
    for name in names {
        let path = folder.join(name);
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove {}", path.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Copies the files that git tracks or would add. A link becomes the file to which it leads.
pub(crate) fn copy(root: &Path, to: &Path) -> Result<()> {
    let listed = git(root, &["ls-files", "-z", "--cached", "--others", "--exclude-standard"])?;
    for path in listed.split('\0').filter(|path| !path.is_empty() && root.join(path).is_file()) {
        let target = to.join(path);
        fs::create_dir_all(target.parent().unwrap_or(to))?;
        fs::copy(root.join(path), &target).with_context(|| format!("cannot copy {path}"))?;
    }
    Ok(())
}

/// Changes the manifests so that the crates find each other in a registry.
pub(crate) fn name_registry(workspace: &Workspace, registry: &str) -> Result<()> {
    let mut paths = workspace.manifests.clone();
    paths.push(workspace.root.join("Cargo.toml"));
    for path in paths {
        let (before, mut document) = read(&path)?;
        each_dependency(&mut document, |name, dependency| {
            if workspace.names().contains(name) && dependency.get("version").is_some() {
                dependency.insert("registry", value(registry));
            }
        });
        let after = document.to_string();
        if after != before {
            fs::write(&path, after).with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    Ok(())
}
