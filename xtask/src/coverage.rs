//! Measures line by line how much of the core the tests reach.
//!
//! Requires `cargo install cargo-llvm-cov` and LLVM's `llvm-cov` and `llvm-profdata`, of the compiler's version or a
//! later one. Only this task needs them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The minimum percentage of lines that must be reached.
const TARGET: f64 = 98.0;

/// The sources whose lines are counted.
const CORE: &str = "crates/octo-auth-core/src/";

/// The suffixes of LLVM's tools to try if no environment variable names them: those of rustup and Debian.
const VERSIONS: [&str; 4] = ["", "-22", "-23", "-24"];

/// Runs the tests with counters, and prints each file of the core with the lines that were not reached. Returns whether
/// enough were reached.
pub(crate) fn run(root: &Path) -> Result<bool> {
    let report = root.join("target/coverage.json");
    let mut command = crate::cargo();
    command
        .args(["llvm-cov", "--all-features", "--package", "octo-auth-core", "--package", "octo-auth-tests"])
        .args(["--package", "octo-auth-testkit", "--json", "--output-path"])
        .arg(&report)
        .env("PROPTEST_RNG_SEED", "1")
        .current_dir(root);
    for (variable, tool) in [("LLVM_COV", "llvm-cov"), ("LLVM_PROFDATA", "llvm-profdata")] {
        if std::env::var_os(variable).is_none() {
            command.env(variable, find(tool)?);
        }
    }
    let status = command.status().context("cannot run cargo llvm-cov")?;
    ensure!(status.success(), "cargo llvm-cov ended with {status}; it needs `cargo install cargo-llvm-cov`");
    let text = std::fs::read(&report).with_context(|| format!("cannot read {}", report.display()))?;
    let report: Value = serde_json::from_slice(&text).context("the report is no JSON")?;
    print(&report)
}

/// Returns the first variant of a tool that is at least as new as the compiler.
fn find(tool: &str) -> Result<PathBuf> {
    let needed = said(Path::new("rustc"), "-vV").as_deref().and_then(major).context("rustc names no LLVM")?;
    let names = VERSIONS.iter().map(|version| PathBuf::from(format!("{tool}{version}")));
    let is_new = |name: &PathBuf| {
        said(name, "--version").as_deref().and_then(major).is_some_and(|version| version >= needed)
    };
    names.into_iter().find(is_new).with_context(|| {
        format!("there is no {tool} of LLVM {needed} or later here; Debian has it in the package llvm-22")
    })
}

fn said(program: &Path, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Returns the major version of LLVM that a program reports.
fn major(text: &str) -> Option<u32> {
    let (_, version) = text.split_once("LLVM version")?;
    version.trim_start_matches([':', ' ']).split('.').next()?.parse().ok()
}

fn print(report: &Value) -> Result<bool> {
    let files = report["data"][0]["files"].as_array().context("the report lists no files")?;
    let (mut lines, mut reached) = (0, 0);
    for file in files {
        let name = file["filename"].as_str().unwrap_or_default();
        let Some((_, name)) = name.split_once(CORE) else { continue };
        let count = |what: &str| file["summary"]["lines"][what].as_u64().unwrap_or(0);
        lines += count("count");
        reached += count("covered");
        let missed = missed(file);
        if !missed.is_empty() {
            println!("{:>6.2} %  {name}: {}", share(count("covered"), count("count")), missed.join(", "));
        }
    }
    ensure!(lines > 0, "the report says nothing of {CORE}");
    let share = share(reached, lines);
    println!(
        "{share:.2} % of the core's lines are reached, {reached} of {lines}; at least {TARGET} % must be"
    );
    Ok(share >= TARGET)
}

#[expect(clippy::cast_precision_loss, reason = "line numbers are small")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 100.0 } else { part as f64 * 100.0 / whole as f64 }
}

/// Returns the lines on which unreached code begins.
fn missed(file: &Value) -> Vec<String> {
    // A segment is: line, column, count, whether it counts, whether a region begins here, whether it is a gap.
    let segments = file["segments"].as_array().into_iter().flatten();
    let unreached = segments.filter(|own| own[2] == 0 && own[3] == true && own[4] == true && own[5] == false);
    let mut lines: Vec<_> = unreached.filter_map(|own| own[0].as_u64()).collect();
    lines.dedup();
    lines.into_iter().map(|line| line.to_string()).collect()
}
