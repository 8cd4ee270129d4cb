//! Publication of all crates in order, which is finished by running it again.
//!
//! The rule kept here: before the first upload everything is packed and compared with what the registry holds. The same
//! content under the same version is done already; other content stops everything.

mod held;
mod pause;

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use cargo_metadata::Package;
use sha2::{Digest, Sha256};

use super::registry::hex;
use super::workspace::Workspace;

/// How often one upload is tried while the registry asks to wait.
const TRIES: usize = 20;

/// Where the crates are published.
pub(crate) enum Target<'a> {
    /// The registry that cargo knows, with the token that the environment holds for it.
    Public,
    /// A registry of this process, with a home of cargo's that holds no other token.
    Loopback { index: String, token: &'a str, home: &'a Path },
}

/// The name of the registry on loopback.
pub(crate) const NAME: &str = "rehearsal";

/// What became of a crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Published,
    /// The registry held the same content.
    WasThere,
}

impl Target<'_> {
    /// Cargo with what it needs for the registry. No token but that of the registry on loopback goes there.
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = crate::cargo();
        if let Self::Loopback { index, token, home } = self {
            remove_tokens(&mut cargo, std::env::vars_os().map(|(name, _)| name));
            cargo.env("CARGO_HOME", home).env("CARGO_REGISTRIES_REHEARSAL_INDEX", index);
            cargo.env("CARGO_REGISTRIES_REHEARSAL_TOKEN", token);
        }
        cargo
    }

    fn arguments(&self) -> &'static [&'static str] {
        match self {
            Self::Public => &[],
            // The copy is no working tree.
            Self::Loopback { .. } => &["--registry", NAME, "--allow-dirty"],
        }
    }

    fn registry(&self) -> Option<&'static str> {
        matches!(self, Self::Loopback { .. }).then_some(NAME)
    }
}

/// Hides the tokens among some variables of the environment.
fn remove_tokens(cargo: &mut Command, variables: impl Iterator<Item = OsString>) {
    for name in variables.filter(|name| is_token(&name.to_string_lossy())) {
        cargo.env_remove(name);
    }
}

/// Whether a variable of the environment is a token of a registry.
fn is_token(name: &str) -> bool {
    name.starts_with("CARGO_REGISTR") && (name.ends_with("_TOKEN") || name.ends_with("_CREDENTIAL_PROVIDER"))
}

/// Publishes what is not there; `wait` is called with the time that the registry asks for.
///
/// # Errors
///
/// If cargo cannot pack a crate, if a version is there with other content, or if an upload fails.
pub(crate) fn run(
    workspace: &Workspace,
    target: &Target<'_>,
    wait: &mut dyn FnMut(Duration),
) -> Result<Vec<(String, Outcome)>> {
    let packed = pack(workspace, target)?;
    let mut outcomes = Vec::new();
    let mut differing = Vec::new();
    for (package, checksum) in &packed {
        match held::checksum(&workspace.target, target, package)? {
            Some(held) if held == *checksum => {
                outcomes.push((package.name.to_string(), Some(Outcome::WasThere)));
            }
            Some(_) => differing.push(package.name.as_str()),
            None => outcomes.push((package.name.to_string(), None)),
        }
    }
    ensure!(
        differing.is_empty(),
        "nothing was uploaded: the registry holds other content as this version of {}; a published version cannot be \
         changed, so choose a later one with --version",
        differing.join(", ")
    );
    let count = outcomes.len();
    let mut done = Vec::new();
    for (name, outcome) in outcomes {
        if outcome.is_none() {
            upload(workspace, target, &name, wait).with_context(|| {
                format!(
                    "{} of {count} crates are there, {name} is not; run it again, which goes on from here",
                    done.len()
                )
            })?;
        }
        let outcome = outcome.unwrap_or(Outcome::Published);
        println!(
            "{name}: {}",
            if outcome == Outcome::WasThere { "is there, same checksum" } else { "published" }
        );
        done.push((name, outcome));
    }
    Ok(done)
}

/// Packs all crates, and returns each with the checksum of its file.
pub(crate) fn pack<'a>(workspace: &'a Workspace, target: &Target<'_>) -> Result<Vec<(&'a Package, String)>> {
    let mut command = target.cargo();
    command.args(["package", "--quiet", "--no-verify"]).args(target.arguments()).current_dir(&workspace.root);
    for package in &workspace.crates {
        command.args(["--package", &package.name]);
    }
    let output = command.output().context("cannot run cargo package")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cargo cannot pack the crates: {}", said.trim());
    let folder = workspace.target.join("package");
    let checksum = |package: &'a Package| {
        let path = folder.join(format!("{}-{}.crate", package.name, package.version));
        let file = fs::read(&path).with_context(|| format!("cargo has not written {}", path.display()))?;
        Ok((package, hex(&Sha256::digest(file))))
    };
    workspace.crates.iter().map(checksum).collect()
}

/// Uploads one crate, and waits as long as the registry asks for.
fn upload(
    workspace: &Workspace,
    target: &Target<'_>,
    name: &str,
    wait: &mut dyn FnMut(Duration),
) -> Result<()> {
    for _ in 0..TRIES {
        let output = target
            .cargo()
            .args(["publish", "--no-verify", "--package", name])
            .args(target.arguments())
            .current_dir(&workspace.root)
            .output()
            .context("cannot run cargo publish")?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let Some(pause) = pause::asked_for(&said, std::time::SystemTime::now()) else {
            bail!("cargo publish failed: {}", said.trim());
        };
        println!("{name}: the registry asks to wait {} s", pause.as_secs());
        wait(pause);
    }
    bail!("the registry asked to wait {TRIES} times in a row")
}

#[cfg(test)]
mod tests;
