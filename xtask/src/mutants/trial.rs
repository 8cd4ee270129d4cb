//! Runs tests against mutants: a test that fails or does not end has detected one.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::embed::VARIABLE;
use super::tree::Binary;

/// The number that stands for no mutant.
pub(super) const NONE: usize = 0;

/// The limit for the tests without a mutant, or with a single one.
pub(super) const TIMEOUT: Duration = Duration::from_secs(600);

/// Runs the tests with each of the mutants switched on, as many concurrently as there are processors. Returns the
/// mutants that no test detected.
///
/// # Errors
///
/// Returns an error if the tests fail without a mutant, or cannot be run.
pub(super) fn survivors(binaries: &[Binary], numbers: &BTreeSet<usize>) -> Result<BTreeSet<usize>> {
    let start = Instant::now();
    if let Some(failure) = notice(binaries, NONE, TIMEOUT)? {
        bail!("the tests fail without a mutant: {failure}");
    }
    // Many times the normal duration, because a mutant may never end.
    let patience = start.elapsed() * 5 + Duration::from_secs(10);
    let numbers: Vec<usize> = numbers.iter().copied().collect();
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Ok(BTreeSet::new()));
    let work = || {
        while let Some(number) = numbers.get(next.fetch_add(1, Ordering::Relaxed)) {
            let noticed = notice(binaries, *number, patience);
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            match (noticed, found.as_mut()) {
                (Ok(None), Ok(survivors)) => _ = survivors.insert(*number),
                (Ok(Some(_)), Ok(_)) => {}
                (Err(error), _) => *found = Err(error),
                (_, Err(_)) => return,
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    found.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the test that fails or takes longer, if any.
pub(super) fn notice(binaries: &[Binary], number: usize, patience: Duration) -> Result<Option<String>> {
    for binary in binaries {
        if let Some(failure) = failure(binary, number, patience)? {
            return Ok(Some(failure));
        }
    }
    Ok(None)
}

/// Runs a test binary up to its first failure.
fn failure(
    Binary { name, program, folder }: &Binary,
    number: usize,
    patience: Duration,
) -> Result<Option<String>> {
    let mut child = Command::new(program)
        .current_dir(folder)
        .env(VARIABLE, number.to_string())
        .env("RUST_TEST_THREADS", "1")
        .env("PROPTEST_RNG_SEED", "1")
        .env("PROPTEST_MAX_SHRINK_ITERS", "0")
        .env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot run {name}"))?;
    let output = BufReader::new(child.stdout.take().context("the test has no output")?);
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let failed = output.lines().map_while(Result::ok).find(|line| line.ends_with("FAILED"));
        // The receiver is gone if the test took too long.
        let _ = sender.send(failed);
    });
    let failed = match receiver.recv_timeout(patience) {
        Ok(None) => {
            let status = child.wait().context("a test does not end")?;
            return Ok((!status.success()).then(|| format!("{name} ended with {status}")));
        }
        Ok(Some(failed)) => failed,
        Err(_) => format!("{name} took too long"),
    };
    child.kill().context("cannot end a test")?;
    child.wait().context("a test does not end")?;
    Ok(Some(failed))
}
