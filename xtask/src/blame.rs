//! Prints what the failures of a few accounts cost hundreds of others.
//!
//! The rule of this module: the numbers depend only on the seed. Like the simulated fleet, it runs in a separate
//! release build.

#[cfg(feature = "simulate")]
mod table;

use std::path::Path;

use anyhow::Result;
use clap::Args;

/// The options of a run.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The seed of all random values.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Prints a row for each kind of failure. Returns whether the healthy accounts got all their tokens.
#[cfg(feature = "simulate")]
pub(crate) fn run(_: &Path, options: &Options) -> Result<bool> {
    Ok(table::print(options.seed))
}

/// Does the same in a release build.
#[cfg(not(feature = "simulate"))]
pub(crate) fn run(root: &Path, options: &Options) -> Result<bool> {
    let seed = options.seed.to_string();
    crate::simulate::again(root, ["blame", "--seed", &seed].map(Into::into))
}
