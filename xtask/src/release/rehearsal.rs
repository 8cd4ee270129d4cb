//! Rehearses a release on a loopback registry, and builds programs outside the workspace from it.

mod consumers;
mod home;
pub(super) mod tree;

use std::path::Path;
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use cargo_metadata::semver::Version;

use super::publish::{self, NAME, Outcome, Target};
use super::registry::{Fault, Registry};
use super::version;
use super::workspace::Workspace;

/// The faults by the number of the upload, so that each rehearsal must be resumed.
const FAULTS: [(usize, Fault); 2] = [(4, Fault::Cut), (6, Fault::Throttle(1))];

/// The token of the loopback registry. Every request that is not an upload is searched for it.
const TOKEN: &str = "token-of-the-registry-on-loopback";

/// Publishes a copy of the workspace, with one run that is interrupted and another that continues. Then builds and runs
/// programs that use the crates.
pub(crate) fn run(root: &Path, wanted: Option<&Version>) -> Result<()> {
    if let Some(refusal) = super::readiness::stale_comparison(root)? {
        bail!(refusal);
    }
    let folder = root.join("target/release-rehearsal");
    tree::empty(&folder, &["workspace", "home", "vendor", "consumers", "installed"])?;
    let copy = folder.join("workspace");
    tree::copy(root, &copy)?;
    let mut workspace = Workspace::read(&copy)?;
    if let Some(wanted) = wanted {
        version::write(&copy, &version::edits(&workspace, wanted)?)?;
        workspace = Workspace::read(&copy)?;
    }
    let registry = Registry::start(TOKEN, FAULTS)?;
    let home = folder.join("home");
    home::fill(&home, &copy)?;
    tree::name_registry(&workspace, NAME)?;
    let target = Target::Loopback { index: registry.index(), token: TOKEN, home: &home };

    println!("first run, cut off at the fourth upload");
    match publish::run(&workspace, &target, &mut thread::sleep) {
        Ok(_) => bail!("the run was to be cut off, and was not"),
        Err(error) => println!("{error:#}"),
    }
    println!("second run");
    let done = publish::run(&workspace, &target, &mut thread::sleep)?;
    let there = done.iter().filter(|(_, outcome)| *outcome == Outcome::WasThere).count();
    ensure!(there == 3, "3 crates were there, {there} were recognised");
    ensure!(registry.held().len() == workspace.crates.len(), "the registry lacks a crate");

    let version = workspace.version().context("the crates have different versions")?;
    consumers::run(&folder, &target, version)?;
    let strangers = registry.log().into_iter().filter(|seen| seen.method != "PUT" && seen.token.is_some());
    ensure!(strangers.count() == 0, "the token was shown where nothing is uploaded");
    println!("rehearsed: {} crates published, 4 programs built from them and run", done.len());
    Ok(())
}
