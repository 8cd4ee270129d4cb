//! Checks the dependencies of the published crates: licences, bans, sources, unsafe code, and a bill of materials.

mod rules;
mod sbom;
mod tree;
mod trusted;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use rules::Rules;
use tree::Tree;
pub(crate) use trusted::LIST as TRUSTED;

use super::publish;
use super::workspace::Workspace;

/// Checks the dependencies. Returns whether nothing must be changed.
pub(crate) fn check(root: &Path) -> Result<bool> {
    let tree = Tree::read(root)?;
    let mut findings = Rules::read(root)?.findings(&tree)?;
    findings.extend(trusted::findings(root, &tree)?);
    findings.iter().for_each(|finding| println!("{finding}"));
    println!("{} crates in the tree, {} findings", tree.packages.len(), findings.len());
    Ok(findings.is_empty())
}

/// Writes the list of unsafe code and build scripts for later comparisons.
pub(crate) fn accept(root: &Path) -> Result<()> {
    trusted::write(root, &Tree::read(root)?)
}

/// Writes a bill of materials for each published crate to target/sbom.
pub(crate) fn write_sboms(root: &Path) -> Result<()> {
    let workspace = Workspace::read(root)?;
    let tree = Tree::read(root)?;
    let mut checksums = sbom::locked(root)?;
    for (package, checksum) in publish::pack(&workspace, &publish::Target::Public)? {
        checksums.insert((package.name.to_string(), package.version.to_string()), checksum);
    }
    let folder = workspace.target.join("sbom");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for package in &workspace.crates {
        let text = sbom::text(&tree, &package.name, &checksums)?;
        let path = folder.join(format!("{}.cdx.json", package.name));
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        println!("{}", path.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
