//! Counts the instructions of important paths with callgrind, and compares them with a committed baseline.
//!
//! The rule of this module: a count depends on the code and the compiler, not on the load of the machine. With another
//! compiler or host than the baseline's, or without valgrind, nothing is compared and the step counts as skipped.

mod baseline;
mod verdict;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use baseline::{Baseline, Toolchain};
use verdict::Finding;

/// The function whose instructions are counted, in callgrind's notation.
const COUNTED: &str = "*counted_rounds*";

/// Instructions per round, by the name of a benchmark.
type Counts = BTreeMap<String, f64>;

/// The result of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compared {
    AsBefore,
    Differs,
    /// Nothing was compared, as the output says.
    Skipped,
}

/// Counts, compares with the baseline, and prints each count. Also fails if a deliberate slow-down is not detected.
pub(crate) fn compare(root: &Path) -> Result<Compared> {
    if !has_valgrind() {
        println!("skipped: it needs valgrind, which is not here (`apt-get install valgrind`)");
        return Ok(Compared::Skipped);
    }
    let (baseline, toolchain) = (Baseline::read(root)?, Toolchain::of_this_machine(root)?);
    if baseline.toolchain != toolchain {
        println!("skipped: the baseline is of {}, this is {toolchain}", baseline.toolchain);
        return Ok(Compared::Skipped);
    }
    let counts = count_all(root)?;
    let findings = verdict::findings(&baseline.counts, &counts);
    print(&baseline.counts, &counts);
    findings.iter().for_each(|finding| println!("{finding}"));
    notices_a_slowdown(root, &baseline.counts)?;
    if findings.is_empty() {
        return Ok(Compared::AsBefore);
    }
    println!("if that is meant: cargo xtask instructions --accept \"the reason\"");
    Ok(Compared::Differs)
}

/// Counts, and writes the counts as the new baseline with the reason.
pub(crate) fn accept(root: &Path, reason: &str) -> Result<()> {
    ensure!(!reason.trim().is_empty(), "say why the counts have changed: --accept \"the reason\"");
    ensure!(has_valgrind(), "it needs valgrind, which is not here (`apt-get install valgrind`)");
    let counts = count_all(root)?;
    if let Some(finding) = verdict::findings(&counts, &counts).first() {
        bail!("{finding}");
    }
    if let Ok(before) = Baseline::read(root) {
        print(&before.counts, &counts);
    }
    let toolchain = Toolchain::of_this_machine(root)?;
    Baseline { toolchain, reason: reason.trim().to_owned(), counts }.write(root)
}

fn has_valgrind() -> bool {
    let mut valgrind = Command::new("valgrind");
    valgrind.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    valgrind.status().is_ok_and(|status| status.success())
}

/// Counts each benchmark that the program knows.
fn count_all(root: &Path) -> Result<Counts> {
    let names = run(root, None, &[])?;
    names.lines().map(|name| Ok((name.to_owned(), count(root, name, &[])?))).collect()
}

/// Returns the instructions of one round.
fn count(root: &Path, name: &str, options: &[&str]) -> Result<f64> {
    let folder = root.join("target/instructions");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let profile = folder.join(format!("{name}.callgrind"));
    let rounds = run(root, Some(&profile), &[&[name], options].concat())?;
    let rounds: f64 = rounds.trim().parse().with_context(|| format!("{name} does not print its rounds"))?;
    let text = fs::read_to_string(&profile).with_context(|| format!("cannot read {}", profile.display()))?;
    let total = total(&text).with_context(|| format!("{} has no total", profile.display()))?;
    Ok(total / rounds)
}

/// Returns the sum in a profile of callgrind.
fn total(profile: &str) -> Option<f64> {
    let line = profile.lines().rev().find_map(|line| line.strip_prefix("totals:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Runs the program, under callgrind if there is a file for the profile, and returns what it prints.
fn run(root: &Path, profile: Option<&Path>, arguments: &[&str]) -> Result<String> {
    let mut command = crate::cargo();
    if let Some(profile) = profile {
        let profile = profile.to_str().context("the path of the project is not UTF-8")?;
        let runner = [
            "valgrind".to_owned(),
            "--quiet".to_owned(),
            "--tool=callgrind".to_owned(),
            "--collect-atstart=no".to_owned(),
            format!("--toggle-collect={COUNTED}"),
            format!("--callgrind-out-file={profile}"),
        ];
        command.arg("--config").arg(format!("target.'cfg(all())'.runner={runner:?}"));
    }
    command.args(["run", "--quiet", "--release", "--package", "octo-auth-instructions", "--"]);
    let output = command.args(arguments).current_dir(root).stderr(Stdio::inherit()).output();
    let output = output.context("cannot run cargo")?;
    ensure!(output.status.success(), "octo-auth-instructions {} failed", arguments.join(" "));
    String::from_utf8(output.stdout).context("octo-auth-instructions wrote something other than UTF-8")
}

/// Prints each count beside that of the baseline.
fn print(baseline: &Counts, counts: &Counts) {
    println!("{:<32} {:>12} {:>12} {:>8}", "instructions per round", "baseline", "now", "change");
    for (name, now) in counts {
        match baseline.get(name) {
            Some(before) => {
                println!("{name:<32} {before:>12.1} {now:>12.1} {:>+7.1}%", 100.0 * (now / before - 1.0));
            }
            None => println!("{name:<32} {:>12} {now:>12.1}", "-"),
        }
    }
}

/// Counts one benchmark with a fifth more work, which must be a finding.
fn notices_a_slowdown(root: &Path, baseline: &Counts) -> Result<()> {
    let (name, before) = baseline.first_key_value().context("the baseline is empty")?;
    let slower = count(root, name, &["--slower"])?;
    let findings =
        verdict::findings(&Counts::from([(name.clone(), *before)]), &Counts::from([(name.clone(), slower)]));
    let is_noticed = matches!(findings[..], [Finding::Slower { .. }]);
    ensure!(is_noticed, "{name} with a fifth more work takes {slower:.1}, and that is not noticed");
    println!("a planted slow-down of {name} is noticed: {:+.1}%", 100.0 * (slower / before - 1.0));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::total;

    #[test]
    fn the_total_is_the_last_one_of_a_profile() {
        let profile = "version: 1\nevents: Ir\nsummary: 12\nfn=(1) counted_rounds\n3 12\n\ntotals: 12\n";
        assert_eq!(total(profile), Some(12.0));
        assert_eq!(total("version: 1\nevents: Ir\n"), None);
    }
}
