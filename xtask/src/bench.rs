//! Benchmarks: floor, peers and ours in one run, in a package that nobody else compiles.

use std::path::Path;

use anyhow::{Context, Result, ensure};

/// The benchmarks under `tests/benches/src`.
const BENCHES: [&str; 6] = ["allowlist", "answers", "cached", "exchange", "registration", "scale"];

/// Runs each benchmark, or the one named; whether every target was met.
pub(crate) fn run(root: &Path, only: Option<&str>) -> Result<bool> {
    let known = only.is_none_or(|name| BENCHES.contains(&name));
    ensure!(known, "there is no such benchmark; there are {}", BENCHES.join(", "));
    let mut met = true;
    for bench in BENCHES.iter().filter(|bench| only.is_none_or(|name| name == **bench)) {
        println!("== {bench}");
        let status = crate::cargo()
            .args([
                "run",
                "--release",
                "--quiet",
                "--manifest-path",
                "tests/benches/Cargo.toml",
                "--bin",
                bench,
            ])
            .current_dir(root)
            .status()
            .context("cannot run cargo")?;
        met &= status.success();
    }
    Ok(met)
}
