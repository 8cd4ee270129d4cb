//! A home of cargo's that knows other crates and no token.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Fills a folder with what cargo has downloaded of other registries than one on loopback.
pub(super) fn fill(home: &Path) -> Result<()> {
    fs::create_dir_all(home).with_context(|| format!("cannot make {}", home.display()))?;
    let Some(usual) = usual() else { return Ok(()) };
    let settings = usual.join("config.toml");
    if settings.is_file() {
        fs::copy(settings, home.join("config.toml")).context("cannot copy cargo's settings")?;
    }
    for part in ["registry/index", "registry/cache"] {
        let Ok(entries) = fs::read_dir(usual.join(part)) else { continue };
        for entry in entries {
            let name = entry?.file_name();
            if !name.to_string_lossy().starts_with("127.0.0.1") {
                copy(&usual.join(part).join(&name), &home.join(part).join(&name))?;
            }
        }
    }
    Ok(())
}

fn usual() -> Option<PathBuf> {
    env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".cargo")))
}

/// Copies a folder. A crate is linked where that can be done: cargo never changes one.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy(&from, &to)?;
        } else if from.extension().is_none_or(|ending| ending != "crate")
            || fs::hard_link(&from, &to).is_err()
        {
            fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
        }
    }
    Ok(())
}
