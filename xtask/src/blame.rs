//! What the trouble of a few accounts costs hundreds of others, at the terminal.
//!
//! The rule kept here: the numbers depend on the seed alone. As the simulated fleet is, this is built in release and in
//! a build of its own.

#[cfg(feature = "simulate")]
mod table;

use std::path::Path;

use anyhow::Result;
use clap::Args;

/// What is drawn at random.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// What everything is drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Prints a row for each way to fail; the answer is whether the healthy accounts got all their tokens.
#[cfg(feature = "simulate")]
pub(crate) fn run(_: &Path, options: &Options) -> Result<bool> {
    Ok(table::print(options.seed))
}

/// Does the same in a build that can.
#[cfg(not(feature = "simulate"))]
pub(crate) fn run(root: &Path, options: &Options) -> Result<bool> {
    let seed = options.seed.to_string();
    crate::simulate::again(root, ["blame", "--seed", &seed].map(Into::into))
}
