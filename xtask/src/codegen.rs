//! Generates files from the profiles and the sources: the documents in the core, the provider table of the README, the
//! reference chapters of the manual and the list of its pages for programs that read documentation.
//!
//! The rule of this module: the profiles are read and checked by the same reader as a user's profile, and a generated
//! file is never edited by hand.

mod document;
mod llms;
mod reference;
mod table;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use octo_auth_core::profile::Profile;

const PROFILES: [&str; 3] = ["octorate", "octotable", "officernd"];
const FOLDER: &str = "crates/octo-auth-core/profiles";
/// The only generated source file.
pub(crate) const GENERATED: &str = "crates/octo-auth-core/src/profile/generated.rs";
const README: &str = "README.md";
const LLMS: &str = "llms.txt";
const START: &str = "<!-- providers:start -->";
const END: &str = "<!-- providers:end -->";
/// The form of a fact without a source. A user's own profile may have such facts.
const NO_SOURCE: &str = "source: Text::Borrowed(\"\")";

/// Returns whether the whole file is generated.
pub(crate) fn is_written(path: &str) -> bool {
    path == GENERATED || path == LLMS || path.starts_with(reference::FOLDER)
}

/// Writes the generated files. With `check`, only reports which are stale.
pub(crate) fn run(root: &Path, check: bool) -> Result<bool> {
    let outdated = outdated(root)?;
    for (path, text) in &outdated {
        if check {
            println!("{path}: stale; run `cargo xtask codegen`");
        } else {
            fs::write(root.join(path), text).with_context(|| format!("cannot write {path}"))?;
            println!("{path}: written");
        }
    }
    Ok(!check || outdated.is_empty())
}

/// Returns the paths of the stale generated files.
pub(crate) fn stale(root: &Path) -> Result<Vec<&'static str>> {
    Ok(outdated(root)?.into_iter().map(|(path, _)| path).collect())
}

/// Returns the stale generated files, each with its correct text.
fn outdated(root: &Path) -> Result<Vec<(&'static str, String)>> {
    let profiles = PROFILES.iter().map(|name| read(root, name)).collect::<Result<Vec<_>>>()?;
    let source = document::source(&profiles);
    ensure!(!source.contains(NO_SOURCE), "each fact of a built-in profile needs a `source`; one has none");
    let source = formatted(root, &source)?;
    let readme = fs::read_to_string(root.join(README)).with_context(|| format!("cannot read {README}"))?;
    let readme = with_table(&readme, &table::markdown(&profiles))?;
    let is_stale = |(path, text): &(&str, String)| {
        fs::read_to_string(root.join(path)).map_or(true, |present| present != *text)
    };
    let llms = llms::text(root, &readme)?;
    let texts =
        [(GENERATED, source), (README, readme), (LLMS, llms)].into_iter().chain(reference::chapters(root)?);
    Ok(texts.filter(is_stale).collect())
}

fn read(root: &Path, name: &str) -> Result<Profile> {
    let path = format!("{FOLDER}/{name}.toml");
    let text = fs::read_to_string(root.join(&path)).with_context(|| format!("cannot read {path}"))?;
    let profile = Profile::from_toml(&text).with_context(|| path.clone())?;
    ensure!(profile.name() == name, "{path} names itself `{}`: use the file's name", profile.name());
    Ok(profile)
}

/// Inserts the table between the markers of the README.
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
