//! A cargo home without a token, in which a folder of the locked dependencies takes the place of crates.io. So nothing
//! but the registry on loopback is asked.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// Puts the locked dependencies of a workspace into `vendor` beside the home, and names that folder in its settings.
///
/// # Errors
///
/// Returns an error if a dependency is neither in cargo's cache nor to be had from its registry.
pub(super) fn fill(home: &Path, workspace: &Path) -> Result<()> {
    fs::create_dir_all(home).with_context(|| format!("cannot make {}", home.display()))?;
    let mut cargo = crate::cargo();
    cargo.args(["vendor", "--locked", "--versioned-dirs"]).arg(home.with_file_name("vendor"));
    let output = cargo.current_dir(workspace).output().context("cannot run cargo vendor")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cargo vendor failed: {}", said.trim());
    fs::write(home.join("config.toml"), output.stdout).context("cannot write cargo's settings")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::fill;
    use crate::cargo;
    use crate::release::fixture::Fixture;

    #[test]
    fn the_home_holds_settings_alone_and_finds_the_dependencies_without_a_network() {
        let fixture = Fixture::new();
        fixture.append("sample-zero/Cargo.toml", "anyhow = \"1\"\n");
        let run = |cargo: &mut Command| cargo.current_dir(fixture.root()).status().unwrap().success();
        assert!(run(cargo().args(["generate-lockfile", "--offline"])), "anyhow is not in cargo's cache");
        let [empty, home] = ["target/empty", "target/home"].map(|path| fixture.root().join(path));
        fill(&home, fixture.root()).unwrap();
        let files = fs::read_dir(&home).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(files.collect::<Vec<_>>(), ["config.toml"]);
        let finds = |home| run(cargo().args(["fetch", "--locked", "--offline"]).env("CARGO_HOME", home));
        assert_eq!([empty, home].map(finds), [false, true]);
    }
}
