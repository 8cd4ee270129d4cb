//! Benchmarks: floor, peers and ours in one run. Their package has a separate workspace, so that only this task
//! compiles the peers.

use std::path::Path;

use anyhow::{Context, Result};
use clap::Args;

/// The options of a benchmark run.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only these comparisons; `list` prints their names.
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Fewer and shorter rounds, and few accounts, no builds for the comparison of adoption: to see that everything runs.
    #[arg(long)]
    quick: bool,
    /// The seed of random rules, lookups and accounts.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Write the report into the manual of octo-auth-core too; a comparison that is not part of this run is shown with
    /// its last results.
    #[arg(long)]
    accept: bool,
}

/// Runs the comparisons and renders the report. Returns whether every target was met.
pub(crate) fn run(root: &Path, options: &Options) -> Result<bool> {
    let mut command = crate::cargo();
    command
        .args(["run", "--release", "--quiet", "--manifest-path", "tests/benches/Cargo.toml", "--"])
        .args(["--seed", &options.seed.to_string()])
        .args(options.quick.then_some("--quick"))
        .args(options.accept.then_some("--accept"))
        .args(&options.names)
        .current_dir(root);
    Ok(command.status().context("cannot run cargo")?.success())
}
