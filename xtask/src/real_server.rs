//! Tests both adapters against npm's `oidc-provider`, a server that is independent of this project.
//!
//! The rule of this module: only the packages of `tests/real-server/package-lock.json` are installed, checked by their
//! digests, without running package scripts. A machine without node, or without access to npm's registry, skips the
//! task and prints so.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

/// The server and its dependencies.
const FILES: [&str; 3] = ["package.json", "package-lock.json", "server.mjs"];

/// The oldest release of node on which the server runs.
const OLDEST_NODE: u32 = 20;

/// Installs the server if that is possible, and returns its folder. Otherwise prints the reason.
pub(crate) fn install(root: &Path) -> Result<Option<PathBuf>> {
    if node().is_none_or(|version| version < OLDEST_NODE) {
        println!("skipped: it needs node {OLDEST_NODE} or later and npm, which are not here");
        return Ok(None);
    }
    let (from, folder) = (root.join("tests/real-server"), root.join("target/real-server"));
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let lock = |folder: &Path| fs::read(folder.join("package-lock.json")).ok();
    // npm writes this file after it has installed everything.
    let is_installed =
        lock(&folder) == lock(&from) && folder.join("node_modules/.package-lock.json").exists();
    for file in FILES {
        fs::copy(from.join(file), folder.join(file)).with_context(|| format!("cannot copy {file}"))?;
    }
    if is_installed || npm(&folder) {
        return Ok(Some(folder));
    }
    println!("skipped: npm did not install the server, as it says above");
    Ok(None)
}

/// Runs the scenarios on the server in this folder. Returns whether all passed.
pub(crate) fn run(root: &Path, folder: &Path) -> Result<bool> {
    let status = crate::cargo()
        .args([
            "run",
            "--quiet",
            "--package",
            "octo-auth-tests",
            "--all-features",
            "--bin",
            "real_server",
            "--",
        ])
        .arg(folder)
        .current_dir(root)
        .status()
        .context("cannot run cargo")?;
    Ok(status.success())
}

/// The major version of node.
fn node() -> Option<u32> {
    let output = Command::new("node").arg("--version").stderr(Stdio::null()).output().ok()?;
    let version = String::from_utf8(output.stdout).ok()?;
    version.trim_start_matches('v').split('.').next()?.parse().ok()
}

fn npm(folder: &Path) -> bool {
    let mut install = Command::new("npm");
    install.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    install.current_dir(folder).status().is_ok_and(|status| status.success())
}
