//! Sign-ins in a real browser, against the emulator.
//!
//! The rule of this module: a machine without Chromium and its driver skips the task and prints so.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Returns whether there is a browser to drive. Prints what is missing.
pub(crate) fn is_possible() -> bool {
    let starts = |program: &str| {
        let version =
            Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        version.is_ok_and(|status| status.success())
    };
    let missing: Vec<_> =
        ["chromium", "chromedriver"].into_iter().filter(|program| !starts(program)).collect();
    if !missing.is_empty() {
        println!("skipped: it needs {} (Debian: chromium, chromium-driver)", missing.join(" and "));
    }
    missing.is_empty()
}

/// Builds the programs and runs all sign-ins. The error is what the failed one said.
pub(crate) fn run(root: &Path) -> Result<()> {
    for package in [
        ["--package", "octo-auth-cli", "--bin", "octo-auth"],
        ["--package", "octo-auth-async", "--example", "hotel_web"],
    ] {
        let status = crate::cargo().args(["build", "--quiet"]).args(package).current_dir(root).status();
        ensure!(status.context("cannot run cargo")?.success(), "{} was not built", package[3]);
    }
    let output = crate::cargo()
        .args(["run", "--quiet", "--package", "octo-auth-browser", "--", "target/debug", "target/browser"])
        .current_dir(root)
        .env("RUST_BACKTRACE", "0")
        .stdout(Stdio::inherit())
        .output();
    let output = output.context("cannot run cargo")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
