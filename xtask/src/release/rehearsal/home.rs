//! A cargo home with other crates and without a token.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Copies what cargo has downloaded into a folder, except from loopback registries.
pub(super) fn fill(home: &Path) -> Result<()> {
    fs::create_dir_all(home).with_context(|| format!("cannot make {}", home.display()))?;
    usual().map_or(Ok(()), |usual| take(&usual, home))
}

/// Copies settings and downloads, but no files with tokens.
fn take(usual: &Path, home: &Path) -> Result<()> {
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

/// Copies a folder. A crate file is hard-linked if possible, because cargo never changes one.
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::take;

    #[test]
    fn settings_and_downloads_are_taken_and_tokens_and_crates_of_a_loopback_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let (usual, home) = (folder.path().join("usual"), folder.path().join("home"));
        let files = [
            "config.toml",
            "credentials.toml",
            "registry/cache/index.example-1/a-1.0.0.crate",
            "registry/cache/127.0.0.1-2/own-1.0.0.crate",
            "registry/index/index.example-1/.cache/a",
        ];
        for file in files {
            fs::create_dir_all(usual.join(file).parent().unwrap()).unwrap();
            fs::write(usual.join(file), file).unwrap();
        }
        fs::create_dir_all(&home).unwrap();
        take(&usual, &home).unwrap();
        let taken: Vec<_> = files.into_iter().filter(|file| home.join(file).exists()).collect();
        assert_eq!(taken, [files[0], files[2], files[4]]);
    }
}
