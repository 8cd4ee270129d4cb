//! A release: planned, audited, rehearsed on a registry on loopback, and only then published.
//!
//! The rule of this module: nothing is written or sent unless an option says so, and every refusal names its remedy.

pub(crate) mod api;
mod changelog;
mod comparison;
mod content;
mod description;
pub(crate) mod external;
pub(crate) mod features;
#[cfg(test)]
mod fixture;
pub(crate) mod msrv;
mod plan;
mod publish;
mod readiness;
mod readme;
mod registry;
mod rehearsal;
mod secret;
pub(crate) mod supply;
mod version;
mod workspace;

use std::path::Path;
use std::thread;

use anyhow::{Result, ensure};
use cargo_metadata::semver::Version;
use clap::Args;

use plan::Plan;
use publish::{Outcome, Target};
use secret::Secrets;
use workspace::Workspace;

/// The steps beyond the plan.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The version of the release; by default that of the crates.
    #[arg(long)]
    version: Option<Version>,
    /// Write the version into the manifests, and the entry into the changelog.
    #[arg(long)]
    write: bool,
    /// Publish to a registry on loopback, build programs from it, and run them.
    #[arg(long, conflicts_with = "write")]
    rehearse: bool,
    /// Publish the committed state to crates.io, permanently. Needs `CARGO_REGISTRY_TOKEN`.
    #[arg(long, conflicts_with_all = ["version", "write", "rehearse"])]
    publish: bool,
}

/// Prints the plan and runs the requested steps. Returns whether nothing prevents the release.
pub(crate) fn run(root: &Path, options: &Options) -> Result<bool> {
    let workspace = Workspace::read(root)?;
    if options.publish {
        let has_token = std::env::var_os(readiness::TOKEN).is_some();
        publish(&workspace, &Target::Public, has_token)?;
        return Ok(true);
    }
    let is_sound = audit(&workspace)?;
    if options.rehearse {
        rehearsal::run(root, options.version.as_ref())?;
        return Ok(is_sound);
    }
    let plan = Plan::new(&workspace, options.version.as_ref())?;
    print!("{plan}");
    ensure!(is_sound || !options.write, "nothing was written, see the findings above");
    if options.write {
        plan.write(root)?;
    }
    Ok(is_sound && plan.refusals.is_empty())
}

/// Publishes the committed state of a workspace.
///
/// # Errors
///
/// Returns an error if something prevents the release; nothing is sent then.
fn publish(workspace: &Workspace, target: &Target<'_>, has_token: bool) -> Result<Vec<(String, Outcome)>> {
    let is_sound = audit(workspace)?;
    let refusals = readiness::refusals(workspace, has_token)?;
    refusals.iter().for_each(|refusal| println!("refused: {refusal}"));
    ensure!(is_sound && refusals.is_empty(), "nothing was published, see above");
    publish::run(workspace, target, &mut thread::sleep)
}

/// Whether a task of the release writes a file of the project.
pub(crate) fn is_written(path: &str) -> bool {
    path.starts_with(api::FOLDER) || path == supply::TRUSTED
}

/// Checks the packages of the workspace. Returns whether nothing must be changed.
pub(crate) fn packages(root: &Path) -> Result<bool> {
    let workspace = Workspace::read(root)?;
    let mismatches = workspace.mismatches();
    mismatches.iter().for_each(|mismatch| println!("{mismatch}"));
    Ok(audit(&workspace)? && mismatches.is_empty())
}

/// Checks the metadata and the content of the packages. Returns whether nothing must be changed.
fn audit(workspace: &Workspace) -> Result<bool> {
    let mut findings: Vec<_> = workspace.crates.iter().flat_map(description::findings).collect();
    findings.extend(content::findings(workspace, &Secrets::new(std::env::vars()))?);
    findings.iter().for_each(|finding| println!("{finding}"));
    println!("{} packages, {} findings", workspace.crates.len(), findings.len());
    Ok(findings.is_empty())
}

#[cfg(test)]
mod tests;
