//! Mutants of what matters most: each is one small defect put into the code, which some test must notice.
//!
//! Needs `cargo install cargo-mutants`; a campaign takes an hour or two on two cores. First the tests of the core are
//! asked, which are built and run in seconds, then, about what those let pass, slower ones, and at last all. What no test
//! notices must stand in `tests/mutants.txt` with the reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// The share of mutants that must be noticed, in percent.
const TARGET: f64 = 95.0;

/// What is mutated, and the tests that are asked about it in turn: those of the core, then others; what those let pass is
/// shown to [`OTHERS`].
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
            "accounts.rs",
            "accounts/**",
            "store.rs",
            "store/**",
        ],
        own: &["key", "record"],
        others: &["invariants", "scenarios"],
    },
];

/// All tests outside the core that look at it.
const OTHERS: [&str; 6] = ["conformance", "driver_model", "flows", "invariants", "profiles", "scenarios"];

/// The package of the core, and that of the tests outside it.
const CORE: &str = "octo-auth-core";
const TESTS: &str = "octo-auth-tests";

/// Some tests of one package, and the most seconds that they may take: many times what they take, as a mutant may never end.
struct Tests {
    package: &'static str,
    arguments: Vec<String>,
    seconds: u32,
}

impl Tests {
    fn new(package: &'static str, names: &[&str], seconds: u32) -> Self {
        let arguments = names.iter().map(|name| format!("--test={name}")).collect();
        Self { package, arguments, seconds }
    }

    /// These tests without what the default features bring in, such as the adapters.
    fn without_adapters(mut self) -> Self {
        self.arguments.push("--no-default-features".to_owned());
        self
    }
}

/// Where cargo-mutants writes what was noticed, in this run and in those before it.
const CAUGHT: [&str; 2] = ["caught.txt", "previously_caught.txt"];

/// Where it writes what did not compile.
const UNVIABLE: &str = "unviable.txt";

/// Where the survivors are explained.
const KNOWN: &str = "tests/mutants.txt";

/// Makes and judges all mutants, or one in so many; the answer is whether enough were noticed and all others are
/// explained. What is known of an earlier run that was broken off is kept with `resume`.
pub(crate) fn run(root: &Path, one_in: u32, resume: bool) -> Result<bool> {
    let (mut noticed, mut missed) = (0, Vec::new());
    for Part { name, files, own, others } in PARTS {
        let folder = root.join("target/mutants").join(name);
        if !resume && folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
        }
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let shard = format!("0/{one_in}");
        let core = Tests::new(CORE, own, 120);
        let others = Tests::new(TESTS, others, 180).without_adapters();
        for tests in [core, others, Tests::new(TESTS, &OTHERS, 300)] {
            mutate(root, &folder, files, &shard, &tests)?;
        }
        let found = folder.join("mutants.out");
        let unviable: BTreeSet<String> = read(&folder.join(UNVIABLE))?.into_iter().collect();
        let caught = [read(&found.join(CAUGHT[0]))?, read(&found.join(CAUGHT[1]))?].concat();
        noticed += caught.iter().filter(|mutant| !unviable.contains(*mutant)).count();
        missed.extend(read(&found.join("missed.txt"))?);
    }
    judge(root, noticed, &missed, one_in == 1)
}

/// Makes the mutants of some files that were not noticed yet, and runs these tests on each.
fn mutate(
    root: &Path,
    folder: &Path,
    files: &[&str],
    shard: &str,
    Tests { package, arguments, seconds }: &Tests,
) -> Result<()> {
    // What a run that was broken off found not to compile, this one takes for caught.
    let found = folder.join("mutants.out");
    append(&folder.join(UNVIABLE), &read(&found.join(UNVIABLE))?)?;
    let files = files.iter().map(|file| format!("--file=crates/octo-auth-core/src/{file}"));
    let status = crate::cargo()
        .args(["mutants", "--no-config", "--package=octo-auth-core"])
        .arg(format!("--test-package={package}"))
        .args(["--baseline=skip", "--build-timeout=600", "--no-times", "--iterate", "--jobs=2"])
        .arg(format!("--timeout={seconds}"))
        .arg(format!("--shard={shard}"))
        .arg("--output")
        .arg(folder)
        .args(files)
        .args(arguments.iter().map(|argument| format!("--cargo-arg={argument}")))
        .env("PROPTEST_RNG_SEED", "1")
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env_remove("CARGO_TARGET_DIR")
        .current_dir(root)
        .status()
        .context("cannot run cargo mutants")?;
    // 2 and 3: some were missed, some ran into the time-out.
    let is_done = matches!(status.code(), Some(0 | 2 | 3));
    ensure!(is_done, "cargo mutants ended with {status}; it needs `cargo install cargo-mutants`");
    // A test that never ends is one that notices: no other need be asked.
    append(&found.join(CAUGHT[0]), &read(&found.join("timeout.txt"))?)?;
    append(&folder.join(UNVIABLE), &read(&found.join(UNVIABLE))?)
}

fn append(path: &Path, lines: &[String]) -> Result<()> {
    let lines: String = read(path)?.iter().chain(lines).map(|line| format!("{line}\n")).collect();
    fs::write(path, lines).with_context(|| format!("cannot write to {}", path.display()))
}

fn read(path: &Path) -> Result<Vec<String>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// Prints how many were noticed, and compares the others with those that are explained.
fn judge(root: &Path, noticed: usize, missed: &[String], is_whole: bool) -> Result<bool> {
    let mut known = known(&read(&root.join(KNOWN))?)?;
    let mut new = 0;
    for mutant in missed {
        match known.get_mut(&without_place(mutant)) {
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
    let share = noticed as f64 * 100.0 / all as f64;
    println!("{noticed} of {all} mutants are noticed, {share:.1} %; at least {TARGET} % must be");
    println!(
        "{} are not, {new} of them unexplained: each needs a test, or a reason in {KNOWN}",
        missed.len()
    );
    Ok(share >= TARGET && new == 0)
}

/// The explained mutants, and how often each may be met: a name of each, then its reason, indented.
fn known(lines: &[String]) -> Result<BTreeMap<String, usize>> {
    let mut known = BTreeMap::new();
    let mut last: Option<&str> = None;
    for line in lines.iter().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if line.starts_with(' ') {
            last = None;
            continue;
        }
        *known.entry(line.clone()).or_insert(0) += 1;
        last = Some(line);
    }
    ensure!(last.is_none(), "{KNOWN}: no reason is given for {}", last.unwrap_or_default());
    Ok(known)
}

/// A mutant without its line and column, which each edit moves.
fn without_place(mutant: &str) -> String {
    let mut parts = mutant.splitn(4, ':');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(file), Some(_), Some(_), Some(what)) => format!("{file}:{what}"),
        _ => mutant.to_owned(),
    }
}
