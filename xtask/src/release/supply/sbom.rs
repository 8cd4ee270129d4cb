//! A bill of materials (CycloneDX 1.5) of one crate. The same tree gives the same bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use cargo_metadata::Package;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::tree::Tree;
use crate::release::registry::hex;

/// SHA-256 of a package's file, by name and version.
pub(super) type Checksums = BTreeMap<(String, String), String>;

/// Returns the checksums of packages from a registry.
pub(super) fn locked(root: &Path) -> Result<Checksums> {
    let text = fs::read_to_string(root.join("Cargo.lock")).context("cannot read Cargo.lock")?;
    let lock: toml::Table = text.parse().context("Cargo.lock is not TOML")?;
    let packages =
        lock.get("package").and_then(toml::Value::as_array).context("Cargo.lock lists no package")?;
    let read = |package: &toml::Value| {
        let text = |key: &str| Some(package.get(key)?.as_str()?.to_owned());
        Some(((text("name")?, text("version")?), text("checksum")?))
    };
    Ok(packages.iter().filter_map(read).collect())
}

/// Returns the document of a crate.
///
/// # Errors
///
/// Returns an error if a component has no licence or no checksum.
pub(super) fn text(tree: &Tree, name: &str, checksums: &Checksums) -> Result<String> {
    let packages = tree.of(name);
    let root = packages.iter().find(|package| *package.name == *name && package.source.is_none());
    let root = root.with_context(|| format!("{name} is not in the tree"))?;
    let others = packages.iter().filter(|package| package.id != root.id);
    let components: Vec<_> =
        others.map(|package| component(package, "library", checksums)).collect::<Result<_>>()?;
    let dependencies: Vec<_> = packages
        .iter()
        .map(|package| json!({ "ref": purl(package), "dependsOn": tree.direct(package).into_iter().map(purl).collect::<Vec<_>>() }))
        .collect();
    let kind =
        if root.targets.iter().any(cargo_metadata::Target::is_lib) { "library" } else { "application" };
    let mut document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": component(root, kind, checksums)? },
        "components": components,
        "dependencies": dependencies,
    });
    // Derived from the content rather than random, so that the same document has the same number.
    document["serialNumber"] = Value::String(serial(&document.to_string()));
    Ok(format!("{document:#}\n"))
}

fn component(package: &Package, kind: &str, checksums: &Checksums) -> Result<Value> {
    let licence = package.license.as_ref().with_context(|| format!("{} names no licence", package.name))?;
    let key = (package.name.to_string(), package.version.to_string());
    let checksum = checksums.get(&key).with_context(|| format!("{} {} has no checksum", key.0, key.1))?;
    Ok(json!({
        "type": kind,
        "bom-ref": purl(package),
        "name": package.name.as_str(),
        "version": key.1,
        "purl": purl(package),
        // The old notation of a choice.
        "licenses": [{ "expression": licence.replace(" / ", " OR ").replace('/', " OR ") }],
        "hashes": [{ "alg": "SHA-256", "content": checksum }],
    }))
}

fn purl(package: &Package) -> String {
    format!("pkg:cargo/{}@{}", package.name, package.version)
}

/// Returns a UUID (RFC 9562, version 8) derived from a content.
fn serial(content: &str) -> String {
    let mut bytes: [u8; 16] = [0; 16];
    bytes.iter_mut().zip(Sha256::digest(content)).for_each(|(byte, own)| *byte = own);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = hex(&bytes);
    let parts = [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]];
    format!("urn:uuid:{}", parts.join("-"))
}
