//! Compares the dependencies that run code during the build, or contain unsafe code, with a committed list.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use cargo_metadata::Package;

use super::tree::Tree;

pub(crate) const LIST: &str = "xtask/release/trusted.txt";

const HEAD: &str = "# What the published crates are built with that has a build script, a macro that runs in the compiler, or unsafe\n\
                    # code. `cargo xtask supply --accept` writes it.\n";

/// Returns the differences from the list.
pub(super) fn findings(root: &Path, tree: &Tree) -> Result<Vec<String>> {
    let text = fs::read_to_string(root.join(LIST)).with_context(|| format!("cannot read {LIST}"))?;
    let now = lines(tree)?;
    let lines = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(": "));
    let listed: BTreeMap<_, _> = lines.map(|(name, what)| (name.to_owned(), what.to_owned())).collect();
    let mut found = Vec::new();
    for (name, what) in &now {
        if listed.get(name) != Some(what) {
            found.push(format!(
                "{name} has {what}, which {LIST} does not say: look at it, then run it with --accept"
            ));
        }
    }
    for name in listed.keys().filter(|name| !now.contains_key(*name)) {
        found.push(format!("{LIST} names {name}, which is not used any more: run it with --accept"));
    }
    Ok(found)
}

pub(super) fn write(root: &Path, tree: &Tree) -> Result<()> {
    let lines: String = lines(tree)?.into_iter().map(|(name, what)| format!("{name}: {what}\n")).collect();
    fs::write(root.join(LIST), format!("{HEAD}{lines}")).with_context(|| format!("cannot write {LIST}"))
}

/// Returns the properties of each crate, over all its versions.
fn lines(tree: &Tree) -> Result<BTreeMap<String, String>> {
    let mut all: BTreeMap<String, [bool; 3]> = BTreeMap::new();
    for package in &tree.packages {
        let is = |test: fn(&cargo_metadata::Target) -> bool| package.targets.iter().any(test);
        let own = [
            is(cargo_metadata::Target::is_custom_build),
            is(cargo_metadata::Target::is_proc_macro),
            has_unsafe(package)?,
        ];
        let kept = all.entry(package.name.to_string()).or_default();
        for (kept, own) in kept.iter_mut().zip(own) {
            *kept |= own;
        }
    }
    let words = |own: [bool; 3]| {
        let named = ["a build script", "a macro", "unsafe code"].into_iter().zip(own);
        named.filter_map(|(name, has)| has.then_some(name)).collect::<Vec<_>>().join(", ")
    };
    let lines = all.into_iter().map(|(name, own)| (name, words(own)));
    Ok(lines.filter(|(_, what)| !what.is_empty()).collect())
}

/// Whether a source of the package contains the word `unsafe` outside comments and attributes.
fn has_unsafe(package: &Package) -> Result<bool> {
    let mut folders = vec![package.manifest_path.with_file_name("src").into_std_path_buf()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap_or_default();
                if text.lines().any(is_unsafe) {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

/// Whether a line of code begins something unsafe.
fn is_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    ["unsafe {", "unsafe fn", "unsafe impl", "unsafe trait", "unsafe extern"]
        .iter()
        .any(|word| code.contains(word))
}
