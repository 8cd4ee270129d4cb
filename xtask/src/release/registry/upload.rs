//! The body of an upload, and the index line made from it.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// A crate as cargo uploads it.
pub(super) struct Upload {
    pub(super) name: String,
    pub(super) version: String,
    /// The line of the index.
    pub(super) line: String,
    /// The compressed package.
    pub(super) file: Vec<u8>,
}

impl Upload {
    /// Reads two parts, each preceded by its length as four bytes: a description in JSON, and the package.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let (description, rest) = part(body)?;
        let (file, _) = part(rest)?;
        let description: Map<String, Value> = serde_json::from_slice(description).ok()?;
        let text = |key: &str| Some(description.get(key)?.as_str()?.to_owned());
        let (name, version) = (text("name")?, text("vers")?);
        let dependencies: Option<Vec<_>> =
            description.get("deps")?.as_array()?.iter().map(dependency).collect();
        let line = json!({
            "name": name,
            "vers": version,
            "deps": dependencies?,
            "cksum": hex(&Sha256::digest(file)),
            "features": description.get("features"),
            "yanked": false,
            "links": description.get("links"),
            "rust_version": description.get("rust_version"),
            "v": 2,
        });
        Some(Self { name, version, line: line.to_string(), file: file.to_owned() })
    }
}

fn part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
}

/// Converts a dependency to the form of the index, which lists a renamed one under its new name.
fn dependency(uploaded: &Value) -> Option<Value> {
    let mut dependency = uploaded.as_object()?.clone();
    let wanted = dependency.remove("version_req")?;
    dependency.insert("req".to_owned(), wanted);
    if let Some(renamed) = dependency.remove("explicit_name_in_toml").filter(|name| !name.is_null()) {
        let package = dependency.insert("name".to_owned(), renamed)?;
        dependency.insert("package".to_owned(), package);
    }
    Some(dependency.into())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
