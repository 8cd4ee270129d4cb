//! Rules for the names of files and modules.

use std::path::Path;

use super::words::EMPTY_NAMES;
use super::{File, Finding};

pub(super) fn check(file: &File, findings: &mut Vec<Finding>) {
    if !file.is_rust() {
        return;
    }
    if Path::new(&file.path).file_stem().is_some_and(|stem| stem == "mod") {
        findings.push(Finding::new(file, 1, "name the file after its module (`foo.rs` beside `foo/`)"));
    }
    for part in file.path.split('/') {
        let name = part.strip_suffix(".rs").unwrap_or(part);
        if EMPTY_NAMES.contains(&name) {
            let text =
                format!("`{name}` says nothing about its content: name the module by the noun it holds");
            findings.push(Finding::new(file, 1, text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{EMPTY_NAMES, File, check};

    fn found(path: &str) -> usize {
        let mut findings = Vec::new();
        check(&File { path: path.to_owned(), text: String::new() }, &mut findings);
        findings.len()
    }

    #[test]
    fn an_empty_name_is_found_in_every_part_of_the_path() {
        for name in EMPTY_NAMES {
            assert_eq!(found(&format!("crates/a/src/{name}.rs")), 1, "{name}");
            assert_eq!(found(&format!("crates/a/src/{name}/url.rs")), 1, "{name}");
        }
        assert_eq!(found("crates/a/src/helpers/types.rs"), 2);
        assert_eq!(found("crates/a/src/url.rs"), 0);
    }

    #[test]
    fn a_module_file_named_mod_is_found() {
        assert_eq!(found("crates/a/src/url/mod.rs"), 1);
    }
}
