//! Publishes all crates in order. An interrupted run is completed by running it again.
//!
//! The rule of this module: before the first upload, everything is packed and compared with the registry. The same
//! content under the same version counts as done; other content stops the run.

mod held;
mod pause;
mod upload;

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use cargo_metadata::Package;
use sha2::{Digest, Sha256};

use super::registry::hex;
use super::workspace::Workspace;
use upload::Upload;

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
            // Without the name, cargo would upload to the registry that its settings name as the default.
            Self::Public => &["--registry", "crates-io"],
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
    let mut crates = Vec::new();
    let mut differing = Vec::new();
    for (package, checksum) in &packed {
        let held = held::checksum(&workspace.target, target, package)?;
        if held.as_ref().is_some_and(|held| held != checksum) {
            differing.push(package.name.as_str());
        }
        crates.push((package, checksum, held.is_some()));
    }
    ensure!(
        differing.is_empty(),
        "nothing was uploaded: the registry holds other content as this version of {}; a published version cannot be \
         changed, so choose a later one with --version",
        differing.join(", ")
    );
    let mut done = Vec::new();
    for (package, checksum, is_there) in crates {
        let outcome = if is_there {
            Outcome::WasThere
        } else {
            let upload = Upload { workspace, target, package, checksum };
            upload.run(wait).with_context(|| {
                format!(
                    "{} of {} crates are there, {} is not; run it again, which goes on from here",
                    done.len(),
                    packed.len(),
                    package.name
                )
            })?
        };
        println!(
            "{}: {}",
            package.name,
            if outcome == Outcome::WasThere { "is there, same checksum" } else { "published" }
        );
        done.push((package.name.to_string(), outcome));
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

#[cfg(test)]
mod tests;
