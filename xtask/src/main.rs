//! The project's own tool: generated files, house rules, and a check of all promises of the README in one command.
//!
//! The rule of this program: each subcommand prints its findings and exits with status 1 if anything must be changed.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command speaks on its standard streams")]

mod bench;
mod blame;
mod book;
mod browser;
mod check;
mod codegen;
mod coverage;
mod fuzz;
mod instructions;
mod invariants;
mod measure;
mod mutants;
mod pictures;
mod real_server;
mod release;
mod simulate;
mod tidy;

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::{Parser, Subcommand};

/// With the platform's allocator, the simulation spends a third of its time on memory.
#[cfg(feature = "simulate")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Tasks of the octo-auth workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Write the generated files: the built-in profiles, the table of the README, the reference chapters of the manual.
    Codegen {
        /// Write nothing; fail if a generated file is stale.
        #[arg(long)]
        check: bool,
    },
    /// Draw the pictures of the manual and the README from the traces in tests/scenarios.
    Pictures,
    /// Build the manual as a book in target/manual, and follow its links; needs mdbook.
    Book,
    /// Check the house rules: sizes, names, words, what the core may not use, what the crates may depend on,
    /// and that the generated files are fresh.
    Tidy,
    /// Print the invariants with the tests that hold each; fail if one has none or a test names an unknown one.
    Invariants,
    /// Run rows of hostile inputs through the core and both adapters, or through another library's command.
    Conformance {
        /// Files of rows, folders of such files, `--json`, `--command PROGRAM`.
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Measure floors, peers and ours in one run, and render the report; fail if a target is missed.
    Bench(bench::Options),
    /// Count the instructions of the paths that must be fast, and compare them with the committed baseline; needs
    /// valgrind.
    Instructions {
        /// Write the counts as the new baseline, for this reason.
        #[arg(long, value_name = "REASON")]
        accept: Option<String>,
    },
    /// Check lists of random rules for every IPv4 address against a map; fail on a difference.
    Allowlist {
        /// How many lists; each takes some seconds.
        #[arg(long, default_value_t = 1000)]
        sets: u64,
        /// The seed of the first list; later lists use the next numbers. Without it a new one is chosen and printed.
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Simulate a small fleet on bad days, and check the invariants; fail if one is violated.
    Simulate(simulate::Options),
    /// Put small defects into the most important parts of the core, and fail if the tests miss too many of them; needs
    /// cargo-mutants.
    Mutants {
        /// Only one of this count of mutants.
        #[arg(long, default_value = "1")]
        one_in: NonZeroUsize,
        /// Only this part of the core.
        #[arg(long, value_parser = ["answers", "key"])]
        part: Option<String>,
    },
    /// Print how many lines of the core the tests reach, and which they do not; needs cargo-llvm-cov and LLVM's tools.
    Coverage,
    /// Fuzz each way into the core; needs nightly and cargo-fuzz.
    Fuzz {
        /// How long each target is fuzzed, in minutes.
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
        minutes: u64,
        /// Only this target.
        #[arg(long)]
        target: Option<String>,
    },
    /// Let few accounts fail among 500 healthy ones, for six simulated hours each, and print what it costs the healthy
    /// ones; fail if one of them was denied a token.
    Blame(blame::Options),
    /// Kill processes at each system call of a save, and let sixteen processes share rotating refresh tokens while some are
    /// killed and stopped; fail if a record is damaged, a token is lost, or one is sent twice.
    FileStore {
        /// How many processes are killed; it needs strace.
        #[arg(long, default_value_t = 1000)]
        kills: u64,
        /// How often tokens are refreshed in total, in several concurrent fleets.
        #[arg(long, default_value_t = 10_000)]
        rotations: u64,
        /// The seed of the first fleet; later fleets use the next numbers. Without it a new one is chosen and printed.
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Let sixteen processes share rotating refresh tokens in a database, while some are killed and stopped, wall clocks move,
    /// connections are cut, and the server is restarted and loses writes; fail if a token is lost or one is sent twice. Then
    /// record the operations of eight processes on one record, and fail if they are not linearizable. It starts the server
    /// itself.
    Fleet {
        /// The engine of the store.
        #[arg(long, value_parser = ["postgres", "redis"])]
        engine: String,
        /// How many operations are recorded.
        #[arg(long, default_value_t = 100_000)]
        operations: u64,
        /// How often tokens are refreshed in total, in several concurrent fleets.
        #[arg(long, default_value_t = 10_000)]
        rotations: u64,
        /// The seed of the first fleet; later fleets use the next numbers. Without it a new one is chosen and printed.
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Run both adapters against npm's `oidc-provider`, a real server: all grants, rotation, kills, and all errors;
    /// needs node, and npm's registry the first time.
    RealServer,
    /// Sign in with Chromium, by the command line and at a web application, against the emulator; pictures of each page go
    /// to target/browser. It needs chromium and its driver.
    Browser,
    /// Compare the public API of each published crate with its committed text; fail if it differs.
    Api {
        /// Write the texts, for this reason.
        #[arg(long, value_name = "REASON")]
        accept: Option<String>,
    },
    /// Check each published crate with none of its features, each alone, and all.
    Features {
        /// With every set of features.
        #[arg(long)]
        all: bool,
    },
    /// Check that the crates build with their minimum Rust version, and with the oldest dependencies that they allow.
    Msrv {
        /// Install that Rust by apt-get first.
        #[arg(long)]
        install: bool,
    },
    /// Check the metadata and the content of each published package: descriptions, versions, files, links, secrets.
    Packages,
    /// Check the dependencies of the published crates: licences, bans, sources, unsafe code and build scripts.
    Supply {
        /// Write the list of unsafe code and build scripts for later comparisons.
        #[arg(long)]
        accept: bool,
        /// Write a bill of materials for each published crate to target/sbom.
        #[arg(long)]
        sbom: bool,
    },
    /// Plan a release: versions, order, changelog entry, tag, and the reasons that prevent it. Nothing is written or
    /// sent unless an option says so.
    Release(release::Options),
    /// Print how much code one refresh runs through; fail if files import each other in a circle.
    Measure,
    /// Run the tests of the core, then check the house rules.
    Quick,
    /// Check everything the README promises: tests, generated files, the demo, the house rules.
    Test,
    /// Check formatting, lints, documentation and the oldest supported Rust, then everything that `test` checks.
    Ci,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Codegen { check } => codegen::run(&root(), check),
        Task::Pictures => pictures::run(&root()),
        Task::Book => book::run(&root()).map(|()| true),
        Task::Tidy => tidy::run(&root()),
        Task::Invariants => invariants::run(&root()),
        Task::Conformance { arguments } => conformance(&arguments),
        Task::Bench(options) => bench::run(&root(), &options),
        Task::Instructions { accept: None } => {
            instructions::compare(&root()).map(|compared| compared != instructions::Compared::Differs)
        }
        Task::Instructions { accept: Some(reason) } => instructions::accept(&root(), &reason).map(|()| true),
        Task::Allowlist { sets, seed } => exhaust(&root(), sets, seed.unwrap_or_else(new_seed)),
        Task::Simulate(options) => simulate::run(&root(), &options),
        Task::Fuzz { minutes, target } => {
            fuzz::run(&root(), minutes.saturating_mul(60), fuzz::Seed::New, target.as_deref())
        }
        Task::Mutants { one_in, part } => mutants::run(&root(), one_in.get(), part.as_deref()),
        Task::Coverage => coverage::run(&root()),
        Task::Blame(options) => blame::run(&root(), &options),
        Task::FileStore { kills, rotations, seed } => {
            file_store(kills, rotations, seed.unwrap_or_else(new_seed))
        }
        Task::Fleet { engine, operations, rotations, seed } => {
            fleet(&engine, operations, rotations, seed.unwrap_or_else(new_seed))
        }
        Task::RealServer => real_server(&root()),
        Task::Browser if !browser::is_possible() => Ok(false),
        Task::Browser => browser::run(&root()).map(|()| true),
        Task::Api { accept } => api(&root(), accept.as_deref()),
        Task::Features { all } => release::features::run(&root(), !all),
        Task::Msrv { install } => {
            release::msrv::run(&root(), install).map(|checked| checked != release::msrv::Checked::Fails)
        }
        Task::Packages => release::packages(&root()),
        Task::Supply { accept: true, .. } => release::supply::accept(&root()).map(|()| true),
        Task::Supply { sbom: true, .. } => release::supply::write_sboms(&root()).map(|()| true),
        Task::Supply { .. } => supply(&root()),
        Task::Release(options) => release::run(&root(), &options),
        Task::Measure => measure::run(&root()),
        Task::Quick => quick(&root()),
        Task::Test => check::run(&root(), check::Extent::Promises),
        Task::Ci => check::run(&root(), check::Extent::Everything),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the rows in the caller's current directory, so that relative paths work.
fn conformance(arguments: &[String]) -> anyhow::Result<bool> {
    let manifest = root().join("Cargo.toml");
    // Rows about files start this program.
    let built = cargo()
        .args(["build", "--quiet", "--manifest-path"])
        .arg(&manifest)
        .args(["--package", "octo-auth-tests", "--bin", "file_store"])
        .status()?;
    if !built.success() {
        return Ok(false);
    }
    let status = cargo()
        .args(["run", "--quiet", "--manifest-path"])
        .arg(manifest)
        .args(["--package", "octo-auth-tests", "--bin", "conformance", "--"])
        .args(arguments)
        .status()?;
    Ok(status.success())
}

fn file_store(kills: u64, rotations: u64, seed: u64) -> anyhow::Result<bool> {
    let [kills, rotations, seed] = [kills, rotations, seed].map(|number| number.to_string());
    campaigns(&[&["kills", &kills], &["rotations", "files", &rotations, &seed]])
}

fn fleet(engine: &str, operations: u64, rotations: u64, seed: u64) -> anyhow::Result<bool> {
    let [operations, rotations, seed] = [operations, rotations, seed].map(|number| number.to_string());
    campaigns(&[&["rotations", engine, &rotations, &seed], &["histories", engine, &operations]])
}

/// Runs campaigns of stores, the later ones even if one failed.
fn campaigns(campaigns: &[&[&str]]) -> anyhow::Result<bool> {
    let mut is_sound = true;
    for arguments in campaigns {
        let status = cargo()
            .args(["run", "--quiet", "--package", "octo-auth-tests", "--bin", "file_store", "--"])
            .args(*arguments)
            .current_dir(root())
            .status()?;
        is_sound &= status.success();
    }
    Ok(is_sound)
}

fn real_server(root: &Path) -> anyhow::Result<bool> {
    let folder = real_server::install(root)?;
    folder.map_or(Ok(false), |folder| real_server::run(root, &folder))
}

/// Compares this count of lists with the map, in an optimised build: there are 4,294,967,296 addresses.
fn exhaust(root: &Path, sets: u64, seed: u64) -> anyhow::Result<bool> {
    let status = cargo()
        .args(["run", "--quiet", "--release", "--package", "octo-auth-exhaustive", "--"])
        .args([sets.to_string(), seed.to_string()])
        .current_dir(root)
        .status()?;
    Ok(status.success())
}

/// Runs the tests of the core, then `tidy` even if they failed. Returns whether both passed.
fn quick(root: &Path) -> anyhow::Result<bool> {
    let status = cargo().args(["test", "--package", "octo-auth-core"]).current_dir(root).status()?;
    Ok(tidy::run(root)? && status.success())
}

/// Compares the API with its text, and with the last release even if that differs. Returns whether neither did.
fn api(root: &Path, accept: Option<&str>) -> anyhow::Result<bool> {
    let is_same = release::api::run(root, accept)? != release::api::Compared::Differs;
    Ok(release::external::compatibility(root)? != release::external::Checked::Failed && is_same)
}

/// Checks the dependencies by our rules, and for advisories. Returns whether both passed.
fn supply(root: &Path) -> anyhow::Result<bool> {
    let is_sound = release::supply::check(root)?;
    Ok(release::external::advisories(root)? != release::external::Checked::Failed && is_sound)
}

/// Returns a random seed, short enough to type again.
fn new_seed() -> u64 {
    RandomState::new().build_hasher().finish() % 1_000_000_000
}

/// Returns the folder of the workspace.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// Returns the cargo that started this tool.
fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}
