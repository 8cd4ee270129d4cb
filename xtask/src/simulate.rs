//! The simulated fleet: its statistics, and whether all invariants held.
//!
//! The rule of this module: the numbers depend only on the days, the seed and the count of processes, not on the
//! threads. The simulation always runs in a separate release build, which the other tasks do not need.

#[cfg(feature = "simulate")]
mod fleet;
#[cfg(feature = "simulate")]
mod threads;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;

/// The options of a simulation.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many days, in episodes of four days, each with another provider, store and server.
    #[arg(long, default_value_t = 500)]
    days: u64,
    /// The seed of all random values.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many processes share a store.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=8))]
    processes: u8,
    /// Switch on a known defect, which must be found; `list` names them, `all` tries each.
    #[arg(long)]
    sabotage: Option<String>,
    /// Play the file of an earlier run, with its whole trace.
    #[arg(long, conflicts_with_all = ["days", "seed", "processes", "sabotage"])]
    replay: Option<PathBuf>,
    /// Instead of days: every order of this count of steps of two processes and one token spec, of three with `--processes 3`.
    #[arg(long, conflicts_with_all = ["days", "sabotage", "replay"])]
    explore: Option<u32>,
    /// Instead of days: this many random worlds of two to eight processes, in which anything can happen at any moment.
    #[arg(long, conflicts_with_all = ["days", "processes", "sabotage", "replay", "explore"])]
    lives: Option<u64>,
    /// How many events happen in each of these worlds.
    #[arg(long, default_value_t = 40_000, requires = "lives")]
    events: usize,
}

/// Runs the simulation of the options. Returns whether every invariant held.
#[cfg(feature = "simulate")]
pub(crate) fn run(root: &Path, options: &Options) -> Result<bool> {
    fleet::run(root, options)
}

/// Does the same in a release build.
#[cfg(not(feature = "simulate"))]
pub(crate) fn run(root: &Path, _: &Options) -> Result<bool> {
    again(root, std::env::args_os().skip(1))
}

/// Runs the simulation that checks every change.
pub(crate) fn quick(root: &Path) -> Result<bool> {
    again(root, ["simulate", "--days", "500"].map(Into::into))
}

/// Runs a task of this tool in a release build, in the caller's current directory, so that relative paths work.
pub(crate) fn again(root: &Path, arguments: impl IntoIterator<Item = std::ffi::OsString>) -> Result<bool> {
    let status = crate::cargo()
        .args(["run", "--quiet", "--release", "--features", "simulate", "--manifest-path"])
        .arg(root.join("xtask/Cargo.toml"))
        .arg("--")
        .args(arguments)
        .status()
        .context("cannot run cargo")?;
    Ok(status.success())
}
