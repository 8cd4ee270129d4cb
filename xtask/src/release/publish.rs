//! Publishes all crates in order. An interrupted run is completed by running it again.
//!
//! The rule of this module: before the first upload, everything is packed and compared with the registry. The same
//! content under the same version counts as done; other content stops the run.

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

/// The limit of attempts for one upload while the registry asks to wait.
const TRIES: usize = 20;

/// The target registry.
pub(crate) enum Target<'a> {
    /// The registry that cargo knows, with the token of the environment.
    Public,
    /// A registry of this process, with a separate cargo home that contains no other token.
    Loopback { index: String, token: &'a str, home: &'a Path },
}

/// The name of the registry on loopback.
pub(crate) const NAME: &str = "rehearsal";

/// The result for a crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Published,
    /// The registry already had the same content.
    WasThere,
}

impl Target<'_> {
    /// Returns a cargo command configured for the registry. Only the token of the loopback registry is passed to it.
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
            // The copy is not a git working tree.
            Self::Loopback { .. } => &["--registry", NAME, "--allow-dirty"],
        }
    }

    fn registry(&self) -> Option<&'static str> {
        matches!(self, Self::Loopback { .. }).then_some(NAME)
    }
}

/// Removes the registry tokens among these environment variables.
fn remove_tokens(cargo: &mut Command, variables: impl Iterator<Item = OsString>) {
    for name in variables.filter(|name| is_token(&name.to_string_lossy())) {
        cargo.env_remove(name);
    }
}

/// Whether an environment variable contains the token of a registry.
fn is_token(name: &str) -> bool {
    name.starts_with("CARGO_REGISTR") && (name.ends_with("_TOKEN") || name.ends_with("_CREDENTIAL_PROVIDER"))
}

/// Publishes the missing crates. Calls `wait` with the duration that the registry asks for.
///
/// # Errors
///
/// Returns an error if cargo cannot pack a crate, if a version exists with other content, or if an upload fails.
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

/// Uploads one crate, and waits for as long as the registry asks.
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
