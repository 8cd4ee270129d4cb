//! A crate's public API, one line per item, from rustdoc's JSON.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use cargo_metadata::{DependencyKind, Package};
use public_api::{PublicApi, PublicItem};
use serde_json::Value;

use crate::release::workspace::Workspace;

/// The oldest minor version of Rust whose rustdoc writes the supported format, and the last one known to do so.
const FIRST: u64 = 95;
const LAST: u64 = 97;

/// The mark of a method that every implementation of a trait must have.
pub(super) const REQUIRED: &str = " // required";

/// Unstable traits, which are not part of the API.
const UNSTABLE: [&str; 2] = ["core::marker::Freeze", "core::marker::UnsafeUnpin"];

/// Returns whether this Rust's rustdoc can be read.
pub(super) fn is_possible() -> Result<bool> {
    let output = Command::new("rustdoc").arg("--version").output().context("cannot run rustdoc")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let minor = said.split('.').nth(1).and_then(|minor| minor.parse::<u64>().ok());
    Ok(minor.is_some_and(|minor| (FIRST..=LAST).contains(&minor)))
}

/// Returns the promises of the crate: its minimum Rust version, its features, the crates whose types it exposes, and
/// its items.
pub(super) fn read(workspace: &Workspace, package: &Package) -> Result<String> {
    let path = json(workspace, package)?;
    let api = public_api::Builder::from_rustdoc_json(&path)
        .omit_blanket_impls(true)
        .build()
        .with_context(|| format!("cannot read {}", path.display()))?;
    let document: Value = serde_json::from_slice(&fs::read(&path)?)?;
    let items = items(&api, &document);
    let mut lines = Vec::new();
    if let Some(oldest) = &package.rust_version {
        lines.push(format!("rust-version {oldest}"));
    }
    for (feature, enables) in &package.features {
        if feature == "default" {
            lines.extend(enables.iter().map(|feature| format!("default feature {feature}")));
        } else {
            lines.push(format!("feature {feature}"));
        }
    }
    lines.extend(shown(package, &document, &items));
    lines.extend(items);
    Ok(lines.into_iter().map(|line| line + "\n").collect())
}

/// Writes the JSON with all features. Only rustdoc may use unstable features, so that everything else is built as for
/// other tasks.
fn json(workspace: &Workspace, package: &Package) -> Result<PathBuf> {
    let folder = workspace.target.join("api");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let rustdoc = wrapper(&folder)?;
    let output = crate::cargo()
        .args(["rustdoc", "--quiet", "--lib", "--all-features", "--package", &package.name])
        .args(["--", "-Zunstable-options", "--output-format=json", "--cap-lints=allow"])
        .env("RUSTDOC", rustdoc)
        .current_dir(&workspace.root)
        .output()
        .context("cannot run cargo rustdoc")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cargo rustdoc failed for {}: {}", package.name, said.trim());
    Ok(workspace.target.join("doc").join(format!("{}.json", package.name.replace('-', "_"))))
}

#[cfg(unix)]
fn wrapper(folder: &Path) -> Result<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;

    let path = folder.join("rustdoc");
    let text = "#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec rustdoc \"$@\"\n";
    // Written only if it differs: cargo checks its modification time.
    if fs::read_to_string(&path).ok().as_deref() != Some(text) {
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(path)
}

#[cfg(not(unix))]
fn wrapper(_: &Path) -> Result<PathBuf> {
    anyhow::bail!("the API can be read on Unix alone")
}

/// Returns the items, sorted and without duplicates.
fn items(api: &PublicApi, document: &Value) -> BTreeSet<String> {
    let line = |item: &PublicItem| {
        let is_required = is_required(item, document);
        format!("{item}{}", if is_required { REQUIRED } else { "" })
    };
    let is_promised = |line: &String| !UNSTABLE.iter().any(|name| line.contains(&format!("{name} for ")));
    api.items().map(line).filter(is_promised).collect()
}

/// Whether an item is a method of a trait without a body.
fn is_required(item: &PublicItem, document: &Value) -> bool {
    let own = |id: u32| &document["index"][id.to_string()]["inner"];
    let in_trait = item.parent_id().is_some_and(|parent| own(parent.0).get("trait").is_some());
    in_trait && own(item.id().0)["function"]["has_body"] == false
}

/// Returns a line for each other crate whose types occur in the API, with the permitted versions.
fn shown(package: &Package, document: &Value, items: &BTreeSet<String>) -> Vec<String> {
    let externals = document["external_crates"].as_object().into_iter().flatten();
    let names = externals.filter_map(|(_, external)| external["name"].as_str());
    let names: BTreeSet<_> = names.filter(|name| !["alloc", "core", "std"].contains(name)).collect();
    let is_shown = |name: &&str| items.iter().any(|item| names_crate(item, name));
    let line = |name: &str| {
        let mut normal = package.dependencies.iter().filter(|own| own.kind == DependencyKind::Normal);
        let own = normal.find(|own| own.name.replace('-', "_") == name);
        format!("shows {name} {}", own.map_or("of a dependency".to_owned(), |own| own.req.to_string()))
    };
    names.into_iter().filter(is_shown).map(line).collect()
}

/// Whether a path in the line begins with a crate's name.
fn names_crate(line: &str, name: &str) -> bool {
    line.match_indices(&format!("{name}::")).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_' || letter == ':')
    })
}
