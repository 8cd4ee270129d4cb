//! Checks that every crate inherits its lints from the workspace.

use super::{File, Finding};

pub(super) fn check(file: &File, findings: &mut Vec<Finding>) {
    if file.path != "Cargo.toml" && !file.path.ends_with("/Cargo.toml") {
        return;
    }
    let manifest: toml::Table = match file.text.parse() {
        Ok(manifest) => manifest,
        Err(error) => {
            findings.push(Finding::new(
                file,
                1,
                format!("this is no TOML ({}): correct it", error.message()),
            ));
            return;
        }
    };
    let inherited =
        manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool);
    // A separate workspace has no parent to inherit from.
    let of_this_workspace = manifest.contains_key("package") && !manifest.contains_key("workspace");
    if of_this_workspace && inherited != Some(true) {
        findings.push(Finding::new(
            file,
            1,
            "the crate has lints of its own: write `[lints] workspace = true`",
        ));
    }
}
