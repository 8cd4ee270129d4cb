//! The machine and the versions of a run.

use std::fmt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::Options;

/// The packages whose versions are named in the report.
const NAMED: [&str; 16] = [
    "oauth2",
    "google-cloud-auth",
    "yup-oauth2",
    "azure_identity",
    "aws-smithy-runtime",
    "reqwest",
    "ureq",
    "serde_json",
    "cidr",
    "ipnet",
    "ip_network_table",
    "ipnet-trie",
    "iprange",
    "prefix-trie",
    "range-set-blaze",
    "rangemap",
];

/// The machine, the versions, and the options of the run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) system: String,
    pub(crate) compiler: String,
    /// The commit of the project, marked if the tree has uncommitted changes.
    pub(crate) commit: String,
    /// The day of the run in UTC.
    pub(crate) date: String,
    pub(crate) seed: u64,
    pub(crate) is_quick: bool,
    /// Names and versions of the peers, from the lock file.
    pub(crate) versions: Vec<(String, String)>,
}

impl Machine {
    pub(crate) fn this(root: &Path, options: &Options) -> Result<Self> {
        let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = info.lines().find(|line| line.starts_with("model name"));
        let cpu = model.and_then(|line| line.split(": ").nth(1)).unwrap_or("unknown CPU");
        let lock = include_str!("../Cargo.lock");
        Ok(Self {
            cpu: cpu.to_owned(),
            cores: std::thread::available_parallelism()?.get(),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            compiler: said(root, "rustc", &["--version"])?,
            commit: said(root, "git", &["describe", "--always", "--dirty"])?,
            date: said(root, "date", &["-u", "+%Y-%m-%d"])?,
            seed: options.seed,
            is_quick: options.quick,
            versions: NAMED.iter().flat_map(|name| versions(lock, name)).collect(),
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu, cores, system, compiler, commit, date, seed, .. } = self;
        writeln!(f, "{cpu}, {cores} cores, {system}, {compiler}")?;
        writeln!(
            f,
            "commit {commit}, {date}, seed {seed}{}",
            if self.is_quick { ", a quick run" } else { "" }
        )?;
        let versions = self.versions.iter().map(|(name, version)| format!("{name} {version}"));
        write!(f, "{}", versions.collect::<Vec<_>>().join(", "))
    }
}

/// Returns the name with each of its versions in a lock file.
fn versions(lock: &str, name: &str) -> Vec<(String, String)> {
    let head = format!("name = \"{name}\"\nversion = \"");
    let found = lock.match_indices(&head).filter_map(|(at, head)| lock[at + head.len()..].split('"').next());
    found.map(|version| (name.to_owned(), version.to_owned())).collect()
}

fn said(root: &Path, program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).current_dir(root).output();
    let output = output.with_context(|| format!("cannot run {program}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
