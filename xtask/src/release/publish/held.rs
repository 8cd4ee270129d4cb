//! The state of a version in a registry, as cargo sees it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use cargo_metadata::Package;

use super::Target;

/// Returns the checksum of a published version; `None` if it does not exist.
///
/// # Errors
///
/// Returns an error if cargo cannot read the index, or if the version was yanked.
pub(super) fn checksum(build: &Path, target: &Target<'_>, package: &Package) -> Result<Option<String>> {
    let (name, version) = (package.name.as_str(), package.version.to_string());
    let folder = build.join("release-held").join(name);
    fs::create_dir_all(folder.join("src")).with_context(|| format!("cannot make {}", folder.display()))?;
    let registry = target.registry().map_or(String::new(), |name| format!(", registry = \"{name}\""));
    // A separate workspace without a lock file.
    let manifest = format!(
        "[package]\nname = \"held\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\n{name} = {{ version = \"={version}\"{registry} }}\n"
    );
    fs::write(folder.join("Cargo.toml"), manifest)?;
    fs::write(folder.join("src/lib.rs"), "")?;
    let output = target.cargo().arg("generate-lockfile").current_dir(&folder).output();
    let output = output.context("cannot run cargo generate-lockfile")?;
    if output.status.success() {
        let lock = fs::read_to_string(folder.join("Cargo.lock")).context("cargo wrote no lock file")?;
        return Ok(Some(in_lock(&lock, name).context("the lock file lacks the crate it was made for")?));
    }
    let said = String::from_utf8_lossy(&output.stderr);
    if is_absent(&said, name) {
        Ok(None)
    } else {
        bail!("cannot see whether {name} {version} is there: {}", said.trim())
    }
}

/// Whether cargo reports that the crate, or this version of it, does not exist.
fn is_absent(said: &str, name: &str) -> bool {
    let is_unknown = said.contains(&format!("no matching package named `{name}` found"));
    let is_new = said.contains(&format!("failed to select a version for the requirement `{name} = "));
    (is_unknown || is_new) && !said.contains("yanked")
}

/// Returns the checksum of a package in a lock file.
fn in_lock(lock: &str, name: &str) -> Option<String> {
    let lock: toml::Table = lock.parse().ok()?;
    let mut packages = lock.get("package")?.as_array()?.iter();
    let own = packages.find(|package| package.get("name").and_then(toml::Value::as_str) == Some(name))?;
    own.get("checksum")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::is_absent;

    #[test]
    fn only_an_unknown_crate_or_version_is_absent() {
        assert!(is_absent("error: no matching package named `a` found\nlocation searched: x", "a"));
        assert!(is_absent(
            "error: failed to select a version for the requirement `a = \"=2.0.0\"`\ncandidate",
            "a"
        ));
        for other in [
            "error: no matching package named `b` found",
            "error: failed to select a version for the requirement `a = \"=2.0.0\"`\n  version 2.0.0 is yanked",
            "error: failed to download from",
        ] {
            assert!(!is_absent(other, "a"), "{other}");
        }
    }
}
