//! Checks everything that the README promises, step by step, with a summary at the end.
//!
//! The rule of this module: a failed step does not prevent the next one. The last line shows the counts.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};

/// The smallest count of steps of a valid run of the demo.
const DEMO_STEPS: u64 = 40;

/// The extent of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The promises of the README.
    Promises,
    /// The promises, and formatting, lints, documentation and the oldest supported Rust.
    Everything,
}

/// The environment variable with the folder for the log of the tests.
const LOG: &str = "OCTO_AUTH_TEST_LOG";

/// A step: its name and its function.
type Step = (&'static str, fn(&Path) -> Result<StepResult>);

/// The result of a step that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StepResult {
    Passed,
    /// The step needs something that this machine does not have; its output says what.
    Skipped,
}

const HYGIENE: [Step; 4] = [
    ("formatting", |root| cargo(root, &["fmt", "--all", "--check"], &[])),
    ("lints", |root| {
        let arguments = ["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
        cargo(root, &arguments, &[])
    }),
    ("documentation", |root| {
        let arguments = ["doc", "--workspace", "--all-features", "--no-deps"];
        cargo(root, &arguments, &[("RUSTDOCFLAGS", "-D warnings")])
    }),
    ("oldest Rust", |root| {
        use crate::release::msrv::Checked;
        match crate::release::msrv::run(root, false)? {
            Checked::Builds => Ok(StepResult::Passed),
            Checked::Skipped => Ok(StepResult::Skipped),
            Checked::Fails => {
                bail!("change the code, or raise the requirements in Cargo.toml to versions that build")
            }
        }
    }),
];

const PROMISES: [Step; 17] = [
    // All properties use one fixed seed, so that a result is the same on every machine. A manual run uses a new seed
    // each time.
    ("tests and examples", |root| {
        let log = new_log(root)?;
        let environment = [("PROPTEST_RNG_SEED", "1"), (LOG, &log)];
        cargo(root, &["test", "--workspace", "--all-features"], &environment)
    }),
    ("async adapter without reqwest", |root| {
        let arguments =
            ["test", "--package", "octo-auth-async", "--no-default-features", "--test", "without_reqwest"];
        cargo(root, &arguments, &[])
    }),
    // This checks the log of the tests before it.
    ("no secret in a log", |root| {
        let log = log(root)?;
        cargo(root, &["run", "--quiet", "--package", "octo-auth-tests", "--bin", "leaks", "--", &log], &[])
    }),
    ("demo", demo),
    ("a real server", |root| {
        let Some(folder) = crate::real_server::install(root)? else { return Ok(StepResult::Skipped) };
        ensure!(crate::real_server::run(root, &folder)?, "a scenario failed, see above");
        Ok(StepResult::Passed)
    }),
    ("sign-ins in a browser", |root| {
        if !crate::browser::is_possible() {
            return Ok(StepResult::Skipped);
        }
        crate::browser::run(root)?;
        Ok(StepResult::Passed)
    }),
    ("the manual as a book", |root| {
        if !crate::book::is_possible() {
            println!("skipped: it needs mdbook, which is not here (`cargo install mdbook`)");
            return Ok(StepResult::Skipped);
        }
        crate::book::run(root)?;
        Ok(StepResult::Passed)
    }),
    ("every address, 3 lists", |root| {
        ensure!(crate::exhaust(root, 3, 1)?, "a difference, see above");
        Ok(StepResult::Passed)
    }),
    ("simulation, 500 days", |root| {
        ensure!(crate::simulate::quick(root)?, "a finding, see above: it is written down to be played again");
        Ok(StepResult::Passed)
    }),
    ("fuzzing, 30 s each", |root| {
        if !crate::fuzz::is_possible() {
            println!("skipped: it needs the nightly toolchain and cargo-fuzz, which are not here");
            return Ok(StepResult::Skipped);
        }
        ensure!(
            crate::fuzz::run(root, 30, crate::fuzz::Seed::Fixed, None)?,
            "a finding, see above: add it to the corpus as a row"
        );
        Ok(StepResult::Passed)
    }),
    ("instruction counts", |root| {
        use crate::instructions::Compared;
        match crate::instructions::compare(root)? {
            Compared::AsBefore => Ok(StepResult::Passed),
            Compared::Skipped => Ok(StepResult::Skipped),
            Compared::Differs => bail!("a count differs from the baseline, see above"),
        }
    }),
    ("invariants", |root| {
        ensure!(crate::invariants::run(root)?, "each invariant needs a test that bears its number");
        Ok(StepResult::Passed)
    }),
    ("import circles", |root| {
        ensure!(
            crate::measure::run(root)?,
            "the circles above must be cut: move what both files need into a third"
        );
        Ok(StepResult::Passed)
    }),
    ("packages", |root| {
        ensure!(crate::release::packages(root)?, "the findings above must be changed");
        Ok(StepResult::Passed)
    }),
    ("supply chain", |root| {
        ensure!(crate::release::supply::check(root)?, "the findings above must be changed or accepted");
        Ok(StepResult::Passed)
    }),
    ("advisories", |root| external(crate::release::external::advisories(root)?)),
    // A stale generated file is one of its findings.
    ("house rules", |root| {
        ensure!(crate::tidy::run(root)?, "the findings above must be changed");
        Ok(StepResult::Passed)
    }),
];

/// Runs the steps and prints the summary. Returns whether no step failed.
pub(crate) fn run(root: &Path, extent: Extent) -> Result<bool> {
    let hygiene: &[Step] = if extent == Extent::Everything { &HYGIENE } else { &[] };
    let mut summary = Vec::new();
    for (name, step) in hygiene.iter().chain(&PROMISES) {
        println!("== {name}");
        let start = Instant::now();
        let outcome = step(root);
        if let Err(error) = &outcome {
            println!("{name} failed: {error:#}");
        }
        summary.push((*name, outcome, start.elapsed()));
    }
    Ok(print(&summary))
}

/// Prints one line for each step, why steps failed, and the counts. Returns whether none failed.
fn print(summary: &[(&str, Result<StepResult>, Duration)]) -> bool {
    println!("\n{:<22} {:<7} {:>8}", "step", "result", "seconds");
    for (name, outcome, took) in summary {
        let result = match outcome {
            Ok(StepResult::Passed) => "passed",
            Ok(StepResult::Skipped) => "skipped",
            Err(_) => "FAILED",
        };
        println!("{name:<22} {result:<7} {:>8.1}", took.as_secs_f64());
    }
    println!();
    let mut failed = 0;
    for (name, outcome, _) in summary {
        if let Err(error) = outcome {
            println!("{name} failed: {error:#}");
            failed += 1;
        }
    }
    let count = |wanted: StepResult| {
        let is_wanted = |outcome: &Result<StepResult>| outcome.as_ref().is_ok_and(|it| *it == wanted);
        summary.iter().filter(|(_, outcome, _)| is_wanted(outcome)).count()
    };
    let (passed, skipped) = (count(StepResult::Passed), count(StepResult::Skipped));
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    failed == 0
}

/// Returns the outcome of another project's checker.
fn external(checked: crate::release::external::Checked) -> Result<StepResult> {
    use crate::release::external::Checked;
    match checked {
        Checked::Passed => Ok(StepResult::Passed),
        Checked::Skipped => Ok(StepResult::Skipped),
        Checked::Failed => bail!("the findings above must be changed"),
    }
}

fn cargo(root: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Result<StepResult> {
    let status = crate::cargo()
        .args(arguments)
        .envs(environment.iter().copied())
        .current_dir(root)
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "cargo {} ended with {status}", arguments.join(" "));
    Ok(StepResult::Passed)
}

/// Returns the folder for the log of the tests.
fn log(root: &Path) -> Result<String> {
    let folder = root.join("target/test-log");
    folder.into_os_string().into_string().map_err(|folder| anyhow!("{} is no text", folder.display()))
}

/// Empties the folder and returns it.
fn new_log(root: &Path) -> Result<String> {
    let log = log(root)?;
    if Path::new(&log).exists() {
        fs::remove_dir_all(&log).with_context(|| format!("cannot empty {log}"))?;
    }
    fs::create_dir_all(&log).with_context(|| format!("cannot make {log}"))?;
    Ok(log)
}

/// Runs the demo and checks its exit status and its last line.
fn demo(root: &Path) -> Result<StepResult> {
    let output = crate::cargo()
        .args(["run", "--quiet", "--package", "octo-auth-cli", "--", "demo", "--json"])
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    let text = String::from_utf8(output.stdout).context("the demo wrote something other than UTF-8")?;
    for line in text.lines().filter(|line| line.contains("\"ok\":false")) {
        println!("{line}");
    }
    let last = text.lines().next_back().context("the demo wrote nothing")?;
    let last: serde_json::Value = serde_json::from_str(last).context("the demo's last line is no JSON")?;
    let count = |name: &str| last.get(name).and_then(serde_json::Value::as_u64);
    let (Some(steps), Some(failed)) = (count("steps"), count("failed")) else {
        bail!("the demo's last line is no summary: {last}");
    };
    println!("{steps} steps, {failed} failed");
    ensure!(output.status.success(), "the demo ended with {}", output.status);
    ensure!(failed == 0, "{failed} steps of the demo failed");
    ensure!(steps >= DEMO_STEPS, "the demo has {steps} steps, at least {DEMO_STEPS} are promised");
    Ok(StepResult::Passed)
}
