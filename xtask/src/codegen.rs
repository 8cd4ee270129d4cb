//! Files written from the profiles: the documents in the core and the provider table of the README.
//!
//! The rule kept here: the profiles are read and checked by the same reader a user's profile passes, and a
//! generated file is never edited by hand.

mod document;
mod table;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use octo_auth_core::profile::Profile;

const PROFILES: [&str; 3] = ["octorate", "octotable", "officernd"];
const FOLDER: &str = "crates/octo-auth-core/profiles";
const GENERATED: &str = "crates/octo-auth-core/src/profile/generated.rs";
const README: &str = "README.md";
const START: &str = "<!-- providers:start -->";
const END: &str = "<!-- providers:end -->";

/// Writes the generated files, or with `check` only says which are stale.
pub(crate) fn run(root: &Path, check: bool) -> Result<bool> {
    let profiles = PROFILES.iter().map(|name| read(root, name)).collect::<Result<Vec<_>>>()?;
    let source = formatted(root, &document::source(&profiles))?;
    let readme = fs::read_to_string(root.join(README)).with_context(|| format!("cannot read {README}"))?;
    let readme = with_table(&readme, &table::markdown(&profiles))?;
    let mut fresh = true;
    for (path, text) in [(GENERATED, source), (README, readme)] {
        fresh &= settle(root, path, &text, check)?;
    }
    Ok(fresh)
}

fn read(root: &Path, name: &str) -> Result<Profile> {
    let path = format!("{FOLDER}/{name}.toml");
    let text = fs::read_to_string(root.join(&path)).with_context(|| format!("cannot read {path}"))?;
    let profile = Profile::from_toml(&text).with_context(|| path.clone())?;
    ensure!(profile.name() == name, "{path} names itself `{}`: use the file's name", profile.name());
    Ok(profile)
}

/// Brings one file up to date, or says that it is not.
fn settle(root: &Path, path: &str, text: &str, check: bool) -> Result<bool> {
    let full = root.join(path);
    if fs::read_to_string(&full).is_ok_and(|present| present == text) {
        return Ok(true);
    }
    if check {
        println!("{path}: stale; run `cargo xtask codegen`");
        return Ok(false);
    }
    fs::write(&full, text).with_context(|| format!("cannot write {path}"))?;
    println!("{path}: written");
    Ok(true)
}

/// Puts the table between the markers of the README.
fn with_table(readme: &str, table: &str) -> Result<String> {
    let marked = readme.split_once(START).and_then(|(before, rest)| {
        rest.split_once(END).map(|(_, after)| format!("{before}{START}\n{table}{END}{after}"))
    });
    marked.with_context(|| format!("{README} has no `{START}` with `{END}` after it: add both lines"))
}

fn formatted(root: &Path, source: &str) -> Result<String> {
    let mut rustfmt = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path"])
        .arg(root.join("rustfmt.toml"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run rustfmt: install it with `rustup component add rustfmt`")?;
    let mut input = rustfmt.stdin.take().context("rustfmt has no standard input")?;
    input.write_all(source.as_bytes()).context("cannot hand the source to rustfmt")?;
    drop(input);
    let output = rustfmt.wait_with_output().context("rustfmt did not end")?;
    if !output.status.success() {
        bail!("rustfmt refuses the generated source ({}): correct xtask's codegen", output.status);
    }
    String::from_utf8(output.stdout).context("rustfmt wrote something other than UTF-8")
}
