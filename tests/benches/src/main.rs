//! The benchmarks of octo-auth: floor, peers and ours in one run, printed, written as JSON, and rendered as a report.

mod accounts;
mod adoption;
mod allowlist;
mod answers;
mod cached;
mod chance;
mod comparison;
mod exchange;
mod fleet;
mod machine;
mod month;
mod peers;
mod registration;
mod report;
mod scale;
mod server;
mod stampede;
mod turns;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};

use comparison::Comparison;

/// The options of a run.
pub(crate) struct Options {
    /// Fewer and shorter rounds.
    pub(crate) quick: bool,
    /// The seed of all random values.
    pub(crate) seed: u64,
}

impl Options {
    /// Returns a number for a whole run, or the smaller one for a quick run.
    pub(crate) fn choose<T>(&self, whole: T, quick: T) -> T {
        if self.quick { quick } else { whole }
    }
}

/// The arguments of the command line.
struct Arguments {
    options: Options,
    accept: bool,
    names: Vec<String>,
}

type Measure = fn(&Options) -> Result<Comparison>;

/// The comparisons in the order of the report.
const COMPARISONS: [(&str, Measure); 8] = [
    ("cached", cached::compare),
    ("stampede", stampede::compare),
    ("exchange", exchange::compare),
    ("answers", answers::compare),
    ("allowlist", allowlist::compare),
    ("adoption", adoption::compare),
    ("accounts", accounts::compare),
    ("scale", scale::compare),
];

fn main() -> Result<ExitCode> {
    if std::env::args().nth(1).as_deref() == Some(server::SERVE) {
        return server::Process::serve().map(|()| ExitCode::SUCCESS);
    }
    let Arguments { options, accept, names } = arguments()?;
    if names.iter().any(|name| name == "list") {
        COMPARISONS.iter().for_each(|(name, _)| println!("{name}"));
        return Ok(ExitCode::SUCCESS);
    }
    let known = |name: &String| COMPARISONS.iter().any(|(known, _)| known == name);
    if let Some(name) = names.iter().find(|name| !known(name)) {
        bail!("there is no comparison `{name}`; `list` prints their names");
    }
    // Two cryptography providers are compiled in, so rustls cannot choose by itself.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let machine = machine::Machine::this(&root(), &options)?;
    println!("{machine}");
    let folder = root().join("target/bench");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut met = true;
    for (name, measure) in COMPARISONS {
        if names.is_empty() || names.iter().any(|chosen| chosen == name) {
            let comparison = measure(&options).with_context(|| format!("the comparison `{name}` failed"))?;
            comparison.print();
            met &= comparison.targets().all(comparison::Target::is_met);
            write_json(&folder.join(format!("{name}.json")), &comparison)?;
        }
    }
    write_json(&folder.join("machine.json"), &machine)?;
    let month = month::simulate(&options)?;
    month.print();
    write_json(&folder.join("month.json"), &month)?;
    let shown = report::render(&folder, &machine, &month)?;
    if accept {
        ensure!(
            shown.len() == COMPARISONS.len(),
            "a report is accepted with all comparisons: {} are missing",
            COMPARISONS.len() - shown.len()
        );
        report::accept(&root(), &shown, &machine, &month)?;
    }
    println!("\n{}", if met { "every target is met" } else { "a target is missed, see above" });
    Ok(if met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn arguments() -> Result<Arguments> {
    let (mut quick, mut accept, mut seed, mut names) = (false, false, 7, Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match &*argument {
            "--quick" => quick = true,
            "--accept" => accept = true,
            "--seed" => seed = arguments.next().context("--seed needs a number")?.parse()?,
            option if option.starts_with('-') => bail!("there is no option {option}"),
            _ => names.push(argument),
        }
    }
    Ok(Arguments { options: Options { quick, seed }, accept, names })
}

fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    std::fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))
}

/// The folder of the project.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
