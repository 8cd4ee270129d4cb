//! The upload of one crate: it is done as soon as the index shows the crate, because the next one may depend on it.

use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail, ensure};
use cargo_metadata::Package;

use super::super::workspace::Workspace;
use super::{Outcome, Target, held, pause};

/// The limit of attempts for one upload while the registry asks to wait.
const TRIES: usize = 20;

/// The pause between two looks at the index, and the limit of looks. With cargo's own wait of one minute, an index may
/// be late by six minutes.
const LOOK: Duration = Duration::from_secs(5);
const LOOKS: usize = 60;

pub(super) struct Upload<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) target: &'a Target<'a>,
    pub(super) package: &'a Package,
    /// The checksum of the packed crate.
    pub(super) checksum: &'a str,
}

impl Upload<'_> {
    /// Uploads the crate, and waits for as long as the registry asks, and until the index shows the crate. An earlier run
    /// may have uploaded it without seeing it in the index.
    pub(super) fn run(&self, wait: &mut dyn FnMut(Duration)) -> Result<Outcome> {
        let outcome = self.send(wait)?;
        for _ in 0..LOOKS {
            if let Some(held) = held::checksum(&self.workspace.target, self.target, self.package)? {
                ensure!(
                    held == self.checksum,
                    "the registry holds other content as this version; a published version cannot be changed, so choose \
                     a later one with --version"
                );
                return Ok(outcome);
            }
            println!("{}: the index does not show it yet", self.package.name);
            wait(LOOK);
        }
        bail!("the registry has the crate, but its index does not show it")
    }

    /// Sends the crate unless the registry has it.
    fn send(&self, wait: &mut dyn FnMut(Duration)) -> Result<Outcome> {
        for _ in 0..TRIES {
            let output = self
                .target
                .cargo()
                .args(["publish", "--no-verify", "--package", &self.package.name])
                .args(self.target.arguments())
                .current_dir(&self.workspace.root)
                .output()
                .context("cannot run cargo publish")?;
            if output.status.success() {
                return Ok(Outcome::Published);
            }
            let said = String::from_utf8_lossy(&output.stderr);
            if is_there(&said) {
                return Ok(Outcome::WasThere);
            }
            let Some(pause) = pause::asked_for(&said, SystemTime::now()) else {
                bail!("cargo publish failed: {}", said.trim());
            };
            println!("{}: the registry asks to wait {} s", self.package.name, pause.as_secs());
            wait(pause);
        }
        bail!("the registry asked to wait {TRIES} times in a row")
    }
}

/// Whether the registry refuses an upload because it has the version, or cargo does because the index shows it by now.
fn is_there(said: &str) -> bool {
    said.contains("is already uploaded") || said.contains("already exists on ")
}
