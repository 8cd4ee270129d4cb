//! Words that the project must not contain.
//!
//! Only this file is exempt from the check.

use super::{File, Finding};

const SELF: &str = "xtask/src/tidy/words.rs";

/// Module names that say nothing about a module's content.
pub(super) const EMPTY_NAMES: [&str; 7] = ["common", "helper", "helpers", "misc", "types", "util", "utils"];

/// A forbidden text, and its remedy.
type Rule = (&'static str, &'static str);

/// Forbidden everywhere.
const UNFINISHED: [Rule; 8] = [
    ("todo!", "finish it or leave it out"),
    ("unimplemented!", "finish it or leave it out"),
    ("TODO", "finish it or leave it out"),
    ("FIXME", "repair it"),
    ("XXX", "say what is meant"),
    ("HACK", "do it properly or say why not"),
    ("utils", "name the module by the noun it holds"),
    ("placeholder", "put the real thing there"),
];

/// Forbidden outside tests: paths of one machine.
const MACHINE_PATHS: [Rule; 3] = [
    ("/home/", "use a path relative to the project"),
    ("/root/", "use a path relative to the project"),
    ("/tmp/", "use a path relative to the project, or the system's temporary folder"),
];

pub(super) fn check(file: &File, findings: &mut Vec<Finding>) {
    if file.path == SELF {
        return;
    }
    for (index, line) in file.text.lines().enumerate() {
        for (found, remedy) in broken(file, line) {
            findings.push(Finding::new(file, index + 1, format!("`{found}` stands here: {remedy}")));
        }
    }
}

/// Returns the rules that a line violates.
fn broken(file: &File, line: &str) -> Vec<Rule> {
    let in_code = file.is_rust() && !line.trim_start().starts_with("//");
    let mut broken: Vec<Rule> = UNFINISHED.into_iter().filter(|(word, _)| has_word(line, word)).collect();
    if !file.is_test() {
        broken.extend(MACHINE_PATHS.iter().filter(|(path, _)| has_path(line, path)));
    }
    if in_code && line.contains("#[ignore") {
        broken.push(("#[ignore", "make the test pass or remove it"));
    }
    broken
}

/// Returns whether a line contains a word on its own; an HTML attribute of that name does not count.
fn has_word(line: &str, word: &str) -> bool {
    let part_of_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(part_of_word)
            && !after.is_some_and(|letter| part_of_word(letter) || letter == '=')
    })
}

/// Returns whether a path starts in the line, rather than continuing a host or folder before it.
fn has_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|letter| letter.is_alphanumeric() || "._-}".contains(letter))
    })
}

#[cfg(test)]
mod tests {
    use super::{File, check};

    fn found(path: &str, line: &str) -> usize {
        let file = File { path: path.to_owned(), text: format!("{line}\n") };
        let mut findings = Vec::new();
        check(&file, &mut findings);
        findings.len()
    }

    #[test]
    fn unfinished_work_is_found_anywhere() {
        for line in ["todo!()", "// FIXME later", "a placeholder value", "use crate::utils;"] {
            assert_eq!(found("crates/a/src/lib.rs", line), 1, "{line}");
        }
        for line in ["<input placeholder=\"name\">", "methods", "XXXL", "my_utils_x"] {
            assert_eq!(found("crates/a/src/lib.rs", line), 0, "{line}");
        }
    }

    #[test]
    fn paths_of_one_machine_are_found_outside_tests() {
        assert_eq!(found("README.md", "see /home/me/notes"), 1);
        assert_eq!(found("tests/tests/a.rs", "see /home/me/notes"), 0);
        assert_eq!(found("README.md", "see https://host.example/home/me"), 0);
    }

    #[test]
    fn skipped_tests_are_found() {
        assert_eq!(found("crates/a/src/lib.rs", "#[ignore = \"slow\"]"), 1);
    }
}
