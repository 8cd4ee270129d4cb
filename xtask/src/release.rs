//! A release: planned, audited, rehearsed on a registry on loopback, and only then made.
//!
//! The rule kept here: nothing is written or sent unless it was asked for, and every refusal says what to do.

mod changelog;
#[cfg(test)]
mod fixture;
mod plan;
mod version;
mod workspace;

use std::path::Path;

use anyhow::Result;
use cargo_metadata::semver::Version;
use clap::Args;

use plan::Plan;
use workspace::Workspace;

/// What is done beyond the plan.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The version of the release; without it the one that the crates have.
    #[arg(long)]
    version: Option<Version>,
    /// Write the version into the manifests, and the entry into the changelog.
    #[arg(long)]
    write: bool,
}

/// Prints the plan and does what was asked for; the answer is whether nothing refuses the release.
pub(crate) fn run(root: &Path, options: &Options) -> Result<bool> {
    let workspace = Workspace::read(root)?;
    let plan = Plan::new(&workspace, options.version.as_ref())?;
    print!("{plan}");
    if options.write {
        plan.write(root)?;
    }
    Ok(plan.refusals.is_empty())
}
