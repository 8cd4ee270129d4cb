//! Reports what the tests logged: `leaks FOLDER`, the folder of `OCTO_AUTH_TEST_LOG` during the tests.
//!
//! It fails if a line contained a secret. It also fails if a crate that should log was not heard: then the search
//! proves nothing.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command speaks on its standard streams")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Crates that must be heard: ours, and the HTTP clients below the adapters.
const SPEAKERS: [&str; 4] = ["octo_auth", "hyper_util", "reqwest", "ureq"];

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1) else {
        eprintln!("usage: leaks FOLDER");
        return ExitCode::from(2);
    };
    let lines = match lines(Path::new(&folder)) {
        Ok(lines) => lines,
        Err(error) => {
            eprintln!("error: {} cannot be read: {error}", Path::new(&folder).display());
            return ExitCode::from(2);
        }
    };
    let heard: BTreeSet<&str> = lines.iter().filter_map(|(_, line)| line.strip_prefix("heard ")).collect();
    let processes: BTreeSet<&PathBuf> = lines.iter().map(|(file, _)| file).collect();
    println!(
        "heard {} in {} processes",
        heard.iter().copied().collect::<Vec<_>>().join(", "),
        processes.len()
    );
    let leaks: Vec<_> = lines.iter().filter(|(_, line)| line.starts_with("leaked ")).collect();
    for (file, line) in &leaks {
        println!("{}: {line}", file.display());
    }
    let silent: Vec<&str> = SPEAKERS.into_iter().filter(|speaker| !heard.contains(speaker)).collect();
    if !silent.is_empty() {
        println!("not heard: {}; what was not heard was not searched", silent.join(", "));
    }
    println!("{} lines with a secret", leaks.len());
    ExitCode::from(u8::from(!leaks.is_empty() || !silent.is_empty()))
}

/// Returns every line of every file of a folder, with the file.
fn lines(folder: &Path) -> std::io::Result<Vec<(PathBuf, String)>> {
    let mut lines = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let file = entry?.path();
        let text = std::fs::read_to_string(&file)?;
        lines.extend(text.lines().map(|line| (file.clone(), line.to_owned())));
    }
    Ok(lines)
}
