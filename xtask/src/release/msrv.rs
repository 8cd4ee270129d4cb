//! Builds the crates with their minimum Rust version: with the locked dependencies, and with the oldest ones that the
//! manifests allow.

mod floor;

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use cargo_metadata::Package;

use super::workspace::Workspace;

/// Debian's packages of a Rust version. Its security updates have later versions under the same names.
const PACKAGES: [&str; 3] = ["rustc-web", "libstd-rust-web-dev", "cargo-web"];

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checked {
    Builds,
    Fails,
    /// Nothing was built, as the output says.
    Skipped,
}

/// Checks each crate with all features, first with the versions of Cargo.lock, then with the oldest allowed ones.
pub(crate) fn run(root: &Path, install: bool) -> Result<Checked> {
    let workspace = Workspace::read(root)?;
    let versions = workspace.crates.iter().filter_map(|package| package.rust_version.as_ref());
    let oldest = versions.min().context("no published crate says which Rust it needs")?;
    let (promising, others): (Vec<_>, Vec<_>) =
        workspace.crates.iter().partition(|package| package.rust_version.as_ref() == Some(oldest));
    let oldest = format!("{}.{}", oldest.major, oldest.minor);
    let names: Vec<_> = promising.iter().map(|package| package.name.as_str()).collect();
    println!("these promise Rust {oldest}: {}", names.join(", "));
    for other in others {
        let needed = other.rust_version.as_ref().context("`cargo xtask packages` names what it lacks")?;
        println!("{} needs Rust {needed}", other.name);
    }
    if install {
        install_packages(&oldest)?;
    }
    if cargo_of(&oldest).is_none() {
        println!(
            "skipped: Rust {oldest} is not here (`rustup toolchain install {oldest}`, or --install on Debian)"
        );
        return Ok(Checked::Skipped);
    }
    let floor = floor::copy(&workspace, &promising)?;
    let mut checked = Checked::Builds;
    for (folder, versions) in [(root, "locked"), (&floor, "oldest allowed")] {
        let builds = builds(folder, &workspace.target.join("msrv"), &oldest, &promising)?;
        println!(
            "{} crates {} with Rust {oldest} and the {versions} dependencies",
            promising.len(),
            if builds { "build" } else { "do not build" }
        );
        if !builds {
            checked = Checked::Fails;
        }
    }
    Ok(checked)
}

fn install_packages(version: &str) -> Result<()> {
    let packages = PACKAGES.map(|name| format!("{name}={version}.*"));
    let mut apt = Command::new("apt-get");
    apt.args(["install", "--yes", "--no-install-recommends"]).args(&packages);
    let status = apt.status().context("cannot run apt-get")?;
    ensure!(
        status.success(),
        "apt-get could not install {}: run `apt-get update`, or `rustup toolchain install {version}`",
        packages.join(", ")
    );
    Ok(())
}

/// Whether the crates in a folder build with the versions of its lock file.
fn builds(folder: &Path, target: &Path, version: &str, crates: &[&Package]) -> Result<bool> {
    let mut cargo = cargo_of(version).context("the cargo of that Rust is not here any more")?;
    cargo.args(["check", "--quiet", "--locked", "--all-features"]);
    for package in crates {
        cargo.args(["--package", &package.name]);
    }
    let status = cargo.env("CARGO_TARGET_DIR", target).current_dir(folder).status();
    Ok(status.context("cannot run the cargo of that Rust")?.success())
}

/// Returns the cargo of a Rust version: rustup's, or Debian's.
pub(super) fn cargo_of(version: &str) -> Option<Command> {
    let rustup = || {
        let mut command = Command::new("rustup");
        command.args(["run", version, "cargo"]);
        command
    };
    let debian = || {
        let mut command = Command::new("/usr/bin/cargo");
        command.env("RUSTC", "/usr/bin/rustc");
        command
    };
    let is_of = |command: &mut Command| {
        let output = command.arg("--version").stderr(Stdio::null()).output();
        output.is_ok_and(|output| {
            String::from_utf8_lossy(&output.stdout).starts_with(&format!("cargo {version}."))
        })
    };
    if is_of(&mut rustup()) {
        return Some(rustup());
    }
    is_of(&mut debian()).then(debian)
}

#[cfg(test)]
mod tests {
    use super::{Checked, cargo_of, run};
    use crate::release::fixture::Fixture;

    #[test]
    fn code_that_needs_a_later_rust_than_promised_is_found() {
        let fixture = Fixture::new();
        let is_here = cargo_of("1.85").is_some();
        let checked = || run(fixture.root(), false).unwrap();
        // This creates the lock file.
        assert!(
            crate::cargo().arg("generate-lockfile").current_dir(fixture.root()).status().unwrap().success()
        );
        assert_eq!(checked(), if is_here { Checked::Builds } else { Checked::Skipped });
        fixture.append(
            "sample-zero/src/lib.rs",
            "pub fn a(b: Option<u8>) -> bool { if let Some(c) = b && c > 1 { true } else { false } }\n",
        );
        assert_eq!(checked(), if is_here { Checked::Fails } else { Checked::Skipped });
    }
}
