//! The output of a simulation, and the file of a finding.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use octo_auth_core::Storage;
use octo_auth_testkit::fleet::{Episode, Life, Script, explore, shrunk};
use octo_auth_testkit::world::{Defect, Provider, Rotation, Setup, Tally};

use super::Options;
use super::threads::{self, Broken, RunResult};

/// The count of last trace lines that are shown for a finding.
const SHOWN: usize = 40;

/// Runs the simulation of the options. Returns whether every invariant held, or every defect was found.
pub(super) fn run(root: &Path, options: &Options) -> Result<bool> {
    if let Some(path) = &options.replay {
        return replay(path);
    }
    if let Some(depth) = options.explore {
        return explore_to(root, depth, options);
    }
    if let Some(count) = options.lives {
        let lives: Vec<Life> = Life::of_run(count, options.seed, options.events).collect();
        let name = |place: usize| (format!("{:?} life", lives[place].focus), lives[place].seed);
        return live(root, options, None, || threads::play(&lives, |life| life.play(None)), name);
    }
    match options.sabotage.as_deref() {
        Some("list") => {
            Defect::all().for_each(|own| println!("{:<40} {}", own.name(), own.explain()));
            Ok(true)
        }
        Some("all") => Ok(sabotage_all(options)),
        Some(name) => {
            let Some(sabotage) = Defect::named(name) else {
                bail!("there is no sabotage `{name}`; `--sabotage list` names them");
            };
            println!("sabotage: {}", sabotage.explain());
            days(root, options, Some(sabotage))
        }
        None => days(root, options, None),
    }
}

fn days(root: &Path, options: &Options, sabotage: Option<Defect>) -> Result<bool> {
    let episodes = episodes(options);
    let name = |place: usize| ("episode".to_owned(), episodes[place].seed);
    live(root, options, sabotage, || play(&episodes, sabotage), name)
}

/// Plays a run, prints its statistics, and reports the first finding; `name` returns its kind and its seed.
fn live(
    root: &Path,
    options: &Options,
    sabotage: Option<Defect>,
    run: impl FnOnce() -> RunResult,
    name: impl FnOnce(usize) -> (String, u64),
) -> Result<bool> {
    let start = Instant::now();
    let outcome = run();
    print(options, &outcome);
    println!("{:<28} {:.1} s", "took", start.elapsed().as_secs_f64());
    let Some(broken) = outcome.broken else {
        println!("\nno invariant is broken");
        return Ok(true);
    };
    report(root, &broken, name(broken.place), sabotage)?;
    Ok(false)
}

fn play(episodes: &[Episode], sabotage: Option<Defect>) -> RunResult {
    threads::play(episodes, |episode| episode.play(sabotage))
}

fn episodes(options: &Options) -> Vec<Episode> {
    Episode::of_run(options.days, options.seed, options.processes).collect()
}

/// Prints a finding, shortens it, and writes it to a file.
fn report(root: &Path, broken: &Broken, (kind, seed): (String, u64), sabotage: Option<Defect>) -> Result<()> {
    let Broken { plan, violation, .. } = broken;
    println!("\n{} IS BROKEN: {}", violation.invariant, violation.what);
    println!("in the {kind} with seed {seed}: {:?}", plan.setup);
    println!("after {} events; leaving out what is not needed ...", plan.events.len());
    let script = Script { plan: shrunk(plan, sabotage), sabotage };
    write(root, &format!("{}-{seed}", violation.invariant), &script)
}

fn write(root: &Path, name: &str, script: &Script) -> Result<()> {
    let path = root.join("target").join(format!("simulation-{name}.jsonl"));
    fs::write(&path, script.to_text()).with_context(|| format!("cannot write {}", path.display()))?;
    let world = script.play();
    let trace = world.trace();
    trace[trace.len().saturating_sub(SHOWN)..].iter().for_each(|line| println!("{line}"));
    println!("\n{} events; cargo xtask simulate --replay {}", script.plan.events.len(), path.display());
    Ok(())
}

fn replay(path: &Path) -> Result<bool> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let script = Script::from_text(&text).with_context(|| format!("{} is no script", path.display()))?;
    let world = script.play();
    world.trace().iter().for_each(|line| println!("{line}"));
    match world.violation() {
        Some(violation) => println!("\n{} IS BROKEN: {}", violation.invariant, violation.what),
        None => println!("\nno invariant is broken"),
    }
    Ok(world.violation().is_none())
}

/// Switches on each defect, and prints which invariant detected it and after how many days.
fn sabotage_all(options: &Options) -> bool {
    let mut found_all = true;
    println!("{:<40} {:<6} {:>6}", "sabotage", "found", "days");
    for sabotage in Defect::all() {
        let outcome = play(&episodes(options), Some(sabotage));
        let found = outcome.broken.as_ref().map(|broken| broken.violation.invariant);
        found_all &= found.is_some();
        println!("{:<40} {:<6} {:>6}", sabotage.name(), found.unwrap_or("NO"), outcome.days);
    }
    found_all
}

fn explore_to(root: &Path, depth: u32, options: &Options) -> Result<bool> {
    let processes = if options.processes == 3 { 3 } else { 2 };
    for rotation in [Rotation::Strict, Rotation::Grace, Rotation::None] {
        let (provider, storage, seed) = (Provider::Standard, Storage::MultiProcess, options.seed);
        let explored = explore(Setup { provider, storage, processes, rotation, seed }, depth);
        println!(
            "{rotation:?}: {processes} processes, {depth} steps, {} sequences, {} states",
            explored.sequences, explored.states
        );
        if let Some((plan, violation)) = explored.broken {
            println!("\n{} IS BROKEN: {}", violation.invariant, violation.what);
            write(root, &format!("{}-explored", violation.invariant), &Script { plan, sabotage: None })?;
            return Ok(false);
        }
    }
    println!("\nno invariant is broken");
    Ok(true)
}

/// Prints the statistics of a run.
fn print(options: &Options, outcome: &RunResult) {
    let RunResult { days, stories, events, tally, examined, .. } = outcome;
    let line = |name: &str, number: u64| println!("{name:<28} {number}");
    line("seed", options.seed);
    if options.lives.is_none() {
        line("processes", options.processes.into());
    }
    line("days", *days);
    line(if options.lives.is_some() { "lives" } else { "episodes" }, *stories as u64);
    line("events", *events);
    print_callers(tally);
    println!("faults");
    tally.faults.iter().for_each(|(kind, count)| println!("  {kind:<26} {count}"));
    println!("{:<28} {} by our fault", "tokens lost", tally.lost_by_fault);
    for (reason, count) in &tally.lost_by_design {
        println!("  {:<26} {count}: {reason}", "no machine could help it");
    }
    line("duplicates sent in doubt", tally.sent_again);
    line("families revoked", tally.revoked);
    line("worst 60 s of a process", tally.worst_minute);
    line("worst 60 s of a fleet", tally.worst_minute_of_all);
    let looked: u64 = examined.values().sum();
    println!("{:<28} {}, {looked} times", "invariants looked at", examined.len());
}

fn print_callers(tally: &Tally) {
    let line = |name: &str, number: u64| println!("{name:<28} {number}");
    line("callers asked", tally.asked);
    line("callers served at once", tally.served);
    line("callers failed with a token", tally.failed_with_token);
    line("requests", tally.requests);
    line("renewals", tally.renewals);
}
