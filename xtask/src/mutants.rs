//! Mutants of the most important code: each is one small defect, which a test must detect.
//!
//! Requires `cargo install cargo-mutants`, which lists the mutants. All are put into one copy of the workspace and
//! switched by number, so that one build serves all; the few that cannot be switched are built one by one. The tests of
//! the core, which take seconds, run first; then slower tests run for the mutants that passed. A mutant that no test
//! detects must be listed in `tests/mutants.txt` with the reason.

mod embed;
mod list;
mod tree;
mod trial;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::slice;

use anyhow::{Context, Result, ensure};

use list::Mutant;
use tree::{Switched, Tree};

/// The minimum percentage of mutants that must be detected.
const TARGET: f64 = 95.0;

/// The code to mutate, and its tests in order: those of the core, then others.
struct Part {
    name: &'static str,
    files: &'static [&'static str],
    own: &'static [&'static str],
    others: &'static [&'static str],
}

const PARTS: [Part; 2] = [
    Part {
        name: "answers",
        files: &["answer.rs", "answer/**"],
        own: &["answers", "profile"],
        others: &["profiles", "profile_bytes"],
    },
    Part {
        name: "key",
        files: &[
            "key.rs",
            "key/**",
            "registration.rs",
            "registration/**",
            "manager.rs",
            "manager/**",
            "store.rs",
            "store/**",
        ],
        own: &["key", "record"],
        others: &["invariants", "scenarios"],
    },
];

impl Part {
    /// The tests in order, each with its package.
    fn stages(&self) -> [(&'static [&'static str], &'static [&'static str]); 2] {
        [(&[CORE], self.own), (&TESTS, self.others)]
    }
}

/// The package of the core and its folder, and the package of the tests outside it.
const CORE: &str = "octo-auth-core";
const FOLDER: &str = "crates/octo-auth-core";
const TESTS: [&str; 2] = ["octo-auth-tests", "--no-default-features"];

/// The file that explains the survivors.
const KNOWN: &str = "tests/mutants.txt";

/// The result of a campaign.
#[derive(Default)]
struct Found {
    noticed: usize,
    unviable: usize,
    missed: Vec<Mutant>,
}

/// Builds and judges all mutants, or one of this count, of all parts or the named one. Returns whether enough were
/// detected and all others are explained.
pub(crate) fn run(root: &Path, one_in: usize, only: Option<&str>) -> Result<bool> {
    let mut found = Found::default();
    for part in PARTS.iter().filter(|part| only.is_none_or(|name| name == part.name)) {
        let mutants: Vec<_> = list::read(root, part.files)?.into_iter().step_by(one_in).collect();
        found.try_part(&Tree::new(root)?, mutants, part)?;
    }
    judge(root, &found, one_in == 1 && only.is_none())
}

impl Found {
    fn try_part(&mut self, tree: &Tree, mutants: Vec<Mutant>, part: &Part) -> Result<()> {
        println!("{}: {} mutants", part.name, mutants.len());
        let Switched { numbers, mut unviable } = tree.switch(&mutants)?;
        println!("{} of them are switched in one build", numbers.len());
        let mut missed = numbers.clone();
        for stage in part.stages() {
            let binaries = tree.tests(stage)?.context("the tests do not compile")?;
            missed = trial::survivors(&binaries, &missed)?;
            println!("{} are not noticed by {}:", missed.len(), stage.1.join(", "));
            missed.iter().for_each(|number| println!("  {}", mutants[number - 1]));
        }
        tree.restore(&mutants)?;
        for (mutant, number) in mutants.iter().zip(1..) {
            if numbers.contains(&number) || unviable.contains(&number) {
                continue;
            }
            tree.replace(mutant)?;
            match is_noticed_alone(tree, part)? {
                None => _ = unviable.insert(number),
                Some(true) => {}
                Some(false) => _ = missed.insert(number),
            }
            tree.restore(slice::from_ref(mutant))?;
        }
        self.noticed += mutants.len() - unviable.len() - missed.len();
        self.unviable += unviable.len();
        self.missed
            .extend((1..).zip(mutants).filter(|(number, _)| missed.contains(number)).map(|(_, it)| it));
        Ok(())
    }
}

/// Builds the single inserted mutant and runs the tests; `None` if it does not compile.
fn is_noticed_alone(tree: &Tree, part: &Part) -> Result<Option<bool>> {
    for stage in part.stages() {
        let Some(binaries) = tree.tests(stage)? else { return Ok(None) };
        if trial::notice(&binaries, trial::NONE, trial::TIMEOUT)?.is_some() {
            return Ok(Some(true));
        }
    }
    Ok(Some(false))
}

/// Prints how many were detected, and compares the others with the explained ones.
fn judge(root: &Path, Found { noticed, unviable, missed }: &Found, is_whole: bool) -> Result<bool> {
    let text = fs::read_to_string(root.join(KNOWN)).with_context(|| format!("cannot read {KNOWN}"))?;
    let mut known = known(&text)?;
    let mut new = 0;
    for mutant in missed {
        match known.get_mut(&*mutant.name) {
            Some(left) if *left > 0 => *left -= 1,
            _ => {
                new += 1;
                println!("not noticed: {mutant}");
            }
        }
    }
    if is_whole {
        known.iter().filter(|(_, left)| **left > 0).for_each(|(name, _)| println!("noticed now: {name}"));
    }
    let all = noticed + missed.len();
    ensure!(all > 0, "there was no mutant");
    #[expect(clippy::cast_precision_loss, reason = "there are some thousand")]
    let share = *noticed as f64 * 100.0 / all as f64;
    println!("{unviable} mutants do not compile");
    println!("{noticed} of {all} others are noticed, {share:.1} %; at least {TARGET} % must be");
    println!(
        "{} are not, {new} of them unexplained: each needs a test, or a reason in {KNOWN}",
        missed.len()
    );
    Ok(share >= TARGET && new == 0)
}

/// Parses the explained mutants and how often each may occur: lines with the name of each, followed by its indented
/// reason.
fn known(text: &str) -> Result<BTreeMap<&str, usize>> {
    let mut known = BTreeMap::new();
    let mut last: Option<&str> = None;
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if line.starts_with(' ') {
            last = None;
            continue;
        }
        *known.entry(line).or_insert(0) += 1;
        last = Some(line);
    }
    ensure!(last.is_none(), "{KNOWN}: no reason is given for {}", last.unwrap_or_default());
    Ok(known)
}
