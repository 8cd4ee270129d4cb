//! Programs outside the workspace that use the published crates: those of the README, the example with a custom
//! transport, and the command-line program.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use cargo_metadata::semver::Version;

use crate::release::msrv;
use crate::release::publish::{NAME, Target};

/// A program with its dependencies on our crates and on others.
struct Consumer {
    name: &'static str,
    own: &'static [&'static str],
    others: &'static str,
}

const CONSUMERS: [Consumer; 3] = [
    Consumer {
        name: "async",
        own: &["octo-auth-async", "octo-auth-emulator"],
        others: "tokio = { version = \"1\", features = [\"macros\", \"rt\"] }\nhttp = \"1\"\n",
    },
    Consumer { name: "blocking", own: &["octo-auth-blocking", "octo-auth-emulator"], others: "" },
    Consumer {
        name: "core",
        own: &["octo-auth-core", "octo-auth-emulator"],
        others: "getrandom = \"0.3\"\nhttp = \"1\"\nhttparse = \"1\"\n",
    },
];

/// The minimum Rust version of the crates.
const OLDEST: &str = "1.85";

/// Builds each program from the registry and runs it against the emulator.
pub(super) fn run(folder: &Path, target: &Target<'_>, version: &Version) -> Result<()> {
    let build = folder.join("build");
    for consumer in &CONSUMERS {
        let project = folder.join("consumers").join(consumer.name);
        write(&project, consumer, &source(folder, consumer.name)?, version)?;
        let (rust, mut cargo) =
            oldest(target).map_or_else(|| ("of today", target.cargo()), |cargo| (OLDEST, cargo));
        let output = cargo
            .args(["run", "--quiet"])
            .current_dir(&project)
            .env("CARGO_TARGET_DIR", &build)
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .stderr(Stdio::inherit())
            .output()
            .context("cannot run cargo")?;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(
            output.status.success() && !said.trim().is_empty(),
            "the program {} failed: {}",
            consumer.name,
            said.trim()
        );
        println!("{} with Rust {rust}: {}", consumer.name, said.trim());
    }
    install(folder, target, version, &build)
}

/// Installs the command-line program and runs its demo.
fn install(folder: &Path, target: &Target<'_>, version: &Version, build: &Path) -> Result<()> {
    let installed = folder.join("installed");
    let status = target
        .cargo()
        .args(["install", "octo-auth-cli", "--quiet", "--locked", "--debug", "--registry", NAME])
        .args(["--version", &version.to_string(), "--root"])
        .arg(&installed)
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", build)
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .status();
    ensure!(status.context("cannot run cargo install")?.success(), "octo-auth-cli cannot be installed");
    let output = Command::new(installed.join("bin/octo-auth"))
        .args(["demo", "--json"])
        .current_dir(folder)
        .stderr(Stdio::inherit())
        .output()
        .context("octo-auth was not installed")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let last = said.lines().next_back().unwrap_or_default();
    ensure!(output.status.success(), "the demo of the installed octo-auth failed: {last}");
    println!("octo-auth-cli, installed: {last}");
    Ok(())
}

fn write(project: &Path, consumer: &Consumer, source: &str, version: &Version) -> Result<()> {
    fs::create_dir_all(project.join("src")).with_context(|| format!("cannot make {}", project.display()))?;
    let own: String = consumer
        .own
        .iter()
        .map(|name| format!("{name} = {{ version = \"={version}\", registry = \"{NAME}\" }}\n"))
        .collect();
    let manifest = format!(
        "[package]\nname = \"consumer-{}\"\nedition = \"2024\"\nrust-version = \"{OLDEST}\"\n\n[workspace]\n\n\
         [dependencies]\n{own}{}",
        consumer.name, consumer.others
    );
    fs::write(project.join("Cargo.toml"), manifest)?;
    fs::write(project.join("src/main.rs"), source)?;
    Ok(())
}

/// Returns the source of a program, from the copy of the workspace.
fn source(folder: &Path, name: &str) -> Result<String> {
    let copy = folder.join("workspace");
    if name == "core" {
        let example = copy.join("crates/octo-auth-core/examples/third_transport.rs");
        return fs::read_to_string(&example).with_context(|| format!("cannot read {}", example.display()));
    }
    let readme = fs::read_to_string(copy.join("README.md")).context("cannot read README.md")?;
    let import = format!("use octo_auth_{name}::");
    let block = rust_blocks(&readme).find(|block| block.contains(&import));
    block.map(str::to_owned).with_context(|| format!("README.md has no program with `{import}`"))
}

/// Returns the Rust code blocks of a page.
fn rust_blocks(page: &str) -> impl Iterator<Item = &str> {
    page.split("\n```rust\n").skip(1).filter_map(|rest| Some(rest.split_once("\n```")?.0))
}

/// Returns the cargo of the minimum Rust version, with the environment of the target, if it is here.
fn oldest(target: &Target<'_>) -> Option<Command> {
    let mut command = msrv::cargo_of(OLDEST)?;
    for (name, value) in target.cargo().get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    Some(command)
}

#[cfg(test)]
mod tests {
    use super::rust_blocks;

    #[test]
    fn the_programs_of_a_page_are_its_blocks_of_rust() {
        let page = "# A\n\n```rust\nfn a() {}\n```\n\n```sh\nls\n```\n\n```rust\nfn b() {}\n```\n";
        assert_eq!(rust_blocks(page).collect::<Vec<_>>(), ["fn a() {}", "fn b() {}"]);
    }
}
