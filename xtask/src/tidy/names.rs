//! How files and modules may be named.

use std::path::Path;

use super::words::EMPTY_NAMES;
use super::{File, Finding};

pub(super) fn check(file: &File, findings: &mut Vec<Finding>) {
    if !file.is_rust() {
        return;
    }
    let path = Path::new(&file.path);
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if stem == "mod" {
        findings.push(Finding::new(file, 1, "name the file after its module (`foo.rs` beside `foo/`)"));
    }
    if EMPTY_NAMES.contains(&stem) {
        let text = format!("`{stem}` says nothing about its content: name the module by the noun it holds");
        findings.push(Finding::new(file, 1, text));
    }
}
